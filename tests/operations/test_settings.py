from pathlib import Path

import pytest

from tests.operations.processes import POSTGRESQL, PRODUCTION, python, setting


class TestASecret:
    @pytest.mark.parametrize("ending", ["", "\n"])
    def test_may_come_from_a_file(self, tmp_path: Path, ending: str) -> None:
        (tmp_path / "key").write_text(f"from-a-file{ending}")
        (tmp_path / "url").write_text(f"{POSTGRESQL}{ending}")

        secret_key, given, database = setting(
            "[settings.SECRET_KEY, settings.SECRET_KEY_GIVEN, settings.DATABASE]",
            SECRET_KEY_FILE=str(tmp_path / "key"),
            DATABASE_URL_FILE=str(tmp_path / "url"),
        )

        assert (secret_key.strip(), given) == ("from-a-file", True)
        assert (database["NAME"], database["PASSWORD"]) == ("records", "hunter2")

    def test_is_made_when_none_is_given(self) -> None:
        first, second = setting("settings.SECRET_KEY"), setting("settings.SECRET_KEY")

        assert len(first) > 50
        assert first != second


class TestTheDatabase:
    def test_is_a_file_beside_manage_py_unless_set(self) -> None:
        database = setting("settings.DATABASE")

        assert database["ENGINE"] == "operations.sqlite"
        assert database["NAME"].endswith("/steward.sqlite3")
        assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        assert database["TEST"]["NAME"].endswith("/test.sqlite3")

    def test_is_what_database_url_says_with_a_pool_of_5_and_an_overflow_of_10(self) -> None:
        database = setting("settings.DATABASE", DATABASE_URL=POSTGRESQL)

        assert database["ENGINE"] == "operations.postgresql"
        assert (database["POOL"]["pool_size"], database["POOL"]["max_overflow"]) == (5, 10)
        assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (0, False)

    def test_keeps_each_threads_connection_when_the_pool_is_off(self) -> None:
        database = setting("settings.DATABASE", DATABASE_URL=POSTGRESQL, DB_POOL="off")

        assert database["POOL"] is None
        assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (600, True)
        assert database["DISABLE_SERVER_SIDE_CURSORS"] is True

    def test_has_limits_for_statements_locks_and_idleness(self) -> None:
        database = setting("settings.DATABASE", DATABASE_URL=POSTGRESQL)

        assert database["LIMITS"] == {
            "statement_timeout": 30_000,
            "lock_timeout": 10_000,
            "idle_in_transaction_session_timeout": 60_000,
        }
        assert database["OPTIONS"]["connect_timeout"] == 5

    def test_gets_none_of_them_behind_pgbouncer_unless_asked(self) -> None:
        asked = {"DATABASE_URL": POSTGRESQL, "DB_POOL": "off", "DB_LOCK_TIMEOUT": "2.5"}

        assert setting("settings.DATABASE", **asked)["LIMITS"] == {
            "statement_timeout": 0, "lock_timeout": 2_500, "idle_in_transaction_session_timeout": 0,
        }  # fmt: skip

    @pytest.mark.parametrize(("pool", "cost"), [("on", 1.1), ("off", 0.0)])
    def test_plans_for_disks_that_do_not_turn(self, pool: str, cost: float) -> None:
        database = setting("settings.DATABASE", DATABASE_URL=POSTGRESQL, DB_POOL=pool)

        assert database["PLANNER"] == {"random_page_cost": cost}

    def test_keeps_the_options_of_its_address(self) -> None:
        url = f"{POSTGRESQL}?connect_timeout=9&sslmode=require"

        options = setting("settings.DATABASE", DATABASE_URL=url)["OPTIONS"]

        assert int(options["connect_timeout"]) == 9
        assert options["sslmode"] == "require"

    def test_may_have_any_character_in_its_password(self) -> None:
        url = "postgresql://steward:p%40ss%2Fw%3Ard@db.example/records"

        assert setting("settings.DATABASE", DATABASE_URL=url)["PASSWORD"] == "p@ss/w:rd"


class TestTheLog:
    @pytest.mark.parametrize(
        ("variables", "expected"),
        [({}, "line"), (PRODUCTION, "json"), (PRODUCTION | {"LOG_FORMAT": "line"}, "line")],
        ids=["elsewhere", "in production", "as asked"],
    )
    def test_is_for_machines_in_production(self, variables: dict[str, str], expected: str) -> None:
        assert setting("settings.LOG_FORMAT", **variables) == expected

    def test_of_an_unknown_format_is_refused(self) -> None:
        done = python("from config import settings", LOG_FORMAT="xml")

        assert "LOG_FORMAT is json or line." in done.stderr


class TestHTTPS:
    NAMES = (
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    )
    EXPRESSION = f"[getattr(settings, name) for name in {NAMES}] + [settings.SECURE_HSTS_SECONDS]"

    def test_is_required_in_production(self) -> None:
        *switches, hsts_seconds = setting(self.EXPRESSION, **PRODUCTION)

        assert switches == [True] * 4
        assert hsts_seconds >= 31_536_000

    def test_leave_hsts_to_whoever_switches_it_off(self) -> None:
        assert setting("settings.SECURE_HSTS_SECONDS", **PRODUCTION, HSTS_SECONDS="0") == 0

    @pytest.mark.parametrize("debug", ["true", "false"])
    def test_is_required_nowhere_else(self, debug: str) -> None:
        assert setting(self.EXPRESSION, DEBUG=debug) == [False] * 4 + [0]
