"""The ledger's rules as triggers: what no raw SQL can pass, on either engine.

- An entry follows its account (sequence + 1, balance + amount) and moves it.
- An account changes its balance only by an entry, its held credits only to the sum of open holds;
  it is born empty and is never removed.
- An entry is never changed, and removed only at or below a checkpoint of its account.
- A hold is born open and is resolved once.
- A refund gives back a charge of the same person, no more than it took; the entry of a captured
  hold is what the hold says.
- An adjustment, a change of limits and a freeze are written with their reason.
- No row goes to another person, and none of an erased person is changed or added. An entry and a
  hold need no look at the person: they move their account, which looks. A checkpoint alone may be
  added, so that entries of the erased leave in time as well.

The one other change they let through is the erasure of a person (common/schema/triggers.py): it
empties texts.
"""

from billing.models import (
    CreditAccount,
    CreditHold,
    CreditTransaction,
    LedgerCheckpoint,
    LedgerSeal,
    Usage,
    UsageIncrement,
    UsageOverride,
)
from common.schema.triggers import (
    ERASED_OR_NEVER,
    KEEPS_ITS_PERSON,
    LIVES,
    Rule,
    append_only,
    forbid_delete,
    forbid_truncate,
    key_is_new,
    row_trigger,
)

ACCOUNT = CreditAccount._meta.db_table
ENTRY = CreditTransaction._meta.db_table
HOLD = CreditHold._meta.db_table
CHECKPOINT = LedgerCheckpoint._meta.db_table

REFUND_IS_COVERED = Rule(
    f"""NOT COALESCE(
        (SELECT SUM(amount) FROM {ENTRY} WHERE person_id = NEW.person_id AND refunds = NEW.refunds)
        <= (SELECT -amount FROM {ENTRY} WHERE person_id = NEW.person_id AND uid = NEW.refunds
            AND type = 'deduct' AND NOT EXISTS (SELECT 1 FROM {CHECKPOINT} AS passed
                WHERE passed.person_id = NEW.person_id AND passed.sequence >= {ENTRY}.sequence)),
        FALSE)""",
    "a refund gives back a charge of the same person, and no more than it took",
    only_if="NEW.type = 'refund'",
)
CAPTURE_IS_COVERED = Rule(
    f"""NOT EXISTS (SELECT 1 FROM {HOLD} WHERE person_id = NEW.person_id
        AND uid = NEW.hold AND state = 'captured' AND captured_amount = -NEW.amount)""",
    "the entry of a hold takes what the hold captured",
    only_if="NEW.hold IS NOT NULL",
)
BALANCE_HAS_ITS_ENTRY = Rule(
    f"""NEW.sequence <> OLD.sequence + 1
        OR NOT EXISTS (SELECT 1 FROM {ENTRY} WHERE person_id = NEW.person_id
                       AND sequence = NEW.sequence AND balance_after = NEW.balance)""",
    "a balance changes by an entry alone",
    only_if="NEW.balance <> OLD.balance OR NEW.sequence <> OLD.sequence",
)
HELD_IS_THE_SUM_OF_HOLDS = Rule(
    f"""NEW.held <> (SELECT COALESCE(SUM(amount), 0) FROM {HOLD}
        WHERE person_id = NEW.person_id AND state = 'open')""",
    "held credits are the sum of open holds",
    only_if="NEW.held <> OLD.held",
)
ACCOUNT_KEEPS_ITS_KEY = Rule("NEW.id <> OLD.id", "an account keeps its key")
ACCOUNT_IS_BORN_EMPTY = Rule(
    "NEW.balance <> 0 OR NEW.held <> 0 OR NEW.sequence <> 0",
    "an account is born empty",
)
FROZEN_WITH_A_REASON = Rule(
    "NEW.frozen_at IS NOT NULL AND OLD.frozen_at IS NULL AND NEW.frozen_reason = ''",
    "an account is frozen with a reason",
)
ADJUSTMENT_HAS_A_REASON = Rule(
    "NEW.type = 'adjustment' AND NEW.description = ''",
    "an adjustment is written with its reason",
)
OVERRIDE_HAS_A_REASON = Rule("NEW.reason = ''", "limits are changed with a reason")
HOLD_IS_BORN_OPEN = Rule(
    f"""NEW.state <> 'open' OR NEW.captured_amount <> 0
        OR NOT EXISTS (SELECT 1 FROM {ACCOUNT} WHERE person_id = NEW.person_id)""",
    "a hold is born open, of an account",
)
CHECKPOINT_IS_TRUE = Rule(
    f"""NOT EXISTS (SELECT 1 FROM {ENTRY} WHERE person_id = NEW.person_id
        AND sequence = NEW.sequence AND balance_after = NEW.balance)""",
    "a checkpoint says what one of the entries says",
)
ENTRY_IS_ARCHIVED = Rule(
    f"""NOT EXISTS (SELECT 1 FROM {CHECKPOINT} WHERE person_id = OLD.person_id
        AND sequence >= OLD.sequence)""",
    "an entry is removed at or below a checkpoint alone",
)

