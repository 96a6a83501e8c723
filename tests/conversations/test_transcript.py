import datetime
from typing import Any

import pytest
from django.template.loader import render_to_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.admin import stages
from conversations.admin import transcript as transcript_module
from conversations.admin.parts import SHOWN_CHARACTERS, SHOWN_PARTS, Part, part_of
from conversations.admin.stages import Council
from conversations.admin.transcript import Shown, transcript
from conversations.models import Message
from conversations.safe_markdown import Marks

MOMENT = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
ONE, TWO, THREE = "a/one", "b/two", "c/three"
STAGE1 = [{"model": model, "response": f"By {model}."} for model in (ONE, TWO, THREE)]
FINAL = {"model": "c/chair", "response": "Together."}


def ranking(model: str, *labels: Any) -> dict[str, Any]:
    return {"model": model, "ranking": "In my view …", "parsed_ranking": list(labels)}


RANKINGS = [
    ranking(ONE, "Response B", "Response A", "Response C"),
    ranking(TWO, "Response B", "Response C", "Response A"),
]
LABELS = {"Response A": ONE, "Response B": TWO, "Response C": THREE}


def message(role: str = "assistant", position: int = 1, **columns: Any) -> Message:
    return Message(role=role, position=position, created_at=MOMENT, **columns)


def shown(**columns: Any) -> Shown:
    [only] = transcript([message(**columns)])
    return only


def council(stage1: Any = None, stage2: Any = None, stage3: Any = None, **columns: Any) -> Council:
    found = shown(stage1_data=stage1, stage2_data=stage2, stage3_data=stage3, **columns).council
    assert found is not None
    return found


def table(found: Council) -> dict[str, dict[str, str]]:
    """Reviewer, answer and place, as one reads the matrix."""
    assert found.matrix is not None
    names = [column.name for column in found.matrix.columns]
    return {
        row.reviewer: dict(zip(names, (cell.shown for cell in row.cells), strict=True))
        for row in found.matrix.rows
    }


def best(found: Council) -> list[str]:
    assert found.matrix is not None
    return [column.name for column in found.matrix.columns if column.best]


EXPECTED = {ONE: {ONE: "2", TWO: "1", THREE: "3"}, TWO: {ONE: "3", TWO: "1", THREE: "2"}}


class TestAnAnswer:
    def test_has_its_three_stages(self) -> None:
        found = council(STAGE1, RANKINGS, FINAL, metadata={"label_to_model": LABELS})

        assert found.final is not None
        assert (found.final.model, found.final.text) == ("c/chair", "Together.")
        assert [answer.part.text for answer in found.answers] == [
            "By a/one.", "By b/two.", "By c/three.",
        ]  # fmt: skip
        assert [(part.model, part.text) for part in found.reviews] == [
            (ONE, "In my view …"), (TWO, "In my view …"),
        ]  # fmt: skip
        assert table(found) == EXPECTED

    @pytest.mark.parametrize("key", ["response", "content", "final_answer"])
    def test_is_found_under_each_key_of_the_applications(self, key: str) -> None:
        found = council([{"model": ONE, key: "Text"}], None, {"model": TWO, key: "End"})

        assert found.answers[0].part.text == "Text"
        assert found.final is not None and found.final.text == "End"

    def test_may_be_an_object_by_model_or_a_bare_text(self) -> None:
        found = council({ONE: "Text", TWO: {"response": "More"}}, None, "End")

        assert [(a.part.model, a.part.text) for a in found.answers] == [
            (ONE, "Text"),
            (TWO, "More"),
        ]
        assert found.final is not None and found.final.text == "End"

    def test_shows_what_it_does_not_understand_as_json(self) -> None:
        found = council([{"model": ONE, "graph": [1, 2]}], None, 7)

        assert '"graph"' in found.answers[0].part.text
        assert found.final is not None and found.final.text == "7"

    def test_says_its_own_text_once(self) -> None:
        assert shown(content="Together.", stage3_data=FINAL).text is None
        other = shown(content="Before.", stage3_data=FINAL).text
        assert other is not None and other.text == "Before."

    def test_keeps_what_has_no_place_as_other_data(self) -> None:
        found = shown(
            stage1_data=STAGE1,
            metadata={"label_to_model": LABELS, "evaluators": ["x"]},
            extra={"stage4": "more"},
        )

        assert "evaluators" in found.other and "stage4" in found.other
        assert "label_to_model" not in found.other

    def test_says_how_much_is_left_out(self) -> None:
        found = council([{"model": ONE, "response": "x" * (SHOWN_CHARACTERS + 5)}] * 70)

        assert len(found.answers) == SHOWN_PARTS
        assert found.left_out == 10
        assert found.answers[0].part.cut == 5

    def test_says_that_final_answers_are_left_out(self) -> None:
        assert shown(stage3_data=[FINAL] * 70).council.left_out == 10

    def test_looks_at_no_part_that_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked_at: list[Any] = []

        def noted(item: Any) -> Part:
            looked_at.append(item)
            return part_of(item)

        for module in (stages, transcript_module):
            monkeypatch.setattr(module, "part_of", noted)
        many = [{"response": "a"}] * 1000

        shown(stage1_data=many, stage2_data=many, stage3_data=many, extra={"direct": many})

        assert len(looked_at) == 4 * SHOWN_PARTS


