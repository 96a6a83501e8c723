"""Rows that every installation has, such as tiers: made after `migrate` where they are missing.

What staff changed in them stays.
"""

from collections.abc import Callable
from typing import Any

from django.apps import AppConfig
from django.apps import apps as current_apps
from django.db import connections

_registered: dict[str, Callable[[], None]] = {}


def register(app_label: str, ensure: Callable[[], None]) -> None:
    """`ensure` makes the app's rows that are missing."""
    _registered[app_label] = ensure


def ensure_after_migrate(
    sender: AppConfig, using: str, apps: Any = current_apps, **kwargs: Any
) -> None:
    if sender.label in _registered and _is_migrated(sender, using, apps):
        _registered[sender.label]()


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
