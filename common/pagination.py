"""Lists: `{"results": […], "next": url|null}` with keyset cursors.

A page continues after the last row's key, so page 1,000 costs what page 1 costs and rows with equal
times are neither lost nor repeated (DRF's CursorPagination loses them).
"""

import base64
import binascii
import datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from common import errors
from common.models import iso_time
from common.serializers import Integer, StrictSerializer, Text

MAX_LIMIT = 200


class ListQuery(StrictSerializer):
    """The query of every list: how many rows, and where to go on."""

    limit = Integer(default=50, min_value=1, max_value=MAX_LIMIT, help_text="Rows in one page.")
    cursor = Text(required=False, max_length=500, help_text="From the `next` of the page before.")


def page(
    request: Request,
    queryset: QuerySet[Any, dict[str, Any]],
    *,
    order: str,
    limit: int,
    cursor: str | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a `.values()` queryset and the address of the next one, in one statement.

    `order` is a field, with `-` for descending. The rows must hold it and `id`, by which equal
    values are told apart. Raises InvalidCursor.
    """
    descending = order.startswith("-")
    field = order.lstrip("-")
    if cursor is not None:
        queryset = queryset.filter(_after(queryset, field, descending, _read(cursor, order)))
    sign = "-" if descending else ""
    rows = list(queryset.order_by(f"{sign}{field}", f"{sign}id")[: limit + 1])
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    following = _write(order, rows[-1][field], rows[-1]["id"])
    return rows, replace_query_param(request.build_absolute_uri(), "cursor", following)


def _after(queryset: QuerySet[Any, Any], field: str, descending: bool, key: list[Any]) -> Q:
    try:
        value = queryset.model._meta.get_field(field).to_python(key[0])
        if isinstance(value, datetime.datetime):
            if value.tzinfo is None:
                raise _invalid()
            value = value.astimezone(datetime.UTC)
    except (ValidationError, TypeError, OverflowError):
        raise _invalid() from None
    side = "lt" if descending else "gt"
    # `a <= x AND (a < x OR id < y)` walks the index; the plain OR of two cases does not (measured
    # on PostgreSQL at a depth of 99,000 rows: 0.08 ms against 65 ms).
    return Q(**{f"{field}__{side}e": value}) & (
        Q(**{f"{field}__{side}": value}) | Q(**{f"id__{side}": key[1]})
    )


def cursor_after(order: str, value: Any, row_id: int) -> str:
    """A cursor that continues after the row with this value and id."""
    return _write(order, value, row_id)


def _write(order: str, value: Any, row_id: int) -> str:
    shown = iso_time(value) if isinstance(value, datetime.datetime) else value
    return base64.urlsafe_b64encode(orjson.dumps([order, shown, row_id])).decode().rstrip("=")


def _read(cursor: str, order: str) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    match key:
        case [str(named), str() | int() as value, int(row_id)] if named == order:
            if isinstance(value, bool) or not -(2**63) <= row_id < 2**63:
                raise _invalid()
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise _invalid()
            return [value, row_id]
    raise _invalid()


def _invalid() -> errors.InvalidCursor:
    return errors.InvalidCursor(
        "Use the address in `next` as it was given, or begin without a cursor."
    )


class PageResponse(serializers.Serializer[Any]):
    """Documentation only: the envelope around `results`."""

    next = serializers.URLField(allow_null=True, read_only=True)
