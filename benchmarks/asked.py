"""What `benchmarks.answers` asks: every route in every way, stories, and a walk by a seed.

`ask_all` gives each request to `send`, which returns its answer. Ids in answers are names such as
`<<id:7>>`, so that what is asked about them is the same in every run.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

Send = Callable[[dict[str, Any]], dict[str, Any]]

API = "/api/v1"
DAY = 86_400
KEY_OF_NOTHING = "a" * 64
UNKNOWN = "01890000-0000-7000-8000-000000000001"
METHODS = ("OPTIONS", "HEAD", "GET", "POST", "PUT", "PATCH", "TRACE", "DELETE")
SCOPES = (
    "conversations:read", "conversations:write", "billing:read", "billing:charge",
    "billing:manage", "consent:read", "consent:write", "cache:read", "cache:write",
    "cache:manage", "persons:read", "persons:write", "privacy:manage",
)  # fmt: skip
MESSAGE = {"role": "user", "content": "Which pump is the right one for a deep well?"}
COUNCIL = {
    "role": "assistant",
    "stage1": [{"model": "model-a", "response": "A submersible one, ☃ 2.5e3."}],
    "stage2": {"ranking": ["model-a"], "scores": [1, 0.5, -3, 1e300, None, True]},
    "stage3": {"model": "model-a", "response": "A submersible one.\n\nIt lasts."},
    "metadata": {"label_to_model": {"A": "model-a"}},
}
CHARGE, GRANT = {"type": "deduct", "amount": 2}, {"type": "grant", "amount": 40}
QUESTION = {"query": "Which database?", "model": "model-a", "parameters": {"temperature": 0}}
ANSWER = {"result": {"text": "Begin with SQLite."}, "tags": ["databases"], "cost_credits": 2}

# Method, path and a body that is right; names in braces are of rows that are made for it.
ACTS: list[tuple[str, str, Any]] = [
    ("GET", "/conversations", None),
    ("POST", "/conversations", {"title": "A pump", "messages": [MESSAGE, COUNCIL]}),
    ("GET", "/conversations/search?q=pump", None),
    ("GET", "/conversations/{conversation}", None),
    ("PATCH", "/conversations/{conversation}", {"title": "Two pumps", "archived": True}),
    ("GET", "/conversations/{conversation}/messages", None),
    ("POST", "/conversations/{conversation}/messages", COUNCIL),
    ("GET", "/conversations/{conversation}/export", None),
    ("GET", "/usage", None),
    ("PATCH", "/usage", {"tier": "pro", "reason": "Ticket 4431"}),
    ("GET", "/usage/check?amount=3", None),
    ("POST", "/usage/increment", {"amount": 1}),
    ("GET", "/credits", None),
    ("GET", "/credits/statistics", None),
    ("GET", "/credits/transactions", None),
    ("POST", "/credits/transactions", CHARGE),
    ("POST", "/credits/transactions/batch", {"transactions": [CHARGE, GRANT]}),
    ("POST", "/credits/transactions/{entry}/refund", {"amount": 1}),
    ("POST", "/credits/holds", {"amount": 3, "ttl_seconds": 120}),
    ("POST", "/credits/holds/{hold}/capture", {"amount": 1}),
    ("POST", "/credits/holds/{hold}/release", {}),
    ("GET", "/consent", None),
    ("PUT", "/consent", {"purposes": {"terms": 1, "marketing": None, "history_storage": True}}),
    ("GET", "/consent/history", None),
    ("GET", "/consent/as-of?at=2026-01-13T00:00:00Z", None),
    ("GET", "/consent/policies", None),
    ("POST", "/consent/query", {"user_ids": ["ann", "bob"], "purpose": "marketing"}),
    ("PUT", "/consent/marketing", {"method": "button", "evidence": {"page": "/sign-up"}}),
    ("DELETE", "/consent/marketing", None),
    ("POST", "/cache/lookup", QUESTION),
    ("POST", "/cache/key", QUESTION),
    ("GET", "/cache/stats", None),
    ("PUT", "/cache/entries/{key}", ANSWER),
    ("GET", "/cache/entries/{key}", None),
    ("DELETE", "/cache/entries/{key}", None),
    ("POST", "/cache/invalidate", {"tags": ["databases"]}),
    ("GET", "/persons", None),
    ("GET", "/persons/{person}", None),
    ("PATCH", "/persons/{person}", {"references": {"customer": "C-1041"}, "note": "By mail."}),
    ("POST", "/persons/{person}/move", {"to": "{person}-moved"}),
    ("GET", "/privacy/export", None),
    ("DELETE", "/conversations/{conversation}", None),
    ("POST", "/privacy/erase", {"confirm": "ann"}),
    ("GET", "/schema", None),
    ("GET", "/docs", None),
    ("GET", "/health/live", None),
    ("GET", "/health/ready", None),
    ("GET", "/health/detailed", None),
    ("GET", "/metrics", None),
]  # fmt: skip
# Long, and the same for everybody.
ASKED_OFTEN = [act for act in ACTS if act[1] != "/schema"]
BAD_BODIES = (
    "", "{", "[]", "null", '"text"', "{}", '{"unknown":1}', '{"amount":"x","type":5,"role":[]}',
    '{"amount":1,"amount":2}', '{"amount":12345678901234567890}', '{"amount":NaN}',
    '{"metadata":{"a":1e400}}', '{"metadata":"text","content":3,"result":""}', "\xff\xfe{}",
    '{"a":"\\u0000","content":"a\\u0000b","query":"\\u0000"}', "[" * 200 + "]" * 200,
    '{"metadata":{"a":1234567890123456789},"content":"0123456789012345678901"}',
    '{"content":"\\ud800","query":"\\ud800","reason":"\\ud800"}', '{"reason":" ","user_ids":[]}',
)  # fmt: skip
BAD_QUERIES = (
    "limit=0", "limit=2", "limit=201", "limit=x", "cursor=x", "cursor=WyJhIiwxLDFd", "unknown=1",
    "order=updated&archived=all", "type=deduct", "from=yesterday", "days=0", "format=markdown",
    "format=pdf", "limit=1&limit=2", "%00=1", "amount=0", "locale=en&locale", "q=%ff", "at=now",
    "namespace=none", "namespace=%20", "reference=customer:C-1041", "moved_from=dora", "q=",
)  # fmt: skip
BAD_PATHS = (
    "", "/", "/conversations/", "//conversations", "/Conversations", "/conversations%2F", "/x",
    "/conversations/x", f"/conversations/{UNKNOWN}", f"/conversations/{UNKNOWN.upper()}",
    f"/conversations/{UNKNOWN}/", "/conversations/%00", "/credits/", "/credits/holds/x/capture",
    f"/credits/holds/{UNKNOWN}/release", f"/credits/transactions/{UNKNOWN}/refund",
    "/credits/transactions/batch/", "/consent/none", "/consent/a%20b", "/cache/entries/abc",
    f"/cache/entries/{KEY_OF_NOTHING}", f"/cache/entries/{KEY_OF_NOTHING.upper()}", "/persons/",
    "/persons/nobody", "/persons/a%2Fb", "/persons/a/b/move", "/persons/%ff", "/usage/x", "/..",
    "/conversations;a=b", "/%E2%98%83", "/consent/history/", "/schema/", "/docs/", "/privacy/",
)  # fmt: skip
OUTSIDE = (
    "/", "/api", "/api/", "/api/v2/usage", "/health", "/health/", "/health/live/", "/metrics/",
    "/favicon.ico", "/admin", "/admin/login", "/static/none.css", "/none", "/api/shop/none",
)  # fmt: skip


class Asker:
    """Sends requests in the name of applications and persons, on a clock of its own."""

    def __init__(self, send: Send, seed: int) -> None:
        self.send, self.at, self.chance = send, 0.0, random.Random(seed)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        person: str | None = "ann",
        key: str | None = "all",
        **headers: str,
    ) -> dict[str, Any]:
        self.at += 1
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"content-type": "application/json"} | named
        if key is not None:
            scheme = "" if " " in key else "Bearer "
            named.setdefault("authorization", f"{scheme}<<{key}>>" if scheme else key)
        if person is not None:
            named["x-user-id"] = person
        outside = path.startswith(("/health", "/metrics", "/api/shop"))
        content = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        address = path if outside else API + path
        return self.send(
            {"at": self.at, "method": method, "path": address, "headers": named, "body": content}
        )

    def made(self, path: str, body: Any, person: str = "ann") -> str:
        """The id of a new row; one that is unknown where none was made."""
        said = json.loads(self.ask("POST", path, body, person)["body"])
        return str(said.get("id", UNKNOWN))

    def rows(self, person: str = "ann") -> dict[str, str]:
        """New rows of a person's, for the names in ACTS."""
        self.ask("POST", "/credits/transactions", GRANT, person)
        key = f"{self.chance.getrandbits(256):064x}"
        self.ask("PUT", f"/cache/entries/{key}", ANSWER, person)
        return {
            "conversation": self.made("/conversations", {"messages": [MESSAGE]}, person),
            "entry": self.made("/credits/transactions", CHARGE, person),
            "hold": self.made("/credits/holds", {"amount": 5}, person),
            "key": key,
            "person": f"person{int(self.at)}",
        }


