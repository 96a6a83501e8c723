"""Conversations and their messages, with the three stages of a council's answer.

A conversation belongs to one person and numbers its messages 1..n without holes. Rows are written
by conversations/services alone.
"""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import models
from django.db.models import Case, F, Min, Q, When
from django.db.models.functions import Cast, Left, Length
from django.db.models.lookups import LessThanOrEqual

from access.models import PersonalQuerySet, PersonField
from common.models import ActorField, JSONField, RawJSON, metadata_of_page, new_uid
from conversations.pages import TEXT_COLUMNS, last_position
from conversations.search import MatchesTerms, message_search_text, search_text

DEFAULT_TITLE = "New Conversation"
TITLE_MAX_LENGTH = 500
SHOWN_MESSAGES = 200
SEARCH_HITS = 50
BATCH_ROWS = 500

# What a list and a conversation's page read, column by column.
CONVERSATION_COLUMNS = (
    "id", "uid", "person_id", "title", "message_count", "archived_at", "created_at", "updated_at",
)  # fmt: skip
MESSAGE_COLUMNS = ("id", "uid", "position", "role", "content", "created_at")
STAGE_COLUMNS = ("stage1_data", "stage2_data", "stage3_data")
JSON_BEGINNINGS = (
    "stage1_beginning", "stage2_beginning", "stage3_beginning", "extra_beginning",
)  # fmt: skip

Row = TypeVar("Row", bound=models.Model)


def in_batches(queryset: "models.QuerySet[Row]") -> Iterator[Row]:
    last = 0
    while batch := list(queryset.filter(pk__gt=last).order_by("pk")[:BATCH_ROWS]):
        yield from batch
        last = batch[-1].pk


class ConversationQuerySet(PersonalQuerySet["Conversation"]):
    def archived(self, archived: bool) -> "ConversationQuerySet":
        """Put away by their owner, or not."""
        return self.filter(archived_at__isnull=not archived)

    def on_legal_hold(self) -> "ConversationQuerySet":
        """Those that staff keep from being deleted."""
        return self.filter(legal_hold_at__isnull=False)

    def idle(self, *, since: datetime.datetime) -> "ConversationQuerySet":
        """Without activity since before that time; one on legal hold is never among them."""
        return self.filter(updated_at__lt=since, legal_hold_at=None)

    def matching(self, terms: Sequence[str], *, owner: str | None = None) -> "ConversationQuerySet":
        """With all these terms in the title, or all in one message (search.query_terms)."""
        messages = Message.objects.matching(terms, owner=owner).values("conversation_id")
        title = MatchesTerms(Conversation, terms, owner)
        return self.annotate(match_in_title=title).filter(
            Q(match_in_title=True) | Q(id__in=messages)
        )

    def in_batches(self) -> "Iterator[Conversation]":
        """All of them by inner id, read in batches: for long work in constant memory."""
        return in_batches(self)

    def locked(self) -> "ConversationQuerySet":
        """Locked against other writers until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)

    def as_rows(self) -> Any:
        """Rows for the API, as dictionaries; `metadata` is text that goes out as it stands."""
        return self.values(*CONVERSATION_COLUMNS, metadata_json=RawJSON("metadata"))

    def as_page_rows(self, limit: int) -> Any:
        """The same for a page of so many; large metadata is left out for now."""
        return self.values(*CONVERSATION_COLUMNS, **metadata_of_page(limit))


class Conversation(models.Model):
    """One conversation of one person.

    `source` says how it came: by the API, or imported from a council application's file. For an
    imported one, `external_id` keeps an id that was no UUID, and `extra` whatever else of the file
    has no column, as it stood there. While `legal_hold_at` stands (set by staff, with who and
    why) the conversation and its messages cannot be deleted; triggers hold that.
    """

    class Source(models.TextChoices):
        API = "api", "API"
        IMPORT = "import", "Import"

    uid = models.UUIDField("id", default=new_uid, editable=False)
    person = PersonField(verbose_name="owner")
    title = models.CharField(max_length=TITLE_MAX_LENGTH, default=DEFAULT_TITLE)
    metadata = JSONField(default=dict)
    message_count = models.PositiveIntegerField("messages", default=0)
    archived_at = models.DateTimeField(null=True, blank=True)
    legal_hold_at = models.DateTimeField("on legal hold since", null=True, blank=True)
    legal_hold_by = ActorField(help_text="Empty for a hold from before it was kept.")
    legal_hold_reason = models.TextField(blank=True, default="")
    source = models.CharField(max_length=10, choices=Source, default=Source.API)
    external_id = models.TextField(blank=True, default="")
    extra = JSONField(default=dict)
    actor = ActorField()
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (null: no key given)
    request_hash = models.CharField(max_length=64, blank=True, default="")
    search_text = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField("last activity")

    objects = ConversationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "uid"], name="conversations_conversation_id_unique_for_owner"
            ),
            models.UniqueConstraint(
                fields=["person", "idempotency_key", "actor"],
                condition=Q(idempotency_key__isnull=False),
                name="conversations_conversation_key_unique_for_caller",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["api", "import"]),
                name="conversations_conversation_source_known",
            ),
            models.CheckConstraint(
                condition=Q(legal_hold_at=None, legal_hold_reason="")
                | (Q(legal_hold_at__isnull=False) & ~Q(legal_hold_reason="")),
                name="conversations_conversation_legal_hold_has_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                F("person"), F("created_at").desc(), F("id").desc(), name="conversation_created"
            ),
            models.Index(
                F("person"), F("updated_at").desc(), F("id").desc(), name="conversation_updated"
            ),
            models.Index(
                F("person"), condition=Q(legal_hold_at__isnull=False), name="conversation_held"
            ),
        ]
        permissions = [("keep_conversation", "Can place and lift legal holds")]

    class Privacy:
        personal = {
            "person",
            "title",
            "metadata",
            "external_id",
            "extra",
            "idempotency_key",
            "search_text",
            "legal_hold_reason",
        }
        not_personal = {
            "id", "uid", "message_count", "archived_at", "legal_hold_at", "legal_hold_by",
            "source", "actor", "request_hash", "created_at", "updated_at",
        }  # fmt: skip
        lock_first = 4

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    @property
    def terms(self) -> str:
        """What `search_text` must be: the terms of the title."""
        return search_text(self.title)


class MessageQuerySet(PersonalQuerySet["Message"]):
    def of(self, *, person_id: int, conversation_id: int) -> "MessageQuerySet":
        """The messages of one conversation, by its owner's key and inner id."""
        return self.filter(person_id=person_id, conversation_id=conversation_id)

    def page_of(
        self,
        *,
        person_id: int,
        conversation_id: int,
        message_count: int,
        start: int,
        forward: bool,
        limit: int,
        columns: Sequence[str] = TEXT_COLUMNS,
    ) -> "MessageQuerySet":
        """At most so many messages of a conversation, as have room in one answer; unordered.

        They follow or precede the position `start`. What stands beyond `message_count`, that of the
        conversation when it was read, is none of the page. `columns` are those that take room.
        """
        owner = {"person_id": person_id, "conversation_id": conversation_id}
        last = last_position(
            **owner, start=start, forward=forward, limit=limit, columns=columns, using=self.db
        )
        side, end = ("gt", "lte") if forward else ("lt", "gte")
        places = {f"position__{side}": start, f"position__{end}": last}
        return self.of(**owner).filter(**places).filter(position__lte=message_count)

    def matching(self, terms: Sequence[str], *, owner: str | None = None) -> "MessageQuerySet":
        """With all these terms in their content and stages; of this owner, if one is given."""
        return self.filter(MatchesTerms(Message, terms, owner))

    def in_batches(self) -> "Iterator[Message]":
        """All of them by inner id, read in batches: for long work in constant memory."""
        return in_batches(self)

    def first_of_each_conversation(self) -> "MessageQuerySet":
        """Of these messages only the first of each conversation."""
        first = self.values("conversation_id").annotate(first=Min("id")).values("first")
        return Message.objects.filter(id__in=first)

    def with_beginnings(self, characters: int) -> "MessageQuerySet":
        """The beginning of the content; as text each stage and `extra`, if no longer than that."""
        values: dict[str, Any] = {}
        for name, column in zip(JSON_BEGINNINGS, (*STAGE_COLUMNS, "extra"), strict=True):
            text = Cast(column, models.TextField())
            values[name] = Case(
                When(condition=LessThanOrEqual(Length(text), characters), then=text)
            )
        return self.annotate(beginning=Left("content", characters), **values)

    def as_rows(self) -> Any:
        """Rows for the API, as dictionaries; JSON columns are text that goes out as it stands."""
        return self.values(
            *MESSAGE_COLUMNS,
            stage1=RawJSON("stage1_data"),
            stage2=RawJSON("stage2_data"),
            stage3=RawJSON("stage3_data"),
            metadata_json=RawJSON("metadata"),
        )


