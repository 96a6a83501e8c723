from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_staff_actions_of_the_log"),
        ("querycache", "0004_person"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="cacheentry",
            index=models.Index(fields=["key_hash"], name="cacheentry_key"),
        ),
    ]
