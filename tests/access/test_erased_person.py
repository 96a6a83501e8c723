"""What is remembered of an erased person: a mark under a key, and nothing without the key."""

import hashlib
import hmac
from typing import Any

import pytest
from django.core.checks import run_checks

from access.models import ErasedPerson
from tests.asserts import assert_statements
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

KEY = "k" * 32


def erase(person: ApiClient, user_id: str) -> Any:
    response = person.post("/privacy/erase", {"confirm": user_id})
    assert response.status_code == 200, response.content
    return response.json()


class TestAnErasure:
    def test_leaves_a_mark_that_names_nobody(self, person: ApiClient, settings: Any) -> None:
        settings.ERASED_PERSONS_KEY = KEY
        person.post("/conversations", {})

        counts = erase(person, "ann")

        row = ErasedPerson.objects.values().get()
        assert row == {
            "mark": hmac.new(KEY.encode(), b"ann", hashlib.sha256).hexdigest(),
            "erasures": 1,
        }
        assert "ann" not in row["mark"] and counts["reference"] not in str(row)

    def test_leaves_nothing_without_a_key(self, person: ApiClient, settings: Any) -> None:
        settings.ERASED_PERSONS_KEY = ""

        erase(person, "ann")

        assert not ErasedPerson.objects.exists()
        with assert_statements(0):
            assert ErasedPerson.objects.among(["ann"]) == set()

    def test_is_counted_each_time(self, person: ApiClient, settings: Any) -> None:
        settings.ERASED_PERSONS_KEY = KEY

        erase(person, "ann")
        erase(person, "ann")

        assert ErasedPerson.objects.get().erasures == 2

    def test_is_known_of_the_person_alone_and_under_this_key(
        self, person: ApiClient, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = KEY
        erase(person, "ann")

        assert ErasedPerson.objects.among(["ann", "bob", "Ann", "ann "]) == {"ann"}
        settings.ERASED_PERSONS_KEY = "l" * 32
        assert ErasedPerson.objects.among(["ann"]) == set()


class TestTheKey:
    @pytest.mark.parametrize(("key", "refused"), [("", False), (KEY, False), ("k" * 31, True)])
    def test_is_long_or_not_there(self, settings: Any, key: str, refused: bool) -> None:
        settings.ERASED_PERSONS_KEY = key

        assert ("access.E008" in {error.id for error in run_checks()}) is refused
