"""The books that are attacked with raw SQL, and the attacks by the trigger that keeps each off."""

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

ATTACKS: dict[str, dict[str, str]] = {
    "billing_credittransaction_apply": {
        "a sequence too high": entry(sequence=7),
        "a balance too high": entry(balance_after=39),
        "a balance too low": entry(balance_after=37),
        "nobody's entry": entry(person_id=NOBODY, sequence=1, balance_after=1),
        "a charge that moves nothing": entry(type="'deduct'", amount=-1, balance_after=37),
        "an overdraft": entry(type="'deduct'", amount=-38, balance_after=0),
        "a charge of what is held": entry(type="'deduct'", amount=-28, balance_after=9),
        "a refund of another's charge": entry(type="'refund'", refunds=BOBS),
        "an adjustment without a reason": entry(type="'adjustment'"),
        "a refund of a grant": entry(type="'refund'", refunds=GRANTED),
        "a refund of a refund": entry(type="'refund'", refunds=REFUNDED),
        "a refund of nothing": entry(type="'refund'", refunds=NEW),
        "a refund beyond the charge": entry(
            type="'refund'", refunds=CHARGED, amount=16, balance_after=53
        ),
        "an entry for an open hold": entry(
            type="'deduct'", hold=OPEN_HOLD, amount=-1, balance_after=36
        ),
        "an entry for another's hold": entry(
            type="'deduct'", hold=BOBS_HOLD, amount=-1, balance_after=36
        ),
        "an entry for no hold": entry(type="'deduct'", hold=NEW, amount=-1, balance_after=36),
    },
    "billing_credittransaction_no_update": {
        "amount": change(ENTRY, "amount = amount + 1"),
        "running balance": change(ENTRY, "balance_after = balance_after + 1"),
        "sequence": change(ENTRY, "sequence = sequence + 100"),
        "type": change(ENTRY, "type = 'purchase'", f"uid = {GRANTED}"),
        "time": change(ENTRY, "created_at = '2020-01-01 00:00:00'"),
        "description": change(ENTRY, "description = 'another'"),
        "actor": change(ENTRY, "actor = 'another'"),
        "person": change(ENTRY, f"person_id = {EVE}"),
        "key": change(ENTRY, "idempotency_key = NULL"),
        "refunds": change(ENTRY, f"refunds = {NEW}", f"uid = {REFUNDED}"),
    },
    "billing_credittransaction_no_delete": {
        "the last": remove(ENTRY, f"person_id = {ANN} AND sequence = 5"),
        "the first above the checkpoint": remove(ENTRY, f"person_id = {ANN} AND sequence = 2"),
        "another's, who has no checkpoint": remove(ENTRY, f"person_id = {BOB} AND sequence = 1"),
        "all": remove(ENTRY, "id > 0"),
    },
    "billing_creditaccount_born": {
        "of an erased person": born(person_id=ERASED),
        "with money": born(balance=100),
        "with credits held": born(balance=100, held=10),
        "with a sequence": born(sequence=5),
    },
    "billing_creditaccount_proved": {
        "of an erased person": change(ACCOUNT, "tier = 'pro'", f"person_id = {ERASED}"),
        "by an entry of an erased person": entry(
            person_id=ERASED, sequence=3, amount=1, balance_after=50
        ),
        "by a hold of an erased person": held(person_id=ERASED),
        "by the end of an erased person's hold": change(
            HOLD, "state = 'released'", f"person_id = {ERASED}"
        ),
        "balance up": change(ACCOUNT, "balance = balance + 1"),
        "balance down": change(ACCOUNT, "balance = balance - 1"),
        "sequence up": change(ACCOUNT, "sequence = sequence + 1"),
        "sequence down": change(ACCOUNT, "sequence = sequence - 1"),
        "back to the first entry": change(ACCOUNT, "balance = 50, sequence = 1"),
        "back to the entry before": change(ACCOUNT, "balance = 39, sequence = 4"),
        "another's balance": change(ACCOUNT, "balance = 49, sequence = 2"),
        "held up": change(ACCOUNT, "held = held + 1"),
        "held down": change(ACCOUNT, "held = held - 1"),
        "nothing held": change(ACCOUNT, "held = 0"),
        "person": change(ACCOUNT, f"person_id = {EVE}"),
        "id": change(ACCOUNT, "id = id + 1000"),
    },
    "billing_creditaccount_no_delete": {"one": remove(ACCOUNT), "all": remove(ACCOUNT, "id > 0")},
    "billing_credithold_born": {
        "captured": held(state="'captured'", captured_amount=1),
        "released": held(state="'released'"),
        "expired": held(state="'expired'"),
        "without an account": held(person_id=NOBODY),
    },
    "billing_credithold_once": {
        "resurrected": change(HOLD, "state = 'open', captured_amount = 0", "state = 'captured'"),
        "released after its capture": change(
            HOLD, "state = 'released', captured_amount = 0", "state = 'captured'"
        ),
        "captured more": change(HOLD, "captured_amount = 5", f"uid = {CAPTURED_HOLD}"),
        "amount up": change(HOLD, "amount = amount + 1", f"uid = {OPEN_HOLD}"),
        "amount down": change(HOLD, "amount = 1", f"uid = {OPEN_HOLD}"),
        "amount with its release": change(
            HOLD, "amount = 1, state = 'released'", f"uid = {OPEN_HOLD}"
        ),
        "expiry": change(HOLD, "expires_at = '2036-03-10 12:00:00'", f"uid = {OPEN_HOLD}"),
        "person": change(HOLD, f"person_id = {BOB}", f"uid = {OPEN_HOLD}"),
        "key": change(HOLD, "idempotency_key = NULL", f"uid = {CAPTURED_HOLD}"),
        "key of its release": change(HOLD, "release_key = 'k'", f"uid = {CAPTURED_HOLD}"),
        "who released it": change(HOLD, "released_by = 'eve'", f"uid = {OPEN_HOLD}"),
        "nothing at all": change(HOLD, "state = state"),
    },
    "billing_credithold_held_at_birth": {
        "more than there is": held(amount=BIG),
        "more than is free": held(amount=28),
    },
    "billing_credithold_no_delete": {
        "an open one": remove(HOLD, f"uid = {OPEN_HOLD}"),
        "a captured one": remove(HOLD, f"uid = {CAPTURED_HOLD}"),
    },
    "billing_ledgercheckpoint_true": {
        "another balance": checkpoint(balance=38),
        "a sequence that is not": checkpoint(sequence=6),
        "of nobody": checkpoint(person_id=NOBODY),
        "another's balance": checkpoint(person_id=BOB),
    },
    "billing_ledgercheckpoint_no_update": {
        "sequence": change(CHECKPOINT, "sequence = 5"),
        "balance": change(CHECKPOINT, "balance = 51"),
        "digest": change(CHECKPOINT, "digest = ''"),
        "person": change(CHECKPOINT, f"person_id = {BOB}"),
    },
    "billing_ledgercheckpoint_no_delete": {"one": remove(CHECKPOINT)},
    "billing_ledgerseal_no_update": {
        "balance": change(SEAL, "balance = 51", "number = 1"),
        "sequence": change(SEAL, "sequence = 2", "number = 1"),
        "mac": change(SEAL, "mac = ''", "number = 1"),
        "chain": change(SEAL, "chain = ''", "number = 1"),
    },
    "billing_ledgerseal_no_delete": {"one": remove(SEAL, "number = 1")},
    "billing_usageoverride_lives": {
        "of an erased person": override(person_id=ERASED),
        "without a reason": override(reason="''"),
    },
    "billing_usage_lives": {"of an erased person": usage(person_id=ERASED)},
    "billing_usage_person": {"person": change(USAGE, f"person_id = {EVE}")},
    "billing_usageincrement_lives": {"of an erased person": increment(person_id=ERASED)},
    "billing_usageincrement_person": {"person": change(INCREMENT, f"person_id = {EVE}")},
    "billing_usageoverride_no_update": {
        "of an erased person": change(OVERRIDE, "reason = ''", f"person_id = {ERASED}"),
        "person": change(OVERRIDE, f"person_id = {EVE}"),
        "reason": change(OVERRIDE, "reason = 'another'"),
        "actor": change(OVERRIDE, "actor = 'another'"),
        "tier": change(OVERRIDE, "tier = 'free'"),
    },
    "billing_usageoverride_no_delete": {"one": remove(OVERRIDE)},
    "billing_usageincrement_key_is_new": {
        "beside a row without an actor": increment(idempotency_key="'count'"),
    },
}

