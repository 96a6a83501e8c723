import string
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from access.scopes import SCOPES
from access.services import keys
from conversations.models import Conversation, Message
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of

# With real commits: the answer to a key that is known is read after the INSERT that failed.
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Act:
    """A POST that makes a row, the same with something else to say, and one that is refused."""

    path: str
    body: dict[str, Any]
    other: dict[str, Any]
    wrong: dict[str, Any]
    model: type[Conversation] | type[Message]


CREATE = Act("/conversations", {"title": "a"}, {"title": "b"}, {"title": 5}, Conversation)
CREATE_WITH_MESSAGES = Act(
    "/conversations",
    {"title": "a", "messages": [{"role": "user", "content": "a"}]},
    {"title": "a", "messages": [{"role": "user", "content": "b"}]},
    {"title": "a", "messages": 5},
    Conversation,
)


@pytest.fixture(params=["create", "create with messages", "append"])
def act(request: pytest.FixtureRequest, person: ApiClient) -> Act:
    if request.param == "create":
        return CREATE
    if request.param == "create with messages":
        return CREATE_WITH_MESSAGES
    return Act(
        f"/conversations/{make_conversation_of(0).uid}/messages",
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "user"},
        Message,
    )


class TestReplay:
    def test_answers_again_and_writes_nothing(self, person: ApiClient, act: Act) -> None:
        first = person.post(act.path, act.body, idempotency_key="k")
        before = stored()

        again = person.post(act.path, act.body, idempotency_key="k")

        assert (first.status_code, again.status_code) == (201, 201)
        assert "Idempotency-Replayed" not in first
        assert again["Idempotency-Replayed"] == "true"
        assert again.json() == first.json()
        assert stored() == before

    def test_needs_the_key(self, person: ApiClient, act: Act) -> None:
        answers = [person.post(act.path, act.body) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert act.model.objects.count() == 2

    def test_is_told_by_the_key(self, person: ApiClient, act: Act) -> None:
        for key in ("k", "K", "k2"):
            person.post(act.path, act.body, idempotency_key=key)

        assert act.model.objects.count() == 3

    def test_shows_what_now_stands(self, person: ApiClient) -> None:
        created = person.post("/conversations", {"title": "a"}, idempotency_key="k").json()
        url = f"/conversations/{created['id']}"
        person.post(f"{url}/messages", {"role": "user", "content": "a"})
        changed = person.patch(url, {"title": "b", "archived": True}).json()

        again = person.post("/conversations", {"title": "a"}, idempotency_key="k")

        assert (again.status_code, again.json()) == (201, changed)
        assert (changed["title"], changed["message_count"]) == ("b", 1)

    def test_of_an_early_message_gives_that_message(self, person: ApiClient) -> None:
        url = f"/conversations/{make_conversation_of(0).uid}/messages"
        bodies = [{"role": "user", "content": content} for content in "abc"]
        first = [person.post(url, body, idempotency_key=body["content"]) for body in bodies]

        again = person.post(url, bodies[0], idempotency_key="a")

        assert again.json() == first[0].json()
        assert person.get(url).json()["results"] == [answer.json() for answer in first]

    @pytest.mark.parametrize(
        ("first", "again"),
        [
            (
                b'{"title":"a","metadata":{"a":1,"b":{"c":[1,2],"d":null}}}',
                b'\n{ "metadata": {"b": {"d": null, "c": [1, 2]}, "a": 1},\t"title": "\\u0061" } ',
            ),
            (b"{}", b" { } "),
        ],
    )
    def test_does_not_mind_order_of_keys_and_white_space(
        self, person: ApiClient, first: bytes, again: bytes
    ) -> None:
        created = person.post("/conversations", raw=first, idempotency_key="k")

        replayed = person.post("/conversations", raw=again, idempotency_key="k")

        assert (replayed.status_code, replayed.json()) == (201, created.json())
        assert replayed["Idempotency-Replayed"] == "true"

    def test_holds_with_an_own_id(self, person: ApiClient) -> None:
        body = {"id": "0190a0b0-0000-7000-8000-00000000000a", "title": "a"}
        first = person.post("/conversations", body, idempotency_key="k")

        again = person.post("/conversations", body, idempotency_key="k")
        with_another_key = person.post("/conversations", body, idempotency_key="k2")

        assert (first.status_code, again.status_code, with_another_key.status_code) == (
            201, 201, 200,
        )  # fmt: skip
        assert again["Idempotency-Replayed"] == "true"
        assert Conversation.objects.count() == 1

    def test_ends_with_the_row(self, person: ApiClient) -> None:
        first = person.post("/conversations", {"title": "a"}, idempotency_key="k").json()
        person.delete(f"/conversations/{first['id']}")

        again = person.post("/conversations", {"title": "a"}, idempotency_key="k")

        assert again.status_code == 201
        assert "Idempotency-Replayed" not in again
        assert again.json()["id"] != first["id"]

    def test_is_each_persons_own(self, person: ApiClient, stranger: ApiClient) -> None:
        mine = person.post("/conversations", {"title": "a"}, idempotency_key="k")

        theirs = stranger.post("/conversations", {"title": "a"}, idempotency_key="k")
        other = stranger.post("/conversations", {"title": "b"}, idempotency_key="k")

        assert theirs.status_code == 201
        assert "Idempotency-Replayed" not in theirs
        assert theirs.json()["id"] != mine.json()["id"]
        assert_problem(other, 422, "idempotency_key_reused")

    def test_of_an_append_is_each_persons_own(self, key: str) -> None:
        body = {"role": "user", "content": "a"}
        answers = []
        for user_id in ("ann", "bob"):
            url = f"/conversations/{make_conversation_of(0, user_id).uid}/messages"
            answers.append(ApiClient(key, user_id).post(url, body, idempotency_key="k"))

        assert [answer.status_code for answer in answers] == [201, 201]
        assert all("Idempotency-Replayed" not in answer for answer in answers)
        assert Message.objects.count() == 2


@pytest.fixture
def other_application(db: None) -> ApiClient:
    """Another application that acts for Ann, too."""
    new = keys.create_key(name="other", scopes=SCOPES, actor="system", at=timezone.now())
    return ApiClient(new.key, "ann")


class TestAnotherApplication:
    def test_with_the_same_key_and_body_acts_for_itself(
        self, person: ApiClient, other_application: ApiClient, act: Act
    ) -> None:
        first = person.post(act.path, act.body, idempotency_key="k")
        theirs = other_application.post(act.path, act.body, idempotency_key="k")
        before = stored()

        again = [
            client.post(act.path, act.body, idempotency_key="k")
            for client in (person, other_application)
        ]

        assert (theirs.status_code, "Idempotency-Replayed" in theirs) == (201, False)
        assert [answer.json()["id"] for answer in again] == [
            first.json()["id"],
            theirs.json()["id"],
        ]
        assert [answer["Idempotency-Replayed"] for answer in again] == ["true", "true"]
        assert stored() == before

    def test_finds_a_key_of_a_row_that_names_no_caller(
        self, person: ApiClient, other_application: ApiClient, act: Act
    ) -> None:
        first = person.post(act.path, act.body, idempotency_key="k")
        act.model.objects.update(actor="")
        before = stored()

        same = [
            client.post(act.path, act.body, idempotency_key="k")
            for client in (person, other_application)
        ]
        other = other_application.post(act.path, act.other, idempotency_key="k")

        assert [answer.json()["id"] for answer in same] == [first.json()["id"]] * 2
        assert [answer["Idempotency-Replayed"] for answer in same] == ["true", "true"]
        assert_problem(other, 422, "idempotency_key_reused")
        assert stored() == before


class TestReuse:
    def test_for_another_body_is_refused(self, person: ApiClient, act: Act) -> None:
        person.post(act.path, act.body, idempotency_key="k")
        before = stored()

        response = person.post(act.path, act.other, idempotency_key="k")

        assert_problem(response, 422, "idempotency_key_reused")
        assert stored() == before

    def test_for_another_type_of_value_is_refused(self, person: ApiClient) -> None:
        person.post("/conversations", {"metadata": {"a": 1}}, idempotency_key="k")
        before = stored()

        response = person.post("/conversations", {"metadata": {"a": 1.0}}, idempotency_key="k")

        assert_problem(response, 422, "idempotency_key_reused")
        assert stored() == before

    def test_for_another_conversation_is_refused(self, person: ApiClient) -> None:
        urls = [f"/conversations/{make_conversation_of(0).uid}/messages" for _ in range(2)]
        body = {"role": "user", "content": "a"}
        person.post(urls[0], body, idempotency_key="k")
        before = stored()

        response = person.post(urls[1], body, idempotency_key="k")

        assert_problem(response, 422, "idempotency_key_reused")
        assert stored() == before

    def test_for_another_own_id_is_refused(self, person: ApiClient) -> None:
        own = "0190a0b0-0000-7000-8000-00000000000{}"
        person.post("/conversations", {"id": own.format("a")}, idempotency_key="k")
        before = stored()

        response = person.post("/conversations", {"id": own.format("b")}, idempotency_key="k")

        assert_problem(response, 422, "idempotency_key_reused")
        assert stored() == before


class TestRefusalsStoreNothing:
    def test_so_that_the_corrected_request_may_use_the_key(
        self, person: ApiClient, act: Act
    ) -> None:
        refused = person.post(act.path, act.wrong, idempotency_key="k")

        corrected = person.post(act.path, act.body, idempotency_key="k")

        assert (refused.status_code, corrected.status_code) == (400, 201)
        assert "Idempotency-Replayed" not in corrected
        assert act.model.objects.count() == 1

    def test_when_the_conversation_is_missing(self, person: ApiClient) -> None:
        own = "0190a0b0-0000-7000-8000-00000000000a"
        body = {"role": "user", "content": "a"}
        url = f"/conversations/{own}/messages"
        refused = person.post(url, body, idempotency_key="k")
        person.post("/conversations", {"id": own})

        accepted = person.post(url, body, idempotency_key="k")

        assert (refused.status_code, accepted.status_code) == (404, 201)
        assert "Idempotency-Replayed" not in accepted

    def test_when_the_own_id_is_taken(self, person: ApiClient) -> None:
        own = "0190a0b0-0000-7000-8000-00000000000a"
        person.post("/conversations", {"id": own, "title": "a"})
        body = {"id": own, "title": "b"}
        refused = person.post("/conversations", body, idempotency_key="k")
        person.delete(f"/conversations/{own}")

        accepted = person.post("/conversations", body, idempotency_key="k")

        assert_problem(refused, 409, "id_taken")
        assert accepted.status_code == 201
        assert "Idempotency-Replayed" not in accepted


class TestQuotedKey:
    @pytest.mark.parametrize("forms", [("k", '"k"'), ('"k"', "k"), ('"k"', '"k"')])
    def test_is_the_same_quoted_and_bare(
        self, person: ApiClient, act: Act, forms: tuple[str, str]
    ) -> None:
        answers = [person.post(act.path, act.body, idempotency_key=form) for form in forms]

        assert answers[1]["Idempotency-Replayed"] == "true"
        assert act.model.objects.get().idempotency_key == "k"


@pytest.mark.django_db(transaction=False)
class TestFormOfTheKey:
    @pytest.mark.parametrize(
        "given", ["!", "x" * 255, '"' + "x" * 255 + '"', string.punctuation, string.digits, "~"]
    )
    def test_may_hold_all_visible_characters(
        self, person: ApiClient, conversation: str, given: str
    ) -> None:
        url, body = f"/conversations/{conversation}/messages", {"role": "user", "content": "a"}

        answers = [person.post(url, body, idempotency_key=given) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[1]["Idempotency-Replayed"] == "true"
        assert Message.objects.count() == 1

    @pytest.mark.parametrize(
        "given",
        ["", " ", "x" * 256, '"' + "x" * 256 + '"', "a b", "a\tb", "\x7f", "\xe4", '""'],
    )
    def test_that_is_invalid_is_refused(self, person: ApiClient, act: Act, given: str) -> None:
        before = stored()

        response = person.post(act.path, act.body, idempotency_key=given)

        assert_problem(response, 400, "idempotency_key_invalid")
        assert stored() == before

    def test_may_be_required(self, person: ApiClient, act: Act, settings: Settings) -> None:
        settings.IDEMPOTENCY_KEY_REQUIRED = True
        before = stored()

        response = person.post(act.path, act.body)

        assert_problem(response, 400, "idempotency_key_required")
        assert stored() == before
        assert person.post(act.path, act.body, idempotency_key="k").status_code == 201

    def test_is_never_required_of_other_methods(
        self, person: ApiClient, settings: Settings
    ) -> None:
        settings.IDEMPOTENCY_KEY_REQUIRED = True
        url = f"/conversations/{make_conversation_of(1).uid}"

        answers = [person.get(url), person.patch(url, {"title": "b"}), person.delete(url)]

        assert [answer.status_code for answer in answers] == [200, 200, 204]
