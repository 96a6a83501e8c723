import pytest

from tests.client import ApiClient


@pytest.fixture
def conversation(person: ApiClient) -> str:
    """The id of an empty conversation of Ann's."""
    return person.post("/conversations", {"title": "Heat pumps"}).json()["id"]
