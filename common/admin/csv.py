"""Tables for a spreadsheet: CSV that is streamed, and that no spreadsheet takes for formulas."""

import csv
import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

BATCH_ROWS = 1_000
# With one of these in front, a spreadsheet takes a text for a formula and runs it: the marks, those
# of full width, which some take for the same, and what some leave out before they look.
FORMULA_MARKS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
# Without this mark Excel takes UTF-8 for the machine's old code page.
BYTE_ORDER_MARK = "\ufeff"


class _Line:
    """A file for csv.writer that gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def safe(value: Any) -> Any:
    """A value as its cell holds it. Numbers stay numbers; a text never begins a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_MARKS) else text


def lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The table line by line, with its header."""
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe(value) for value in row])


def newest_first(queryset: QuerySet[Any], columns: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """These columns of all rows, from the highest primary key down, in batches.

    Each batch is a statement of its own that begins after the last row, so that memory stays the
    same and no transaction stays open, however slowly somebody downloads.
    """
    rows = queryset.order_by("-pk").values_list("pk", *columns)
    last: Any = None
    while True:
        following = rows if last is None else rows.filter(pk__lt=last)
        batch = list(following[:BATCH_ROWS])
        yield from (row[1:] for row in batch)
        if len(batch) < BATCH_ROWS:
            return
        last = batch[-1][0]


def attachment(
    name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """The table as a file to download, sent while it is read."""
    return StreamingHttpResponse(
        lines(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
