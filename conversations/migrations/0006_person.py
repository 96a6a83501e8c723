"""Rows point to their person's row, and the search index has its key for the owner's mark."""

from django.db import migrations, models

import access.models
import common.models
from access.migrating import name_persons, point_to_persons

TABLES = ("conversations_conversation", "conversations_message")
# What an index holds of a row, and the way back.
BY_KEY = {"postgresql": "person_id::text", "sqlite": "person_id"}
BY_ID = {"postgresql": "user_id", "sqlite": "hex(user_id)"}


def indexed_by(mark):
    def make_anew(apps, schema_editor):
        vendor = schema_editor.connection.vendor
        for table in TABLES:
            index = f"{table}_words"
            if vendor == "postgresql":
                schema_editor.execute(
                    f'CREATE INDEX {index} ON "{table}" USING gin'
                    f" ((string_to_array(search_text, ' ') || ('=' || {mark[vendor]})::text))"
                )
            else:
                schema_editor.execute(f'INSERT INTO "{index}" ("{index}") VALUES (\'delete-all\')')
                schema_editor.execute(
                    f'INSERT INTO "{index}" (rowid, words) SELECT id,'
                    f" '=' || {mark[vendor]} || ' ' || search_text FROM \"{table}\""
                )

    return make_anew


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"DROP INDEX {table}_words")


def unique(model, name, *fields):
    constraint = models.UniqueConstraint(fields=fields, name=f"conversations_{model}_{name}")
    return migrations.AddConstraint(model, constraint)


def no_constraint(model, name):
    return migrations.RemoveConstraint(model, f"conversations_{model}_{name}")


def newest_first(column):
    return models.Index(
        models.F("person"),
        models.F(column).desc(),
        models.F("id").desc(),
        name=f"conversation_{column.removesuffix('_at')}",
    )


def person(**options):
    return access.models.PersonField(verbose_name="owner", **options)


def user_id():
    return common.models.UserIdField("owner", max_length=128, null=True)


def to_persons(model):
    table = f"conversations_{model}"
    return [
        migrations.AddField(model, "person", person(null=True)),
        migrations.RunPython(point_to_persons(table), migrations.RunPython.noop),
        migrations.AlterField(model, "person", person()),
    ]


def without_ids(model):
    return [
        migrations.AlterField(model, "user_id", user_id()),
        migrations.RunPython(
            migrations.RunPython.noop, name_persons(f"conversations_{model}")
        ),
        migrations.RemoveField(model, "user_id"),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0007_person"),
        ("conversations", "0005_words_of_other_fields"),
    ]

    operations = [
        migrations.RunPython(drop_index, indexed_by(BY_ID)),
        *to_persons("conversation"),
        *to_persons("message"),
        no_constraint("conversation", "id_unique_for_owner"),
        no_constraint("conversation", "key_unique_for_caller"),
        no_constraint("conversation", "has_an_owner"),
        no_constraint("message", "position_unique_in_conversation"),
        no_constraint("message", "id_unique_for_owner"),
        no_constraint("message", "key_unique_for_caller"),
        no_constraint("message", "has_an_owner"),
        migrations.RemoveIndex("conversation", "conversation_created"),
        migrations.RemoveIndex("conversation", "conversation_updated"),
        migrations.RemoveIndex("conversation", "conversation_held"),
        *without_ids("conversation"),
        *without_ids("message"),
        unique("conversation", "id_unique_for_owner", "person", "uid"),
        unique("conversation", "key_unique_for_caller", "person", "idempotency_key", "actor"),
        unique("message", "position_unique_in_conversation", "person", "conversation", "position"),
        unique("message", "id_unique_for_owner", "person", "uid"),
        unique("message", "key_unique_for_caller", "person", "idempotency_key", "actor"),
        migrations.AddIndex("conversation", newest_first("created_at")),
        migrations.AddIndex("conversation", newest_first("updated_at")),
        migrations.AddIndex(
            "conversation",
            models.Index(
                models.F("person"),
                condition=models.Q(legal_hold_at__isnull=False),
                name="conversation_held",
            ),
        ),
        migrations.RunPython(indexed_by(BY_KEY), drop_index),
    ]
