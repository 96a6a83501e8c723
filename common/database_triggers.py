"""Triggers as the database has them: what stands, how it differs from what should, and the mending.

Compared is what works, not a mark beside it: on PostgreSQL when a trigger fires, whether it is
switched on, and the source and settings of its function; on SQLite the whole statement.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

# The bits of pg_trigger.tgtype.
FIRES = {"ROW": 1, "BEFORE": 2, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}

MISSING = "is missing"
SWITCHED_OFF = "is switched off"
FIRES_OTHERWISE = "fires when it should not, or does not when it should"
OTHER_FUNCTION = "has a function that is not Steward's"
OTHER_TEXT = "is not as Steward makes it"

STANDING = """
SELECT relname, tgname, tgenabled, tgtype,
       tgqual IS NULL AND tgattr = '' AND tgnargs = 0 AND tgconstraint = 0
           AND tgoldtable IS NULL AND tgnewtable IS NULL,
       proname, prosrc, array_to_string(proconfig, ';'), lanname, prosecdef,
       pg_proc.pronamespace = pg_class.relnamespace
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
  JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_language ON pg_language.oid = prolang
 WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
# What changes which rows triggers see, or what they do. Not what belongs to an extension.
STRANGERS = """
SELECT relname, 'has the rule ' || rulename FROM pg_rewrite
  JOIN pg_class ON pg_class.oid = ev_class
 WHERE relnamespace = current_schema()::regnamespace AND rulename <> '_RETURN'
UNION ALL
SELECT relname, 'has the child ' || inhrelid::regclass || ', whose rows no trigger of it sees'
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhparent
 WHERE relnamespace = current_schema()::regnamespace
UNION ALL
SELECT relname, 'is a child of ' || inhparent::regclass
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE relnamespace = current_schema()::regnamespace
UNION ALL
SELECT relname, 'hides rows by row level security' FROM pg_class
 WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity
"""
HIJACKED = """
SELECT 'The operator ' || oid::regoperator || ' stands in the schema of the tables.'
  FROM pg_operator WHERE oprnamespace = current_schema()::regnamespace AND NOT EXISTS
    (SELECT FROM pg_depend WHERE objid = pg_operator.oid AND deptype = 'e')
UNION ALL
SELECT 'The function ' || own.oid::regprocedure || ' has the name of one of PostgreSQL''s own.'
  FROM pg_proc AS own WHERE pronamespace = current_schema()::regnamespace AND EXISTS
    (SELECT FROM pg_proc AS theirs WHERE theirs.proname = own.proname
        AND theirs.pronamespace = 'pg_catalog'::regnamespace)
   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = own.oid AND deptype = 'e')
UNION ALL
SELECT 'session_replication_role is ' || current_setting('session_replication_role')
       || ': no trigger fires.'
 WHERE current_setting('session_replication_role') = 'replica'
"""


@dataclass(frozen=True)
class Trigger:
    """A trigger as it should stand.

    `when` is such as "BEFORE UPDATE". `body` is on PostgreSQL that of its function, which has the
    trigger's name, and on SQLite all that follows the table's name.
    """

    name: str
    table: str
    when: str
    body: str
    for_each: str = "ROW"
    # On SQLite a statement to follow when it is made.
    then: str = ""

    def fires_on(self, event: str) -> bool:
        """Whether it is one for "DELETE", "TRUNCATE" …"""
        return event in self.when.split()

    @property
    def sqlite(self) -> str:
        """The statement that makes it."""
        return f'CREATE TRIGGER "{self.name}" {self.when} ON "{self.table}" {self.body}'

    @property
    def type_bits(self) -> int:
        """PostgreSQL's way to say when it fires."""
        words = {*self.when.split(), self.for_each}
        return sum(bit for word, bit in FIRES.items() if word in words)


Standing = dict[tuple[str, str], Any]


def standing(connection: BaseDatabaseWrapper) -> Standing:
    """What stands, by table and name."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(STANDING)
            return {row[:2]: row[2:] for row in cursor.fetchall()}
        cursor.execute("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
        return {(table, name): sql for table, name, sql in cursor.fetchall()}


def search_path(connection: BaseDatabaseWrapper) -> str:
    """PostgreSQL: what functions pin. They see the tables of Steward's schema, no temporary ones.

    Naming the schema before each table would not hold off an operator.
    """
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return f"{cursor.fetchone()[0]}, pg_temp"


def difference(trigger: Trigger, there: Standing, path: str) -> str | None:
    """What is wrong with it, as the end of a sentence; None when it stands as it should."""
    found = there.get((trigger.table, trigger.name))
    if found is None:
        return MISSING
    if isinstance(found, str):
        return None if found == trigger.sqlite else OTHER_TEXT
    enabled, type_bits, is_plain, *function = found
    # Not those switched off with ALTER TABLE, wholly (D) or but for replication (R).
    if enabled not in ("O", "A"):
        return SWITCHED_OFF
    if (type_bits, is_plain) != (trigger.type_bits, True):
        return FIRES_OTHERWISE
    should = [trigger.name, trigger.body, f"search_path={path}", "plpgsql", False, True]
    return None if function == should else OTHER_FUNCTION


def make(cursor: Any, vendor: str, trigger: Trigger, what: str, path: str) -> None:
    """Mend it: `what` is its difference. Touches no more than that."""
    # Without parameters, so that a percent sign in the body stays one.
    if vendor == "sqlite":
        cursor.execute(f'DROP TRIGGER IF EXISTS "{trigger.name}"')
        cursor.execute(trigger.sqlite, None)
        if trigger.then:
            cursor.execute(trigger.then, None)
        return
    function = f'"{trigger.name}"()'
    cursor.execute(
        f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql"
        f" SECURITY INVOKER SET search_path = {path} AS $body${trigger.body}$body$",
        None,
    )
    if what != OTHER_FUNCTION or not _runs_it(cursor, trigger):
        # OR REPLACE lets readers go on; it also switches the trigger on again.
        cursor.execute(
            f'CREATE OR REPLACE TRIGGER "{trigger.name}" {trigger.when} ON "{trigger.table}"'
            f" FOR EACH {trigger.for_each} EXECUTE FUNCTION {function}"
        )


def _runs_it(cursor: Any, trigger: Trigger) -> bool:
    """Whether the trigger runs the function of its name; then its table need not be locked."""
    cursor.execute(
        "SELECT 1 FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = %s"
        " AND tgfoid = %s::regprocedure",
        [f'"{trigger.table}"', trigger.name, f'"{trigger.name}"()'],
    )
    return cursor.fetchone() is not None


def drop(cursor: Any, connection: BaseDatabaseWrapper, table: str, name: str) -> None:
    """Drop a trigger, if it stands."""
    where = f' ON "{table}"' if connection.vendor == "postgresql" else ""
    cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{where}')


def strangers(
    connection: BaseDatabaseWrapper, tables: set[str], known: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """What else at these tables could change what their triggers see or do, as sentences."""
    for table, name in sorted(standing(connection).keys() - set(known)):
        if table in tables:
            yield f"table {table} has the trigger {name}, which is not Steward's"
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(STRANGERS)
        found = cursor.fetchall()
        cursor.execute(HIJACKED)
        hijacked = cursor.fetchall()
    yield from (f"table {table} {what}" for table, what in found if table in tables)
    yield from (sentence for (sentence,) in hijacked)
