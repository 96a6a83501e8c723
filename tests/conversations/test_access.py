import pytest
from django.utils import timezone

from access.services import keys
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of

NEVER_WAS = "0190a0b0-0000-7000-8000-00000000000a"

READS = [("GET", ""), ("GET", "/{id}"), ("GET", "/{id}/messages")]
WRITES = [
    ("POST", "", {"title": "Boilers"}),
    ("PATCH", "/{id}", {"title": "Boilers"}),
    ("DELETE", "/{id}", None),
    ("POST", "/{id}/messages", {"role": "user", "content": "a"}),
]
OF_ONE = [(*read, None) for read in READS[1:]] + WRITES[1:]


def client_with(scope: str) -> ApiClient:
    return ApiClient(
        keys.create_key(name=scope, scopes=[scope], actor="system", at=timezone.now()).key,
        "ann",
    )


@pytest.mark.django_db
class TestScopes:
    @pytest.mark.parametrize(("method", "path"), READS)
    def test_reading_is_enough_to_read(self, method: str, path: str) -> None:
        url = "/conversations" + path.format(id=make_conversation_of(1).uid)

        assert client_with("conversations:read").request(method, url).status_code == 200

    @pytest.mark.parametrize(("method", "path"), READS)
    def test_writing_is_not_enough_to_read(self, method: str, path: str) -> None:
        url = "/conversations" + path.format(id=make_conversation_of(1).uid)

        response = client_with("conversations:write").request(method, url)

        assert_problem(response, 403, "missing_scope")

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    def test_writing_is_enough_to_write(
        self, method: str, path: str, body: dict[str, str] | None
    ) -> None:
        url = "/conversations" + path.format(id=make_conversation_of(1).uid)

        response = client_with("conversations:write").request(method, url, body)

        assert response.status_code in (200, 201, 204)

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    def test_reading_is_not_enough_to_write(
        self, method: str, path: str, body: dict[str, str] | None
    ) -> None:
        url = "/conversations" + path.format(id=make_conversation_of(1).uid)
        before = stored()

        response = client_with("conversations:read").request(method, url, body)

        assert assert_problem(response, 403, "missing_scope")["scope"] == "conversations:write"
        assert stored() == before


class TestAnotherPerson:
    @pytest.mark.parametrize(("method", "path", "body"), OF_ONE)
    def test_learns_and_changes_nothing(
        self, stranger: ApiClient, method: str, path: str, body: dict[str, str] | None
    ) -> None:
        theirs = f"/conversations{path}".format(id=make_conversation_of(3).uid)
        before = stored()

        response = stranger.request(method, theirs, body)

        never = stranger.request(method, f"/conversations{path}".format(id=NEVER_WAS), body).json()
        problem = assert_problem(response, 404, "not_found")
        assert problem == {**never, "instance": f"/api/v1{theirs}"}
        assert stored() == before

    def test_is_not_in_the_list(self, person: ApiClient, stranger: ApiClient) -> None:
        mine = make_conversation_of(1)
        theirs = make_conversation_of(1, "bob")

        shown = [
            [row["id"] for row in client.get("/conversations").json()["results"]]
            for client in (person, stranger)
        ]

        assert shown == [[str(mine.uid)], [str(theirs.uid)]]

    @pytest.mark.parametrize("user_id", ["Ann", "ann ", "an", "ann%", "änn", "anń"])
    def test_has_another_id_to_the_letter(self, key: str, user_id: str) -> None:
        conversation = make_conversation_of(1)
        other = ApiClient(key, user_id)

        assert_problem(other.get(f"/conversations/{conversation.uid}"), 404, "not_found")
        assert other.get("/conversations").json()["results"] == []

    @pytest.mark.parametrize("user_id", ["auth0|5f7c", "a@b.example", "../ann", "李雷", "x" * 128])
    def test_may_have_any_id(self, key: str, user_id: str) -> None:
        created = ApiClient(key, user_id).post("/conversations", {"messages": []}).json()

        [shown] = ApiClient(key, user_id).get("/conversations").json()["results"]
        assert shown == created
        assert shown["user_id"] == user_id


class TestMethods:
    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            ("", ["PUT", "PATCH", "DELETE"]),
            ("/{id}", ["PUT", "POST"]),
            ("/{id}/messages", ["PUT", "PATCH", "DELETE"]),
        ],
    )
    def test_that_a_route_does_not_have_are_405(
        self, person: ApiClient, path: str, methods: list[str]
    ) -> None:
        url = "/conversations" + path.format(id=make_conversation_of(1).uid)
        before = stored()

        for method in methods:
            response = person.request(method, url)

            assert_problem(response, 405, "method_not_allowed")
            assert "GET" in response["Allow"]
        assert stored() == before
