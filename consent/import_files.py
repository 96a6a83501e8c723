"""The original's consents as JSON lines: what a line may hold, and what is wrong with it."""

import datetime
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from common.models import validate_user_id
from consent.services import imports

FIELDS = {"user_id", "terms_accepted", "marketing_consent", "timestamp", "updated_at"}


class BadLine(Exception):
    """A line that cannot be imported; its text says why."""


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The file's lines with their numbers, from 1; empty ones are left out."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.strip()


def read_line(line: bytes, *, at: datetime.datetime) -> imports.ImportedConsent:
    """One person's consent. Raises BadLine. Times without a zone are UTC, as the original's are."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadLine(f"it is not JSON ({error})") from error
    if not isinstance(row, dict):
        raise BadLine("it is not a JSON object")
    unknown = sorted(set(row) - FIELDS)
    if unknown:
        raise BadLine(f"it has unknown fields: {', '.join(unknown)}")
    said_at = _time(row, "timestamp", at)
    changed_at = _time(row, "updated_at", at) if row.get("updated_at") is not None else said_at
    if changed_at < said_at:
        raise BadLine("updated_at is before timestamp")
    return imports.ImportedConsent(
        user_id=_user_id(row),
        terms_accepted=_answer(row, "terms_accepted"),
        marketing_consent=_answer(row, "marketing_consent"),
        said_at=said_at,
        changed_at=changed_at,
        row_sha256=hashlib.sha256(line).hexdigest(),
    )


def _user_id(row: dict[str, Any]) -> str:
    user_id = row.get("user_id")
    if not isinstance(user_id, str):
        raise BadLine("user_id is missing or no text")
    try:
        validate_user_id(user_id)
    except ValidationError as error:
        raise BadLine(" ".join(error.messages)) from error
    return user_id


def _answer(row: dict[str, Any], name: str) -> bool:
    answer = row.get(name)
    if not isinstance(answer, bool):
        raise BadLine(f"{name} is not true or false")
    return answer


def _time(row: dict[str, Any], name: str, at: datetime.datetime) -> datetime.datetime:
    given = row.get(name)
    try:
        moment = parse_datetime(given) if isinstance(given, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise BadLine(f"{name} is not a time such as 2025-05-03T12:00:00Z")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    try:
        moment = moment.astimezone(datetime.UTC)
    except OverflowError:
        raise BadLine(f"{name} is not within the years 1 to 9999 in UTC") from None
    if moment > at:
        raise BadLine(f"{name} lies in the future")
    return moment
