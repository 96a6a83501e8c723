"""The list of staff actions: found by who, whose, what and when, and only read."""

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from access import staff_actions
from access.models import StaffAction
from billing.models import CreditAccount, Tier
from operations.services import erase_person
from tests.asserts import assert_statements
from tests.billing import books

pytestmark = pytest.mark.django_db

LIST = "/admin/access/staffaction/"


def client(*permissions: str) -> Client:
    user, _ = User.objects.get_or_create(username="auditor", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(user)
    return browser


def record(row: Any, sentence: str, **columns: Any) -> None:
    values = {"action": "billing.grant", "actor": "staff:dana", "at": timezone.now()} | columns
    with transaction.atomic():
        staff_actions.record(rows=[row], sentence=sentence, **values)


@pytest.fixture(autouse=True)
def actions() -> None:
    for user_id in ("ann", "bob"):
        books.open_account(user_id)
    ann, bob = CreditAccount.objects.order_by("pk")
    last_year = timezone.now() - datetime.timedelta(days=300)
    record(Tier.objects.get(key="free"), "Changed the tier.", action="billing.change_tier",
           actor="staff:eve", at=last_year)  # fmt: skip
    record(ann, "Froze it.", action="billing.freeze", reason="a stolen card")
    record(bob, "Granted it.", actor="system")


def shown(browser: Client, **query: str) -> list[str]:
    page = browser.get(LIST, query)
    assert page.status_code == 200
    text = page.content.decode()
    sentences = ["Granted it.", "Froze it.", "Changed the tier."]
    return sorted((one for one in sentences if one in text), key=text.index)


def test_shows_the_latest_first_with_who_and_why() -> None:
    browser = client("view_staffaction")

    assert shown(browser) == ["Granted it.", "Froze it.", "Changed the tier."]
    page = browser.get(LIST).content.decode()
    assert "staff:dana" in page and "a stolen card" in page and "billing.freeze" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ann"}, ["Froze it."]),
        ({"q": "eve"}, ["Changed the tier."]),
        ({"q": " staff:dana "}, ["Froze it."]),
        ({"q": "system"}, ["Granted it."]),
        ({"q": "syste"}, []),
        ({"q": "an"}, []),
        ({"action": "billing.freeze"}, ["Froze it."]),
        ({"action": "billing"}, []),
        ({"done": "today"}, ["Granted it.", "Froze it."]),
        ({"done": "365", "action": "billing.change_tier"}, ["Changed the tier."]),
        ({"q": "bob", "action": "billing.freeze"}, []),
    ],
)
def test_finds_by_who_whose_what_and_when(query: dict[str, str], found: list[str]) -> None:
    assert shown(client("view_staffaction"), **query) == found


def test_finds_those_on_an_erased_person_without_their_words() -> None:
    erasure = erase_person(user_id="bob", actor="system", at=timezone.now())

    page = client("view_staffaction").get(LIST, {"q": erasure.reference}).content.decode()

    assert erasure.reference in page and "billing.grant" in page
    assert "Granted it." not in page


def test_leads_to_the_row_where_it_has_a_page() -> None:
    pk = Tier.objects.get(key="free").pk

    page = client("view_staffaction").get(LIST).content.decode()

    assert f'<a href="/admin/billing/tier/{pk}/change/">tier #{pk}</a>' in page


def test_costs_the_same_at_any_length() -> None:
    browser = client("view_staffaction")
    # Session, user, two kinds of permissions, count and rows; the names of three actions, and that
    # there is no fourth.
    with assert_statements(10):
        shown(browser)
    for _ in range(20):
        record(CreditAccount.objects.all()[0], "Granted it.")

    with assert_statements(10):
        shown(browser)


def test_is_closed_without_its_permission() -> None:
    assert client("view_staffreading").get(LIST).status_code == 403


def test_changes_nothing() -> None:
    browser = client("view_staffaction", "change_staffaction", "delete_staffaction")
    pk, before = StaffAction.objects.values_list("pk", flat=True)[0], StaffAction.objects.count()

    assert browser.post(f"{LIST}{pk}/change/", {"actor": "x"}).status_code == 403
    assert browser.post(f"{LIST}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get(f"{LIST}add/").status_code == 403
    assert StaffAction.objects.count() == before
