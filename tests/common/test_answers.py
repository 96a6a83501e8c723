"""The recorded answers (`python -m benchmarks.answers`) are of every route."""

from django.urls import resolve

from benchmarks import asked
from tests.test_routes import ACTS

VALUES = {
    "conversation": asked.UNKNOWN,
    "entry": asked.UNKNOWN,
    "hold": asked.UNKNOWN,
    "key": asked.KEY_OF_NOTHING,
    "person": "carl",
}


def test_every_method_of_every_route_is_asked() -> None:
    paths = [
        (method, asked.filled(path, VALUES).partition("?")[0]) for method, path, _ in asked.ACTS
    ]
    asked_for = {
        (method, resolve(asked.API + path).route)
        for method, path in paths
        if not path.startswith(("/health", "/metrics"))
    }

    missing = [str(act) for act in ACTS if (act.method, f"api/v1{act.route}") not in asked_for]

    assert not missing
