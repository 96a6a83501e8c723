"""Each CHECK and UNIQUE of billing is met, with the triggers out of the way."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from billing.models import AMOUNT_MAX, Tier, Usage, UsageIncrement
from billing.triggers import TRIGGERS
from common.schema import database_triggers
from tests.asserts import stored
from tests.billing.books import MOMENT, execute, person
from tests.billing.raw_rows import (
    ACCOUNT,
    ANN,
    CAPTURED_HOLD,
    CHARGED,
    HOLD,
    OPEN_HOLD,
    born,
    change,
    checkpoint,
    entry,
    held,
    override,
    seal,
    with_ids,
    write_books,
    write_seal,
)

pytestmark = pytest.mark.django_db

DATES = {"last_daily_reset": MOMENT.date(), "last_monthly_reset": MOMENT.date()}

# The constraint, and what breaks it: raw SQL or the ORM.
MET: dict[str, str | Callable[[], Any]] = {
    "billing_tier_key": lambda: Tier.objects.create(key="free"),
    "billing_tier_one_default": lambda: Tier.objects.create(key="x", is_default=True),
    "billing_tier_refill_interval_from_one_hour": lambda: Tier.objects.create(
        key="x", refill_interval_hours=0
    ),
    "billing_tier_allowance_within_an_entry": lambda: Tier.objects.create(
        key="x", credit_allowance=10**15 + 1
    ),
    "billing_usage_one_of_a_person": lambda: Usage.objects.create(person=person(), **DATES),
    "billing_usageincrement_key_once_for_caller": lambda: UsageIncrement.objects.create(
        person=person(), idempotency_key="k", created_at=MOMENT
    ),
    "billing_usageoverride_has_an_actor": override(actor="''"),
    "billing_account_one_of_a_person": born(person_id=ANN),
    "billing_account_balance_not_negative": change(ACCOUNT, "balance = -1, held = -1"),
    "billing_account_held_not_negative": change(ACCOUNT, "held = -1"),
    "billing_account_held_within_balance": change(ACCOUNT, "held = 38"),
    "billing_account_frozen_by_somebody": change(ACCOUNT, "frozen_at = '2026-01-01'"),
    "billing_hold_id_unique": held(uid=OPEN_HOLD),
    "billing_hold_key_unique_for_caller": held(idempotency_key="'hold'", actor="'key:tests'"),
    "billing_hold_release_key_unique_for_caller": change(
        HOLD,
        "state = 'released', captured_amount = 0, release_key = 'k', released_by = 'eve'",
        f"person_id = {ANN}",
    ),
    "billing_hold_released_by_somebody": change(HOLD, "release_key = 'k'", f"uid = {OPEN_HOLD}"),
    "billing_hold_amount_positive": held(amount=0),
    "billing_hold_state_known": held(state="'lost'"),
    "billing_hold_captured_within_amount": held(captured_amount=2, state="'captured'"),
    "billing_transaction_sequence_unique": entry(sequence=5),
    "billing_transaction_id_unique": entry(uid=CHARGED),
    "billing_transaction_key_unique_for_caller": entry(
        idempotency_key="'charge'", actor="'key:tests'"
    ),
    "billing_transaction_one_for_a_hold": entry(type="'deduct'", amount=-1, hold=CAPTURED_HOLD),
    "billing_transaction_sequence_from_one": entry(sequence=0),
    "billing_transaction_sign_by_type": entry(amount=-1),
    "billing_transaction_amount_bounded": entry(amount=AMOUNT_MAX + 1),
    "billing_transaction_balance_not_negative": entry(balance_after=-1),
    "billing_transaction_refund_names_its_original": entry(type="'refund'"),
    "billing_transaction_hold_is_a_charge": entry(hold=OPEN_HOLD),
    "billing_transaction_has_an_actor": entry(actor="''"),
    "billing_checkpoint_sequence_unique": checkpoint(sequence=1),
    "billing_ledgerseal_number": seal(number=1),
    "billing_ledgerseal_once_at_a_sequence": seal(sequence=1),
}
# Other sides of the same rules.
ALSO = [
    ("billing_hold_amount_positive", held(amount=AMOUNT_MAX + 1)),
    ("billing_hold_captured_within_amount", held(captured_amount=1)),
    ("billing_hold_captured_within_amount", held(state="'captured'")),
    ("billing_transaction_sign_by_type", entry(type="'deduct'")),
    ("billing_transaction_sign_by_type", entry(amount=0)),
    ("billing_transaction_sign_by_type", entry(type="'gift'")),
    ("billing_transaction_amount_bounded", entry(type="'deduct'", amount=-AMOUNT_MAX - 1)),
    ("billing_transaction_refund_names_its_original", entry(refunds=CHARGED)),
]


def constraints() -> dict[str, list[str]]:
    """Every constraint by its name, with the columns of a unique one."""
    found = {}
    for model in apps.get_app_config("billing").get_models():
        table = model._meta.db_table
        for field in model._meta.concrete_fields:
            if field.unique and not field.primary_key:
                found[f"{table}_{field.column}"] = [f"{table}.{field.column}"]
        for constraint in model._meta.constraints:
            fields = map(model._meta.get_field, getattr(constraint, "fields", ()))
            found[constraint.name] = [f"{table}.{field.column}" for field in fields]
    return found


@pytest.fixture(autouse=True)
def books() -> None:
    write_books()
    write_seal()
    UsageIncrement.objects.create(person=person(), idempotency_key="k", created_at=MOMENT)
    database_triggers.drop(TRIGGERS)


def met(name: str, act: str | Callable[[], Any]) -> None:
    before = stored()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        if isinstance(act, str):
            execute(with_ids(act))
        else:
            act()
    columns = constraints()[name]
    expected = ", ".join(columns) if columns and connection.vendor == "sqlite" else name
    assert expected in str(refusal.value)
    assert stored() == before


class TestEachConstraint:
    def test_is_in_the_list(self) -> None:
        assert set(MET) == set(constraints())

    @pytest.mark.parametrize("name", MET)
    def test_is_met(self, name: str) -> None:
        met(name, MET[name])

    @pytest.mark.parametrize(("name", "sql"), ALSO)
    def test_is_met_on_its_other_side(self, name: str, sql: str) -> None:
        met(name, sql)

    def test_lets_a_right_row_pass(self) -> None:
        for sql in (entry(), held(), born(), override(), checkpoint(), seal()):
            assert execute(with_ids(sql)) == 1

    def test_is_named_by_a_sentence(self) -> None:
        for model in apps.get_app_config("billing").get_models():
            for constraint in model._meta.constraints:
                assert isinstance(constraint, models.BaseConstraint)
                assert len(constraint.name.split("_")) >= 4 or "default" in constraint.name
