"""What is left on the disk of a text that was erased or deleted on SQLite, and who may read it.

PostgreSQL takes what was deleted out of its files in its own time (docs/privacy.md).
"""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.operations.server import environment_of, manage, prepared
from tests.web import Answer, Web, served

# Not in the test's own process: whoever closes one of the files there ends SQLite's locks on it.
READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM conversations_message").fetchone()
print("reading", flush=True)
sys.stdin.readline()
"""


@contextmanager
def read_by_a_process(file: Path) -> Iterator[None]:
    """Another process sees the database as it is now, for as long as the block lasts."""
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout and reader.stdout.readline() == "reading\n"
    try:
        yield
    finally:
        reader.communicate("\n")


class Place:
    """A server on a database file of its own."""

    def __init__(self, web: Web, key: str, file: Path) -> None:
        self.web = web
        self.key = key
        self.file = file

    def run(self, *arguments: str) -> None:
        done = manage(environment_of(f"sqlite:///{self.file}"), *arguments)
        assert done.returncode == 0, done.stderr

    def traces(self, texts: list[str]) -> list[str]:
        """Which of the texts stand in the bytes of the database's files."""
        files = [each.read_bytes() for each in self.file.parent.glob(f"{self.file.name}*")]
        return [text for text in texts if any(text.encode() in content for content in files)]

    def rights(self) -> dict[str, int]:
        return {
            each.name.removeprefix(self.file.name): stat.S_IMODE(each.stat().st_mode)
            for each in self.file.parent.glob(f"{self.file.name}*")
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("traces")
    file = folder / "records.sqlite3"
    variables = environment_of(f"sqlite:///{file}")
    key = prepared(variables)
    with served(variables, folder) as web:
        yield Place(web, key, file)


class Somebody:
    """A person whose texts have words that stand nowhere else."""

    def __init__(self, place: Place, mark: str) -> None:
        self.place = place
        self.user_id = f"{mark}-person-{mark}"
        self.asked = f"Does the quokka{mark} flower in snow?"
        self.words = [f"quokka{mark}", f"numbat{mark}", f"bilby{mark}"]
        self.texts = [self.user_id, self.asked, *self.words]

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        answer = self.place.web.request(
            method, f"/api/v1{path}", body,
            Authorization=f"Bearer {self.place.key}", X_User_Id=self.user_id,
        )  # fmt: skip
        assert answer.status_code < 300, answer.content
        return answer

    def converse(self) -> str:
        quokka, numbat, _ = self.words
        messages = [
            {"role": "user", "content": self.asked},
            {"role": "assistant", "stage1": [{"model": "m", "response": f"Ask the {numbat}."}]},
        ]
        body = {"title": f"About the {quokka}", "messages": messages}
        return str(self.send("POST", "/conversations", body).json()["id"])

    def live(self) -> None:
        _, numbat, bilby = self.words
        self.converse()
        charge = {"type": "deduct", "amount": 1, "description": f"For a {bilby}"}
        self.send("POST", "/credits/transactions", charge)
        missed = self.send("POST", "/cache/lookup", {"query": self.asked}).json()
        result = {"result": numbat, "lease": missed["lease"]["token"]}
        self.send("PUT", f"/cache/entries/{missed['key']}", result)

    def be_erased(self) -> None:
        self.send("POST", "/privacy/erase", {"confirm": self.user_id})


class TestAnErasure:
    def test_leaves_no_trace_in_the_files(self, place: Place) -> None:
        person = Somebody(place, "aa3f9c")
        person.live()
        assert place.traces(person.texts) == person.texts

        person.be_erased()

        assert place.traces(person.texts) == []
        assert "-wal" in place.rights()

    def test_beside_a_reader_says_what_is_left_and_maintain_takes_it_away(
        self, place: Place
    ) -> None:
        person = Somebody(place, "bb71e0")
        person.live()
        with read_by_a_process(place.file):
            person.be_erased()

            assert place.traces(person.texts) != []
            assert "Deleted texts are still in the write-ahead log" in place.web.log
            place.run("maintain", "--task", "operations.write_ahead_log")
            assert place.traces(person.texts) != []

        place.run("maintain", "--task", "operations.write_ahead_log")

        assert place.traces(person.texts) == []


class TestADeletedConversation:
    def test_is_gone_from_the_files_with_the_next_maintain(self, place: Place) -> None:
        person = Somebody(place, "cc0d42")
        conversation = person.converse()
        person.send("DELETE", f"/conversations/{conversation}")
        assert place.traces([person.asked]) != []

        place.run("maintain", "--task", "operations.write_ahead_log")

        assert place.traces([person.asked]) == []
        # An SQLite before 3.42 keeps the single words in the index until they are merged.
        place.run("reindex_search")
        place.run("maintain", "--task", "operations.write_ahead_log")
        assert place.traces([person.asked, *person.words]) == []


class TestTheFiles:
    def test_are_their_owners_alone(self, place: Place) -> None:
        Somebody(place, "dd5a18").live()

        rights = place.rights()
        assert {"", "-wal", "-shm"} <= set(rights)
        assert set(rights.values()) == {0o600}

    def test_become_so_where_they_were_not(self, place: Place) -> None:
        files = {"", "-wal", "-shm"} & set(place.rights())
        for each in files:
            os.chmod(f"{place.file}{each}", 0o644)

        place.run("maintain", "--task", "operations.write_ahead_log")

        rights = place.rights()
        assert {rights[each] for each in files & set(rights)} == {0o600}
