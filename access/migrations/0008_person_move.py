import django.db.models.deletion
from django.db import migrations, models

import access.models


class Migration(migrations.Migration):
    dependencies = [("access", "0007_person")]

    operations = [
        migrations.CreateModel(
            name="PersonMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("moved_from", models.CharField(blank=True, max_length=128)),
                ("actor", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "person",
                    access.models.PersonField(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.person",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["person"], name="personmove_of_person"),
                    models.Index(fields=["moved_from"], name="personmove_found"),
                ],
            },
        ),
    ]
