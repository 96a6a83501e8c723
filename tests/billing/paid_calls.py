"""What tests of paid views ask afterwards."""

from typing import Any

from django.db import OperationalError
from django.test import RequestFactory
from django.utils import timezone

from billing import reports
from billing.models import CreditHold, CreditTransaction

ALLOWANCE = 50  # what Ann's account begins with


def states() -> list[str]:
    return list(CreditHold.objects.order_by("pk").values_list("state", flat=True))


def charges() -> list[int]:
    entries = CreditTransaction.objects.filter(type="deduct").order_by("pk")
    return list(entries.values_list("amount", flat=True))


def available() -> int:
    return reports.credit_status("ann", tier=None, at=timezone.now()).available_credits


def paid_headers(response: Any) -> tuple[str | None, str | None]:
    return response.get("X-Credits-Charged"), response.get("X-Credits-Available")


def request_of(key: str) -> Any:
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": "ann"}
    return RequestFactory().get("/somewhere", headers=headers)


def unreachable(**given: Any) -> Any:
    raise OperationalError("gone")
