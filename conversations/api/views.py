"""The conversations' routes. Reads go from `.values()` to the renderer; writes are services."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.utils.urls import replace_query_param
from rest_framework.viewsets import ViewSet

from access.authentication import CallerRequest
from common import idempotency
from common.api import openapi, pagination
from common.api.serializers import validated
from common.api.wire import Response
from conversations import errors, export, pages, reports
from conversations.api import serializers
from conversations.models import (
    CONVERSATION_COLUMNS,
    MESSAGE_COLUMNS,
    SHOWN_MESSAGES,
    Conversation,
    Message,
)
from conversations.services import conversations, messages

# By format: how it is written, how the file's name ends, and its type.
EXPORTS: dict[str, tuple[Callable[[Conversation], Iterator[Any]], str, str]] = {
    "json": (export.as_json, "json", "application/json"),
    "markdown": (export.as_markdown, "md", "text/markdown; charset=utf-8"),
}
# What of the archive is wanted, for each way to say it: None is all.
ARCHIVED = {"false": False, "true": True, "all": None}
CONVERSATION_ID = OpenApiParameter("conversation_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class ConversationViewSet(ViewSet):
    required_scopes = {
        "list": "conversations:read",
        "create": "conversations:write",
        "retrieve": "conversations:read",
        "partial_update": "conversations:write",
        "destroy": "conversations:write",
        "search": "conversations:read",
        "export": "conversations:read",
    }

    @extend_schema(
        parameters=[serializers.ConversationListQuery],
        responses=serializers.ConversationPage,
        tags=["conversations"],
    )
    def list(self, request: CallerRequest) -> Response:
        """The person's own conversations, newest first."""
        wanted = validated(serializers.ConversationListQuery, request.query_params)
        owned = reports.conversations.asked(
            user_id=request.user_id,
            archived=ARCHIVED[wanted["archived"]],
            limit=wanted["limit"],
        )
        rows, following = pagination.page(
            request,
            owned,
            order=f"-{wanted['order']}_at",
            limit=wanted["limit"],
            cursor=wanted.get("cursor"),
        )
        shown = [conversation_json(row, request.user_id) for row in rows]
        return Response({"results": shown, "next": following})

    @extend_schema(
        request=serializers.CreateConversationRequest,
        responses={
            201: serializers.ConversationResponse,
            200: serializers.ConversationResponse,
            409: OpenApiResponse(
                description="The id is taken by another conversation: `id_taken`."
            ),
        },
        parameters=[idempotency.HEADER, openapi.answer_header("Location", 200, 201)],
        tags=["conversations"],
    )
    def create(self, request: CallerRequest) -> Response:
        """Make a conversation, with up to 200 first messages.

        With an `id` of your own the same body again is answered with 200 and the conversation as it
        now stands; the id with another body is 409 `id_taken`.
        """
        given = validated(serializers.CreateConversationRequest, request.data)
        uid = given.pop("id", None)
        first = [messages.NewMessage(**message) for message in given.pop("messages", [])]
        outcome = conversations.create_conversation(
            user_id=request.user_id,
            actor=request.auth.actor,
            at=timezone.now(),
            request_key=idempotency.request_key(request),
            uid=uid,
            messages=first,
            **given,
        )
        data = conversation_response(outcome.row, request.user_id)
        return idempotency.created(outcome, data, reverse("conversation", args=[outcome.row.uid]))

    @extend_schema(
        parameters=[CONVERSATION_ID],
        responses=serializers.ConversationWithMessagesResponse,
        tags=["conversations"],
    )
    def retrieve(self, request: CallerRequest, conversation_id: uuid.UUID) -> Response:
        """One conversation with its last messages, in order: at most 200, and 5 MiB of text."""
        row = _owned(request, conversation_id)
        last = reports.last_messages.all(
            person_id=row["person_id"],
            conversation_id=row["id"],
            message_count=row["message_count"],
            start=row["message_count"] + 1,
        )
        before = last[0]["position"] - 1 if last else 0
        return Response(
            {
                **conversation_json(row, request.user_id),
                "messages": [message_json(message) for message in last],
                "messages_before": _page_before(request, conversation_id, before),
            }
        )

    @extend_schema(
        parameters=[CONVERSATION_ID],
        request=serializers.UpdateConversationRequest,
        responses=serializers.ConversationResponse,
        tags=["conversations"],
    )
    def partial_update(self, request: CallerRequest, conversation_id: uuid.UUID) -> Response:
        """Change title, metadata (replaced) or archived; what is not sent stays."""
        body = validated(serializers.UpdateConversationRequest, request.data)
        conversation = conversations.update_conversation(
            user_id=request.user_id,
            conversation_uid=conversation_id,
            changes=body,
            at=timezone.now(),
        )
        return Response(conversation_response(conversation, request.user_id))

    @extend_schema(
        parameters=[CONVERSATION_ID],
        responses={
            204: None,
            409: OpenApiResponse(description="Staff keep the conversation for now: `legal_hold`."),
        },
        tags=["conversations"],
    )
    def destroy(self, request: CallerRequest, conversation_id: uuid.UUID) -> Response:
        """Remove the conversation with all its messages, for good.

        While staff keep it for a legal reason the answer is 409 `legal_hold`.
        """
        conversations.delete_conversation(user_id=request.user_id, conversation_uid=conversation_id)
        return Response(status=204)

    @extend_schema(
        parameters=[serializers.SearchQuery],
        responses=serializers.SearchResponse,
        tags=["conversations"],
    )
    def search(self, request: CallerRequest) -> Response:
        """The person's conversations with all the words in the title or in one message.

        At most 50, those with the latest activity first. Texts of all stages are searched.
        """
        query = validated(serializers.SearchQuery, request.query_params)
        asked = query["q"]
        results = reports.search(user_id=request.user_id, query=asked)
        return Response({"query": asked, "count": len(results), "results": results})

    @extend_schema(
        parameters=[
            CONVERSATION_ID,
            serializers.ExportQuery,
            openapi.answer_header("Content-Disposition", 200),
        ],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/markdown"): OpenApiTypes.STR,
        },
        tags=["conversations"],
    )
    def export(self, request: CallerRequest, conversation_id: uuid.UUID) -> StreamingHttpResponse:
        """The whole conversation as a file: JSON that can be imported again, or markdown."""
        query = validated(serializers.ExportQuery, request.query_params)
        write, ending, content_type = EXPORTS[query["format"]]
        owned = Conversation.objects.for_user(request.user_id).select_related("person")
        conversation = owned.filter(uid=conversation_id).first()
        if conversation is None:
            raise errors.no_such_conversation()
        name = export.attachment_name(conversation, ending)
        return StreamingHttpResponse(
            write(conversation),
            content_type=content_type,
            headers={"Content-Disposition": content_disposition_header(True, name) or ""},
        )


