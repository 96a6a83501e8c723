"""What can be done for a person, by every app: to be tried beside their erasure.

Each act answers with a status, as the API does; acts of commands and of staff with 200 or that of
their refusal.
"""

import datetime
import random
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from access.models import Person
from access.services import readings
from access.staff_actions import Action, ActionContext, AlreadyDone, perform
from billing.admin import actions as billing_actions
from billing.models import (
    CreditAccount,
    CreditTransaction,
)
from billing.services import accounts, credits, holds, sealing, usage
from billing.services import archive as billing_archive
from billing.services import imports as billing_imports
from common.errors import DomainError
from common.idempotency import NO_KEY, RequestKey
from common.schema.triggers import was_erased_meanwhile
from consent.admin import actions as consent_actions
from consent.services import answers, expiry, imports
from conversations import council
from conversations.admin import actions as conversations_actions
from conversations.models import Conversation, Message
from conversations.services import conversations, messages, search
from conversations.services import imports as conversations_imports
from querycache import admin as querycache_admin
from querycache.models import CacheEntry
from tests.client import ApiClient

# What the API may answer to somebody whose rows are gone, used up, taken or on hold.
ANSWERS = {200, 201, 204, 402, 404, 409, 422, 429, 503}
LONG_AGO = datetime.timedelta(days=400)
QUESTION = {"query": "Is a quokka shy?"}

Act = Callable[[ApiClient, str], int]


def life_of(person: ApiClient, user_id: str) -> None:
    """Something of every app, to begin with; most of it by services, which takes half the time."""
    by: dict[str, Any] = {"user_id": user_id, "actor": "key:tests", "at": timezone.now()}
    charge = credits.NewTransaction(type="deduct", amount=-1)
    credits.add_transaction(new=charge, request_key=NO_KEY, **by)
    for seconds in (86_400, 1):
        holds.place_hold(amount=1, ttl_seconds=seconds, description="", request_key=NO_KEY, **by)
    yes = answers.ConsentDecision(purpose="training_use", granted=True)
    answers.record_answers(answers=[yes], source="api", **by)
    question = messages.NewMessage(role="user", content="a")
    conversations.create_conversation(title="", messages=[question], request_key=NO_KEY, **by)
    usage.increment_usage(amount=1, request_key=RequestKey("life", "0" * 64), **by)
    assert person.post("/cache/lookup", QUESTION).status_code == 200


# Over the API


def sent(method: str, path: str, body: Any = None, *, keyed: bool = False) -> Act:
    def act(person: ApiClient, user_id: str) -> int:
        headers = {"idempotency_key": f"key-{random.randrange(2)}"} if keyed else {}
        status: int = person.request(method, path, body, **headers).status_code
        return status

    return act


def batch(person: ApiClient, user_id: str) -> int:
    entries = [{"type": "deduct", "amount": 1}, {"type": "grant", "amount": 3}]
    response = person.post("/credits/transactions/batch", {"transactions": entries})
    return int(response.status_code)


def refund(person: ApiClient, user_id: str) -> int:
    entries = CreditTransaction.objects.filter(person__user_id=user_id, type="deduct")
    uid = entries.values_list("uid", flat=True).first() or uuid.uuid4()
    return int(person.post(f"/credits/transactions/{uid}/refund", {"amount": 1}).status_code)


def end_a_hold(how: str) -> Act:
    def act(person: ApiClient, user_id: str) -> int:
        placed = person.post("/credits/holds", {"amount": 1})
        if placed.status_code != 201:
            return int(placed.status_code)
        return int(person.post(f"/credits/holds/{placed.json()['id']}/{how}", {}).status_code)

    return act


def of_a_conversation(method: str, rest: str = "", body: Any = None) -> Act:
    def act(person: ApiClient, user_id: str) -> int:
        uids = Conversation.objects.for_user(user_id).values_list("uid", flat=True)
        uid = uids.order_by("pk").first() or uuid.uuid4()
        return int(person.request(method, f"/conversations/{uid}{rest}", body).status_code)

    return act