if SQLITE:
    SECOND_OF_ANN = f"(SELECT id FROM billing_credittransaction WHERE person_id = {ANN} LIMIT 1)"
    ATTACKS |= {
        "billing_credittransaction_no_replace": {
            "by id": entry("OR REPLACE", id=SECOND_OF_ANN),
            "by uid": entry("OR REPLACE", uid=GRANTED),
            "by key": entry("OR REPLACE", idempotency_key="'charge'", actor="'key:tests'"),
            "by hold": entry(
                "OR REPLACE", type="'deduct'", hold=CAPTURED_HOLD, amount=-2, balance_after=35
            ),
        },
        "billing_creditaccount_no_replace": {
            "by id": born("OR REPLACE", id="(SELECT id FROM billing_creditaccount LIMIT 1)"),
            "by person": born("OR REPLACE", person_id=ANN),
        },
        "billing_credithold_no_replace": {
            "by id": held("OR REPLACE", id="(SELECT id FROM billing_credithold LIMIT 1)"),
            "by uid": held("OR REPLACE", uid=OPEN_HOLD),
            "by key": held("OR REPLACE", idempotency_key="'hold'", actor="'key:tests'"),
        },
        "billing_ledgercheckpoint_no_replace": {
            "by id": checkpoint(
                "OR REPLACE", id="(SELECT id FROM billing_ledgercheckpoint LIMIT 1)"
            ),
            "by sequence": checkpoint("OR REPLACE", sequence=1, balance=50),
        },
        "billing_ledgerseal_no_replace": {
            "by id": seal("OR REPLACE", id="(SELECT id FROM billing_ledgerseal LIMIT 1)"),
            "by number": seal("OR REPLACE", number=1),
            "by sequence": seal("OR REPLACE", sequence=1),
        },
        "billing_usageoverride_no_replace": {
            "by id": override("OR REPLACE", id="(SELECT id FROM billing_usageoverride LIMIT 1)"),
        },
    }
    ATTACKS["billing_credittransaction_no_update"] |= {
        "or replace": change(ENTRY, "sequence = 1", "sequence = 2", "OR REPLACE"),
        "or replace by key": change(ENTRY, "idempotency_key = 'charge'", how="OR REPLACE"),
    }
    ATTACKS["billing_creditaccount_proved"] |= {
        "or replace": change(ACCOUNT, f"person_id = {BOB}", how="OR REPLACE"),
        "or ignore": change(ACCOUNT, "balance = 38", how="OR IGNORE"),
        "or replace by id": change(
            ACCOUNT, "id = (SELECT MAX(id) FROM billing_creditaccount)", how="OR REPLACE"
        ),
    }
    ATTACKS["billing_credithold_once"] |= {
        "or replace": change(HOLD, f"uid = {CAPTURED_HOLD}", f"uid = {OPEN_HOLD}", "OR REPLACE"),
    }
