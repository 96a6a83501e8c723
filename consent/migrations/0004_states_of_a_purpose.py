"""A purpose knows the states of persons in it, for one statement over both; no table changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_person")]

    operations = [
        migrations.AlterField(
            model_name="consentstate",
            name="purpose",
            field=models.ForeignKey(
                db_column="purpose",
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="states",
                to="consent.purpose",
                to_field="key",
            ),
        ),
    ]
