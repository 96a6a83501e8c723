"""An erasure would let a frozen person come back unfrozen: it takes an operator's reason."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.models import CreditAccount
from billing.services import accounts
from conversations.models import Conversation
from operations.models import Erasure
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.operations.persons import places_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def frozen(person: ApiClient) -> None:
    charge = person.post("/credits/transactions", {"type": "deduct", "amount": 3})
    assert charge.status_code == 201
    assert person.post("/conversations", {"title": "A secret"}).status_code == 201
    accounts.freeze_account(user_id="ann", actor="staff:dana", reason="a case", at=timezone.now())


def erase_user(*arguments: str) -> str:
    output = StringIO()
    call_command("erase_user", "ann", "--yes", *arguments, stdout=output)
    return output.getvalue()


class TestAFrozenPerson:
    def test_is_not_erased_over_the_api(self, person: ApiClient) -> None:
        before = stored()

        response = person.post("/privacy/erase", {"confirm": "ann"})

        problem = assert_problem(response, 409, "account_frozen")
        assert "erase_user USER_ID --yes --frozen REASON" in problem["detail"]
        assert stored() == before
        charge = person.post("/credits/transactions", {"type": "deduct", "amount": 1})
        assert_problem(charge, 409, "account_frozen")

    def test_is_erased_over_the_api_when_staff_have_unfrozen_them(self, person: ApiClient) -> None:
        accounts.unfreeze_account(user_id="ann")

        assert person.post("/privacy/erase", {"confirm": "ann"}).status_code == 200

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [([], "account is frozen"), (["--frozen", " "], "--frozen needs a reason")],
        ids=["untold", "blank"],
    )
    def test_is_not_erased_without_a_reason(self, arguments: list[str], sentence: str) -> None:
        before = stored()

        with pytest.raises(CommandError, match=sentence):
            erase_user(*arguments)

        assert stored() == before
        assert not Erasure.objects.exists()

    def test_is_erased_for_a_reason_that_is_kept_without_their_id(self) -> None:
        printed = erase_user("--frozen", "The court wants ann gone; not annex.")

        erasure = Erasure.objects.get()
        assert erasure.reference in printed
        assert erasure.actor == "system"
        assert erasure.reason == f"The court wants {erasure.reference} gone; not annex."
        assert places_of(["A secret"]) == []
        # What stays in the books is frozen as it was.
        kept = CreditAccount.objects.get()
        assert kept.person.name == erasure.reference
        assert kept.frozen_at is not None

    def test_leaves_no_reason_where_none_was_needed(self) -> None:
        accounts.unfreeze_account(user_id="ann")

        erase_user("--frozen", "To be sure")

        assert Erasure.objects.get().reason == ""

    def test_stays_while_a_conversation_is_kept_for_the_law(self) -> None:
        Conversation.objects.update(legal_hold_reason="A case", legal_hold_at=timezone.now())
        before = stored()

        with pytest.raises(CommandError, match="legal"):
            erase_user("--frozen", "The court wants it")

        assert stored() == before
