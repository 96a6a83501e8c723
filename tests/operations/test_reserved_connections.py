"""Connections that PostgreSQL keeps for operators, as docs/deployment.md sets them up."""

import re
from contextlib import ExitStack, closing

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from tests import postgresql_servers
from tests.operations.server import environment_of, manage
from tests.postgresql_servers import PACKAGED

if connection.vendor == "postgresql":

    def test_an_operator_gets_in_when_steward_has_used_up_its_own() -> None:
        document = (settings.BASE_DIR / "docs" / "deployment.md").read_text()
        [grants] = re.findall(r"^```sql\n(CREATE ROLE operator.*?)^```", document, re.M | re.S)
        reserved = re.findall(r"`(reserved_connections = \d+)`", document)
        with postgresql_servers.server(PACKAGED) as server, ExitStack() as opened:
            with (server.data / "postgresql.conf").open("a") as file:
                file.write("\n".join(reserved))
            server.stop()
            server.start()
            for statement in (
                "CREATE ROLE steward LOGIN",
                "CREATE DATABASE live OWNER steward",
                grants,
            ):
                postgresql_servers.run(server.programs / "psql", server.url(), "-qc", statement)
            url = {role: server.url("live").replace("postgres@", f"{role}@")
                   for role in ("steward", "operator")}  # fmt: skip
            assert manage(environment_of(url["steward"]), "migrate").returncode == 0

            with pytest.raises(psycopg2.OperationalError, match="pg_use_reserved_connections"):
                while True:
                    opened.enter_context(closing(psycopg2.connect(url["steward"])))

            found = manage(environment_of(url["operator"]), "verify")
            assert found.stdout.endswith("All is as it should be.\n"), found.stdout + found.stderr
