"""How fast council files are imported, beside a bare COPY of their rows and one `save()` a row.

    DATABASE_URL=… python -m benchmarks.importing [--conversations 1000] [--rounds 3]

Makes a tree of conversations with 20 messages each (10 council answers of 6 KB, of a vocabulary as
wide as people's) and stores it in three ways, each in a process and a database of its own, in
turns: with `import_json`; bare, which is COPY (SQLite: a repeated INSERT) of the files'
values into tables without words, triggers or further indexes; and with one `save()` a row. Prints
medians for SQLite, and for PostgreSQL on the server of DATABASE_URL, which must run here, as the
CPU of its process counts, too.
"""

import argparse
import io
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MESSAGES, PERSONS = 20, 50
# Of an answer's 1,000 words about 330 are different ones, as in English.
VOCABULARY, SUBJECT, LETTERS = 20_000, 4_000, "etaoinshrdlucmwfgypbvk"
WAYS = ("import_json", "bare", "save() a row")
TEMPLATE, MEASURED = "bench_importing", "bench_importing_now"


# The tree


def some(chance: random.Random, words: list[str], count: int) -> list[str]:
    """Few of them often and most of them seldom, as in any language."""
    return [words[int(len(words) ** chance.random()) - 1] for _ in range(count)]


def text(chance: random.Random, words: list[str]) -> str:
    """About 650 characters."""
    return " ".join(some(chance, words, 110)).capitalize() + "."


def answer(chance: random.Random, words: list[str]) -> dict[str, Any]:
    models = ["a/one", "b/two", "c/three", "d/four"]
    return {
        "role": "assistant",
        "stage1": [{"model": model, "response": text(chance, words)} for model in models],
        "stage2": [
            {
                "model": model,
                "ranking": text(chance, words),
                "parsed_ranking": ["Response A", "Response B"],
            }
            for model in models
        ],
        "stage3": {"model": models[0], "response": text(chance, words)},
        "metadata": {"label_to_model": {"Response A": "a/one"}},
    }


