"""An import as an operator runs it."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.models import Conversation


def run(path: Path, *arguments: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, output and report of one import."""
    report = path.parent / "report.jsonl"
    output = StringIO()
    code = 0
    try:
        call_command(
            "import_json",
            str(path),
            "--report",
            str(report),
            *arguments,
            stdout=output,
            stderr=output,
        )
    except SystemExit as end:
        code = int(end.code or 0)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    return code, output.getvalue(), lines


def refused(path: Path, *arguments: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        call_command("import_json", str(path), *arguments)
    assert not Conversation.objects.exists()
    return caught.value
