import csv
import datetime
import io
import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import (
    CreditAccount,
    CreditTransaction,
)
from billing.services import holds
from common.idempotency import RequestKey
from tests.billing import books
from tests.billing.pages import (
    ACCOUNTS,
    HOLDS,
    LEDGER,
    act,
    charge_of,
    form,
    hold_of,
    page_of,
)


def exported(client: Client, **query: str) -> list[dict[str, str]]:
    response: Any = client.get(f"{LEDGER}export.csv", query)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.django_db
class TestLedger:
    def test_begins_with_the_newest(self, viewer: Client, account: CreditAccount) -> None:
        page = viewer.get(LEDGER).content.decode()

        assert re.findall(r"field-type[^>]*>\s*(\w+)", page) == ["Deduct", "Purchase", "Allocate"]

    @pytest.mark.parametrize(("term", "found"), [("ann", 3), ("{uid}", 1), ("an", 0), ("Heat", 0)])
    def test_finds_by_person_and_by_id(
        self, viewer: Client, account: CreditAccount, term: str, found: int
    ) -> None:
        page = viewer.get(LEDGER, {"q": term.format(uid=charge_of().uid)}).content.decode()

        assert page.count("field-whose") == found

    def test_finds_a_person_whose_id_is_a_uuid(self, viewer: Client) -> None:
        person = str(uuid.uuid4())
        books.open_account(person)

        assert viewer.get(LEDGER, {"q": person}).content.decode().count("field-whose") == 1

    def test_filters_by_type_and_time(self, viewer: Client, account: CreditAccount) -> None:
        books.open_account("bob", at=timezone.now() - datetime.timedelta(days=20))

        assert len(exported(viewer, type__exact="purchase")) == 1
        assert len(exported(viewer, created="7")) == 3
        assert viewer.get(LEDGER, {"created": "30"}).content.decode().count("field-whose") == 4

    def test_is_exported_as_it_is_filtered(self, viewer: Client, account: CreditAccount) -> None:
        entry = books.add("grant", 7, at=timezone.now(), description="=HYPERLINK(1)")
        books.open_account("bob")

        [row] = exported(viewer, q="ann", type__exact="grant")

        created_at = row.pop("created_at")
        assert created_at.endswith("Z")
        assert row == {
            "id": str(entry.uid), "user_id": "ann", "sequence": "4", "type": "grant",
            "amount": "7", "balance_after": "127", "description": "'=HYPERLINK(1)", "refunds": "",
            "hold": "", "actor": "key:tests",
        }  # fmt: skip
        assert {row["amount"] for row in exported(viewer, q="ann")} >= {"-30"}

    def test_shows_what_belongs_to_an_entry(
        self, manager: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold = hold_of(20, now)
        captured = holds.capture_hold(
            user_id="ann", hold_uid=hold.uid, amount=15, actor="key:tests", at=now,
            request_key=RequestKey(None, ""),
        ).row.transaction  # fmt: skip
        act(manager, account, f"refund/{captured.pk}", form(amount=5))
        refund = CreditTransaction.objects.get(type="refund")

        page = manager.get(f"{LEDGER}{captured.pk}/change/").content.decode()
        of_refund = manager.get(f"{LEDGER}{refund.pk}/change/").content.decode()

        assert f'href="{HOLDS}{hold.pk}/change/"' in page
        assert f'href="{LEDGER}{refund.pk}/change/"' in page
        assert f'href="{page_of(account)}"' in page
        assert f'href="{ACCOUNTS}{account.pk}/refund/{captured.pk}/"' in page
        assert f'href="{LEDGER}{captured.pk}/change/"' in of_refund
        assert "/refund/" not in of_refund

    def test_offers_no_refund_without_permission(
        self, viewer: Client, account: CreditAccount
    ) -> None:
        page = viewer.get(f"{LEDGER}{charge_of().pk}/change/").content.decode()

        assert "/refund/" not in page


@pytest.mark.django_db
class TestHolds:
    def test_have_the_state_of_now(
        self, viewer: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold_of(5, now)
        hold_of(6, now - datetime.timedelta(hours=1))
        released = hold_of(7, now)
        holds.release_hold(user_id="ann", hold_uid=released.uid, actor="key:web", at=now)

        def amounts(**query: str) -> list[str]:
            page = viewer.get(HOLDS, query).content.decode()
            return re.findall(r"field-shown_amount[^>]*>\s*(\d+)", page)

        assert amounts() == ["7", "6", "5"]
        assert amounts(state="open") == ["5"]
        assert amounts(state="expired") == ["6"]
        assert amounts(state="released") == ["7"]
        assert amounts(state="captured") == []
        assert amounts(q=str(released.uid)) == ["7"]