def filled(text: Any, rows: dict[str, str]) -> Any:
    """The text, or the texts in a body, with the rows' names in place of those in braces."""
    if isinstance(text, dict):
        return {name: filled(value, rows) for name, value in text.items()}
    if isinstance(text, str):
        for name, value in rows.items():
            text = text.replace(f"{{{name}}}", value)
    return text


def every_method(asker: Asker) -> None:
    for path in dict.fromkeys(path.partition("?")[0] for _, path, _ in ACTS):
        rows = asker.rows()
        for method in METHODS:
            asker.ask(method, filled(path, rows), {})
    for path in (*OUTSIDE, *(API + path for path in BAD_PATHS)):
        for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
            asker.at += 1
            headers = {"authorization": "Bearer <<all>>", "x-user-id": "ann"}
            asker.send({"at": asker.at, "method": method, "path": path, "headers": headers})


CALLERS: list[dict[str, Any]] = [
    {"key": None}, {"key": "Basic YTpi"}, {"key": "Bearer stw_unknown"}, {"key": "Bearer "},
    {"key": "bearer <<all>>"}, {"key": "revoked"}, {"key": "expired"}, {"person": None},
    {"person": "bob"}, {"person": "UTF-8''b%C3%B6b"}, {"person": "b\xc3\xb6b"},
    {"person": "a" * 129}, {"person": "b\xff"}, {"person": "UTF-8''%00"},
    {"key": "token", "person": None}, {"key": "token"}, {"key": "token", "person": "bob"},
    {"key": "token-expired", "person": None}, {"key": "token-of-another", "person": None},
    {"origin": "https://app.example"}, {"origin": "https://evil.example"},
    {"x_request_id": "mine-1"}, {"x_request_id": "not fit"}, {"x_user_tier": "pro"},
    {"x_user_tier": "none"}, {"content_type": "text/plain"}, {"content_type": ""},
    {"idempotency_key": "k" * 300}, {"accept": "text/html"}, {"x_forwarded_proto": "https"},
]  # fmt: skip


