"""Namespaces: made at first use, changed by staff, invalidated in one write."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from common.models import update_returning
from querycache import statements
from querycache.errors import TooManyNamespaces
from querycache.models import DEFAULT_NAMESPACE, Namespace


def ensure_namespace(*, name: str) -> None:
    """Make the namespace with the defaults, unless it is there.

    Raises TooManyNamespaces.
    """
    with transaction.atomic():
        # Whoever makes one locks the oldest, so that the count has what others have just made.
        Namespace.objects.select_for_update(no_key=True).order_by("pk").first()
        others = Namespace.objects.exclude(name=name).count()
        if others >= settings.CACHE_MAX_NAMESPACES:
            raise TooManyNamespaces(
                f"The cache has {others} namespaces already; {name!r} is not made. Use one of them,"
                " or raise CACHE_MAX_NAMESPACES.",
                max_namespaces=settings.CACHE_MAX_NAMESPACES,
            )
        Namespace.objects.bulk_create([Namespace(name=name)], ignore_conflicts=True)


def ensure_default() -> None:
    """Make the namespace that requests without a name use."""
    Namespace.objects.bulk_create([Namespace(name=DEFAULT_NAMESPACE)], ignore_conflicts=True)


def change_namespace(*, namespace_id: int, changes: Mapping[str, Any]) -> Namespace:
    """Set a namespace's numbers and sharing; stores and look-ups obey at once.

    Lower caps take effect with the next stores, or with `maintain`. Entries keep their owners: what
    was private stays so when the namespace becomes shared, and is not served any more.
    """
    with transaction.atomic():
        namespace = Namespace.objects.select_for_update(no_key=True).get(pk=namespace_id)
        for name, value in changes.items():
            setattr(namespace, name, value)
        namespace.save(update_fields=list(changes))
    return namespace


def invalidate(
    *,
    namespace: str,
    at: datetime.datetime,
    tags: Sequence[str] = (),
    model: str | None = None,
) -> int:
    """End what is stored with one of the tags, by the model, or all of it.

    Without tags and model it is all. One write, whatever the number of entries, which the very next
    look-up in any process obeys. Answers that are being made meanwhile are ended, too. Returns the
    namespace's epoch. Raises TooManyNamespaces.
    """
    ensure_missing(namespace)
    if not tags and model is None:
        rows = update_returning(
            Namespace.objects.filter(name=namespace), ["epoch"], epoch=F("epoch") + 1
        )
        return int(rows[0]["epoch"])
    namespace_id, epoch = Namespace.objects.values_list("id", "epoch").get(name=namespace)
    # In one order, so that two who name the same tags do not wait for each other crosswise.
    names = sorted(stored_tags(tags, model))
    statements.invalidate_tags(namespace_id=namespace_id, names=names, at=at)
    return epoch


def ensure_missing(name: str) -> None:
    """Make the namespace if it is not there: one read when it is."""
    if not Namespace.objects.filter(name=name).exists():
        ensure_namespace(name=name)


def stored_tags(tags: Sequence[str], model: str | None) -> list[str]:
    """What an entry with these tags and this model carries; the prefixes keep the two apart."""
    names = [f"tag:{tag}" for tag in dict.fromkeys(tags)]
    return [*names, f"model:{model}"] if model else names
