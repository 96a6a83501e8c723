"""Books to attack, and SQL that writes, changes and removes rows of billing past the services."""

from typing import Any

from django.db import connection, transaction

from access.services import persons
from billing.models import (
    CreditAccount,
    LedgerCheckpoint,
    LedgerSeal,
    UsageIncrement,
    UsageOverride,
)
from billing.services import usage as billing_usage
from tests.billing.books import (
    MOMENT,
    add,
    capture,
    charge,
    hold,
    keyed,
    open_account,
    person,
    refund,
)

ENTRY_COLUMNS = (
    "uid", "person_id", "sequence", "type", "amount", "balance_after", "description", "metadata",
    "refunds", "hold", "actor", "idempotency_key", "request_hash", "created_at",
)  # fmt: skip
HOLD_COLUMNS = (
    "uid", "person_id", "amount", "captured_amount", "state", "description", "actor",
    "idempotency_key", "request_hash", "expires_at", "created_at",
)  # fmt: skip
ACCOUNT_COLUMNS = (
    "person_id", "tier", "is_guest", "balance", "held", "sequence", "max_credits", "last_refill_at",
)  # fmt: skip
CHECKPOINT_COLUMNS = ("person_id", "sequence", "balance", "digest", "archive", "created_at")
SEAL_COLUMNS = (
    "number", "account_id", "sequence", "balance", "through", "key", "mac", "chain", "created_at",
)  # fmt: skip
OVERRIDE_COLUMNS = ("person_id", "tier", "reason", "actor", "created_at")

PEOPLE = ("ann", "bob", "eve")
ERASED_AS = "erased-0f63c050-e27d-485c-be80-48a12fdc445b"

# As each engine writes an id and a truth.
SQLITE = connection.vendor == "sqlite"
FALSE = "0" if SQLITE else "false"
BIG = 10**6


def uid(number: int) -> str:
    text = f"0190a0b0-0000-7000-8000-{number:012d}"
    return f"'{text.replace('-', '') if SQLITE else text}'"


CHARGED, REFUNDED, CAPTURED, GRANTED, BOBS, NEW = (uid(number) for number in range(1, 7))
OPEN_HOLD, CAPTURED_HOLD, BOBS_HOLD = uid(11), uid(12), uid(13)
TIME = "'2026-03-10 12:00:00'"
ANN, BOB, EVE = (f"(SELECT id FROM access_person WHERE user_id = '{name}')" for name in PEOPLE)
NOBODY = "999999"
ERASED = f"(SELECT id FROM access_person WHERE erased_as = '{ERASED_AS}')"
ANNS_ACCOUNT = f"(SELECT id FROM billing_creditaccount WHERE person_id = {ANN})"


def write_books() -> None:
    """Ann's 37 credits in 5 entries, 10 held, and Bob's 49; Eve has none, Zoe was erased."""
    persons.meet_persons(["eve"])
    open_account()
    charged = charge(20, key=keyed("charge"))
    refunded = refund(charged, 5)
    granted = add("grant", 4)
    captured_hold = hold(5, key=keyed("hold"))
    captured = capture(captured_hold, 2).transaction
    open_hold = hold(10)
    open_account("bob")
    bobs = charge(1, user_id="bob")
    bobs_hold = hold(7, user_id="bob")
    for row, name in (
        (charged, CHARGED), (refunded, REFUNDED), (captured, CAPTURED), (granted, GRANTED),
        (bobs, BOBS),
    ):  # fmt: skip
        IDS[name] = literal(row.uid)
    for held, name in (
        (open_hold, OPEN_HOLD), (captured_hold, CAPTURED_HOLD), (bobs_hold, BOBS_HOLD),
    ):  # fmt: skip
        IDS[name] = literal(held.uid)
    LedgerCheckpoint.objects.create(
        person=person(), sequence=1, balance=50, digest="0", archive="a.jsonl", created_at=MOMENT
    )
    UsageIncrement.objects.create(person=person(), idempotency_key="count", created_at=MOMENT)
    billing_usage.open_usage(user_id="ann", tier=None, at=MOMENT)
    UsageOverride.objects.create(
        person=person(), tier="pro", reason="upgrade", actor="staff:eve", created_at=MOMENT
    )
    write_erased()
    # A later TRUNCATE finds no foreign key that waits to be looked at.
    connection.check_constraints()


def write_erased() -> None:
    """What an erasure keeps of Zoe: 49 credits in 2 entries, 7 of them held."""
    open_account("zoe")
    charge(1, user_id="zoe", description="")
    hold(7, user_id="zoe")
    UsageOverride.objects.create(
        person=person("zoe"), tier="pro", reason="upgrade", actor="staff:eve", created_at=MOMENT
    )
    with transaction.atomic():
        persons.erase_person(user_id="zoe", reference=ERASED_AS, at=MOMENT)


