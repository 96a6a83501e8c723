"""The dearest requests of each route that we know; for bounds.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib.sessions.models import Session
from django.urls import reverse

from benchmarks.dearest_rows import (
    BODY_BYTES,
    ENTRY,
    EVIDENCE,
    MOST_VALUES,
    PAGE_ROWS,
    SAID,
    WORDS,
    wide,
)
from billing.models import CreditHold, CreditTransaction
from consent.models import Purpose
from conversations.models import Conversation

API = "/api/v1"
# What a body may hold besides its large part.
REST = 200


@dataclass(frozen=True)
class Case:
    """A request: what bounds it, and how it is made when the rows are there.

    Of a route with several the first says what bounds them all.
    """

    route: str
    bound: str
    address: Callable[[], str]
    person: str = "ann"
    body: Callable[[], bytes] = bytes
    statuses: tuple[int, ...] = (200, 201, 204)
    headers: Callable[[], dict[str, str]] = dict

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]


# Addresses


def at(path: str) -> Callable[[], str]:
    return lambda: API + path


def conversation_of(person: str, path: str = "") -> Callable[[], str]:
    def address() -> str:
        conversation = Conversation.objects.for_user(person).latest("message_count")
        return f"{API}/conversations/{conversation.uid}{path}"

    return address


def row_of(model: Any, path: str, person: str) -> Callable[[], str]:
    return lambda: API + path.format(model.objects.filter(person__user_id=person).latest("pk").uid)


def staff_page(name: str, person: str = "") -> Callable[[], str]:
    def address() -> str:
        row = Conversation.objects.for_user(person).first()
        return reverse(f"admin:{name}", args=[row.pk] if row else [])

    return address


# Bodies


def json(value: Any) -> Callable[[], bytes]:
    return lambda: orjson.dumps(value)


def numbers(count: int) -> bytes:
    """Floats, which are the dearest values to write in one way only."""
    return b"[" + b",".join([b"1.25e-7"] * count) + b"]"


def around(before: str, after: str, count: int = MOST_VALUES - 10) -> Callable[[], bytes]:
    """A body of as many values as are taken."""
    return lambda: before.encode() + numbers(count) + after.encode()


def around_text(before: str, after: str) -> Callable[[], bytes]:
    """A body of as many bytes as are taken, in the form that takes most memory."""
    return lambda: f'{before}"{wide("a", BODY_BYTES - REST)}"{after}'.encode()


def first_messages() -> bytes:
    """Squared words: one character becomes four, and each of them is a word."""
    content = "\u3300".encode() * ((BODY_BYTES // PAGE_ROWS - 60) // 3)
    message = b'{"role":"user","content":"' + content + b'"}'
    return b'{"messages":[' + b",".join([message] * PAGE_ROWS) + b"]}"


def batch() -> bytes:
    entry = b'{"type":"grant","amount":1,"metadata":{"a":' + numbers(MOST_VALUES // 500 - 6) + b"}}"
    return b'{"transactions":[' + b",".join([entry] * 500) + b"]}"


def answers() -> bytes:
    said = dict.fromkeys(Purpose.objects.values_list("key", flat=True), True) | {"terms": 1}
    return orjson.dumps({"purposes": said, "evidence": EVIDENCE})


def form() -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    return head + b"a" * (BODY_BYTES - REST) + b"\r\n--x--\r\n"


# Headers


def multipart() -> dict[str, str]:
    return {
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "HTTP_COOKIE": f"csrftoken={'a' * 32}",
    }


def logged_in() -> dict[str, str]:
    return {"HTTP_COOKIE": f"sessionid={Session.objects.get().session_key}"}


BODY = "a body of 5 MiB, 100,000 values"
PAGE = "200 rows, 5 MiB"
FEW = "a few rows"
CONVERSATION = "/conversations/<conversation_id>"
TRANSACTIONS = "/credits/transactions"
HOLD = "/credits/holds/<hold_id>"
PERSONS = {"purpose": "marketing", "user_ids": [f"{number:0>128}" for number in range(1000)]}
STAFF = "GET /admin/…"

CONVERSATIONS = [
    Case("GET /conversations", PAGE, at("/conversations?limit=200"), "reader"),
    Case("POST /conversations", f"{BODY}, 200 messages", at("/conversations"), body=first_messages),
    Case(
        "POST /conversations",
        "",
        at("/conversations"),
        body=around_text('{"messages":[{"role":"user","content":', "}]}"),
    ),
    Case(
        "GET /conversations/search",
        "64 words, 50 hits, 1,000,000 characters",
        at("/conversations/search?q=" + "+".join(WORDS)),
        "searcher",
    ),
    Case(f"GET {CONVERSATION}", "200 messages, 5 MiB", conversation_of("talker"), "talker"),
    Case(
        f"PATCH {CONVERSATION}",
        BODY,
        conversation_of("talker"),
        "talker",
        around('{"metadata":{"a":', "}}"),
    ),
    Case(
        f"PATCH {CONVERSATION}",
        "",
        conversation_of("talker"),
        "talker",
        around_text('{"metadata":{"a":', "}}"),
    ),
    Case(
        f"DELETE {CONVERSATION}",
        "**its messages**: 10,000 here",
        conversation_of("deleter"),
        "deleter",
    ),
    Case(
        f"GET {CONVERSATION}/export",
        "80,000 marks; **its texts**, some at a time: 5 MiB here",
        conversation_of("talker", "/export?format=markdown"),
        "talker",
    ),
    Case(
        f"GET {CONVERSATION}/export",
        "",
        conversation_of("writer", "/export?format=markdown"),
        "writer",
    ),
    Case(
        f"GET {CONVERSATION}/messages",
        PAGE,
        conversation_of("talker", "/messages?limit=200"),
        "talker",
    ),
    Case(
        f"POST {CONVERSATION}/messages",
        BODY,
        conversation_of("writer", "/messages"),
        "writer",
        around('{"role":"user","stage1":', "}"),
    ),
    Case(
        f"POST {CONVERSATION}/messages",
        "",
        conversation_of("searcher", "/messages"),
        "searcher",
        around_text('{"role":"user","content":', "}"),
    ),
]

BILLING = [
    Case("GET /usage", FEW, at("/usage")),
    Case("PATCH /usage", FEW, at("/usage"), body=json({"tier": "pro", "reason": "a" * 2000})),
    Case("GET /usage/check", FEW, at("/usage/check")),
    Case("POST /usage/increment", FEW, at("/usage/increment")),
    Case("GET /credits", FEW, at("/credits")),
    Case(
        "GET /credits/statistics",
        "**the person's entries**: 10,000 here",
        at("/credits/statistics?days=3660"),
        "counted",
    ),
    Case(f"GET {TRANSACTIONS}", PAGE, at(f"{TRANSACTIONS}?limit=200"), "payer"),
    Case(
        f"POST {TRANSACTIONS}",
        BODY,
        at(TRANSACTIONS),
        body=around('{"type":"grant","amount":1,"metadata":{"a":', "}}"),
    ),
    Case(
        f"POST {TRANSACTIONS}",
        "",
        at(TRANSACTIONS),
        "payer",
        around_text('{"type":"grant","amount":1,"metadata":{"a":', "}}"),
    ),
    Case(
        f"POST {TRANSACTIONS}/batch",
        f"{BODY}, 500 entries",
        at(f"{TRANSACTIONS}/batch"),
        body=batch,
    ),
    Case(
        f"POST {TRANSACTIONS}/<transaction_id>/refund",
        FEW,
        row_of(CreditTransaction, f"{TRANSACTIONS}/{{}}/refund", "charged"),
        "charged",
    ),
    Case("POST /credits/holds", FEW, at("/credits/holds"), body=json({"amount": 1})),
    Case(
        f"POST {HOLD}/capture", FEW, row_of(CreditHold, "/credits/holds/{}/capture", "held"), "held"
    ),
    Case(
        f"POST {HOLD}/release", FEW, row_of(CreditHold, "/credits/holds/{}/release", "kept"), "kept"
    ),
]

CONSENT = [
    Case("GET /consent", "your purposes: 50 here", at("/consent"), "consenter"),
    Case("PUT /consent", "50 purposes, 8 KiB of evidence", at("/consent"), body=answers),
    Case(
        "PUT /consent/<purpose>",
        "8 KiB of evidence",
        at("/consent/marketing"),
        body=json({"evidence": EVIDENCE}),
    ),
    Case("DELETE /consent/<purpose>", FEW, at("/consent/marketing"), "consenter"),
    Case(
        "GET /consent/history",
        "200 rows",
        at("/consent/history?limit=200"),
        "consenter",
    ),
    Case(
        "GET /consent/as-of",
        "**the person's events**: 200 here",
        at("/consent/as-of?at=2100-01-01T00:00:00Z"),
        "consenter",
    ),
    Case("POST /consent/query", "1,000 persons", at("/consent/query"), "", json(PERSONS)),
    Case(
        "GET /consent/policies",
        "your texts: one of 500,000 characters here",
        at("/consent/policies"),
        "",
    ),
]

CACHE = [
    Case(
        "POST /cache/lookup", BODY, at("/cache/lookup"), body=around('{"query":"a","context":', "}")
    ),
    Case("POST /cache/lookup", "", at("/cache/lookup"), body=around_text('{"query":', "}")),
    Case("POST /cache/key", BODY, at("/cache/key"), "", around('{"query":"a","context":', "}")),
    Case("POST /cache/key", "", at("/cache/key"), "", around_text('{"query":', "}")),
    Case(
        "POST /cache/invalidate",
        "200 tags",
        at("/cache/invalidate"),
        "",
        json({"tags": [f"{number:0>100}" for number in range(200)]}),
    ),
    Case("GET /cache/stats", "a row a namespace, a slot and a day", at("/cache/stats"), ""),
    Case(
        "PUT /cache/entries/<key>",
        BODY,
        at(f"/cache/entries/{ENTRY}"),
        body=around('{"result":', "}"),
    ),
    Case(
        "PUT /cache/entries/<key>",
        "",
        at(f"/cache/entries/{ENTRY}"),
        body=around_text('{"result":', "}"),
        statuses=(422,),  # larger than an entry may be, which is known when it has been read
    ),
    Case(
        "GET /cache/entries/<key>",
        "one entry: 1 MiB unless set",
        at(f"/cache/entries/{ENTRY}"),
        "cached",
    ),
    Case("DELETE /cache/entries/<key>", FEW, at(f"/cache/entries/{ENTRY}"), "cached"),
]

OTHERS = [
    Case("GET /persons", "200 persons, 20 references each", at("/persons?limit=200"), ""),
    Case("GET /persons/<user_id>", "20 references", at("/persons/named"), ""),
    Case("PATCH /persons/<user_id>", "20 references", at("/persons/named"), "", json(SAID)),
    Case(
        "POST /persons/<user_id>/move",
        "20 references",
        at("/persons/named1/move"),
        "",
        json({"to": f"{0:0>128}"}),
    ),
    Case("GET /schema", "the routes", at("/schema")),
    Case("GET /docs", "one page", at("/docs")),
    Case("GET /health/live", "nothing", lambda: "/health/live"),
    Case("GET /health/ready", FEW, lambda: "/health/ready"),
    Case("GET /health/detailed", FEW, lambda: "/health/detailed", ""),
    Case("GET /metrics", "routes, statuses and processes", lambda: "/metrics", ""),
    Case(
        "POST /admin/login/",
        "a body of 5 MiB",
        lambda: "/admin/login/",
        "",
        form,
        (403,),
        multipart,
    ),
    Case(
        STAFF,
        "200 messages, 5 MiB, 80,000 marks; downloads: **the rows**",
        staff_page("conversations_conversation_change", "talker"),
        "",
        headers=logged_in,
    ),
    Case(
        STAFF,
        "",
        staff_page("conversations_conversation_change", "writer"),
        "",
        headers=logged_in,
    ),
    Case(
        STAFF,
        "",
        staff_page("billing_credittransaction_export"),
        "",
        headers=logged_in,
    ),
]

# At the end, since rows go.
PRIVACY = [
    Case(
        "GET /privacy/export",
        "**the person's rows**, 1 MiB at a time: 5 MiB here",
        at("/privacy/export"),
        "talker",
    ),
    Case(
        "POST /privacy/erase",
        "**the person's rows**: 10,000 messages here; **the cache**: 100 MiB here",
        at("/privacy/erase"),
        "erased",
        json({"confirm": "erased"}),
    ),
]

CASES: list[Case] = [*CONVERSATIONS, *BILLING, *CONSENT, *CACHE, *OTHERS, *PRIVACY]
