"""Entries and leases point to their person's row, where they had the id; null is nobody's, as ''.

On PostgreSQL the read of a look-up is a new function once more (see 0003).
"""

from importlib import import_module

from django.db import migrations, models

import access.models
from access.migrating import name_persons, point_to_persons

MODELS = {"cacheentry": "entry", "cachelease": "lease"}
NOTHING = migrations.RunPython.noop
SOMEBODYS, NOBODYS = models.Q(person__isnull=False), models.Q(person__isnull=True)
NO_QUESTION = models.Q(query="", context__isnull=True)

# The row under a key, nobody's or the person's: each is found by a unique key of its own.
STANDING = """CASE n.sharing
           WHEN 'shared' THEN (
               SELECT id FROM {table} WHERE namespace_id = n.id AND person_id IS NULL
                  AND key_hash = CASE WHEN n.ignore_case THEN asked_key_ignoring_case
                                      ELSE asked_key END)
           ELSE (
               SELECT id FROM {table} WHERE namespace_id = n.id AND person_id = p.id
                  AND key_hash = CASE WHEN n.ignore_case THEN asked_key_ignoring_case
                                      ELSE asked_key END)
           END"""
FUNCTION = """
CREATE FUNCTION querycache_read(
    asked_namespace text, asked_user_id text, asked_key text, asked_key_ignoring_case text,
    asked_at timestamptz
) RETURNS TABLE (
    namespace_id bigint, epoch integer, sharing text, ignore_case boolean, person_id bigint,
    entry_id bigint, result text, cost_credits bigint, created_at timestamptz,
    fresh_until timestamptz, lease_token text, lease_epoch integer, lease_created_at timestamptz,
    lease_expires_at timestamptz
) LANGUAGE plpgsql STABLE SET search_path = %s, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT n.id, n.epoch, n.sharing::text, n.ignore_case, p.id, e.id, e.result, e.cost_credits,
           e.created_at, e.fresh_until, l.token::text, l.epoch, l.created_at, l.expires_at
      FROM querycache_namespace AS n
      LEFT JOIN access_person AS p ON p.user_id = asked_user_id
      LEFT JOIN querycache_cacheentry AS e
        ON e.id = {entry}
       AND e.epoch = n.epoch AND e.stale_until > asked_at
       AND (e.tags IS NULL OR NOT EXISTS (
            SELECT 1 FROM querycache_cachetag AS t
             WHERE t.namespace_id = e.namespace_id
               AND t.name IN (SELECT json_array_elements_text(e.tags))
               AND t.invalidated_at >= e.created_at))
      LEFT JOIN querycache_cachelease AS l
        ON l.id = {lease}
     WHERE n.name = asked_namespace;
END $$
""".format(
    entry=STANDING.format(table="querycache_cacheentry"),
    lease=STANDING.format(table="querycache_cachelease"),
)
BEFORE = import_module("querycache.migrations.0003_ignore_case")


def read_by(function):
    """A function of the same name and arguments goes first: what it returns differs."""

    def make(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("SELECT quote_ident(current_schema())")
                schema = cursor.fetchone()[0]
            schema_editor.execute(BEFORE.DROP)
            schema_editor.execute(function.replace("%s", schema, 1))

    return make


def no_constraint(model, name):
    return migrations.RemoveConstraint(model, f"querycache_{MODELS[model]}_{name}")


def unique(model, name, condition, *fields):
    constraint = models.UniqueConstraint(
        fields=fields, condition=condition, name=f"querycache_{MODELS[model]}_{name}"
    )
    return migrations.AddConstraint(model, constraint)


def keeps_no_query(model):
    constraint = models.CheckConstraint(
        condition=SOMEBODYS | NO_QUESTION,
        name=f"querycache_{MODELS[model]}_of_nobody_keeps_no_query",
    )
    return migrations.AddConstraint(model, constraint)


def to_persons(model):
    table = f"querycache_{model}"
    return [
        migrations.AddField(model, "person", access.models.PersonField(null=True)),
        migrations.RunPython(point_to_persons(table, column="owner"), NOTHING),
        no_constraint(model, "one_for_a_key"),
        no_constraint(model, "of_nobody_keeps_no_query"),
        # On the way back the column comes empty, which is nobody's, and then gets the ids.
        migrations.RunPython(NOTHING, name_persons(table, column="owner")),
        migrations.RemoveField(model, "owner"),
        unique(model, "one_for_a_key", SOMEBODYS, "person", "namespace", "key_hash"),
        unique(model, "one_of_nobody_for_a_key", NOBODYS, "namespace", "key_hash"),
        keeps_no_query(model),
    ]


class Migration(migrations.Migration):
    dependencies = [("access", "0007_person"), ("querycache", "0003_ignore_case")]

    operations = [
        *to_persons("cacheentry"),
        *to_persons("cachelease"),
        migrations.RunPython(read_by(FUNCTION), read_by(BEFORE.FUNCTION)),
    ]
