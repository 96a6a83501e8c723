"""Council files as the original and its derivatives write them, for the tests of the import."""

import json
from pathlib import Path
from typing import Any

ANN_1 = "0b5f3c1e-6a52-4f0e-9d3a-1c9a4d1f0001"
ANN_2 = "0b5f3c1e-6a52-4f0e-9d3a-1c9a4d1f0002"


def council_answer(**extra: Any) -> dict[str, Any]:
    return {
        "role": "assistant",
        "stage1": [{"model": "a/one", "response": "First."}, {"model": "b/two", "response": None}],
        "stage2": [
            {"model": "a/one", "ranking": "FINAL RANKING:\n1. Response B", "parsed_ranking": ["B"]}
        ],
        "stage3": {"model": "a/one", "response": "Together."},
        "metadata": {"label_to_model": {"Response A": "a/one"}},
    } | extra


def conversation(**fields: Any) -> dict[str, Any]:
    return {
        "id": ANN_1,
        "user_id": "ann",
        "created_at": "2025-11-30T10:00:00.123456",
        "title": "Heat pumps",
        "messages": [{"role": "user", "content": "Which?"}, council_answer()],
    } | fields


def write(root: Path, path: str, content: Any) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, (str, bytes)) else json.dumps(content, indent=2)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file
