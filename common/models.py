"""What tables of all apps share: fields with this project's rules, and two statements.

These are UPDATE … RETURNING and INSERT … SELECT, which Django 5.2 cannot write itself.
"""

import datetime
import json
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
import uuid_utils.compat
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connections, models, transaction
from django.db.models import sql
from django.db.models.functions import Cast
from django.db.models.lookups import LessThanOrEqual

from common import json_values

USER_ID_MAX_LENGTH = 128
# What the texts and JSON of one page have together, unless its first row alone has more.
PAGE_BYTES = 5 * 1024 * 1024
# The prefix of those who asked to be forgotten; nobody can call themselves so.
ERASED_PREFIX = "erased-"


def new_uid() -> uuid.UUID:
    """A version 7 UUID: unique, and later ones sort after earlier ones."""
    return uuid_utils.compat.uuid7()


def validate_user_id(value: str) -> None:
    """Refuses what is not 1 to 128 printable characters, with ValidationError.

    The id is the identity provider's own, so that any script and any punctuation is allowed.
    """
    if not 1 <= len(value) <= USER_ID_MAX_LENGTH:
        raise ValidationError(f"A user id has 1 to {USER_ID_MAX_LENGTH} characters.")
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in value):
        raise ValidationError("A user id has no control characters.")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in value):
        raise ValidationError("A user id has no lone surrogates.")
    if value.startswith(ERASED_PREFIX):
        raise ValidationError(f"User ids that begin with {ERASED_PREFIX!r} are reserved.")


class UserIdField(models.CharField):  # type: ignore[type-arg]
    """The person a row belongs to: the identity provider's id, not a key to Django's users."""

    default_validators = [validate_user_id]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = USER_ID_MAX_LENGTH
        super().__init__(*args, **kwargs)


class ActorField(models.CharField):  # type: ignore[type-arg]
    """Who did something to a row, as records name callers: `key:<name>` (access/actors.py).

    Empty in rows from before it was kept, and in imported ones.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_length": 200, "blank": True, "default": "", "db_default": ""}
        super().__init__(*args, **kwargs)


class JSONField(models.JSONField):
    """JSON as it came: on PostgreSQL the type `json`, which keeps the order of keys and the floats.

    Written compactly in UTF-8. Values that common/json_values.py calls unstorable are refused with
    ValueError, not stored in part.
    """

    def db_type(self, connection: Any) -> str | None:
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return super().get_db_prep_value(value, connection, prepared)
        text = orjson.dumps(value).decode()  # refuses what is no JSON at all
        if not json_values.is_storable(value):
            json_values.cleaned(value, _refuse)
        return text

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(value)


def _refuse(pointer: str, what: str) -> None:
    raise ValueError(f"JSON that cannot be stored: {what} at {pointer or '/'}")


class RawJSONField(models.TextField):  # type: ignore[type-arg]
    """JSON text from a column that goes into an answer as it stands, neither read nor rewritten."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else orjson.Fragment(value)


class RawJSON(Cast):
    """`RawJSON("metadata")` selects a JSON column as a fragment for the orjson renderer.

    A page of 50 council answers costs a third of what parsing and writing them again costs.
    """

    def __init__(self, column: str) -> None:
        super().__init__(column, output_field=RawJSONField())


class ByteSize(models.Func):
    """The bytes of a column's text in UTF-8; null of null."""

    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "octet_length((%(expressions)s)::text)"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "length(CAST(%(expressions)s AS blob))"
        return super().as_sql(compiler, connection, template=template, **context)


