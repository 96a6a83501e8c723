import io

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from common.privacy import possible_ids
from tests.guarded.models import Proof


class TestDeclaration:
    def test_with_a_name_that_means_nothing_ends_the_start(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Proof.Privacy, "emptied", {"note"}, raising=False)

        with pytest.raises(SystemCheckError) as refusal:
            call_command("check", stderr=io.StringIO())

        assert "class Privacy of guarded.Proof declares emptied" in str(refusal.value)
        assert "common.E002" in str(refusal.value)


class TestPossibleIds:
    @pytest.mark.parametrize(
        "user_id",
        [
            "ann",
            "ann@example.org",
            "auth0|5f7c",
            "_ann_",
            "@ann",
            "ann!",
            "0b9c3f4e-5d0a-4c8e-9a53-0e1b8c1f7a11",
            "a-b-c-d-e-f-g-h",
        ],
    )
    @pytest.mark.parametrize("text", ["{}", "Asked by {} twice.", "({}", "of {}\nand bob"])
    def test_of_a_text_that_names_somebody_have_their_id(self, user_id: str, text: str) -> None:
        if text == "({}" and not user_id[0].isalnum():
            text = "( {}"

        assert user_id in possible_ids(text.format(user_id))

    def test_are_whole_words(self) -> None:
        assert "an" not in possible_ids("ann")
        assert "nn" not in possible_ids("ann")

    def test_are_bounded_by_the_words_of_the_text(self) -> None:
        assert len(possible_ids("one, two. " * 500)) <= 1000 * 8 * 4
