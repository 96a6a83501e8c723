"""Search as DESIGN section 5 has it, for any text and any query: the same on both engines.

The words are found here once more, in other ways than conversations/search.py finds them. Since
each engine gives the hits of these, both give the same.
"""

import unicodedata
from urllib.parse import quote

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.idempotency import RequestKey
from conversations.models import Conversation, Message
from conversations.search import (
    INDEXED_CHARACTERS,
    MARKS,
    TERM_CHARACTERS,
    WORD,
    search_text,
    terms_of,
)
from conversations.services import conversations
from conversations.services import messages as conversations_messages
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.conversations.test_search import say, search

examples = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CJK_NAMES = ("CJK ", "HIRAGANA ", "KATAKANA ", "KATAKANA-HIRAGANA ", "HANGUL ")
ATOMS = [
    "heat", "Heat", "HEAT", "pump", "12", "１２", "x", "é", "e\u0301", "É", "ñ", "ß", "ẞ", "SS",
    "İ", "ı", "I", "i", "ﬁ", "fi", "Ω", "ς", "Σ", "σ", "日", "本", "日本", "ポ", "ﾎﾟ", "ー", "한",
    "한국",
    "〇", "𠀀", "🌱", "👩‍👩‍👧", "हि", "ไท", "م", "٣", "_", " ", "\n", "\t", "\x01", "\x1f", "\x7f",
    "\x85", "\u200b", "\u2028", "\ufeff", "\u0301", "\u0307", '"', "'", "*", ":", "^", "(", ")",
    "-", "+", "&", "|", "!", "<->", "\\", "%", "=", "=ann", "616E6E", "=616e6e", "{", "}", ",", ";",
    "NEAR(", "AND", "OR", "NOT", "NULL", "words", "words:", "rowid",
]  # fmt: skip
atoms = st.sampled_from(ATOMS)
mixed = st.lists(atoms | st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"))
short = st.lists(atoms, min_size=1, max_size=3).map("".join)
texts = mixed.map("".join)
queries = short | st.lists(short, min_size=1, max_size=3).map(" ".join) | texts


def cjk(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(CJK_NAMES)


def oracle_words(text: str) -> list[str]:
    """Letters and digits of any script with their marks, lower case, cut; each CJK one a word."""
    words, word = [], ""
    normal = unicodedata.normalize("NFKC", text[:200_000]).lower().replace("i\u0307", "i")
    for letter in normal:
        if word and unicodedata.category(letter)[0] == "M" and not cjk(letter):
            word += letter
        elif unicodedata.category(letter)[0] not in "LN":
            words, word = [*words, word], ""
        elif cjk(letter):
            words, word = [*words, word, letter], ""
        else:
            word += letter
    return [word[:64] for word in [*words, word] if word]


def oracle_hit(query: str, title: str, messages: list[str]) -> bool:
    wanted = set(list(dict.fromkeys(oracle_words(query)))[:64])
    return any(wanted <= set(oracle_words(text)) for text in [title, *messages])


@pytest.mark.django_db
class TestAnyTextAndQuery:
    @examples
    @given(
        written=st.lists(
            st.tuples(texts.map(lambda text: text[:500]), st.lists(texts, max_size=3)),
            min_size=1,
            max_size=4,
        ),
        queries=st.lists(queries.map(lambda query: query[:1000]), min_size=1, max_size=4),
        data=st.data(),
    )
    def test_give_the_hits_of_the_rules(
        self,
        person: ApiClient,
        written: list[tuple[str, list[str]]],
        queries: list[str],
        data: st.DataObject,
    ) -> None:
        Conversation.objects.all().delete()
        stored = {create(title, messages): (title, messages) for title, messages in written}
        # Words that do occur, so that there are hits as well.
        there = " ".join(text for title, messages in written for text in [title, *messages])
        if words := oracle_words(there):
            chosen = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
            queries = [*queries, " ".join(chosen)]

        for query in queries:
            answer = search(person, query)

            if not oracle_words(query):
                assert answer.status_code == 400, query
                continue
            expected = {
                uid
                for uid, (title, messages) in stored.items()
                if oracle_hit(query, title, messages)
            }
            assert {hit["id"] for hit in answer.json()["results"]} == expected, query


def create(title: str, contents: list[str]) -> str:
    """Through the service, since the API takes no blank title."""
    outcome = conversations.create_conversation(
        user_id="ann",
        actor="key:tests",
        at=timezone.now(),
        request_key=RequestKey(key=None, request_hash=""),
        title=title,
        messages=[
            conversations_messages.NewMessage(role="user", content=content) for content in contents
        ],
    )
    return str(outcome.row.uid)


def words_one_by_one(text: str) -> list[str]:
    """The words of a text, each looked for with one expression: the definition, and slow."""
    normal = unicodedata.normalize("NFKC", MARKS.sub(r"\1", text[:INDEXED_CHARACTERS]))
    normal = normal[: min(2 * len(text) + 1000, INDEXED_CHARACTERS)].lower()
    found = WORD.findall(normal.replace("i\u0307", "i"))
    return [word[:TERM_CHARACTERS] for word in found]


class TestWords:
    @given(text=st.lists(atoms | st.characters(), max_size=80).map("".join))
    @settings(max_examples=300, deadline=None)
    def test_are_those_of_their_definition(self, text: str) -> None:
        assert terms_of(text) == words_one_by_one(text)
        assert search_text(text) == " ".join(dict.fromkeys(words_one_by_one(text)))

    @pytest.mark.parametrize("before", ["a", "漢", "\u0301"])
    def test_are_those_of_their_definition_beside_any_letter(self, before: str) -> None:
        letters = [chr(code) for code in range(0x110000)]
        for start in range(0, len(letters), 4000):
            text = "".join(f"{before}{letter}b " for letter in letters[start : start + 4000])

            assert terms_of(text) == words_one_by_one(text)

    def test_that_differ_after_64_characters_are_one(self) -> None:
        assert search_text(f"{'x' * 65} y {'x' * 66} {'é' * 70} {'é' * 80}").split() == [
            "x" * 64, "y", "é" * 64,
        ]  # fmt: skip

    def test_are_made_of_letters_and_digits_alone(self) -> None:
        known = [one for one in map(chr, range(0x110000)) if unicodedata.category(one) != "Cn"]
        wrong = []
        # Hundreds in one text, each between two words that are known: most are right.
        for start in range(0, len(known), 400):
            letters = known[start : start + 400]
            text = " between ".join(letters)
            if terms_of(text) == oracle_words(text):
                continue
            wrong += [
                f"U+{ord(letter):04X} {unicodedata.name(letter, '')}"
                for letter in letters
                if "".join(terms_of(letter)) != "".join(oracle_words(letter))
            ]

        assert wrong == []

    def test_of_a_letter_with_more_marks_than_any_language_has_are_made_without_the_rest(
        self,
    ) -> None:
        # As they stand NFKC would sort them, for half a minute.
        text = "a" + "\u0301\u0327" * 99_999

        assert terms_of(text) == terms_of(text[:31])

    def test_are_made_of_200_000_characters_also_where_one_becomes_eighteen(self) -> None:
        assert sum(map(len, terms_of("ﷺ" * 200_000))) <= 200_000


@pytest.mark.django_db
class TestAnyQuery:
    ODD = [
        '"', '"pump', "pump*", "*", "pump:", "words:pump", "-pump", "^pump", "NEAR(pump heat)",
        "NEAR(pump heat, 5", "pump AND", "AND", "OR", "NOT pump", "pump & heat", "pump | heat",
        "!pump", "(pump", "pump)", "pump <-> heat", "\\", "pump\\", "'", "pump'--", "pump;", "=ann",
        "616E6E", "=616e6e", "$1", "%s", "%(x)s", "{pump}", "NULL", "{}", "\x01pump", "pump\x7f",
        "\u202epump", "pump" * 250, "\ufffd", "\U0010ffff", "İ", "ﷺ" * 900,
    ]  # fmt: skip

    RAW = [
        "%", "%%", "%1", "%zz", "%00", "pump%00", "%ff", "%ed%a0%80", "%c0%80", "+", "&", "#",
        "q=pump", "pump&q=heat", "pump;q=heat", "%F0%9F%8C", "a" * 10_000, "%2A" * 3_000,
    ]  # fmt: skip

    def test_answers(self, person: ApiClient) -> None:
        say(person, "pump", "a pump and heat")

        for query in self.ODD:
            assert search(person, query).status_code in (200, 400), query

    def test_answers_however_it_is_encoded(self, person: ApiClient) -> None:
        say(person, "pump", "a pump and heat")

        for raw in self.RAW:
            answer = person.get(f"/conversations/search?q={raw}")
            assert answer.status_code in (200, 400), raw

    @examples
    @given(query=st.text() | queries | st.binary().map(lambda raw: raw.decode("latin-1")))
    def test_never_fails(self, person: ApiClient, query: str) -> None:
        raw = quote(query.encode(errors="surrogatepass"), safe="")

        answer = person.get(f"/conversations/search?q={raw}")

        assert answer.status_code in (200, 400), answer.content

    def test_with_nul_is_refused(self, person: ApiClient) -> None:
        assert_problem(person.get("/conversations/search?q=a%00b"), 400, "invalid_request")

    @pytest.mark.parametrize("operator", ["pump OR heat", "pump | heat", "pu*", "pump NOT heat"])
    def test_means_its_words_whatever_stands_between_them(
        self, person: ApiClient, operator: str
    ) -> None:
        say(person, "x", "a pump")

        assert search(person, operator).json()["count"] == 0


@pytest.mark.django_db
class TestIndexedWords:
    def test_stand_in_the_rows(self, person: ApiClient) -> None:
        say(person, "Heat, heat & PUMP", "b a b A")

        assert Conversation.objects.get().search_text == "heat pump"
        assert Message.objects.get().search_text == "b a"
