"""Many at once on one person, with real commits. Counts are exact on both engines."""

from collections import Counter
from typing import Any

import pytest

from common.errors import DomainError
from consent.models import ConsentChain, ConsentEvent, ConsentState, PolicyVersion
from consent.services import imports, texts
from tests.client import ApiClient
from tests.consent.answers import MOMENT, drift, fold, publish, states
from tests.processes import CLIENTS, at_once

pytestmark = pytest.mark.django_db(transaction=True)


def statuses(answers: list[Any]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


class TestCaptures:
    def test_of_16_clients_are_16_events_and_one_state(self, key: str) -> None:
        ApiClient(key, "ann").put("/consent/terms")

        answers = at_once(lambda _: ApiClient(key, "ann").put("/consent/marketing"))

        assert statuses(answers) == {200: CLIENTS}
        assert ConsentEvent.objects.filter(purpose="marketing").count() == CLIENTS
        assert ConsentState.objects.filter(purpose="marketing").count() == 1
        assert ConsentChain.objects.get().last_sequence == CLIENTS + 1
        assert states("ann") == fold("ann")
        assert drift() == []

    def test_at_first_contact_make_one_chain(self, key: str) -> None:
        answers = at_once(lambda _: ApiClient(key, "new").put("/consent/marketing"))

        assert statuses(answers) == {200: CLIENTS}
        assert ConsentChain.objects.count() == 1
        rows = ConsentEvent.objects.order_by("sequence")
        assert list(rows.values_list("sequence", flat=True)) == list(range(1, CLIENTS + 1))
        assert drift() == []

    def test_and_withdrawals_leave_what_was_last_by_sequence(self, key: str) -> None:
        def act(number: int) -> list[int]:
            client = ApiClient(key, "ann")
            method = "DELETE" if number % 2 else "PUT"
            path = "/consent/marketing"
            return [client.request(method, path).status_code for _ in range(3)]

        assert set(sum(at_once(act), [])) == {200}

        rows = list(ConsentEvent.objects.order_by("sequence").values_list("action", "granted"))
        assert len(rows) == 3 * CLIENTS
        # A no after a yes is a withdrawal, after a no (or nothing) a refusal.
        before = [False, *(granted for _, granted in rows)]
        assert [action for action, _ in rows] == [
            "given" if granted else "withdrawn" if agreed else "refused"
            for (_, granted), agreed in zip(rows, before, strict=False)
        ]
        assert ConsentState.objects.get().granted == rows[-1][1]
        assert states("ann") == fold("ann")
        assert drift() == []

    def test_of_several_purposes_are_whole(self, key: str) -> None:
        body = {"purposes": {"terms": True, "marketing": True, "training_use": None}}

        answers = at_once(lambda _: ApiClient(key, "ann").put("/consent", body))

        assert statuses(answers) == {200: CLIENTS}
        purposes = list(
            ConsentEvent.objects.order_by("sequence").values_list("purpose_id", flat=True)
        )
        assert purposes == ["terms", "marketing", "training_use"] * CLIENTS
        assert drift() == []

    def test_of_different_persons_do_not_mix(self, key: str) -> None:
        answers = at_once(lambda number: ApiClient(key, f"p{number}").put("/consent/terms"))

        assert statuses(answers) == {200: CLIENTS}
        assert ConsentChain.objects.filter(last_sequence=1).count() == CLIENTS
        assert drift() == []


class TestPublications:
    def test_of_one_version_with_different_texts_are_won_by_one(self) -> None:
        def act(number: int) -> str:
            try:
                publish(text=f"text {number}")
            except DomainError as error:
                return error.code
            return "published"

        told = Counter(at_once(act, 8))

        assert told == {"published": 1, "policy_version_taken": 7}
        assert PolicyVersion.objects.count() == 1

    def test_of_one_text_are_one(self) -> None:
        def act(_: int) -> bool:
            return texts.publish_policy(
                purpose="terms", version=1, locale="en", text="a", at=MOMENT
            )[1]

        assert Counter(at_once(act, 8)) == {True: 1, False: 7}


class TestImports:
    def test_side_by_side_import_each_person_once(self) -> None:
        rows = [
            imports.ImportedConsent(
                user_id=f"person {number:03}",
                terms_accepted=True,
                marketing_consent=False,
                said_at=MOMENT,
                changed_at=MOMENT,
                row_sha256="0" * 64,
            )
            for number in range(60)
        ]

        counts = at_once(
            lambda number: imports.store_imported(rows[:: -1 if number % 2 else 1], at=MOMENT), 4
        )

        assert sum(count["imported"] for count, _ in counts) == 120
        assert sum(count["unchanged"] for count, _ in counts) == 360
        assert drift() == []
