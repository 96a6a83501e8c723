"""Many at once, with real commits. Counts are exact on both engines."""

from collections import Counter
from typing import Any

import pytest

from conversations.models import Conversation, Message
from tests import processes
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of, make_conversations
from tests.forks import Fork
from tests.processes import CLIENTS, at_once

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = 8
TIMES = 10
OWN = "0190a0b0-0000-7000-8000-00000000000a"


def process_that_appends(key: str, conversation: str, number: int) -> Fork:
    return processes.child(
        "tests.conversations.appender", key, conversation, str(number), str(TIMES)
    )


def assert_no_hole(conversation: str, messages: int) -> None:
    row = Conversation.objects.get(uid=conversation)
    positions = row.messages.order_by("position").values_list("position", flat=True)
    assert list(positions) == [*range(1, messages + 1)]
    assert row.message_count == messages


class TestAppend:
    def test_by_16_threads_leaves_no_hole(self, key: str) -> None:
        conversation = str(make_conversation_of(0).uid)

        def append(number: int) -> list[tuple[int, int]]:
            client = ApiClient(key, "ann")
            answers = [
                client.post(
                    f"/conversations/{conversation}/messages",
                    {"role": "user", "content": f"{number}.{turn}"},
                )
                for turn in range(TIMES)
            ]
            return [(answer.status_code, answer.json().get("position")) for answer in answers]

        answers: list[tuple[int, int]] = sum(at_once(append), [])

        assert sorted(answers) == [(201, number) for number in range(1, CLIENTS * TIMES + 1)]
        assert_no_hole(conversation, CLIENTS * TIMES)
        assert len(set(Message.objects.values_list("content"))) == CLIENTS * TIMES

    def test_by_8_processes_leaves_no_hole(self, key: str) -> None:
        conversation = str(make_conversation_of(0).uid)
        appenders = [process_that_appends(key, conversation, n) for n in range(PROCESSES)]
        ready = [process.stdout.readline() for process in appenders if process.stdout]

        for process in appenders:
            if process.stdin:
                process.stdin.write("begin\n")
                process.stdin.flush()
        answers = [process.communicate(timeout=120)[0].splitlines() for process in appenders]

        assert ready == ["ready\n"] * PROCESSES
        assert [process.returncode for process in appenders] == [0] * PROCESSES
        expected = [f"201 {position}" for position in range(1, PROCESSES * TIMES + 1)]
        assert sorted(sum(answers, [])) == sorted(expected)
        assert_no_hole(conversation, PROCESSES * TIMES)

    def test_loses_nothing_to_a_patch(self, key: str) -> None:
        conversation = str(make_conversation_of(0).uid)

        def append_or_patch(number: int) -> list[int]:
            client, url = ApiClient(key, "ann"), f"/conversations/{conversation}"
            if number % 2:
                acts = [client.patch(url, {"metadata": {"turn": n}}) for n in range(TIMES)]
            else:
                said = {"role": "user", "content": "a"}
                acts = [client.post(f"{url}/messages", said) for _ in range(TIMES)]
            return [answer.status_code for answer in acts]

        statuses = Counter(sum(at_once(append_or_patch), []))

        assert statuses == {201: CLIENTS * TIMES // 2, 200: CLIENTS * TIMES // 2}
        assert_no_hole(conversation, CLIENTS * TIMES // 2)

    def test_leaves_nothing_behind_a_delete(self, key: str) -> None:
        conversation = str(make_conversation_of(3).uid)

        def append_or_delete(number: int) -> int:
            client, url = ApiClient(key, "ann"), f"/conversations/{conversation}"
            if number == CLIENTS // 2:
                return client.delete(url).status_code
            return client.post(f"{url}/messages", {"role": "user", "content": "a"}).status_code

        statuses = Counter(at_once(append_or_delete))

        assert statuses[204] == 1
        assert statuses[201] + statuses[404] == CLIENTS - 1
        assert (Conversation.objects.count(), Message.objects.count()) == (0, 0)

    def test_is_seen_whole_by_readers(self, key: str) -> None:
        conversation = str(make_conversation_of(0).uid)

        def append_or_read(number: int) -> list[tuple[int, int]]:
            client, url = ApiClient(key, "ann"), f"/conversations/{conversation}"
            if number % 2:
                answers = [client.get(url).json() for _ in range(TIMES)]
                return [(one["message_count"], len(one["messages"])) for one in answers]
            for _ in range(TIMES):
                client.post(f"{url}/messages", {"role": "user", "content": "a"})
            return []

        seen: list[tuple[int, int]] = sum(at_once(append_or_read), [])

        assert len(seen) == CLIENTS * TIMES // 2
        assert [count for count, _ in seen] == [shown for _, shown in seen]
        assert_no_hole(conversation, CLIENTS * TIMES // 2)


class TestOneIdempotencyKey:
    @pytest.mark.parametrize(
        "body", [{"title": "a"}, {"messages": [{"role": "user", "content": "a"}] * 3}]
    )
    def test_makes_one_conversation(self, key: str, body: dict[str, Any]) -> None:
        def create(number: int) -> Any:
            return ApiClient(key, "ann").post("/conversations", body, idempotency_key="k")

        answers = at_once(create)

        assert [answer.status_code for answer in answers] == [201] * CLIENTS
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
        assert Conversation.objects.get().message_count == Message.objects.count()
        assert Message.objects.count() == len(body.get("messages", []))

    def test_makes_one_message(self, key: str) -> None:
        conversation = str(make_conversation_of(0).uid)
        url, body = f"/conversations/{conversation}/messages", {"role": "user", "content": "a"}

        answers = at_once(lambda number: ApiClient(key, "ann").post(url, body, idempotency_key="k"))

        assert [answer.status_code for answer in answers] == [201] * CLIENTS
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
        assert_no_hole(conversation, 1)

    def test_lets_one_of_two_bodies_win(self, key: str) -> None:
        def create(number: int) -> Any:
            body = {"title": f"title {number % 2}"}
            return ApiClient(key, "ann").post("/conversations", body, idempotency_key="k")

        statuses = [answer.status_code for answer in at_once(create)]

        winner = int(Conversation.objects.get().title[-1])
        assert statuses[winner::2] == [201] * (CLIENTS // 2)
        assert statuses[1 - winner :: 2] == [422] * (CLIENTS // 2)

    def test_lets_one_of_two_conversations_win(self, key: str) -> None:
        urls = [f"/conversations/{one.uid}/messages" for one in make_conversations(2)]

        def append(number: int) -> Any:
            body = {"role": "user", "content": "a"}
            return ApiClient(key, "ann").post(urls[number % 2], body, idempotency_key="k")

        statuses = Counter(answer.status_code for answer in at_once(append))

        assert statuses == {201: CLIENTS // 2, 422: CLIENTS // 2}
        assert sorted(Conversation.objects.values_list("message_count", flat=True)) == [0, 1]
        assert Message.objects.count() == 1


class TestOneOwnId:
    @pytest.mark.parametrize("more", [{}, {"messages": [{"role": "user", "content": "a"}] * 3}])
    def test_makes_one_conversation(self, key: str, more: dict[str, Any]) -> None:
        body = {"id": OWN, "title": "a", **more}

        answers = at_once(lambda number: ApiClient(key, "ann").post("/conversations", body))

        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: CLIENTS - 1}
        assert len({answer.content for answer in answers}) == 1
        assert_no_hole(OWN, len(more.get("messages", [])))

    def test_goes_to_one_of_16_bodies(self, key: str) -> None:
        answers = at_once(
            lambda number: ApiClient(key, "ann").post(
                "/conversations", {"id": OWN, "title": str(number)}
            )
        )

        statuses = [answer.status_code for answer in answers]
        assert Counter(statuses) == {201: 1, 409: CLIENTS - 1}
        assert Conversation.objects.get().title == str(statuses.index(201))

    def test_goes_to_each_of_16_persons(self, key: str) -> None:
        answers = at_once(
            lambda number: ApiClient(key, f"person {number}").post("/conversations", {"id": OWN})
        )

        assert [answer.status_code for answer in answers] == [201] * CLIENTS
        assert Conversation.objects.filter(uid=OWN).count() == CLIENTS
