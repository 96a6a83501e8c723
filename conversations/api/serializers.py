"""What clients may send about conversations, and what they get."""

from typing import Any

from rest_framework import serializers

from common.api.openapi import example
from common.api.pagination import ListQuery, PageResponse
from common.api.serializers import (
    Boolean,
    BoundedList,
    Identifier,
    JSONDocument,
    JSONObject,
    StrictSerializer,
    Text,
)
from conversations.models import SEARCH_HITS, TITLE_MAX_LENGTH, Message

MAX_FIRST_MESSAGES = 200


@example(
    {
        "role": "assistant",
        "stage1": [{"model": "model-a", "response": "SQLite, until there are two servers."}],
        "stage2": None,
        "stage3": {"model": "model-a", "response": "Begin with SQLite."},
    }
)
class AppendMessageRequest(StrictSerializer):
    role = serializers.ChoiceField(Message.Role.choices)
    content = Text(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="May be missing when a stage is given.",
    )
    stage1 = JSONDocument(required=False, allow_null=True, help_text="Each model's answer.")
    stage2 = JSONDocument(required=False, allow_null=True, help_text="Each model's ranking.")
    stage3 = JSONDocument(required=False, allow_null=True, help_text="The chairman's answer.")
    metadata = JSONObject(required=False, help_text="Whatever else the application keeps.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if all(values.get(name) is None for name in ("content", "stage1", "stage2", "stage3")):
            raise serializers.ValidationError({"content": ["Give content, or at least one stage."]})
        return values


@example(
    {
        "title": "Which database?",
        "metadata": {"topic": "storage"},
        "messages": [{"role": "user", "content": "Which database shall we take?"}],
    }
)
class CreateConversationRequest(StrictSerializer):
    id = Identifier(required=False, help_text="The client's own id; made here if missing.")
    title = Text(required=False, max_length=TITLE_MAX_LENGTH)
    metadata = JSONObject(required=False)
    messages = BoundedList(
        child=AppendMessageRequest(), required=False, max_length=MAX_FIRST_MESSAGES
    )


@example({"title": "Which database to take", "archived": False})
class UpdateConversationRequest(StrictSerializer):
    title = Text(required=False, max_length=TITLE_MAX_LENGTH)
    metadata = JSONObject(required=False, help_text="Replaces the whole object.")
    archived = Boolean(required=False)


class ConversationListQuery(ListQuery):
    order = serializers.ChoiceField(
        ["created", "updated"], default="created", help_text="Newest first by this time."
    )
    archived = serializers.ChoiceField(["false", "true", "all"], default="false")


class SearchQuery(StrictSerializer):
    q = Text(max_length=1000, help_text="Words that a hit must all have; operators mean nothing.")


class ExportQuery(StrictSerializer):
    format = serializers.ChoiceField(["json", "markdown"], default="json")


class MessageListQuery(ListQuery):
    order = serializers.ChoiceField(["asc", "desc"], default="asc", help_text="By position.")


class MessageResponse(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    position = serializers.IntegerField(min_value=1)
    role = serializers.ChoiceField(Message.Role.choices)
    content = serializers.CharField(allow_null=True, allow_blank=True)
    stage1 = JSONDocument(allow_null=True)
    stage2 = JSONDocument(allow_null=True)
    stage3 = JSONDocument(allow_null=True)
    metadata = JSONObject()
    created_at = serializers.DateTimeField()


class ConversationResponse(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    user_id = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    metadata = JSONObject()
    message_count = serializers.IntegerField(min_value=0)
    archived = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ConversationWithMessagesResponse(ConversationResponse):
    messages = MessageResponse(
        many=True, help_text="The last of them, in order: at most 200, and 5 MiB of text."
    )
    messages_before = serializers.URLField(
        allow_null=True, help_text="The page before them, newest first; null when there is none."
    )


class SearchHit(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    snippet = serializers.CharField(help_text="The text around the first hit, on one line.")
    match_in_title = serializers.BooleanField()


class SearchResponse(serializers.Serializer[Any]):
    query = serializers.CharField()
    count = serializers.IntegerField(min_value=0, max_value=SEARCH_HITS)
    results = SearchHit(many=True)


class ConversationPage(PageResponse):
    results = ConversationResponse(many=True)


class MessagePage(PageResponse):
    results = MessageResponse(many=True)
