"""Numbers of the server as a whole: what its threads and processes do, and which release it is."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory

from common.metrics import make_all
from common.write_behind import WriteBehind
from operations import metrics
from operations.middleware import RequestMiddleware
from operations.release import release
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of
from tests.operations.test_metrics import Difference, samples, value
from tests.processes import environment
from tests.web import PATIENCE_SECONDS, Web, served

pytestmark = pytest.mark.django_db


@pytest.fixture
def grown() -> Difference:
    make_all()
    return Difference()


class TestRequestsInFlight:
    def test_are_those_that_are_not_answered_yet(
        self, person: ApiClient, grown: Difference
    ) -> None:
        response = person.client.get("/metrics", headers=person.headers)

        before = value(grown.before, "requests_in_flight")
        assert value(response.content, "requests_in_flight") == before + 1
        assert grown.of("requests_in_flight") == 0

    @pytest.mark.parametrize("is_read", [True, False])
    def test_end_with_a_stream_whether_or_not_it_is_read(
        self, person: ApiClient, grown: Difference, is_read: bool
    ) -> None:
        conversation = make_conversation_of(1)
        response: Any = person.get(f"/conversations/{conversation.uid}/export")
        assert response.streaming
        assert grown.of("requests_in_flight") == 1

        if is_read:
            list(response.streaming_content)
        else:
            response.close()

        assert grown.of("requests_in_flight") == 0


class TestAnUnhandledException:
    def test_is_counted_by_its_class(self, settings: Any, grown: Difference) -> None:
        settings.ROOT_URLCONF = "tests.common.broken_urls"
        client = Client(raise_request_exception=False)

        assert client.get("/api/view/bug").status_code == 500
        assert client.get("/api/view/unreachable").status_code == 503

        assert grown.of("unhandled_exceptions_total", kind="RuntimeError") == 1
        assert grown.of("unhandled_exceptions_total", kind="OperationalError") == 0

    def test_is_counted_in_the_middle_of_a_stream(self, grown: Difference) -> None:
        def lines(error: Exception) -> Iterator[bytes]:
            yield b"one"
            raise error

        for error in (ZeroDivisionError(), OperationalError("gone")):
            middleware = RequestMiddleware(lambda _, e=error: StreamingHttpResponse(lines(e)))
            response: Any = middleware(RequestFactory().get("/"))
            with pytest.raises(type(error)):
                list(response)

        assert grown.of("unhandled_exceptions_total", kind="ZeroDivisionError") == 1
        assert grown.of("unhandled_exceptions_total", kind="OperationalError") == 0


class TestDeferredWrites:
    def test_wait_until_they_are_written(self) -> None:
        make_all()
        failures = [DatabaseError("not just now")]
        told: list[float] = []

        def waiting() -> float:
            return value(metrics.exposition(), "deferred_writes_waiting")

        def write(notes: Any) -> None:
            write_behind.note("c", 1)
            told.append(waiting())
            if failures:
                raise failures.pop()

        write_behind: WriteBehind[str, int] = WriteBehind(merge=max, write=write)
        for key in ("a", "b", "a"):
            write_behind.note(key, 1)
        assert waiting() == 2

        write_behind.flush()
        assert waiting() == 3

        write_behind.flush()
        assert waiting() == 1
        assert told == [1, 1]  # what is being written waits no more


@pytest.mark.django_db(transaction=True)
class TestAServer:
    def text(self, web: Web, key: str) -> bytes:
        return web.get("/metrics", Authorization=f"Bearer {key}").content

    def test_tells_of_all_its_processes(self, key: str, tmp_path: Path) -> None:
        with served(environment() | {"WEB_THREADS": "3"}, tmp_path, workers=2) as web:
            until = time.monotonic() + PATIENCE_SECONDS
            while value(self.text(web, key), "threads") < 6:  # the second worker has not begun
                assert time.monotonic() < until, web.log
            texts = [self.text(web, key) for _ in range(4)]

        for text in texts:
            assert value(text, "processes") == 3
            assert value(text, "threads") == 6
            assert value(text, "process_memory_bytes") > 3 * 10 * 1024 * 1024
            assert value(text, "process_open_files") > 10
            assert 0 < value(text, "process_open_files_ratio") < 1
        [labels] = [
            dict(labels) for name, labels in samples(texts[0]) if name == "steward_build_info"
        ]
        assert labels["version"] == release()
