"""What an app adds to Steward, and where the routes of an app of your own lie."""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.db import connections
from django.db.models.signals import post_migrate
from django.urls import URLResolver, include
from django.urls import path as route
from django.utils.module_loading import import_string, module_has_submodule

# What the API keeps below /api/ for its own versions.
VERSION = re.compile(r"v\d+")

Paths = str | tuple[str, ...]


class StewardAppConfig(AppConfig):
    """An app that adds something to `migrate`, `verify`, `maintain`, health, metrics or erasure.

    Each name is the dotted path of what is added, such as "shop.triggers.TRIGGERS", or several
    paths of lists. They are imported when the models are there; a path that leads nowhere is an
    ImportError at the start.
    """

    # Django takes the one class of an apps.py whose `default` is true: not this one, imported.
    default = False

    # list[Trigger]: made by `migrate` (common/schema/triggers.py).
    triggers: Paths = ()
    # Callable[[], None]: makes rows that every installation has, after `migrate`, where they are
    # missing; what staff changed in them stays.
    initial_data: Paths = ()
    # list[Check | Head | Repair]: `verify` (common/declarations.py, as the next three).
    verify_checks: Paths = ()
    # list[Task]: `maintain`.
    maintenance_tasks: Paths = ()
    # list[HealthCheck]: /health/detailed.
    health_checks: Paths = ()
    # list[StoredGauge]: /metrics.
    stored_gauges: Paths = ()
    # PrivacyHooks: what `class Privacy` of the models cannot say (common/privacy.py).
    privacy_hooks: Paths = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.default = vars(cls).get("default", True)


NAMES = (
    "triggers", "initial_data", "verify_checks", "maintenance_tasks", "health_checks",
    "stored_gauges", "privacy_hooks",
)  # fmt: skip


def declared(name: str) -> Iterator[tuple[str, Any]]:
    """What the apps declare under one of NAMES, with their labels, in the order of the apps."""
    for app in apps.get_app_configs():
        if isinstance(app, StewardAppConfig):
            paths = getattr(app, name)
            for path in [paths] if isinstance(paths, str) else paths:
                yield app.label, import_string(path)


class CommonConfig(StewardAppConfig):
    name = "common"
    verify_checks = "common.schema.verify_checks.CHECKS"

    def ready(self) -> None:
        from common import privacy
        from common.schema import database_triggers

        for name in NAMES:
            list(declared(name))
        # The only signal in this project.
        post_migrate.connect(add_initial_data, dispatch_uid="initial_data.add")
        checks.register(database_triggers.check_triggers, checks.Tags.database)
        checks.register(check_labels)
        checks.register(privacy.check_names)


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site."""

    default = False
    default_site = "common.admin.site.AdminSite"


# Initial data


def add_initial_data(sender: AppConfig, using: str, apps: Any = apps, **kwargs: Any) -> None:
    """After `migrate`: the rows that the app declares, where they are missing."""
    adding = [add for label, add in declared("initial_data") if label == sender.label]
    if adding and _is_migrated(sender, using, apps):
        for add in adding:
            add()


def _is_migrated(sender: AppConfig, using: str, then: Any) -> bool:
    """Whether the app's tables are as its code has them: a migration backwards takes some away.

    `then` are the models as they are after the migration.
    """
    tables = set(connections[using].introspection.table_names())
    known = {model._meta.db_table: model for model in then.get_models() if model._meta.managed}
    return all(
        table in tables and table in known and _columns(known[table]) == _columns(model)
        for table, model in ((model._meta.db_table, model) for model in sender.get_models())
    )


def _columns(model: Any) -> set[str]:
    return {field.column for field in model._meta.concrete_fields}


# Apps of your own


def extra_apps() -> list[AppConfig]:
    """The apps that EXTRA_APPS names: the last ones of INSTALLED_APPS."""
    names = settings.EXTRA_APPS
    return list(apps.get_app_configs())[-len(names) :] if names else []


def extra_routes() -> list[URLResolver]:
    """`/api/<label>/` for each extra app that has a `urls.py`."""
    return [
        route(f"api/{app.label}/", include(f"{app.name}.urls"))
        for app in extra_apps()
        if app.module is not None and module_has_submodule(app.module, "urls")
    ]


def check_labels(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"{app.name} in EXTRA_APPS would be served at /api/{app.label}/, which the API keeps"
            " for its own versions.",
            hint=f"Give {type(app).__name__} another `label`.",
            id="common.E001",
        )
        for app in extra_apps()
        if VERSION.fullmatch(app.label)
    ]
