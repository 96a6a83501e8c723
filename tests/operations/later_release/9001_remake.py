"""SQLite makes both tables anew, which takes their triggers away."""

from pathlib import Path

from django.db import migrations, models

import billing.migrations

[FOLDER] = billing.migrations.__path__
NEWEST = max(file.stem for file in Path(FOLDER).glob("0*.py"))


class Migration(migrations.Migration):
    dependencies = [("billing", NEWEST)]

    operations = [
        migrations.AddConstraint(
            name,
            models.CheckConstraint(
                condition=models.Q(id__gt=0), name=f"billing_{name}_id_positive"
            ),
        )
        for name in ("credittransaction", "creditaccount")
    ]
