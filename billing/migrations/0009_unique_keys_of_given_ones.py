from django.db import migrations

from common.schema.operations import unique_where_given


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_frozen_by_whom_and_why")]

    operations = [
        unique_where_given(
            "credittransaction",
            "billing_transaction_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
        unique_where_given(
            "credittransaction",
            "billing_transaction_one_for_a_hold",
            "person", "hold",
        ),
        unique_where_given(
            "credithold",
            "billing_hold_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
    ]
