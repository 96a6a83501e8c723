import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from access import authentication
from access.models import ApiKey
from access.scopes import SCOPES
from access.services import keys
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator["Clock"]:
    settings.API_KEY_CACHE_SECONDS = 1.0
    clock = Clock()
    monkeypatch.setattr(authentication, "monotonic", lambda: clock.seconds)
    authentication._known_keys.clear()
    yield clock
    authentication._known_keys.clear()


class Clock:
    seconds = 100.0


def created(name: str = "application", **fields: Any) -> str:
    return keys.create_key(
        name=name, scopes=SCOPES, actor="system", at=timezone.now(), **fields
    ).key


def get(key: str) -> Any:
    return ApiClient(key, "ann").get("/conversations")


class TestARememberedKey:
    def test_takes_no_statement_to_be_known(self) -> None:
        key = created()

        with assert_statements(2):
            assert get(key).status_code == 200
        with assert_statements(1) as statements:
            assert get(key).status_code == 200

        assert "apikey" not in statements[0]

    def test_is_looked_at_again_after_that_time(self, clock: Clock) -> None:
        key = created()
        get(key)
        clock.seconds += 1.0

        with assert_statements(2):
            assert get(key).status_code == 200
        with assert_statements(1):
            assert get(key).status_code == 200

    def test_notes_its_use(self) -> None:
        key = created()
        get(key)
        keys.last_uses.flush()
        ApiKey.objects.update(last_used_at=None)

        get(key)
        keys.last_uses.flush()

        assert ApiKey.objects.get().last_used_at is not None

    def test_is_not_kept_with_the_setting_at_zero(self, settings: Any) -> None:
        settings.API_KEY_CACHE_SECONDS = 0
        key = created()
        get(key)

        with assert_statements(2):
            get(key)

        assert not authentication._known_keys


class TestARevocation:
    def test_ends_a_remembered_key_a_second_later_at_most(self, clock: Clock) -> None:
        key = created()
        get(key)
        clock.seconds += 0.999

        keys.revoke_key(name="application", at=timezone.now())

        assert get(key).status_code == 200
        clock.seconds += 0.001
        assert_problem(get(key), 401, "unauthenticated")
        assert not authentication._known_keys

    def test_counts_from_before_the_look_at_the_key(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = created()
        look = authentication._active_key.first

        def look_slowly(**values: Any) -> Any:
            found = look(**values)
            clock.seconds += 0.5
            return found

        monkeypatch.setattr(authentication._active_key, "first", look_slowly)
        get(key)
        keys.revoke_key(name="application", at=timezone.now())

        assert get(key).status_code == 200
        clock.seconds += 0.5
        assert_problem(get(key), 401, "unauthenticated")


class TestAnExpiry:
    def test_ends_a_remembered_key_at_its_time(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.API_KEY_CACHE_SECONDS = 3600
        now = timezone.now()
        end = now + datetime.timedelta(minutes=1)
        key = created(expires_at=end)
        assert get(key).status_code == 200

        monkeypatch.setattr(timezone, "now", lambda: end)

        assert_problem(get(key), 401, "unauthenticated")


class TestOtherScopes:
    def test_count_a_second_later_at_most(self, clock: Clock) -> None:
        key = created()
        get(key)

        ApiKey.objects.update(scopes=["billing:read"])

        assert get(key).status_code == 200
        clock.seconds += 1.0
        assert_problem(get(key), 403, "missing_scope")


class TestAStranger:
    @pytest.mark.parametrize("key", ["stw_0123456789ab_" + "A" * 43, "stw_", "no key"])
    def test_is_never_remembered(self, key: str) -> None:
        assert_problem(get(key), 401, "unauthenticated")

        assert not authentication._known_keys

    def test_does_not_profit_from_a_key_that_is(self) -> None:
        key = created()
        get(key)

        assert_problem(get(key[:-1] + ("A" if key[-1] != "A" else "B")), 401, "unauthenticated")
        assert get(key).status_code == 200


class TestManyKeys:
    def test_are_remembered_up_to_a_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(authentication, "REMEMBERED_KEYS", 2)

        for name in ("a", "b", "c"):
            assert get(created(name)).status_code == 200
            assert 1 <= len(authentication._known_keys) <= 2