def every_caller(asker: Asker) -> None:
    for method, path, body in ASKED_OFTEN:
        rows = asker.rows("ann")
        for caller in CALLERS:
            asker.ask(method, filled(path, rows), filled(body, rows), **caller)


def every_scope(asker: Asker) -> None:
    for method, path, body in ASKED_OFTEN:
        rows = asker.rows()
        for scope in SCOPES:
            asker.ask(method, filled(path, rows), filled(body, rows), key=scope)


def every_body_and_query(asker: Asker) -> None:
    for method, path, body in ACTS:
        rows = asker.rows()
        address = filled(path, rows)
        if body is None:
            for query in BAD_QUERIES:
                asker.ask(method, f"{address.partition('?')[0]}?{query}")
        else:
            for bad in BAD_BODIES:
                asker.ask(method, address, bad)
    asker.ask("POST", "/cache/lookup", '{"query":"' + "a" * 5_300_000 + '"}')


def prepare(do: Callable[..., Any], folder: Path) -> dict[str, str]:
    """Keys and texts, by the checkout's own commands; returns the keys by their names."""
    do(command=["migrate", "--verbosity=0"], at=-11 * DAY)
    keys = {}
    for name in ("all", "revoked", "expired", *SCOPES):
        scopes = name if name in SCOPES else "all"
        ends = ["--expires-in-days", "1"] if name == "expired" else []
        made = ["create_api_key", name.replace(":", "-"), "--scopes", scopes, *ends]
        keys[name] = do(command=made, at=-10 * DAY)["said"].splitlines()[-1]
    do(command=["revoke_api_key", "revoked"], at=-9 * DAY)
    for purpose, version, locale in (("terms", 1, "en"), ("terms", 1, "de"), ("marketing", 1, "en"),
                                     ("terms", 2, "en")):  # fmt: skip
        file = folder / f"{purpose}-{version}-{locale}.txt"
        file.write_text(f"The {version}. text about {purpose}, in {locale}.\n" * 4)
        material = ["--material"] if version > 1 else []
        do(
            command=["publish_policy", str(file), "--purpose", purpose, "--locale", locale,
                     "--policy-version", str(version), *material],
            at=-8 * DAY,
        )  # fmt: skip
    return keys