def move(person: ApiClient, user_id: str) -> int:
    to = {"to": f"{user_id} elsewhere"}
    return int(person.post(f"/persons/{quote(user_id)}/move", to).status_code)


def store_an_answer(person: ApiClient, user_id: str) -> int:
    found = person.post("/cache/lookup", QUESTION).json()
    lease = found.get("lease")
    answer = {"result": "a"} | ({"lease": lease["token"]} if lease else {})
    return int(person.put(f"/cache/entries/{found['key']}", answer).status_code)


def forget_an_answer(person: ApiClient, user_id: str) -> int:
    keys = CacheEntry.objects.filter(person__user_id=user_id).values_list("key_hash", flat=True)
    return int(person.delete(f"/cache/entries/{keys.first() or '0' * 64}").status_code)


# Commands and jobs


def done(do: Callable[[str], Any]) -> Act:
    def act(person: ApiClient, user_id: str) -> int:
        try:
            do(user_id)
        except DomainError as error:
            return error.status
        except AlreadyDone:
            return 409
        except OperationalError as error:
            # Staff and commands are told to try again.
            assert was_erased_meanwhile(error), error
            return 503
        return 200

    return act


def import_usage(user_id: str) -> None:
    document = {"daily_count": 99, "monthly_count": 99, "tier": "pro", "daily_limit": 5}
    billing_imports.import_usage(
        user_id=user_id, document=document, on_conflict="update", at=timezone.now()
    )


def import_conversation(user_id: str) -> None:
    document = {"id": str(uuid.uuid4()), "messages": [{"role": "user", "content": "a"}]}
    found = council.read(
        orjson.dumps(document), file_stem="a", folder_owner=None, given_owner=user_id
    )
    conversations_imports.store_imported([found], on_conflict="skip")


def import_consent(user_id: str) -> None:
    now = timezone.now()
    others = [f"{user_id} and {number}" for number in range(2)]
    imports.store_imported(
        [
            imports.ImportedConsent(
                user_id=one,
                terms_accepted=True,
                marketing_consent=False,
                said_at=now,
                changed_at=now,
                row_sha256="0" * 64,
            )
            for one in [user_id, *others]
        ],
        at=now,
    )


def archive(user_id: str) -> None:
    """The entries of one account, as archive_transactions does after it has written its file."""
    before = timezone.now() + datetime.timedelta(days=1)
    found = Person.objects.filter(user_id=user_id).first()
    entries = list(billing_archive.entries_to_archive(person=found, before=before)) if found else []
    if found and entries:
        billing_archive.replace_by_checkpoint(
            person=found, last=entries[0], digest="0" * 64, archive="a.jsonl", at=timezone.now()
        )


def expire_holds(user_id: str) -> None:
    accounts.expire_all_holds(at=timezone.now() + datetime.timedelta(minutes=1), limit=100)


def expire_consents(user_id: str) -> None:
    expiry.record_expired(at=timezone.now() + LONG_AGO, limit=100)


def forget_increments(user_id: str) -> None:
    usage.forget_increments(before=timezone.now(), limit=3)


def seal(user_id: str) -> None:
    sealing.seal_entries(at=timezone.now() + datetime.timedelta(minutes=2), limit=500)


def refill(user_id: str) -> None:
    accounts.settle(user_id=user_id, at=timezone.now() + LONG_AGO)


def reindex(user_id: str) -> None:
    key = Message.objects.for_user(user_id).values_list("pk", flat=True).first()
    Message.objects.filter(pk=key).update(search_text="stale")
    for _ in search.reindex(Message):
        pass


# Staff


def staff() -> User:
    user, _ = User.objects.get_or_create(username="dana", is_staff=True)
    return user


def by_hand(action: Action, values: dict[str, Any], **about: Any) -> None:
    form = action.form({"token": uuid.uuid4().hex, "reason": "a case"} | values)
    assert form.is_valid(), form.errors
    perform(action, ActionContext(actor="staff:dana", at=timezone.now(), form=form, **about))


def grant_by_staff(user_id: str) -> None:
    account = CreditAccount.objects.filter(person__user_id=user_id).first()
    if account is not None:
        values = {"amount": 2, "reason": f"asked by {user_id}"}
        by_hand(billing_actions.GRANT, values, row=account)


