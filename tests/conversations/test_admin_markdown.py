import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.safe_markdown import Marks
from conversations.templatetags.transcript_texts import render as render_with


def render(text: str) -> str:
    return render_with(text, Marks())


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "harm"),
        [
            ("<script>alert(1)</script>", "<script"),
            ("<img src=x onerror=alert(1)>", "<img"),
            ("[a](javascript:alert(1))", "href"),
            ("[a](JaVaScRiPt:alert(1))", "href"),
            ("[a](java&#x0A;script:alert(1))", "href"),
            ("[a](data:text/html,x)", "href"),
            ("[a](file:///etc/passwd)", "href"),
            ("[a](//evil.example)", "href"),
            ("[a](/admin/logout/)", "href"),
            ("<javascript:alert(1)>", "href"),
            ("![a](https://evil.example/pixel.png)", "src"),
            ("![a](https://evil.example/pixel.png)", "evil.example"),
            ("```\" onmouseover=\"x\ncode\n```", '" onmouseover="x"'),
        ],
    )  # fmt: skip
    def test_lets_nothing_harmful_through(self, text: str, harm: str) -> None:
        assert harm not in render(text)

    @pytest.mark.parametrize("url", ["https://a.example/?b=c", "http://a.example", "mailto:a@b.c"])
    def test_links_to_the_web_without_telling_from_where(self, url: str) -> None:
        page = render(f"[text]({url})")

        assert f'<a href="{url}" rel="noopener noreferrer" target="_blank">text</a>' in page

    def test_turns_a_picture_into_its_words(self) -> None:
        assert '<span class="picture">A &lt;cat</span>' in render("![A <cat](https://x.example/a)")

    def test_renders_tables_lists_and_code(self) -> None:
        page = render("# Title\n\n| a |\n| - |\n| 1 |\n\n- one\n\n```python\nx < 1\n```")

        assert "<h4>Title</h4>" in page
        assert "<td>1</td>" in page
        assert "<li>one</li>" in page
        assert "x &lt; 1" in page

    def test_is_read_as_long_as_the_marks_of_the_page_last(self) -> None:
        marks = Marks()
        # 32,000 signs, 960 for the length and five for the text itself.
        pages = [render_with("**b** " * 8_000, marks) for _ in range(3)]
        short = render_with("**b**", marks)

        assert [page.count("<strong>") for page in [*pages, short]] == [8_000, 8_000, 0, 1]

    @pytest.mark.parametrize(
        "text", ["_" * 80_000, "a\n" * 27_000, "a\r" * 27_000, "a" * 4_000_000]
    )
    def test_counts_whatever_takes_time(self, text: str) -> None:
        assert Marks().suffice(text[: len(text) // 2])
        assert not Marks().suffice(text)

    def test_shows_a_very_long_text_as_it_stands(self) -> None:
        page = render("**<b>**" * 10_000)

        assert page.startswith('<div class="plain">**&lt;b&gt;**')

    @given(st.text(max_size=200))
    def test_never_opens_a_tag_that_is_not_its_own(self, text: str) -> None:
        assert "<script" not in render(f"{text}<script>{text}")
