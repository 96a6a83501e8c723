"""What is wrong with the settings of consent, told before the application starts."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.urls import get_resolver

from consent.gates import known_purposes
from consent.services.texts import LOCALE, canonical_locale


@checks.register
def check_gates(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    # Views and the services they call are loaded with their addresses.
    get_resolver().url_patterns  # noqa: B018
    unknown = sorted(set(settings.CONSENT_GATES) - known_purposes)
    if not unknown:
        return []
    return [
        checks.Error(
            f"CONSENT_GATES names {', '.join(unknown)}, which no gate asks for.",
            hint=f"Gates ask for: {', '.join(sorted(known_purposes))}.",
            id="consent.E001",
        )
    ]


@checks.register
def check_default_locale(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    locale = settings.CONSENT_DEFAULT_LOCALE
    if LOCALE.fullmatch(locale) and canonical_locale(locale) == locale:
        return []
    return [
        checks.Error(
            f"CONSENT_DEFAULT_LOCALE={locale!r} is no locale.",
            hint="Set it to one such as en or pt-BR, in these cases of letters.",
            id="consent.E002",
        )
    ]
