from concurrent.futures import ThreadPoolExecutor, wait
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Message
from tests.asserts import stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of
from tests.conversations.test_search import say, titles
from tests.processes import onlooker

pytestmark = pytest.mark.django_db


def reindex() -> str:
    output = StringIO()
    call_command("reindex_search", stdout=output, stderr=output)
    return output.getvalue()


def execute(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        if statement.startswith("UPDATE"):
            assert cursor.rowcount == 1


class TestReindexing:
    def test_finds_nothing_to_do_where_all_is_well(self, person: ApiClient) -> None:
        say(person, "Heat", "a pump", "another")
        before = stored()

        output = reindex()

        assert "1 conversations: 0 had other words." in output
        assert "2 messages: 0 had other words." in output
        assert stored() == before
        assert titles(person, "pump") == ["Heat"]

    def test_works_on_empty_tables(self) -> None:
        assert "0 messages: 0 had other words." in reindex()

    def test_mends_words_that_are_not_the_texts(self, person: ApiClient) -> None:
        say(person, "Heat", "a pump", "another")
        before = stored()
        execute("UPDATE conversations_conversation SET search_text = 'boiler'")
        execute("UPDATE conversations_message SET search_text = 'boiler' WHERE position = 1")
        assert titles(person, "boiler") == ["Heat"]

        output = reindex()

        assert "1 conversations: 1 had other words." in output
        assert "2 messages: 1 had other words." in output
        assert titles(person, "boiler") == []
        assert titles(person, "pump") == ["Heat"]
        assert stored() == before

    def test_goes_through_many_rows_in_batches(self, person: ApiClient) -> None:
        make_conversation_of(messages=1200)

        with CaptureQueriesContext(connection) as queries:
            output = reindex()

        reads = [query["sql"] for query in queries if "LIMIT" in query["sql"]]
        assert "1200 messages: 1200 had other words." in output
        assert len([read for read in reads if '"conversations_message"."content"' in read]) <= 4
        assert all("LIMIT 500" in read for read in reads)
        assert not Message.objects.filter(search_text="").exists()
        assert titles(person, "1199") == ["New Conversation"]

    def test_tells_how_far_it_is(self) -> None:
        make_conversation_of(messages=1001)

        assert "1000 of 1001 messages" in reindex()


if connection.vendor == "sqlite":

    @pytest.mark.parametrize("model", [Conversation, Message])
    class TestReindexingADamagedIndex:
        def test_puts_in_what_is_missing(
            self, person: ApiClient, model: type[Conversation] | type[Message]
        ) -> None:
            say(person, "pump", "pump")
            index = f"{model._meta.db_table}_words"
            row = model.objects.get()
            execute(
                f"INSERT INTO {index} ({index}, rowid, words) VALUES ('delete', %s, %s)",
                row.pk,
                "=616E6E pump",
            )
            with pytest.raises(SystemExit):
                call_command("verify", stdout=StringIO())

            reindex()

            call_command("verify", stdout=StringIO())
            assert model.objects.matching(["pump"], owner="ann").count() == 1

        def test_takes_out_what_does_not_belong(
            self, person: ApiClient, model: type[Conversation] | type[Message]
        ) -> None:
            say(person, "pump", "pump")
            index = f"{model._meta.db_table}_words"
            row = model.objects.get()
            execute(
                f"INSERT INTO {index} (rowid, words) VALUES (%s, '=616E6E ghost')", row.pk + 1000
            )
            execute(f"INSERT INTO {index} (rowid, words) VALUES (%s, 'ghost')", row.pk)
            assert model.objects.matching(["ghost"]).exists()

            reindex()

            call_command("verify", stdout=StringIO())
            assert not model.objects.matching(["ghost"]).exists()

else:

    @pytest.mark.parametrize("model", [Conversation, Message])
    class TestReindexingADamagedIndex:
        def test_makes_an_index_that_is_gone(
            self, person: ApiClient, model: type[Conversation] | type[Message]
        ) -> None:
            say(person, "pump", "pump")
            execute(f"DROP INDEX {model._meta.db_table}_words")

            reindex()

            call_command("verify", stdout=StringIO())


@pytest.mark.django_db(transaction=True)
class TestBesideWriters:
    def test_waits_for_who_has_read_and_goes_on_to_write(self, person: ApiClient) -> None:
        say(person, "Heat", "a pump")

        def mend() -> str:
            try:
                return reindex()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as threads, onlooker() as is_waiting:
            with transaction.atomic():
                words = Message.objects.values_list("search_text", flat=True).get()
                mending = threads.submit(mend)
                while not (is_waiting() or wait([mending], timeout=0.002).done):
                    pass
                Message.objects.update(search_text=words)
            assert "0 had other words" in mending.result(timeout=60)

        assert titles(person, "pump") == ["Heat"]