def make_tree(root: Path, count: int) -> int:
    """Gives the bytes of all files."""
    chance = random.Random(17)
    words = ["".join(chance.choices(LETTERS, k=chance.randrange(2, 11))) for _ in range(VOCABULARY)]
    byte_size = 0
    for number in range(count):
        messages: list[Any] = []
        for _ in range(MESSAGES // 2):
            messages += [{"role": "user", "content": text(chance, words)[:80]}]
            messages += [answer(chance, some(chance, words, SUBJECT))]
        document = {
            "id": str(uuid.UUID(int=number)),
            "created_at": "2025-11-30T10:00:00",
            "title": f"Conversation {number} about {text(chance, words)[:30]}",
            "messages": messages,
        }
        file = root / "conversations" / f"person{number % PERSONS}" / f"{document['id']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        byte_size += file.write_text(json.dumps(document, indent=2))
    return byte_size


# The ways, each in a process of its own


def by_import(root: Path) -> int:
    from conversations import import_trees, imports

    run = imports.Import(given_owner=None, on_conflict="skip", dry_run=False)
    return sum(1 for _ in run.run(import_trees.open_tree(root)))


def by_save(root: Path) -> int:
    from access.models import Person
    from conversations import council, import_trees
    from conversations.import_trees import FoundFile
    from conversations.models import Conversation, Message

    count = 0
    for file in import_trees.open_tree(root):
        assert isinstance(file, FoundFile)
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
        conversation.search_text = conversation.terms
        conversation.save(force_insert=True)
        for message in found.messages:
            row = Message(conversation=conversation, person_id=owner, **message.columns)
            row.search_text = row.terms
            row.save(force_insert=True)
        count += 1
    return count


def bare(root: Path) -> int:
    """100 files at a time, as the import does."""
    from django.db import connection, transaction

    json_type = "json" if connection.vendor == "postgresql" else "text"
    with connection.cursor() as cursor:
        for table, columns in BARE_TABLES.items():
            typed = columns.replace("JSON", json_type)
            cursor.execute(f"CREATE TABLE {table} ({typed})")
    files = sorted(root.rglob("*.json"))
    for start in range(0, len(files), 100):
        conversations, messages = [], []
        for number, file in enumerate(files[start : start + 100], start=start):
            document = json.loads(file.read_bytes())
            conversations.append((number, document["id"], document["title"], "{}"))
            messages += bare_messages(number, document)
        with transaction.atomic(), connection.cursor() as cursor:
            for table, rows in (("bare_conversation", conversations), ("bare_message", messages)):
                copy(cursor, connection.vendor, table, rows)
    return len(files)


BARE_TABLES = {
    "bare_conversation": "id bigint PRIMARY KEY, uid text, title text, metadata JSON",
    "bare_message": "id bigint PRIMARY KEY, uid text, conversation_id bigint, position integer,"
    " role text, content text, stage1 JSON, stage2 JSON, stage3 JSON, metadata JSON",
}


def bare_messages(number: int, document: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for position, message in enumerate(document["messages"], start=1):
        values = [message.get(key) for key in ("stage1", "stage2", "stage3", "metadata")]
        texts = [None if value is None else json.dumps(value) for value in values]
        key, content = number * MESSAGES + position, message.get("content")
        yield key, str(uuid.uuid4()), number, position, message["role"], content, *texts


def copy(cursor: Any, vendor: str, table: str, rows: list[tuple[Any, ...]]) -> None:
    if vendor == "sqlite":
        places = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        return
    lines = ("\t".join(map(copied, row)) for row in rows)
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO("\n".join(lines)))


def copied(value: Any) -> str:
    if value is None:
        return r"\N"
    text = str(value).replace("\\", r"\\")
    return text.replace("\n", r"\n").replace("\t", r"\t").replace("\r", r"\r")


def measure(way: str, root: Path) -> dict[str, float]:
    """A conversation's CPU in microseconds, its WAL in bytes; the process's memory in MiB."""
    import django

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    begun, cpu = time.perf_counter(), time.process_time()
    server, wal = server_cpu(connection), written(connection)
    count = {"import_json": by_import, "bare": bare, "save() a row": by_save}[way](root)
    return {
        "a second": count / (time.perf_counter() - begun),
        "CPU": (time.process_time() - cpu) / count * 1e6,
        "server": (server_cpu(connection) - server) / count * 1e6,
        "WAL": (written(connection) - wal) / count,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def server_cpu(connection: Any) -> float:
    """Seconds of the server's process that this connection has."""
    if connection.vendor == "sqlite":
        return 0
    process = connection.connection.info.backend_pid
    times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def written(connection: Any) -> float:
    """Bytes of write-ahead log until now."""
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return float(cursor.fetchone()[0])


# What runs them


def urls(folder: Path) -> list[str]:
    """A database for each engine, each with the name TEMPLATE."""
    server = os.environ.get("DATABASE_URL", "")
    made = [f"sqlite:///{folder}/{TEMPLATE}"]
    if server.startswith("postgres"):
        address, mark, options = server.partition("?")
        made.append(f"{address.rpartition('/')[0]}/{TEMPLATE}{mark}{options}")
    return made


def make_anew(url: str, name: str, template: str = "") -> str:
    """The URL of a database that is a copy of another, or an empty one."""
    made = url.replace(TEMPLATE, name)
    if url.startswith("sqlite"):
        path = Path(made.removeprefix("sqlite:///"))
        for ending in ("", "-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        if template:
            path.write_bytes(path.with_name(template).read_bytes())
    else:
        on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        on_server(f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
        on_server("CHECKPOINT")
    return made


def on_server(statement: str) -> None:
    import psycopg2

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


def run(url: str, *arguments: str) -> str:
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "a key of the benchmarks that is long enough to be one of a site",
        "LOG_LEVEL": "ERROR",
    }
    return subprocess.run(
        [sys.executable, *arguments], env=environment, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


def compare(url: str, root: Path, rounds: int) -> None:
    make_anew(url, TEMPLATE)
    run(url, "manage.py", "migrate")
    figures: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            now = make_anew(url, MEASURED, TEMPLATE)
            measured = run(now, "-m", "benchmarks.importing", "--way", way, "--tree", str(root))
            figures[way].append(json.loads(measured.splitlines()[-1]))
    if not url.startswith("sqlite"):
        for name in (TEMPLATE, MEASURED):
            on_server(f"DROP DATABASE {name} WITH (FORCE)")
    print(f"\n| {url.partition(':')[0]} | {' | '.join(figures[WAYS[0]][0])} |")
    for way in WAYS:
        medians = [
            statistics.median(one[column] for one in figures[way]) for column in figures[way][0]
        ]
        print(f"| {way} | {' | '.join(f'{median:.0f}' for median in medians)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--tree", type=Path)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options.tree)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "tree")
        byte_size = make_tree(root, options.conversations)
        print(f"{options.conversations} conversations of {MESSAGES} messages,", end=" ")
        print(f"{byte_size / 2**20:.0f} MiB; CPU in microseconds and WAL in bytes are a", end=" ")
        print("conversation's, memory is in MiB")
        for url in urls(Path(folder)):
            compare(url, root, options.rounds)


if __name__ == "__main__":
    main()
