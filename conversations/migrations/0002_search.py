"""Full-text search: the words of each row, and the index of them on either engine."""

from django.db import migrations, models

TABLES = ("conversations_conversation", "conversations_message")


def make_index(apps, schema_editor):
    for table in TABLES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f'CREATE INDEX {table}_words ON "{table}" USING gin'
                f" ((string_to_array(search_text, ' ') || ('=' || user_id)::text))"
            )
        else:
            # Words come split by spaces and in lower case; only the mark before the owner is added
            # to what this tokeniser takes. No positions: a hit needs the words, not their order.
            schema_editor.execute(
                f'CREATE VIRTUAL TABLE "{table}_words" USING fts5'
                " (words, content='', detail=none, tokenize=\"ascii tokenchars '='\")"
            )


def drop_index(apps, schema_editor):
    for table in TABLES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX {table}_words")
        else:
            schema_editor.execute(f'DROP TABLE "{table}_words"')


def index_standing_rows(apps, schema_editor):
    # The triggers do not stand yet: they come after all migrations.
    from conversations.search import message_search_text, search_text

    Conversation = apps.get_model("conversations", "Conversation")
    Message = apps.get_model("conversations", "Message")
    for row in Conversation.objects.only("id", "title").iterator(500):
        Conversation.objects.filter(pk=row.pk).update(search_text=search_text(row.title))
    for row in Message.objects.only(
        "id", "content", "stage1_data", "stage2_data", "stage3_data", "extra"
    ).iterator(500):
        parts = (row.extra.get("content"), row.stage1_data, row.stage2_data, row.stage3_data)
        text = message_search_text(row.content, *parts)
        Message.objects.filter(pk=row.pk).update(search_text=text)
    if schema_editor.connection.vendor == "sqlite":
        for table in TABLES:
            schema_editor.execute(
                f'INSERT INTO "{table}_words" (rowid, words)'
                f" SELECT id, '=' || hex(user_id) || ' ' || search_text FROM \"{table}\""
            )


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="search_text",
            field=models.TextField(blank=True, default="", editable=False),
        ),
        migrations.AddField(
            model_name="message",
            name="search_text",
            field=models.TextField(blank=True, default="", editable=False),
        ),
        migrations.RunPython(make_index, drop_index),
        migrations.RunPython(index_standing_rows, migrations.RunPython.noop),
    ]
