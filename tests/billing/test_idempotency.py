"""One key, one effect; whatever the route."""

from typing import Any

import pytest
from django.utils import timezone

from access.scopes import SCOPES
from access.services import keys
from billing.models import UsageIncrement
from billing.services import accounts
from tests.asserts import assert_problem, assert_statements, stored
from tests.billing.books import MOMENT, account, entries
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

CHARGE = {"type": "deduct", "amount": 20}
BATCH = {"transactions": [{"type": "deduct", "amount": 20}, {"type": "grant", "amount": 1}]}
# Each route that creates or counts: its path, a body, and another body.
ACTS: dict[str, tuple[str, Any, Any]] = {
    "increment": ("/usage/increment", {"amount": 2}, {"amount": 3}),
    "charge": ("/credits/transactions", CHARGE, CHARGE | {"amount": 21}),
    "grant": ("/credits/transactions", {"type": "grant", "amount": 1}, CHARGE),
    "batch": ("/credits/transactions/batch", BATCH, {"transactions": [CHARGE]}),
    "refund": ("/credits/transactions/{charge}/refund", {"amount": 1}, {"amount": 2}),
    "hold": ("/credits/holds", {"amount": 5}, {"amount": 5, "ttl_seconds": 9}),
    "capture": ("/credits/holds/{hold}/capture", {"amount": 2}, {}),
}
each_act = pytest.mark.parametrize("act", ACTS)


@pytest.fixture
def ids(person: ApiClient) -> dict[str, str]:
    """A charge of 5 and a hold of 5 of Ann's, for the paths."""
    charge = person.post("/credits/transactions", {"type": "deduct", "amount": 5}).json()
    return {
        "charge": charge["id"],
        "hold": person.post("/credits/holds", {"amount": 5}).json()["id"],
    }


@each_act
class TestAReplay:
    def test_has_no_second_effect(self, person: ApiClient, ids: dict[str, str], act: str) -> None:
        path, body, _ = ACTS[act]
        first = person.post(path.format(**ids), body, idempotency_key="k")
        before = stored()

        again = person.post(path.format(**ids), body, idempotency_key='"k"')

        assert first.status_code in (200, 201)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert "Idempotency-Replayed" not in first
        assert again["Idempotency-Replayed"] == "true"
        assert stored() == before

    def test_with_another_body_is_refused(
        self, person: ApiClient, ids: dict[str, str], act: str
    ) -> None:
        path, body, other = ACTS[act]
        person.post(path.format(**ids), body, idempotency_key="k")
        before = stored()

        answer = person.post(path.format(**ids), other, idempotency_key="k")

        assert_problem(answer, 422, "idempotency_key_reused")
        assert stored() == before

    def test_does_not_meet_another_persons_key(
        self, person: ApiClient, stranger: ApiClient, ids: dict[str, str], act: str
    ) -> None:
        path, body, other = ACTS[act]
        person.post(path.format(**ids), body, idempotency_key="k")
        theirs = {
            "charge": stranger.post("/credits/transactions", {"type": "deduct", "amount": 5}),
            "hold": stranger.post("/credits/holds", {"amount": 5}),
        }
        named = {name: answer.json()["id"] for name, answer in theirs.items()}

        answer = stranger.post(path.format(**named), other, idempotency_key="k")

        assert answer.status_code in (200, 201)
        assert "Idempotency-Replayed" not in answer

    def test_needs_a_key_where_the_setting_says_so(
        self, person: ApiClient, ids: dict[str, str], settings: Any, act: str
    ) -> None:
        settings.IDEMPOTENCY_KEY_REQUIRED = True
        path, body, _ = ACTS[act]
        before = stored()

        answer = person.post(path.format(**ids), body)

        assert_problem(answer, 400, "idempotency_key_required")
        assert stored() == before

    def test_needs_a_key_of_visible_characters(
        self, person: ApiClient, ids: dict[str, str], act: str
    ) -> None:
        path, body, _ = ACTS[act]
        before = stored()

        for name in ("", " ", "a b", "x" * 256, "ä"):
            answer = person.post(path.format(**ids), body, idempotency_key=name)
            assert_problem(answer, 400, "idempotency_key_invalid")
        assert stored() == before

    def test_takes_the_longest_key(self, person: ApiClient, ids: dict[str, str], act: str) -> None:
        path, body, _ = ACTS[act]

        answers = [
            person.post(path.format(**ids), body, idempotency_key="~" * 255) for _ in range(2)
        ]

        assert answers[0].content == answers[1].content
        assert "Idempotency-Replayed" in answers[1]


