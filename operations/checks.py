"""System checks: what must be right before Steward starts, each with what to set."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db.backends.postgresql import psycopg_any

from operations import traces

RANDOM = (
    'Set it to 50 random characters: python -c "import secrets; print(secrets.token_urlsafe(50))".'
)
SECRET_MIN_LENGTH = 50
# Of 50 random characters there are more, in hex as well.
SECRET_MIN_DISTINCT = 10


@register
def check_driver(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    # Django takes psycopg 3 wherever it imports, and the pool is made for psycopg2.
    if not psycopg_any.is_psycopg3:
        return []
    return [
        Error(
            "psycopg (version 3) is installed, and Django would use it instead of psycopg2.",
            hint="Run `pip uninstall psycopg psycopg-binary psycopg-c`.",
            id="operations.E001",
        )
    ]


@register
def check_engine(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine.startswith("operations."):
        return []
    return [
        Error(
            f"DATABASE_URL asks for {engine}; Steward's rules live in PostgreSQL or SQLite alone.",
            hint="Set DATABASE_URL=postgresql://… or sqlite:///path.",
            id="operations.E006",
        )
    ]


@register
def check_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.PRODUCTION:
        return []
    refusals = [
        (
            not settings.DATABASE_URL_GIVEN,
            "DATABASE_URL is not set, and production does not run on the file database.",
            "Set DATABASE_URL=postgresql://user:password@host:5432/name.",
            "operations.E002",
        ),
        (
            not settings.SECRET_KEY_GIVEN,
            "SECRET_KEY is not set.",
            RANDOM,
            "operations.E003",
        ),
        (
            settings.SECRET_KEY_GIVEN and _is_weak(settings.SECRET_KEY),
            "SECRET_KEY is too short or too plain: whoever guesses it signs log-ins of their own.",
            RANDOM,
            "operations.E003",
        ),
        (
            any(_is_weak(key) for key in settings.SECRET_KEY_FALLBACKS),
            "SECRET_KEY_FALLBACKS has a key that is too short or too plain, and is taken all the"
            " same.",
            "Take it out. Staff log in once more.",
            "operations.E003",
        ),
        (
            settings.DEBUG,
            "DEBUG is on, which shows internals to strangers.",
            "Unset DEBUG, or set DEBUG=false.",
            "operations.E004",
        ),
        (
            not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS,
            "ALLOWED_HOSTS names no host, or every host.",
            "Set ALLOWED_HOSTS to the names that clients use, separated by commas.",
            "operations.E005",
        ),
    ]
    return [
        Error(message, hint=hint, id=name) for broken, message, hint, name in refusals if broken
    ]


def _is_weak(key: str) -> bool:
    return len(key) < SECRET_MIN_LENGTH or len(set(key)) < SECRET_MIN_DISTINCT


@register
def check_packages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{setting} is set, and its packages are not installed.",
            hint=f"Run `pip install {packages}`, or leave it empty.",
            id="operations.E007",
        )
        for setting, (modules, packages) in traces.NEEDS.items()
        if getattr(settings, setting) and not all(map(_is_installed, modules))
    ]


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package that it is in
        return False
