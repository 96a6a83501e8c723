"""Rows of a site that has grown, made by the database itself; for scale.py.

A tenth as many conversations as messages, half of them of one person, `big`; of the entries of the
ledger one in ten is of one account, `hot`. Every message has the word `common`, one in a thousand
`rare`. All is as the services would have written it: `verify` finds nothing.
"""

from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from access.models import Person
from access.services import persons
from billing.models import CreditAccount, CreditTransaction
from billing.services import sealing
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from conversations.models import Conversation, Message
from conversations.triggers import rebuild_index
from querycache.models import CacheEntry, CacheSize, Namespace

# Besides big and hot; every one of the ledger's other entries is of these.
OTHERS = 900
IN_ONE = 10
# A ledger that begins with this, takes 1 each time and is filled up by every 500th entry.
GRANTED, FILLED_BY = 10**9, 500
RESULT = '{"text": "Heat pumps move heat instead of making it."}'
POSTGRESQL = connection.vendor == "postgresql"
UID = "gen_random_uuid()" if POSTGRESQL else "lower(hex(randomblob(16)))"


def ago(seconds: str) -> str:
    """The time that many seconds ago, in SQL."""
    if POSTGRESQL:
        return f"now() - ({seconds}) * interval '1 second'"
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', -({seconds}) || ' seconds')"


def insert(table: str, number: int, **values: str) -> None:
    """So many rows of a table; each value is SQL in which `i` counts from 1."""
    numbers = (
        f"SELECT i FROM generate_series(1::bigint, {number}) AS n(i)"
        if POSTGRESQL
        else f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number})"
        " SELECT i FROM n"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({", ".join(values)})'
            f" SELECT {', '.join(values.values())} FROM ({numbers}) AS counted"
        )


def fill(size: int) -> None:
    """Empty all tables and make so many messages, entries of the ledger and cached answers."""
    database_triggers.drop(all_triggers())
    call_command("flush", interactive=False, verbosity=0)
    database_triggers.drop(all_triggers())  # which the end of a flush made anew
    persons.meet_persons(["big", "hot", *(f"p{number}" for number in range(1, OTHERS + 1))])
    first = Person.objects.get(user_id="p1").pk
    keys = {name: Person.objects.get(user_id=name).pk for name in ("big", "hot")}
    anybody = f"{first} + i % {OTHERS}"
    # Seconds between two rows, so that all of them are of one year.
    step = 25_000_000 // size
    converse(size, keys["big"], anybody, step)
    charge(size, keys["hot"], first, step)
    store(size, anybody, step)
    database_triggers.create(all_triggers())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if POSTGRESQL else "ANALYZE")


def converse(size: int, big: int, anybody: str, step: int) -> None:
    owner = f"CASE WHEN i % 2 = 0 THEN {big} ELSE {anybody} END"
    insert(
        Conversation._meta.db_table, size // IN_ONE, id="i", uid=UID, person_id=owner,
        title="'chat ' || i", search_text="'chat ' || i", metadata="'{}'", extra="'{}'",
        message_count=str(IN_ONE), source="'api'", external_id="''", request_hash="''",
        legal_hold_reason="''", created_at=ago(f"{step * size} - i * {step * IN_ONE}"),
        updated_at=ago(f"{step * size} - i * {step * IN_ONE}"),
    )  # fmt: skip
    # Words that differ by their first letter, so that none stands twice in a message.
    words = " || ".join(
        f"' {letter}' || (i * {7919 + place} % 50000)" for place, letter in enumerate("defghijklm")
    )
    text = f"'common' || CASE WHEN i % 1000 = 0 THEN ' rare' ELSE '' END || {words}"
    of = f"(i + {IN_ONE - 1}) / {IN_ONE}"
    insert(
        Message._meta.db_table, size, id="i", uid=UID, conversation_id=of,
        person_id=f"(SELECT person_id FROM {Conversation._meta.db_table} WHERE id = {of})",
        position=f"(i - 1) % {IN_ONE} + 1", role="'user'", content=text, search_text=text,
        metadata="'{}'", extra="'{}'", request_hash="''", created_at=ago(f"({size} - i) * {step}"),
    )  # fmt: skip
    for model in (Conversation, Message):
        if not POSTGRESQL:
            rebuild_index(model)
    after(Conversation._meta.db_table, Message._meta.db_table)


def charge(size: int, hot: int, first: int, step: int) -> None:
    of_hot, of_other = size // 10, size // 1000
    balance = f"{GRANTED} - (s - 1) + {FILLED_BY} * (s / {FILLED_BY})"
    for person, each, number in (
        (str(hot), of_hot, of_hot),
        (f"{first} + (i - 1) / {of_other}", of_other, of_other * OTHERS),
    ):
        sequence = f"((i - 1) % {each} + 1)"
        insert(
            CreditTransaction._meta.db_table, number, uid=UID, person_id=person, sequence=sequence,
            type=f"CASE WHEN {sequence} = 1 THEN 'grant' WHEN {sequence} % {FILLED_BY} = 0"
            " THEN 'purchase' ELSE 'deduct' END",
            amount=f"CASE WHEN {sequence} = 1 THEN {GRANTED} WHEN {sequence} % {FILLED_BY} = 0"
            f" THEN {FILLED_BY - 1} ELSE -1 END",
            balance_after=balance.replace("s", sequence), description="''", metadata="'{}'",
            actor="'key:bench'", request_hash="''",
            created_at=ago(f"({each} - {sequence}) * {step * size // each} + 120"),
        )  # fmt: skip
        insert(
            CreditAccount._meta.db_table, number // each, tier="'free'", is_guest="FALSE",
            person_id=person.replace(f"/ {each}", ""), held="0", sequence=str(each),
            balance=balance.replace("s", str(each)), max_credits="100", last_refill_at=ago("0"),
        )  # fmt: skip
    at = timezone.now()
    with transaction.atomic():
        for account in CreditAccount.objects.order_by("pk"):
            sealing.seal_account(account=account, sequence=account.sequence, at=at)


def store(size: int, anybody: str, step: int) -> None:
    Namespace.objects.filter(name="default").update(max_entries=2 * size, max_bytes=10**12)
    space = Namespace.objects.get(name="default")
    key = "lpad(to_hex(i), 64, '0')" if POSTGRESQL else "printf('%064x', i)"
    insert(
        CacheEntry._meta.db_table, size, namespace_id=str(space.pk), person_id=anybody,
        key_hash=key, query="''", result=f"'{RESULT}'", model="'a/one'",
        tags="""'["model:a/one"]'""", cost_credits="1", byte_size=str(len(RESULT)),
        ttl_seconds="30000000", epoch="0", created_at=ago(f"({size} - i) * {step} + 60"),
        fresh_until=ago("-30000000"), stale_until=ago("-30000000"),
    )  # fmt: skip
    CacheSize.objects.create(
        namespace=space, entries=size, bytes=size * len(RESULT), ttl_seconds=size * 30_000_000
    )


def after(*tables: str) -> None:
    """New rows have keys after those that were given."""
    if POSTGRESQL:
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
