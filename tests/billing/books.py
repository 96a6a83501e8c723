"""The books of the tests: acts with fixed values, and all rules of the ledger as questions.

`drift` knows nothing of the code under test: it is SQL that both engines read.
"""

import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from access.models import Person
from billing.models import CreditAccount, CreditHold, CreditTransaction
from billing.services import accounts, credits, holds
from common.idempotency import RequestKey

MOMENT = datetime.datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
NO_KEY = RequestKey(None, "")

# What is wrong with the books, each as the persons it is wrong for.
QUESTIONS = {
    "I1: a balance is not the sum of its entries": """
        SELECT a.person_id FROM billing_creditaccount a WHERE a.balance <> (
            SELECT COALESCE(SUM(amount), 0) FROM billing_credittransaction t
            WHERE t.person_id = a.person_id)""",
    "I2: sequences are not 1 to n": """
        SELECT a.person_id FROM billing_creditaccount a
        LEFT JOIN billing_credittransaction t ON t.person_id = a.person_id
        GROUP BY a.person_id, a.sequence
        HAVING COUNT(t.id) <> a.sequence OR COALESCE(MAX(t.sequence), 0) <> a.sequence
            OR COALESCE(MIN(t.sequence), 1) <> 1""",
    "I2: an entry has no account": """
        SELECT person_id FROM billing_credittransaction
        WHERE person_id NOT IN (SELECT person_id FROM billing_creditaccount)""",
    "I3: a running balance does not follow": """
        SELECT person_id FROM (
            SELECT person_id, balance_after - amount AS before,
                LAG(balance_after, 1, CAST(0 AS BIGINT))
                OVER (PARTITION BY person_id ORDER BY sequence) AS earlier
            FROM billing_credittransaction) steps
        WHERE before <> earlier""",
    "I4: a balance or the held part is negative, or more is held than there is": """
        SELECT person_id FROM billing_creditaccount
        WHERE balance < 0 OR held < 0 OR held > balance""",
    "I4: a running balance was negative": """
        SELECT person_id FROM billing_credittransaction WHERE balance_after < 0""",
    "I5: held is not the sum of open holds": """
        SELECT a.person_id FROM billing_creditaccount a WHERE a.held <> (
            SELECT COALESCE(SUM(amount), 0) FROM billing_credithold h
            WHERE h.person_id = a.person_id AND h.state = 'open')""",
    "I5: a hold has no account": """
        SELECT person_id FROM billing_credithold
        WHERE person_id NOT IN (SELECT person_id FROM billing_creditaccount)""",
    "I6: a captured hold and its entry disagree": """
        SELECT h.person_id FROM billing_credithold h
        LEFT JOIN billing_credittransaction t ON t.person_id = h.person_id AND t.hold = h.uid
        WHERE (h.state = 'captured') <> (t.id IS NOT NULL)
            OR h.captured_amount <> COALESCE(-t.amount, 0)""",
    "I6: the entry of a hold has none": """
        SELECT t.person_id FROM billing_credittransaction t
        LEFT JOIN billing_credithold h ON t.person_id = h.person_id AND t.hold = h.uid
        WHERE t.hold IS NOT NULL AND h.id IS NULL""",
    "I8: refunds are more than their charge, or of none": """
        SELECT r.person_id FROM billing_credittransaction r
        LEFT JOIN billing_credittransaction o ON o.person_id = r.person_id AND o.uid = r.refunds
            AND o.type = 'deduct'
        WHERE r.type = 'refund' GROUP BY r.person_id, r.refunds, o.id, o.amount
        HAVING o.id IS NULL OR SUM(r.amount) > -o.amount""",
    "I9: a key has two effects": """
        SELECT person_id FROM billing_credittransaction WHERE idempotency_key IS NOT NULL
        GROUP BY person_id, idempotency_key HAVING COUNT(*) > 1""",
    "I10: a counter is above its limit": """
        SELECT person_id FROM billing_usage
        WHERE daily_used > daily_limit OR monthly_used > monthly_limit""",
}


