"""Reads that span purposes, texts, events and states."""

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Count, F
from django.db.models.functions import TruncDate

from common.prepared import prepared
from consent.models import (
    ConsentChain,
    ConsentEvent,
    ConsentEventQuerySet,
    ConsentState,
    ConsentStateQuerySet,
    PolicyVersion,
    Purpose,
)

PURPOSE_COLUMNS = (
    "key", "title", "required", "default_validity_days", "text_id", "text_version", "text_locale",
    "text_sha256", "material_version",
)  # fmt: skip
STATE_COLUMNS = ("purpose_id", "granted", "since", "expires_at", "policy_version__version")


def purposes(
    *, locale: str | None = None, at: datetime.datetime, keys: Iterable[str] | None = None
) -> dict[str, dict[str, Any]]:
    """The purposes by key, each with the text that is current at that time; one statement.

    That is the text in `locale`, else in its language, else in CONSENT_DEFAULT_LOCALE, else in any.
    """
    rows = {row["key"]: row for row in _purposes.all(**_locales(locale), at=at)}
    return rows if keys is None else {key: rows[key] for key in keys if key in rows}


@prepared()
def _purposes(*, locale: str, language: str, fallback: str, at: datetime.datetime) -> Any:
    texts = Purpose.objects.with_text(locales=(locale, language, fallback), at=at)
    return texts.order_by("id").values(*PURPOSE_COLUMNS)


def _locales(locale: str | None) -> dict[str, str]:
    fallback: str = settings.CONSENT_DEFAULT_LOCALE
    locale = locale or fallback
    return {"locale": locale, "language": locale.partition("-")[0], "fallback": fallback}


def consent_of(
    user_id: str, *, at: datetime.datetime, locale: str | None = None
) -> list[dict[str, Any]]:
    """What counts for the person at this moment: one item for each purpose; one statement."""
    rows = _consent.all(user_id=user_id, **_locales(locale), at=at)
    return [item(row, _state_in(row), at=at) for row in rows]


@prepared()
def _consent(
    *, user_id: str, locale: str, language: str, fallback: str, at: datetime.datetime
) -> Any:
    texts = Purpose.objects.with_text(locales=(locale, language, fallback), at=at)
    columns = ("key", "required", "material_version", *(f"state__{name}" for name in STATE_COLUMNS))
    return texts.with_state_of(user_id).order_by("id").values(*columns)


def _state_in(row: dict[str, Any]) -> dict[str, Any] | None:
    if row["state__purpose_id"] is None:
        return None
    return {name: row[f"state__{name}"] for name in STATE_COLUMNS}


def standing(
    states: ConsentStateQuerySet, *, at: datetime.datetime, locale: str | None = None
) -> list[dict[str, Any]]:
    """The same of these states, which are one person's; two statements."""
    return _items(states.values(*STATE_COLUMNS), at=at, locale=locale)


def consent_as_of(
    user_id: str, *, at: datetime.datetime, locale: str | None = None
) -> list[dict[str, Any]]:
    """The same at an earlier time: the fold of the events recorded by then; two statements."""
    return folded(ConsentEvent.objects.for_user(user_id).recorded_by(at), at=at, locale=locale)


def consent_after(
    user_id: str, *, sequence: int, at: datetime.datetime, locale: str | None = None
) -> list[dict[str, Any]]:
    """The same right after an event, which was recorded at that time; two statements."""
    events = ConsentEvent.objects.for_user(user_id).filter(sequence__lte=sequence)
    return folded(events, at=at, locale=locale)


def folded(
    events: ConsentEventQuerySet, *, at: datetime.datetime, locale: str | None = None
) -> list[dict[str, Any]]:
    """What counts by these events, which are one person's; two statements."""
    columns = ("purpose_id", "action", "granted", "recorded_at", "expires_at",
               "policy_version__version")  # fmt: skip
    latest = events.latest_by_purpose().values(*columns)
    states = [row | {"since": _since(row)} for row in latest]
    return _items(states, at=at, locale=locale)


def _since(event: dict[str, Any]) -> datetime.datetime:
    moment = "expires_at" if event["action"] == ConsentEvent.Action.EXPIRED else "recorded_at"
    since: datetime.datetime = event[moment]
    return since


