"""How many messages one answer holds: as many as have room in it, and one at least.

A conversation numbers its messages without holes, so a page is a range of positions. Where it ends
is found by the database within the statement that reads it: message by message, until the page is
full, so that no message beyond it is looked at.
"""

from collections.abc import Sequence

from django.db import connections, models
from django.db.models.expressions import RawSQL

from common.models import PAGE_BYTES

TEXT_COLUMNS = ("content", "stage1_data", "stage2_data", "stage3_data", "metadata")
BYTE_SIZES = {
    "postgresql": "octet_length(CAST(message.{} AS text))",
    "sqlite": "length(CAST(message.{} AS blob))",
}
LAST = """(
    WITH RECURSIVE walked(place, total) AS (
        SELECT CAST(%s AS integer), CAST(0 AS bigint)
        UNION ALL
        SELECT message.position, walked.total + {byte_size}
        FROM walked JOIN conversations_message AS message
            ON message.person_id = %s AND message.conversation_id = %s
            AND message.position = walked.place {step}
        WHERE walked.total <= %s AND abs(walked.place - %s) < %s
    )
    SELECT {extreme}(place) FROM walked WHERE total <= %s OR abs(place - %s) <= 1
)"""


def beginning(start: int | None, *, message_count: int, forward: bool) -> int:
    """Beside which position a page begins: `start`, else before the first or after the last."""
    first = 0 if forward else message_count + 1
    return first if start is None else min(max(start, 0), message_count + 1)


def last_position(
    *,
    person_id: int,
    conversation_id: int,
    start: int,
    forward: bool,
    limit: int,
    columns: Sequence[str],
    using: str,
) -> RawSQL:
    """Where a page of at most `limit` messages ends that begins beside position `start`.

    `columns` are those that take room. It is `start` itself when nothing stands there.
    """
    byte_size = BYTE_SIZES[connections[using].vendor]
    sql = LAST.format(
        byte_size=" + ".join(f"COALESCE({byte_size.format(name)}, 0)" for name in columns),
        step="+ 1" if forward else "- 1",
        extreme="max" if forward else "min",
    )
    parameters = (start, person_id, conversation_id, PAGE_BYTES, start, limit, PAGE_BYTES, start)
    return RawSQL(sql, parameters, output_field=models.IntegerField())  # noqa: S611  (ours alone)
