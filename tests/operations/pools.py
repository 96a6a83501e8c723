"""Of the tests of the pool: what they ask its connections for."""

from collections.abc import Callable
from typing import Any

from django.db import connection

from operations.postgresql import base

MakeConnection = Callable[..., Any]


def ask(wrapper: Any, sql: str, *parameters: Any) -> Any:
    with wrapper.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0] if cursor.description else None


def backend(wrapper: Any) -> int:
    return int(ask(wrapper, "SELECT pg_backend_pid()"))


def kill(pid: int) -> None:
    assert ask(connection, "SELECT pg_terminate_backend(%s, 10000)", pid) is True


def statistics() -> base.PoolStatistics:
    return next(one for one in base.statistics() if one.alias == "small")
