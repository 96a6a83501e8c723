"""Staff's log-in: locked after too many wrong passwords, by name and address, for a while."""

import datetime
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client, RequestFactory, override_settings

from access.checks import check_proxies
from access.staff import client_ip

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LIMIT = 5


@pytest.fixture(autouse=True)
def eve() -> User:
    return User.objects.create_user("eve", password=PASSWORD, is_staff=True)


def log_in(password: str, name: str = "eve", **meta: Any) -> Any:
    client = Client(raise_request_exception=False)
    return client.post("/admin/login/", {"username": name, "password": password}, **meta)


def fail(times: int, **meta: Any) -> list[int]:
    return [log_in("wrong", **meta).status_code for _ in range(times)]


def let_pass(minutes: float) -> None:
    AccessAttempt.objects.update(
        attempt_time=F("attempt_time") - datetime.timedelta(minutes=minutes)
    )


class TestALogIn:
    def test_is_locked_at_the_limit_for_the_right_password_too(self) -> None:
        assert fail(LIMIT + 1) == [200] * (LIMIT - 1) + [429] * 2

        response = log_in(PASSWORD)

        assert response.status_code == 429
        assert response["Retry-After"] == "900"
        assert "no-store" in response["Cache-Control"]
        assert "sessionid" not in response.cookies
        assert "15 minutes" in " ".join(response.content.decode().split())

    @pytest.mark.parametrize("query", ["", "?next=", "?next=https://evil.example/"])
    def test_leads_to_the_admin_from_its_bare_address(self, query: str) -> None:
        client = Client()

        response = client.post(
            f"/admin/login/{query}", {"username": "eve", "password": PASSWORD}, follow=True
        )

        assert response.redirect_chain == [("/admin/", 302)]
        assert response.status_code == 200

    def test_begins_anew_after_a_right_password(self) -> None:
        fail(LIMIT - 1)
        assert log_in(PASSWORD).status_code == 302

        assert fail(LIMIT - 1) == [200] * (LIMIT - 1)

    def test_is_open_again_after_the_lock(self) -> None:
        fail(LIMIT)
        let_pass(14)
        assert log_in(PASSWORD).status_code == 429

        let_pass(1)

        assert log_in(PASSWORD).status_code == 302

    def test_is_not_locked_for_longer_by_trying_on(self) -> None:
        fail(LIMIT)
        let_pass(10)
        fail(3)

        let_pass(5)

        assert log_in(PASSWORD).status_code == 302

    def test_of_another_name_or_address_stays_open(self) -> None:
        User.objects.create_user("bob", password=PASSWORD, is_staff=True)
        fail(LIMIT)

        assert log_in(PASSWORD, name="bob").status_code == 302
        assert log_in(PASSWORD, REMOTE_ADDR="192.0.2.9").status_code == 302

    def test_keeps_no_password(self) -> None:
        log_in("my-secret-guess")

        attempt = AccessAttempt.objects.get()
        assert "my-secret-guess" not in f"{attempt.post_data}{attempt.get_data}"

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", "a" * 5000), ("name", "a\0b"), ("name", "\ud83d"), ("password", "\0" * 300)],
        ids=["a long name", "a NUL", "half a character", "NULs"],
    )
    def test_takes_any_input(self, field: str, value: str) -> None:
        given = {"name": "eve", "password": "wrong"} | {field: value}
        sent = {name: text.encode("utf-8", "surrogatepass") for name, text in given.items()}

        response = Client(raise_request_exception=False).post(
            "/admin/login/", {"username": sent["name"], "password": sent["password"]}
        )

        assert response.status_code in (200, 400)

    @pytest.mark.parametrize("agent", ["a" * 5000, "é" * 300, ""])
    def test_takes_any_browser(self, agent: str) -> None:
        assert log_in("wrong", HTTP_USER_AGENT=agent).status_code == 200

    @pytest.mark.parametrize(
        ("query", "meta"),
        [("?next=%00", {}), ("?%00", {}), ("", {"HTTP_USER_AGENT": "a\0b"}), ("%00", {})],
    )
    def test_refuses_a_nul_outside_of_its_form(self, query: str, meta: Any) -> None:
        response = Client(raise_request_exception=False).post(
            f"/admin/login/{query}", {"username": "eve", "password": "wrong"}, **meta
        )

        assert response.status_code == 400
        assert not AccessAttempt.objects.exists()


