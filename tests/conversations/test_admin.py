import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from conversations.models import Conversation
from tests.asserts import assert_statements
from tests.client import ApiClient

LIST = "/admin/conversations/conversation/"


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    for permission in permissions:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def reader() -> Client:
    return staff("view_conversation", "view_message")


@pytest.fixture
def support() -> Client:
    return staff("view_conversation")


@pytest.fixture
def conversation(person: ApiClient) -> Conversation:
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


@pytest.mark.django_db
class TestList:
    def test_shows_owner_title_messages_and_activity(
        self, support: Client, conversation: Conversation
    ) -> None:
        page = support.get(LIST).content.decode()

        assert "Heat pumps" in page
        assert "ann" in page

    @pytest.mark.parametrize("term", ["ann", " ann ", "{uid}"])
    def test_finds_by_owner_and_by_id(
        self, support: Client, conversation: Conversation, term: str
    ) -> None:
        page = support.get(LIST, {"q": term.format(uid=conversation.uid)}).content.decode()

        assert "Heat pumps" in page

    @pytest.mark.parametrize("term", ["an", "pumps", "%", "00000000-0000-0000-0000-000000000000"])
    def test_finds_nothing_else(
        self, support: Client, conversation: Conversation, term: str
    ) -> None:
        page = support.get(LIST, {"q": term}).content.decode()

        assert "Heat pumps" not in page

    def test_costs_the_same_at_any_length(
        self, support: Client, person: ApiClient, conversation: Conversation
    ) -> None:
        with assert_statements(6):  # session, user, two kinds of permissions, count, rows
            support.get(LIST)
        for _ in range(30):
            person.post("/conversations", {})

        with assert_statements(6):
            support.get(LIST)


@pytest.mark.django_db
class TestPage:
    def url(self, conversation: Conversation) -> str:
        return f"{LIST}{conversation.pk}/change/"

    def test_shows_the_texts_to_who_may_read_them(
        self, reader: Client, conversation: Conversation
    ) -> None:
        page = reader.get(self.url(conversation)).content.decode()

        assert "Which &lt;b&gt;pump&lt;/b&gt;?" in page
        assert "The small one." in page
        assert "c/chair" in page

    def test_runs_no_script_of_a_text(self, reader: Client, conversation: Conversation) -> None:
        assert "<script>alert(1)" not in reader.get(self.url(conversation)).content.decode()

    def test_shows_no_text_without_the_permission(
        self, support: Client, conversation: Conversation
    ) -> None:
        page = support.get(self.url(conversation)).content.decode()

        assert "Heat pumps" in page
        assert "small one" not in page
        assert "pump&lt;" not in page

    @pytest.mark.parametrize("data", [{"title": "Mine"}, {"_save": "1", "title": "Mine"}])
    def test_cannot_be_edited(
        self, reader: Client, conversation: Conversation, data: dict[str, str]
    ) -> None:
        response = reader.post(self.url(conversation), data)

        assert response.status_code == 403
        assert Conversation.objects.get().title == "Heat pumps"

    def test_offers_neither_adding_nor_deleting(
        self, reader: Client, conversation: Conversation
    ) -> None:
        assert reader.get(f"{LIST}add/").status_code == 403
        assert reader.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"}).status_code == 403
        assert Conversation.objects.count() == 1

    def test_is_closed_to_strangers(self, conversation: Conversation) -> None:
        assert Client().get(self.url(conversation)).status_code == 302
        assert staff().get(self.url(conversation)).status_code == 403
