from django.db import migrations, models

import access.models
import common.models
from access.migrating import name_persons, point_to_persons

TABLES = ("consentchain", "consentevent", "consentstate")


def of_each_table(*operations):
    return [operation(table) for table in TABLES for operation in operations]


def add_person(table):
    return migrations.AddField(table, "person", access.models.PersonField(null=True))


def fill_person(table):
    return migrations.RunPython(
        point_to_persons(f"consent_{table}"), migrations.RunPython.noop
    )


def require_person(table):
    return migrations.AlterField(table, "person", access.models.PersonField())


def loosen_user_id(table):
    field = common.models.UserIdField(max_length=128, null=True)
    return migrations.AlterField(table, "user_id", field)


def name_user_id(table):
    return migrations.RunPython(migrations.RunPython.noop, name_persons(f"consent_{table}"))


def remove_user_id(table):
    return migrations.RemoveField(table, "user_id")


class Migration(migrations.Migration):
    dependencies = [("access", "0007_person"), ("consent", "0002_key_of_a_request")]

    operations = [
        *of_each_table(add_person, fill_person, require_person),
        migrations.RemoveConstraint("consentchain", "consent_chain_has_a_person"),
        migrations.RemoveConstraint("consentevent", "consent_event_sequence_unique"),
        migrations.RemoveConstraint("consentevent", "consent_event_id_unique"),
        migrations.RemoveConstraint("consentevent", "consent_event_key_unique_for_caller"),
        migrations.RemoveIndex("consentevent", "consent_event_of_purpose"),
        migrations.RemoveConstraint("consentstate", "consent_state_one_for_a_purpose"),
        *of_each_table(loosen_user_id, name_user_id, remove_user_id),
        migrations.AddConstraint(
            "consentchain",
            models.UniqueConstraint(fields=("person",), name="consent_chain_one_for_a_person"),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.UniqueConstraint(
                fields=("person", "sequence"), name="consent_event_sequence_unique"
            ),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.UniqueConstraint(fields=("person", "uid"), name="consent_event_id_unique"),
        ),
        migrations.AddConstraint(
            "consentevent",
            models.UniqueConstraint(
                condition=models.Q(("idempotency_key__isnull", False)),
                fields=("person", "idempotency_key", "actor"),
                name="consent_event_key_unique_for_caller",
            ),
        ),
        migrations.AddIndex(
            "consentevent",
            models.Index(
                models.F("person"),
                models.F("purpose"),
                models.OrderBy(models.F("sequence"), descending=True),
                name="consent_event_of_purpose",
            ),
        ),
        migrations.AddConstraint(
            "consentstate",
            models.UniqueConstraint(
                fields=("person", "purpose"), name="consent_state_one_for_a_purpose"
            ),
        ),
    ]