def change_tier_by_staff(user_id: str) -> None:
    accounts.change_usage(
        user_id=user_id, changes={"tier": "pro"}, reason="a", actor="staff:dana", at=timezone.now()
    )


def answer_by_staff(user_id: str) -> None:
    by_hand(consent_actions.GIVE, {"purpose": "shared_cache", "said": "phone"}, user_id=user_id)


def freeze_and_unfreeze(user_id: str) -> None:
    accounts.freeze_account(user_id=user_id, actor="staff:dana", reason="a case", at=timezone.now())
    accounts.unfreeze_account(user_id=user_id)


def hold_and_lift(user_id: str) -> None:
    conversation = Conversation.objects.for_user(user_id).first()
    if conversation is not None:
        by_hand(conversations_actions.PLACE, {}, row=conversation)
        by_hand(conversations_actions.LIFT, {}, row=conversation)


def read_texts(user_id: str) -> None:
    readings.record_reading(
        actor="staff:dana", at=timezone.now(), user_id=user_id, what="conversation"
    )


def expire_answers(user_id: str) -> None:
    rows = list(CacheEntry.objects.filter(person__user_id=user_id))
    if rows:
        by_hand(querycache_admin.EXPIRE, {}, rows=rows)
        by_hand(querycache_admin.REMOVE, {}, rows=rows)


CHARGE = {"type": "deduct", "amount": 1}
MESSAGES = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}

ACTS: dict[str, Act] = {
    "charge": sent("POST", "/credits/transactions", CHARGE),
    "charge with a key": sent("POST", "/credits/transactions", CHARGE, keyed=True),
    "grant": sent("POST", "/credits/transactions", {"type": "grant", "amount": 2}),
    "batch": batch,
    "refund": refund,
    "hold": sent("POST", "/credits/holds", {"amount": 1}, keyed=True),
    "capture": end_a_hold("capture"),
    "release": end_a_hold("release"),
    "credits": sent("GET", "/credits"),
    "usage": sent("GET", "/usage"),
    "count": sent("POST", "/usage/increment", {}),
    "count with a key": sent("POST", "/usage/increment", {}, keyed=True),
    "limits": sent("PATCH", "/usage", {"daily_limit": 7, "reason": "a"}),
    "tier": sent("PATCH", "/usage", {"tier": "pro", "reason": "a"}),
    "consent": sent("PUT", "/consent/marketing", {}),
    "consent with a key": sent("PUT", "/consent/training_use", {}, keyed=True),
    "consents": sent("PUT", "/consent", {"purposes": {"marketing": None, "shared_cache": None}}),
    "withdrawal": sent("DELETE", "/consent/marketing"),
    "history": sent("GET", "/consent/history"),
    "conversation": sent("POST", "/conversations", {}, keyed=True),
    "conversation with messages": sent("POST", "/conversations", MESSAGES),
    "message": of_a_conversation("POST", "/messages", {"role": "user", "content": "a"}),
    "change of a conversation": of_a_conversation("PATCH", "", {"title": "b"}),
    "removal of a conversation": of_a_conversation("DELETE"),
    "look-up": sent("POST", "/cache/lookup", QUESTION),
    "answer": store_an_answer,
    "removal of an answer": forget_an_answer,
    "move": move,
    "copy": sent("GET", "/privacy/export"),
    "import of usage": done(import_usage),
    "import of a conversation": done(import_conversation),
    "import of consents": done(import_consent),
    "archive": done(archive),
    "expiry of holds": done(expire_holds),
    "expiry of consents": done(expire_consents),
    "end of increments": done(forget_increments),
    "refill": done(refill),
    "seals": done(seal),
    "new words": done(reindex),
    "grant by staff": done(grant_by_staff),
    "tier by staff": done(change_tier_by_staff),
    "answer by staff": done(answer_by_staff),
    "freeze": done(freeze_and_unfreeze),
    "legal hold": done(hold_and_lift),
    "reading": done(read_texts),
    "end of answers": done(expire_answers),
}
