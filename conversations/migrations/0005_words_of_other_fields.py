"""The words of texts that stand in other fields of an imported message are searched, too."""

from django.db import migrations
from django.db.models import TextField
from django.db.models.functions import Cast

BATCH_ROWS = 50  # a row may have some megabytes
INDEX = "conversations_message_words"
INDEXED = "'=' || hex(%s) || ' ' || %s"


def index_other_fields(apps, schema_editor):
    from conversations.search import message_search_text

    Message = apps.get_model("conversations", "Message")
    messages = Message.objects.annotate(extra_text=Cast("extra", TextField())).exclude(
        extra_text="{}"
    )
    last = 0
    while rows := list(messages.filter(pk__gt=last).order_by("pk")[:BATCH_ROWS]):
        for row in rows:
            stages = (row.stage1_data, row.stage2_data, row.stage3_data)
            words = message_search_text(row.content, *stages, extra=row.extra)
            if words != row.search_text:
                Message.objects.filter(pk=row.pk).update(search_text=words)
                if schema_editor.connection.vendor == "sqlite":  # the triggers do not stand now
                    index_anew(schema_editor, row, words)
        last = rows[-1].pk


def index_anew(schema_editor, row, words):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {INDEX} ({INDEX}, rowid, words) VALUES ('delete', %s, {INDEXED})",
            [row.pk, row.user_id, row.search_text],
        )
        cursor.execute(
            f"INSERT INTO {INDEX} (rowid, words) VALUES (%s, {INDEXED})",
            [row.pk, row.user_id, words],
        )


class Migration(migrations.Migration):
    dependencies = [("conversations", "0004_key_of_one_caller")]

    # Backwards nothing changes: the earlier release's `reindex_search` makes its own words.
    operations = [migrations.RunPython(index_other_fields, migrations.RunPython.noop)]
