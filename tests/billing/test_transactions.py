import uuid
from typing import Any

import pytest

from billing.models import AMOUNT_MAX, CreditAccount, CreditTransaction
from billing.services import accounts
from tests.asserts import assert_problem, stored
from tests.billing.books import MOMENT, account, entries
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

FIELDS = {
    "id", "sequence", "type", "amount", "balance_after", "description", "metadata", "refunds",
    "hold", "actor", "created_at",
}  # fmt: skip
PATH = "/credits/transactions"


class TestACharge:
    def test_takes_credits(self, person: ApiClient) -> None:
        answer = person.post(
            PATH,
            {"type": "deduct", "amount": 20, "description": "An answer", "metadata": {"a": [1.5]}},
        )

        assert answer.status_code == 201
        charged = answer.json()
        assert set(charged) == FIELDS
        assert uuid.UUID(charged["id"]).version == 7
        assert charged["created_at"].endswith("Z")
        assert (charged["sequence"], charged["type"]) == (2, "deduct")
        assert (charged["amount"], charged["balance_after"]) == (-20, 30)
        assert (charged["description"], charged["metadata"]) == ("An answer", {"a": [1.5]})
        assert (charged["refunds"], charged["hold"]) == (None, None)
        assert charged["actor"] == "key:application"
        assert account().balance == 30

    def test_takes_the_last_credit(self, person: ApiClient) -> None:
        assert person.post(PATH, {"type": "deduct", "amount": 50}).json()["balance_after"] == 0

    def test_is_refused_beyond_the_balance(self, person: ApiClient) -> None:
        person.post("/credits/holds", {"amount": 15})
        before = stored()

        answer = person.post(PATH, {"type": "deduct", "amount": 36})

        problem = assert_problem(answer, 402, "insufficient_credits")
        assert (problem["needed"], problem["available"], problem["held"]) == (36, 35, 15)
        assert stored() == before

    def test_is_refused_as_the_original_did(self, person: ApiClient, settings: Any) -> None:
        settings.CREDITS_EXHAUSTED_STATUS = 429
        person.get("/credits")
        before = stored()

        for path, body in (
            (PATH, {"type": "deduct", "amount": 51}),
            ("/credits/holds", {"amount": 51}),
            (f"{PATH}/batch", {"transactions": [{"type": "deduct", "amount": 51}]}),
        ):
            problem = assert_problem(person.post(path, body), 429, "credits_exhausted")
            assert (problem["needed"], problem["available"], problem["held"]) == (51, 50, 0)
        assert stored() == before

    def test_is_refused_on_a_frozen_account(self, person: ApiClient) -> None:
        person.get("/credits")
        accounts.freeze_account(user_id="ann", actor="staff:dana", reason="a case", at=MOMENT)
        before = stored()

        for path, body in (
            (PATH, {"type": "deduct", "amount": 1}),
            ("/credits/holds", {"amount": 1}),
            (f"{PATH}/batch", {"transactions": [{"type": "deduct", "amount": 1}]}),
        ):
            assert_problem(person.post(path, body), 409, "account_frozen")
        assert stored() == before

    def test_passes_when_the_account_thaws(self, person: ApiClient) -> None:
        person.get("/credits")
        accounts.freeze_account(user_id="ann", actor="staff:dana", reason="a case", at=MOMENT)
        assert person.post(PATH, {"type": "grant", "amount": 1}).status_code == 201

        accounts.unfreeze_account(user_id="ann")

        assert person.post(PATH, {"type": "deduct", "amount": 51}).status_code == 201

    def test_takes_nothing_of_anybody_else(self, person: ApiClient, stranger: ApiClient) -> None:
        stranger.get("/credits")

        person.post(PATH, {"type": "deduct", "amount": 50})

        assert account("bob").balance == 50


