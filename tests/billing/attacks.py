"""Attacks on the books with raw SQL, by the trigger that keeps each off."""

from tests.billing.raw_rows import (
    ACCOUNT,
    ANN,
    BIG,
    BOB,
    BOBS,
    BOBS_HOLD,
    CAPTURED_HOLD,
    CHARGED,
    CHECKPOINT,
    ENTRY,
    ERASED,
    EVE,
    GRANTED,
    HOLD,
    INCREMENT,
    NEW,
    NOBODY,
    OPEN_HOLD,
    OVERRIDE,
    REFUNDED,
    SEAL,
    SQLITE,
    USAGE,
    born,
    change,
    checkpoint,
    entry,
    held,
    increment,
    override,
    remove,
    seal,
    usage,
)

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
