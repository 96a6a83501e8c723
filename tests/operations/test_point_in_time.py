"""The recipe for recovery to a point in time, run as docs/operations.md has it."""

import datetime
import os
import re
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests import postgresql_servers
from tests.operations.load import counted, rounds, writing
from tests.operations.server import environment_of, manage, prepared
from tests.postgresql_servers import PACKAGED, Server, owned_folder

ROUNDS = 20
SCRIPTS = settings.BASE_DIR / "deploy" / "postgresql"
SCRIPT = SCRIPTS / "archive_wal.sh"


def blocks() -> list[str]:
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    section = re.split(r"^## ", text.split("## Point-in-time recovery\n")[1], flags=re.M)[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)


def settings_of_the_document(script: Path, archive: Path) -> list[str]:
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    [block] = re.findall(r"^```ini\n(wal_level.*?)^```", text, re.M | re.S)
    command = f"'{script} %p {archive}/wal/%f'"
    return re.sub(r"'.*'", lambda _: command, block).splitlines()


class Drill:
    """A server with its archive, and a shell of the server's user."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.archive = owned_folder(server.folder / "archive")
        owned_folder(self.archive / "base")
        owned_folder(self.archive / "wal")
        # The server's user may not be allowed to read this project.
        script = server.folder / "archive_wal.sh"
        for name in (script.name, "base_backup.sh"):
            shutil.copy(SCRIPTS / name, server.folder / name)
        with (server.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(settings_of_the_document(script, self.archive)) + "\n")
            # What the tests' servers are told on the command line, for a start by hand.
            for setting in (f"unix_socket_directories={server.folder}", *server.settings):
                name, _, value = setting.partition("=")
                file.write(f"{name} = '{value}'\n")
        server.stop()
        server.start()

    def shell(self, script: str, **variables: object) -> str:
        given = {
            "PATH": f"{self.server.programs}:{os.environ['PATH']}",
            "PGHOST": self.server.folder,
            "PGUSER": "postgres",
            "PGDATA": self.server.data,
            "ARCHIVE": self.archive,
            "BROKEN": self.server.folder / "broken",
        } | variables
        exports = "".join(f'export {name}="{value}"\n' for name, value in given.items())
        script = script.replace("/srv/steward/deploy/postgresql", str(self.server.folder))
        return postgresql_servers.run("sh", "-eu", "-c", exports + script)

    def psql(self, statement: str) -> str:
        return self.shell(f'psql --no-psqlrc -At -c "{statement}" postgres').strip()

    def bases(self) -> list[Path]:
        return sorted((self.archive / "base").iterdir())


if connection.vendor == "postgresql":

    def test_a_server_is_brought_back_to_the_moment_before_an_accident() -> None:
        base, recover, look, finish = blocks()
        with postgresql_servers.server(PACKAGED) as server:
            drill = Drill(server)
            drill.psql("CREATE ROLE backup LOGIN REPLICATION")
            live = environment_of(server.url())
            key = prepared(live)
            with writing(key, database_url=live["DATABASE_URL"]) as writers:
                rounds(writers, ROUNDS)
                drill.shell(base)
                rounds(writers, ROUNDS)
            before = counted(live["DATABASE_URL"])
            target = drill.psql("SELECT clock_timestamp()")
            drill.psql("DELETE FROM conversations_message; DELETE FROM conversations_conversation")
            assert counted(live["DATABASE_URL"]) == {}
            [chosen] = drill.bases()

            drill.shell(recover, TARGET=target, BASE=chosen)

            is_paused, moment = drill.shell(look).strip().split("|")
            assert is_paused == "t" and moment < target
            assert counted(live["DATABASE_URL"]) == before
            drill.shell(finish)
            assert manage(live, "verify").stdout.endswith("All is as it should be.\n")
            assert counted(live["DATABASE_URL"]) == before
            # In force until the next start, and gone from what that start reads.
            assert "recovery" not in (server.data / "postgresql.auto.conf").read_text()
            assert manage(live, "create_api_key", "later", "--scopes", "all").returncode == 0

    def test_base_backups_and_wal_that_nothing_needs_go() -> None:
        base = blocks()[0]
        with postgresql_servers.server(PACKAGED) as server:
            drill = Drill(server)
            drill.psql("CREATE ROLE backup LOGIN REPLICATION")
            script = server.folder / "base_backup.sh"
            now, dated = datetime.datetime.now(datetime.UTC), script.read_text()
            owned_folder(drill.archive / "base" / "unfinished")  # of one that was broken off
            # Of three days, and of a day on which it was started again and again.
            made = [f"{now - datetime.timedelta(days=days):%Y%m%d}-{number:06}"
                    for number, days in enumerate((9, 8, 6, 0, 0, 0))]  # fmt: skip
            for name in made:
                script.write_text(
                    dated.replace('base/$(date -u +%Y%m%d-%H%M%S)"\n', f'base/{name}"\n')
                )
                drill.shell(base)
                drill.psql("SELECT pg_switch_wal()")

            # The last seven days begin in what was written after the second one.
            assert [folder.name for folder in drill.bases()] == made[1:]
            kept = [
                file.name.partition(".")[0] for file in (drill.archive / "wal").glob("*[0-9A-F].gz")
            ]
            label = (drill.bases()[0] / "backup_label").read_text()
            [needed] = re.findall(r"file (\w+)", label)
            assert min(kept) == needed


def test_the_archive_takes_a_file_once_and_never_another_in_its_place(tmp_path: Path) -> None:
    segment, other, target = tmp_path / "segment", tmp_path / "other", tmp_path / "000000010000"
    segment.write_bytes(b"wal" * 1000)
    other.write_bytes(b"law" * 1000)

    codes = [os.system(f"sh {SCRIPT} {file} {target}") for file in (segment, segment, other)]

    assert [code == 0 for code in codes] == [True, True, False]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000000010000.gz",
        "other",
        "segment",
    ]
