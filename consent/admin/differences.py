"""What changed from one text to the next, line by line, and within a line word by word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# How many lines around a change are shown.
CONTEXT_LINES = 3
# Beyond these a comparison takes longer than a page may: of all lines, and word by word.
MAX_LINES = 5_000
MAX_LINES_BY_WORDS = 500
MAX_WORD_PAIRS = 4_000_000
# Lines with less in common are told as two lines, not as one that changed.
ALIKE = 0.4

WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Part:
    """Some words of a line, and whether the other text lacks them."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Line:
    """A line of either text: same, gone or new; or how many equal lines are left out (skipped)."""

    kind: str
    parts: Sequence[Part] = ()
    skipped: int = 0


def differences(old: str, new: str) -> list[Line] | None:
    """The changes with some lines around them; empty when there are none, None for long texts."""
    before, after = old.split("\n"), new.split("\n")
    if max(len(before), len(after)) > MAX_LINES:
        return None
    return list(_lines(before, after))


def _lines(before: list[str], after: list[str]) -> Iterator[Line]:
    shown = 0
    groups = list(SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT_LINES))
    steps = [step for group in groups for step in group if step[0] != "equal"]
    by_words = sum(last - first for _, first, last, _, _ in steps) <= MAX_LINES_BY_WORDS
    for group in groups:
        start = group[0][1]
        if start > shown:
            yield Line("skipped", skipped=start - shown)
        for tag, first, last, first_new, last_new in group:
            if tag == "equal":
                yield from (Line("same", [Part(text)]) for text in before[first:last])
            else:
                yield from _changed(before[first:last], after[first_new:last_new], by_words)
        shown = group[-1][2]
    if 0 < shown < len(before):
        yield Line("skipped", skipped=len(before) - shown)


def _changed(gone: list[str], new: list[str], by_words: bool) -> Iterator[Line]:
    likely = zip(gone, new, strict=False) if by_words else ()
    pairs = [_words(old, text) for old, text in likely]
    yield from (Line("gone", old) for old, _ in pairs)
    yield from (Line("gone", [Part(text, changed=True)]) for text in gone[len(pairs) :])
    yield from (Line("new", text) for _, text in pairs)
    yield from (Line("new", [Part(text, changed=True)]) for text in new[len(pairs) :])


def _words(old: str, new: str) -> tuple[list[Part], list[Part]]:
    """Both lines in parts, those marked that the other one lacks."""
    whole = [Part(old, changed=True)], [Part(new, changed=True)]
    before, after = WORD.findall(old), WORD.findall(new)
    if len(before) * len(after) > MAX_WORD_PAIRS:
        return whole
    matcher = SequenceMatcher(str.isspace, before, after)
    if matcher.ratio() < ALIKE:
        return whole
    gone, come = [], []
    for tag, first, last, first_new, last_new in matcher.get_opcodes():
        is_changed = tag != "equal"
        gone.append(Part("".join(before[first:last]), is_changed))
        come.append(Part("".join(after[first_new:last_new]), is_changed))
    return [part for part in gone if part.text], [part for part in come if part.text]
