from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_staff_actions_of_the_log"),
        ("billing", "0008_frozen_by_whom_and_why"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="credittransaction",
            name="billing_transaction_time",
        ),
        migrations.AddIndex(
            model_name="credittransaction",
            index=models.Index(
                models.F("person"),
                models.F("created_at"),
                models.F("type"),
                models.F("amount"),
                name="billing_transaction_sums",
            ),
        ),
    ]
