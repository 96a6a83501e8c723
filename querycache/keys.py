"""The key of a request: SHA-256 of its canonical JSON, which any client can compute.

The canonical form is that of RFC 8785 (JSON Canonicalization Scheme), except that integers are
written in full: two seeds beyond 2^53 are two requests. docs/cache.md says it in words, and
docs/examples/cache_key_vectors.json has requests with their keys.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from json.encoder import encode_basestring
from typing import Any

# Part of every key: raised when the canonical form changes, so that no old answer is found.
KEY_VERSION = 2

# The 25 characters of Unicode's property White_Space. Python's own strip() takes four more.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
LITERALS = {None: "null", True: "true", False: "false"}


@dataclass(frozen=True)
class CacheRequest:
    """What is asked: everything that decides which answer is the right one."""

    query: str
    context: Any = None
    model: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def canonical(self, *, ignore_case: bool) -> str:
        """The text whose SHA-256 is the key, in a namespace that does or does not ignore case."""
        query = self.query.strip(WHITE_SPACE)
        return (
            f'{{"context":{self._context},"ignore_case":{LITERALS[ignore_case]},'
            f'"model":{canonical_json(self.model)},"parameters":{self._parameters},'
            f'"query":{canonical_json(query.lower() if ignore_case else query)},'
            f'"version":{KEY_VERSION}}}'
        )

    # Once for both keys, and they may be large.

    @cached_property
    def _context(self) -> str:
        return canonical_json(self.context)

    @cached_property
    def _parameters(self) -> str:
        return canonical_json(self.parameters)

    @cached_property
    def key(self) -> str:
        """64 lower-case hexadecimal digits; in a namespace that tells small letters from large."""
        return key_of(self.canonical(ignore_case=False))

    @cached_property
    def key_ignoring_case(self) -> str:
        """The key in a namespace that does not."""
        return key_of(self.canonical(ignore_case=True))


def key_of(canonical: str) -> str:
    """SHA-256 of a canonical text, in hex."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """`value` with sorted keys, without white space, and one way to write each number and text."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        members = [
            f"{encode_basestring(name)}:{canonical_json(value[name])}" for name in _sorted(value)
        ]
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(canonical_json, value))}]"
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, bool):
        return LITERALS[value]
    return int.__repr__(value)


def _sorted(names: Iterable[str]) -> list[str]:
    """By UTF-16 code units, as JavaScript and RFC 8785 sort."""
    if "".join(names).isascii():
        return sorted(names)
    return sorted(names, key=lambda name: name.encode("utf-16-be"))


def _number(value: float) -> str:
    """A float as JavaScript writes it: 1.0 is 1, 1e5 is 100000, 1e-7 is 1e-7."""
    if value == 0:
        return "0"
    sign, digit_tuple, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, digit_tuple))
    point = len(digits) + int(exponent)  # how many digits stand before the decimal point
    if 0 < point <= 21:
        whole, part = digits[:point].ljust(point, "0"), digits[point:]
        text = f"{whole}.{part}" if part else whole
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        mantissa = f"{digits[0]}.{digits[1:]}" if digits[1:] else digits
        text = f"{mantissa}e{point - 1:+d}"
    return f"-{text}" if sign else text
