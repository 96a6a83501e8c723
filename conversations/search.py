"""Full-text search: which words a text has, how both engines find them, and the snippet to show.

The words are made here, once, for texts and queries alike; PostgreSQL and SQLite only look them up.
So both give the same hits, and no character of a query is an operator.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import regex
from django.db.models import BooleanField, F, Func, Model
from django.db.models.sql.compiler import SQLCompiler

# What is indexed of one text; the rest is stored all the same. PostgreSQL takes no more than a
# megabyte of words for one row.
INDEXED_CHARACTERS = 200_000
# Longer words are cut, in texts and queries alike: an index entry holds at most 2.7 kB.
WORD_CHARACTERS = 64
SNIPPET_MARGIN = 50
# Before the owner's id in the index; no word begins with it, so that nobody can search for one.
OWNER_MARK = "="
# Scripts without spaces between words (and Korean, which joins particles): each character a word.
CJK = "\u1100-\u11ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
CJK += "\U00020000-\U0003ffff"
# A word begins with a letter or digit and keeps the marks on its letters, as Hindi vowels are.
WORD = regex.compile(
    rf"(?V1)[[{CJK}]&&[\p{{L}}\p{{N}}]]|[[\p{{L}}\p{{N}}]--[{CJK}]][[\p{{L}}\p{{M}}\p{{N}}]--[{CJK}]]*"
)

# The same for plain English, which is most of what there is: four times as fast.
ASCII_WORD = re.compile(r"[a-z0-9]+")

# Keys of the stages whose texts name things and say nothing.
LABEL_KEYS = {
    "model",
    "provider",
    "label",
    "id",
    "node_id",
    "role",
    "parsed_ranking",
    "reviewer_label",
}


def words_of(text: str) -> list[str]:
    """The words of a text in order: letters and digits of any script, in lower case."""
    normal = text[:INDEXED_CHARACTERS]
    if normal.isascii():
        found = ASCII_WORD.findall(normal.lower())
    else:
        normal = unicodedata.normalize("NFKC", normal).lower()
        # What a dotted capital I becomes.
        found = WORD.findall(normal.replace("i\u0307", "i"))
    return [word[:WORD_CHARACTERS] for word in found]


def search_text(text: str) -> str:
    """What the index holds of a text: each of its words once, in the order of their first use."""
    return " ".join(dict.fromkeys(words_of(text)))


def query_words(query: str) -> list[str]:
    """The words that a hit must all have; none when the query has neither letter nor digit."""
    return list(dict.fromkeys(words_of(query)))


def texts_of(content: str | None, *stages: Any) -> Iterator[str]:
    """The texts of a message as a person reads them: its content, then stage by stage."""
    if content:
        yield content
    for stage in stages:
        yield from _strings(stage)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in LABEL_KEYS:
                yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def message_search_text(content: str | None, *stages: Any) -> str:
    """The index's text of a whole message."""
    return search_text(_joined(texts_of(content, *stages)))


def _joined(texts: Iterator[str]) -> str:
    parts, length = [], 0
    for text in texts:
        parts.append(text)
        length += len(text)
        if length > INDEXED_CHARACTERS:
            break
    return "\n".join(parts)


def snippet(text: str, words: Sequence[str]) -> str:
    """The text around the first of `words`, 50 characters on either side, on one line.

    The beginning of the text when none of them is in it (a word may be spelt otherwise there).
    """
    start, end = _first_place(text[:INDEXED_CHARACTERS], words)
    first, last = max(start - SNIPPET_MARGIN, 0), end + SNIPPET_MARGIN
    shown = " ".join(text[first:last].split())
    return f"{'…' if first else ''}{shown}{'…' if last < len(text) else ''}"


def _first_place(text: str, words: Sequence[str]) -> tuple[int, int]:
    plain = "|".join(map(re.escape, words))
    match = re.search(rf"(?<![^\W_])(?:{plain})(?![^\W_])", text, re.IGNORECASE)
    if match:
        return match.span()
    # Words that are written otherwise in the text, or without spaces around them.
    wanted = set(words)
    for word in WORD.finditer(text):
        if wanted.intersection(words_of(word.group())):
            return word.span()
    return 0, 0


def fts_table(model: type[Model]) -> str:
    """The name of the FTS5 table beside a model's table (SQLite)."""
    return f"{model._meta.db_table}_words"


class HasWords(Func):
    """Whether a row's indexed text has all these words, and belongs to the owner if one is given.

    The owner is a word in the index itself: another person's text cannot match, even if every other
    filter were forgotten, and the cost grows with the asker's texts alone.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, model: type[Model], words: Sequence[str], owner: str | None = None) -> None:
        super().__init__(F("id"), F("search_text"), F("user_id"))
        self.index = fts_table(model)
        self.words = list(words)
        self.owner = owner

    def as_postgresql(
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> tuple[str, list[Any]]:
        _, text, user_id = (compiler.compile(part)[0] for part in self.get_source_expressions())
        owner = [] if self.owner is None else [OWNER_MARK + self.owner]
        # To the letter the expression of the index, or PostgreSQL would not use it.
        indexed = f"(string_to_array({text}, ' ') || ('{OWNER_MARK}' || {user_id})::text)"
        return f"{indexed} @> %s::text[]", [self.words + owner]

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, Any]:
        row_id, _, _ = (compiler.compile(part)[0] for part in self.get_source_expressions())
        # In hexadecimal, since any character may be in an id.
        owner = [] if self.owner is None else [OWNER_MARK + self.owner.encode().hex().upper()]
        found = f'SELECT rowid FROM "{self.index}" WHERE "{self.index}" MATCH %s'
        return f"{row_id} IN ({found})", [" ".join(f'"{word}"' for word in owner + self.words)]
