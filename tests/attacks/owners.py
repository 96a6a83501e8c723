"""What somebody with the rights of the tables' owner can do: a forgery, and a way past triggers.

Every way is tried with every forgery. Some ways put everything back in the end; then it is the rows
that tell.
"""

from tests.attacks.sessions import POSTGRESQL
from tests.billing.raw_rows import ANN, BOB
from tests.billing.test_seals import RICH
from tests.consent.attacks import CHAIN, EVENT, HASH, STATE, TEXT

ENTRY, ACCOUNT, HOLD = "billing_credittransaction", "billing_creditaccount", "billing_credithold"
FALSE, TRUE = ("false", "true") if POSTGRESQL else ("0", "1")

FORGERIES: dict[str, tuple[str, ...]] = {
    "a balance": (f"UPDATE {ACCOUNT} SET balance = 1000000 WHERE person_id = {ANN}",),
    "a history that adds up": tuple(
        statement.replace("sequence = 1", "sequence = 2").replace("sequence > 1", "sequence > 2")
        for statement in RICH
    ),
    "the last entry gone, and the balance with it": (
        f"DELETE FROM {ENTRY} WHERE person_id = {BOB} AND sequence = 2",
        f"UPDATE {ACCOUNT} SET sequence = 1, balance = 50 WHERE person_id = {BOB}",
    ),
    "an entry gone from between": (
        f"DELETE FROM {ENTRY} WHERE person_id = {ANN} AND sequence = 3",
    ),
    "a hold of another amount": (
        f"UPDATE {HOLD} SET amount = 1 WHERE person_id = {BOB} AND state = 'open'",
    ),
    "a capture of another amount": (
        f"UPDATE {HOLD} SET captured_amount = 1 WHERE state = 'captured'",
    ),
    "an event of another meaning": (
        f"UPDATE {EVENT} SET actor = 'eve' WHERE user_id = 'ann' AND sequence = 2",
    ),
    "an event gone": (f"DELETE FROM {EVENT} WHERE user_id = 'ann' AND sequence = 2",),
    "a chain's end": (f"UPDATE {CHAIN} SET last_hash = {HASH} WHERE user_id = 'ann'",),
    "a state": (f"UPDATE {STATE} SET granted = {TRUE} WHERE granted = {FALSE}",),
    "a text": (f"UPDATE {TEXT} SET text = 'another' WHERE version = 2",),
}
TABLES = (ENTRY, ACCOUNT, HOLD, "billing_ledgerseal", EVENT, CHAIN, STATE, TEXT)

Ways = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


def each(statement: str) -> tuple[str, ...]:
    return tuple(statement.format(table) for table in TABLES)


ON_POSTGRESQL: Ways = {
    "triggers switched off, and on again": (
        each("ALTER TABLE {} DISABLE TRIGGER USER"),
        each("ALTER TABLE {} ENABLE TRIGGER USER"),
    ),
    "triggers switched off": (each("ALTER TABLE {} DISABLE TRIGGER USER"), ()),
    "triggers for replicas alone": (
        (
            "DO $$ DECLARE one record; BEGIN FOR one IN SELECT tgrelid::regclass AS place, tgname"
            " FROM pg_trigger WHERE NOT tgisinternal LOOP EXECUTE format("
            "'ALTER TABLE %s ENABLE REPLICA TRIGGER %I', one.place, one.tgname); END LOOP; END $$",
        ),
        (),
    ),
    "triggers dropped": (
        (
            "DO $$ DECLARE one record; BEGIN FOR one IN SELECT tgrelid::regclass AS place, tgname"
            " FROM pg_trigger WHERE NOT tgisinternal LOOP EXECUTE format("
            "'DROP TRIGGER %I ON %s', one.tgname, one.place); END LOOP; END $$",
        ),
        (),
    ),
    "functions replaced": (
        (
            "DO $$ DECLARE one record; BEGIN FOR one IN SELECT DISTINCT tgfoid::regproc AS name,"
            " tgtype & 8 AS deletes FROM pg_trigger WHERE NOT tgisinternal LOOP EXECUTE format("
            "'CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql"
            " SET search_path = public, pg_temp AS ''BEGIN RETURN %s; END''',"
            " one.name, CASE one.deletes WHEN 8 THEN 'OLD' ELSE 'NEW' END); END LOOP; END $$",
        ),
        (),
    ),
    "a session as a replica's": (
        ("SET LOCAL session_replication_role = replica",),
        ("SET LOCAL session_replication_role = origin",),
    ),
    "rows changed on their way": (
        (
            "CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RETURN NULL; END $$",
            *each(
                "CREATE TRIGGER aaa BEFORE UPDATE OR DELETE ON {} FOR EACH ROW"
                " EXECUTE FUNCTION forge()"
            ),
        ),
        (),
    ),
    "rules instead": (
        tuple(
            f"CREATE RULE aside AS ON {act} TO {table} DO INSTEAD NOTHING"
            for table in TABLES
            for act in ("UPDATE", "DELETE")
        ),
        (),
    ),
}
ON_SQLITE: Ways = {
    "triggers dropped": (("-- drop every trigger",), ()),
    "triggers dropped, and made again": (("-- drop every trigger",), ("-- make every trigger",)),
    "the schema written by hand": (
        (
            "PRAGMA writable_schema = ON",
            "DELETE FROM sqlite_master WHERE type = 'trigger'",
            "PRAGMA writable_schema = RESET",
        ),
        (),
    ),
}
WAYS = ON_POSTGRESQL if POSTGRESQL else ON_SQLITE

