from django.db import migrations, models

from common.schema.operations import OnPostgreSQL


def of_given(model: str, name: str, *fields: str) -> OnPostgreSQL:
    """Let the unique key hold the rows alone that have its second field."""
    constraint = models.UniqueConstraint(
        fields=fields, condition=models.Q(**{f"{fields[1]}__isnull": False}), name=name
    )
    return OnPostgreSQL(
        migrations.RemoveConstraint(model, name), migrations.AddConstraint(model, constraint)
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_frozen_by_whom_and_why")]

    operations = [
        of_given(
            "credittransaction",
            "billing_transaction_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
        of_given(
            "credittransaction",
            "billing_transaction_one_for_a_hold",
            "person", "hold",
        ),
        of_given(
            "credithold",
            "billing_hold_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
    ]