def drift() -> list[str]:
    """What is wrong with the books: nothing, or sentences with the person they are about."""
    found = []
    with connection.cursor() as cursor:
        for question, sql in QUESTIONS.items():
            cursor.execute(
                "SELECT COALESCE(user_id, erased_as, CAST(wrong.person_id AS TEXT))"
                f" FROM ({sql}) AS wrong LEFT JOIN access_person AS p ON p.id = wrong.person_id"
            )
            found += [f"{question}: {person}" for (person,) in cursor.fetchall()]
    return found


def execute(sql: str, parameters: Any = None) -> int:
    """Raw SQL, all or nothing; returns how many rows it met."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def keyed(name: str, body: str = "") -> RequestKey:
    """A key as a request with this body has it."""
    return RequestKey(name, body)


def account(user_id: str = "ann") -> CreditAccount:
    return CreditAccount.objects.get(person=person(user_id))


def person(user_id: str = "ann") -> Person:
    """The row of the person, who may have been erased under that name."""
    return Person.objects.get(Q(user_id=user_id) | Q(erased_as=user_id))


def name_of(row: CreditTransaction | CreditHold) -> str:
    return str(Person.objects.get(pk=row.person_id))


def entries(user_id: str = "ann") -> list[tuple[str, int, int]]:
    """Type, amount and running balance of each entry, the oldest first."""
    rows = CreditTransaction.objects.filter(person__user_id=user_id).order_by("sequence")
    return list(rows.values_list("type", "amount", "balance_after"))


def open_account(
    user_id: str = "ann", *, tier: str | None = None, at: datetime.datetime = MOMENT
) -> CreditAccount:
    """50 credits, or what the tier gives."""
    accounts.open_account(user_id=user_id, tier=tier, at=at)
    return account(user_id)


def add(
    type_: str,
    amount: int,
    *,
    user_id: str = "ann",
    at: datetime.datetime = MOMENT,
    key: RequestKey = NO_KEY,
    description: str = "because",
    tier: str | None = None,
) -> CreditTransaction:
    """An entry; `amount` is signed."""
    return credits.add_transaction(
        user_id=user_id,
        new=credits.NewTransaction(type=type_, amount=amount, description=description),
        actor="key:tests",
        at=at,
        request_key=key,
        tier=tier,
    ).row


def charge(amount: int, **options: Any) -> CreditTransaction:
    return add("deduct", -amount, **options)


def add_batch(
    amounts: list[tuple[str, int]],
    *,
    user_id: str = "ann",
    at: datetime.datetime = MOMENT,
    key: RequestKey = NO_KEY,
) -> list[CreditTransaction]:
    return credits.add_transactions(
        user_id=user_id,
        new=[
            credits.NewTransaction(type=type_, amount=amount, description="because")
            for type_, amount in amounts
        ],
        actor="key:tests",
        at=at,
        request_key=key,
    ).row


def refund(
    entry: CreditTransaction,
    amount: int | None = None,
    *,
    user_id: str = "ann",
    at: datetime.datetime = MOMENT,
    key: RequestKey = NO_KEY,
) -> CreditTransaction:
    return credits.refund_transaction(
        user_id=user_id,
        transaction_uid=entry.uid,
        amount=amount,
        description="",
        actor="key:tests",
        at=at,
        request_key=key,
    ).row


def hold(
    amount: int,
    *,
    user_id: str = "ann",
    ttl_seconds: int = 300,
    at: datetime.datetime = MOMENT,
    key: RequestKey = NO_KEY,
) -> CreditHold:
    return holds.place_hold(
        user_id=user_id,
        amount=amount,
        ttl_seconds=ttl_seconds,
        description="an answer",
        actor="key:tests",
        at=at,
        request_key=key,
    ).row


def capture(
    held: CreditHold,
    amount: int | None = None,
    *,
    user_id: str = "ann",
    at: datetime.datetime = MOMENT,
    key: RequestKey = NO_KEY,
) -> holds.Captured:
    return holds.capture_hold(
        user_id=user_id,
        hold_uid=held.uid,
        amount=amount,
        actor="key:tests",
        at=at,
        request_key=key,
    ).row


def release(
    held: CreditHold, *, user_id: str = "ann", at: datetime.datetime = MOMENT
) -> CreditHold:
    return holds.release_hold(user_id=user_id, hold_uid=held.uid, actor="key:tests", at=at).row
