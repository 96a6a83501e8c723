"""A migration that does one thing and fails at the next."""

from django.db import migrations, models


def fail(apps, schema_editor):
    raise RuntimeError("the rows are not as expected")


class Migration(migrations.Migration):
    dependencies = [("guarded", "0001_initial")]

    operations = [
        migrations.AddField("proof", "colour", models.TextField(default="red")),
        migrations.RunSQL("UPDATE guarded_proof SET amount = 77 WHERE 1 = 0", ""),
        migrations.RunPython(fail, migrations.RunPython.noop),
    ]
