import datetime
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from access.models import ApiKey
from conversations.models import Conversation
from operations.backup_files import DUMP
from operations.release import release
from tests.asserts import stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of
from tests.operations.backups import backup, changed, command, manifest

pytestmark = pytest.mark.django_db(transaction=True)


ASKED = [{"role": "user", "content": f"pump {number}"} for number in range(3)]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestABackup:
    def test_is_one_file_for_its_owner_alone(self, tmp_path: Path) -> None:
        code, said = command("backup", tmp_path / "daily.zip")

        assert code == 0
        assert f"{tmp_path / 'daily.zip'}: 0." in said
        assert files(tmp_path) == ["daily.zip"]
        assert (tmp_path / "daily.zip").stat().st_mode & 0o777 == 0o600

    def test_says_in_its_manifest_what_it_is(self, tmp_path: Path) -> None:
        file = backup(tmp_path / "daily.zip")

        document = manifest(file)

        with zipfile.ZipFile(file) as archive:
            dump = archive.read(DUMP)
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            applied = sorted(cursor.fetchall())
        assert document["format"] == 1
        assert document["engine"] == connection.vendor
        assert document["version"] == release()
        assert document["byte_size"] == len(dump)
        assert document["sha256"] == hashlib.sha256(dump).hexdigest()
        assert [
            (app, name) for app, names in document["migrations"].items() for name in names
        ] == applied
        assert datetime.datetime.fromisoformat(document["created_at"]).tzinfo is not None

    def test_gets_a_name_by_its_time_in_a_folder(self, tmp_path: Path) -> None:
        command("backup", tmp_path)

        [name] = files(tmp_path)
        assert datetime.datetime.strptime(name, "steward-%Y%m%d-%H%M%S.zip")

    def test_takes_the_place_of_an_older_one(self, tmp_path: Path) -> None:
        file = backup(tmp_path / "daily.zip")
        first = manifest(file)["created_at"]

        backup(file)

        assert manifest(file)["created_at"] > first

    @pytest.mark.parametrize("content", [b"", b"my thesis", b"PK\x03\x04"])
    def test_never_takes_the_place_of_another_file(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "thesis.zip"
        file.write_bytes(content)

        code, said = command("backup", file)

        assert code == 1
        assert "is no backup; choose another name" in said
        assert file.read_bytes() == content and files(tmp_path) == ["thesis.zip"]

    def test_into_a_folder_that_is_not_there_fails(self, tmp_path: Path) -> None:
        code, said = command("backup", tmp_path / "nowhere" / "daily.zip")

        assert code == 1
        assert said.startswith("The backup failed: ") and "nowhere" in said

    def test_removes_what_a_killed_one_left(self, tmp_path: Path) -> None:
        left = tmp_path / ".steward-backup-left"
        left.mkdir()
        (left / "backup").write_bytes(b"half")

        backup(tmp_path / "daily.zip")

        assert files(tmp_path) == ["daily.zip"]


class TestARestore:
    def test_brings_everything_back(self, person: ApiClient, tmp_path: Path) -> None:
        conversation = person.post("/conversations", {"title": "Heat", "messages": ASKED}).json()
        person.post("/credits/transactions", {"type": "deduct", "amount": 3})
        before, keys = stored(), list(ApiKey.objects.values())
        file = backup(tmp_path / "daily.zip")
        person.post("/credits/transactions", {"type": "deduct", "amount": 4})
        person.delete(f"/conversations/{conversation['id']}")
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE later (id integer)")

        code, said = command("restore", file, "--replace")

        assert code == 0, said
        assert said.startswith("Restored ") and said.endswith("All is as it should be.\n")
        assert stored() == before and list(ApiKey.objects.values()) == keys
        assert "later" not in connection.introspection.table_names()
        assert person.get("/credits").json()["available_credits"] == 47
        again = person.post("/credits/transactions", {"type": "deduct", "amount": 1})
        assert (again.status_code, again.json()["sequence"]) == (201, 3)
        assert person.post("/conversations", {}).status_code == 201

    def test_of_an_older_release_is_brought_to_this_one(
        self, person: ApiClient, tmp_path: Path
    ) -> None:
        person.post("/conversations", {"title": "Heat", "messages": ASKED})
        file = backup(tmp_path / "new.zip")
        command("migrate", "operations", "0001", "--verbosity=0")
        old = backup(tmp_path / "old.zip")
        assert manifest(old)["migrations"]["operations"] == ["0001_erasure"]

        code, said = command("restore", old, "--replace")

        assert code == 0, said
        assert "operations_maintenancerun" in connection.introspection.table_names()
        assert Conversation.objects.count() == 1
        assert manifest(backup(file))["migrations"] == manifest(file)["migrations"]

    def test_says_when_what_it_restored_is_not_right(self, tmp_path: Path) -> None:
        conversation = make_conversation_of(2)
        Conversation.objects.filter(pk=conversation.pk).update(message_count=5)
        file = backup(tmp_path / "daily.zip")

        code, said = command("restore", file, "--replace")

        assert code == 1
        assert "BAD  conversations.positions" in said
        assert "It was restored, and it is not as it should be" in said


def flipped(content: bytes, at: float) -> bytes:
    place = int(at * len(content))
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


DAMAGES: dict[str, Any] = {
    "empty": lambda content: b"",
    "another file": lambda content: b"my thesis " * 500,
    "cut off": lambda content: content[:-100],
    "half": lambda content: content[: len(content) // 2],
    "a byte early": lambda content: flipped(content, 0.1),
    "a byte in the middle": lambda content: flipped(content, 0.5),
    "a byte late": lambda content: flipped(content, 0.9),
}
OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "of another checksum": ({"sha256": "0" * 64}, "checksum"),
    "of another size": ({"byte_size": 7}, "checksum"),
    "of a later format": ({"format": 2}, "later format"),
    "without an engine": ({"engine": None}, "no backup of Steward"),
    "without a time": ({"created_at": None}, "no backup of Steward"),
    "of another engine": (
        {"engine": "sqlite" if connection.vendor == "postgresql" else "postgresql"},
        "The backup is of",
    ),
    "of a newer release": (
        {"version": "9.9", "migrations": {"billing": ["0001_initial", "0099_later"]}},
        "does not know billing.0099_later",
    ),
}


class TestARefusedRestore:
    @pytest.fixture(autouse=True)
    def records(self, key: str) -> None:
        make_conversation_of(3)

    def assert_refused(self, file: Path, *arguments: str, saying: str = "") -> None:
        before, there = stored(), files(file.parent)

        code, said = command("restore", file, *arguments)

        assert code == 1
        assert saying in said and "Traceback" not in said
        assert stored() == before
        assert files(file.parent) == there

    @pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
    def test_is_that_of_a_damaged_file(self, tmp_path: Path, damage: Any) -> None:
        file = backup(tmp_path / "daily.zip")
        file.write_bytes(damage(file.read_bytes()))

        self.assert_refused(file, "--replace", saying="damaged")

    @pytest.mark.parametrize(("values", "saying"), OTHERS.values(), ids=OTHERS)
    def test_is_that_of_a_file(self, tmp_path: Path, values: dict[str, Any], saying: str) -> None:
        file = changed(backup(tmp_path / "daily.zip"), tmp_path / "other.zip", **values)

        self.assert_refused(file, "--replace", saying=saying)

    def test_is_that_over_tables_without_being_told(self, tmp_path: Path) -> None:
        self.assert_refused(backup(tmp_path / "daily.zip"), saying="--replace puts the backup")

    def test_is_that_of_no_file(self, tmp_path: Path) -> None:
        self.assert_refused(tmp_path / "daily.zip", "--replace", saying="daily.zip")

    def test_is_undone_where_it_fails_on_the_way(self, tmp_path: Path) -> None:
        file = backup(tmp_path / "daily.zip")
        with zipfile.ZipFile(file) as archive:
            dump = archive.read(DUMP)
        # Right by its checksum, and wrong within.
        dump = dump[: len(dump) * 2 // 3]
        values = {"byte_size": len(dump), "sha256": hashlib.sha256(dump).hexdigest()}
        other = changed(file, tmp_path / "other.zip", dump=dump, **values)

        self.assert_refused(other, "--replace", saying="")


class TestRotation:
    def older(self, file: Path, days: float, name: str, **values: Any) -> None:
        moment = datetime.datetime.fromisoformat(manifest(file)["created_at"])
        moment -= datetime.timedelta(days=days)
        changed(file, file.parent / name, created_at=moment.isoformat(), **values)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Backups of the last four days, and what looks like them."""
        file = backup(tmp_path / "steward-0.zip")
        for days in (1, 2, 3, 4):
            self.older(file, days, f"steward-{days}.zip")
        self.older(file, 9, "other-9.zip")
        self.older(file, 9, "steward-9.zip", database="staging")
        file.unlink()
        (tmp_path / "steward-77.zip").write_bytes(b"my thesis")
        (tmp_path / "steward-88.zip").mkdir()
        return tmp_path

    KEPT = ["other-9.zip", "steward-5.zip", "steward-77.zip", "steward-88.zip", "steward-9.zip"]

    @pytest.mark.parametrize(
        ("arguments", "stay"),
        [
            ([], [1, 2, 3, 4]),
            (["--keep", 3], [1, 2]),
            (["--keep", 1], []),
            (["--keep", 9], [1, 2, 3, 4]),
            (["--keep-days", 2], [1, 2]),
            (["--keep", 4, "--keep-days", 2], [1, 2]),
            (["--keep", 2, "--keep-days", 3], [1]),
        ],
    )
    def test_removes_what_is_too_many_or_too_old(
        self, folder: Path, arguments: list[Any], stay: list[int]
    ) -> None:
        # A quarter of a day later, so that no age is a matter of microseconds.
        for days in (1, 2, 3, 4):
            self.older(folder / f"steward-{days}.zip", -0.25, f"steward-{days}.zip")

        backup(folder / "steward-5.zip", *arguments)

        assert files(folder) == sorted(self.KEPT + [f"steward-{days}.zip" for days in stay])

    def test_removes_nothing_when_the_backup_fails(self, folder: Path) -> None:
        before = files(folder)

        code, _ = command("backup", folder / "steward-77.zip", "--keep", 1)

        assert code == 1
        assert files(folder) == before

    @pytest.mark.parametrize("option", ["--keep", "--keep-days"])
    def test_keeps_one_at_least(self, tmp_path: Path, option: str) -> None:
        code, said = command("backup", tmp_path, option, 0)

        assert code == 2
        assert "take 1 or more" in said
        assert files(tmp_path) == []
