"""Threads that serve keep their connections, where all of them fit the pool."""

from typing import Any

import pytest
from django.db import OperationalError

from operations.postgresql import base
from tests.operations.pools import MakeConnection, backend, kill, statistics

pytestmark = pytest.mark.django_db(transaction=True)


class TestAThreadThatServes:
    """As gunicorn's do; `serves` is what Django does at the end of each request."""

    @pytest.fixture(autouse=True)
    def threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "serving_threads", 1)

    @staticmethod
    def serves(wrapper: Any) -> int:
        try:
            return backend(wrapper)
        finally:
            wrapper.close_if_unusable_or_obsolete()

    def test_keeps_its_connection(self, connect: MakeConnection) -> None:
        first, second = connect(), connect()

        pid = self.serves(first)

        assert statistics().checked_out == 1
        assert self.serves(second) != pid
        assert self.serves(first) == pid

    def test_gives_it_back_where_threads_are_more_than_fit(
        self, connect: MakeConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(base, "serving_threads", 2)

        self.serves(connect())

        assert statistics().checked_out == 0

    def test_gives_it_back_when_it_is_old(self, connect: MakeConnection) -> None:
        self.serves(connect(recycle=0))

        assert statistics().checked_out == 0

    def test_notices_after_idleness_that_it_has_ended(self, connect: MakeConnection) -> None:
        wrapper = connect(ping_after_idle_seconds=0)
        pid = self.serves(wrapper)
        kill(pid)

        assert self.serves(wrapper) != pid
        assert statistics().checked_out == 1

    def test_tries_none_that_was_in_use_just_now(self, connect: MakeConnection) -> None:
        wrapper = connect()
        pid = self.serves(wrapper)
        kill(pid)

        with pytest.raises(OperationalError):
            self.serves(wrapper)

        assert self.serves(wrapper) != pid

    def test_lets_others_have_it_when_it_says_so(self, connect: MakeConnection) -> None:
        wrapper = connect()
        pid = self.serves(wrapper)

        wrapper.close()

        assert backend(connect()) == pid
