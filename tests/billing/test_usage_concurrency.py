"""Many calls at once count exactly, on both engines."""

from collections import Counter
from typing import Any

import pytest

from billing.models import CreditAccount, Usage, UsageIncrement
from tests.billing.books import drift
from tests.billing.races import PROCESSES, processes_at_once
from tests.client import ApiClient
from tests.processes import CLIENTS, at_once

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/usage/increment"


def statuses(answers: list[Any]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def limit(key: str, daily: int | None, monthly: int | None) -> None:
    body = {"daily_limit": daily, "monthly_limit": monthly, "reason": "a test"}
    ApiClient(key, "ann").patch("/usage", body)


class TestIncrements:
    @pytest.mark.parametrize(("daily", "monthly"), [(700, None), (None, 700)])
    def test_of_16_clients_reach_700_of_700(
        self, key: str, daily: int | None, monthly: int | None
    ) -> None:
        limit(key, daily, monthly)

        def act(_: int) -> list[int]:
            client = ApiClient(key, "ann")
            return [client.post(PATH).status_code for _ in range(50)]

        assert Counter(sum(at_once(act), [])) == {200: 700, 429: CLIENTS * 50 - 700}
        usage = Usage.objects.get()
        assert (usage.daily_used, usage.monthly_used, usage.total_queries) == (700, 700, 700)

    def test_of_8_processes_reach_the_limit(self, key: str) -> None:
        limit(key, 33, None)

        said = processes_at_once("spender", key, PATH, "{}", "10", "")

        answers = Counter(line[:3] for line in sum(said, []))
        assert answers == {"200": 33, "429": PROCESSES * 10 - 33}
        assert Usage.objects.get().total_queries == 33

    def test_of_more_than_one_never_pass_the_limit(self, key: str) -> None:
        limit(key, 50, None)

        answers = at_once(lambda _: ApiClient(key, "ann").post(PATH, {"amount": 7}))

        assert statuses(answers) == {200: 7, 429: CLIENTS - 7}
        assert Usage.objects.get().daily_used == 49
        assert drift() == []

    def test_at_first_contact_count_each(self, key: str) -> None:
        answers = at_once(lambda _: ApiClient(key, "new").post(PATH))

        assert statuses(answers) == {200: 10, 429: CLIENTS - 10}
        assert Usage.objects.get().daily_used == 10

    def test_with_keys_at_first_contact_count_each(self, key: str) -> None:
        answers = at_once(
            lambda number: ApiClient(key, "new").post(PATH, idempotency_key=f"k{number}")
        )

        assert statuses(answers) == {200: 10, 429: CLIENTS - 10}
        assert Usage.objects.get().daily_used == UsageIncrement.objects.count() == 10

    def test_with_one_key_count_once(self, key: str) -> None:
        answers = at_once(lambda _: ApiClient(key, "ann").post(PATH, idempotency_key="k"))

        assert statuses(answers) == {200: CLIENTS}
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
        assert Usage.objects.get().daily_used == 1

    def test_with_one_key_and_two_bodies_let_one_win(self, key: str) -> None:
        answers = at_once(
            lambda number: ApiClient(key, "ann").post(
                PATH, {"amount": 1 + number % 2}, idempotency_key="k"
            )
        )

        assert statuses(answers) == {200: 8, 422: 8}
        assert Usage.objects.get().daily_used in (1, 2)


class TestFirstContact:
    def test_of_16_clients_makes_one_row(self, key: str) -> None:
        answers = at_once(lambda _: ApiClient(key, "new").get("/usage"))

        assert statuses(answers) == {200: CLIENTS}
        assert Usage.objects.count() == 1


class TestFirstContacts:
    def test_of_usage_and_account_give_one_tier(self, key: str) -> None:
        def act(number: int) -> list[int]:
            path, tier = (("/usage", "pro"), ("/credits", "enterprise"))[number % 2]
            persons = [ApiClient(key, f"new-{round}") for round in range(10)]
            return [person.get(path, x_user_tier=tier).status_code for person in persons]

        assert set(sum(at_once(act), [])) == {200}
        of_usage = dict(Usage.objects.values_list("person__user_id", "tier"))
        assert len(of_usage) == 10
        assert of_usage == dict(CreditAccount.objects.values_list("person__user_id", "tier"))
