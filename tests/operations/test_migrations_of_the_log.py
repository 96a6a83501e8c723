"""What staff did before it had a table of its own: lines of the admin's log, which it leaves."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from access import staff_actions
from access.models import StaffAction
from billing.models import CreditAccount, Tier
from consent.models import ConsentChain
from conversations.models import Conversation
from operations.services import erase_person
from tests.client import ApiClient
from tests.migrating import come_to_the_latest

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN, HASH = "0123456789abcdef" * 2, "fedcba9876543210"


@pytest.fixture(autouse=True)
def migrated_in_the_end() -> Iterator[None]:
    yield
    come_to_the_latest()


@pytest.fixture
def rows(person: ApiClient) -> list[Any]:
    """A row of Ann in each app whose acts were recorded, her account frozen."""
    person.post("/credits/transactions", {"type": "deduct", "amount": 1})
    person.post("/conversations", {})
    person.put("/consent/marketing", {})
    now = timezone.now()
    CreditAccount.objects.update(frozen_at=now, frozen_by="staff:x", frozen_reason="x")
    return [CreditAccount.objects.get(), Conversation.objects.get(), ConsentChain.objects.get()]


def write(row: Any, message: str, username: str = "dana") -> LogEntry:
    user, _ = User.objects.get_or_create(username=username, is_staff=True)
    return LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=f"#{row.pk}",
        action_flag=CHANGE,
        change_message=message,
        action_time=timezone.now() - datetime.timedelta(days=3),
    )


def marked(message: str, number: int = 0) -> str:
    return f"{message} (form {number:08x}{TOKEN[8:]}.{HASH})"


def written() -> list[dict[str, Any]]:
    return list(LogEntry.objects.order_by("action_time", "change_message").values(
        "user__username", "object_id", "change_message", "action_time", "content_type"
    ))  # fmt: skip


def migrate_back() -> None:
    call_command("migrate", "access", "0009", verbosity=0)


def test_lines_become_actions_with_who_to_whom_and_why(rows: list[Any]) -> None:
    account, conversation, chain = rows
    migrate_back()
    write(account, marked("Granted 5 credits; the balance is 54. Reason: asked (for) it", 1))
    write(conversation, marked("Placed a legal hold. Reason: case 7", 2))
    write(chain, marked("Recorded “gave” for terms, version 1 (en).", 3), "eve")
    standing = written()

    call_command("migrate", verbosity=0)

    found = [
        (row.actor, row.action, row.model_name, row.object_id, row.reason)
        for row in StaffAction.objects.order_by("pk")
    ]
    assert found == [
        ("staff:dana", "billing.grant", "creditaccount", str(account.pk), "asked (for) it"),
        ("staff:dana", "conversations.hold", "conversation", str(conversation.pk), "case 7"),
        ("staff:eve", "consent.record", "consentchain", str(chain.pk), ""),
    ]
    assert set(StaffAction.objects.values_list("person", flat=True)) == {account.person_id}
    assert [row.at for row in StaffAction.objects.order_by("at")] == [
        line["action_time"] for line in standing
    ]
    assert not LogEntry.objects.exists()


def test_the_way_back_writes_the_lines_again(rows: list[Any]) -> None:
    migrate_back()
    write(rows[0], marked("Granted 5 credits; the balance is 54. Reason: asked for it", 1))
    write(rows[0], "Expired.")
    standing = written()
    call_command("migrate", verbosity=0)
    made = list(StaffAction.objects.order_by("pk").values())

    migrate_back()
    again = written()
    call_command("migrate", verbosity=0)

    assert again == standing
    assert list(StaffAction.objects.order_by("pk").values()) == made


def test_the_way_back_and_forth_knows_whose_row_it_was_when_that_is_gone(
    rows: list[Any],
) -> None:
    account, conversation, _ = rows
    User.objects.create(username="dana", is_staff=True)
    with transaction.atomic():
        staff_actions.record(
            action="conversations.look", rows=[conversation], actor="staff:dana",
            at=timezone.now(), sentence="Looked.", reason="asked for it",
        )  # fmt: skip
    Conversation.objects.all().delete()
    made = StaffAction.objects.values("action", "person", "token", "at", "reason").get()

    call_command("migrate", "access", "0008", verbosity=0)
    call_command("migrate", verbosity=0)

    again = StaffAction.objects.values("action", "person", "token", "at", "reason").get()
    assert again == made
    CreditAccount.objects.update(frozen_at=None, frozen_by="", frozen_reason="")
    erase_person(user_id="ann", actor="system", at=timezone.now())
    assert StaffAction.objects.get().reason == ""
    assert account.person_id == made["person"]


def test_lines_of_djangos_own_tables_stay(rows: list[Any]) -> None:
    migrate_back()
    line = write(User.objects.create(username="new"), '[{"added": {}}]')

    call_command("migrate", verbosity=0)

    assert LogEntry.objects.get() == line
    assert not StaffAction.objects.exists()


def test_an_account_is_frozen_by_who_froze_it_last(rows: list[Any]) -> None:
    migrate_back()
    write(rows[0], marked("Froze the account. Reason: at first", 1))
    write(rows[0], marked("Unfroze the account. Reason: a mistake", 2))
    write(rows[0], marked("Froze the account. Reason: fraud case 77", 3), "eve")
    for number in range(30):
        write(Tier.objects.get(key="free"), marked("Granted. Reason: x", 10 + number))

    call_command("migrate", verbosity=0)

    account = CreditAccount.objects.get()
    assert (account.frozen_by, account.frozen_reason) == ("staff:eve", "fraud case 77")


def test_an_account_of_whose_freeze_nothing_is_known_says_so(rows: list[Any]) -> None:
    migrate_back()

    call_command("migrate", verbosity=0)

    account = CreditAccount.objects.get()
    assert (account.frozen_by, account.frozen_reason) == (
        "system", "Frozen before reasons were kept."
    )  # fmt: skip


def test_an_action_sent_again_after_the_upgrade_is_known(rows: list[Any]) -> None:
    migrate_back()
    write(rows[0], marked("Granted 5 credits; the balance is 54. Reason: asked for it"))

    call_command("migrate", verbosity=0)

    assert StaffAction.objects.get().token == f"{0:08x}{TOKEN[8:]}"
