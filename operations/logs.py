"""How log records are written: as a line for people, or as JSON, one object a line.

Both know the request that a record belongs to. Neither ever shows the text of a person's message,
a key or a password: the text of an exception is left out unless it can only name code, and a
database's complaint is cut before the values that it quotes.
"""

import datetime
import logging
import re
import traceback
from typing import Any

import orjson

from common import request_context

# Their texts come from the interpreter or the operating system, and name code and files.
NAMING_CODE = (AttributeError, ImportError, NameError, TypeError, RecursionError, OSError)
LEFT_OUT = "(its text is left out: it may quote a person's)"
# What databases put before a value of a row: everything after it goes.
BEFORE_VALUES = re.compile(r'\n|DETAIL:|: "|near "|\(')
# Keys, tokens and passwords, wherever in a line they might have got to.
SECRETS = re.compile(
    r"stw_[\w-]{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=password=)[^\s\"']+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
MARKS = ("stw_", "eyJ", "password=", "://")
CONTEXT_FIELDS = ("request_id", "actor", "user_id", "conversation_id")


def text_of(error: BaseException) -> str:
    """What the log may say of an exception."""
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError
    from django.db import Error, InterfaceError

    if isinstance(error, (*NAMING_CODE, ImproperlyConfigured, CommandError)):
        return str(error)
    if not isinstance(error, (Error, InterfaceError)) and not _is_drivers(error):
        return LEFT_OUT
    said = BEFORE_VALUES.split(str(error).strip(), maxsplit=1)[0].strip()
    code = getattr(error, "pgcode", None) or getattr(error.__cause__, "pgcode", None)
    return f"{said} (SQLSTATE {code})" if code else said


def _is_drivers(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("psycopg2", "sqlite3", "sqlalchemy")


def traceback_of(error: BaseException) -> str:
    """Where an exception came from, and those before it, the first cause first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = [traceback_of(cause), "\nwhich led to:\n\n"] if cause is not None else []
    parts.extend(traceback.format_tb(error.__traceback__))
    parts.append(f"{type(error).__module__}.{type(error).__qualname__}: {text_of(error)}")
    return "".join(parts)


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  (the base class's name)
        return traceback_of(ei[1]) if ei[1] is not None else ""


class LineFormatter(_Formatter):
    """`2026-11-22 01:31:00,123 INFO operations.requests GET /api/v1/credits 200 …`."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        fields = {name: value for name, value in _fields(record).items() if value is not None}
        if fields:
            first, *others = line.split("\n")
            shown = " ".join(f"{name}={value}" for name, value in fields.items())
            line = "\n".join([f"{first} [{shown}]", *others])
        return without_secrets(line)


class JSONFormatter(_Formatter):
    """One JSON object a record: time, level, logger, message, and what its kind adds."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        values: dict[str, Any] = {
            "time": time,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            values["exception"] = self.formatException(record.exc_info)
        return without_secrets(orjson.dumps(values, default=str, option=orjson.OPT_UTC_Z).decode())


def without_secrets(line: str) -> str:
    """The line with *** in place of keys, tokens and passwords."""
    if any(mark in line for mark in MARKS):  # ten times as fast as the expression
        return SECRETS.sub("***", line)
    return line


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the record says besides its message, and of the request that caused it."""
    fields: dict[str, Any] = getattr(record, "fields", None) or {}
    context = request_context.current.get()
    if context is None:
        return fields
    known = [(name, getattr(context, name)) for name in CONTEXT_FIELDS]
    return {name: value for name, value in known if value is not None} | fields


class OnlyExceptions(logging.Filter):
    """Lets exceptions pass: an answer that was meant stands in its request's own line already."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


class WithoutQueries(logging.Filter):
    """For gunicorn, which names the whole address when an answer breaks off."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.partition("?")[0] if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True
