"""Which JSON values both databases can store and give back as they came.

Neither takes NaN, the infinities or integers beyond 64 bits; PostgreSQL takes no NUL in text, and
UTF-8 no lone surrogate. The API refuses such a body; the import replaces such values and reports
each of them.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import orjson

DEEPEST_NESTING = 100
INTEGERS = range(-(2**63), 2**63)
UNSTORABLE_TEXT = re.compile("[\0\ud800-\udfff]")
VALUE_MARKS = (b",", b"[", b"{")
# From one of them to the next, over texts; the rest of the body is one such piece, too. Nothing is
# read twice, whatever the body is, since no part gives back what it has taken.
UP_TO_A_MARK = re.compile(rb'(?:[^,\[{"]++|"(?:[^"\\]++|\\.)*+"?)*+[,\[{]?', re.DOTALL)

Report = Callable[[str, str], None]


class NestedTooDeep(ValueError):
    """More than DEEPEST_NESTING lists and objects inside each other."""


def has_more_values(body: bytes, most: int) -> bool:
    """Whether JSON has more than `most` values, found out before it is parsed.

    A list of n items has n - 1 commas and a bracket. So the marks outside of texts are as many as
    the values; one that is empty counts as two.
    """
    if len(body) <= most or sum(map(body.count, VALUE_MARKS)) <= most:
        return False
    # Two pieces more than marks: the rest of the body, and its end.
    pieces = islice(UP_TO_A_MARK.finditer(body), most + 3)
    return sum(1 for _ in pieces) > most + 2


def is_plain(body: bytes) -> bool:
    """Whether all that orjson makes of a body can be stored, so that nobody need look at it.

    By itself it refuses numbers that are not finite and lone surrogates; not a NUL, and no depth.
    """
    opened = body.count(b"[") + body.count(b"{")
    return opened <= DEEPEST_NESTING and rb"\u0000" not in body


def is_storable(value: Any) -> bool:
    """Whether `cleaned` would leave the value as it is; each value is looked at once.

    Raises NestedTooDeep, as that does.
    """
    level, depth = [value], 1
    while level:
        if depth > DEEPEST_NESTING and any(isinstance(item, (dict, list)) for item in level):
            raise NestedTooDeep(f"nested deeper than {DEEPEST_NESTING} levels")
        if not all(map(_is_storable_leaf, level)):
            return False
        level = [inner for item in level for inner in _inside(item)]
        depth += 1
    return True


def _is_storable_leaf(value: Any) -> bool:
    """Of a list or an object: whether its keys can be stored."""
    if isinstance(value, str):
        return _is_storable_text(value)
    if isinstance(value, dict):
        return _is_storable_text("".join(value))
    if isinstance(value, float):
        return math.isfinite(value)
    return type(value) is not int or value in INTEGERS


def _is_storable_text(text: str) -> bool:
    if text.isascii():
        return "\0" not in text
    return UNSTORABLE_TEXT.search(text) is None


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def loads_storable(body: bytes) -> Any:
    """Parse JSON that can be stored as it came; a third of the work of `loads` and `is_storable`.

    Raises ValueError for any other, and for some that may be other: ask those of it.
    """
    if b"\\u0000" in body:
        raise ValueError("perhaps a NUL")
    value = orjson.loads(body)  # which refuses what is not finite, and lone surrogates
    level: list[Any] = [[value]]
    for _ in range(DEEPEST_NESTING + 1):
        level = [inner for item in level for inner in _inner_lists_and_objects(item)]
        if not level:
            return value
    raise NestedTooDeep(f"nested deeper than {DEEPEST_NESTING} levels")


def _inner_lists_and_objects(value: Any) -> list[Any]:
    inner = []
    for item in _inside(value):
        kind = type(item)
        if kind is dict or kind is list:
            inner.append(item)
        # An integer beyond 64 bits comes as a float.
        elif (kind is int or kind is float) and not -(2**63) < item < 2**63:
            raise ValueError("perhaps an integer beyond 64 bits")
    return inner


def loads(text: str) -> Any:
    """Parse JSON, with NaN, infinities and integers of any size as floats (nan, inf).

    Raises ValueError for what is no JSON, and NestedTooDeep.
    """
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError as error:
        raise NestedTooDeep("nested too deep") from error


def _integer(digits: str) -> int | float:
    # Past 20 characters it is beyond 64 bits for certain; int() would be slow, and refuses 4,300.
    return int(digits) if len(digits) <= 20 else math.inf


def cleaned(value: Any, report: Report, pointer: str = "", depth: int = 1) -> Any:
    """`value` with each unstorable number as None and each unstorable character as U+FFFD.

    Calls `report(pointer, what)` for each replaced value, with its JSON pointer. Raises
    NestedTooDeep.
    """
    if isinstance(value, str):
        return _cleaned_text(value, report, pointer)
    if isinstance(value, dict):
        if depth > DEEPEST_NESTING:
            raise NestedTooDeep(f"nested deeper than {DEEPEST_NESTING} levels at {pointer}")
        return {
            name: cleaned(value[key], report, f"{pointer}/{_escaped(name)}", depth + 1)
            for key, name in _cleaned_keys(value, report, pointer).items()
        }
    if isinstance(value, list):
        if depth > DEEPEST_NESTING:
            raise NestedTooDeep(f"nested deeper than {DEEPEST_NESTING} levels at {pointer}")
        return [
            cleaned(item, report, f"{pointer}/{position}", depth + 1)
            for position, item in enumerate(value)
        ]
    if isinstance(value, float) and not math.isfinite(value):
        report(pointer, "a number that is not finite or too large")
        return None
    if type(value) is int and value not in INTEGERS:
        report(pointer, "an integer beyond 64 bits")
        return None
    return value


def _cleaned_keys(value: dict[str, Any], report: Report, pointer: str) -> dict[str, str]:
    """The new name of each key; two that differ only in what was replaced stay two."""
    names: dict[str, str] = {}
    for key in value:
        name = _cleaned_text(key, lambda at, what: None, "")
        if name != key:
            while name in value or name in names.values():
                name += "\ufffd"
            report(f"{pointer}/{_escaped(name)}", "NUL or lone surrogate character(s) in a key")
        names[key] = name
    return names


def _escaped(key: str) -> str:
    """A key as one step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _cleaned_text(text: str, report: Report, pointer: str) -> str:
    if _is_storable_text(text):
        return text
    result, count = UNSTORABLE_TEXT.subn("\ufffd", text)
    if count:
        report(pointer, f"{count} NUL or lone surrogate character(s)")
    return result