class TestCreditsThatComeIn:
    @pytest.mark.parametrize("type_", ["grant", "purchase"])
    def test_are_added(self, person: ApiClient, type_: str) -> None:
        answer = person.post(PATH, {"type": type_, "amount": 100})

        assert answer.status_code == 201
        assert (answer.json()["amount"], answer.json()["balance_after"]) == (100, 150)
        assert entries() == [("allocate", 50, 50), (type_, 100, 150)]

    def test_may_be_as_many_as_10_to_the_15th(self, person: ApiClient) -> None:
        answer = person.post(PATH, {"type": "purchase", "amount": AMOUNT_MAX})
        assert answer.json()["balance_after"] == 50 + AMOUNT_MAX

        person.post(PATH, {"type": "deduct", "amount": AMOUNT_MAX})

        assert account().balance == 50

    def test_stop_far_inside_64_bits(self, person: ApiClient) -> None:
        most = {"transactions": [{"type": "purchase", "amount": AMOUNT_MAX}] * 499}
        for _ in range(2):
            assert person.post(f"{PATH}/batch", most).status_code == 201
        assert person.post(PATH, {"type": "purchase", "amount": AMOUNT_MAX}).status_code == 201
        before = stored()

        answer = person.post(PATH, {"type": "purchase", "amount": AMOUNT_MAX})
        assert_problem(answer, 422, "amount_too_large")
        last = {"transactions": [{"type": "grant", "amount": 1}, most["transactions"][0]]}
        problem = assert_problem(person.post(f"{PATH}/batch", last), 422, "amount_too_large")
        assert problem["index"] == 1
        assert stored() == before


class TestAnAdjustment:
    @pytest.mark.parametrize("amount", [-50, 7])
    def test_takes_either_sign(self, person: ApiClient, amount: int) -> None:
        body = {"type": "adjustment", "amount": amount, "description": "Counted wrongly"}

        answer = person.post(PATH, body)

        assert answer.status_code == 201
        assert (answer.json()["amount"], answer.json()["balance_after"]) == (amount, 50 + amount)
        assert answer.json()["actor"] == "key:application"

    def test_passes_no_balance(self, person: ApiClient) -> None:
        person.get("/credits")
        before = stored()
        body = {"type": "adjustment", "amount": -51, "description": "r"}

        assert_problem(person.post(PATH, body), 402, "insufficient_credits")
        assert stored() == before


REFUSED: list[tuple[Any, str]] = [
    ({"amount": 1}, "type"),
    ({"type": "deduct"}, "amount"),
    ({"type": "allocate", "amount": 1}, "type"),
    ({"type": "reset", "amount": 1}, "type"),
    ({"type": "refund", "amount": 1}, "type"),
    ({"type": "gift", "amount": 1}, "type"),
    ({"type": None, "amount": 1}, "type"),
    *[({"type": "deduct", "amount": amount}, "amount") for amount in (0, -1, "1", 1.5, True)],
    *[({"type": "deduct", "amount": amount}, "amount") for amount in (None, [], 10**15 + 1)],
    ({"type": "deduct", "amount": 2**63 - 1}, "amount"),
    ({"type": "grant", "amount": 0}, "amount"),
    ({"type": "grant", "amount": -5}, "amount"),
    ({"type": "purchase", "amount": -(2**63)}, "amount"),
    ({"type": "adjustment", "amount": 0, "description": "r"}, "amount"),
    ({"type": "adjustment", "amount": 5}, "description"),
    ({"type": "adjustment", "amount": 5, "description": "  "}, "description"),
    ({"type": "deduct", "amount": 1, "description": 1}, "description"),
    ({"type": "deduct", "amount": 1, "description": "x" * 2001}, "description"),
    ({"type": "deduct", "amount": 1, "metadata": []}, "metadata"),
    ({"type": "deduct", "amount": 1, "metadata": None}, "metadata"),
    ({"type": "deduct", "amount": 1, "balance_after": 9}, "balance_after"),
    ({"type": "deduct", "amount": 1, "actor": "self"}, "actor"),
]


class TestABody:
    @pytest.mark.parametrize(("body", "field"), REFUSED)
    def test_of_another_shape_is_refused(self, person: ApiClient, body: Any, field: str) -> None:
        problem = assert_problem(person.post(PATH, body), 400, "invalid_request")

        assert list(problem["errors"]) == [field]
        assert not CreditAccount.objects.exists()

    @pytest.mark.parametrize("body", [[], [{"type": "deduct", "amount": 1}], "a", 1])
    def test_that_is_no_object_is_refused(self, person: ApiClient, body: Any) -> None:
        assert_problem(person.post(PATH, body), 400, "invalid_request")
        assert not CreditAccount.objects.exists()

    @pytest.mark.parametrize(
        "raw",
        [
            b'{"type": "deduct", "amount": 9223372036854775808}',
            b'{"type": "deduct", "amount": 1e400}',
            b'{"type": "deduct", "amount": NaN}',
            b'{"type": "deduct", "amount": 1, "description": "\\u0000"}',
            b'{"type": "deduct", "amount": 1, "metadata": {"\\u0000": 1}}',
        ],
    )
    def test_that_cannot_be_stored_is_refused(self, person: ApiClient, raw: bytes) -> None:
        assert_problem(person.post(PATH, raw=raw), 400, "malformed_json")
        assert not CreditTransaction.objects.exists()
