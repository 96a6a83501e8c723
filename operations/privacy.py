"""What is held about a person, in all apps: read through the models' declarations.

common/privacy.py says what a declaration holds; operations/services.py erases.
"""

import datetime
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F, JSONField, TextField, Value
from django.db.models.functions import Coalesce

from access.models import PersonMove
from common import privacy
from common.models import ByteSize
from common.privacy import PersonalTable

# What is read at a time: one row may have megabytes, and then it is one alone.
CHUNK_ROWS, CHUNK_BYTES = 500, 1024 * 1024
PIECE_BYTES = 64 * 1024


def export(user_id: str, *, at: datetime.datetime) -> Iterator[bytes]:
    """Everything about the person as one JSON document, in pieces: by app, by table, by row.

    Rows have every column; bytes are written in hex. Read in one transaction, which has ended
    before the first piece is given away: whoever takes them may be slow.
    """
    with tempfile.TemporaryFile() as file:
        with transaction.atomic():
            file.writelines(_document(user_id, at))
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def _document(user_id: str, at: datetime.datetime) -> Iterator[bytes]:
    opening = {"user_id": user_id, "exported_at": at}
    yield orjson.dumps(opening, option=orjson.OPT_UTC_Z)[:-1]
    for app_label, tables in groupby(privacy.tables(), key=_app_label):
        yield b"," + orjson.dumps(app_label) + b":{"
        yield from _joined(_app(app_label, tables, user_id))
        yield b"}"
    yield b"}\n"


def _app_label(table: PersonalTable) -> str:
    return table.model._meta.app_label


def _app(
    app_label: str, tables: Iterable[PersonalTable], user_id: str
) -> Iterator[Iterator[bytes]]:
    for table in tables:
        yield _table(table.label.partition(".")[2], _rows(table, user_id))
    hooks = privacy.hooks().get(app_label)
    if hooks and hooks.also_export:
        yield _table(*hooks.also_export(user_id))


def _rows(table: PersonalTable, user_id: str) -> Iterator[dict[str, Any]]:
    fields = table.model._meta.concrete_fields
    rows = table.rows_of(user_id)
    names = [field.name for field in fields]
    if "person" in names:
        names[names.index("person")] = "user_id"
        rows = rows.annotate(user_id=F(table.person))
    shown = rows.order_by("pk").values(*names)
    texts = [field.name for field in fields if isinstance(field, (TextField, JSONField))]
    if not texts:
        yield from shown.iterator(chunk_size=CHUNK_ROWS)
        return
    byte_size = sum((Coalesce(ByteSize(name), 0) for name in texts), start=Value(0))
    sizes = rows.order_by("pk").values_list("pk", byte_size)
    for keys in _chunks(sizes.iterator(chunk_size=CHUNK_ROWS)):
        yield from shown.filter(pk__in=keys)


def _chunks(sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """The keys of rows that are read at a time."""
    keys: list[int] = []
    chunk_bytes = 0
    for key, byte_size in sizes:
        if keys and (chunk_bytes + byte_size > CHUNK_BYTES or len(keys) == CHUNK_ROWS):
            yield keys
            keys, chunk_bytes = [], 0
        keys.append(key)
        chunk_bytes += byte_size
    if keys:
        yield keys


def _table(name: str, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    yield orjson.dumps(name) + b":["
    yield from _joined(iter([_row(row)]) for row in rows)
    yield b"]"


def _row(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, default=_as_hex, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _as_hex(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _joined(parts: Iterable[Iterator[bytes]]) -> Iterator[bytes]:
    for number, part in enumerate(parts):
        if number:
            yield b","
        yield from part


def counts(user_id: str) -> dict[str, dict[str, int]]:
    """How many rows an erasure would take away (`erased`) and would keep without a name (`kept`).

    By table; those without any are left out.
    """
    found: dict[str, dict[str, int]] = {"erased": {}, "kept": {}}
    for table in privacy.tables():
        rows = table.rows_of(user_id).count()
        if rows:
            found["erased" if table.blanked is None else "kept"][table.label] = rows
    for name in [user_id, *PersonMove.objects.ids_left_by(user_id)]:
        for hooks in privacy.hooks().values():
            if hooks.count_mentions:
                privacy.add(found, hooks.count_mentions(name))
    return found
