"""That a prepared read sends what Django would send, and gives what it would give."""

import datetime
import itertools
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import F, QuerySet
from django.utils import timezone

import config.urls
from access.models import Person
from common import prepared
from common.api import pagination
from conversations.models import Conversation, Message
from tests.asserts import assert_statements
from tests.conversations.recipes import key_of

assert config.urls  # which knows every module that answers
NOON = datetime.datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=datetime.UTC)
# Of each kind what is worth a try: an empty text, marks that SQL knows, a zone that is not UTC.
VALUES: dict[type, list[Any]] = {
    str: ["ann", "", "%s ' \" \\ ä"],
    int: [7, 0, prepared.INTEGER_MAX],
    uuid.UUID: [uuid.UUID(int=1), uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")],
    datetime.date: [NOON.date()],
    datetime.datetime: [NOON, NOON.astimezone(datetime.timezone(datetime.timedelta(hours=5)))],
}
ALL = [*prepared.every]
PAGES = [
    pagination.prepared_page(read, f"{sign}{field}", kind)
    for read in ALL
    if "limit" in read.choices
    for field, type_ in (("created_at", datetime.datetime), ("sequence", int), ("position", int))
    if field in {column.name for column in read.model._meta.fields}
    for sign in ("", "-")
    for kind in (None, type_)
]


@prepared.prepared(newest_first=(True, False))
def titled(*, user_id: str, title: str, newest_first: bool) -> QuerySet[Conversation]:
    found = Conversation.objects.for_user(user_id).filter(title=title)
    return found.order_by("-created_at" if newest_first else "created_at")


@prepared.prepared()
def counted(*, user_id: str, more: int, uid: uuid.UUID, at: datetime.datetime) -> Any:
    found = Conversation.objects.for_user(user_id).filter(uid=uid, created_at__lte=at)
    return found.filter(message_count__lt=more).annotate(twice=F("message_count") * 2)


@prepared.prepared(among=((), ("Heat",)))
def among(*, user_id: str, among: tuple[str, ...]) -> Any:
    found = Conversation.objects.for_user(user_id).filter(title__in=among)
    return found.values_list("title", flat=True)


@prepared.prepared()
def rows(*, user_id: str) -> Any:
    return Conversation.objects.for_user(user_id).as_rows()


@prepared.prepared()
def pairs(*, user_id: str) -> Any:
    return Conversation.objects.for_user(user_id).values_list("uid", "created_at")


OWN = [titled, counted, rows, pairs]


def calls(read: prepared.Prepared[Any, Any]) -> Iterator[dict[str, Any]]:
    """Every choice with the first value of each kind, and each other value once."""
    places = {name: VALUES[kind] for name, kind in read.kinds.items()}
    usual = {name: values[0] for name, values in places.items()}
    listed = [
        dict.fromkeys([*values][:: max(len(values) - 1, 1)] + [*values][:5])
        for values in read.choices.values()
    ]
    for chosen in itertools.product(*listed):
        call = usual | dict(zip(read.choices, chosen, strict=True))
        yield call
        for name, values in places.items():
            yield from (call | {name: value} for value in values[1:])


def made(title: str = "Heat", **fields: Any) -> Conversation:
    return Conversation.objects.create(
        person_id=key_of("ann"), title=title, created_at=NOON, updated_at=NOON, **fields
    )


class TestEveryPreparedRead:
    @pytest.mark.parametrize("read", [*ALL, *PAGES, *OWN], ids=lambda one: one.build.__qualname__)
    @pytest.mark.parametrize("cut", [prepared.whole, prepared.first])
    def test_sends_what_django_would_send(
        self, read: prepared.Prepared[Any, Any], cut: prepared.Cut, db: None
    ) -> None:
        tried = 0
        for values in calls(read):
            statement = read.statement(cut, values)
            assert statement is not None, values
            sent = statement.sql, tuple(statement.parameters(values, connection))
            assert sent == cut(read.build(**values)).query.sql_with_params(), values
            tried += 1

        assert tried


class TestPrepared:
    def test_gives_models_with_their_annotations(self, db: None) -> None:
        conversation = made(message_count=3, metadata={"a": 1.0})
        conversation.refresh_from_db()

        found = counted.first(user_id="ann", more=9, uid=conversation.uid, at=NOON)

        assert isinstance(found, Conversation)
        assert found.twice == 6  # type: ignore[attr-defined]
        for field in Conversation._meta.concrete_fields:
            value = getattr(found, field.attname)
            assert value == getattr(conversation, field.attname)
            assert type(value) is type(getattr(conversation, field.attname))
        assert found._state.db == DEFAULT_DB_ALIAS
        assert not found._state.adding

    @pytest.mark.parametrize("read", [rows, pairs])
    def test_gives_dictionaries_and_tuples(
        self, read: prepared.Prepared[Any, Any], db: None
    ) -> None:
        made(metadata={"a": 1.0})
        made("Rain", archived_at=NOON)

        found, expected = read.all(user_id="ann"), list(read.build(user_id="ann"))

        assert orjson.dumps(found) == orjson.dumps(expected)
        assert len(found) == 2
        assert read.all(user_id="bob") == []
        assert read.first(user_id="bob") is None

    def test_gives_bare_values(self, db: None) -> None:
        made()

        assert among.all(user_id="ann", among=("Heat",)) == ["Heat"]

    def test_makes_a_statement_for_each_choice(self, db: None) -> None:
        early = made()
        late = made()
        Conversation.objects.filter(pk=late.pk).update(created_at=timezone.now())

        def newest(newest_first: bool) -> Any:
            return titled.first(user_id="ann", title="Heat", newest_first=newest_first)

        assert [newest(True), newest(False), newest(True)] == [late, early, late]

    def test_sends_one_statement(self, db: None) -> None:
        made()

        with assert_statements(2) as statements:
            rows.all(user_id="ann")
            rows.all(user_id="bob")

        assert statements[0] == statements[1]

    def test_builds_it_once(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        rows.all(user_id="ann")
        built: list[str] = []
        monkeypatch.setattr(rows, "build", lambda **values: built.append("again"))

        assert rows.all(user_id="bob") == []
        assert built == []

    def test_builds_it_anew_for_what_changes_the_sql(self, db: None) -> None:
        made()
        at, uid, person = NOON, uuid.uuid4(), key_of("ann")

        assert (
            counted.statement(prepared.whole, {"user_id": None, "more": 1, "uid": uid, "at": at})
            is None
        )
        for value in (None, F("title"), ["Heat"], 5):
            assert (
                titled.statement(
                    prepared.whole, {"user_id": "ann", "title": value, "newest_first": True}
                )
                is None
            )
        assert titled.all(user_id="ann", title=F("title"), newest_first=True)  # type: ignore[arg-type]
        assert not titled.all(user_id="ann", title=None, newest_first=True)  # type: ignore[arg-type]
        assert Person.objects.filter(pk=person).exists()

    def test_sends_nothing_where_django_would_not(self, db: None) -> None:
        made()

        with assert_statements(0):
            assert among.all(user_id="ann", among=()) == []
            assert counted.first(user_id="ann", more=-1, uid=uuid.uuid4(), at=NOON) is None

    def test_keeps_nothing_for_a_choice_that_is_not_listed(self, db: None) -> None:
        made("Rain")

        assert among.all(user_id="ann", among=("Rain",)) == ["Rain"]
        assert among.statement(prepared.whole, {"user_id": "ann", "among": ("Rain",)}) is None

    def test_keeps_so_many_and_no_more(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prepared, "KEPT_MAX", 2)
        monkeypatch.setattr(titled, "_statements", {})

        for newest_first in (True, False):
            titled.all(user_id="ann", title="Heat", newest_first=newest_first)
            titled.first(user_id="ann", title="Heat", newest_first=newest_first)
            assert len(titled._statements) <= 2

    def test_is_logged_when_slow_with_who_asked(
        self, db: None, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.SLOW_QUERY_SECONDS = 0

        rows.all(user_id="ann")

        [record] = caplog.records
        assert record.fields["place"].startswith("tests/common/test_prepared.py:")  # type: ignore[attr-defined]

    def test_refuses_what_it_would_give_otherwise(self, db: None) -> None:
        people = prepared.Prepared(lambda: Message.objects.select_related("person"), {})
        named = prepared.Prepared(lambda: Message.objects.values_list("id", named=True), {})
        elsewhere = prepared.Prepared(lambda: Message.objects.using("other"), {})

        for read in (people, named, elsewhere):
            prepared.every.remove(read)
            with pytest.raises(TypeError):
                read.all()


@pytest.mark.django_db(transaction=True)
class TestThreads:
    def test_two_may_be_the_first(self) -> None:
        made()
        read = prepared.Prepared(rows.build, {})
        prepared.every.remove(read)
        together, found = threading.Barrier(2), []

        def ask() -> None:
            together.wait()
            try:
                found.append(read.all(user_id="ann"))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (
            orjson.dumps(found[0])
            == orjson.dumps(found[1])
            == orjson.dumps(rows.all(user_id="ann"))
        )

    def test_outlives_the_connection_that_it_was_made_with(self) -> None:
        made()
        first = rows.all(user_id="ann")
        connections.close_all()

        assert orjson.dumps(rows.all(user_id="ann")) == orjson.dumps(first)
