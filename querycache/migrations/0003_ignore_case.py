"""A namespace may ignore case; the read of a look-up takes the key of both kinds of namespace.

On PostgreSQL that is a new function (see 0002). It names its tables by the schema that it was made
in, so that no temporary table stands in for one of them.
"""

from importlib import import_module

from django.db import migrations, models

FUNCTION = """
CREATE FUNCTION querycache_read(
    asked_namespace text, asked_owner text, asked_key text, asked_key_ignoring_case text,
    asked_at timestamptz
) RETURNS TABLE (
    namespace_id bigint, epoch integer, sharing text, ignore_case boolean, entry_id bigint,
    result text, cost_credits bigint, created_at timestamptz, fresh_until timestamptz,
    lease_token text, lease_epoch integer, lease_created_at timestamptz,
    lease_expires_at timestamptz
) LANGUAGE plpgsql STABLE SET search_path = %s, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT n.id, n.epoch, n.sharing::text, n.ignore_case, e.id, e.result, e.cost_credits,
           e.created_at, e.fresh_until, l.token::text, l.epoch, l.created_at, l.expires_at
      FROM querycache_namespace AS n
      LEFT JOIN querycache_cacheentry AS e
        ON e.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE asked_owner END
       AND e.namespace_id = n.id
       AND e.key_hash = CASE WHEN n.ignore_case THEN asked_key_ignoring_case ELSE asked_key END
       AND e.epoch = n.epoch AND e.stale_until > asked_at
       AND (e.tags IS NULL OR NOT EXISTS (
            SELECT 1 FROM querycache_cachetag AS t
             WHERE t.namespace_id = e.namespace_id
               AND t.name IN (SELECT json_array_elements_text(e.tags))
               AND t.invalidated_at >= e.created_at))
      LEFT JOIN querycache_cachelease AS l
        ON l.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE asked_owner END
       AND l.namespace_id = n.id
       AND l.key_hash = CASE WHEN n.ignore_case THEN asked_key_ignoring_case ELSE asked_key END
     WHERE n.name = asked_namespace;
END $$
"""
DROP = "DROP FUNCTION querycache_read(text, text, text, text, timestamptz)"
BEFORE = import_module("querycache.migrations.0002_read_function")


def to_both_keys(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(current_schema())")
            schema = cursor.fetchone()[0]
        schema_editor.execute(FUNCTION.replace("%s", schema, 1))
        schema_editor.execute(BEFORE.DROP)


def to_one_key(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BEFORE.FUNCTION)
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("querycache", "0002_read_function")]

    operations = [
        migrations.AddField(
            model_name="namespace",
            name="ignore_case",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Questions that differ in small and large letters alone have one answer."
                " No text in which letters matter (code, base64, names) may be asked here. What was"
                " stored before a change is not found any more.",
            ),
        ),
        migrations.RunPython(to_both_keys, to_one_key),
    ]
