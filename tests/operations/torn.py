"""What must hold after acts beside an erasure or a move: no act is in two lives."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, Exists, F, OuterRef, Q

from access.models import StaffAction
from billing.models import (
    CreditAccount,
    CreditHold,
    CreditTransaction,
    LedgerCheckpoint,
    Usage,
    UsageIncrement,
    UsageOverride,
)
from common import declarations, privacy
from conversations.models import Conversation, Message


def torn() -> list[str]:
    """What is neither wholly of an old life nor wholly of a new one, besides what verify finds."""
    found = [sentence for check in declarations.checks() for sentence in check.find()]
    return found + sorted(set(_torn()))


def _torn() -> Iterator[str]:
    living = ~Exists(Usage.objects.filter(person=OuterRef("person")))
    for model in (UsageIncrement, UsageOverride):
        rows = model._default_manager.filter(living, person__erased_at=None)
        yield from (f"{model.__name__} of {row.person_id} without usage" for row in rows)
    lost = ~Exists(CreditAccount.objects.filter(person=OuterRef("person")))
    for model in (CreditTransaction, CreditHold, LedgerCheckpoint):
        rows = model._default_manager.filter(lost)
        yield from (f"{model.__name__} of {row.person_id} without account" for row in rows)
    tiers = dict(Usage.objects.values_list("person", "tier"))
    for person, tier in CreditAccount.objects.values_list("person", "tier"):
        if tiers.get(person, tier) != tier:
            yield f"{person} has two tiers"
    strangers = Message.objects.exclude(person_id=F("conversation__person_id"))
    yield from (f"message {row.pk} in a conversation of somebody else" for row in strangers)
    whole = Conversation.objects.annotate(messages_count=Count("messages"))
    for row in whole.exclude(messages_count=F("message_count")):
        yield f"conversation {row.pk} has {row.messages_count} messages, not {row.message_count}"
    yield from _left_in_staff_actions()
    yield from _left_of_the_erased()
    keyed = Counter(UsageIncrement.objects.values_list("person", flat=True))
    for person, count in keyed.items():
        total = Usage.objects.filter(person=person).values_list("total_queries", flat=True)
        if sum(total) < count:
            yield f"{person} counted {sum(total)} calls, with {count} keys"


def _left_of_the_erased() -> Iterator[str]:
    """Rows that an erasure deletes, and that came after it."""
    for table in privacy.tables():
        if table.blanked is None and table.person == "person__user_id":
            rows = table.model._default_manager.filter(person__erased_at__isnull=False)
            yield from (f"{table.label} {row.pk} of an erased person" for row in rows)


def _left_in_staff_actions() -> Iterator[str]:
    worded = StaffAction.objects.exclude(sentence="", reason="")
    for action in worded.filter(person__erased_at__isnull=False):
        yield f"a staff action has words about {action.model_name} {action.object_id}"
    for action in worded.filter(
        Q(mentions__person__erased_at__isnull=False)
        | Q(first__mentions__person__erased_at__isnull=False)
    ):
        yield f"a staff action names an erased person: {action.pk}"
