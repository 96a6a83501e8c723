"""`python -m tests.operations.after_release`: migrates the database, and tells what it then gives.

Prints one JSON document: what `verify` finds, what Ann's and Bob's rows are to the API, and which
attacks with raw SQL were refused.
"""

import io
import os
import sys

import django
import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, connection, transaction  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.utils import timezone  # noqa: E402

from access.scopes import SCOPES  # noqa: E402
from access.services import keys  # noqa: E402
from common import declarations  # noqa: E402
from tests.client import ApiClient  # noqa: E402

ATTACKS = (
    "UPDATE billing_credittransaction SET amount = amount + 1",
    "DELETE FROM billing_credittransaction",
    "UPDATE billing_creditaccount SET balance = balance + 1",
    "UPDATE billing_credithold SET amount = 1 WHERE state = 'captured'",
    "DELETE FROM billing_ledgercheckpoint",
    "UPDATE consent_consentevent SET actor = 'another'",
    "DELETE FROM consent_consentstate",
    "UPDATE consent_consentchain SET last_sequence = 0",
    "UPDATE consent_policyversion SET text = 'another'",
    "DELETE FROM operations_erasure",
    "UPDATE access_staffreading SET what = 'another'",
)
ROUTES = (
    "/conversations",
    "/conversations/search?q=shy",
    "/usage",
    "/credits",
    "/credits/transactions",
    "/consent",
    "/consent/history",
    "/privacy/export",
)


def findings() -> list[str]:
    return [sentence for check in declarations.checks() for sentence in check.find()]


def refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        return True
    return False


def main() -> None:
    setup_test_environment()
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    told = {"verify": findings()}
    key = keys.create_key(name="after", scopes=SCOPES, actor="system", at=timezone.now()).key
    for person in ("ann", "bob"):
        client = ApiClient(key, person)
        told[person] = {route: answer(client, route) for route in ROUTES}
    told["bob"]["charge"] = answer(
        ApiClient(key, "bob"), "/credits/transactions", {"type": "deduct", "amount": 1}
    )
    told["not refused"] = [statement for statement in ATTACKS if not refused(statement)]
    told["verify in the end"] = findings()
    sys.stdout.buffer.write(b"\n" + orjson.dumps(told))


def answer(client: ApiClient, route: str, body: object = None) -> list[object]:
    response = client.get(route) if body is None else client.post(route, body)
    return [response.status_code, orjson.loads(response.getvalue())]


if __name__ == "__main__":
    main()
