"""Reads that are built once: a QuerySet becomes SQL at its first call, and a call fills it in.

Building the SQL costs several times what sending it does. A function with `@prepared()` gives the
QuerySet as it would be written anywhere; `.all(…)` and `.first(…)` of it are those of the QuerySet.
"""

import datetime
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, ParamSpec, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    ValuesIterable,
    ValuesListIterable,
)

from common.models import Kept, convert

P = ParamSpec("P")
Row = TypeVar("Row")
Cut = Callable[[Any], Any]

# What a call may fill in, and the field that says how the database wants it.
FIELDS: dict[type, "models.Field[Any, Any]"] = {
    str: models.CharField(),
    int: models.BigIntegerField(),
    uuid.UUID: models.UUIDField(),
    datetime.date: models.DateField(),
    datetime.datetime: models.DateTimeField(),
}
# So many statements of one read are kept: clients may ask for pages of any size.
KEPT_MAX = 100
# Of what lies beyond 0 and this some columns have nothing; Django leaves it out of the SQL.
INTEGER_MAX = 2**31 - 1


class Parameter(models.Value):
    """In a QuerySet, the place of a value that is not known yet."""

    def __init__(self, name: str, output_field: "models.Field[Any, Any]") -> None:
        super().__init__(name, output_field=output_field)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


def filled_in(parameters: Iterable[Any], values: Mapping[str, Any], connection: Any) -> list[Any]:
    """The parameters of a statement, with these values in the places of Parameters."""
    return [
        part.output_field.get_db_prep_value(values[part.value], connection)
        if isinstance(part, Parameter)
        else part
        for part in parameters
    ]


class Statement:
    """The SQL of one QuerySet over Parameters, and how its rows become what that would give."""

    def __init__(self, queryset: models.QuerySet[Any, Any]) -> None:
        if queryset.db != DEFAULT_DB_ALIAS:
            raise TypeError("Only reads of the default database are prepared.")
        # A copy, which never connects: what is kept here outlives the thread that came first.
        connection: Any = connections[DEFAULT_DB_ALIAS].copy()
        compiler: Any = queryset.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        self.sql = Kept(sql)
        self._parameters = parameters
        selected = [column for column, _, _ in compiler.select]
        self._converters = list(compiler.get_converters(selected).items())
        self._made = _maker(queryset, compiler)

    def parameters(self, values: Mapping[str, Any], connection: Any) -> list[Any]:
        """What goes with the SQL for these values."""
        return filled_in(self._parameters, values, connection)

    def rows(self, values: Mapping[str, Any]) -> list[Any]:
        """Asks the database."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.parameters(values, connection))
            rows: Any = cursor.fetchall()
        if self._converters:
            rows = [list(row) for row in rows]
            convert(rows, self._converters, connection)
        return [self._made(row) for row in rows]


def _maker(queryset: Any, compiler: Any) -> Callable[[Any], Any]:
    """What makes of one row of values what the QuerySet would give."""
    iterable, query = queryset._iterable_class, queryset.query
    if iterable is ValuesListIterable:
        return tuple
    if iterable is FlatValuesListIterable:
        return lambda row: row[0]
    if iterable is ValuesIterable:
        names = list(query.selected or (*query.values_select, *query.annotation_select))
        return lambda row: dict(zip(names, row, strict=True))
    if iterable is not ModelIterable or compiler.klass_info.get("related_klass_infos"):
        raise TypeError("Named tuples and rows with select_related are not prepared.")
    return _model_maker(compiler)


def _model_maker(compiler: Any) -> Callable[[Any], Any]:
    model, places = compiler.klass_info["model"], compiler.klass_info["select_fields"]
    end = places[-1] + 1
    names = [column.target.attname for column, _, _ in compiler.select[:end]]
    annotations = list(compiler.annotation_col_map.items()) if compiler.annotation_col_map else ()

    def made(row: Any) -> Any:
        one = model.from_db(DEFAULT_DB_ALIAS, names, row[:end])
        for name, place in annotations:
            setattr(one, name, row[place])
        return one

    return made


def whole(queryset: Any) -> Any:
    """All of it."""
    return queryset


def first(queryset: Any) -> Any:
    """What QuerySet.first asks for."""
    return (queryset if queryset.ordered else queryset.order_by("pk"))[:1]


@dataclass(frozen=True)
class Asked:
    """A prepared read with its arguments, for whoever asks for a part of the rows."""

    read: "Prepared[Any, Any]"
    values: Mapping[str, Any]


class Prepared(Generic[P, Row]):
    """A read that is built once in a process. Arguments are given by name.

    Those that `choices` names change the SQL: one statement is kept for each of the values listed.
    All others are annotated as one of FIELDS. A call with a value that is none of these (None, a
    list, an expression) is built for itself, as any QuerySet.
    """

    def __init__(
        self, build: Callable[P, models.QuerySet[Any, Row]], choices: Mapping[str, Collection[Any]]
    ) -> None:
        self.build: Callable[..., models.QuerySet[Any, Row]] = build
        self.choices = choices
        self.kinds: dict[str, type] = {
            name: kind
            for name, kind in build.__annotations__.items()
            if name not in {"return", *choices}
        }
        self._places = {name: Parameter(name, FIELDS[kind]) for name, kind in self.kinds.items()}
        self._statements: dict[Any, Statement] = {}
        every.append(self)

    @cached_property
    def model(self) -> type[models.Model]:
        """Whose rows they are."""
        usual = {name: next(iter(values)) for name, values in self.choices.items()}
        return self.build(**usual, **self._places).model

    def all(self, *args: P.args, **values: P.kwargs) -> list[Row]:
        """All rows of the QuerySet."""
        return self._rows(whole, values)

    def first(self, *args: P.args, **values: P.kwargs) -> Row | None:
        """The QuerySet's first()."""
        rows = self._rows(first, values)
        return rows[0] if rows else None

    def asked(self, *args: P.args, **values: P.kwargs) -> Asked:
        """The read with these arguments, not sent yet."""
        return Asked(self, values)

    def _rows(self, cut: Cut, values: Mapping[str, Any]) -> list[Row]:
        statement = self.statement(cut, values)
        return list(cut(self.build(**values))) if statement is None else statement.rows(values)

    def statement(self, cut: Cut, values: Mapping[str, Any]) -> Statement | None:
        """The one for these values, made if need be; None if they need one of their own."""
        for name, kind in self.kinds.items():
            if not fits(values[name], kind):
                return None
        for name, listed in self.choices.items():
            if values[name] not in listed:
                return None
        key = (connections[DEFAULT_DB_ALIAS].vendor, cut, *[values[name] for name in self.choices])
        statement = self._statements.get(key)
        if statement is None:
            # Two threads may both make the first one: they are equal.
            try:
                statement = Statement(cut(self.build(**{**values, **self._places})))
            except EmptyResultSet:  # nothing is to be sent
                return None
            if len(self._statements) >= KEPT_MAX:
                self._statements.clear()
            self._statements[key] = statement
        return statement


# For the test that holds each to the SQL that Django would send.
every: list[Prepared[Any, Any]] = []


def prepared(
    **choices: Collection[Any],
) -> Callable[[Callable[P, models.QuerySet[Any, Row]]], Prepared[P, Row]]:
    """Makes a Prepared of a function that gives a QuerySet."""
    return lambda build: Prepared(build, choices)


def fits(value: Any, kind: type) -> bool:
    """Whether a value of this kind leaves the SQL as it is."""
    if kind is int:
        return type(value) is int and 0 <= value <= INTEGER_MAX
    return isinstance(value, kind)
