from collections.abc import Iterator

import pytest

from querycache import services
from tests.querycache import cache


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    cache.forget_pace()
    services.counted._notes.clear()
    yield
    services.counted._notes.clear()
