"""A page is bounded by bytes as well as by rows: 5 MiB of texts and JSON, or one larger row."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import models as common_models
from common import prepared
from common.api import pagination
from conversations import pages
from conversations.models import Conversation, Message
from tests.asserts import assert_statements
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of

pytestmark = pytest.mark.django_db

PAGE = 5 * 1024 * 1024
TWO_MEGABYTES = 2_000_000
# What `{}` as metadata adds to each message.
METADATA = 2
MAKERS: list[Callable[[int], dict[str, Any]]] = [
    lambda size: {"content": "é" * (size // 2)},
    lambda size: {"stage1": ["a" * (size - 4)]},
    lambda size: {"stage2": {"a": "a" * (size - 8)}},
    lambda size: {"stage3": ["a" * (size - 4)], "content": ""},
    lambda size: {"content": "a", "metadata": {"a": "a" * (size - 9)}},
]


def conversation_of(*byte_sizes: int) -> str:
    """The address of a conversation with messages of these sizes."""
    made = make_conversation_of(len(byte_sizes))
    for position, byte_size in enumerate(byte_sizes, 1):
        content = "a" * (byte_size - METADATA)
        Message.objects.filter(conversation=made, position=position).update(
            content=content, stage1_data=None, stage2_data=None, stage3_data=None, metadata={}
        )
    return f"/conversations/{made.uid}"


def followed(person: ApiClient, path: str | None) -> Iterator[list[dict[str, Any]]]:
    while path is not None:
        answer = person.get(path).json()
        yield answer["results"]
        path = answer["next"]


def positions(person: ApiClient, path: str) -> list[list[int]]:
    return [[row["position"] for row in rows] for rows in followed(person, path)]


def greedy(byte_sizes: list[tuple[int, int]], room: int, limit: int) -> list[list[int]]:
    """The pages as they should be, of places and sizes in order."""
    found: list[list[int]] = []
    taken = 0
    for place, byte_size in byte_sizes:
        taken += byte_size
        if not found or taken > room or len(found[-1]) == limit:
            found.append([])
            taken = byte_size
        found[-1].append(place)
    return found


class TestAPageOfMessages:
    def test_ends_before_the_one_with_which_it_would_pass_5_mebibytes(
        self, person: ApiClient
    ) -> None:
        address = conversation_of(*[TWO_MEGABYTES] * 5)

        assert positions(person, f"{address}/messages") == [[1, 2], [3, 4], [5]]
        assert positions(person, f"{address}/messages?order=desc") == [[5, 4], [3, 2], [1]]

    def test_may_be_filled_to_the_last_byte(self, person: ApiClient) -> None:
        address = conversation_of(100, PAGE - 100, 1000)

        assert positions(person, f"{address}/messages") == [[1, 2], [3]]

    def test_has_a_larger_one_alone(self, person: ApiClient) -> None:
        address = conversation_of(100, PAGE + 1, 100)

        assert positions(person, f"{address}/messages") == [[1], [2], [3]]
        assert positions(person, f"{address}/messages?order=desc") == [[3], [2], [1]]

    @pytest.mark.parametrize("make", MAKERS)
    def test_counts_content_stages_and_metadata(
        self, person: ApiClient, make: Callable[[int], dict[str, Any]]
    ) -> None:
        message = {"role": "assistant", **make(TWO_MEGABYTES)}
        made = person.post("/conversations", {"messages": [message]}).json()
        address = f"/conversations/{made['id']}/messages"
        for _ in range(2):
            assert person.post(address, message).status_code == 201

        assert positions(person, address) == [[1, 2], [3]]

    def test_is_read_in_three_statements(self, person: ApiClient) -> None:
        address = conversation_of(*[TWO_MEGABYTES] * 3)

        with assert_statements(3):
            assert len(person.get(f"{address}/messages").json()["results"]) == 2

    @settings(
        max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        byte_sizes=st.lists(st.integers(METADATA, 90), max_size=8),
        limit=st.integers(1, 5),
        forward=st.booleans(),
    )
    def test_has_as_many_as_there_is_room_for(
        self, person: ApiClient, byte_sizes: list[int], limit: int, forward: bool
    ) -> None:
        places = list(enumerate(byte_sizes, 1))
        if not forward:
            places.reverse()
        order = "asc" if forward else "desc"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pages, "PAGE_BYTES", 100)
            for read in prepared.every:  # those in which the room stands as it was
                patch.setattr(read, "_statements", {})
            address = f"{conversation_of(*byte_sizes)}/messages?order={order}&limit={limit}"

            found = positions(person, address)

        assert found == (greedy(places, 100, limit) or [[]])


class TestAConversation:
    def test_has_its_last_messages_and_leads_to_those_before(self, person: ApiClient) -> None:
        address = conversation_of(*[TWO_MEGABYTES] * 5)

        answer = person.get(address).json()
        before = positions(person, answer["messages_before"])

        assert [message["position"] for message in answer["messages"]] == [4, 5]
        assert before == [[3, 2], [1]]

    def test_is_read_in_three_statements(self, person: ApiClient) -> None:
        address = conversation_of(*[TWO_MEGABYTES] * 3)

        with assert_statements(3):
            person.get(address)


class TestAPageOfConversations:
    def make(self, *metadata: str) -> None:
        for text in metadata:
            made = make_conversation_of(0)
            Conversation.objects.filter(pk=made.pk).update(metadata={"a": text})

    def sizes(self, person: ApiClient, path: str = "/conversations") -> list[list[int]]:
        return [[len(row["metadata"]["a"]) for row in rows] for rows in followed(person, path)]

    def test_ends_before_the_one_with_which_it_would_pass_5_mebibytes(
        self, person: ApiClient
    ) -> None:
        self.make(*["a" * TWO_MEGABYTES] * 3, "small")

        assert self.sizes(person) == [[5, TWO_MEGABYTES, TWO_MEGABYTES], [TWO_MEGABYTES]]

    def test_has_a_larger_one_alone(self, person: ApiClient) -> None:
        self.make("small", "a" * PAGE, "small")

        assert self.sizes(person) == [[5], [PAGE], [5]]

    @pytest.mark.parametrize(("length", "statements"), [(90_000, 2), (110_000, 3)])
    def test_is_read_in_one_statement_and_one_more_where_metadata_is_large(
        self, person: ApiClient, length: int, statements: int
    ) -> None:
        self.make("small", "a" * length)

        with assert_statements(statements):
            [found] = self.sizes(person)

        assert found == [length, 5]

    def test_leaves_out_what_has_been_deleted_meanwhile(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.make("small", "a" * TWO_MEGABYTES)
        with_room = pagination._with_room

        def deleting(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            Conversation.objects.filter(pk=rows[0]["id"]).delete()
            return with_room(rows)

        monkeypatch.setattr(pagination, "_with_room", deleting)

        assert self.sizes(person) == [[5]]

    def test_is_bounded_by_one_number_everywhere(self) -> None:
        assert common_models.PAGE_BYTES == pagination.PAGE_BYTES == pages.PAGE_BYTES == PAGE
