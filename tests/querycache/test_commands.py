"""cache_stats and cache_invalidate."""

import io
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from access.models import StaffAction
from querycache.models import Namespace
from querycache.services import counting
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db


def said(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


class TestCacheStats:
    @pytest.fixture(autouse=True)
    def numbers(self, person: ApiClient) -> None:
        cache.store(person, cache.key_of(person), cost_credits=4)
        cache.look_up(person)
        cache.look_up(person, namespace="empty")
        counting.counted.flush()

    def test_prints_the_numbers_of_every_namespace(self) -> None:
        lines = said("cache_stats").splitlines()

        assert [line for line in lines if not line.startswith(" ")] == ["default", "empty"]
        assert lines[1:5] == [
            "  cache hits: 1", "  cache misses: 0", "  hit rate percent: 100.0",
            "  total requests: 1",
        ]  # fmt: skip

    def test_prints_what_the_route_answers(self, person: ApiClient) -> None:
        numbers: dict[str, Any] = orjson.loads(said("cache_stats", "--json"))

        assert set(numbers) == {"default", "empty"}
        assert numbers["default"] == person.get("/cache/stats").json()

    def test_prints_one_namespace(self) -> None:
        assert said("cache_stats", "--namespace", "empty").startswith("empty\n")
        assert set(orjson.loads(said("cache_stats", "--namespace", "empty", "--json"))) == {"empty"}

    def test_refuses_a_namespace_that_is_not_there(self) -> None:
        with pytest.raises(CommandError, match="no such namespace"):
            said("cache_stats", "--namespace", "none")


class TestCacheInvalidate:
    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (["--tag", "a", "--tag", "b"], "Invalidated the tags a, b in default"),
            (["--model", "one"], "Invalidated the model one in default"),
            (["--all"], "Invalidated all in default, which is in epoch 1"),
        ],
    )
    def test_ends_answers(self, person: ApiClient, arguments: list[str], line: str) -> None:
        cache.store(person, tags=["b"], model="one")

        assert said("cache_invalidate", *arguments).startswith(line)

        assert person.get(cache.entry_path()).status_code == 404

    def test_is_recorded_without_names(self, person: ApiClient) -> None:
        said("cache_invalidate", "--tag", "ann")

        record = StaffAction.objects.about(Namespace.objects.get()).get()
        assert (record.actor, record.action) == ("system", "querycache.invalidate")
        assert record.sentence == "Invalidated tags."

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["--all", "--model", "one"],
            ["--tag", "a", "--all"],
            ["--tag", ""],
            ["--model", ""],
            ["--all", "--namespace", "none"],
        ],
    )
    def test_refuses_what_it_cannot_understand(
        self, person: ApiClient, arguments: list[str]
    ) -> None:
        cache.store(person, tags=["a"], model="one")

        with pytest.raises(CommandError):
            said("cache_invalidate", *arguments)

        assert person.get(cache.entry_path()).status_code == 200
