import pytest

from tests.querycache import cache


@pytest.fixture(autouse=True)
def nothing_stored_yet() -> None:
    cache.forget_pace()
