"""What persons say in the tests, at fixed times; and the folds that reports must agree with."""

import datetime
from typing import Any

from django.db import connection, transaction

from common import declarations
from common.declarations import Check
from consent.models import ConsentEvent, ConsentState, PolicyVersion, Purpose
from consent.services import answers, texts
from consent.verify_checks import CHECKS

MOMENT = datetime.datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
DAY = datetime.timedelta(days=1)
TERMS = "We keep what you write.\n"


def publish(
    purpose: str = "marketing",
    version: int = 1,
    *,
    text: str = "",
    locale: str = "en",
    material: bool = False,
    at: datetime.datetime = MOMENT,
) -> PolicyVersion:
    return texts.publish_policy(
        purpose=purpose,
        version=version,
        locale=locale,
        text=text or f"{TERMS}{purpose} {version} {locale}",
        material=material,
        at=at,
    )[0]


def say(
    purpose: str = "marketing",
    granted: bool = True,
    version: int | None = None,
    *,
    user_id: str = "ann",
    at: datetime.datetime = MOMENT,
    source: str = "api",
    locale: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The item of the purpose after it."""
    return answers.record_answers(
        user_id=user_id,
        answers=[
            answers.ConsentDecision(purpose=purpose, granted=granted, version=version, **more)
        ],
        source=source,
        actor="key:tests",
        at=at,
        locale=locale,
    ).row.items[0]


def valid_for(days: int, purpose: str = "marketing") -> None:
    """From now on a consent to the purpose expires."""
    Purpose.objects.filter(key=purpose).update(default_validity_days=days)


def events(user_id: str = "ann") -> list[tuple[str, str]]:
    rows = ConsentEvent.objects.filter(person__user_id=user_id).order_by("sequence")
    return list(rows.values_list("purpose_id", "action"))


def item(items: list[dict[str, Any]], purpose: str = "marketing") -> dict[str, Any]:
    return next(one for one in items if one["purpose"] == purpose)


def drift(checks: list[Check] = CHECKS) -> list[str]:
    """What `verify` says of consent."""
    return [sentence for check in checks for sentence in check.find()]


def missing_triggers() -> list[str]:
    [check] = [check for check in declarations.checks() if check.name == "triggers"]
    return list(check.find())


def execute(sql: str, parameters: Any = None) -> int:
    """Raw SQL, all or nothing; returns how many rows it met."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def fold(user_id: str, until: datetime.datetime | None = None) -> dict[str, tuple[Any, ...]]:
    """The state of each purpose from the events alone: the last by sequence counts."""
    state: dict[str, tuple[Any, ...]] = {}
    for event in ConsentEvent.objects.filter(person__user_id=user_id).order_by("sequence"):
        if until is None or event.recorded_at <= until:
            since = event.expires_at if event.action == "expired" else event.recorded_at
            state[event.purpose_id] = (
                event.granted, event.pk, event.policy_version_id, since, event.expires_at,
            )  # fmt: skip
    return state


def states(user_id: str) -> dict[str, tuple[Any, ...]]:
    """The stored projection, in the shape of `fold`."""
    return {
        state.purpose_id: (
            state.granted,
            state.event_id,
            state.policy_version_id,
            state.since,
            state.expires_at,
        )  # fmt: skip
        for state in ConsentState.objects.filter(person__user_id=user_id)
    }
