"""A part of an answer, read from JSON of many shapes: whose text it is, and whether it failed."""

import json
from dataclasses import dataclass
from typing import Any

# Parts of one stage, and characters of one text, that a page shows; it says how much is left out.
SHOWN_PARTS = 60
SHOWN_CHARACTERS = 100_000

# The keys under which applications keep the same thing, the original's first.
TEXT_KEYS = ("response", "final_answer", "content", "answer", "ranking", "evaluation", "text")
MODEL_KEYS = ("model", "model_name", "name", "reviewer", "chairman")
LABEL_KEYS = ("label", "reviewer_label")
ORDER_KEYS = ("parsed_ranking", "parsed_rankings", "rankings", "ranking", "order")
# What the original stores as the final answer when there is none.
NO_SYNTHESIS = "Error: Unable to generate final synthesis"


@dataclass(frozen=True)
class Part:
    """One model's text in a stage. A failed one has the error for its text, or none."""

    model: str
    text: str
    failed: bool = False
    label: str = ""
    cut: int = 0


def items_of(stage: Any) -> list[Any]:
    """The parts of a stage: of a list, of one part alone, or of an object by model."""
    if stage in (None, "", [], {}):
        return []
    if isinstance(stage, list):
        return stage
    if not isinstance(stage, dict) or stage.keys() & {*TEXT_KEYS, *MODEL_KEYS, *ORDER_KEYS}:
        return [stage]
    return [
        {"model": key} | item if isinstance(item, dict) else {"model": key, "response": item}
        for key, item in stage.items()
    ]


def part_of(item: Any) -> Part:
    """The model and the text of an item; what is not understood is its JSON."""
    if not isinstance(item, dict):
        return text_part("", item if isinstance(item, str) else json_text(item))
    model = next((name for key in MODEL_KEYS if (name := name_of(item.get(key)))), "")
    label = next((name for key in LABEL_KEYS if (name := name_of(item.get(key)))), "")
    failed = item.get("provider") == "failed"
    for key in TEXT_KEYS:
        if isinstance(item.get(key), str) and item[key].strip():
            return text_part(model, item[key], failed=failed, label=label)
    values = [item[key] for key in TEXT_KEYS if item.get(key) not in (None, "", [], {})]
    if item.get("error") or item.keys() & set(TEXT_KEYS) and not values:
        error = item.get("error")
        text = error if isinstance(error, str) else json_text(error) if error else ""
        return text_part(model, text, failed=True, label=label)
    rest = {key: value for key, value in item.items() if key not in (*MODEL_KEYS, *LABEL_KEYS)}
    if rest.keys() & set(ORDER_KEYS):
        return text_part(model, "", label=label)
    return text_part(model, json_text(rest) if rest else "", failed=not rest, label=label)


def text_part(model: str, text: str, *, failed: bool = False, label: str = "") -> Part:
    """A part with as much of the text as a page shows."""
    text = without_surrogates(text)
    cut = max(len(text) - SHOWN_CHARACTERS, 0)
    return Part(model, text[:SHOWN_CHARACTERS], failed, label, cut)


def final_part(part: Part) -> Part:
    """The same as a final answer, which applications mark as failed in ways of their own."""
    failed = part.failed or part.model.casefold() == "error" or part.text.startswith(NO_SYNTHESIS)
    return Part(part.model, part.text, failed, part.label, part.cut)


def name_of(value: Any) -> str:
    """A model's name or a label, whatever it is wrapped in."""
    if isinstance(value, dict):
        return next((name for key in MODEL_KEYS if (name := name_of(value.get(key)))), "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return without_surrogates(
        str(value) if not isinstance(value, int) else json_text(value)
    ).strip()[:200]


def short_name_of(model: str) -> str:
    """A model's name without its provider's."""
    return model.rpartition("/")[2] or model


def without_surrogates(text: str) -> str:
    """Without lone surrogates, which no page can hold."""
    return text.encode("utf-8", "replace").decode()


def json_text(value: Any) -> str:
    """A value as JSON that people read."""
    try:
        return without_surrogates(json.dumps(value, ensure_ascii=False, indent=2))
    except (RecursionError, ValueError):  # nested too deeply, or a number of 5,000 digits
        return "(cannot be shown)"
