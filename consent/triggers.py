"""The rules of consent as triggers: what no raw SQL can pass, on either engine.

- A published text is never changed or removed.
- An event follows its chain (sequence + 1, hash upon hash), names a text of its own purpose, and
  moves the chain and the state. It is never changed or removed.
- A chain is born empty, moves by an event alone and is never removed.
- A state says what the last event of its person and purpose says, and is never removed.

No row goes to another person, and once the person is erased none of theirs is added or changed. The
one change of texts that they let through is that erasure (common/schema/triggers.py).
"""

from common.schema.triggers import (
    KEEPS_ITS_PERSON,
    LIVES,
    Rule,
    append_only,
    forbid_delete,
    row_trigger,
)
from consent.models import NO_HASH, ConsentChain, ConsentEvent, ConsentState, PolicyVersion

CHAIN = ConsentChain._meta.db_table
EVENT = ConsentEvent._meta.db_table
STATE = ConsentState._meta.db_table
TEXT = PolicyVersion._meta.db_table

FOLLOWS = Rule(
    f"""NOT EXISTS (SELECT 1 FROM {CHAIN} WHERE person_id = NEW.person_id
        AND last_sequence = NEW.sequence - 1 AND last_hash = NEW.previous_hash)""",
    "an event follows its chain",
)
TEXT_IS_OF_THE_PURPOSE = Rule(
    f"""NEW.policy_version_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {TEXT}
        WHERE id = NEW.policy_version_id AND purpose = NEW.purpose
        AND text_sha256 = NEW.text_sha256)""",
    "an event names a text of its own purpose",
)
CHAIN_IS_BORN_EMPTY = Rule(
    f"NEW.last_sequence <> 0 OR NEW.last_hash <> '{NO_HASH}'",
    "a chain is born empty",
)
CHAIN_MOVES_BY_AN_EVENT = Rule(
    f"""(NEW.last_sequence <> OLD.last_sequence OR NEW.last_hash <> OLD.last_hash)
        AND (NEW.last_sequence <> OLD.last_sequence + 1
             OR NOT EXISTS (SELECT 1 FROM {EVENT} WHERE person_id = NEW.person_id
                            AND sequence = NEW.last_sequence AND hash = NEW.last_hash
                            AND previous_hash = OLD.last_hash))""",
    "a chain moves by an event alone",
)
CHAIN_KEEPS_ITS_REFERENCE = Rule(
    """(NEW.id <> OLD.id OR NEW.reference <> OLD.reference
        OR NEW.salt IS DISTINCT FROM OLD.salt) AND NOT ({erased})""",
    "a chain keeps its reference and salt",
)
SAYS_WHAT_THE_LAST_EVENT_SAYS = f"""EXISTS (SELECT 1 FROM {EVENT} AS said
        WHERE said.id = NEW.event_id AND said.person_id = NEW.person_id
        AND said.purpose = NEW.purpose AND said.granted = NEW.granted
        AND said.policy_version_id IS NOT DISTINCT FROM NEW.policy_version_id
        AND said.expires_at IS NOT DISTINCT FROM NEW.expires_at
        AND NEW.since = CASE WHEN said.action = 'expired' THEN said.expires_at
                        ELSE said.recorded_at END
        AND NOT EXISTS (SELECT 1 FROM {EVENT} AS later WHERE later.person_id = said.person_id
                        AND later.purpose = said.purpose AND later.sequence > said.sequence))"""
STATE_IS_TRUE = Rule(
    f"NOT {SAYS_WHAT_THE_LAST_EVENT_SAYS}",
    "a state says what the last event says",
)
STATE_STAYS_TRUE = Rule(
    f"NEW.id <> OLD.id OR NOT {SAYS_WHAT_THE_LAST_EVENT_SAYS}",
    "a state says what the last event says",
)

SINCE = "CASE WHEN NEW.action = 'expired' THEN NEW.expires_at ELSE NEW.recorded_at END"
# No upsert: SQLite takes an INSERT that meets a row for a replacing one, which is refused.
MOVE_CHAIN_AND_STATE = f"""UPDATE {CHAIN} SET last_sequence = NEW.sequence, last_hash = NEW.hash
    WHERE person_id = NEW.person_id;
    UPDATE {STATE} SET granted = NEW.granted, event_id = NEW.id,
        policy_version_id = NEW.policy_version_id, since = {SINCE}, expires_at = NEW.expires_at
    WHERE person_id = NEW.person_id AND purpose = NEW.purpose;
    INSERT INTO {STATE} (person_id, purpose, granted, event_id, policy_version_id, since,
        expires_at)
    SELECT NEW.person_id, NEW.purpose, NEW.granted, NEW.id, NEW.policy_version_id, {SINCE},
        NEW.expires_at
    WHERE NOT EXISTS (SELECT 1 FROM {STATE}
                      WHERE person_id = NEW.person_id AND purpose = NEW.purpose);"""

TRIGGERS = [
    *append_only(PolicyVersion),
    row_trigger(
        ConsentEvent,
        "apply",
        "AFTER INSERT",
        [LIVES, FOLLOWS, TEXT_IS_OF_THE_PURPOSE],
        act=MOVE_CHAIN_AND_STATE,
    ),
    *append_only(ConsentEvent),
    row_trigger(ConsentChain, "born", "BEFORE INSERT", [LIVES, CHAIN_IS_BORN_EMPTY]),
    row_trigger(
        ConsentChain,
        "moved",
        "BEFORE UPDATE",
        [KEEPS_ITS_PERSON, LIVES, CHAIN_KEEPS_ITS_REFERENCE, CHAIN_MOVES_BY_AN_EVENT],
    ),
    *forbid_delete(ConsentChain),
    row_trigger(ConsentState, "born", "BEFORE INSERT", [LIVES, STATE_IS_TRUE]),
    row_trigger(ConsentState, "true", "BEFORE UPDATE", [KEEPS_ITS_PERSON, LIVES, STATE_STAYS_TRUE]),
    *forbid_delete(ConsentState),
]
