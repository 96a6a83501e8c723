import gc
import tracemalloc
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.utils import timezone

from access.services import keys
from common import privacy
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient
from tests.operations.persons import SECRETS, publish_terms, rows_by_table, write_life_of

pytestmark = pytest.mark.django_db

ZOE = "zoë|marek 7"


@pytest.fixture
def zoe(key: str) -> ApiClient:
    return ApiClient(key, ZOE)


@pytest.fixture(autouse=True)
def lives(zoe: ApiClient, stranger: ApiClient) -> None:
    publish_terms()
    write_life_of(zoe, ZOE)
    stranger.post("/conversations", {"title": "Bob's own"})


def document(response: Any) -> dict[str, Any]:
    assert response.status_code == 200
    content: dict[str, Any] = orjson.loads(b"".join(response.streaming_content))
    return content


def has_texts(table: privacy.PersonalTable) -> bool:
    fields = table.model._meta.concrete_fields
    return any(isinstance(field, (models.TextField, models.JSONField)) for field in fields)


def rows_in(exported: dict[str, Any]) -> dict[str, int]:
    return {
        f"{app}.{table}": len(rows)
        for app, tables in exported.items()
        if isinstance(tables, dict)
        for table, rows in tables.items()
        if table not in ("texts_agreed_to", "names")
    }


class TestTheExport:
    def test_has_something_of_every_table(self) -> None:
        """Whoever adds a table with persons lets write_life_of write into it."""
        assert [table for table, rows in rows_by_table(ZOE).items() if rows == 0] == []

    def test_holds_every_row_that_raw_sql_finds(self, zoe: ApiClient) -> None:
        exported = document(zoe.get("/privacy/export"))

        assert exported["user_id"] == ZOE
        assert rows_in(exported) == rows_by_table(ZOE)
        text = orjson.dumps(exported).decode()
        assert [word for word in SECRETS if word not in text] == []

    def test_has_every_column_of_a_row(self, zoe: ApiClient) -> None:
        exported = document(zoe.get("/privacy/export"))

        for table in privacy.tables():
            app, name = table.label.split(".")
            for row in exported[app][name]:
                columns = {field.name for field in table.model._meta.concrete_fields}
                # The person stands there by their id, as on every route.
                assert set(row) == {"user_id" if name == "person" else name for name in columns}

    def test_holds_the_texts_agreed_to(self, zoe: ApiClient) -> None:
        exported = document(zoe.get("/privacy/export"))

        [text] = exported["consent"]["texts_agreed_to"]
        assert (text["purpose"], text["version"], text["text"]) == ("terms", 1, "Be kind.")
        assert exported["consent"]["consent_event"][0]["policy_version"] == text["policy_version"]

    def test_holds_nothing_of_others(self, zoe: ApiClient, stranger: ApiClient) -> None:
        assert b"Bob" not in orjson.dumps(document(zoe.get("/privacy/export")))

        theirs = document(stranger.get("/privacy/export"))
        assert {table: rows for table, rows in rows_in(theirs).items() if rows} == {
            "access.person": 1, "conversations.conversation": 1,
        }  # fmt: skip
        assert theirs["conversations"]["conversation"][0]["title"] == "Bob's own"

    def test_of_somebody_unknown_is_empty(self, key: str) -> None:
        exported = document(ApiClient(key, "nobody").get("/privacy/export"))

        assert set(rows_in(exported)) == set(rows_by_table(ZOE))
        assert sum(rows_in(exported).values()) == 0

    def test_is_a_file_to_keep(self, zoe: ApiClient) -> None:
        response = zoe.get("/privacy/export")

        assert response["Content-Type"] == "application/json"
        assert response["Content-Disposition"] == 'attachment; filename="export.json"'

    @pytest.mark.django_db(transaction=True)
    def test_holds_up_no_writer_while_it_is_sent(self, zoe: ApiClient) -> None:
        response: Any = zoe.get("/privacy/export")

        next(iter(response.streaming_content))

        assert not connection.in_atomic_block
        response.close()

    def test_takes_two_statements_a_table_at_most(self, zoe: ApiClient) -> None:
        document(zoe.get("/privacy/export"))
        tables = privacy.tables()
        with_texts = sum(has_texts(table) for table in tables)

        # The key, each table, the sizes of those with texts, the texts agreed to, and the names:
        # namespaces' in two, tags' in one.
        with assert_statements(1 + len(tables) + with_texts + 1 + 3):
            document(zoe.get("/privacy/export"))

    def test_reads_a_mebibyte_at_a_time(self, key: str) -> None:
        """However many rows: a thousand messages may have 5 MiB each."""
        ann, count, byte_size = ApiClient(key, "ann"), 30, 400_000
        messages = [{"role": "user", "content": "." * byte_size}] * 10
        for _ in range(count // 10):
            ann.post("/conversations", {"messages": messages})
        pieces: Any = ann.get("/privacy/export").streaming_content
        gc.collect()

        tracemalloc.start()
        written = sum(map(len, pieces))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert written > count * byte_size
        assert peak < 20 * byte_size

    def test_needs_the_right(self) -> None:
        key = keys.create_key(
            name="chat", scopes=["conversations:read"], actor="system", at=timezone.now()
        ).key

        problem = assert_problem(ApiClient(key, ZOE).get("/privacy/export"), 403, "missing_scope")
        # Keys cannot be given the scope that a person's own token has.
        assert problem["detail"] == "This needs the scope privacy:manage."

        assert problem["scope"] == "privacy:manage"


class TestExportUser:
    def test_writes_the_same_document(self, zoe: ApiClient, tmp_path: Path) -> None:
        output, file = StringIO(), tmp_path / "zoe.json"

        call_command("export_user", ZOE, str(file), stdout=output)

        written = orjson.loads(file.read_bytes())
        shown = document(zoe.get("/privacy/export"))
        assert written | {"exported_at": ""} == shown | {"exported_at": ""}
        assert output.getvalue().startswith(f"{sum(rows_by_table(ZOE).values())} rows of {ZOE}")
        assert file.stat().st_mode & 0o777 == 0o600

    def test_leaves_a_file_that_stands_there(self, tmp_path: Path) -> None:
        file = tmp_path / "zoe.json"
        file.write_text("mine")

        with pytest.raises(CommandError, match="exists already"):
            call_command("export_user", ZOE, str(file))

        assert file.read_text() == "mine"

    def test_says_that_it_cannot_write(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="Cannot write"):
            call_command("export_user", ZOE, str(tmp_path / "no" / "zoe.json"))

    @pytest.mark.parametrize("user_id", ["", "erased-1", "a\x00b", "x" * 129])
    def test_refuses_what_is_nobodys_id(self, user_id: str, tmp_path: Path) -> None:
        with pytest.raises(CommandError):
            call_command("export_user", user_id, str(tmp_path / "a.json"))

        assert list(tmp_path.iterdir()) == []
