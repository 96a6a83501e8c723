import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from billing.models import (
    CreditAccount,
    CreditHold,
    CreditTransaction,
    LedgerCheckpoint,
    Tier,
    Usage,
    UsageOverride,
)
from billing.services import accounts
from tests.asserts import assert_statements
from tests.billing import books
from tests.billing.pages import BILLING, VIEWS, hold_of, staff, state

# Each list with its statements: session, user, two kinds of permissions, count and rows; the lists
# with the filter of tiers read these, and the list of tiers counts all of its few rows once more.
LISTS = {
    "creditaccount": 7, "credittransaction": 6, "credithold": 6, "usage": 7, "usageoverride": 6,
    "ledgercheckpoint": 6, "tier": 7,
}  # fmt: skip


def make_rows(count: int) -> None:
    """Rows in every table of billing, of `count` persons."""
    now = timezone.now()
    for number in range(count):
        person = f"person-{number}-{uuid.uuid4().hex}"
        books.open_account(person, at=now)
        hold_of(5, now, user_id=person)
        accounts.change_usage(
            user_id=person, changes={"daily_limit": 5}, reason="x", actor="staff:x", at=now
        )
        LedgerCheckpoint.objects.create(
            person=books.person(person),
            sequence=1,
            balance=50,
            digest="0" * 64,
            archive="a",
            created_at=now,
        )


@pytest.mark.django_db
class TestEveryPage:
    @pytest.mark.parametrize(("name", "statements"), LISTS.items())
    def test_of_a_list_costs_the_same_at_any_length(
        self, viewer: Client, name: str, statements: int
    ) -> None:
        make_rows(1)
        with assert_statements(statements):
            viewer.get(f"{BILLING}{name}/")
        make_rows(20)

        with assert_statements(statements) as sent:
            assert viewer.get(f"{BILLING}{name}/").status_code == 200

        counts = [statement for statement in sent if "COUNT(*)" in statement]
        assert name == "tier" or all("LIMIT 10001" in statement for statement in counts)
        assert all("SUM(" not in statement for statement in counts)

    @pytest.mark.parametrize("permissions", [VIEWS, None])
    def test_opens(self, permissions: tuple[str, ...] | None) -> None:
        make_rows(1)
        if permissions is None:
            client = Client()
            client.force_login(User.objects.create_superuser("root"))
        else:
            client = staff(*permissions)

        for model in (CreditAccount, CreditTransaction, CreditHold, Usage, UsageOverride,
                      LedgerCheckpoint, Tier):  # fmt: skip
            url = f"{BILLING}{model._meta.model_name}/"
            row = model._default_manager.order_by("pk").last()
            assert row is not None
            assert client.get(url).status_code == 200, url
            assert client.get(f"{url}{row.pk}/change/").status_code == 200, url

    @pytest.mark.parametrize("name", [name for name in LISTS if name != "tier"])
    def test_has_no_form_that_changes_rows(self, name: str) -> None:
        make_rows(1)
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        standing = state()
        pk = CreditAccount.objects.get().pk if name == "creditaccount" else 1

        assert client.get(f"{BILLING}{name}/add/").status_code == 403
        for page in ("add", f"{pk}/change", f"{pk}/delete"):
            response = client.post(f"{BILLING}{name}/{page}/", {"post": "yes"})
            assert response.status_code in (302, 403)
        assert state() == standing
