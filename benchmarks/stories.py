"""What `benchmarks.answers` asks in an order that matters: stories, and a walk by a seed."""

import json
import re
from collections.abc import Callable
from typing import Any

from benchmarks import asked
from benchmarks.asked import ANSWER, CHARGE, COUNCIL, DAY, GRANT, MESSAGE, QUESTION, UNKNOWN, Asker

NOTHING = {"conversation": UNKNOWN, "entry": UNKNOWN, "hold": UNKNOWN, "key": "a" * 64}
PAGED = (
    "/conversations?limit=3", "/conversations?limit=2&order=updated&archived=all",
    "/credits/transactions?limit=4", "/credits/transactions?limit=2&type=deduct",
    "/consent/history?limit=2", "/persons?limit=5",
)  # fmt: skip


def pages(asker: Asker, path: str, person: str = "ann", at_most: int = 5) -> None:
    """A list by its own links, from the first page on."""
    address: str | None = path
    while address and at_most:
        said = json.loads(asker.ask("GET", address, person=person)["body"])
        link = said.get("next") or said.get("messages_before")
        address = link and re.sub(r"^https?://[^/]+/api/v1", "", link)
        at_most -= 1


def of_conversations(asker: Asker) -> None:
    own_id = "01890000-0000-7000-8000-00000000abcd"
    for number in range(9):
        first = [MESSAGE, COUNCIL] * number
        asker.made("/conversations", {"title": f"Pump {number} für Öl", "messages": first})
    for body in ({"id": own_id, "title": "Mine"}, {"id": own_id}, {"id": own_id, "title": "Mine"}):
        asker.ask("POST", "/conversations", body)
        asker.ask("POST", "/conversations", body, "bob")
    path = f"/conversations/{own_id}"
    for key in ("m1", "m2", "m1", "m1"):
        asker.ask("POST", f"{path}/messages", COUNCIL, idempotency_key=key)
    asker.ask("POST", f"{path}/messages", MESSAGE, idempotency_key="m1")
    for number in range(30):
        text = {
            "role": ("user", "assistant", "system")[number % 3],
            "content": f"well {number} " * 40,
        }
        asker.ask("POST", f"{path}/messages", text)
    many = asker.made("/conversations", {"messages": [MESSAGE] * 200})
    for _ in range(5):
        asker.ask("POST", f"/conversations/{many}/messages", MESSAGE)
    for address in (path, f"{path}/messages?limit=7", f"{path}/messages?limit=9&order=desc"):
        pages(asker, address)
    pages(asker, f"/conversations/{many}")
    for words in ("pump", "well+deep", "öl", "none", "PUMP+deep+well", "submersible", "a" * 900):
        asker.ask("GET", f"/conversations/search?q={words.encode().decode('latin-1')}")
    for kind in ("json", "markdown"):
        asker.ask("GET", f"{path}/export?format={kind}")
    for change in ({"archived": True}, {"archived": False}, {"title": "x"}, {"metadata": {"a": 1}}):
        asker.ask("PATCH", path, change)
        asker.ask("GET", path)
    for person in ("bob", "ann", "ann"):
        asker.ask("DELETE", path, person=person)
    asker.ask("GET", path)


def of_money(asker: Asker) -> None:
    transactions = "/credits/transactions"
    for person in ("payer", "guest"):
        for key in ("p1", "p1", "p2"):
            asker.ask("POST", transactions, CHARGE, person, idempotency_key=key)
        asker.ask("POST", transactions, GRANT, person, idempotency_key="p1")
        asker.ask("POST", transactions, {"type": "deduct", "amount": 10**9}, person)
        asker.ask("POST", transactions, {"type": "grant", "amount": 10**15}, person)
        adjusted = {"type": "adjustment", "amount": -3, "description": "Ticket 4431"}
        asker.ask("POST", transactions, adjusted, person)
        batch = {"transactions": [CHARGE, GRANT, adjusted | {"metadata": {"a": [1.5, None]}}]}
        for key in ("b1", "b1"):
            asker.ask("POST", f"{transactions}/batch", batch, person, idempotency_key=key)
        asker.ask(
            "POST", f"{transactions}/batch", {"transactions": [CHARGE, CHARGE | {"amount": 10**9}]}
        )
        entry = asker.made(transactions, {"type": "deduct", "amount": 9}, person)
        for amount in ({"amount": 4}, {"amount": 6}, {}, {}):
            asker.ask("POST", f"{transactions}/{entry}/refund", amount, person, idempotency_key="r")
            asker.ask("POST", f"{transactions}/{entry}/refund", amount, person)
        for amount in ({}, {"amount": 2}, {"amount": 90}):
            hold = asker.made("/credits/holds", {"amount": 5, "ttl_seconds": 60}, person)
            asker.ask("GET", "/credits", person=person)
            for act, body in (("capture", amount), ("capture", amount), ("release", {})):
                asker.ask("POST", f"/credits/holds/{hold}/{act}", body, person, idempotency_key="h")
                asker.ask("POST", f"/credits/holds/{hold}/{act}", body, person)
        hold = asker.made("/credits/holds", {"amount": 7, "ttl_seconds": 5}, person)
        asker.at += 10
        asker.ask("POST", f"/credits/holds/{hold}/capture", {}, person)
        asker.ask("POST", "/credits/holds", {"amount": 10**6}, person)
        for wait in (0, DAY, 40 * DAY):
            asker.at += wait
            asker.ask("GET", "/credits", person=person, x_user_tier="guest")
            asker.ask("GET", "/credits", person=person)
            asker.ask("POST", transactions, CHARGE, person)
        asker.ask("GET", "/credits/statistics?days=365", person=person)
        pages(asker, f"{transactions}?limit=4", person)
        asker.ask(
            "GET",
            f"{transactions}?from=2026-01-12T00:00:00Z&to=2026-02-01T00:00:00Z",
            person=person,
        )


