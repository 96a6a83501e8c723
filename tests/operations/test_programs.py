from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from operations.postgresql import programs
from operations.postgresql.programs import NAMES, NoPrograms, programs_for


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes folders with programs of these versions the only ones there are."""

    def install(*versions: str, names: tuple[str, ...] = NAMES) -> list[Path]:
        folders = []
        for number, version in enumerate(versions):
            folder = tmp_path / f"{number}"
            folder.mkdir()
            for name in names:
                (folder / name).write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\n')
                (folder / name).chmod(0o755)
            folders.append(folder)
        monkeypatch.setattr(programs, "_folders", lambda: folders)
        monkeypatch.setattr(settings, "PG_BIN", "")
        return folders

    return install


class TestThePrograms:
    def test_are_those_of_the_servers_own_version(self, install: Any) -> None:
        folders = install("17.2", "15.4", "16.9", "15.10")

        found = programs_for(15)

        assert (found.folder, found.version, found.release) == (folders[3], (15, 10), "15.10")
        assert found.path("psql") == str(folders[3] / "psql")

    def test_are_else_those_of_the_next_newer_one(self, install: Any) -> None:
        folders = install("18.1", "14.4", "16.9", "16.10")

        assert programs_for(15).folder == folders[3]

    def test_are_not_older_than_those_that_wrote_the_file(self, install: Any) -> None:
        folders = install("15.4", "18.1")

        assert programs_for(15, written_by=17).folder == folders[1]
        with pytest.raises(NoPrograms, match="19 or newer are needed, as those that wrote the"):
            programs_for(15, written_by=19)

    def test_are_not_older_than_the_server(self, install: Any) -> None:
        folders = install("15.4 (Debian 15.4-1)", "16.2")

        with pytest.raises(NoPrograms) as error:
            programs_for(18)

        assert str(error.value) == (
            "PostgreSQL's programs of version 18 or newer are needed, as the server is;"
            f" there is 15.4 in {folders[0]}, 16.2 in {folders[1]}."
            " Install them, or name their folder in PG_BIN."
        )

    def test_may_be_none(self, install: Any) -> None:
        install()

        with pytest.raises(NoPrograms, match="version 16 or newer are needed.*none were found"):
            programs_for(16)

    def test_are_all_three_of_one_folder(self, install: Any) -> None:
        install("16.2", names=("pg_dump", "psql"))

        with pytest.raises(NoPrograms, match="none were found"):
            programs_for(16)

    def test_are_those_of_pg_bin_alone(self, install: Any, monkeypatch: Any) -> None:
        old, _ = install("15.4", "17.2")
        monkeypatch.setattr(settings, "PG_BIN", str(old))

        assert programs_for(15).folder == old
        with pytest.raises(NoPrograms, match="version 16 or newer are needed"):
            programs_for(16)

    def test_of_a_pg_bin_without_any_are_named(self, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr(settings, "PG_BIN", str(tmp_path))

        with pytest.raises(NoPrograms, match=f"PG_BIN is {tmp_path}, which has no pg_dump"):
            programs_for(15)

    def test_are_found_where_they_are_usually(self) -> None:
        assert any(folder.name == "bin" for folder in programs._folders())
