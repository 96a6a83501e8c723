import datetime

import pytest
from django.utils import timezone

from access.models import ApiKey
from access.services import keys
from tests.asserts import assert_statements
from tests.client import ApiClient

NOON = datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


def last_used_at() -> datetime.datetime | None:
    return ApiKey.objects.get().last_used_at


class TestTheLastUse:
    def test_is_not_written_by_the_request(self, person: ApiClient) -> None:
        with assert_statements(2) as statements:
            person.get("/conversations")

        assert not any(statement.startswith("UPDATE") for statement in statements)
        assert last_used_at() is None

    def test_is_written_by_the_flush(self, person: ApiClient) -> None:
        before = timezone.now()
        person.get("/conversations")
        after = timezone.now()

        keys.last_uses.flush()

        written = last_used_at()
        assert written is not None and before <= written <= after

    def test_is_written_once_for_many_requests(self, person: ApiClient) -> None:
        for _ in range(3):
            person.get("/conversations")

        with assert_statements(1):
            keys.last_uses.flush()
        with assert_statements(0):
            keys.last_uses.flush()

    def test_is_the_latest_of_many(self, person: ApiClient) -> None:
        key_id = ApiKey.objects.get().pk
        for moment in (NOON, NOON + HOUR, NOON - HOUR):
            keys.last_uses.note(key_id, moment)

        keys.last_uses.flush()

        assert last_used_at() == NOON + HOUR

    def test_never_goes_back_when_another_process_was_later(self, person: ApiClient) -> None:
        ApiKey.objects.update(last_used_at=NOON + HOUR)
        keys.last_uses.note(ApiKey.objects.get().pk, NOON)

        keys.last_uses.flush()

        assert last_used_at() == NOON + HOUR

    def test_is_noted_for_no_key_that_was_refused(self, person: ApiClient) -> None:
        prefix = ApiKey.objects.get().prefix

        ApiClient(f"stw_{prefix}_wrong", "ann").get("/conversations")
        keys.last_uses.flush()

        assert last_used_at() is None

    @pytest.mark.parametrize("path", ["/conversations", "/conversations?limit=0"])
    def test_is_noted_whatever_the_answer(self, person: ApiClient, path: str) -> None:
        person.get(path)
        keys.last_uses.flush()

        assert last_used_at() is not None

    def test_of_a_key_that_is_gone_is_no_matter(self, person: ApiClient) -> None:
        person.get("/conversations")
        ApiKey.objects.all().delete()

        keys.last_uses.flush()

        assert not ApiKey.objects.exists()
