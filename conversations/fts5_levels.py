"""Keeps the levels of an older FTS5 index few.

Whenever FTS5 merges all terms (`optimize`), they go up a level or two, and above level 2,000 it
takes its own index for broken: nobody writes a message any more. SQLite 3.42 and later needs no
merging. The record that lists the levels is as it was in the first FTS5: four octets, then numbers
of seven bits an octet, the highest first.
"""

from collections.abc import Iterable
from typing import Any

MOST_LEVELS = 100
# Among them the merged terms stand high enough that small merges leave them alone.
USUAL_LEVELS = 16
# From here on FTS5 refuses the record.
BROKEN_ABOVE = 2_000
STRUCTURE = 10


def lower_levels(cursor: Any, index: str) -> None:
    """Bring the terms of an index down to a usual level, in the transaction that merged them."""
    cookie, (levels, segments, writes, *rest) = structure(cursor, index)
    segment = _segments(rest)
    if levels <= MOST_LEVELS or segments > 1 or len(segment) != 3 * segments:
        return
    # Going back is what makes this connection forget the levels it knows; others see the change.
    cursor.execute("SAVEPOINT levels")
    cursor.execute(f"INSERT INTO \"{index}\" (rowid, words) VALUES (1, 'x')")
    cursor.execute("ROLLBACK TO levels")
    cursor.execute("RELEASE levels")
    empty_levels = [0, 0] * (USUAL_LEVELS - 1)
    write(
        cursor,
        index,
        cookie,
        [USUAL_LEVELS, segments, writes, *empty_levels, 0, segments, *segment],
    )


def _segments(levels: list[int]) -> list[int]:
    """Three numbers of each segment, in whichever level it lies.

    A level is the number of its segments that are being merged, that of all, and these.
    """
    segments, place = [], 0
    while place < len(levels):
        end = place + 2 + 3 * levels[place + 1]
        segments += levels[place + 2 : end]
        place = end
    return segments


def is_broken(cursor: Any, index: str) -> bool:
    """Whether FTS5 refuses the index for its levels."""
    _, (levels, *_) = structure(cursor, index)
    return levels > BROKEN_ABOVE


def empty_if_broken(cursor: Any, index: str) -> None:
    """Make an index that FTS5 refuses an empty one, for whoever fills it anew."""
    cookie, (levels, *_) = structure(cursor, index)
    if levels > BROKEN_ABOVE:
        write(cursor, index, cookie, [0, 0, 0])


def structure(cursor: Any, index: str) -> tuple[bytes, list[int]]:
    """The record that lists the levels: its four octets, and its numbers."""
    cursor.execute(f'SELECT block FROM "{index}_data" WHERE id = {STRUCTURE}')
    [record] = cursor.fetchone()
    numbers, number = [], 0
    for octet in record[4:]:
        number = number << 7 | octet & 0x7F
        if octet < 0x80:
            numbers.append(number)
            number = 0
    return record[:4], numbers


def write(cursor: Any, index: str, cookie: bytes, numbers: Iterable[int]) -> None:
    """Put another one in its place."""
    record = cookie + b"".join(map(_octets, numbers))
    cursor.execute(f'UPDATE "{index}_data" SET block = %s WHERE id = {STRUCTURE}', [record])


def _octets(number: int) -> bytes:
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.insert(0, number & 0x7F | 0x80)
    return bytes(octets)
