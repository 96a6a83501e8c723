"""The command that publishes a text; from then on nothing in it changes."""

import hashlib
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from access.models import StaffAction
from consent.models import PolicyVersion
from tests.client import ApiClient
from tests.consent.answers import drift

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "marketing.md"
    path.write_text("We write to you.\n")
    return path


def run(file: Path, *options: str, purpose: str = "marketing", version: int = 1) -> str:
    output = StringIO()
    call_command(
        "publish_policy", str(file), "--purpose", purpose, "--policy-version", str(version),
        *options, stdout=output,
    )  # fmt: skip
    return output.getvalue()


def refused(file: Path, *options: str, purpose: str = "marketing", version: int = 1) -> str:
    """The sentence; nothing was published."""
    before = list(PolicyVersion.objects.order_by("pk").values())
    with pytest.raises(CommandError) as error:
        run(file, *options, purpose=purpose, version=version)
    assert error.value.returncode == 1
    assert list(PolicyVersion.objects.order_by("pk").values()) == before
    return str(error.value)


class TestPublishPolicy:
    def test_publishes_and_says_what(self, file: Path, person: ApiClient) -> None:
        output = run(file, "--locale", "pt-br", "--material", version=3)

        text = PolicyVersion.objects.get()
        assert (text.version, text.locale, text.material) == (3, "pt-BR", True)
        assert text.text == "We write to you.\n"
        assert text.text_sha256 == hashlib.sha256(b"We write to you.\n").hexdigest()
        assert output == (
            "Published version 3 of marketing in pt-BR, 17 characters, SHA-256"
            f" {text.text_sha256}\n"
        )
        record = StaffAction.objects.about(text).get()
        assert (record.actor, record.action) == ("system", "consent.publish")
        assert record.sentence == "Published version 3 of marketing in pt-BR."
        shown = person.get("/consent/policies").json()["results"]
        assert [(one["version"], one["text"]) for one in shown] == [(3, text.text)]

    @pytest.mark.parametrize(
        "content",
        [
            b"\xef\xbb\xbfWe write to you.\n",
            b"We write to you.\r\n",
            b"We write to you.\r",
            b"\xef\xbb\xbfWe write to you.\r\n",
        ],
    )
    def test_takes_a_mark_and_any_line_ends(self, file: Path, content: bytes) -> None:
        file.write_bytes(content)

        run(file)

        assert PolicyVersion.objects.get().text == "We write to you.\n"
        assert drift() == []

    def test_twice_changes_nothing(self, file: Path) -> None:
        first = run(file)
        second = run(file)

        assert first.startswith("Published version 1")
        assert second.startswith("Stands already, unchanged: version 1")
        assert PolicyVersion.objects.count() == 1

    def test_of_an_older_version_again_changes_nothing(self, file: Path) -> None:
        run(file)
        run(file, version=2)

        assert run(file, version=1).startswith("Stands already")
        assert PolicyVersion.objects.count() == 2

    def test_keeps_locales_apart(self, file: Path) -> None:
        run(file, version=5)

        run(file, "--locale", "de", version=1)

        assert PolicyVersion.objects.count() == 2

    @pytest.mark.parametrize("version", [1, 2])
    def test_refuses_another_text_that_is_not_above_the_current(
        self, file: Path, version: int
    ) -> None:
        run(file, version=2)
        file.write_text("We write to you daily.\n")

        sentence = refused(file, version=version)

        assert "Version 2 of 'marketing' is current in en" in sentence
        assert "as version 3" in sentence

    def test_refuses_the_same_text_made_material(self, file: Path) -> None:
        run(file)

        assert "published texts never change" in refused(file, "--material")

    def test_refuses_an_unknown_purpose_and_names_the_known(self, file: Path) -> None:
        sentence = refused(file, purpose="cookies")

        assert "'cookies'" in sentence
        assert "terms, privacy, marketing, history_storage, shared_cache, training_use" in sentence

    @pytest.mark.parametrize(
        "locale", ["english", "en_US", "", "e", "en-", "en-" + "a" * 30, "日本"]
    )
    def test_refuses_what_is_no_locale(self, file: Path, locale: str) -> None:
        assert "is no locale" in refused(file, "--locale", locale)

    @pytest.mark.parametrize("version", [0, -1, 2**31])
    def test_refuses_what_is_no_version(self, file: Path, version: int) -> None:
        assert "whole number from 1" in refused(file, version=version)

    @pytest.mark.parametrize("content", [b"", b" \n\t", b"\xef\xbb\xbf", b"a\x00b"])
    def test_refuses_what_is_no_text(self, file: Path, content: bytes) -> None:
        file.write_bytes(content)

        assert "not empty" in refused(file)

    def test_refuses_what_is_not_utf_8(self, file: Path) -> None:
        file.write_bytes("Wir schreiben für Sie.".encode("latin-1"))

        assert "is not UTF-8" in refused(file)

    def test_refuses_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        assert "cannot be read" in refused(tmp_path / "nothing.md")
        assert "cannot be read" in refused(tmp_path)
