"""The files of the deployment are held to the project, since no test builds an image."""

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.db import connection

from common.api import problems
from tests.test_docs import variables_read

ROOT = Path(settings.BASE_DIR)
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
MAKEFILE = (ROOT / "Makefile").read_text()
COMPOSE: Any = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
RAILWAY = {name: json.loads((ROOT / name).read_text())
           for name in ("railway.json", "deploy/railway.maintain.json")}  # fmt: skip
OURS = ("web", "maintain", "backup")
POSTGRESQL = ("database", "base_backup")
# Read by others than Steward's own settings.
NOT_OURS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
SCRIPTS = ("deploy/start.sh", *(f"deploy/postgresql/{name}.sh"
           for name in ("10-steward", "archive_wal", "base_backup")))  # fmt: skip


def instructions(name: str) -> list[str]:
    return re.findall(rf"^\s*{name} (.*)$", DOCKERFILE, re.M)


def copied() -> list[str]:
    """What the Dockerfile copies from the project."""
    found = []
    for line in instructions("COPY"):
        if not line.startswith("--from"):
            found += line.split()[:-1]
    return found


def commands_of(service: str) -> list[str]:
    return list(COMPOSE["services"][service].get("command", []))


class TestTheImage:
    def test_has_the_projects_python(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

        [base] = {line.split()[0] for line in instructions("FROM")}
        assert re.fullmatch(r"python:3\.11\.\d+-slim-trixie@sha256:[0-9a-f]{64}", base)
        assert project["requires-python"] == ">=3.11"
        [label] = instructions("LABEL")
        assert f'base.name="docker.io/library/{base.partition("@")[0]}"' in label

    def test_knows_the_release_that_it_was_built_of(self) -> None:
        assert instructions("ARG") == ['STEWARD_RELEASE=""']
        assert "STEWARD_RELEASE=$STEWARD_RELEASE" in instructions("ENV")
        assert "image.version=$STEWARD_RELEASE" in instructions("LABEL")[0]
        assert "--build-arg STEWARD_RELEASE=" in MAKEFILE

    def test_copies_what_is_there(self) -> None:
        assert [name for name in copied() if not (ROOT / name).exists()] == []

    def test_copies_every_package_that_runs(self) -> None:
        installed = {app.split(".")[0] for app in settings.INSTALLED_APPS}
        packages = {path.name for path in ROOT.iterdir() if (path / "apps.py").exists()}

        assert {"config", "manage.py", "pyproject.toml"} | packages & installed <= set(copied())

    def test_is_not_given_more_than_it_copies(self) -> None:
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        allowed = [line[1:] for line in lines if line.startswith("!")]

        assert next(line for line in lines if not line.startswith("#")) == "*"
        assert sorted(allowed) == sorted(copied())
        left_out = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
        for name in (".env", "steward.sqlite3", "steward.sqlite3-wal", "x.pyc"):
            assert any(fnmatch.fnmatch(name, pattern) for pattern in left_out), name

    def test_does_not_run_as_root(self) -> None:
        user, command = DOCKERFILE.index("\nUSER 10001:10001"), DOCKERFILE.index("\nCMD ")

        assert user < command
        assert "RUN" not in DOCKERFILE[user:]

    def test_sets_variables_that_are_read(self) -> None:
        names = {pair.split("=")[0] for line in instructions("ENV") for pair in line.split()}

        assert names - NOT_OURS <= set(variables_read())

    def test_compiles_whatever_it_imports(self) -> None:
        [run] = [line for line in instructions("RUN") if "compileall" in line]
        [base] = {line.split()[0] for line in instructions("FROM")}

        version = ".".join(base.partition(":")[2].split(".")[:2])
        assert f" /usr/local/lib/python{version} " in run
        assert run.endswith("compileall -q /venv/lib .")
        assert DOCKERFILE.index("compileall") > DOCKERFILE.rindex("\nCOPY ")

    def test_has_backups_programs_and_no_wrappers_that_need_perl(self) -> None:
        first, second = DOCKERFILE.split("\nFROM ")[-2:]

        assert "postgresql-client" in first and "postgresql-client" not in second
        assert "COPY --from=packages /usr/lib/postgresql /usr/lib/postgresql" in second
        # A library that it misses shows when the image is built.
        assert "for program in pg_dump pg_restore psql; do" in second
        assert "--version || exit 1; done" in second

    def test_serves_the_port_it_names(self) -> None:
        start = (ROOT / "deploy" / "start.sh").read_text()

        assert instructions("EXPOSE") == ["8000"]
        assert '--bind "${BIND:-0.0.0.0:${PORT:-8000}}"' in start
        assert "'PORT', '8000'" in DOCKERFILE
        assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]

    def test_is_checked_without_a_program_of_its_own(self) -> None:
        [check] = instructions("HEALTHCHECK")
        command = json.loads(check.partition(" CMD ")[2])

        assert "/health/live" in command[2]

        compile(command[2], "healthcheck", "exec")
        assert command[:2] == ["python", "-c"]
        refused = subprocess.run(
            [sys.executable, *command[1:]], env={"PORT": "1"}, capture_output=True, text=True
        )
        assert refused.returncode == 1

    def test_starts_with_commands_that_there_are(self) -> None:
        start = (ROOT / "deploy" / "start.sh").read_text()

        used = re.findall(r"manage\.py (\w+)", start)
        assert used == ["wait_for_database", "migrate"]
        assert (
            start.rstrip().splitlines()[-1].startswith("exec gunicorn --config config/gunicorn.py")
        )


