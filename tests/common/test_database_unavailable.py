from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from conversations.models import Conversation
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.common.broken_urls import SECRET


@contextmanager
def impatient() -> Iterator[None]:
    """This connection waits 50 ms for a lock, and no longer."""
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50" if on_sqlite else "SET lock_timeout = 50")
        yield
        cursor.execute("PRAGMA busy_timeout = 20000" if on_sqlite else "RESET lock_timeout")


@contextmanager
def locked_by_another() -> Iterator[None]:
    """Another connection holds what a writer needs."""
    other: Any = connection.copy(alias="other")
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("LOCK TABLE conversations_conversation IN SHARE MODE")
            else:
                cursor.execute("DELETE FROM conversations_conversation WHERE id = 0")
            yield
    finally:
        other.rollback()
        other.close()
        if connection.vendor == "postgresql":
            other.close_pool()


class TestADatabaseThatDoesNotAnswer:
    @pytest.mark.parametrize("name", ["unreachable", "closed"])
    def test_is_a_problem_that_says_when_to_try_again(self, settings: Any, name: str) -> None:
        settings.ROOT_URLCONF = "tests.common.broken_urls"

        response = Client(raise_request_exception=False).get(f"/api/view/{name}")

        assert_problem(response, 503, "database_unavailable")
        assert int(response["Retry-After"]) > 0
        assert SECRET not in response.content.decode()

    @pytest.mark.django_db(transaction=True)
    def test_leaves_nothing_and_serves_the_next_request(self, person: ApiClient) -> None:
        with impatient(), locked_by_another():
            refused = person.post("/conversations", {"title": "Heat"})

        assert_problem(refused, 503, "database_unavailable")
        assert not Conversation.objects.exists()
        assert person.post("/conversations", {"title": "Heat"}).status_code == 201
