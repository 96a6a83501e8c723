"""The canonical form: a golden vector, a verifier that knows nothing of us, two JSON writers."""

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from consent import chain
from consent.models import ConsentChain
from consent.services import expiry
from tests.client import ApiClient
from tests.consent.answers import DAY, MOMENT, publish, say, valid_for

EXAMPLES = settings.BASE_DIR / "docs" / "examples"
GOLDEN = json.loads((EXAMPLES / "consent_chain.json").read_text())


def verified(tmp_path: Path, document: Any, *arguments: str) -> tuple[int, str]:
    """The exit code and the sentence of the stand-alone verifier, on the standard library alone."""
    file = tmp_path / "history.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(EXAMPLES / "verify_consent.py"), str(file), *arguments],
        capture_output=True,
        text=True,
    )
    assert run.stderr == ""
    return run.returncode, run.stdout.strip()


class TestTheVerifier:
    def test_has_at_most_40_lines(self) -> None:
        assert len((EXAMPLES / "verify_consent.py").read_text().splitlines()) <= 40

    def test_reads_standard_input(self) -> None:
        run = subprocess.run(
            [sys.executable, str(EXAMPLES / "verify_consent.py"), "-"],
            input=json.dumps(GOLDEN["history"]),
            capture_output=True,
            text=True,
        )

        assert (run.returncode, run.stdout) == (0, "ok 4 events\n")

    def test_finds_the_golden_vector_right(self, tmp_path: Path) -> None:
        person = ("--salt", GOLDEN["salt"], "--user-id", GOLDEN["user_id"])

        assert verified(tmp_path, GOLDEN["history"]) == (0, "ok 4 events")
        assert verified(tmp_path, GOLDEN["history"], *person) == (0, "ok 4 events")

    @pytest.mark.parametrize("other", ["eve", "", "ANN"])
    def test_tells_another_person(self, tmp_path: Path, other: str) -> None:
        person = ("--salt", GOLDEN["salt"], "--user-id", other)

        assert verified(tmp_path, GOLDEN["history"], *person)[0] == 1

    @pytest.mark.parametrize("column", sorted(set(GOLDEN["history"]["results"][1]) - {"hash"}))
    def test_names_the_event_that_was_changed(self, tmp_path: Path, column: str) -> None:
        history = json.loads(json.dumps(GOLDEN["history"]))
        event = history["results"][1]
        event[column] = 7 if isinstance(event[column], (int, bool)) else f"{event[column]}x"

        code, sentence = verified(tmp_path, history)

        named = event["sequence"] if column == "sequence" else 2
        assert (code, sentence.partition(" (")[0]) == (1, f"event {named}")

    def test_names_the_event_after_one_that_is_gone(self, tmp_path: Path) -> None:
        history = json.loads(json.dumps(GOLDEN["history"]))
        del history["results"][1]

        assert verified(tmp_path, history)[1].startswith("event 3 (")

    def test_names_the_first_of_two_that_were_swapped(self, tmp_path: Path) -> None:
        history = json.loads(json.dumps(GOLDEN["history"]))
        history["results"][1:3] = history["results"][2:0:-1]

        assert verified(tmp_path, history)[1].startswith("event 3 (")

    @pytest.mark.django_db
    def test_finds_a_live_history_right_page_by_page(self, tmp_path: Path, key: str) -> None:
        user_id = 'Åsa 日本 "x"'
        person = ApiClient(key, user_id)
        valid_for(1, "training_use")
        publish("marketing", 2, text="Ünï", material=True)
        say("training_use", user_id=user_id, evidence={"ü": ["日", 1.5, None, "\u2028"]})
        say("training_use", user_id=user_id, granted=False, reason="anruf — gestern")
        say("training_use", user_id=user_id, at=MOMENT.replace(microsecond=0))
        expiry.record_expired(at=MOMENT + 5 * DAY, limit=10)
        person.put("/consent/marketing", {"policy_version": 2, "evidence": {"ü": 1e300}})
        person.delete("/consent/marketing")

        pages, url = [], "/consent/history?limit=4"
        while url:
            pages.append(person.get(url).json())
            url = (pages[-1]["next"] or "").partition("/api/v1")[2]
        salt = ConsentChain.objects.get().salt or ""

        assert len(pages) == 2
        known = ("--salt", salt, "--user-id", user_id)
        assert verified(tmp_path, pages, *known) == (0, "ok 6 events")
        pages[1]["results"][0]["actor"] = "key:tests "
        assert verified(tmp_path, pages)[1].startswith("event 5 (")


TIMES = st.datetimes(timezones=st.just(datetime.UTC))
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
ROWS = st.fixed_dictionaries(
    {
        "uid": st.uuids(),
        "sequence": st.integers(1, 2**63 - 1),
        "purpose_id": st.from_regex(r"\A[-a-zA-Z0-9_]{1,50}\Z"),
        "action": st.sampled_from(["given", "refused", "withdrawn", "expired", "imported"]),
        "granted": st.booleans(),
        "policy_version__version": st.none() | st.integers(1, 2**31 - 1),
        "text_sha256": HASHES | st.just(""),
        "source": st.sampled_from(["api", "admin", "import", "system"]),
        "method": st.from_regex(r"\A[A-Za-z][A-Za-z0-9_.-]{0,49}\Z") | st.just(""),
        "actor": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
        "details_hmac": HASHES | st.just(""),
        "recorded_at": TIMES,
        "expires_at": st.none() | TIMES,
        "previous_hash": HASHES,
        "hash": HASHES,
    }
)


class TestTheCanonicalForm:
    def test_of_the_golden_vector_is_ours(self) -> None:
        assert (
            chain.reference_of(GOLDEN["user_id"], GOLDEN["salt"]) == GOLDEN["history"]["reference"]
        )
        for event in GOLDEN["history"]["results"]:
            assert chain.hash_of(event, GOLDEN["history"]["reference"]) == event["hash"]
        first = GOLDEN["history"]["results"][0]
        details = chain.details_hmac(**GOLDEN["details"], salt=GOLDEN["salt"])
        assert details == first["details_hmac"]
        covered = {name: value for name, value in first.items() if name != "hash"}
        covered |= {"form": 1, "reference": GOLDEN["history"]["reference"]}
        assert chain.canonical(covered).decode() == GOLDEN["canonical_form_of_the_first"]

    @bounded(max_examples=150, derandomize=True, database=None, deadline=None)
    @given(row=ROWS)
    def test_is_the_same_from_the_row_and_from_the_answer(self, row: dict[str, Any]) -> None:
        event = chain.event_json(row)
        answer = json.loads(chain.canonical(event))

        theirs = json.dumps(answer, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

        assert chain.canonical(event).decode() == theirs
        assert chain.hash_of(answer, "r") == chain.hash_of(event, "r")

    def test_stands_for_no_details_with_nothing(self) -> None:
        salt = chain.new_salt()

        assert chain.details_hmac("", {}, salt) == ""
        assert chain.details_hmac("", {"a": None}, salt) != ""
        assert chain.details_hmac("a", {}, salt) != chain.details_hmac("", {"reason": "a"}, salt)

    def test_has_another_reference_in_each_life(self) -> None:
        salts = {chain.new_salt() for _ in range(50)}

        assert len({chain.reference_of("ann", salt) for salt in salts}) == 50
        assert {len(salt) for salt in salts} == {64}