class TestAnHonestRetry:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/credits/transactions", {"type": "deduct", "amount": 50}),
            ("/credits/transactions/batch", {"transactions": [{"type": "deduct", "amount": 50}]}),
            ("/credits/holds", {"amount": 50}),
        ],
    )
    def test_of_what_emptied_the_account_is_replayed(
        self, person: ApiClient, path: str, body: Any
    ) -> None:
        first = person.post(path, body, idempotency_key="k")

        again = person.post(path, body, idempotency_key="k")

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert account().balance - account().held == 0

    def test_of_a_refund_that_gave_all_back_is_replayed(self, person: ApiClient) -> None:
        charge = person.post("/credits/transactions", CHARGE).json()["id"]
        path = f"/credits/transactions/{charge}/refund"

        answers = [person.post(path, {}, idempotency_key="k") for _ in range(2)]

        assert answers[0].content == answers[1].content
        assert account().balance == 50

    def test_is_replayed_on_a_frozen_account(self, person: ApiClient) -> None:
        first = person.post("/credits/transactions", CHARGE, idempotency_key="k")
        accounts.freeze_account(user_id="ann", actor="staff:dana", reason="a case", at=MOMENT)

        again = person.post("/credits/transactions", CHARGE, idempotency_key="k")

        assert again.content == first.content

    def test_of_a_hold_shows_what_became_of_it(self, person: ApiClient) -> None:
        hold = person.post("/credits/holds", {"amount": 5}, idempotency_key="k").json()
        person.post(f"/credits/holds/{hold['id']}/release", {})

        again = person.post("/credits/holds", {"amount": 5}, idempotency_key="k")

        assert (again.status_code, again.json()) == (201, hold | {"state": "released"})

    def test_with_keys_in_another_order_is_the_same(self, person: ApiClient) -> None:
        person.post(
            "/credits/transactions", raw=b'{"type":"deduct","amount":5}', idempotency_key="k"
        )

        again = person.post(
            "/credits/transactions", raw=b' {"amount": 5, "type": "deduct"}', idempotency_key="k"
        )

        assert again["Idempotency-Replayed"] == "true"


@pytest.fixture
def other_application(db: None) -> ApiClient:
    """Another application that acts for Ann, too."""
    new = keys.create_key(name="other", scopes=SCOPES, actor="system", at=timezone.now())
    return ApiClient(new.key, "ann")


class TestAnotherApplication:
    @pytest.mark.parametrize("act", [name for name in ACTS if name != "capture"])
    def test_with_the_same_key_and_body_acts_for_itself(
        self, person: ApiClient, other_application: ApiClient, ids: dict[str, str], act: str
    ) -> None:
        path, body, _ = ACTS[act]
        first = person.post(path.format(**ids), body, idempotency_key="k")
        theirs = other_application.post(path.format(**ids), body, idempotency_key="k")
        before = stored()

        again = [
            client.post(path.format(**ids), body, idempotency_key="k")
            for client in (person, other_application)
        ]

        assert theirs.status_code == first.status_code
        assert "Idempotency-Replayed" not in theirs
        assert [answer["Idempotency-Replayed"] for answer in again] == ["true", "true"]
        if act != "increment":  # of a count the usage is shown as it now stands
            assert [answer.content for answer in again] == [first.content, theirs.content]
        assert stored() == before

    def test_is_charged_for_its_own_call(
        self, person: ApiClient, other_application: ApiClient
    ) -> None:
        for client in (person, other_application, person, other_application):
            client.post("/credits/transactions", CHARGE, idempotency_key="k")

        assert account().balance == 10
        assert [row[0] for row in entries()] == ["allocate", "deduct", "deduct"]

    def test_may_use_the_key_for_another_body(
        self, person: ApiClient, other_application: ApiClient
    ) -> None:
        person.post("/credits/transactions", CHARGE, idempotency_key="k")

        other = CHARGE | {"amount": 21}
        answer = other_application.post("/credits/transactions", other, idempotency_key="k")

        assert answer.status_code == 201
        assert account().balance == 9

    def test_finds_a_captured_hold_resolved(
        self, person: ApiClient, other_application: ApiClient, ids: dict[str, str]
    ) -> None:
        path, body, _ = ACTS["capture"]
        person.post(path.format(**ids), body, idempotency_key="k")
        before = stored()

        answer = other_application.post(path.format(**ids), body, idempotency_key="k")

        assert_problem(answer, 409, "hold_resolved")
        assert stored() == before


class TestAKeyFromBeforeCallersWereKept:
    def test_is_anybodys_where_the_row_names_none(
        self, person: ApiClient, other_application: ApiClient
    ) -> None:
        person.post("/usage/increment", {"amount": 2}, idempotency_key="k")
        UsageIncrement.objects.update(actor="")
        before = stored()

        same = [
            client.post("/usage/increment", {"amount": 2}, idempotency_key="k")
            for client in (person, other_application)
        ]
        other = other_application.post("/usage/increment", {"amount": 3}, idempotency_key="k")

        assert [answer["Idempotency-Replayed"] for answer in same] == ["true", "true"]
        assert_problem(other, 422, "idempotency_key_reused")
        assert stored() == before