class TestCompose:
    def test_runs_commands_that_there_are(self) -> None:
        commands = " ".join(word for service in OURS for word in commands_of(service))
        names = re.findall(r"manage\.py (\w+)", commands)

        assert names == ["maintain", "backup"]
        assert set(names) <= set(get_commands())

    @pytest.mark.parametrize("service", [*OURS, "base_backup"])
    def test_keeps_our_containers_closed(self, service: str) -> None:
        found = COMPOSE["services"][service]

        assert found["read_only"] is True
        assert found["tmpfs"] == ["/tmp"]
        assert found["cap_drop"] == ["ALL"]
        assert found["security_opt"] == ["no-new-privileges:true"]

    @pytest.mark.parametrize("service", [*POSTGRESQL, *OURS])
    def test_restarts_what_ends(self, service: str) -> None:
        assert COMPOSE["services"][service]["restart"] == "unless-stopped"

    def test_sets_variables_that_are_read(self) -> None:
        names = {name.removesuffix("_FILE") for name in COMPOSE["services"]["web"]["environment"]}

        assert names <= set(variables_read())

    @pytest.mark.parametrize("service", OURS)
    def test_passes_every_variable_but_those_it_sets_itself(self, service: str) -> None:
        found = COMPOSE["services"][service]

        assert found["env_file"] == ".env"
        assert set(found["environment"]) == {"BIND", "PORT", "SECRET_KEY_FILE", "DATABASE_URL_FILE"}
        # Nothing that a shell would have to set: every command works in any.
        assert "${" not in (ROOT / "docker-compose.yml").read_text()

    @pytest.mark.parametrize("service", [*POSTGRESQL, *OURS])
    def test_bounds_logs_and_memory(self, service: str) -> None:
        found = COMPOSE["services"][service]

        assert found["logging"]["options"] == {"max-size": "20m", "max-file": "5"}
        assert found["mem_limit"] in ("1g", "2g")
        assert found.get("init", service == "database")

    def test_has_its_secrets_in_files_that_are_not_kept(self) -> None:
        files = [secret["file"] for secret in COMPOSE["secrets"].values()]
        used = {name for one in COMPOSE["services"].values() for name in one.get("secrets", ())}

        assert used == set(COMPOSE["secrets"])
        assert all(file.startswith("deploy/secrets/") for file in files)
        assert "deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
        document = (ROOT / "docs" / "deployment.md").read_text()
        assert [file for file in files if file not in document] == []

    def test_waits_for_the_database_and_its_tables(self) -> None:
        services = COMPOSE["services"]

        assert services["web"]["depends_on"] == {"database": {"condition": "service_healthy"}}
        assert services["maintain"]["depends_on"] == {"web": {"condition": "service_healthy"}}
        assert "--host=127.0.0.1" in services["database"]["healthcheck"]["test"]

    @pytest.mark.parametrize("service", POSTGRESQL)
    def test_mounts_what_is_there(self, service: str) -> None:
        mounts = COMPOSE["services"][service]["volumes"]
        paths = [mount.split(":")[0] for mount in mounts if mount.startswith("./deploy")]

        assert paths and [path for path in paths if not (ROOT / path).exists()] == []

    def test_runs_one_script_when_the_database_is_made(self) -> None:
        mounts = COMPOSE["services"]["database"]["volumes"]
        run = [mount for mount in mounts if "docker-entrypoint-initdb.d" in mount]

        name = "10-steward.sh"
        assert run == [f"./deploy/postgresql/{name}:/docker-entrypoint-initdb.d/{name}:ro"]

    def test_archives_wal_as_the_recipe_for_recovery_says(self) -> None:
        document = (ROOT / "docs" / "operations.md").read_text()
        [block] = re.findall(r"^```ini\n(wal_level.*?)^```", document, re.M | re.S)
        said = dict(line.split(" = ") for line in block.splitlines())

        command = COMPOSE["services"]["database"]["command"]
        given = dict(word.removeprefix("--").split("=", 1) for word in command[1:])
        assert command[0] == "postgres"
        assert given == {name: value.strip("'") for name, value in said.items()}

    def test_makes_base_backups_of_what_is_archived(self) -> None:
        services = COMPOSE["services"]
        [loop] = services["base_backup"]["command"]
        shared = {"socket:/var/run/postgresql", "./archive:/archive",
                  "./deploy/postgresql:/srv/steward/deploy/postgresql:ro"}  # fmt: skip

        assert "sh /srv/steward/deploy/postgresql/base_backup.sh /archive 2;" in loop
        assert services["base_backup"]["image"] == services["database"]["image"]
        for service in POSTGRESQL:
            assert shared <= set(services[service]["volumes"])
        # Whatever made ./archive: a server that cannot write there fills its disk with WAL.
        makes = services["database"]["entrypoint"][2]
        assert (
            "install -d -o postgres -g postgres -m 0700 /archive /archive/base /archive/wal"
            in makes
        )
        assert makes.endswith('exec docker-entrypoint.sh "$$@"')
        assert "archive/" in (ROOT / ".gitignore").read_text().splitlines()

    @pytest.mark.django_db(transaction=True)
    def test_makes_a_role_that_makes_no_temporary_tables(self) -> None:
        script = (ROOT / "deploy" / "postgresql" / "10-steward.sh").read_text()
        own = f"steward_of_{connection.settings_dict['NAME']}"
        lines = [
            line.replace(":'password'", "'x'").replace(" steward", f' "{own}"')
            for line in script.splitlines()
            if line.startswith(("CREATE", "REVOKE"))
        ]
        assert len(lines) == 4
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            try:
                for line in lines:
                    cursor.execute(line)
                cursor.execute(
                    "SELECT has_database_privilege(%s, %s, 'TEMPORARY'),"
                    " has_database_privilege(%s, %s, 'CONNECT'), rolsuper"
                    " FROM pg_roles WHERE rolname = %s",
                    [own, own, own, own, own],
                )
                assert cursor.fetchone() == (False, True, False)
            finally:
                cursor.execute(f'DROP DATABASE IF EXISTS "{own}"')
                cursor.execute(f'DROP ROLE IF EXISTS "{own}"')