def of_usage(asker: Asker) -> None:
    for tier in (None, "free", "pro", "guest"):
        person = f"asks-{tier}"
        headers = {} if tier is None else {"x_user_tier": tier}
        asker.ask("GET", "/usage", person=person, **headers)
        for number in range(12):
            asker.ask("POST", "/usage/increment", {"amount": 1}, person, **headers)
            key = {"idempotency_key": f"u{number // 2}"}
            asker.ask("POST", "/usage/increment", {"amount": 2}, person, **key, **headers)
        asker.ask("GET", "/usage/check?amount=5", person=person, **headers)
        for limits in ({"daily_limit": 30}, {"monthly_limit": 31, "daily_limit": None},
                       {"tier": "pro"}, {"tier": "none"}):  # fmt: skip
            asker.ask("PATCH", "/usage", limits | {"reason": "Ticket 4431"}, person)
            asker.ask("POST", "/usage/increment", {}, person)
        for wait in (DAY, 31 * DAY):
            asker.at += wait
            asker.ask("GET", "/usage", person=person)
            asker.ask("POST", "/usage/increment", None, person)


def of_consent(asker: Asker) -> None:
    for person in ("dora", "emil"):
        shown = {"policy_version": 2, "method": "checkbox", "evidence": {"page": "/a"}}
        for body in (
            {"policy_version": 1},
            {"policy_version": 2},
            {"policy_version": 9},
            {},
            shown,
        ):
            for key in ({}, {"idempotency_key": "c1"}):
                asker.ask("PUT", "/consent/terms", body, person, **key)
                asker.ask("PUT", "/consent/history_storage", body, person, **key)
        for answers in ({"terms": 2, "marketing": 1}, {"marketing": False}, {"none": True}, {},
                        {"training_use": True, "shared_cache": True}, {"terms": "x"}):  # fmt: skip
            asker.ask("PUT", "/consent", {"purposes": answers}, person)
            asker.ask("GET", "/consent", person=person)
        for purpose in ("marketing", "terms", "marketing", "none"):
            asker.ask("DELETE", f"/consent/{purpose}", person=person)
        asker.ask("GET", "/consent?locale=de", person=person)
        asker.ask("GET", "/consent/policies?locale=de", person=None)
        asker.ask("GET", "/consent/as-of?at=2026-01-12T09:00:00Z", person=person)
        pages(asker, "/consent/history?limit=3", person)
        asker.at += 400 * DAY
        asker.ask("GET", "/consent", person=person)
        asker.ask("POST", "/consent/query", {"user_ids": ["emil", "x", "dora"], "purpose": "terms"})


def of_cache(asker: Asker) -> None:
    for number in range(4):
        question = QUESTION | {"query": f"Question {number}", "namespace": f"space{number % 2}"}
        said = json.loads(asker.ask("POST", "/cache/lookup", question)["body"])
        asker.ask("POST", "/cache/lookup", question, "bob")
        entry = f"/cache/entries/{said['key']}?namespace=space{number % 2}"
        lease = (said.get("lease") or {}).get("token")
        for token in ("f" * 32, lease, lease):
            for kind in ({}, {"finish_reason": "length"}, {"result": ""}, {"ttl_seconds": 60}):
                asker.ask("PUT", entry, ANSWER | kind | {"lease": token})
        asker.ask("PUT", entry, {"result": [1.0, "☃", {"a": None}], "model": "model-b"})
        for wait in (0, 100, DAY, 3 * DAY):
            asker.at += wait
            asker.ask("POST", "/cache/lookup", question)
            asker.ask("GET", entry)
        asker.ask("PUT", entry, ANSWER)
        for ends in ({"tags": ["databases"]}, {"model": "model-a"}, {"all": True}):
            asker.ask("POST", "/cache/invalidate", ends | {"namespace": f"space{number % 2}"})
            asker.ask("POST", "/cache/lookup", question)
            asker.ask("PUT", entry, ANSWER)
        asker.ask("DELETE", entry)
        asker.ask("POST", "/cache/lookup", question | {"wait_ms": 20})
        asker.ask("GET", f"/cache/stats?namespace=space{number % 2}")


