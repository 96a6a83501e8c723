"""PostgreSQL: attacks that put a temporary table in a table's place before the triggers' eyes.

Each names the table that is shadowed, the rows that the shadow has, and the forgery that the
trigger would let through if it looked there.
"""

from dataclasses import dataclass

from tests.billing.raw_rows import (
    ACCOUNT,
    ANN,
    BOB,
    CHARGED,
    CHECKPOINT,
    ENTRY,
    ERASED_AS,
    EVE,
    GRANTED,
    HOLD,
    NEW,
    NOBODY,
    change,
    checkpoint,
    entry,
    held,
    increment,
    remove,
)
from tests.consent import attacks as consent

RICH = 10**6
HERE = "the_shadow"


@dataclass(frozen=True)
class Shadow:
    """`lies` are statements that fill the shadow, with HERE in the place of its name."""

    table: str
    lies: tuple[str, ...]
    forgery: str


def copied(table: str, lie: str = "") -> tuple[str, ...]:
    """The shadow has the rows of the table, and then another truth."""
    return (f"INSERT INTO {HERE} SELECT * FROM public.{table}", *([lie] if lie else []))


def as_shadow(statement: str, table: str) -> str:
    return statement.replace(table, HERE)


def really(statement: str, table: str) -> str:
    return statement.replace(table, f"public.{table}", 1)


E_, A_, H_, C_ = (f"billing_{name}" for name in (ENTRY, ACCOUNT, HOLD, CHECKPOINT))

