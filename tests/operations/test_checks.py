from typing import Any

import pytest
from django.core import checks
from django.db.backends.postgresql import psycopg_any

from operations.checks import check_driver, check_production

RANDOM = "".join(chr(ord("0") + (7 * number) % 75) for number in range(50))
REFUSALS: dict[str, tuple[dict[str, Any], str, str]] = {
    "without DATABASE_URL": ({"DATABASE_URL_GIVEN": False}, "operations.E002", "DATABASE_URL"),
    "without SECRET_KEY": ({"SECRET_KEY_GIVEN": False}, "operations.E003", "SECRET_KEY"),
    "with a short SECRET_KEY": ({"SECRET_KEY": RANDOM[:49]}, "operations.E003", "SECRET_KEY"),
    "with a plain SECRET_KEY": ({"SECRET_KEY": "password" * 9}, "operations.E003", "SECRET_KEY"),
    "with a short key before it": (
        {"SECRET_KEY_FALLBACKS": [RANDOM, "changeme"]},
        "operations.E003",
        "SECRET_KEY_FALLBACKS",
    ),
    "with DEBUG": ({"DEBUG": True}, "operations.E004", "DEBUG"),
    "without a host": ({"ALLOWED_HOSTS": []}, "operations.E005", "ALLOWED_HOSTS"),
    "with every host": ({"ALLOWED_HOSTS": ["*"]}, "operations.E005", "ALLOWED_HOSTS"),
    "with every host beside one": (
        {"ALLOWED_HOSTS": ["steward.example", "*"]},
        "operations.E005",
        "ALLOWED_HOSTS",
    ),
}


@pytest.fixture
def production(settings: Any) -> Any:
    """Settings with which production starts."""
    settings.PRODUCTION = True
    settings.DATABASE_URL_GIVEN = True
    settings.SECRET_KEY_GIVEN = True
    settings.SECRET_KEY = RANDOM
    settings.SECRET_KEY_FALLBACKS = [f"{RANDOM}{RANDOM}"]
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["steward.example"]
    return settings


class TestProduction:
    def test_starts_when_everything_is_set(self, production: Any) -> None:
        assert check_production(None) == []

    @pytest.mark.parametrize(("broken", "name", "cure"), REFUSALS.values(), ids=REFUSALS)
    def test_does_not_start(
        self, production: Any, broken: dict[str, Any], name: str, cure: str
    ) -> None:
        for setting, value in broken.items():
            setattr(production, setting, value)

        messages = check_production(None)

        assert [message.id for message in messages] == [name]
        assert messages[0].is_serious()
        assert cure in messages[0].msg and messages[0].hint

    def test_is_told_everything_that_is_wrong_at_once(self, production: Any) -> None:
        for broken, _, _ in REFUSALS.values():
            for setting, value in broken.items():
                setattr(production, setting, value)

        names = [message.id for message in check_production(None)]

        assert sorted(set(names)) == [f"operations.E00{number}" for number in (2, 3, 4, 5)]


class TestElsewhere:
    def test_nothing_of_that_is_refused(self, production: Any) -> None:
        production.PRODUCTION = False
        for broken, _, _ in REFUSALS.values():
            for setting, value in broken.items():
                setattr(production, setting, value)

        assert check_production(None) == []


class TestTheDriver:
    def test_is_psycopg2(self) -> None:
        assert psycopg_any.is_psycopg3 is False
        assert check_driver(None) == []

    def test_is_refused_when_it_is_psycopg_3(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(psycopg_any, "is_psycopg3", True)

        messages = check_driver(None)

        assert [message.id for message in messages] == ["operations.E001"]
        assert messages[0].is_serious()
        assert "pip uninstall" in str(messages[0].hint)


class TestTheChecks:
    def test_are_run_with_djangos_own(self, production: Any) -> None:
        production.SECRET_KEY_GIVEN = False

        assert "operations.E003" in {message.id for message in checks.run_checks()}
