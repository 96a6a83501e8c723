"""The original's consents, JSON lines of one person each, become imported events."""

import hashlib
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from access.models import Person
from consent.models import ConsentEvent
from tests.asserts import assert_statements, stored
from tests.client import ApiClient
from tests.consent.answers import drift, events, fold, item, publish, say, states, valid_for

pytestmark = pytest.mark.django_db


def line(**fields: Any) -> str:
    row = {
        "user_id": "ann",
        "terms_accepted": True,
        "marketing_consent": False,
        "timestamp": "2025-05-03T12:00:00Z",
        "updated_at": "2025-06-04T08:30:00.123456Z",
    } | fields
    return json.dumps({name: value for name, value in row.items() if value != "left out"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "consents.jsonl"


def run(file: Path, *lines: str) -> str:
    file.write_text("\n".join(lines) + "\n" if lines else "")
    output = StringIO()
    call_command("import_consents", str(file), stdout=output)
    return output.getvalue()


def refused(file: Path, *lines: str) -> list[str]:
    """What is said of the lines; nothing was imported."""
    file.write_text("\n".join(lines))
    before, said = stored(), StringIO()
    with pytest.raises(CommandError, match="nothing was imported") as error:
        call_command("import_consents", str(file), stdout=StringIO(), stderr=said)
    assert error.value.returncode == 1
    assert stored() == before
    return said.getvalue().splitlines()


class TestAnImport:
    def test_keeps_the_sources_times_and_names_no_text(self, file: Path, person: ApiClient) -> None:
        publish("terms", 1)
        one = line()

        output = run(file, one)

        assert output == (
            "1 persons: 2 events imported, 0 answers stood already and are unchanged.\n"
        )
        [terms, marketing] = person.get("/consent/history").json()["results"]
        assert (terms["purpose"], terms["action"], terms["granted"]) == ("terms", "imported", True)
        assert (terms["recorded_at"], marketing["recorded_at"]) == (
            "2025-05-03T12:00:00Z",
            "2025-06-04T08:30:00.123456Z",
        )
        assert (terms["policy_version"], terms["text_sha256"]) == (None, "")
        assert (terms["source"], terms["actor"]) == ("import", "system")
        row = ConsentEvent.objects.get(sequence=1)
        assert row.evidence == {"row_sha256": hashlib.sha256(one.encode()).hexdigest()}
        assert drift() == []

    def test_counts_for_gates_and_as_of(self, file: Path, person: ApiClient) -> None:
        run(file, line(marketing_consent=True))

        def told(at: str) -> tuple[bool, bool]:
            items = person.get(f"/consent/as-of?at={at}").json()["purposes"]
            return item(items, "terms")["granted"], item(items)["granted"]

        assert told("2025-05-03T11:59:59Z") == (False, False)
        assert told("2025-05-03T12:00:00Z") == (True, False)
        assert told("2025-06-04T08:30:01Z") == (True, True)
        assert states("ann") == fold("ann")

    def test_takes_times_without_a_zone_as_utc(self, file: Path) -> None:
        run(
            file,
            line(timestamp="2025-05-03T12:00:00", updated_at=None),
            line(user_id="bob", timestamp="2025-05-03T14:00:00+02:00", updated_at="left out"),
        )

        moments = ConsentEvent.objects.values_list("recorded_at", flat=True)
        assert {moment.isoformat() for moment in moments} == {"2025-05-03T12:00:00+00:00"}
        assert drift() == []

    def test_again_changes_nothing(self, file: Path) -> None:
        run(file, line(), line(user_id="bob"))
        before = stored()

        output = run(file, line(), line(user_id="bob"), line(user_id="eve"))

        assert "3 persons: 2 events imported, 4 answers stood already" in output
        after = stored()
        eve = Person.objects.get(user_id="eve").pk
        assert [row for row in after["consent_consentevent"] if row["person_id"] != eve] == before[
            "consent_consentevent"
        ]

    def test_leaves_what_the_person_answered_here(self, file: Path, person: ApiClient) -> None:
        person.delete("/consent/marketing")

        output = run(file, line(marketing_consent=True))

        assert "1 events imported, 1 answers stood already" in output
        assert events() == [("marketing", "refused"), ("terms", "imported")]
        assert item(person.get("/consent").json()["purposes"])["granted"] is False
        assert drift() == []

    def test_of_a_purpose_with_a_term_expires(self, file: Path, person: ApiClient) -> None:
        valid_for(30)

        run(file, line(marketing_consent=True))

        shown = item(person.get("/consent").json()["purposes"])
        assert (shown["granted"], shown["action_needed"]) == (False, "renew")
        assert shown["expires_at"] == "2025-07-04T08:30:00.123456Z"

    def test_asks_for_material_texts_that_came_later(self, file: Path, person: ApiClient) -> None:
        run(file, line())
        publish("terms", 1, material=True)

        assert item(person.get("/consent").json()["purposes"], "terms")["action_needed"] == "update"

    def test_takes_empty_lines_and_an_empty_file(self, file: Path) -> None:
        assert run(file).startswith("0 persons: 0 events")
        assert run(file, "", line(), "  ").startswith("1 persons: 2 events")

    def test_of_2000_persons_sends_few_statements(self, file: Path) -> None:
        lines = [line(user_id=f"person {number} ü") for number in range(2000)]
        say(user_id="person 7 ü")

        # Four batches of 500: chains read, made, locked; purposes; states; events in some parts.
        insert_rows = 250_000 // 19 if connection.vendor == "sqlite" else 10**6
        assert insert_rows > 1000
        with assert_statements(4 * 6):
            output = run(file, *lines)

        assert "2000 persons: 3999 events imported, 1 answers" in output
        assert "1000 of 2000 persons" in output
        assert drift() == []


class TestABadLine:
    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            ("{", "it is not JSON"),
            ("[]", "it is not a JSON object"),
            ('"ann"', "it is not a JSON object"),
            (line(terms_accepted="true"), "terms_accepted is not true or false"),
            (line(terms_accepted=1), "terms_accepted is not true or false"),
            (line(terms_accepted="left out"), "terms_accepted is not true or false"),
            (line(marketing_consent=None), "marketing_consent is not true or false"),
            (line(user_id="left out"), "user_id is missing"),
            (line(user_id=5), "user_id is missing or no text"),
            (line(user_id=""), "1 to 128 characters"),
            (line(user_id="a\n"), "no control characters"),
            (line(user_id="erased-x"), "are reserved"),
            (line(timestamp="left out"), "timestamp is not a time"),
            (line(timestamp="yesterday"), "timestamp is not a time"),
            (line(timestamp=1746273600), "timestamp is not a time"),
            (line(timestamp="2025-02-30T00:00:00Z"), "timestamp is not a time"),
            (line(timestamp="0001-01-01T00:00:00+14:00"), "not within the years"),
            (line(updated_at="9999-12-31T23:59:59-14:00"), "not within the years"),
            (line(timestamp="2999-01-01T00:00:00Z"), "timestamp lies in the future"),
            (line(updated_at="2999-01-01T00:00:00Z"), "updated_at lies in the future"),
            (line(updated_at="2025-05-03T11:59:59Z"), "updated_at is before timestamp"),
            (line(ip="198.51.100.77"), "unknown fields: ip"),
        ],
    )
    def test_refuses_the_whole_file_and_is_named(self, file: Path, bad: str, said: str) -> None:
        [told] = refused(file, line(user_id="good"), "", bad, line(user_id="better"))

        assert told.startswith("line 3: ") and said in told

    def test_of_a_person_who_stands_twice_names_both(self, file: Path) -> None:
        told = refused(file, line(), line(user_id="bob"), line(terms_accepted=False))

        assert told == ["line 3: its person stands in line 1 already"]

    def test_is_one_of_at_most_20_that_are_shown(self, file: Path) -> None:
        told = refused(file, *["{}"] * 25)

        assert len(told) == 21
        assert told[-1] == "… and 5 more"

    def test_that_is_not_utf_8_is_named(self, file: Path) -> None:
        file.write_bytes(line().encode() + b"\n\xff\xfe\n")
        said = StringIO()

        with pytest.raises(CommandError):
            call_command("import_consents", str(file), stdout=StringIO(), stderr=said)

        assert said.getvalue().startswith("line 2: it is not JSON")
        assert not ConsentEvent.objects.exists()


class TestAFile:
    def test_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("import_consents", str(tmp_path / "nothing"))

    def test_that_is_none_is_refused(self, tmp_path: Path) -> None:
        # A pipe can be read once, and the second reading would import nothing without a word.
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)

        for path in (tmp_path, pipe):
            with pytest.raises(CommandError, match="is not a file"):
                call_command("import_consents", str(path))
