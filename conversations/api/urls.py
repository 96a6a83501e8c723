from django.urls import path

from common.api import wire  # noqa: F401  (registers `uid`)
from conversations.api.views import ConversationViewSet, MessageViewSet

urlpatterns = [
    path(
        "conversations",
        ConversationViewSet.as_view({"get": "list", "post": "create"}),
        name="conversations",
    ),
    path(
        "conversations/search",
        ConversationViewSet.as_view({"get": "search"}),
        name="conversation-search",
    ),
    path(
        "conversations/<uid:conversation_id>",
        ConversationViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
        name="conversation",
    ),
    path(
        "conversations/<uid:conversation_id>/export",
        ConversationViewSet.as_view({"get": "export"}),
        name="conversation-export",
    ),
    path(
        "conversations/<uid:conversation_id>/messages",
        MessageViewSet.as_view({"get": "list", "post": "create"}),
        name="messages",
    ),
]
