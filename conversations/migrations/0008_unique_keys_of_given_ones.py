from django.db import migrations

from common.schema.operations import unique_where_given


class Migration(migrations.Migration):
    dependencies = [("conversations", "0007_who_keeps_a_conversation")]

    operations = [
        unique_where_given(
            "conversation",
            "conversations_conversation_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
        unique_where_given(
            "message",
            "conversations_message_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
    ]
