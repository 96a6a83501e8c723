"""PostgreSQL: the read of a look-up as a function, whose plan each session keeps.

SQLite keeps prepared statements by itself; there the same read is in querycache/statements.py.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION querycache_read(
    asked_namespace text, asked_owner text, asked_key text, asked_at timestamptz
) RETURNS TABLE (
    namespace_id bigint, epoch integer, sharing text, entry_id bigint, result text,
    cost_credits bigint, created_at timestamptz, fresh_until timestamptz, lease_token text,
    lease_epoch integer, lease_created_at timestamptz, lease_expires_at timestamptz
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT n.id, n.epoch, n.sharing::text, e.id, e.result, e.cost_credits, e.created_at,
           e.fresh_until, l.token::text, l.epoch, l.created_at, l.expires_at
      FROM querycache_namespace AS n
      LEFT JOIN querycache_cacheentry AS e
        ON e.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE asked_owner END
       AND e.namespace_id = n.id AND e.key_hash = asked_key
       AND e.epoch = n.epoch AND e.stale_until > asked_at
       AND (e.tags IS NULL OR NOT EXISTS (
            SELECT 1 FROM querycache_cachetag AS t
             WHERE t.namespace_id = e.namespace_id
               AND t.name IN (SELECT json_array_elements_text(e.tags))
               AND t.invalidated_at >= e.created_at))
      LEFT JOIN querycache_cachelease AS l
        ON l.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE asked_owner END
       AND l.namespace_id = n.id AND l.key_hash = asked_key
     WHERE n.name = asked_namespace;
END $$
"""
DROP = "DROP FUNCTION querycache_read(text, text, text, timestamptz)"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FUNCTION)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("querycache", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
