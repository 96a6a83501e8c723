import re
import socket
import subprocess
from pathlib import Path

from tests import forks
from tests.operations.server import environment_of, manage, postgresql
from tests.web import free_port


class TestWaiting:
    def test_ends_at_once_when_the_database_answers(self, tmp_path: Path) -> None:
        environment = environment_of(f"sqlite:///{tmp_path / 'new.sqlite3'}")

        done = manage(environment, "wait_for_database")

        assert done.returncode == 0
        assert done.stdout.startswith(f"SQLite, {tmp_path}/new.sqlite3 answers, after 0.")
        assert "tries: 1" in done.stdout

    def test_ends_with_a_last_word_that_says_what_was_tried(self) -> None:
        url = f"postgresql://steward:hunter2@127.0.0.1:{free_port()}/records"

        done = manage(environment_of(url), "wait_for_database", "--timeout", "0.5")

        assert done.returncode == 1
        assert re.search(r"did not answer within \d+\.\d s", done.stderr)
        assert "Connection refused" in done.stderr
        assert "PostgreSQL, records on 127.0.0.1" in done.stderr
        assert "DATABASE_URL" in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stdout.splitlines()) >= 2
        assert "hunter2" not in done.stdout + done.stderr

    def test_tries_once_without_time(self) -> None:
        url = f"postgresql://steward@127.0.0.1:{free_port()}/records"

        done = manage(environment_of(url), "wait_for_database", "--timeout", "0")

        assert (done.returncode, done.stdout) == (1, "")
        assert "tries: 1" in done.stderr

    def test_does_not_hang_on_a_server_that_says_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = mute.getsockname()[1]
            url = f"postgresql://steward@127.0.0.1:{port}/records?connect_timeout=2"

            done = manage(environment_of(url), "wait_for_database", "--timeout", "1")

        assert done.returncode == 1
        assert "timeout expired" in done.stderr

    def test_goes_on_until_the_server_is_there(self) -> None:
        with postgresql() as server:
            url = server.url
            server.stop()
            waiting = forks.popen(
                ["manage.py", "wait_for_database"],
                env=environment_of(url),
                stdout=subprocess.PIPE,
            )
            assert "does not answer yet" in waiting.stdout.readline()

            server.start()
            said, _ = waiting.communicate(timeout=60)

        assert waiting.returncode == 0
        assert "answers, after" in said.splitlines()[-1]
