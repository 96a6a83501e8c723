"""Conversations as staff see them: the list, and one conversation as a page to read.

The texts need a permission of their own, and whoever has them on the screen is written down first.
"""

import contextlib
import uuid
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html

from access import actors
from access.models import Person
from access.services import readings
from access.staff_views import latest_actions
from common.admin.pages import (
    MOST_DIGITS_OF_A_KEY,
    CreatedFilter,
    ReadOnlyAdmin,
    is_number,
    number_of,
)
from conversations import search
from conversations.admin import actions, word_search
from conversations.admin.transcript import transcript
from conversations.models import SHOWN_MESSAGES, Conversation, Message
from conversations.pages import TEXT_COLUMNS, beginning
from conversations.safe_markdown import Marks

READ_TEXTS = "conversations.view_message"
READ_COLUMNS = (
    "position", "role", "content", "stage1_data", "stage2_data", "stage3_data", "metadata", "extra",
    "created_at",
)  # fmt: skip
BY_ID = "Whole id of an owner or a conversation"
BY_WORDS = "Words, or a whole id"


def may_read_texts(request: HttpRequest) -> bool:
    """Whether this member of staff may see what people wrote and were answered."""
    return request.user.has_perm(READ_TEXTS)


class HeldFilter(admin.SimpleListFilter):
    title = "legal hold"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "On legal hold")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(legal_hold_at__isnull=False) if self.value() == "yes" else queryset


class OlderFilter(admin.SimpleListFilter):
    """Where a search goes on; shown while it is set."""

    title = "search"
    parameter_name = "older_than"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        key = self.value()
        known = key is not None and is_number(key, digits=MOST_DIGITS_OF_A_KEY)
        return [(str(key), f"Before conversation #{key}")] if known else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(pk__lt=int(self.value() or 0))


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Search by the owner's id or the conversation's id, both whole; by words with READ_TEXTS."""

    list_display = ("shown_title", "owner", "message_count", "updated_at", "created_at", "source")
    list_display_links = ("shown_title",)
    list_select_related = ("person",)
    list_filter = (CreatedFilter, "source", HeldFilter, OlderFilter)
    list_filter_sheet = False
    search_fields = ("person__user_id", "uid")
    # The newest first, by the primary key: an order that needs no index of its own.
    ordering = ("-id",)
    sortable_by = ()
    csv_columns = {
        "id": "uid",
        "user_id": "person__user_id",
        "title": "title",
        "message_count": "message_count",
        "source": "source",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "archived": Q(archived_at__isnull=False),
    }
    fields = ("title",)  # the template shows the rest
    change_form_template = "conversations/conversation.html"

    class Media:
        css = {"all": ("common/sheets.css", "conversations/conversations.css")}

    @admin.display(description="Title", ordering="title")
    def shown_title(self, conversation: Conversation) -> str:
        title = conversation.title
        return f"{title[:80]}…" if len(title) > 80 else title or "(no title)"

    @admin.display(description="Owner")
    def owner(self, conversation: Conversation) -> str:
        return conversation.person.name

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        rows: QuerySet[Conversation] = super().get_queryset(request)
        return rows.select_related("person").defer("metadata", "extra", "search_text")

    # The list

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.search_help_text = BY_WORDS if may_read_texts(request) else BY_ID
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        living = Person.objects.living().filter(user_id=term)
        owner = living.values_list("pk", flat=True).first() or 0  # nobody's
        with contextlib.suppress(ValueError):
            # Some identity providers use UUIDs, too.
            return queryset.filter(Q(uid=uuid.UUID(term)) | Q(person_id=owner)), False
        terms = search.query_terms(term) if may_read_texts(request) else []
        if not terms:
            return queryset.filter(person_id=owner), False
        readings.record_search(
            actor=actors.staff_actor(request.user), at=timezone.now(), words=term
        )
        route = request.resolver_match.url_name if request.resolver_match else ""
        if route == self.route_of("export"):
            return queryset.filter(pk__in=word_search.find_all(terms, owner=owner)), False
        found = word_search.find(terms, among=queryset)
        if found.older_than and route == self.route_of("changelist"):
            self._say_how_to_go_on(request, found.older_than)
        return queryset.filter(Q(person_id=owner) | Q(pk__in=found.keys)), False

    def _say_how_to_go_on(self, request: HttpRequest, older_than: int) -> None:
        further = request.GET.copy()
        further.pop("p", None)
        further[OlderFilter.parameter_name] = str(older_than)
        messages.warning(
            request,
            format_html(
                "More than {} texts have these words, so that only the newest {} conversations"
                ' were looked at. Add a word, or <a class="underline" href="?{}">look at those'
                " before them</a>.",
                word_search.MOST_HITS,
                word_search.LOOKED_AT,
                further.urlencode(),
            ),
        )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        may_read, may_keep = may_read_texts(request), request.user.has_perm(actions.KEEP)
        return {
            "may_read_texts": may_read,
            "offered": actions.offered(row) if may_keep else None,
            "done": latest_actions(row),
            **(self._texts(request, row) if may_read else {}),
        }

    def _texts(self, request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
        """The page's messages, after the reading is written down."""
        before = number_of(request.GET.get("before"))
        readings.record_reading(
            actor=actors.staff_actor(request.user),
            at=timezone.now(),
            user_id=conversation.person.name,
            what=f"conversation {conversation.uid}"
            + (f", messages before {before}" if before else ""),
        )
        shown, next_role = _messages(conversation, before)
        earlier, latest = request.GET.copy(), request.GET.copy()
        latest.pop("before", None)
        if shown:
            earlier["before"] = str(shown[0].position)
        return {
            "transcript": transcript(shown, next_role=next_role),
            "marks": Marks(),
            "earlier": earlier.urlencode() if shown and shown[0].position > 1 else "",
            "latest": f"?{latest.urlencode()}" if before else "",
        }

    # The legal hold

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:pk>/{action.slug}/",
                self.admin_site.admin_view(
                    actions.LegalHoldView.as_view(model_admin=self, action=action)
                ),
                name=self.route_of(action.slug),
            )
            for action in (actions.PLACE, actions.LIFT)
        ]
        return [*own, *super().get_urls()]


def _messages(conversation: Conversation, before: int | None) -> tuple[list[Message], str | None]:
    """The last messages, or the last before a position, and the role of the one after them.

    At most SHOWN_MESSAGES, and as many as have room in one page of the API.
    """
    found = (
        Message.objects.page_of(
            person_id=conversation.person_id,
            conversation_id=conversation.pk,
            message_count=conversation.message_count,
            start=beginning(before, message_count=conversation.message_count, forward=False),
            forward=False,
            limit=SHOWN_MESSAGES,
            columns=(*TEXT_COLUMNS, "extra"),
        )
        .only(*READ_COLUMNS)
        .order_by("position")
    )
    if before is None or before > conversation.message_count:
        return list(found), None
    # Whether the one at `before` is an answer, the question above it depends on.
    own = Message.objects.of(person_id=conversation.person_id, conversation_id=conversation.pk)
    return list(found), own.filter(position=before).values_list("role", flat=True).first()
