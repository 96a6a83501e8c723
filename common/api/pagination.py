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
from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from common import errors
from common.api.serializers import Integer, StrictSerializer, Text
from common.models import PAGE_BYTES, RawJSON, iso_time

MAX_PAGE_ROWS = 200


class ListQuery(StrictSerializer):
    """The query of every list: how many rows, and where to go on."""

    limit = Integer(default=50, min_value=1, max_value=MAX_PAGE_ROWS, help_text="Rows in one page.")
    cursor = Text(required=False, max_length=500, help_text="From the `next` of the page before.")


def page(
    request: Request,
    queryset: QuerySet[Any, dict[str, Any]],
    *,
    order: str,
    limit: int,
    cursor: str | None = None,
    ends_at: int | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a `.values()` queryset and the address of the next one, in one statement.

    `order` is a field, with `-` for descending. The rows must hold it and `id`, by which equal
    values are told apart. With `metadata_of_page` among them the page ends before the row with
    which it would pass PAGE_BYTES; large metadata takes a second statement. Where the queryset is
    cut already, `ends_at` is the value in the last row of the whole list. Raises InvalidCursor.
    """
    field = order.lstrip("-")
    if cursor is not None:
        descending = order.startswith("-")
        queryset = queryset.filter(_after(queryset, field, descending, _read(cursor, order)))
    sign = "-" if order.startswith("-") else ""
    rows = list(queryset.order_by(f"{sign}{field}", f"{sign}id")[: limit + 1])
    shown = _with_room(rows[:limit])
    following = None
    if len(shown) < len(rows) or (shown and ends_at not in (None, shown[-1][field])):
        following = replace_query_param(
            request.build_absolute_uri(),
            "cursor",
            _write(order, shown[-1][field], shown[-1]["id"]),
        )
    return _with_large_metadata(queryset.model, shown), following


def _with_room(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that have room in one page, the first in any case."""
    byte_size = 0
    for number, row in enumerate(rows):
        byte_size += row.get("metadata_bytes", 0)
        if number and byte_size > PAGE_BYTES:
            return rows[:number]
    return rows


def _with_large_metadata(model: type[Model], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with its metadata; without those that have been deleted just now."""
    large = [row["id"] for row in rows if row.get("metadata_json", "") is None]
    if not large:
        return rows
    found = model._default_manager.filter(pk__in=large).values_list("pk", RawJSON("metadata"))
    metadata = dict(found)
    for row in rows:
        if row["id"] in metadata:
            row["metadata_json"] = metadata[row["id"]]
    return [row for row in rows if row["metadata_json"] is not None]


def place(cursor: str | None, order: str) -> int | None:
    """The number in a cursor of a list that is ordered by numbers. Raises InvalidCursor."""
    value = None if cursor is None else _read(cursor, order)[0]
    if isinstance(value, str):
        raise _invalid()
    return value


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
