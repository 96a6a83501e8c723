from django.urls import path

from conversations.api.views import ConversationViewSet, MessageViewSet

urlpatterns = [
    path(
        "conversations",
        ConversationViewSet.as_view({"get": "list", "post": "create"}),
        name="conversations",
    ),
    path(
        "conversations/<uuid:conversation_id>",
        ConversationViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
        name="conversation",
    ),
    path(
        "conversations/<uuid:conversation_id>/messages",
        MessageViewSet.as_view({"get": "list", "post": "create"}),
        name="messages",
    ),
]
