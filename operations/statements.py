"""Every statement of the database engines passes here: counted by request, logged when slow."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from common import models, prepared, prepared_writes, request_context
from operations import traces

logger = logging.getLogger(__name__)

# What counts as a statement: transaction control does not.
COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY")
LONGEST_SHOWN = 1000
PASSED_BY = (__file__, models.__file__, prepared.__file__, prepared_writes.__file__)


def observe(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """An execute wrapper (Django's term) that both engines give to each of their connections."""
    begun = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        seconds = time.perf_counter() - begun
        under_way = request_context.current.get()
        if under_way is not None and (
            sql.startswith(COUNTED) or sql.lstrip("( \n").upper().startswith(COUNTED)
        ):
            under_way.statements += 1
            if under_way.noted_statements is not None:
                traces.note_statement(under_way.noted_statements, str(sql), begun, seconds)
        if seconds >= settings.SLOW_QUERY_SECONDS:
            if under_way is not None:
                under_way.slow_statements += 1
            _log(str(sql), seconds)


def _log(sql: str, seconds: float) -> None:
    # Without the parameters: they are people's texts.
    place = _place()
    fields = {
        "duration_ms": round(seconds * 1000),
        "place": place,
        "statement": sql[:LONGEST_SHOWN],
    }
    logger.warning("A statement took %.2f s, at %s", seconds, place, extra={"fields": fields})


def _place() -> str:
    """Where in our own code the statement comes from: `billing/ledger.py:93`.

    Not a module that sends statements for all apps, but who asked it to.
    """
    root = f"{settings.BASE_DIR}/"
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        ours = path.startswith(root) and "site-packages" not in path and path not in PASSED_BY
        if ours and not path.startswith(f"{root}manage.py"):
            return f"{path.removeprefix(root)}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "code that is not Steward's"
