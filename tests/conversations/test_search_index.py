"""The index beside the rows: what it forgets, what it takes, and how it comes to be."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from conversations import fts5_levels
from conversations.models import Conversation, Message
from conversations.search import fts_table
from conversations.triggers import purge_deleted_terms
from conversations.verify_checks import CHECKS
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.recipes import MOMENT
from tests.conversations.test_search import say, titles
from tests.migrating import come_to_the_latest

RARE = "zzqxvrareword"
[INDEX_CHECK] = [check for check in CHECKS if check.name == "conversations.search_index"]


def index_files() -> bytes:
    """Everything that stands in the FTS5 tables (SQLite)."""
    with connection.cursor() as cursor:
        blocks = []
        for table in ("conversations_conversation", "conversations_message"):
            cursor.execute(f"SELECT block FROM {table}_words_data")
            blocks += [row[0] for row in cursor.fetchall()]
    return b"\n".join(blocks)


if connection.vendor == "sqlite":

    @pytest.mark.django_db(transaction=True)
    class TestAWordOfADeletedConversation:
        @pytest.mark.parametrize("others", [0, 30])
        @pytest.mark.parametrize(("title", "content"), [(RARE, "x"), ("x", RARE)])
        def test_is_in_no_block_of_the_index(
            self, person: ApiClient, others: int, title: str, content: str
        ) -> None:
            for number in range(others):
                say(person, f"before {number}", f"text {number}")
            identity = say(person, title, content)
            say(person, "after", "text")
            assert RARE.encode() in index_files()

            person.delete(f"/conversations/{identity}")

            assert RARE.encode() not in index_files()
            assert len(titles(person, "text")) == min(others + 1, 50)

    @pytest.mark.django_db(transaction=True)
    class TestAWordThatWasReplaced:
        def test_in_a_title_is_in_no_block_of_the_index(self, person: ApiClient) -> None:
            identity = say(person, RARE)
            assert RARE.encode() in index_files()

            person.patch(f"/conversations/{identity}", {"title": "x"})

            assert RARE.encode() not in index_files()

        def test_by_an_import_is_in_no_block_of_the_index(self, tmp_path: Path) -> None:
            for content in (RARE, "x"):
                message = {"role": "user", "content": content}
                trees.write(tmp_path, "ann/a.json", trees.conversation(messages=[message]))
                call_command("import_json", str(tmp_path), "--on-conflict", "update")

            assert RARE.encode() not in index_files()

    @pytest.mark.django_db(transaction=True)
    class TestTheIndex:
        def test_outlives_more_deletions_than_fts5_has_levels(self, person: ApiClient) -> None:
            # An index of more than one page: of smaller ones FTS5 counts no levels.
            say(person, "Heat", " ".join(["a pump", *(f"w{number}" for number in range(5_000))]))
            index = fts_table(Message)
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA synchronous = OFF")
                for number in range(1, 1401):
                    say_and_delete(cursor, index, 10**6 + number)
                    if number % 50 == 0:
                        say_and_delete_elsewhere(index, 10**7 + number)
                levels = levels_of(cursor, index)
            connection.close()  # which knows the index, and would not read it anew

            assert levels <= fts5_levels.MOST_LEVELS
            say(person, "Water", "another pump")
            assert titles(person, "pump") == ["Water", "Heat"]
            assert RARE.encode() not in index_files()

        def test_keeps_its_words_in_whichever_level_they_are(self, person: ApiClient) -> None:
            say(person, "Heat", "a pump")
            with connection.cursor() as cursor, transaction.atomic():
                index = fts_table(Message)
                cookie, (_, segments, writes, *rest) = fts5_levels.structure(cursor, index)
                levels = [150, segments, writes, *[0, 0] * 3, *rest[:5], *[0, 0] * 146]
                fts5_levels.write(cursor, index, cookie, levels)
            connection.close()

            with connection.cursor() as cursor, transaction.atomic():
                fts5_levels.lower_levels(cursor, index)
                assert levels_of(cursor, index) == fts5_levels.USUAL_LEVELS
            connection.close()

            assert titles(person, "pump") == ["Heat"]
            say(person, "Water", "another pump")
            assert titles(person, "pump") == ["Water", "Heat"]

        def test_that_has_too_many_levels_is_mended_by_reindex_search(
            self, person: ApiClient
        ) -> None:
            identity = say(person, "Heat", "a pump")
            with connection.cursor() as cursor:
                index = fts_table(Message)
                cookie, numbers = fts5_levels.structure(cursor, index)
                levels = [numbers[0] + 3_000, *numbers[1:3], *[0, 0] * 3_000, *numbers[3:]]
                fts5_levels.write(cursor, index, cookie, levels)
            connection.close()
            assert person.delete(f"/conversations/{identity}").status_code == 500
            [found] = INDEX_CHECK.find()
            assert found == f"the index {index} has too many levels; run reindex_search"

            call_command("reindex_search")

            assert titles(person, "pump") == ["Heat"]
            assert person.delete(f"/conversations/{identity}").status_code == 204

    def say_and_delete(cursor: Any, index: str, row: int) -> None:
        texts = f"({row}, '{RARE}'), ({10**8 + row}, 'x{row}')"
        cursor.execute(f'INSERT INTO "{index}" (rowid, words) VALUES {texts}')
        with transaction.atomic():
            cursor.execute(
                f'INSERT INTO "{index}" ("{index}", rowid, words)'
                f" VALUES ('delete', {row}, '{RARE}')"
            )
            purge_deleted_terms([Message])

    def say_and_delete_elsewhere(index: str, row: int) -> None:
        """In a connection of its own."""

        def act() -> None:
            with connection.cursor() as cursor:
                say_and_delete(cursor, index, row)
            connection.close()

        thread = threading.Thread(target=act)
        thread.start()
        thread.join()

    def levels_of(cursor: Any, index: str) -> int:
        return fts5_levels.structure(cursor, index)[1][0]


@pytest.mark.django_db
class TestALongMessage:
    def test_is_kept_whole_and_found_by_its_beginning(self, person: ApiClient) -> None:
        content = " ".join(f"w{number}" for number in range(650_000))
        assert len(content) > 5_000_000

        identity = say(person, "long", content)

        assert titles(person, "w0 w1 w20000") == ["long"]
        assert titles(person, "w649999") == []
        shown = person.get(f"/conversations/{identity}").json()
        assert shown["messages"][0]["content"] == content

    def test_may_be_of_distinct_characters_that_are_words_each(self, person: ApiClient) -> None:
        content = "".join(map(chr, [*range(0x4E00, 0x9FA6), *range(0x20000, 0x2A6D7)]))

        say(person, "long", content)

        assert titles(person, content[0] + content[-1]) == ["long"]

    def test_may_hold_a_word_longer_than_any_index_entry(self, person: ApiClient) -> None:
        word = "ẁ" * 150_000

        say(person, "long", f"first {word} last")

        assert titles(person, f"first last {word[:900]}") == ["long"]

    def test_may_grow_when_it_is_normalised(self, person: ApiClient) -> None:
        say(person, "long", "ﷺ " * 199_990 + "end")

        assert titles(person, "ﷺ") == ["long"]

    def test_is_cut_at_200_000_characters_over_all_its_texts(self, person: ApiClient) -> None:
        message = {
            "role": "assistant",
            "content": "x" * 199_990,
            "stage1": [{"response": "within"}, {"response": "beyond"}],
        }
        person.post("/conversations", {"title": "long", "messages": [message]})

        assert titles(person, "within") == ["long"]
        assert titles(person, "beyond") == []


@pytest.mark.django_db(transaction=True)
class TestTheMigration:
    @pytest.fixture(autouse=True)
    def latest_afterwards(self) -> Iterator[None]:
        yield
        come_to_the_latest()

    def migrate(self, name: str) -> None:
        call_command("migrate", "conversations", name, verbosity=0)

    def rows(self) -> list[Any]:
        rows = [
            *Conversation.objects.order_by("pk").values(),
            *Message.objects.order_by("pk").values(),
        ]
        # A step back takes the column `actor`, with what stood in it.
        return [{name: value for name, value in row.items() if name != "actor"} for row in rows]

    def test_indexes_the_rows_that_stand(self, person: ApiClient, stranger: ApiClient) -> None:
        stages = {"stage1": [{"model": "m", "response": "boiler"}], "stage3": {"response": "oven"}}
        say(person, "Heat", "a pump")
        say(stranger, "pump")
        person.post("/conversations", {"title": "C", "messages": [{"role": "assistant"} | stages]})
        before = self.rows()
        self.migrate("0001")

        call_command("migrate", verbosity=0)

        assert self.rows() == before
        assert titles(person, "pump") == ["Heat"]
        assert titles(person, "boiler oven") == ["C"]
        assert titles(stranger, "pump") == ["pump"]
        call_command("verify")

    def test_that_is_undone_leaves_tables_that_the_old_release_can_write(
        self, person: ApiClient
    ) -> None:
        self.migrate("0001")
        state = MigrationExecutor(connection).loader.project_state(
            ("conversations", "0001_initial")
        )
        old = state.apps.get_model("conversations", "Conversation")

        old.objects.create(user_id="ann", title="pump", created_at=MOMENT, updated_at=MOMENT)

        call_command("migrate", verbosity=0)
        assert titles(person, "pump") == ["pump"]
