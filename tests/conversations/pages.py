"""What the tests of the admin's pages share."""

from django.contrib.auth.models import Permission, User
from django.test import Client

from conversations.models import Conversation
from tests.client import ApiClient

LIST = "/admin/conversations/conversation/"


def staff(*permissions: str) -> Client:
    """A new member of staff, logged in, with these permissions alone."""
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def make_answered_conversation(person: ApiClient) -> Conversation:
    """A question and its answer, both with HTML in their texts."""
    messages = [
        {"role": "user", "content": "Which <b>pump</b>?"},
        {
            "role": "assistant",
            "stage1": [{"model": "a/one", "response": "The small one."}],
            "stage3": {"model": "c/chair", "response": "<script>alert(1)</script>"},
        },
    ]
    person.post("/conversations", {"title": "Heat pumps", "messages": messages})
    return Conversation.objects.get()