# Ways that bring their own forgery with them.
BY_THEMSELVES: dict[str, tuple[str, ...]] = (
    {
        "an overdraft without its constraint": (
            f"ALTER TABLE {ACCOUNT} DROP CONSTRAINT billing_account_balance_not_negative",
        ),
        "a constraint that lets all through": (
            f"ALTER TABLE {ENTRY} DROP CONSTRAINT billing_transaction_sign_by_type",
            f"ALTER TABLE {ENTRY} ADD CONSTRAINT billing_transaction_sign_by_type CHECK (true)",
            f"INSERT INTO {ENTRY} (uid, person_id, sequence, type, amount, balance_after,"
            " description, metadata, actor, request_hash, created_at)"
            " SELECT gen_random_uuid(), person_id, sequence + 1, 'deduct', 5, balance + 5, '',"
            f" '{{}}', 'eve', '', now() FROM {ACCOUNT} WHERE person_id = {BOB}",
        ),
        "a constraint for new rows alone": (
            f"ALTER TABLE {HOLD} DROP CONSTRAINT IF EXISTS billing_hold_amount_positive",
            f"ALTER TABLE {ENTRY} DROP CONSTRAINT billing_transaction_amount_bounded",
            f"ALTER TABLE {ENTRY} ADD CONSTRAINT billing_transaction_amount_bounded"
            " CHECK (amount > -1000000000000000) NOT VALID",
        ),
        "entries in a child table": (
            f"CREATE TABLE child () INHERITS ({ENTRY})",
            "INSERT INTO child (id, uid, person_id, sequence)"
            f" SELECT id + 1000, uid, person_id, sequence + 9 FROM {ENTRY} LIMIT 0",
        ),
        "events in a child table": (f"CREATE TABLE child () INHERITS ({EVENT})",),
        "a table that became a child": (
            "CREATE TABLE parent (person_id bigint NOT NULL)",
            f"ALTER TABLE {ENTRY} INHERIT parent",
        ),
        "a view in the place of accounts": (
            f"ALTER TABLE {ACCOUNT} RENAME TO behind",
            f"CREATE VIEW {ACCOUNT} AS SELECT * FROM behind",
        ),
        "another table in the place of the seals": (
            "ALTER TABLE billing_ledgerseal RENAME TO behind",
            "CREATE TABLE billing_ledgerseal (LIKE behind INCLUDING ALL)",
        ),
        "seals gone from between": (
            "ALTER TABLE billing_ledgerseal DISABLE TRIGGER USER",
            "DELETE FROM billing_ledgerseal WHERE number = 1",
            "ALTER TABLE billing_ledgerseal ENABLE TRIGGER USER",
        ),
        "rows hidden": (
            f"ALTER TABLE {ENTRY} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {ENTRY} FORCE ROW LEVEL SECURITY",
        ),
        "an operator of one's own": (
            "CREATE FUNCTION public.always(varchar, varchar) RETURNS bool LANGUAGE sql"
            " AS 'SELECT true'",
            "CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar,"
            " FUNCTION = public.always)",
        ),
        "a sum of one's own": (
            "CREATE FUNCTION public.sum(varchar) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
        ),
        "a function that looks at temporary tables": (
            "ALTER FUNCTION billing_credittransaction_apply() SET search_path = pg_temp, public",
        ),
        "a trigger under a condition": (
            f"CREATE OR REPLACE TRIGGER billing_creditaccount_proved BEFORE UPDATE ON {ACCOUNT}"
            " FOR EACH ROW WHEN (false) EXECUTE FUNCTION billing_creditaccount_proved()",
        ),
        "a trigger of one column": (
            "CREATE OR REPLACE TRIGGER billing_creditaccount_proved BEFORE UPDATE OF tier ON"
            f" {ACCOUNT} FOR EACH ROW EXECUTE FUNCTION billing_creditaccount_proved()",
        ),
        "a cache read by another function": ("ALTER FUNCTION querycache_read SECURITY DEFINER",),
    }
    if POSTGRESQL
    else {
        "a trigger that swallows rows": (
            f"CREATE TRIGGER aaa BEFORE INSERT ON {ENTRY} BEGIN SELECT RAISE(IGNORE); END",
        ),
        "a trigger of another text": (
            "DROP TRIGGER billing_creditaccount_proved",
            f"CREATE TRIGGER billing_creditaccount_proved BEFORE UPDATE ON {ACCOUNT}"
            " BEGIN SELECT 1; END",
        ),
        "a view in the place of accounts": (
            f"ALTER TABLE {ACCOUNT} RENAME TO behind",
            f"CREATE VIEW {ACCOUNT} AS SELECT * FROM behind",
        ),
        "constraints not looked at": (
            "PRAGMA ignore_check_constraints = ON",
            "DROP TRIGGER billing_creditaccount_proved",
            f"UPDATE {ACCOUNT} SET held = -1 WHERE person_id = {BOB}",
        ),
        "seals gone from between": (
            "DROP TRIGGER billing_ledgerseal_no_delete",
            "DELETE FROM billing_ledgerseal WHERE number = 1",
        ),
        "a temporary trigger": (
            f"CREATE TEMPORARY TRIGGER aaa BEFORE UPDATE ON {ACCOUNT}"
            " BEGIN SELECT RAISE(IGNORE); END",
            f"UPDATE {ACCOUNT} SET balance = 1 WHERE person_id = {ANN}",
            f"UPDATE {ACCOUNT} SET nothing = 1",
        ),
        "a temporary table": (
            f"CREATE TEMPORARY TABLE {ENTRY} AS SELECT * FROM main.{ENTRY}",
            f"UPDATE temp.{ENTRY} SET balance_after = 1000000, sequence = 6",
            f"UPDATE main.{ACCOUNT} SET balance = 1000000, sequence = 6 WHERE person_id = {ANN}",
        ),
        "an attached database": (f"UPDATE main.{ENTRY} SET amount = 1000",),
    }
)