def write_seal() -> None:
    """A seal of Ann's first entry, made in full: a later TRUNCATE finds nothing that waits."""
    LedgerSeal.objects.create(
        number=1, account=CreditAccount.objects.get(person=person()), sequence=1, balance=50,
        through=1, key="k", mac="m", chain="c", created_at=MOMENT,
    )  # fmt: skip
    connection.check_constraints()


# The names above stand for ids that the server made.
IDS: dict[str, str] = {}


def literal(value: Any) -> str:
    return f"'{value.hex}'" if SQLITE else f"'{value}'"


def with_ids(sql: str) -> str:
    for name, value in IDS.items():
        sql = sql.replace(name, value)
    return sql


def insert(table: str, columns: tuple[str, ...], values: dict[str, Any], how: str = "") -> str:
    names = [*columns, *(["id"] if "id" in values else [])]
    told = ", ".join(str(values[name]) for name in names)
    return f"INSERT {how} INTO {table} ({', '.join(names)}) VALUES ({told})"


def entry(how: str = "", **values: Any) -> str:
    """Ann's next entry as it would be right, a grant of 1, but for `values`."""
    right = {
        "uid": NEW, "person_id": ANN, "sequence": 6, "type": "'grant'", "amount": 1,
        "balance_after": 38, "description": "''", "metadata": "'{}'", "refunds": "NULL",
        "hold": "NULL", "actor": "'eve'", "idempotency_key": "NULL", "request_hash": "''",
        "created_at": TIME,
    }  # fmt: skip
    return insert("billing_credittransaction", ENTRY_COLUMNS, right | values, how)


def held(how: str = "", **values: Any) -> str:
    right = {
        "uid": NEW, "person_id": ANN, "amount": 1, "captured_amount": 0, "state": "'open'",
        "description": "''", "actor": "'eve'", "idempotency_key": "NULL", "request_hash": "''",
        "expires_at": "'2036-03-10 12:00:00'", "created_at": TIME,
    }  # fmt: skip
    return insert("billing_credithold", HOLD_COLUMNS, right | values, how)


def born(how: str = "", **values: Any) -> str:
    right = {
        "person_id": EVE, "tier": "'free'", "is_guest": FALSE, "balance": 0, "held": 0,
        "sequence": 0, "max_credits": 50, "last_refill_at": TIME,
    }  # fmt: skip
    return insert("billing_creditaccount", ACCOUNT_COLUMNS, right | values, how)


def checkpoint(how: str = "", **values: Any) -> str:
    right = {
        "person_id": ANN, "sequence": 5, "balance": 37, "digest": "''", "archive": "''",
        "created_at": TIME,
    }  # fmt: skip
    return insert("billing_ledgercheckpoint", CHECKPOINT_COLUMNS, right | values, how)


def seal(how: str = "", **values: Any) -> str:
    right = {
        "number": 2, "account_id": ANNS_ACCOUNT, "sequence": 5, "balance": 37, "through": 5,
        "key": "'k'", "mac": "'m'", "chain": "'c'", "created_at": TIME,
    }  # fmt: skip
    return insert("billing_ledgerseal", SEAL_COLUMNS, right | values, how)


def override(how: str = "", **values: Any) -> str:
    right = {
        "person_id": ANN,
        "tier": "'pro'",
        "reason": "'r'",
        "actor": "'eve'",
        "created_at": TIME,
    }
    return insert("billing_usageoverride", OVERRIDE_COLUMNS, right | values, how)


def usage(how: str = "", **values: Any) -> str:
    right = {
        "person_id": EVE, "tier": "'free'", "daily_used": 0, "monthly_used": 0,
        "total_queries": 0, "last_daily_reset": TIME, "last_monthly_reset": TIME,
    }  # fmt: skip
    return insert("billing_usage", tuple(right), right | values, how)


def increment(how: str = "", **values: Any) -> str:
    right = {
        "person_id": ANN, "actor": "'key:tests'", "idempotency_key": "'new'",
        "request_hash": "''", "created_at": TIME,
    }  # fmt: skip
    return insert("billing_usageincrement", tuple(right), right | values, how)


def change(table: str, what: str, where: str = f"person_id = {ANN}", how: str = "") -> str:
    return f"UPDATE {how} billing_{table} SET {what} WHERE {where}"


def remove(table: str, where: str = f"person_id = {ANN}") -> str:
    return f"DELETE FROM billing_{table} WHERE {where}"


ACCOUNT, ENTRY, HOLD = "creditaccount", "credittransaction", "credithold"
CHECKPOINT, SEAL, OVERRIDE = "ledgercheckpoint", "ledgerseal", "usageoverride"
USAGE, INCREMENT = "usage", "usageincrement"
