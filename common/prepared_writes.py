"""Writes that are built once, as reads are (common/prepared.py).

A function with `@prepared_update` gives an Update as it would be written anywhere; a call fills it
in and sends it, alone or with the row that follows from it.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, ParamSpec, get_args

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from common.models import Kept, Update, convert, insertion
from common.prepared import FIELDS, Parameter, filled_in, fits

P = ParamSpec("P")


class Statement:
    """The SQL of one Update, over Parameters or over the values of one call."""

    def __init__(self, update: Update) -> None:
        if update.queryset.db != DEFAULT_DB_ALIAS:
            raise TypeError("Only writes of the default database are prepared.")
        self.fields = update.fields
        # A copy, which never connects: what is kept here outlives the thread that came first.
        connection: Any = connections[DEFAULT_DB_ALIAS].copy()
        sql, self._parameters, self._converters = update.compiled(connection)
        self.sql = Kept(sql)
        self._with_insert: dict[str, Kept] = {}

    def parameters(self, values: Mapping[str, Any], connection: Any) -> list[Any]:
        """What goes with the SQL for these values."""
        return filled_in(self._parameters, values, connection)

    def with_insert(self, insertion: str) -> Kept:
        """The SQL with an INSERT from `updated`, whose id it gives first."""
        text = self._with_insert.get(insertion)
        if text is None:
            text = self._with_insert[insertion] = Kept(
                f"WITH updated AS ({self.sql}), inserted AS ({insertion})"
                " SELECT inserted.id, updated.* FROM updated, inserted"
            )
        return text

    def row(self, given: Any, connection: Any) -> dict[str, Any]:
        """By field, from what the database gave."""
        rows = [list(given)]
        convert(rows, self._converters, connection)
        return dict(zip(self.fields, rows[0], strict=True))


class PreparedUpdate(Generic[P]):
    """An Update of one row that is built once in a process. Arguments are given by name.

    They are annotated as one of FIELDS, or as `| None`, for which a statement of its own is kept. A
    call with a value that is none of these is built for itself.
    """

    def __init__(self, build: Callable[P, Update]) -> None:
        self.build: Callable[..., Update] = build
        kinds = {name: kind for name, kind in build.__annotations__.items() if name != "return"}
        self.optional = [name for name, kind in kinds.items() if type(None) in get_args(kind)]
        self.kinds: dict[str, type] = {
            name: get_args(kind)[0] if name in self.optional else kind
            for name, kind in kinds.items()
        }
        self._places = {name: Parameter(name, FIELDS[kind]) for name, kind in self.kinds.items()}
        self._statements: dict[Any, Statement] = {}
        every.append(self)

    def send(self, *args: P.args, **values: P.kwargs) -> dict[str, Any] | None:
        """Update; gives the row as it then stands, None where none fits."""
        connection = connections[DEFAULT_DB_ALIAS]
        with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS):
            statement = self.statement(values)
            if statement is None:
                return None
            with connection.cursor() as cursor:
                cursor.execute(statement.sql, statement.parameters(values, connection))
                found = cursor.fetchone()
        return None if found is None else statement.row(found, connection)

    def insert_after(
        self, row: models.Model, taken: Mapping[str, str], *args: P.args, **values: P.kwargs
    ) -> dict[str, Any] | None:
        """The same, and insert `row`, whose columns in `taken` come from fields of the updated one.

        Both or neither: one statement on PostgreSQL, without a transaction about it. None where no
        row fits. Raises IntegrityError when the row may not be inserted.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        is_one_statement = connection.vendor == "postgresql"
        with alone() if is_one_statement else transaction.atomic():
            if is_one_statement:
                updated = self._update_and_insert(row, taken, values, connection)
            else:
                updated = self.send(*args, **values)
                if updated is not None:
                    _take(row, taken, updated)
                    row.pk = _insert(row, connection)
        if updated is not None:
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        return updated

    def _update_and_insert(
        self, row: models.Model, taken: Mapping[str, str], values: dict[str, Any], connection: Any
    ) -> dict[str, Any] | None:
        statement = self.statement(values)
        if statement is None:
            return None
        text, own = insertion(
            type(row),
            connection.vendor,
            tuple((column, f"updated.{field}") for column, field in taken.items()),
            "updated",
        )
        with connection.cursor() as cursor:
            cursor.execute(
                statement.with_insert(text),
                [*statement.parameters(values, connection), *_values(row, own, connection)],
            )
            found = cursor.fetchone()
        if found is None:
            return None
        row.pk, *given = found
        updated = statement.row(given, connection)
        _take(row, taken, updated)
        return updated

    def statement(self, values: Mapping[str, Any]) -> Statement | None:
        """The one for these values, made if need be; None where nothing is to be sent."""
        absent = tuple(name for name in self.optional if values[name] is None)
        key = (connections[DEFAULT_DB_ALIAS].vendor, absent)
        try:
            for name, kind in self.kinds.items():
                if name not in absent and not fits(values[name], kind):
                    return Statement(self.build(**values))
            kept = self._statements.get(key)
            if kept is None:
                # Two threads may both make the first one: they are equal.
                places = {**self._places, **dict.fromkeys(absent)}
                kept = self._statements[key] = Statement(self.build(**places))
            return kept
        except EmptyResultSet:
            return None


# For the test that holds each to the SQL that Django would send.
every: list[PreparedUpdate[Any]] = []


def prepared_update(build: Callable[P, Update]) -> PreparedUpdate[P]:
    """Makes a PreparedUpdate of a function that gives an Update."""
    return PreparedUpdate(build)


def alone() -> AbstractContextManager[Any]:
    """About one statement that may be refused: within a transaction a savepoint, else nothing."""
    connection = connections[DEFAULT_DB_ALIAS]
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _take(row: models.Model, taken: Mapping[str, str], updated: Mapping[str, Any]) -> None:
    for column, field in taken.items():
        setattr(row, column, updated[field])


def _insert(row: models.Model, connection: Any) -> Any:
    text, own = insertion(type(row), connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(text, _values(row, own, connection))
        return cursor.fetchone()[0]


def _values(row: models.Model, fields: list[Any], connection: Any) -> list[Any]:
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