class TestARefusal:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/credits/transactions", {"type": "deduct", "amount": 51}),
            ("/credits/transactions/batch", {"transactions": [{"type": "deduct", "amount": 51}]}),
            ("/credits/holds", {"amount": 51}),
        ],
    )
    def test_stores_nothing_so_that_the_key_may_pass_later(
        self, person: ApiClient, path: str, body: Any
    ) -> None:
        refused = person.post(path, body, idempotency_key="k")
        person.post("/credits/transactions", {"type": "grant", "amount": 1})

        passed = person.post(path, body, idempotency_key="k")

        assert_problem(refused, 402, "insufficient_credits")
        assert passed.status_code == 201
        assert "Idempotency-Replayed" not in passed


class TestOneKeyOnTwoRoutes:
    @pytest.mark.parametrize("first", ["charge", "batch", "refund", "capture"])
    @pytest.mark.parametrize("then", ["charge", "refund", "capture"])
    def test_of_the_ledger_is_refused(
        self, person: ApiClient, ids: dict[str, str], first: str, then: str
    ) -> None:
        if first == then:
            other = {"charge": "grant", "refund": "charge", "capture": "charge"}[then]
            first = other
        name = "k#0" if first != "batch" else "k"
        path, body, _ = ACTS[first]
        assert person.post(path.format(**ids), body, idempotency_key=name).status_code < 300
        before = stored()

        path, body, _ = ACTS[then]
        answer = person.post(path.format(**ids), body, idempotency_key="k#0")

        assert_problem(answer, 422, "idempotency_key_reused")
        assert stored() == before

    def test_of_a_batch_after_its_first_key_is_refused(self, person: ApiClient) -> None:
        person.post("/credits/transactions", CHARGE, idempotency_key="k#1")
        before = stored()

        answer = person.post("/credits/transactions/batch", BATCH, idempotency_key="k")

        assert_problem(answer, 422, "idempotency_key_reused")
        assert stored() == before

    def test_of_two_refunds_is_refused(self, person: ApiClient) -> None:
        charges = [person.post("/credits/transactions", CHARGE).json()["id"] for _ in range(2)]

        answers = [
            person.post(f"/credits/transactions/{charge}/refund", {}, idempotency_key="k")
            for charge in charges
        ]

        assert [answer.status_code for answer in answers] == [201, 422]
        assert [row[0] for row in entries()] == ["allocate", "deduct", "deduct", "refund"]


class TestARelease:
    """Its body is empty: another request with its key is one for another hold."""

    @pytest.fixture
    def path(self, ids: dict[str, str]) -> str:
        return f"/credits/holds/{ids['hold']}/release"

    def test_that_comes_again_is_answered_as_at_first(self, person: ApiClient, path: str) -> None:
        first = person.post(path, {}, idempotency_key="k")
        before = stored()

        again = person.post(path, idempotency_key='"k"')

        assert (first.status_code, first.json()["state"]) == (200, "released")
        assert (again.status_code, again.content) == (200, first.content)
        assert again["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first
        assert stored() == before

    @pytest.mark.parametrize("sent", [{}, {"idempotency_key": "other"}])
    def test_with_another_key_is_refused(
        self, person: ApiClient, path: str, sent: dict[str, str]
    ) -> None:
        person.post(path, idempotency_key="k")

        answer = person.post(path, **sent)

        assert assert_problem(answer, 409, "hold_resolved")["state"] == "released"

    def test_of_another_caller_is_refused(self, person: ApiClient, path: str) -> None:
        person.post(path, idempotency_key="k")
        other = keys.create_key(name="other", scopes=SCOPES, actor="system", at=timezone.now()).key

        answer = ApiClient(other, "ann").post(path, idempotency_key="k")

        assert_problem(answer, 409, "hold_resolved")

    @pytest.mark.parametrize("is_open", [True, False])
    def test_of_another_hold_needs_another_key(
        self, person: ApiClient, path: str, is_open: bool
    ) -> None:
        second = person.post("/credits/holds", {"amount": 1}).json()["id"]
        if not is_open:
            person.post(f"/credits/holds/{second}/capture", {})
        person.post(path, idempotency_key="k")
        before = stored()

        answer = person.post(f"/credits/holds/{second}/release", idempotency_key="k")

        assert_problem(answer, 422, "idempotency_key_reused")
        assert stored() == before

    def test_costs_one_statement(self, person: ApiClient, path: str) -> None:
        with assert_statements(2):
            person.post(path, idempotency_key="k")

    def test_needs_a_key_where_the_setting_says_so(
        self, person: ApiClient, path: str, settings: Any
    ) -> None:
        settings.IDEMPOTENCY_KEY_REQUIRED = True
        before = stored()

        assert_problem(person.post(path), 400, "idempotency_key_required")

        assert stored() == before