SHADOWS: dict[str, Shadow] = {
    "a balance without its entry": Shadow(
        E_,
        (as_shadow(entry(amount=RICH, balance_after=RICH), E_),),
        really(change(ACCOUNT, f"balance = {RICH}, sequence = 6"), A_),
    ),
    "an entry that does not follow": Shadow(
        A_,
        copied(A_, f"UPDATE {HERE} SET balance = {RICH - 1} WHERE person_id = {ANN}"),
        really(entry(balance_after=RICH), E_),
    ),
    "an account that gets another's id": Shadow(
        A_, copied(A_), really(change(ACCOUNT, f"person_id = {EVE}"), A_)
    ),
    "nothing held": Shadow(H_, (), really(change(ACCOUNT, "held = 0"), A_)),
    "more held": Shadow(
        H_,
        copied(H_, f"UPDATE {HERE} SET amount = 30 WHERE person_id = {ANN} AND state = 'open'"),
        really(change(ACCOUNT, "held = 30"), A_),
    ),
    "entries removed without a checkpoint": Shadow(
        C_,
        (as_shadow(checkpoint(sequence=99), C_),),
        really(remove(ENTRY), E_),
    ),
    "one entry removed without a checkpoint": Shadow(
        C_,
        (as_shadow(checkpoint(person_id=BOB, sequence=99), C_),),
        really(remove(ENTRY, f"person_id = {BOB} AND sequence = 2"), E_),
    ),
    "a false checkpoint": Shadow(
        E_,
        (as_shadow(entry(sequence=5, amount=RICH, balance_after=RICH), E_),),
        really(checkpoint(balance=RICH), C_),
    ),
    "a refund of a charge that never was": Shadow(
        E_,
        (
            as_shadow(
                entry(uid=NEW, sequence=1, type="'deduct'", amount=-RICH, balance_after=0),
                E_,
            ),
        ),
        really(
            entry(
                uid="'0190a0b0-0000-7000-8000-000000000099'",
                type="'refund'",
                refunds=NEW,
                amount=RICH,
                balance_after=37 + RICH,
            ),
            E_,
        ),
    ),
    "a refund of a grant": Shadow(
        E_,
        copied(E_, f"UPDATE {HERE} SET type = 'deduct', amount = -50 WHERE uid = {GRANTED}"),
        really(entry(type="'refund'", refunds=GRANTED, amount=50, balance_after=87), E_),
    ),
    "a refund beyond the charge": Shadow(
        E_,
        copied(E_, f"DELETE FROM {HERE} WHERE refunds = {CHARGED}"),
        really(entry(type="'refund'", refunds=CHARGED, amount=20, balance_after=57), E_),
    ),
    "a capture of no hold": Shadow(
        H_,
        (as_shadow(held(uid=NEW, amount=9, captured_amount=9, state="'captured'"), H_),),
        really(entry(type="'deduct'", hold=NEW, amount=-9, balance_after=28), E_),
    ),
    "a hold without an account": Shadow(
        A_,
        copied(A_, f"UPDATE {HERE} SET person_id = {NOBODY} WHERE person_id = {ANN}"),
        really(held(person_id=NOBODY), H_),
    ),
    "a hold of more than there is": Shadow(H_, copied(H_), really(held(amount=RICH), H_)),
    "a hold that holds nothing": Shadow(A_, copied(A_), really(held(amount=RICH), H_)),
    "a hold's end that frees nothing": Shadow(
        A_,
        copied(A_),
        really(
            change(HOLD, "amount = 1, state = 'released'", f"person_id = {ANN} AND state = 'open'"),
            H_,
        ),
    ),
    "a key that stands for all callers": Shadow(
        "billing_usageincrement",
        (),
        really(increment(idempotency_key="'count'"), "billing_usageincrement"),
    ),
    "an account of an erased person": Shadow(
        "access_person",
        copied(
            "access_person",
            f"UPDATE {HERE} SET user_id = 'zoe', erased_as = NULL WHERE user_id IS NULL",
        ),
        "UPDATE billing_creditaccount SET tier = 'pro' WHERE person_id ="
        f" (SELECT id FROM public.access_person WHERE erased_as = '{ERASED_AS}')",
    ),
    "an event off its chain": Shadow(
        consent.CHAIN,
        copied(
            consent.CHAIN,
            f"UPDATE {HERE} SET last_hash = {consent.HASH} WHERE {consent.is_of('ann')}",
        ),
        really(consent.event(previous_hash=consent.HASH), consent.EVENT),
    ),
    "an event of nobody": Shadow(
        consent.CHAIN,
        copied(
            consent.CHAIN,
            f"UPDATE {HERE} SET person_id = {consent.person('eve')} WHERE {consent.is_of('bob')}",
        ),
        really(
            consent.event(
                person_id=consent.person("eve"),
                sequence=2,
                previous_hash=f"(SELECT last_hash FROM public.{consent.CHAIN}"
                f" WHERE {consent.is_of('bob')})",
            ),
            consent.EVENT,
        ),
    ),
    "an event that names another purpose's text": Shadow(
        consent.TEXT,
        copied(consent.TEXT, f"UPDATE {HERE} SET purpose = 'marketing', version = version + 5"),
        really(
            consent.event(
                policy_version_id="(SELECT id FROM public.consent_policyversion"
                " WHERE purpose = 'training_use')",
                text_sha256="(SELECT text_sha256 FROM public.consent_policyversion"
                " WHERE purpose = 'training_use')",
            ),
            consent.EVENT,
        ),
    ),
    "a chain that moves without an event": Shadow(
        consent.EVENT,
        (as_shadow(consent.event(), consent.EVENT),),
        really(
            consent.change(consent.CHAIN, f"last_sequence = 4, last_hash = {consent.HASH}"),
            consent.CHAIN,
        ),
    ),
    "a state that no event says": Shadow(
        consent.EVENT,
        copied(consent.EVENT, f"UPDATE {HERE} SET granted = true WHERE sequence = 3"),
        really(
            consent.change(consent.STATE, "granted = true", "purpose = 'marketing'"),
            consent.STATE,
        ),
    ),
    "a state of one's own": Shadow(
        consent.EVENT,
        copied(
            consent.EVENT,
            f"UPDATE {HERE} SET person_id = {consent.person('eve')}, purpose = 'privacy',"
            f" policy_version_id = NULL,"
            f" recorded_at = {consent.TIME} WHERE sequence = 1 AND {consent.is_of('bob')}",
        ),
        really(
            consent.state(
                person_id=consent.person("eve"),
                event_id="(SELECT id FROM public.consent_consentevent"
                f" WHERE {consent.is_of('bob')})",
            ),
            consent.STATE,
        ),
    ),
    "messages on legal hold": Shadow(
        "conversations_conversation", (), "DELETE FROM public.conversations_message"
    ),
}

# Right in themselves: what the triggers then do must reach the table, not its shadow.
RIGHTS: dict[str, Shadow] = {
    "an entry moves its account": Shadow(A_, copied(A_), really(entry(), E_)),
    "a hold is held": Shadow(A_, copied(A_), really(held(), H_)),
    "a hold's end frees": Shadow(
        A_,
        copied(A_),
        really(change(HOLD, "state = 'released'", f"person_id = {ANN} AND state = 'open'"), H_),
    ),
}

AS_A_TABLE = "CREATE TEMPORARY TABLE {name} (LIKE public.{name} INCLUDING DEFAULTS)"
AS_A_VIEW = (
    "CREATE TEMPORARY TABLE behind (LIKE public.{name} INCLUDING DEFAULTS)",
    "CREATE TEMPORARY VIEW {name} AS SELECT * FROM behind",
)
ROADS: dict[str, tuple[str, ...]] = {
    "a temporary table": (AS_A_TABLE,),
    "a temporary view": AS_A_VIEW,
    "a temporary table before all schemas": (
        AS_A_TABLE,
        "SET LOCAL search_path = pg_temp, public, pg_catalog",
    ),
}


def statements(shadow: Shadow, road: tuple[str, ...]) -> list[str]:
    made = [statement.format(name=shadow.table) for statement in road]
    return [*made, *(lie.replace(HERE, shadow.table) for lie in shadow.lies), shadow.forgery]