class TestBehindAProxy:
    @override_settings(PROXY_COUNT=1)
    def test_each_client_is_locked_by_its_own_address(self) -> None:
        fail(LIMIT, HTTP_X_FORWARDED_FOR="203.0.113.5")

        assert log_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.5").status_code == 429
        assert log_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.6").status_code == 302

    @override_settings(PROXY_COUNT=1)
    def test_an_address_that_the_client_made_up_opens_nothing(self) -> None:
        for number in range(LIMIT):
            log_in("wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 203.0.113.5")

        response = log_in(PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.99, 203.0.113.5")

        assert response.status_code == 429

    def test_none_is_believed_unless_it_is_set(self) -> None:
        for number in range(LIMIT):
            log_in("wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")

        assert log_in(PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 429

    @pytest.mark.parametrize(
        ("count", "forwarded", "address"),
        [
            (0, "203.0.113.5", "192.0.2.1"),
            (1, "203.0.113.5", "203.0.113.5"),
            (1, "198.51.100.1,203.0.113.5", "203.0.113.5"),
            (2, "198.51.100.1, 203.0.113.5, 192.0.2.7", "203.0.113.5"),
            (2, "203.0.113.5", "203.0.113.5"),
            (1, "2001:DB8::5", "2001:db8::5"),
            (1, "", "192.0.2.1"),
            (1, "unknown", None),
            (1, "203.0.113.5, evil'--", None),
        ],
    )
    def test_the_address_is_that_of_the_outermost_of_ours(
        self, count: int, forwarded: str, address: str | None
    ) -> None:
        request = RequestFactory().get(
            "/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR="192.0.2.1"
        )

        with override_settings(PROXY_COUNT=count):
            assert client_ip(request) == address

    @pytest.mark.parametrize(
        ("proxies", "caller", "address"),
        [
            ([], "192.0.2.1", "203.0.113.5"),
            (["192.0.2.1"], "192.0.2.1", "203.0.113.5"),
            (["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.1", "203.0.113.5"),
            (["2001:db8::/32"], "2001:db8::7", "203.0.113.5"),
            (["2001:db8::/32"], "192.0.2.1", "192.0.2.1"),
            (["192.0.2.0/24"], "198.51.100.1", "198.51.100.1"),
            (["192.0.2.0/24"], "", "203.0.113.5"),  # a proxy on a Unix socket
        ],
    )
    def test_only_proxies_are_believed_where_they_are_known(
        self, proxies: list[str], caller: str, address: str
    ) -> None:
        request = RequestFactory().get(
            "/", headers={"X-Forwarded-For": "203.0.113.5"}, REMOTE_ADDR=caller
        )

        with override_settings(PROXY_COUNT=1, PROXY_ADDRESSES=proxies):
            assert client_ip(request) == address

    @override_settings(PROXY_ADDRESSES=["10.0.0.0/8", "the proxy"])
    def test_an_address_that_is_none_refuses_the_start(self) -> None:
        [error] = check_proxies(None)

        assert (error.id, "'the proxy'" in error.msg) == ("access.E009", True)

    @override_settings(PROXY_COUNT=1)
    def test_a_log_in_without_an_address_is_locked_all_the_same(self) -> None:
        assert fail(LIMIT, HTTP_X_FORWARDED_FOR="unknown")[-1] == 429


class TestASession:
    def test_has_a_cookie_that_scripts_cannot_read(self) -> None:
        cookie = log_in(PASSWORD).cookies["sessionid"]

        assert cookie["httponly"] is True
        assert cookie["samesite"] == "Lax"
        assert cookie["max-age"] == 43_200

    def test_outlives_a_new_secret_key_while_the_old_one_is_among_the_fallbacks(
        self, settings: Any
    ) -> None:
        client = Client()
        with override_settings(SECRET_KEY="a" * 50):
            client.force_login(User.objects.get())
            assert client.get("/admin/").status_code == 200

        with override_settings(SECRET_KEY="b" * 50, SECRET_KEY_FALLBACKS=["a" * 50]):
            assert client.get("/admin/").status_code == 200
            renewed = client.cookies["sessionid"].value

        # By then the session is signed anew, so that the old key may go.
        with override_settings(SECRET_KEY="b" * 50):
            assert client.get("/admin/").status_code == 200
        assert renewed

    def test_ends_with_the_key_that_signed_it(self) -> None:
        client = Client()
        with override_settings(SECRET_KEY="a" * 50):
            client.force_login(User.objects.get())

        with override_settings(SECRET_KEY="b" * 50, SECRET_KEY_FALLBACKS=[]):
            assert client.get("/admin/").status_code == 302