MOVE_ACCOUNT = f"""UPDATE {ACCOUNT} SET balance = NEW.balance_after, sequence = NEW.sequence
    WHERE person_id = NEW.person_id
    AND sequence = NEW.sequence - 1 AND balance + NEW.amount = NEW.balance_after;"""
SUM_HOLDS = {
    # The lock first, in a statement of its own: the sum must see what others committed meanwhile.
    "before_act": f"PERFORM 1 FROM {ACCOUNT} WHERE person_id = NEW.person_id FOR NO KEY UPDATE;",
    "act": f"""UPDATE {ACCOUNT} SET held = (SELECT COALESCE(SUM(amount), 0) FROM {HOLD}
    WHERE person_id = NEW.person_id AND state = 'open') WHERE person_id = NEW.person_id;""",
}


def resolved_once() -> Rule:
    """A hold changes from open to an end, once, and in nothing else."""
    fixed = [
        field.column
        for field in CreditHold._meta.concrete_fields
        if field.name not in ("state", "captured_amount", "released_by", "release_key")
    ]
    moved = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in fixed)
    changed = f"OLD.state <> 'open' OR NEW.state = 'open' OR {moved}"
    return Rule("NOT ({erased})", "a hold is resolved once", only_if=changed)


TRIGGERS = [
    row_trigger(
        CreditTransaction,
        "apply",
        "AFTER INSERT",
        [REFUND_IS_COVERED, CAPTURE_IS_COVERED, ADJUSTMENT_HAS_A_REASON],
        act=MOVE_ACCOUNT,
        act_must_change="an entry follows its account",
    ),
    row_trigger(CreditTransaction, "no_update", "BEFORE UPDATE", [ERASED_OR_NEVER]),
    row_trigger(CreditTransaction, "no_delete", "BEFORE DELETE", [ENTRY_IS_ARCHIVED]),
    *forbid_truncate(CreditTransaction),
    row_trigger(CreditAccount, "born", "BEFORE INSERT", [ACCOUNT_IS_BORN_EMPTY, LIVES]),
    row_trigger(
        CreditAccount,
        "proved",
        "BEFORE UPDATE",
        [
            ACCOUNT_KEEPS_ITS_KEY,
            KEEPS_ITS_PERSON,
            LIVES,
            BALANCE_HAS_ITS_ENTRY,
            HELD_IS_THE_SUM_OF_HOLDS,
            FROZEN_WITH_A_REASON,
        ],
        also_needs=f"{ACCOUNT}.frozen_reason",
    ),
    *forbid_delete(CreditAccount),
    row_trigger(CreditHold, "born", "BEFORE INSERT", [HOLD_IS_BORN_OPEN]),
    row_trigger(CreditHold, "once", "BEFORE UPDATE", [resolved_once()]),
    row_trigger(CreditHold, "held_at_birth", "AFTER INSERT", [], **SUM_HOLDS),
    row_trigger(CreditHold, "held_at_end", "AFTER UPDATE", [], **SUM_HOLDS),
    *forbid_delete(CreditHold),
    row_trigger(LedgerCheckpoint, "true", "BEFORE INSERT", [CHECKPOINT_IS_TRUE]),
    *append_only(LedgerCheckpoint),
    *append_only(LedgerSeal),
    row_trigger(UsageOverride, "lives", "BEFORE INSERT", [OVERRIDE_HAS_A_REASON, LIVES]),
    *append_only(UsageOverride),
    # An erasure deletes these two, so that none of an erased person is there to be changed.
    row_trigger(Usage, "lives", "BEFORE INSERT", [LIVES]),
    row_trigger(Usage, "person", "BEFORE UPDATE", [KEEPS_ITS_PERSON]),
    row_trigger(UsageIncrement, "lives", "BEFORE INSERT", [LIVES]),
    row_trigger(UsageIncrement, "person", "BEFORE UPDATE", [KEEPS_ITS_PERSON]),
    key_is_new(UsageIncrement),
]