def metadata_of_page(limit: int) -> dict[str, Any]:
    """For the `.values()` of a page of so many rows: its metadata where it is small, and its size.

    common/api/pagination.py reads what is large, as far as there is room for it.
    """
    byte_size = ByteSize("metadata")
    is_small = LessThanOrEqual(byte_size, PAGE_BYTES // (limit + 1))
    small = models.Case(models.When(condition=is_small, then=RawJSON("metadata")))
    return {"metadata_json": small, "metadata_bytes": byte_size}


class Kept(str):
    """SQL that stays the same for many calls: a connection may let the server keep it, too."""


class Update:
    """An UPDATE of the rows of `queryset` that gives `fields` of each as they then stand.

    Lock, condition and read in a single statement. The filter must be on the table's own columns.
    """

    def __init__(
        self, queryset: models.QuerySet[Any], fields: Sequence[str], **values: Any
    ) -> None:
        if queryset.query.is_sliced:
            raise TypeError("A slice cannot be updated: UPDATE has no LIMIT.")
        self.queryset, self.fields = queryset, fields
        query: Any = queryset.query.chain(sql.UpdateQuery)
        query.add_update_values(values)
        self.query = query

    def compiled(self, connection: Any) -> tuple[str, tuple[Any, ...], list[Any]]:
        """The statement, its parameters, and how the values that it gives are converted.

        Raises EmptyResultSet for .none(), or `in` an empty list.
        """
        compiler = self.query.get_compiler(connection=connection)
        statement, parameters = compiler.as_sql()
        meta = self.queryset.model._meta
        columns = [meta.get_field(field) for field in self.fields]
        returned = ", ".join(connection.ops.quote_name(column.column) for column in columns)
        converters = compiler.get_converters([column.get_col(meta.db_table) for column in columns])
        return f"{statement} RETURNING {returned}", parameters, list(converters.items())


def update_returning(
    queryset: models.QuerySet[Any], fields: Sequence[str], **values: Any
) -> list[dict[str, Any]]:
    """Send an Update that is not sent often; those that are have `@prepared_update`."""
    update = Update(queryset, fields, **values)
    connection = connections[queryset.db]
    with transaction.mark_for_rollback_on_error(using=queryset.db):
        try:
            statement, parameters, converters = update.compiled(connection)
        except EmptyResultSet:
            return []
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows = [list(row) for row in cursor.fetchall()]
    convert(rows, converters, connection)
    return [dict(zip(fields, row, strict=True)) for row in rows]


def convert(rows: list[list[Any]], converters: list[Any], connection: Any) -> None:
    """Make of the driver's values, in place, what the model's fields have."""
    for place, (functions, expression) in converters:
        for row in rows:
            for function in functions:
                row[place] = function(row[place], expression, connection)


def insert_from(
    row: models.Model,
    source: str,
    parameters: Mapping[str, Any],
    *,
    values: Mapping[str, str],
    returning: Sequence[str] = ("id",),
) -> tuple[Any, ...] | None:
    """Insert `row` if `source`, what follows FROM, has a row; gives the columns of `returning`.

    Condition, lock and insertion in a single statement on the default database. `values` has SQL
    for the columns that come from the source, which may end with ON CONFLICT; `parameters` go with
    both.
    """
    connection = connections["default"]
    text, fields = insertion(
        type(row), connection.vendor, tuple(values.items()), source, tuple(returning), by_name=True
    )
    own = {
        str(field.column): field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in fields
    }
    with connection.cursor() as cursor:
        cursor.execute(text, own | dict(parameters))
        return cursor.fetchone()


@cache
def insertion(
    model: type[models.Model],
    vendor: str,
    values: tuple[tuple[str, str], ...] = (),
    source: str = "",
    returning: tuple[str, ...] = ("id",),
    *,
    by_name: bool = False,
) -> tuple[Kept, list[Any]]:
    """An INSERT … SELECT of one row, and the fields whose values the row itself gives, in order.

    `values` are columns with expressions over `source`. The marks of the others are in order, or by
    the column's name.
    """
    expressions = dict(values)
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    own = [field for field in fields if field.column not in expressions]
    marks = {
        str(field.column): _typed(field, f"%({field.column})s" if by_name else "%s", vendor)
        for field in own
    }
    columns = marks | expressions
    text = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)})"
        f" SELECT {', '.join(columns.values())}{f' FROM {source}' if source else ''}"
        f" RETURNING {', '.join(returning)}"
    )
    return Kept(text), own


def _typed(field: Any, mark: str, vendor: str) -> str:
    """A value's place in a SELECT, where PostgreSQL could not tell its type."""
    if vendor != "postgresql":
        return mark
    # Without the length: a cast to varchar(10) would cut in silence what the column refuses.
    type_ = (field.db_type(connections["default"]) or "").partition("(")[0]
    return f"{mark}::{type_}"


def iso_time(moment: datetime.datetime | None) -> str | None:
    """A time as the API writes it: ISO 8601 in UTC with `Z`."""
    return None if moment is None else orjson.dumps(moment, option=orjson.OPT_UTC_Z).decode()[1:-1]