class MessageViewSet(ViewSet):
    noun = "message"
    required_scopes = {"list": "conversations:read", "create": "conversations:write"}

    @extend_schema(
        parameters=[CONVERSATION_ID, serializers.MessageListQuery],
        responses=serializers.MessagePage,
        tags=["conversations"],
    )
    def list(self, request: CallerRequest, conversation_id: uuid.UUID) -> Response:
        """The messages of one conversation, by position."""
        wanted = validated(serializers.MessageListQuery, request.query_params)
        forward = wanted["order"] == "asc"
        order = "position" if forward else "-position"
        limit, cursor = wanted["limit"], wanted.get("cursor")
        start = pagination.place(cursor, order)
        conversation = _owned(request, conversation_id)
        message_count = conversation["message_count"]
        chosen = reports.messages.asked(
            person_id=conversation["person_id"],
            conversation_id=conversation["id"],
            message_count=message_count,
            start=pages.beginning(start, message_count=message_count, forward=forward),
            forward=forward,
            limit=limit,
        )
        rows, following = pagination.page(
            request,
            chosen,
            order=order,
            limit=limit,
            cursor=cursor,
            ends_at=message_count if forward else 1,
        )
        return Response({"results": [message_json(row) for row in rows], "next": following})

    @extend_schema(
        parameters=[CONVERSATION_ID, idempotency.HEADER],
        request=serializers.AppendMessageRequest,
        responses={201: serializers.MessageResponse},
        tags=["conversations"],
    )
    def create(self, request: CallerRequest, conversation_id: uuid.UUID) -> Response:
        """Append a message: a question, or an answer with the stages of a council."""
        body = validated(serializers.AppendMessageRequest, request.data)
        outcome = messages.append_message(
            user_id=request.user_id,
            conversation_uid=conversation_id,
            message=messages.NewMessage(**body),
            actor=request.auth.actor,
            at=timezone.now(),
            request_key=idempotency.request_key(request),
        )
        return idempotency.created(outcome, message_response(outcome.row))


def _owned(request: CallerRequest, conversation_id: uuid.UUID) -> dict[str, Any]:
    row: dict[str, Any] | None = reports.conversation.first(
        user_id=request.user_id, uid=conversation_id
    )
    if row is None:
        raise errors.no_such_conversation()
    return row


def _page_before(request: CallerRequest, conversation_id: uuid.UUID, position: int) -> str | None:
    if position == 0:
        return None
    url = request.build_absolute_uri(reverse("messages", args=[conversation_id]))
    # After position + 1, whichever its id: the cursor's id only tells equal positions apart.
    cursor = pagination.cursor_after("-position", position + 1, 0)
    for name, value in (("order", "desc"), ("limit", str(SHOWN_MESSAGES)), ("cursor", cursor)):
        url = replace_query_param(url, name, value)
    return url


def conversation_json(row: dict[str, Any], user_id: str) -> dict[str, Any]:
    return {
        "id": row["uid"],
        "user_id": user_id,
        "title": row["title"],
        "metadata": row["metadata_json"],
        "message_count": row["message_count"],
        "archived": row["archived_at"] is not None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def message_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["uid"],
        "position": row["position"],
        "role": row["role"],
        "content": row["content"],
        "stage1": row["stage1"],
        "stage2": row["stage2"],
        "stage3": row["stage3"],
        "metadata": row["metadata_json"],
        "created_at": row["created_at"],
    }


def conversation_response(row: Conversation, user_id: str) -> dict[str, Any]:
    return conversation_json(
        {name: getattr(row, name) for name in CONVERSATION_COLUMNS}
        | {"metadata_json": row.metadata},
        user_id,
    )


def message_response(row: Message) -> dict[str, Any]:
    return message_json(
        {name: getattr(row, name) for name in MESSAGE_COLUMNS}
        | {
            "stage1": row.stage1_data,
            "stage2": row.stage2_data,
            "stage3": row.stage3_data,
            "metadata_json": row.metadata,
        }
    )