class TestAFailedAnswer:
    @pytest.mark.parametrize(
        ("stage1", "stage3"),
        [
            ([], {"model": "error", "response": "All models failed to respond."}),
            ([], {"model": "c/chair", "response": "Error: Unable to generate final synthesis."}),
            ([{"model": ONE, "response": None}], None),
            ([{"model": ONE, "response": "", "provider": "failed"}], None),
            ([{"model": ONE, "error": "timeout"}], {"model": "c/chair", "response": None}),
        ],
    )
    def test_is_shown_as_failed(self, stage1: Any, stage3: Any) -> None:
        assert shown(stage1_data=stage1, stage2_data=[], stage3_data=stage3).failed

    def test_is_one_without_anything(self) -> None:
        assert shown(stage1_data=[], stage2_data=[]).failed

    def test_is_not_one_with_a_single_text(self) -> None:
        failed = [{"model": ONE, "response": None}, {"model": TWO, "response": "Here."}]

        assert not shown(stage1_data=failed).failed
        assert not shown(content="A plain answer").failed

    def test_keeps_the_error_to_read(self) -> None:
        [answer] = council([{"model": ONE, "error": {"code": 429}}]).answers

        assert answer.part.failed
        assert "429" in answer.part.text


class TestAQuestion:
    def roles(self, *roles: str, after: str | None = None) -> list[bool]:
        messages = [message(role, place) for place, role in enumerate(roles, 1)]
        return [found.unanswered for found in transcript(messages, next_role=after)]

    def test_without_an_answer_is_marked(self) -> None:
        assert self.roles("user", "user", "assistant", "user") == [True, False, False, True]

    def test_is_answered_after_the_words_of_a_tool(self) -> None:
        assert self.roles("user", "tool", "system", "assistant") == [False] * 4

    def test_at_the_end_of_a_page_is_answered_on_the_next(self) -> None:
        assert self.roles("user", after="assistant") == [False]
        assert self.roles("user", after="tool") == [False]
        assert self.roles("user", after="user") == [True]


class TestTheMatrix:
    @pytest.mark.parametrize(
        "columns",
        [
            {"metadata": {"label_to_model": LABELS}},
            {"extra": {"label_to_model": LABELS}},
            {"metadata": {"label_to_model": {
                label: {"model": model, "display_index": place}
                for place, (label, model) in enumerate(LABELS.items())
            }}},
            {"metadata": {"label_to_model": {"A": ONE, "B": TWO, "C": THREE}}},
            {},
        ],
        ids=["metadata", "beside the stages", "with an index", "short labels", "order of stage 1"],
    )  # fmt: skip
    def test_names_the_models(self, columns: dict[str, Any]) -> None:
        assert table(council(STAGE1, RANKINGS, None, **columns)) == EXPECTED

    def test_follows_the_labels_when_they_were_shuffled(self) -> None:
        labels = {"Response A": THREE, "Response B": ONE, "Response C": TWO}

        found = council(STAGE1, RANKINGS[:1], None, metadata={"label_to_model": labels})

        assert table(found) == {ONE: {ONE: "1", TWO: "3", THREE: "2"}}

    def test_takes_the_labels_that_answers_carry(self) -> None:
        stage1 = [{"label": "Z", "content": "1", "model": ONE}, {"label": "Y", "content": "2",
                   "model": TWO}]  # fmt: skip
        stage2 = [{"reviewer_label": "Y", "rankings": ["Z", "Y"]}]

        assert table(council(stage1, stage2)) == {TWO: {ONE: "1", TWO: "2"}}

    def test_keeps_bare_labels_when_one_does_not_fit_the_order(self) -> None:
        stage2 = [ranking(ONE, "Response A", "Response D")]

        assert table(council(STAGE1, stage2)) == {ONE: {"Response A": "1", "Response D": "2"}}

    def test_keeps_bare_labels_when_an_answer_failed(self) -> None:
        stage1 = [STAGE1[0], {"model": TWO, "response": None}]

        found = council(stage1, [ranking(ONE, "Response B", "Response A")])

        assert table(found) == {ONE: {"Response A": "2", "Response B": "1"}}

    def test_bears_repeated_and_unknown_labels(self) -> None:
        stage2 = [ranking(ONE, "Response C", "Response Q", "Response C", "Response A", None, 4)]

        found = council(STAGE1, stage2, None, metadata={"label_to_model": LABELS})

        assert table(found) == {ONE: {ONE: "4", TWO: "", THREE: "1, 3"}}
        assert found.matrix is not None
        assert found.matrix.rows[0].unknown == ("Response Q", "?", "4")

    def test_tells_two_answers_of_one_model_apart(self) -> None:
        stage1 = [{"model": ONE, "response": "first"}, {"model": ONE, "response": "second"}]
        labels = {"Response A": ONE, "Response B": ONE}

        found = council(
            stage1,
            [ranking(TWO, "Response B", "Response A")],
            None,
            metadata={"label_to_model": labels},
        )

        assert found.matrix is not None
        assert [column.answer for column in found.matrix.columns] == [0, 1]
        assert [cell.shown for cell in found.matrix.rows[0].cells] == ["2", "1"]

    def test_marks_the_reviewers_own_answer(self) -> None:
        matrix = council(STAGE1, RANKINGS).matrix

        assert matrix is not None and matrix.has_owns
        assert [[cell.own for cell in row.cells] for row in matrix.rows] == [
            [True, False, False], [False, True, False],
        ]  # fmt: skip

    def test_is_missing_when_nobody_ranked(self) -> None:
        assert council(STAGE1, None, FINAL).matrix is None
        assert council(STAGE1, [{"model": ONE, "ranking": None}], FINAL).matrix is None


