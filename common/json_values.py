"""Which JSON values both databases can store and give back as they came.

Neither takes NaN, the infinities or integers beyond 64 bits; PostgreSQL takes no NUL in text, and
UTF-8 no lone surrogate. The API refuses such a body; the import replaces such values and reports
each of them.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

DEEPEST_NESTING = 100
INTEGERS = range(-(2**63), 2**63)
UNSTORABLE_TEXT = re.compile("[\0\ud800-\udfff]")

Report = Callable[[str, str], None]


class NestedTooDeep(ValueError):
    """More than DEEPEST_NESTING lists and objects inside each other."""


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
    if text.isascii() and "\0" not in text:
        return text
    result, count = UNSTORABLE_TEXT.subn("\ufffd", text)
    if count:
        report(pointer, f"{count} NUL or lone surrogate character(s)")
    return result
