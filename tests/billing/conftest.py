"""Staff at the pages of billing, and the account that they look at."""

import datetime

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import CreditAccount
from billing.services import usage
from tests.billing import books
from tests.billing.pages import VIEWS, staff


@pytest.fixture
def manager() -> Client:
    """staff0, who may do everything to accounts."""
    return staff(*VIEWS, "manage_credits", "manage_usage")


@pytest.fixture
def viewer() -> Client:
    return staff(*VIEWS)


@pytest.fixture
def now() -> datetime.datetime:
    return timezone.now()


@pytest.fixture
def account(now: datetime.datetime) -> CreditAccount:
    """Ann with 50 credits, a purchase of 100 and a charge of 30."""
    books.open_account(at=now - datetime.timedelta(hours=2))
    usage.open_usage(user_id="ann", tier=None, at=now)
    books.add("purchase", 100, at=now - datetime.timedelta(hours=1))
    books.charge(30, at=now - datetime.timedelta(minutes=30), description="Heat pumps")
    return books.account()
