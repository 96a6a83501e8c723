"""A person of whom every table holds something, and a look into every table by raw SQL."""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from access import rates, staff_actions
from access.models import Person
from access.services import persons, readings
from billing.models import CreditAccount, CreditTransaction, Tier
from billing.services import archive
from common import privacy
from consent.services import texts
from tests.client import ApiClient
from tests.guarded.models import Proof

# Words that stand nowhere else.
SECRETS = ["quokka", "wombat", "numbat", "bilby", "potoroo", "dunnart"]
QUOKKA, WOMBAT, NUMBAT, BILBY, POTOROO, DUNNART = SECRETS


def write_life_of(person: ApiClient, user_id: str) -> None:
    """Rows of the person in every table, through the API and the services of staff."""
    begin_as_guest(user_id)
    conversation = {
        "title": f"About {QUOKKA}",
        "metadata": {"topic": WOMBAT},
        "messages": [
            {"role": "user", "content": f"Is a {QUOKKA} shy?"},
            {"role": "assistant", "stage1": [{"model": "m", "response": NUMBAT}]},
        ],
    }
    acts = [
        ("POST", "/conversations", conversation),
        ("POST", "/usage/increment", {"amount": 2}),
        ("POST", "/credits/transactions",
         {"type": "deduct", "amount": 3, "description": BILBY, "metadata": {"of": POTOROO}}),
        ("POST", "/credits/holds", {"amount": 4, "description": BILBY}),
        ("PATCH", "/usage", {"daily_limit": 7, "reason": DUNNART}),
        ("PUT", "/consent/terms", {"policy_version": 1, "evidence": {"page": WOMBAT}}),
        ("DELETE", "/consent/marketing", None),
    ]  # fmt: skip
    for number, (method, path, body) in enumerate(acts):
        # Keys may hold anything, the person's id as well.
        key = {"idempotency_key": f"{number}-{QUOKKA}"} if method == "POST" else {}
        response = person.request(method, path, body, **key)
        assert response.status_code < 300, response.content
    cache_an_answer(person)
    readings.record_reading(
        actor="staff:dana",
        at=timezone.now(),
        user_id=user_id,
        what=f"about {QUOKKA}",
        reason=WOMBAT,
    )
    persons.change_person(
        user_id=user_id, note=f"Asks about the {QUOKKA}.", references={"customer": WOMBAT}
    )
    account = CreditAccount.objects.get(person__user_id=user_id)
    first = CreditTransaction.objects.get(person__user_id=user_id, sequence=1)
    archive.replace_by_checkpoint(
        person=account.person, last=first, digest="0" * 64, archive="a.jsonl", at=timezone.now()
    )
    rates.count([rates.Bucket("person", user_id, 0, rates.Rate(60, 60))], at=timezone.now())
    Proof.objects.create(user_id=user_id, sequence=1, amount=1, note=NUMBAT)
    act(f"Granted a {DUNNART}.", account, reason=f"{DUNNART} of {user_id}")
    act("Changed the name.", Tier.objects.get(key="free"), reason=f"{user_id}: {DUNNART}")


def begin_as_guest(user_id: str) -> None:
    """The person was known before under the id of a guest, unless they are known already."""
    if Person.objects.filter(user_id=user_id).exists():
        return
    guest = f"guest {BILBY}"
    persons.meet_persons([guest])
    persons.move_person(user_id=guest, to=user_id, actor="key:web", at=timezone.now())


def cache_an_answer(person: ApiClient) -> None:
    """A cached answer, and a lease that made it."""
    question = {"query": f"Is a {QUOKKA} shy?", "context": {"of": WOMBAT}}
    missed = person.post("/cache/lookup", question).json()
    answer = {"result": {"text": NUMBAT}, "lease": missed["lease"]["token"]}
    assert person.put(f"/cache/entries/{missed['key']}", answer).status_code == 201


def act(sentence: str, row: Any, *, reason: str = "") -> None:
    """What the admin records of an action on the row."""
    with transaction.atomic():
        staff_actions.record(
            action="billing.grant", rows=[row], actor="staff:dana", at=timezone.now(),
            sentence=sentence, reason=reason,
        )  # fmt: skip


def publish_terms() -> None:
    texts.publish_policy(
        purpose="terms", version=1, locale="en", text="Be kind.", at=timezone.now()
    )


def rows_by_table(user_id: str) -> dict[str, int]:
    """How many rows each table that holds persons has of this one, by raw SQL."""
    found = {}
    for table in privacy.tables():
        if table.person == "person__user_id":
            whose = "person_id IN (SELECT id FROM access_person WHERE %s IN (user_id, erased_as))"
        elif table.model is Person:
            whose = "%s IN (user_id, erased_as)"
        else:
            assert "__" not in table.person, "Say here how raw SQL finds this table's person."
            whose = f'"{table.model._meta.get_field(table.person).column}" = %s'
        with connection.cursor() as cursor:
            name = table.model._meta.db_table
            cursor.execute(f'SELECT COUNT(*) FROM "{name}" WHERE {whose}', [user_id])
            found[table.label] = cursor.fetchone()[0]
    return found


def places_of(words: list[str]) -> list[str]:
    """Every table and column, of whatever kind, in which one of the words stands."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor, include_views=True):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    text = as_text(value)
                    found += [f"{table}.{column}: {word}" for word in words if word in text]
    return sorted(set(found))


def as_text(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("utf-8", "replace") + bytes(value).hex()
    return str(value)