class TestRailway:
    def test_builds_the_image(self) -> None:
        for document in RAILWAY.values():
            assert document["build"] == {"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile"}

    def test_asks_whether_it_is_ready(self) -> None:
        deploy = RAILWAY["railway.json"]["deploy"]

        assert deploy["healthcheckPath"] == "/health/ready"
        assert deploy["restartPolicyType"] == "ON_FAILURE"
        assert "startCommand" not in deploy  # the image's own

    def test_runs_maintenance_every_hour(self) -> None:
        deploy = RAILWAY["deploy/railway.maintain.json"]["deploy"]

        assert deploy["startCommand"] == "python manage.py maintain"
        assert deploy["cronSchedule"] == "0 * * * *"


class TestAllOfThem:
    @pytest.mark.parametrize("name", SCRIPTS)
    def test_scripts_are_right(self, name: str) -> None:
        assert subprocess.run(["sh", "-n", ROOT / name]).returncode == 0
        assert "set -eu" in (ROOT / name).read_text()

    def test_hold_no_secret(self) -> None:
        files = [ROOT / "Dockerfile", ROOT / "docker-compose.yml", ROOT / "railway.json"]
        files += [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
        names = "SECRET_KEY|PASSWORD|DATABASE_URL"
        secret = re.compile(rf"(?:{names})\s*[=:]\s*(?!/run/secrets/|:?')\S+")

        for file in files:
            if "secrets" not in file.parts:
                assert secret.findall(file.read_text()) == [], file

    def test_serve_behind_the_scheme_and_size_that_steward_knows(self) -> None:
        nginx = (ROOT / "deploy" / "nginx.conf").read_text()

        assert "X-Forwarded-Proto $scheme" in nginx
        assert "Host $http_host;" in nginx  # with its port, which $host loses
        size = int(re.findall(r"client_max_body_size (\d+)m", nginx)[0]) * 1024 * 1024
        assert size > settings.MAX_BODY_BYTES

    def test_say_what_the_proxy_refuses_as_problems(self) -> None:
        nginx = (ROOT / "deploy" / "nginx.conf").read_text()
        refused = re.findall(r"^    error_page (.*) /.refused/(\d+);", nginx, re.M)
        said = re.findall(r"= /.refused/(\d+) \{[^}]*return (\d+) '(.*)';\n    \}", nginx)
        codes = problems.problem_codes() | {"upstream_unavailable": 502}

        assert [code for _, code in refused] == [code for code, _, _ in said]
        for code, status, body in said:
            problem = json.loads(body)
            assert code == status == str(problem["status"])
            assert problem["type"] == f"urn:steward:problem:{problem['code']}"
            assert codes[problem["code"]] in (problem["status"], 502)

    def test_end_a_wait_for_the_database_before_the_proxy_does(self) -> None:
        nginx = (ROOT / "deploy" / "nginx.conf").read_text()
        pgbouncer = (ROOT / "deploy" / "pgbouncer.ini").read_text()

        [proxy_waits] = re.findall(r"proxy_read_timeout (\d+)s", nginx)
        [query_waits] = re.findall(r"^query_wait_timeout = (\d+)$", pgbouncer, re.M)
        assert int(query_waits) < int(proxy_waits)
