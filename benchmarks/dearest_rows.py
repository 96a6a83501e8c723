"""The rows that the dearest requests meet; for bounds.py."""

from typing import Any

import orjson
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from access.api.serializers import NOTE_MAX_LENGTH
from access.models import REFERENCE_NAME_MAX_LENGTH, REFERENCE_VALUE_MAX_LENGTH, REFERENCES_MAX
from access.services import persons
from billing.services import credits, holds
from common.idempotency import NO_KEY
from consent.models import Purpose
from consent.services import answers, texts
from conversations import council
from conversations.services import conversations, imports
from conversations.services import messages as conversations_messages
from querycache.services import entries as querycache_entries

BODY_BYTES, MOST_VALUES, PAGE_ROWS = 5 * 1024 * 1024, 100_000, 200
MOST_PURPOSES = 50
# Where nothing but a person's own rows is a bound, and where the cache is looked through.
MANY_ROWS, CACHE_ENTRIES = 10_000, 100
# One character beyond U+FFFF makes every one of a text take four bytes in memory.
WIDE = "\U0001f600"
# 200 rows of this fill a page.
ROW = BODY_BYTES // PAGE_ROWS - 200
EVIDENCE = {"page": "a" * 8000}
ENTRY = "a" * 64
# As much as an application can say of a person.
SAID: dict[str, Any] = {
    "references": {
        f"{number:0>{REFERENCE_NAME_MAX_LENGTH}}": "a" * REFERENCE_VALUE_MAX_LENGTH
        for number in range(REFERENCES_MAX)
    },
    "note": "a" * NOTE_MAX_LENGTH,
}
# As many different words as a query of 1,000 characters holds.
WORDS = [first + second for first in "abcdefghijklm" for second in "abcdefghijklmnopqrstuvwxyz"][
    :333
]
ACTOR = "key:benchmark"


def wide(text: str, byte_size: int) -> str:
    """So many bytes of it, in the form that takes most memory."""
    return WIDE + text * (byte_size - len(WIDE.encode()))


def converse(person: str, contents: list[str], **fields: Any) -> None:
    conversations.create_conversation(
        user_id=person,
        actor=ACTOR,
        at=timezone.now(),
        request_key=NO_KEY,
        messages=[
            conversations_messages.NewMessage(role="user", content=content) for content in contents
        ],
        **fields,
    )


def import_long(person: str) -> None:
    """One conversation of MANY_ROWS messages."""
    messages = [{"role": "user", "content": f"words {n}"} for n in range(MANY_ROWS)]
    found = council.read(
        orjson.dumps({"title": "a", "messages": messages}),
        file_stem=person,
        folder_owner=person,
        given_owner=None,
    )
    imports.store_imported([found], on_conflict="fail")


def prepare_conversations() -> None:
    for _ in range(PAGE_ROWS):
        converse("reader", [], metadata={"a": wide("a", ROW)})
    for _ in range(50):
        converse("searcher", ["\u65e5" * 196_000 + " ".join(WORDS)])
    converse("talker", [wide("[", ROW)] * PAGE_ROWS)
    # Of what we know, lists in quotations take most time to read.
    lists = "> - * + 1. a\n" * (ROW // 13 - 1)
    converse("writer", [f"[\n{lists}"] * PAGE_ROWS)
    import_long("deleter")
    import_long("erased")


def enter(person: str, entries: list[credits.NewTransaction]) -> None:
    credits.add_transactions(
        user_id=person, new=entries, actor=ACTOR, at=timezone.now(), request_key=NO_KEY
    )


def prepare_credits() -> None:
    grant = credits.NewTransaction(type="grant", amount=1)
    for _ in range(MANY_ROWS // 500):
        enter("counted", [grant] * 500)
    large = credits.NewTransaction(type="grant", amount=1, metadata={"a": wide("a", ROW)})
    enter("payer", [large] * PAGE_ROWS)
    enter("charged", [credits.NewTransaction(type="deduct", amount=-1)])
    for person in ("held", "kept"):
        holds.place_hold(
            user_id=person, amount=1, ttl_seconds=3600, description="", actor=ACTOR,
            at=timezone.now(), request_key=NO_KEY,
        )  # fmt: skip


def prepare_consents() -> None:
    texts.ensure_purposes()
    for number in range(MOST_PURPOSES - Purpose.objects.count()):
        Purpose.objects.create(key=f"purpose{number}", title="One more", required=False)
    texts.publish_policy(
        purpose="terms", version=1, locale="en", text="a" * 500_000, at=timezone.now()
    )
    answer = answers.ConsentDecision(purpose="marketing", granted=True, evidence=EVIDENCE)
    for _ in range(PAGE_ROWS):
        answers.record_answers(
            user_id="consenter", answers=[answer], source="api", actor=ACTOR, at=timezone.now()
        )


def prepare_cache() -> None:
    text = orjson.dumps(wide("a", 1024 * 1024 - 100)).decode()
    tags = tuple(f"tag {number:0>96}" for number in range(20))
    for number in range(CACHE_ENTRIES):
        querycache_entries.store_answer(
            namespace="default", user_id="cached", token=None, at=timezone.now(),
            key=ENTRY if number == 0 else f"{number:064}",
            answer=querycache_entries.NewAnswer(text=text, value=orjson.loads(text), tags=tags),
        )  # fmt: skip


def prepare_persons() -> None:
    for number in range(PAGE_ROWS):
        persons.change_person(user_id=f"named{number or ''}", **SAID)


def prepare_staff() -> None:
    user = User.objects.create_superuser("staff", password=None)
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()


def prepare_all() -> None:
    prepare_conversations()
    prepare_credits()
    prepare_consents()
    prepare_cache()
    prepare_persons()
    prepare_staff()