else:
    for name in (ENTRY, ACCOUNT, HOLD, CHECKPOINT, SEAL, OVERRIDE):
        # Accounts go with their seals or not at all.
        tables = f"billing_{name}" + (", billing_ledgerseal" if name == ACCOUNT else "")
        ATTACKS[f"billing_{name}_no_replace"] = {
            "truncate": f"TRUNCATE {tables}",
            "truncate cascade": f"TRUNCATE billing_{name} CASCADE",
            "truncate restart": f"TRUNCATE {tables} RESTART IDENTITY",
        }
    ATTACKS["billing_credittransaction_no_update"] |= {
        "upsert": entry(uid=GRANTED) + " ON CONFLICT (person_id, uid) DO UPDATE SET amount = 9",
        "merge": "MERGE INTO billing_credittransaction AS old"
        f" USING (SELECT {ANN} AS person_id) new"
        " ON old.person_id = new.person_id WHEN MATCHED THEN UPDATE SET amount = 6",
    }

# What a CHECK or a unique key keeps off, whatever the triggers do.
AGAINST_CONSTRAINTS = {
    "an amount of zero": entry(amount=0, balance_after=37),
    "a charge that adds": entry(type="'deduct'"),
    "a grant that takes": entry(amount=-1, balance_after=36),
    "an entry of an unknown type": entry(type="'gift'"),
    "a sequence that is taken": entry(sequence=5, balance_after=38),
    "an id that is taken": entry(uid=CHARGED),
    "a key that is taken": entry(idempotency_key="'charge'", actor="'key:tests'"),
    "a second entry for a hold": entry(
        type="'deduct'", hold=CAPTURED_HOLD, amount=-2, balance_after=35
    ),
    "an entry without an actor": entry(actor="''"),
    "a hold of nothing": held(amount=0),
    "a hold of less": held(amount=-5),
    "a second account": born(person_id=ANN),
    "a capture beyond the hold": change(
        HOLD, "state = 'captured', captured_amount = 11", f"uid = {OPEN_HOLD}"
    ),
    "an unknown end of a hold": change(HOLD, "state = 'lost'", f"uid = {OPEN_HOLD}"),
}
