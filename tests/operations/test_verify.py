import json
import os
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from conversations import verify_checks
from conversations.models import Conversation, Message
from tests.asserts import stored
from tests.client import ApiClient
from tests.operations.server import manage

pytestmark = pytest.mark.django_db

KEEPS_THE_OWNER = "conversations_message_person"


@pytest.fixture(autouse=True)
def records(person: ApiClient, stranger: ApiClient) -> None:
    """Conversations of two people, one of them empty."""
    messages = [{"role": "user", "content": f"pump {number}"} for number in range(3)]
    person.post("/conversations", {"title": "Heat", "messages": messages})
    person.post("/conversations", {"title": "Empty"})
    stranger.post("/conversations", {"title": "Theirs", "messages": messages[:1]})


def verify(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    output = StringIO()
    try:
        call_command("verify", *arguments, stdout=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


def problems() -> dict[str, list[str]]:
    """The sentences of each check that found something, as --json gives them."""
    code, output = verify("--json")
    document = json.loads(output)
    found = {check["name"]: check["first"] for check in document["checks"] if check["problems"] > 0}
    assert code == (1 if found else 0)
    assert document["clean"] is (not found)
    return found


def damage(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def message(position: int) -> Message:
    return Message.objects.get(conversation__title="Heat", position=position)


class TestSoundRecords:
    def test_are_told_so(self) -> None:
        before = stored()

        code, output = verify()

        assert code == 0
        assert output.splitlines()[-1] == "All is as it should be."
        for name in ("positions", "owners", "search_words", "search_index"):
            assert f"ok   conversations.{name} " in output
        assert "BAD" not in output
        assert stored() == before

    def test_are_told_so_to_programs(self) -> None:
        code, output = verify("--json")

        document = json.loads(output)
        assert (code, document["clean"]) == (0, True)
        names = [check["name"] for check in document["checks"]]
        assert names == sorted(names, key=lambda name: ("." in name, name))
        assert {"triggers", "conversations.positions"} <= set(names)
        assert all((check["problems"], check["first"]) == (0, []) for check in document["checks"])

    def test_may_be_none_at_all(self) -> None:
        Conversation.objects.all().delete()

        assert problems() == {}

    def test_may_be_of_any_text(self, person: ApiClient) -> None:
        texts = ["", "ẞ İ ﷺ 日本 e\u0301 _ = 'a' \"b\"", "x" * 300_000, "\x1c\x85\u2028 null"]
        messages = [{"role": "user", "content": text} for text in texts]
        person.post("/conversations", {"title": "=ann", "messages": messages})

        assert problems() == {}


class TestDamage:
    def test_of_positions_is_named(self) -> None:
        damage("UPDATE conversations_message SET position = 9 WHERE id = %s", message(2).pk)

        [(name, [sentence])] = problems().items()

        assert name == "conversations.positions"
        assert f"conversation #{message(1).conversation_id}:" in sentence

    @pytest.mark.parametrize(("title", "count"), [("Heat", 2), ("Heat", 4), ("Empty", 1)])
    def test_of_counts_is_named(self, title: str, count: int) -> None:
        conversation = Conversation.objects.get(title=title)
        damage(
            "UPDATE conversations_conversation SET message_count = %s WHERE id = %s",
            count,
            conversation.pk,
        )

        [(name, [sentence])] = problems().items()

        assert name == "conversations.positions"
        assert f"conversation #{conversation.pk}: it counts {count} messages" in sentence

    def test_by_a_message_that_is_gone_is_named(self) -> None:
        damage("DELETE FROM conversations_message WHERE id = %s", message(3).pk)

        assert list(problems()) == ["conversations.positions"]

    def test_of_owners_is_named(self) -> None:
        row = message(2)
        keeping = [
            trigger for trigger in all_triggers("conversations") if trigger.name == KEEPS_THE_OWNER
        ]
        database_triggers.drop(keeping)
        damage(
            "UPDATE conversations_message SET person_id = (SELECT id FROM access_person"
            " WHERE user_id = 'bob') WHERE id = %s",
            row.pk,
        )
        database_triggers.create(keeping)

        found = problems()

        assert list(found) == ["conversations.owners"]
        assert f"message #{row.pk}:" in found["conversations.owners"][0]

    @pytest.mark.parametrize("words", ["", "boiler", "pump 0 boiler"])
    def test_of_a_messages_words_is_named(self, words: str) -> None:
        row = message(1)
        damage("UPDATE conversations_message SET search_text = %s WHERE id = %s", words, row.pk)

        [(name, [sentence])] = problems().items()

        assert name == "conversations.search_words"
        assert f"message #{row.pk}:" in sentence

    def test_of_a_titles_words_is_named(self) -> None:
        row = Conversation.objects.get(title="Heat")
        damage("UPDATE conversations_conversation SET title = 'Boiler' WHERE id = %s", row.pk)

        [(name, [sentence])] = problems().items()

        assert name == "conversations.search_words"
        assert f"conversation #{row.pk}:" in sentence

    def test_of_several_kinds_is_named_each(self) -> None:
        damage("UPDATE conversations_message SET position = 9 WHERE id = %s", message(2).pk)
        damage("UPDATE conversations_message SET search_text = '' WHERE id = %s", message(1).pk)

        assert set(problems()) == {"conversations.positions", "conversations.search_words"}

    def test_of_a_trigger_is_named(self) -> None:
        trigger = next(trigger for trigger in all_triggers() if trigger.table == "guarded_proof")
        database_triggers.drop([trigger])

        found = problems()

        assert list(found) == ["triggers"]
        assert trigger.name in found["triggers"][0] and trigger.table in found["triggers"][0]

    def test_is_shown_in_lines(self) -> None:
        row = message(1)
        damage("UPDATE conversations_message SET search_text = '' WHERE id = %s", row.pk)

        code, output = verify()

        assert code == 1
        assert "BAD  conversations.search_words " in output
        assert f"message #{row.pk}:" in output
        assert output.splitlines()[-1] == "1 problems."

    def test_is_not_mended(self) -> None:
        damage("UPDATE conversations_message SET search_text = ''")
        damage("UPDATE conversations_conversation SET message_count = 8")
        before = stored()

        verify()

        assert stored() == before

    def test_of_more_than_twenty_rows_is_counted(self, person: ApiClient) -> None:
        for number in range(25):
            person.post("/conversations", {"title": f"stale {number}"})
        damage("UPDATE conversations_conversation SET search_text = 'x' WHERE title LIKE 'stale%%'")

        code, output = verify()
        document = json.loads(verify("--json")[1])

        [check] = [check for check in document["checks"] if check["problems"]]
        assert code == 1
        assert (check["problems"], len(check["first"])) == (25, 20)
        assert "… and 5 more" in output
        assert output.splitlines()[-1] == "25 problems."


if connection.vendor == "sqlite":

    @pytest.mark.parametrize("model", [Conversation, Message])
    class TestDamageOfTheIndex:
        def test_by_a_row_that_is_missing_is_named(self, model: Any) -> None:
            index = f"{model._meta.db_table}_words"
            row = model.objects.order_by("pk")[0]
            damage(
                f"INSERT INTO {index} ({index}, rowid, words) VALUES ('delete', %s, %s)",
                row.pk,
                f"=616E6E {row.search_text}",
            )

            [(name, [sentence])] = problems().items()

            assert name == "conversations.search_index"
            assert f"{model._meta.verbose_name} #{row.pk}:" in sentence

        def test_by_a_word_too_many_is_named(self, model: Any) -> None:
            row = model.objects.order_by("pk")[0]
            damage(
                f"INSERT INTO {model._meta.db_table}_words (rowid, words) VALUES (%s, 'ghost')",
                row.pk,
            )

            assert list(problems()) == ["conversations.search_index"]

        def test_by_a_row_that_is_gone_is_named(self, model: Any) -> None:
            damage(
                f"INSERT INTO {model._meta.db_table}_words (rowid, words)"
                " VALUES (987654, '=616E6E ghost')"
            )

            [(name, [sentence])] = problems().items()

            assert name == "conversations.search_index"
            assert "#987654: it is gone" in sentence

        def test_is_named_where_the_index_is_read_in_parts(
            self, model: Any, monkeypatch: pytest.MonkeyPatch
        ) -> None:
            monkeypatch.setattr(verify_checks, "INDEX_ROWS", 1)
            assert problems() == {}
            index, first = f"{model._meta.db_table}_words", model.objects.order_by("pk")[0]
            for row_id, words in ((first.pk, "ghost"), (987654, "=616E6E ghost")):
                damage(f"INSERT INTO {index} (rowid, words) VALUES (%s, %s)", row_id, words)

            sentences = problems()["conversations.search_index"]

            assert len(sentences) == 2
            assert f"#{first.pk}: the index differs" in sentences[0]
            assert "#987654: it is gone" in sentences[1]

        @pytest.mark.parametrize("act", ["insert", "update", "delete"])
        def test_by_a_trigger_that_is_gone_is_named(self, model: Any, act: str) -> None:
            trigger = f"{model._meta.db_table}_words_{act}"
            damage(f"DROP TRIGGER {trigger}")

            found = problems()

            assert list(found) == ["triggers"]
            assert trigger in found["triggers"][0]

else:

    @pytest.mark.parametrize("model", [Conversation, Message])
    class TestDamageOfTheIndex:
        def test_that_is_gone_is_named(self, model: Any) -> None:
            damage(f"DROP INDEX {model._meta.db_table}_words")

            [(name, [sentence])] = problems().items()

            assert name == "conversations.search_index"
            assert f"{model._meta.db_table}_words is missing" in sentence

        def test_that_is_not_valid_is_named(self, model: Any) -> None:
            damage(
                "UPDATE pg_index SET indisvalid = false"
                f" WHERE indexrelid = '{model._meta.db_table}_words'::regclass"
            )

            [(name, [sentence])] = problems().items()

            assert name == "conversations.search_index"
            assert "not valid" in sentence


class TestWithoutADatabase:
    def verify(self, url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return manage(os.environ | {"DATABASE_URL": url}, "verify", *arguments)

    def assert_could_not_run(self, done: "subprocess.CompletedProcess[str]") -> None:
        assert done.returncode == 2, done.stderr
        assert "Could not run" in done.stderr
        assert "Traceback" not in done.stderr
        assert "All is as it should be" not in done.stdout

    @pytest.mark.parametrize("arguments", [[], ["--json"]])
    def test_on_postgresql_it_could_not_run(self, arguments: list[str]) -> None:
        done = self.verify("postgresql://steward:hunter2@127.0.0.1:1/none", *arguments)

        self.assert_could_not_run(done)
        assert "hunter2" not in done.stderr + done.stdout

    def test_on_sqlite_it_could_not_run(self, tmp_path: Path) -> None:
        self.assert_could_not_run(self.verify(f"sqlite:///{tmp_path}/no/such/folder/x.sqlite3"))

    def test_without_tables_it_could_not_run(self, tmp_path: Path) -> None:
        self.assert_could_not_run(self.verify(f"sqlite:///{tmp_path}/empty.sqlite3"))
