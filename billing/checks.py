"""System checks: what must be right for views to be paid, each with what to set."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

from billing.costs import declared, is_decorated

SHORTEST_KEY = 32


@register
def check_paid_routes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.ROOT_URLCONF:
        return []
    served = list(routes(get_resolver().url_patterns))
    return [*_transactions(served), *_costs({name for name, _ in served})]


@register
def check_seal_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if all(len(key) >= SHORTEST_KEY for key in settings.LEDGER_SEAL_KEYS if key not in _log_ins()):
        return []
    return [
        Error(
            f"LEDGER_SEAL_KEY or a fallback has fewer than {SHORTEST_KEY} characters: who guesses"
            " it can seal a forged ledger.",
            hint='Set it to random characters: python -c "import secrets;'
            ' print(secrets.token_urlsafe(50))".',
            id="billing.E003",
        )
    ]


def _log_ins() -> set[str]:
    """Keys that operations.E003 looks at."""
    return {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS}


def routes(patterns: Any, namespaces: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each route's name, as ResolverMatch.view_name gives it, and its view."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from routes(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            name = pattern.name or pattern.lookup_str
            yield ":".join((*namespaces, name)), pattern.callback


def _transactions(served: list[tuple[str, Any]]) -> list[CheckMessage]:
    """No transaction may be open while a paid view runs: it would keep the hold from others."""
    aliases = {name for name, database in settings.DATABASES.items() if _is_atomic(database)}
    paid = {
        name
        for name, view in served
        if (name in settings.CREDITS_COSTS or is_decorated(view))
        and aliases - getattr(view, "_non_atomic_requests", set())
    }
    return [
        Error(
            f"ATOMIC_REQUESTS would keep a transaction open while the paid view {name!r} runs.",
            hint="Turn ATOMIC_REQUESTS off, or decorate the view with non_atomic_requests.",
            id="billing.E001",
        )
        for name in sorted(paid)
    ]


def _is_atomic(database: dict[str, Any]) -> bool:
    return bool(database.get("ATOMIC_REQUESTS"))


def _costs(names: set[str]) -> list[CheckMessage]:
    """A wrong name would make a paid view free without a word."""
    refusals = []
    for name, cost in settings.CREDITS_COSTS.items():
        try:
            declared(cost)
        except ValueError as error:
            refusals.append((f"CREDITS_COSTS of {name!r}: {error}", "Give it a cost from 0."))
        if name not in names:
            refusals.append(
                (f"CREDITS_COSTS names {name!r}; no route has this name.", "Give a route's name.")
            )
    return [Error(message, hint=hint, id="billing.E002") for message, hint in refusals]
