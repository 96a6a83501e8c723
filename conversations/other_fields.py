"""The texts of a message in fields that none of ours takes: `direct`, `stage4`, parts as a list.

An imported message keeps such fields in `extra`, as they stood. A person reads them as they read
its content: they are searched, shown to staff and exported.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Keys whose values name, count or date things, and say nothing that a person would read.
SILENT_KEYS = {
    "aggregate_rankings", "category", "config", "cost", "created_at", "currency", "date",
    "finish_reason", "format", "href", "id", "index", "kind", "label", "label_to_model", "language",
    "media_type", "message_type", "metadata", "mime", "mime_type", "mode", "model", "model_name",
    "models", "node_id", "object", "parent", "parsed_ranking", "position", "provider", "reply_to",
    "reviewer_label", "role", "settings", "state", "status", "stop_reason", "time", "timestamp",
    "tokens", "token_usage", "type", "uid", "updated_at", "uri", "url", "usage", "uuid", "version",
}  # fmt: skip
SILENT_ENDINGS = ("_id", "_at", "_ms", "_url")
ERROR_KEYS = ("error", "errors")
# A picture or a file within a text (RFC 2397).
DATA_URL = re.compile(r"data:[^\s,]*,")


def other_fields(extra: Any) -> Iterator[tuple[str, Any]]:
    """Each field of `extra` with a text in it, and its value; a content that is no text first."""
    if not isinstance(extra, Mapping):
        return
    keys = sorted(extra, key=lambda key: key != "content")
    for key in keys:
        if not _is_silent(key) and next(strings(extra[key]), None) is not None:
            yield key, extra[key]


def strings(value: Any) -> Iterator[str]:
    """The texts in a value, in order; without what only names things, and without pictures."""
    if isinstance(value, str):
        if value.strip() and not DATA_URL.match(value):
            yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not _is_silent(key):
                yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def _is_silent(key: str) -> bool:
    name = key.lower()
    return name in SILENT_KEYS or name.endswith(SILENT_ENDINGS) or key.endswith(("Id", "At", "Url"))
