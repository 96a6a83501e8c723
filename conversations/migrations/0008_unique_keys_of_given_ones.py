from django.db import migrations, models

from common.schema.operations import OnPostgreSQL


def of_given(model: str, name: str, *fields: str) -> OnPostgreSQL:
    """Let the unique key hold the rows alone that have its second field."""
    constraint = models.UniqueConstraint(
        fields=fields, condition=models.Q(**{f"{fields[1]}__isnull": False}), name=name
    )
    return OnPostgreSQL(
        migrations.RemoveConstraint(model, name), migrations.AddConstraint(model, constraint)
    )


class Migration(migrations.Migration):
    dependencies = [("conversations", "0007_who_keeps_a_conversation")]

    operations = [
        of_given(
            "conversation",
            "conversations_conversation_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
        of_given(
            "message",
            "conversations_message_key_unique_for_caller",
            "person", "idempotency_key", "actor",
        ),
    ]
