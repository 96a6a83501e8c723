"""The ledger's own statements, one for each act; everything else of billing is ORM.

Entry first: one INSERT … SELECT takes the account's row, checks it and writes the entry, whose
trigger moves the account. On one hot account on PostgreSQL this has 2.3 to 4.1 times the throughput
of lock, update and insert through the ORM (docs/performance.md). A row that waits for another's
lock is read anew before it is checked, so that N charges at once pass exactly as often as the
balance allows.
"""

import datetime
from functools import cache
from typing import Any

from django.db import OperationalError, connection, models
from django.db.models.expressions import Expression

from access.models import PersonKey
from billing.models import CreditAccount, CreditHold, CreditTransaction
from common.models import insert_from
from common.schema.triggers import was_erased_meanwhile

ACCOUNT = CreditAccount._meta.db_table
# PersonKey, with the parameter's name.
PERSON = "(SELECT id FROM access_person WHERE user_id = %(user_id)s)"
# No sum of balances overflows 64 bits.
BALANCE_MAX = 10**18

# What an account must be for an act; `%(…)s` are parameters. Every act waits for a refill
# that is due: what is done before it and after it does not give the same.
NO_REFILL_DUE = "(a.next_refill_at IS NULL OR a.next_refill_at > %(at)s)"
COVERED = "a.frozen_at IS NULL AND a.balance - a.held >= %(needed)s"
BOUNDED = "a.balance + %(amount)s <= %(balance_max)s"
UNTOUCHED = "a.sequence = 0"
# The account that this very call opened, not one that another opened with another tier.
OPENED_AT = "a.last_refill_at = %(at)s AND a.max_credits = %(amount)s"


def insert_entry(
    entry: CreditTransaction, *conditions: str, user_id: str, at: datetime.datetime
) -> CreditTransaction | None:
    """Write `entry` if the person's account fulfils the conditions; fills in what it follows from.

    None if not: another statement must find out why. Raises IntegrityError when a trigger refuses.
    """
    row = _insert_from_account(
        entry,
        conditions,
        {"user_id": user_id, "at": at, "amount": entry.amount, "needed": max(-entry.amount, 0)},
        sequence="a.sequence + 1",
        balance_after="a.balance + %(amount)s",
    )
    if row is None:
        return None
    entry.pk, entry.person_id, entry.sequence, entry.balance_after = row
    return entry


def insert_hold(hold: CreditHold, *, user_id: str, at: datetime.datetime) -> CreditHold | None:
    """Set `hold.amount` aside if the account has it free; its trigger sums up the account's holds.

    None if not: another statement must find out why.
    """
    parameters = {"user_id": user_id, "at": at, "needed": hold.amount}
    row = _insert_from_account(hold, (NO_REFILL_DUE, COVERED), parameters)
    if row is None:
        return None
    hold.pk, hold.person_id = row
    return hold


def open_account(account: CreditAccount) -> None:
    """Make the account, born empty, unless the person has one."""
    # NOT EXISTS besides ON CONFLICT: on SQLite a trigger refuses an INSERT whose key is taken.
    insert_from(
        account,
        "access_person AS p WHERE p.id = %(person_id)s"
        f" AND NOT EXISTS (SELECT 1 FROM {ACCOUNT} WHERE person_id = p.id){_on_conflict()}",
        {"person_id": account.person_id},
        values={"person_id": "p.id"},
    )


class AccountIsLocked(Expression):
    """In a WHERE: true where the person has an account, which is locked before any row is.

    Holds end under it, as they are placed: who has the account's lock has all of the ledger.
    """

    output_field = models.BooleanField()

    def __init__(self, person: PersonKey) -> None:
        super().__init__()
        self.person = person

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str]]:
        lock = " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
        key, parameters = self.person.as_sql(compiler, connection)
        return f"EXISTS (SELECT 1 FROM {ACCOUNT} WHERE person_id = {key}{lock})", parameters


def _insert_from_account(
    row: CreditTransaction | CreditHold,
    conditions: tuple[str, ...],
    parameters: dict[str, Any],
    **values: str,
) -> tuple[Any, ...] | None:
    at = CreditAccount._meta.get_field("next_refill_at").get_db_prep_value
    parameters |= {"at": at(parameters["at"], connection), "balance_max": BALANCE_MAX}
    try:
        return insert_from(
            row,
            _account(row._meta.db_table, conditions, connection.vendor),
            parameters,
            values={"person_id": "a.person_id"} | values,
            returning=("id", "person_id", *values),
        )
    except OperationalError as error:
        # Whoever was erased while this waited has no account now: look again, as for a new person.
        if connection.in_atomic_block or not was_erased_meanwhile(error):
            raise
        return None


@cache
def _account(table: str, conditions: tuple[str, ...], vendor: str) -> str:
    """The person's account if it fulfils the conditions, locked."""
    checks = [f"a.person_id = {PERSON}", *conditions]
    if vendor == "sqlite":
        checks.append(
            f"(%(idempotency_key)s IS NULL OR NOT EXISTS (SELECT 1 FROM {table}"
            " WHERE person_id = a.person_id AND idempotency_key = %(idempotency_key)s"
            " AND actor = %(actor)s))"
        )
    lock = " FOR NO KEY UPDATE" if vendor == "postgresql" else ""
    return f"{ACCOUNT} AS a WHERE {' AND '.join(checks)}{lock}{_on_conflict()}"


def _on_conflict() -> str:
    return " ON CONFLICT DO NOTHING" if connection.vendor == "postgresql" else ""
