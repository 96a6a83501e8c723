"""Applications of your own beside Steward's: what EXTRA_APPS names, and where its routes lie."""

import re
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.urls import URLResolver, include, path
from django.utils.module_loading import module_has_submodule

# What the API keeps below /api/ for its own versions.
VERSION = re.compile(r"v\d+")


def extra_apps() -> list[AppConfig]:
    """The apps that EXTRA_APPS names: the last ones of INSTALLED_APPS."""
    names = settings.EXTRA_APPS
    return list(apps.get_app_configs())[-len(names) :] if names else []


def routes() -> list[URLResolver]:
    """`/api/<label>/` for each extra app that has a `urls.py`."""
    return [
        path(f"api/{app.label}/", include(f"{app.name}.urls"))
        for app in extra_apps()
        if app.module is not None and module_has_submodule(app.module, "urls")
    ]


def check_labels(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{app.name} in EXTRA_APPS would be served at /api/{app.label}/, which the API keeps"
            " for its own versions.",
            hint=f"Give {type(app).__name__} another `label`.",
            id="common.E001",
        )
        for app in extra_apps()
        if VERSION.fullmatch(app.label)
    ]
