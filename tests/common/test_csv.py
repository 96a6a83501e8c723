import csv as reader
import datetime
import io
import uuid
from typing import Any

import pytest
from django.http import StreamingHttpResponse

from common.admin import csv
from conversations.models import Conversation
from tests.asserts import assert_statements
from tests.conversations.recipes import make_conversations


def cells(response: StreamingHttpResponse) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]
    return list(reader.reader(io.StringIO(text)))


class TestACell:
    @pytest.mark.parametrize(
        "text",
        [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\r\n=1",
            "=",
            "-",
            "＝1+1",
            "＋1",
            "－1",
            "＠SUM(A1)",
        ],
    )
    def test_never_begins_a_formula(self, text: str) -> None:
        assert csv.safe(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["", "1+1", " =1", "'=1", "a@b", "日本", "Heat pumps"])
    def test_otherwise_holds_the_text(self, text: str) -> None:
        assert csv.safe(text) == text

    @pytest.mark.parametrize(
        ("value", "cell"),
        [
            (None, ""),
            (True, "true"),
            (False, "false"),
            (-5, -5),
            (0, 0),
            (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.UTC),
             "2026-01-02T03:04:05.000006Z"),
        ],
    )  # fmt: skip
    def test_holds_other_values_as_a_spreadsheet_reads_them(self, value: Any, cell: Any) -> None:
        assert csv.safe(value) == cell


class TestAFile:
    def test_is_an_attachment_that_excel_reads_as_utf_8(self) -> None:
        response = csv.attachment("a.csv", ["name"], [["日本"]])

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="a.csv"'
        assert list(response.streaming_content)[0] == b"\xef\xbb\xbfname\r\n"

    def test_holds_commas_quotes_and_line_breaks(self) -> None:
        row = ['a, "b"', "c\nd", "=e"]

        assert cells(csv.attachment("a.csv", ["1", "2", "3"], [row])) == [
            ["1", "2", "3"],
            ['a, "b"', "c\nd", "'=e"],
        ]

    def test_is_made_while_it_is_sent(self) -> None:
        taken = []

        def rows() -> Any:
            for number in range(1_000_000):
                taken.append(number)
                yield [number]

        lines = iter(csv.attachment("a.csv", ["number"], rows()).streaming_content)
        next(lines), next(lines)  # type: ignore[call-overload]

        assert taken == [0]


@pytest.mark.django_db
class TestNewestFirst:
    def rows(self) -> list[Any]:
        return [title for (title,) in csv.newest_first(Conversation.objects.all(), ["title"])]

    @pytest.mark.parametrize(
        ("count", "statements"), [(0, 1), (2, 1), (3, 2), (4, 2), (6, 3), (7, 3)]
    )
    def test_gives_every_row_once_in_batches(
        self, monkeypatch: pytest.MonkeyPatch, count: int, statements: int
    ) -> None:
        monkeypatch.setattr(csv, "BATCH_ROWS", 3)
        rows = make_conversations(count)
        for number, row in enumerate(rows):
            Conversation.objects.filter(pk=row.pk).update(title=str(number))

        with assert_statements(statements):
            titles = self.rows()

        assert titles == [str(number) for number in reversed(range(count))]