class TestTheWinner:
    def averages(self, averages: Any, **beside: Any) -> Council:
        return council(STAGE1, RANKINGS, None, metadata={"aggregate_rankings": averages}, **beside)

    def test_is_the_best_of_the_stored_averages(self) -> None:
        found = self.averages(
            [{"model": TWO, "average_rank": 2.0}, {"model": THREE, "average_rank": 1.25}]
        )

        assert best(found) == [THREE]
        assert found.matrix is not None and not found.matrix.computed
        assert [column.shown_average for column in found.matrix.columns] == ["", "2.00", "1.25"]

    def test_may_stand_beside_the_stages(self) -> None:
        found = council(
            STAGE1, RANKINGS, extra={"aggregate_rankings": [{"model": ONE, "average_rank": 1}]}
        )

        assert best(found) == [ONE]

    @pytest.mark.parametrize(
        "averages",
        [None, [], "x", [{"model": ONE, "average_rank": None}], [{"model": ONE, "borda_score": 9}],
         [{"model": ONE, "score": 1}], [{"model": ONE, "average_rank": float("inf")}],
         [{"model": ONE, "average_rank": True}], [{"model": ONE, "average_rank": 10**400}], [None]],
    )  # fmt: skip
    def test_is_computed_when_no_average_is_stored(self, averages: Any) -> None:
        found = self.averages(averages)

        assert best(found) == [TWO]
        assert found.matrix is not None and found.matrix.computed
        assert [column.shown_average for column in found.matrix.columns] == ["2.50", "1.00", "2.50"]

    def test_are_all_that_share_the_best_average(self) -> None:
        stage2 = [ranking(ONE, "A", "B"), ranking(TWO, "B", "A")]

        assert best(council(STAGE1[:2], stage2)) == [ONE, TWO]

    def test_is_marked_at_its_answer(self) -> None:
        found = council(STAGE1, RANKINGS)

        assert [a.ranked.best for a in found.answers if a.ranked] == [False, True, False]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["Response A", "Response B", "B", ONE, TWO, "error", "**x**"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from([
            "model", "response", "ranking", "parsed_ranking", "rankings", "label", "error",
            "label_to_model", "aggregate_rankings", "average_rank", "display_index", "rank",
            "provider", "content", "Response A", "Response B",
        ]) | st.text(max_size=5),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


class TestAnyJson:
    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(ANY_JSON, ANY_JSON, ANY_JSON, ANY_JSON, ANY_JSON)
    def test_becomes_a_page(
        self, stage1: Any, stage2: Any, stage3: Any, metadata: Any, extra: Any
    ) -> None:
        found = transcript(
            [message(stage1_data=stage1, stage2_data=stage2, stage3_data=stage3,
                     metadata=metadata, extra=extra)]
        )  # fmt: skip

        page = render_to_string(
            "conversations/transcript.html",
            {"transcript": found, "may_read_texts": True, "marks": Marks()},
        )

        assert page.encode()

    def test_nested_beyond_reason_becomes_a_page(self) -> None:
        nested: Any = []
        for _ in range(5_000):
            nested = [nested]

        assert council([nested]).answers[0].part.text == "(cannot be shown)"
