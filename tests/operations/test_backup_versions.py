"""Backups of PostgreSQL whose client programs are newer than the server, and restores elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from operations.restore import _without_unknown_settings
from tests import postgresql_servers
from tests.operations.backups import changed, manifest
from tests.operations.load import assert_holds, counted, rounds, writing
from tests.operations.server import environment_of, manage, prepared
from tests.postgresql_servers import PACKAGED, Server

SERVERS = postgresql_servers.versions()
NEWEST = max(SERVERS, key=lambda version: int(version.partition(".")[0]))
ROUNDS = 20

if connection.vendor == "postgresql":

    @pytest.fixture(scope="module", params=SERVERS)
    def server(request: pytest.FixtureRequest) -> Iterator[Server]:
        with postgresql_servers.server(SERVERS[request.param]) as one:
            yield one

    @pytest.fixture(scope="module")
    def newest() -> Iterator[Server]:
        with postgresql_servers.server(SERVERS[NEWEST]) as one:
            yield one

    def psql(server: Server, statement: str) -> str:
        program = server.programs / "psql"
        return postgresql_servers.run(program, "-Atc", statement, server.url())

    def environment(server: Server, database: str, pg_bin: Path | None) -> dict[str, str]:
        chosen = {"PG_BIN": str(pg_bin or "")}
        return environment_of(server.url(database)) | chosen

    class TestTheRecoveryDrill:
        """From a backup under four writers: into the same server, and into the newest one."""

        def test_ends_with_all_as_it_should_be(
            self, server: Server, newest: Server, tmp_path: Path
        ) -> None:
            file = tmp_path / "busy.zip"
            psql(server, "CREATE DATABASE live")
            live = environment(server, "live", PACKAGED)
            key = prepared(live)

            with writing(key, database_url=live["DATABASE_URL"]) as writers:
                told = rounds(writers, ROUNDS)
                made = manage(live, "backup", str(file))
                rounds(writers, ROUNDS)

            assert made.returncode == 0, made.stdout + made.stderr
            packaged = next(name for name, folder in SERVERS.items() if folder == PACKAGED)
            assert manifest(file)["client_version"] == packaged
            # As release 0.1.0 made it, in whose manifest nothing says whose programs it was.
            old = changed(file, tmp_path / "old.zip", client_version=None)
            for number, (target, made_file) in enumerate([(server, file), (newest, old)]):
                name = f"restored_{server.programs.parent.name}_{number}"
                psql(target, f"CREATE DATABASE {name}")
                again = environment(target, name, None)
                done = manage(again, "restore", str(made_file))
                assert done.returncode == 0, done.stdout + done.stderr
                assert done.stdout.endswith("All is as it should be.\n")
                assert_holds(counted(again["DATABASE_URL"]), told)

    class TestAFileOfNewerPrograms:
        def test_is_not_given_to_older_ones(self, tmp_path: Path, newest: Server) -> None:
            psql(newest, "CREATE DATABASE of_newer")
            live = environment(newest, "of_newer", None)
            prepared(live)
            file = tmp_path / "one.zip"
            manage(live, "backup", str(file))
            old = tmp_path / "old"
            old.mkdir()
            for name in ("pg_dump", "pg_restore", "psql"):
                (old / name).write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) 13.1"\n')
                (old / name).chmod(0o755)

            done = manage(live | {"PG_BIN": str(old)}, "restore", str(file), "--replace")

            assert done.returncode == 1
            assert "or newer are needed" in done.stderr and "13.1" in done.stderr
            assert "Traceback" not in done.stderr
            assert manage(live, "verify").returncode == 0


HEAD = b"""--
-- PostgreSQL database dump
--

\\restrict abc
SET statement_timeout = 0;
SET transaction_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
SET row_security = off;
"""
BODY = b"""
CREATE TABLE public.t (a text);
COPY public.t (a) FROM stdin;
SET transaction_timeout = 0;
\\.
"""


class TestTheHeadOfARestore:
    def test_loses_the_settings_that_the_server_does_not_know(self) -> None:
        known = frozenset([b"statement_timeout", b"row_security"])

        sent = _without_unknown_settings(HEAD + BODY, known)

        assert sent == HEAD.replace(b"SET transaction_timeout = 0;\n", b"") + BODY

    def test_loses_nothing_that_it_knows(self) -> None:
        known = frozenset([b"statement_timeout", b"row_security", b"transaction_timeout"])

        assert _without_unknown_settings(HEAD + BODY, known) == HEAD + BODY