def _items(
    states: Iterable[dict[str, Any]], *, at: datetime.datetime, locale: str | None
) -> list[dict[str, Any]]:
    answered = {state["purpose_id"]: state for state in states}
    return [
        item(purpose, answered.get(key), at=at)
        for key, purpose in purposes(locale=locale, at=at).items()
    ]


def item(
    purpose: dict[str, Any], state: dict[str, Any] | None, *, at: datetime.datetime
) -> dict[str, Any]:
    """What the API shows of one purpose and the person's state in it, as of that time."""
    if state is None:
        known = dict.fromkeys(("since", "expires_at", "policy_version"))
        return _shown(purpose, granted=False, **known, action_needed="accept")
    version, expires_at = state["policy_version__version"], state["expires_at"]
    is_expired = expires_at is not None and expires_at <= at
    granted = state["granted"] and not is_expired
    if is_expired:
        action_needed = "renew"
    elif granted and (purpose["material_version"] or 0) > (version or 0):
        action_needed = "update"
    else:
        action_needed = "none"
    return _shown(
        purpose,
        granted=granted,
        since=expires_at if is_expired else state["since"],
        expires_at=expires_at,
        policy_version=version,
        action_needed=action_needed,
    )


def _shown(purpose: dict[str, Any], **known: Any) -> dict[str, Any]:
    return {"purpose": purpose["key"], "required": purpose["required"], **known}


def granting(
    user_ids: list[str], purpose: str, *, at: datetime.datetime
) -> dict[str, dict[str, Any]]:
    """The state of each of these persons in one purpose, by their id; one statement."""
    states = ConsentState.objects.filter(person__user_id__in=user_ids, purpose__key=purpose)
    rows: Any = states.values(*STATE_COLUMNS, user_id=F("person__user_id"))
    return {row["user_id"]: row for row in rows}


def current_texts(*, locale: str | None, at: datetime.datetime) -> list[dict[str, Any]]:
    """The text of each purpose that has one, for that locale; two statements."""
    ids = [row["text_id"] for row in purposes(locale=locale, at=at).values() if row["text_id"]]
    texts = PolicyVersion.objects.filter(pk__in=ids).order_by("purpose__id")
    return [policy_json(text) for text in texts]


def policy_json(text: PolicyVersion) -> dict[str, Any]:
    """A text as the API shows it."""
    return {
        "purpose": text.purpose_id,
        "version": text.version,
        "locale": text.locale,
        "text": text.text,
        "text_sha256": text.text_sha256,
        "published_at": text.published_at,
        "material": text.material,
    }


def texts_agreed_to(user_id: str) -> tuple[str, list[dict[str, Any]]]:
    """The texts that the person's events name, for their export."""
    named = ConsentEvent.objects.for_user(user_id).values("policy_version")
    texts = PolicyVersion.objects.filter(pk__in=named).order_by("pk")
    return "texts_agreed_to", [{"policy_version": text.pk} | policy_json(text) for text in texts]


# For staff


def totals(*, at: datetime.datetime) -> list[dict[str, Any]]:
    """For each purpose how many persons agree now, how many do not, and the share that agrees.

    The share is of all persons who have answered anything, in percent with one decimal.
    """
    persons = ConsentChain.objects.filter(last_sequence__gt=0).count()
    answered = _persons_by_purpose(ConsentState.objects.all())
    agreeing = _persons_by_purpose(ConsentState.objects.granting(at=at))
    return [
        {
            "purpose": key,
            "title": title,
            "persons": persons,
            "agreeing": agreeing[key],
            "not_agreeing": answered[key] - agreeing[key],
            "share_percent": round(100 * agreeing[key] / persons, 1) if persons else 0.0,
        }
        for key, title in Purpose.objects.order_by("id").values_list("key", "title")
    ]


def _persons_by_purpose(states: ConsentStateQuerySet) -> Counter[str]:
    rows = states.order_by().values_list("purpose__key").annotate(persons=Count("id"))
    return Counter(dict(rows))


def changes(*, since: datetime.datetime, until: datetime.datetime) -> list[dict[str, Any]]:
    """How many events of each purpose and action were recorded on each day (UTC) of a period."""
    counted: Any = (
        ConsentEvent.objects.filter(recorded_at__gte=since, recorded_at__lt=until)
        .annotate(day=TruncDate("recorded_at"))
        .order_by("-day", "purpose_id", "action")
        .values("day", "purpose_id", "action")
        .annotate(events=Count("id"))
    )
    return list(counted)
