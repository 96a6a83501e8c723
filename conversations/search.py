"""Full-text search: which terms a text has, how both engines find them, and the snippet to show.

The terms are made here, once, for texts and queries alike; PostgreSQL and SQLite only look them up.
So both give the same hits, and no character of a query is an operator.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

import regex
from django.db.models import BooleanField, F, Func, Model
from django.db.models.sql.compiler import SQLCompiler

from access.models import PersonKey
from conversations.other_fields import other_fields, strings

# What is indexed of one text; the rest is stored all the same. PostgreSQL takes no more than a
# megabyte of terms for one row.
INDEXED_CHARACTERS = 200_000
# Longer terms are cut, in texts and queries alike: an index entry holds at most 2.7 kB.
TERM_CHARACTERS = 64
# How many terms of a query count; the others are as good as not given.
QUERY_TERMS = 64
SNIPPET_MARGIN = 50
# What the snippets of one answer are looked for in, all texts together.
SNIPPET_CHARACTERS = 1_000_000
# Before the key of the owner's row in the index; no word begins with it, so that nobody can search
# for one.
OWNER_MARK = "="
# Scripts without spaces between words (and Korean, which joins particles): each character a term.
CJK = "\u1100-\u11ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
CJK += "\U00020000-\U0003ffff"
# A word begins with a letter or digit and keeps the marks on its letters, as Hindi vowels are.
CJK_WORD = rf"[[{CJK}]&&[\p{{L}}\p{{N}}]]"
LONG_WORD = rf"[[\p{{L}}\p{{N}}]--[{CJK}]][[\p{{L}}\p{{M}}\p{{N}}]--[{CJK}]]*"
WORD = regex.compile(rf"(?V1){CJK_WORD}|{LONG_WORD}")
# The same for plain English, which is most of what there is.
ASCII_WORD = re.compile(r"[a-z0-9]+")

# The same again for whole texts, where it is three times as fast to take away what is no word: of
# ASCII byte by byte, with capitals made small, and of all others what none of these letters is.
ASCII_LETTERS = bytes(
    code if code >= 128 else ord(chr(code).lower() if chr(code).isalnum() else " ")
    for code in range(256)
)
SEPARATORS = regex.compile(
    rf"(?V1)[[^\p{{L}}\p{{M}}\p{{N}}\x00-\x7f]||[[{CJK}]--[\p{{L}}\p{{N}}]]]+"
)
CJK_WORDS = re.compile(f"[{CJK}]+")
MARK = regex.compile(r"\p{M}")
FIRST_MARKS = regex.compile(r"^\p{M}+")

# More marks on one letter than any language has: NFKC sorts them in quadratic time (200,000 of them
# took half a minute), so the rest of such a run is left out, as UAX #15 has it for streams.
MARKS = regex.compile(r"(\p{M}{30})\p{M}+")

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


def terms_of(text: str) -> list[str]:
    """The terms of a text in order: letters and digits of any script, in lower case."""
    return [word[:TERM_CHARACTERS] for word in _words(text)]


def search_text(text: str) -> str:
    """What the index holds of a text: each of its terms once, in the order of their first use."""
    words = dict.fromkeys(_words(text))
    if max(map(len, words), default=0) > TERM_CHARACTERS:
        words = dict.fromkeys(word[:TERM_CHARACTERS] for word in words)
    return " ".join(words)


def _words(text: str) -> list[str]:
    normal = text[:INDEXED_CHARACTERS]
    is_ascii = normal.isascii()
    if not is_ascii:
        normal = unicodedata.normalize("NFKC", MARKS.sub(r"\1", normal))
        # One character may become eighteen; no language's text becomes twice as long.
        normal = normal[: min(2 * len(text) + 1000, INDEXED_CHARACTERS)].lower()
        # What a dotted capital I becomes.
        normal = SEPARATORS.sub(" ", normal.replace("i\u0307", "i"))
        normal = CJK_WORDS.sub(lambda run: f" {' '.join(run.group())} ", normal)
    words = normal.encode().translate(ASCII_LETTERS).decode().split()
    if is_ascii or not MARK.search("".join({word[0] for word in words})):
        return words
    return [word for marked in words if (word := FIRST_MARKS.sub("", marked))]


def query_terms(query: str) -> list[str]:
    """The terms that a hit must all have, the first QUERY_TERMS of the query.

    None when the query has neither letter nor digit.
    """
    return list(dict.fromkeys(terms_of(query)))[:QUERY_TERMS]


def texts_of(content: str | None, *stages: Any, extra: Any = None) -> Iterator[str]:
    """The texts of a message as a person reads them: content, stage by stage, other fields."""
    if content:
        yield content
    for stage in stages:
        yield from _strings(stage)
    for _, value in other_fields(extra):
        yield from strings(value)


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


def message_search_text(content: str | None, *stages: Any, extra: Any = None) -> str:
    """The index's text of a whole message."""
    return search_text(_joined(texts_of(content, *stages, extra=extra)))


