from django.db import migrations, models


def look_at_the_rows(apps, schema_editor):
    # An index without statistics is for SQLite better than those with: it would sort all entries of
    # an account for one page, until the next run of `maintain`.
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("PRAGMA analysis_limit = 1000")
        schema_editor.execute('ANALYZE "billing_credittransaction"')


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_staff_actions_of_the_log"),
        ("billing", "0009_unique_keys_of_given_ones"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, look_at_the_rows),
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
        migrations.RunPython(look_at_the_rows, migrations.RunPython.noop),
    ]
