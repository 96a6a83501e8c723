from django.db import migrations, models

import access.models
import common.models
from access.migrating import name_persons, point_to_persons

TABLES = (
    "creditaccount", "usage",
    "credithold", "credittransaction", "ledgercheckpoint", "usageincrement", "usageoverride",
)  # fmt: skip
NOTHING = migrations.RunPython.noop


class Migration(migrations.Migration):
    dependencies = [("access", "0007_person"), ("billing", "0006_ledger_seal")]

    operations = [
        *(migrations.AddField(model, "person", access.models.PersonField(null=True)) for model in TABLES),
        *(migrations.RunPython(point_to_persons(f"billing_{model}"), NOTHING) for model in TABLES),
        *(migrations.AlterField(model, "person", access.models.PersonField()) for model in TABLES),
        migrations.RemoveConstraint(
            model_name="creditaccount",
            name="billing_account_has_a_person",
        ),
        migrations.RemoveConstraint(
            model_name="credithold",
            name="billing_hold_id_unique",
        ),
        migrations.RemoveConstraint(
            model_name="credithold",
            name="billing_hold_key_unique_for_caller",
        ),
        migrations.RemoveConstraint(
            model_name="credithold",
            name="billing_hold_release_key_unique_for_caller",
        ),
        migrations.RemoveConstraint(
            model_name="credittransaction",
            name="billing_transaction_sequence_unique",
        ),
        migrations.RemoveConstraint(
            model_name="credittransaction",
            name="billing_transaction_id_unique",
        ),
        migrations.RemoveConstraint(
            model_name="credittransaction",
            name="billing_transaction_one_for_a_hold",
        ),
        migrations.RemoveConstraint(
            model_name="credittransaction",
            name="billing_transaction_adjustment_has_reason_and_actor",
        ),
        migrations.RemoveConstraint(
            model_name="credittransaction",
            name="billing_transaction_key_unique_for_caller",
        ),
        migrations.RemoveConstraint(
            model_name="ledgercheckpoint",
            name="billing_checkpoint_sequence_unique",
        ),
        migrations.RemoveConstraint(
            model_name="usage",
            name="billing_usage_has_a_person",
        ),
        migrations.RemoveConstraint(
            model_name="usageincrement",
            name="billing_usageincrement_key_once_for_caller",
        ),
        migrations.RemoveConstraint(
            model_name="usageoverride",
            name="billing_usageoverride_has_reason_and_actor",
        ),
        migrations.RemoveIndex(
            model_name="credithold",
            name="billing_hold_open",
        ),
        migrations.RemoveIndex(
            model_name="credittransaction",
            name="billing_transaction_type",
        ),
        migrations.RemoveIndex(
            model_name="credittransaction",
            name="billing_transaction_time",
        ),
        migrations.RemoveIndex(
            model_name="credittransaction",
            name="billing_refunds",
        ),
        migrations.RemoveIndex(
            model_name="usageoverride",
            name="usage_override_history",
        ),
        *(
            migrations.AlterField(
                model, "user_id", common.models.UserIdField(max_length=128, null=True)
            )
            for model in TABLES
        ),
        *(migrations.RunPython(NOTHING, name_persons(f"billing_{model}")) for model in TABLES),
        *(migrations.RemoveField(model, "user_id") for model in TABLES),
        migrations.AddIndex(
            model_name="credithold",
            index=models.Index(
                models.F("person"),
                models.F("expires_at"),
                condition=models.Q(("state", "open")),
                name="billing_hold_open",
            ),
        ),
        migrations.AddIndex(
            model_name="credittransaction",
            index=models.Index(
                models.F("person"),
                models.F("type"),
                models.OrderBy(models.F("sequence"), descending=True),
                name="billing_transaction_type",
            ),
        ),
        migrations.AddIndex(
            model_name="credittransaction",
            index=models.Index(
                models.F("person"), models.F("created_at"), name="billing_transaction_time"
            ),
        ),
        migrations.AddIndex(
            model_name="credittransaction",
            index=models.Index(
                models.F("person"),
                models.F("refunds"),
                condition=models.Q(("refunds__isnull", False)),
                name="billing_refunds",
            ),
        ),
        migrations.AddIndex(
            model_name="usageoverride",
            index=models.Index(
                models.F("person"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="usage_override_history",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditaccount",
            constraint=models.UniqueConstraint(
                fields=("person",), name="billing_account_one_of_a_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="credithold",
            constraint=models.UniqueConstraint(
                fields=("person", "uid"), name="billing_hold_id_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="credithold",
            constraint=models.UniqueConstraint(
                fields=("person", "idempotency_key", "actor"),
                name="billing_hold_key_unique_for_caller",
            ),
        ),
        migrations.AddConstraint(
            model_name="credithold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("release_key__isnull", False)),
                fields=("person", "release_key", "released_by"),
                name="billing_hold_release_key_unique_for_caller",
            ),
        ),
        migrations.AddConstraint(
            model_name="credittransaction",
            constraint=models.UniqueConstraint(
                fields=("person", "sequence"), name="billing_transaction_sequence_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="credittransaction",
            constraint=models.UniqueConstraint(
                fields=("person", "uid"), name="billing_transaction_id_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="credittransaction",
            constraint=models.UniqueConstraint(
                fields=("person", "idempotency_key", "actor"),
                name="billing_transaction_key_unique_for_caller",
            ),
        ),
        migrations.AddConstraint(
            model_name="credittransaction",
            constraint=models.UniqueConstraint(
                fields=("person", "hold"), name="billing_transaction_one_for_a_hold"
            ),
        ),
        migrations.AddConstraint(
            model_name="credittransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("actor", ""), _negated=True),
                name="billing_transaction_has_an_actor",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgercheckpoint",
            constraint=models.UniqueConstraint(
                fields=("person", "sequence"), name="billing_checkpoint_sequence_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="usage",
            constraint=models.UniqueConstraint(
                fields=("person",), name="billing_usage_one_of_a_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="usageincrement",
            constraint=models.UniqueConstraint(
                fields=("person", "idempotency_key", "actor"),
                name="billing_usageincrement_key_once_for_caller",
            ),
        ),
        migrations.AddConstraint(
            model_name="usageoverride",
            constraint=models.CheckConstraint(
                condition=models.Q(("actor", ""), _negated=True),
                name="billing_usageoverride_has_an_actor",
            ),
        ),
    ]
