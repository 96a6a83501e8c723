"""Rows that every installation has, such as tiers: made after `migrate` where they are missing.

What staff changed in them stays.
"""

from collections.abc import Callable
from typing import Any

from django.apps import AppConfig
from django.db import connections

_registered: dict[str, Callable[[], None]] = {}


def register(app_label: str, ensure: Callable[[], None]) -> None:
    """`ensure` makes the app's rows that are missing."""
    _registered[app_label] = ensure


def ensure_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    if sender.label in _registered and _is_migrated(sender, using):
        _registered[sender.label]()


def _is_migrated(sender: AppConfig, using: str) -> bool:
    # A migration backwards may have taken the tables away.
    tables = set(connections[using].introspection.table_names())
    return all(model._meta.db_table in tables for model in sender.get_models())
