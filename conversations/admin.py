"""Conversations as staff see them: the list, and one conversation as a page to read."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from common.admin import ReadOnlyAdmin
from conversations.models import SHOWN_MESSAGES, Conversation, Message

READ_TEXTS = "conversations.view_message"


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Search by the owner's id or the conversation's id, both whole. Texts need a permission."""

    list_display = ("shown_title", "user_id", "message_count", "updated_at", "created_at", "source")
    list_display_links = ("shown_title",)
    list_filter = ("source",)
    search_fields = ("user_id", "uid")
    search_help_text = "The owner's id, or the id of a conversation"
    # The newest first, by the primary key: an order that needs no index of its own.
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        "uid", "user_id", "title", "message_count", "source", "external_id", "created_at",
        "updated_at", "archived_at",
    )  # fmt: skip
    change_form_outer_after_template = "conversations/messages.html"

    class Media:
        css = {"all": ("conversations/messages.css",)}

    @admin.display(description="Title", ordering="title")
    def shown_title(self, conversation: Conversation) -> str:
        return conversation.title[:80] or "(no title)"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        return super().get_queryset(request).defer("metadata", "extra")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(uid=uuid.UUID(term)), False
        except ValueError:
            return queryset.filter(user_id=term), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {}, may_read_texts=request.user.has_perm(READ_TEXTS))
        if context["may_read_texts"] and object_id.isdecimal():
            newest_first = Message.objects.filter(conversation_id=object_id).order_by("-position")
            context["conversation_messages"] = list(newest_first[:SHOWN_MESSAGES])[::-1]
        return super().change_view(request, object_id, form_url, context)
