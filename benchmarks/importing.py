"""How fast council files are imported, against one `save()` for each row, in the same run.

    DATABASE_URL=… python -m benchmarks.importing [--conversations 2000]

Makes a tree of conversations with 20 messages each (10 council answers of 6 KB), imports it into an
emptied copy of the tables, and prints conversations a second and the memory of the process. Run it
on a database made for it: it deletes all conversations.
"""

import argparse
import json
import resource
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from access.models import Person  # noqa: E402
from conversations import council, import_trees, imports  # noqa: E402
from conversations.import_trees import FoundFile, UnreadFile  # noqa: E402
from conversations.models import Conversation, Message  # noqa: E402

MESSAGES = 20
TEXT = "Heat pumps move heat instead of making it, so that one unit of power gives three. " * 8


def answer() -> dict[str, Any]:
    models = ["a/one", "b/two", "c/three", "d/four"]
    return {
        "role": "assistant",
        "stage1": [{"model": model, "response": TEXT} for model in models],
        "stage2": [
            {"model": model, "ranking": TEXT, "parsed_ranking": ["Response A", "Response B"]}
            for model in models
        ],
        "stage3": {"model": models[0], "response": TEXT},
        "metadata": {"label_to_model": {"Response A": "a/one"}},
    }


def make_tree(root: Path, count: int) -> int:
    messages = [{"role": "user", "content": "And now?"}, answer()] * (MESSAGES // 2)
    byte_size = 0
    for number in range(count):
        identity = str(uuid.UUID(int=number))
        owner = f"person{number % 50}"
        file = root / "conversations" / owner / f"{identity}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        byte_size += file.write_text(
            json.dumps(
                {
                    "id": identity,
                    "user_id": owner,
                    "created_at": "2025-11-30T10:00:00",
                    "title": f"Conversation {number}",
                    "messages": messages,
                }
            )
        )
    return byte_size


def by_import(files: Iterator[FoundFile | UnreadFile]) -> int:
    run = imports.Import(given_owner=None, on_conflict="skip", dry_run=False)
    return sum(1 for _ in run.run(files))


def by_save(files: Iterator[FoundFile | UnreadFile]) -> int:
    count = 0
    for file in files:
        if isinstance(file, UnreadFile):
            continue
        found = council.read(
            file.read(), file_stem=file.stem, folder_owner=file.owner(), given_owner=None
        )
        owner = Person.objects.get_or_create(user_id=found.user_id)[0].pk
        conversation = Conversation(
            person_id=owner,
            uid=found.uid,
            message_count=len(found.messages),
            request_hash=found.content_hash,
            **found.columns,
        )
        conversation.save(force_insert=True)
        for message in found.messages:
            row = Message(conversation=conversation, person_id=owner, **message.columns)
            row.save(force_insert=True)
        count += 1
    return count


def peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--conversations", type=int, default=2000)
    count = parser.parse_args().conversations
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        byte_size = make_tree(root, count)
        print(f"{connection.vendor}: {count} conversations, {count * MESSAGES} messages,", end=" ")
        print(f"{byte_size / 2**20:.0f} MiB; {peak_mebibytes():.0f} MiB of memory before")
        rates = {}
        for name, way in (("import_json", by_import), ("one save() a row", by_save)):
            Message.objects.all().delete()
            Conversation.objects.all().delete()
            begun = time.perf_counter()
            done = way(import_trees.open_tree(root))
            rates[name] = done / (time.perf_counter() - begun)
            print(f"{name:18} {rates[name]:8.0f} a second; peak {peak_mebibytes():.0f} MiB")
        print(f"{'ratio':18} {rates['import_json'] / rates['one save() a row']:8.1f}")


if __name__ == "__main__":
    main()
