"""Another person's text never matches, whatever is forgotten and whatever they write."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation, Message
from conversations.search import query_terms
from tests.client import ApiClient
from tests.conversations.recipes import key_of
from tests.conversations.test_search import say, search, titles

pytestmark = pytest.mark.django_db

PAIRS = [
    ("ann", "Ann"), ("ann", "ann "), ("a b", "a"), ("a", "b a"), ("a", "a,b"), ("é", "e\u0301"),
    ("日", "日本"), ('a"b', "a"), ("a'b", "a''b"), ("{a}", "a"), ("NULL", "null"), ("\\", "\\\\"),
    ("%", "%%"), ("=a", "a"), ("61", "a"), ("a" * 128, "a" * 127), ("ß" * 128, "ß" * 127),
    ("auth0|7", "auth0"), ("🌱" * 128, "🌱" * 127), ("K", "\u212a"),
]  # fmt: skip
identities = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("=\"'\\%{},|aA 6"),
    min_size=1,
    max_size=128,
).filter(lambda identity: identity.strip() and not identity.startswith("erased-"))


def mark_of(user_id: str) -> str:
    """The owner's word in the index, as somebody might write it."""
    return f'={key_of(user_id)} "={key_of(user_id)}" {key_of(user_id)} {user_id}'


class TestWithoutAFilterByOwner:
    def test_only_the_owners_messages_match(self, person: ApiClient, stranger: ApiClient) -> None:
        say(person, "mine", "a pump")
        say(stranger, "theirs", "a pump")

        found = Message.objects.matching(["pump"], owner="ann")

        assert [message.person.user_id for message in found] == ["ann"]

    def test_only_the_owners_titles_match(self, person: ApiClient, stranger: ApiClient) -> None:
        say(person, "pump")
        say(stranger, "pump")

        found = Conversation.objects.matching(["pump"], owner="ann")

        assert [conversation.person.user_id for conversation in found] == ["ann"]

    def test_nothing_of_those_matches_who_write_the_owners_token(self, stranger: ApiClient) -> None:
        say(stranger, f"pump {mark_of('ann')}", f"pump {mark_of('ann')}")

        assert not Message.objects.matching(["pump"], owner="ann").exists()
        assert not Conversation.objects.matching(["pump"], owner="ann").exists()

    def test_nothing_matches_for_somebody_who_was_never_seen(self, person: ApiClient) -> None:
        say(person, "pump", "a pump")

        assert not Message.objects.matching(["pump"], owner="nobody").exists()
        assert not Conversation.objects.matching(["pump"], owner="nobody").exists()

    def test_everybodys_match_when_no_owner_is_given(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        say(person, "pump")
        say(stranger, "x", "pump")

        assert Conversation.objects.matching(["pump"]).count() == 2
        assert Message.objects.matching(["pump"]).count() == 1

    @pytest.mark.parametrize("query", ["=bob", "=626f62", "=626F62", "626F62"])
    def test_an_owners_token_is_no_word(self, stranger: ApiClient, query: str) -> None:
        say(stranger, "pump", "a pump")

        assert not Message.objects.matching(query_terms(query)).exists()
        assert not Conversation.objects.matching(query_terms(query)).exists()


class TestPeopleWithIdsAlike:
    @pytest.mark.parametrize(("one", "other"), PAIRS)
    def test_find_their_own_and_nothing_else(self, key: str, one: str, other: str) -> None:
        for owner in (one, other):
            Conversation.objects.create(
                person_id=key_of(owner),
                title=f"pump of {len(owner)}",
                search_text="pump",
                created_at="2026-01-01T00:00:00Z",
                updated_at="2026-01-01T00:00:00Z",
            )

        for owner in (one, other):
            found = Conversation.objects.matching(["pump"], owner=owner)
            assert [conversation.person.user_id for conversation in found] == [owner]

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(one=identities, other=identities, query=identities)
    def test_never_see_each_others(self, key: str, one: str, other: str, query: str) -> None:
        Conversation.objects.all().delete()
        theirs = ApiClient(key, other.strip())
        mine = ApiClient(key, one.strip())
        say(theirs, "theirs", f"pump {mark_of(one)} {query}")

        found = [hit["title"] for hit in search(mine, f"pump {query}").json()["results"]]

        assert found == ([] if one.strip() != other.strip() else ["theirs"])


class TestTheSearch:
    def test_finds_nothing_of_others(self, person: ApiClient, stranger: ApiClient) -> None:
        say(stranger, "secret pump", "secret pump")

        assert titles(person, "pump") == []

    def test_takes_no_snippet_from_others(self, person: ApiClient, stranger: ApiClient) -> None:
        say(stranger, f"pump {mark_of('ann')}", "their pump")
        say(person, "pump", "my pump")

        [hit] = search(person, "pump").json()["results"]

        assert hit["snippet"] == "my pump"