class Message(models.Model):
    """One message: a question, or an answer with the three stages of a council.

    stage1: each model's answer, `[{model, response}]`. stage2: each model's ranking of the others,
    `[{model, ranking, parsed_ranking}]`. stage3: the chairman's answer, `{model, response}`. Other
    shapes of derived applications are kept as they are. What it says is never changed once written.
    """

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"
        SYSTEM = "system"
        TOOL = "tool"

    uid = models.UUIDField("id", default=new_uid, editable=False)
    # Messages are part of their conversation and go with it.
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    # The conversation's own, under whose lock messages are added.
    person = PersonField(verbose_name="owner")
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role)
    content = models.TextField(null=True)  # noqa: DJ001  (null: the answer is in the stages)
    stage1_data = JSONField(null=True)
    stage2_data = JSONField(null=True)
    stage3_data = JSONField(null=True)
    metadata = JSONField(default=dict)
    extra = JSONField(default=dict)
    actor = ActorField()
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (null: no key given)
    request_hash = models.CharField(max_length=64, blank=True, default="")
    search_text = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "conversation", "position"],
                name="conversations_message_position_unique_in_conversation",
            ),
            models.UniqueConstraint(
                fields=["person", "uid"], name="conversations_message_id_unique_for_owner"
            ),
            models.UniqueConstraint(
                fields=["person", "idempotency_key", "actor"],
                condition=Q(idempotency_key__isnull=False),
                name="conversations_message_key_unique_for_caller",
            ),
            models.CheckConstraint(
                condition=Q(position__gte=1), name="conversations_message_position_from_one"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["user", "assistant", "system", "tool"]),
                name="conversations_message_role_known",
            ),
        ]

    class Privacy:
        personal = {
            "person", "content", "stage1_data", "stage2_data", "stage3_data", "metadata", "extra",
            "idempotency_key", "search_text",
        }  # fmt: skip
        not_personal = {
            "id",
            "uid",
            "conversation",
            "position",
            "role",
            "actor",
            "request_hash",
            "created_at",
        }

    def __str__(self) -> str:
        return f"#{self.pk} {self.position}. {self.role}"

    @property
    def terms(self) -> str:
        """What `search_text` must be: the terms of the content, all stages and other fields."""
        stages = (self.stage1_data, self.stage2_data, self.stage3_data)
        return message_search_text(self.content, *stages, extra=self.extra)
