from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_staff_actions_of_the_log"),
        ("billing", "0009_unique_keys_of_given_ones"),
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