def _joined(texts: Iterator[str]) -> str:
    parts, length = [], 0
    for text in texts:
        parts.append(text)
        length += len(text)
        if length > INDEXED_CHARACTERS:
            break
    return "\n".join(parts)


def snippet(text: str, terms: Collection[str]) -> str:
    """The text around the first of `terms`, 50 characters on either side, on one line.

    The beginning of the text when none of them is in it.
    """
    start, end = _first_place(text, frozenset(terms))
    first, last = max(start - SNIPPET_MARGIN, 0), end + SNIPPET_MARGIN
    shown = " ".join(text[first:last].split())
    return f"{'…' if first else ''}{shown}{'…' if last < len(text) else ''}"


def _first_place(text: str, terms: frozenset[str]) -> tuple[int, int]:
    """Where the first of the terms stands: one pass over the text, however many they are."""
    if text.isascii():
        for plain in ASCII_WORD.finditer(text.lower()):
            if plain.group()[:TERM_CHARACTERS] in terms:
                return plain.span()
        return 0, 0
    found = WORD.finditer(text)
    while some := list(islice(found, 256)):
        # Folded together first: one by one takes four times as long.
        if terms.isdisjoint(terms_of("\n".join(word.group() for word in some))):
            continue
        for word in some:
            if not terms.isdisjoint(terms_of(word.group())):
                return word.span()
    return 0, 0


def fts_table(model: type[Model]) -> str:
    """The name of the FTS5 table beside a model's table (SQLite)."""
    return f"{model._meta.db_table}_words"


class MatchesTerms(Func):
    """Whether a row's indexed text has all these terms, and belongs to the owner if one is given.

    The owner is a word in the index itself: another person's text cannot match, even if every other
    filter were forgotten, and the cost grows with the asker's texts alone.
    """

    output_field = BooleanField()
    conditional = True
    on_sqlite = "{row} IN (SELECT rowid FROM {index} WHERE {index} MATCH ({wanted}))"

    def __init__(self, model: type[Model], terms: Sequence[str], owner: str | None = None) -> None:
        owned = [] if owner is None else [PersonKey(owner)]
        super().__init__(F("id"), F("search_text"), F("person_id"), *owned)
        self.index = fts_table(model)
        self.terms = list(terms)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> tuple[str, list[Any]]:
        (_, (text, _), (person, _), *owner) = map(compiler.compile, self.get_source_expressions())
        # To the letter the expression of the index, or PostgreSQL would not use it.
        indexed = f"(string_to_array({text}, ' ') || ('{OWNER_MARK}' || {person}::text))"
        wanted, parameters = "%s::text[]", list[Any]([self.terms])
        for key, user_id in owner:
            # Null for somebody who is not there, and null is in no row's terms.
            wanted += f" || ('{OWNER_MARK}' || {key}::text)"
            parameters += user_id
        return f"{indexed} @> ({wanted})", parameters

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, Any]:
        ((row_id, _), _, _, *owner) = map(compiler.compile, self.get_source_expressions())
        wanted, parameters = "%s", list[Any]([" ".join(f'"{word}"' for word in self.terms)])
        for key, user_id in owner:
            # Of somebody who is not there 0, which is nobody's: FTS5 takes no null.
            wanted += f" || ' \"{OWNER_MARK}' || COALESCE({key}, 0) || '\"'"
            parameters += user_id
        index = f'"{self.index}"'
        return self.on_sqlite.format(row=row_id, index=index, wanted=wanted), parameters


class IsHit(MatchesTerms):
    """The same, for a slice of so many hits: SQLite looks no more of them up, the newest."""

    def __init__(self, model: type[Model], terms: Sequence[str], *, at_most: int) -> None:
        super().__init__(model, terms)
        self.on_sqlite = (
            "{row} IN (SELECT rowid FROM {index} WHERE {index} MATCH ({wanted})"
            f" ORDER BY rowid DESC LIMIT {at_most})"
        )


class HasTerms(MatchesTerms):
    """The same, of few rows that are known: SQLite looks at their words, not for them in its index.

    There each of these rows would be looked for among all hits.
    """

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, Any]:
        text, _ = compiler.compile(self.get_source_expressions()[1])
        each = f"instr(' ' || {text} || ' ', %s) > 0"
        return f"({' AND '.join([each] * len(self.terms))})", [f" {word} " for word in self.terms]
