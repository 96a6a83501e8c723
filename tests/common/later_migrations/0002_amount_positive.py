"""A migration as a later release brings it: SQLite makes the table anew for each of its steps."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("guarded", "0001_initial")]

    operations = [
        migrations.AddConstraint(
            "proof",
            models.CheckConstraint(
                condition=models.Q(amount__gt=0), name="guarded_proof_amount_positive"
            ),
        ),
        migrations.AlterField("proof", "amount", models.BigIntegerField()),
    ]
