"""Times as council applications write them."""

import datetime
import re
from typing import Any

EPOCH_MILLISECONDS_FROM = 100_000_000_000  # as seconds this would be the year 5138
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*")


def parse_time(value: Any) -> datetime.datetime | None:
    """A time in UTC from ISO 8601 (without a zone: UTC) or a number since 1970, or None."""
    try:
        if isinstance(value, str) and ISO_DATE.fullmatch(value.strip()):
            moment = datetime.datetime.fromisoformat(value.strip())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if value >= EPOCH_MILLISECONDS_FROM else value
            moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        else:
            return None
        if moment.tzinfo is None:
            return moment.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None
