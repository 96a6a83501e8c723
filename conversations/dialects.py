"""What derived applications say with words of their own: archived, deleted, and since when.

Such as `archived: true`, `is_archived: 1`, `isArchived: "yes"`, `archived_at` with a time,
`status: "archived"`. A key of exactly the word counts before all others, so that a file can take
back what another key says.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Any

from conversations.times import parse_time

YES = {"true", "yes", "1"}
NO = {"false", "no", "0", ""}
STATUS_KEYS = ("status", "state")


def says(document: Mapping[str, Any], word: str) -> bool | None:
    """Whether the document says that it is `word` (archived, deleted); None if it says nothing."""
    exact = _yes_or_no(document.get(word))
    if exact is not None:
        return exact
    others = {_yes_or_no(value) for key, value in document.items() if _means(key, word)}
    others |= {True for key in STATUS_KEYS if _is_text(document.get(key), word)}
    return True if True in others else False if False in others else None


def said_at(document: Mapping[str, Any], word: str) -> datetime.datetime | None:
    """Since when it is so, if the document has a time for it."""
    keys = [f"{word}_at", *(key for key in document if _means(key, word))]
    times = (_time(document.get(key)) for key in keys)
    return next((moment for moment in times if moment is not None), None)


def _means(key: str, word: str) -> bool:
    name = re.sub("[^a-z]", "", key.lower())
    return name in (word, f"is{word}", f"{word}at", f"{word}on")


def _is_text(value: Any, word: str) -> bool:
    return isinstance(value, str) and value.strip().lower() == word


def _yes_or_no(value: Any) -> bool | None:
    if isinstance(value, str) and (text := value.strip().lower()) in YES | NO:
        return text in YES
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    return True if _time(value) is not None else None


def _time(value: Any) -> datetime.datetime | None:
    is_flag = isinstance(value, (bool, int, float)) and value in (0, 1)
    return None if is_flag else parse_time(value)