def of_persons(asker: Asker) -> None:
    for number in range(4):
        path = f"/persons/known{number}"
        too_many = {f"n{one}": "v" for one in range(21)}
        one, other = {"customer": f"C-{number}"}, {"customer": None, "crm": "x"}
        for references in (one, other, {"a b": "c"}, too_many):
            asker.ask("PATCH", path, {"references": references, "note": "a note"})
            asker.ask("GET", path)
        asker.ask("POST", f"{path}/move", {"to": f"new{number}"})
        asker.ask("POST", f"{path}/move", {"to": "ann"})
        asker.ask("POST", f"/persons/new{number}/move", {"to": "ann"})
        asker.ask("GET", f"/persons/new{number}")
    for query in ("moved_from=known1", "reference=crm:x", "reference=crm", "moved_from=x"):
        asker.ask("GET", f"/persons?{query}")


def of_erasure(asker: Asker) -> None:
    for person in ("emil", "payer", "nobody"):
        asker.ask("GET", "/privacy/export", person=person)
        asker.ask("POST", "/privacy/erase", {"confirm": "another"}, person)
        asker.ask("POST", "/privacy/erase", {"confirm": person}, person)
        for path in ("/conversations", "/credits", "/usage", "/consent", "/privacy/export"):
            asker.ask("GET", path, person=person)
        asker.ask("POST", "/credits/transactions", CHARGE, person)


def of_shop(asker: Asker) -> None:
    for person, wait in (("buyer", 0), ("buyer", 0), ("ann", 0), (None, 0), ("buyer", DAY)):
        asker.at += wait
        for status in (200, 201, 404, 500):
            asker.ask("GET", f"/api/shop/ask?status={status}", person=person)
        for method in ("POST", "GET", "HEAD", "OPTIONS"):
            asker.ask(method, "/api/shop/answers", {"a": 1}, person)
        asker.ask("GET", "/api/shop/keep", person=person)
        asker.ask("POST", "/api/shop/answers", "{", person, key=None)
        asker.ask("POST", "/api/shop/answers", {"a": 1}, person, key="billing:read")
        asker.ask("GET", "/api/shop/ask", person=person, key=None)


def walk(asker: Asker, steps: int) -> None:
    """Any act of any of a few persons on rows that they, or others, made before."""
    kinds = {"/conversations": "conversation", "/credits/transactions": "entry",
             "/credits/holds": "hold"}  # fmt: skip
    chance = asker.chance
    walkers = [f"walker{number}" for number in range(5)]
    rows = {walker: {name: [first] for name, first in NOTHING.items()} for walker in walkers}
    for _ in range(steps):
        method, path, body = chance.choice(asked.ACTS)
        person = chance.choice(walkers)
        owner = person if chance.random() < 0.8 else chance.choice(walkers)
        chosen = {name: chance.choice(known[-4:]) for name, known in rows[owner].items()}
        chosen["person"] = f"walker{chance.randrange(5)}"
        if path == "/privacy/erase":
            if chance.random() < 0.7:
                continue
            body = {"confirm": person}
        headers = {}
        if chance.random() < 0.4:
            headers["idempotency_key"] = f"k{chance.randrange(60)}"
        if chance.random() < 0.05:
            asker.at += chance.choice((60, 3_600, DAY))
        answer = asker.ask(
            method, asked.filled(path, chosen), asked.filled(body, chosen), person, **headers
        )
        if method == "POST" and path in kinds and answer["status"].startswith("201"):
            rows[person][kinds[path]].append(json.loads(answer["body"])["id"])
        if path.startswith("/cache/lookup"):
            rows[person]["key"].append(json.loads(answer["body"]).get("key", "a" * 64))


STORIES: tuple[Callable[[Asker], Any], ...] = (
    of_conversations, of_money, of_usage, of_consent, of_cache, of_persons, of_shop, of_erasure,
)  # fmt: skip


def told(asker: Asker, steps: int) -> None:
    for story in STORIES:
        story(asker)
    walk(asker, steps)
    for path in PAGED:
        pages(asker, path)


def everything(asker: Asker) -> None:
    asked.every_method(asker)
    asked.every_caller(asker)
    asked.every_scope(asker)
    asked.every_body_and_query(asker)
    told(asker, 900)


# By the name of the site: its settings, and what it is asked.
SITES: dict[str, tuple[dict[str, str], Callable[[Asker], None]]] = {
    "usual": ({}, everything),
    "gated": (
        {
            "CONSENT_GATES": "history_storage,shared_cache",
            "IDEMPOTENCY_KEY_REQUIRED": "true",
            "CREDITS_EXHAUSTED_STATUS": "429",
            "MAX_BODY_BYTES": "20000",
            "HSTS_SECONDS": "60",
            "BEHIND_PROXY": "true",
            "CONSENT_STORE_IP": "true",
        },
        lambda asker: told(asker, 400),
    ),
    "limited": (
        {"RATE_LIMIT_KEY": "900/min", "RATE_LIMIT_PERSON": "20/min"},
        lambda asker: told(asker, 300),
    ),
}
