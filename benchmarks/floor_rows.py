"""What `benchmarks.floor` asks: the hot routes, of Steward and of the floor, on like data."""

import json
from collections.abc import Callable
from typing import Any

from benchmarks.floor_wsgi import HOT, PERSONS

Request = dict[str, Any]
# Method, path, body and person to a status and a body.
Call = Callable[[str, str, Any, str], bytes]

READERS, WRITERS, CONVERSATIONS = 40, 3, 20
ROWS = {
    "usage": "usage of a person",
    "credits": "credit status",
    "consent": "consent, five purposes",
    "list": "list of 100",
    "conversation": "conversation of 20 messages",
    "cached": "cached answer",
    "create": "create a conversation",
    "charge": f"charge, {PERSONS:,} accounts",
    "hot": "charge, one hot account",
    "append": "append an answer of 6 KB",
}
PURPOSES = ("terms", "marketing", "history_storage", "training_use", "shared_cache")
TEXT = "A submersible pump is the right one: it pushes, and no pump pulls from below ten metres. "


def council(length: int) -> dict[str, Any]:
    """An answer of a council of three, about so many bytes long."""
    text = TEXT * (length // len(TEXT) // 4)
    return {
        "role": "assistant",
        "stage1": [{"model": f"model-{name}", "response": text} for name in "ab"],
        "stage2": [{"model": "model-a", "ranking": text[: length // 5], "parsed": ["A", "B"]}],
        "stage3": {"model": "model-a", "response": text},
    }


MESSAGE, ANSWER = council(6_000), council(3_000)
TITLE = {"title": "Which pump for well 5"}
CHARGE, GRANT = {"type": "deduct", "amount": 1}, {"type": "grant", "amount": 10**9}
QUESTION = {"query": "Which pump?", "model": "model-a", "parameters": {"temperature": 0}}


def request(method: str, path: str, body: Any, person: str, **headers: str) -> Request:
    named = {"Content-Type": "application/json", "X-User-Id": person} | headers
    content = "" if body is None else json.dumps(body)
    return {"method": method, "path": path, "headers": named, "body": content}


def of_floor() -> dict[str, list[Request]]:
    persons = [f"p{number}" for number in range(PERSONS)]
    readers, writers = persons[:READERS], persons[:WRITERS]

    def reads(path: str, of: list[str]) -> list[Request]:
        return [request("GET", path, None, person) for person in of]

    return {
        **{name: reads(f"/{name}", readers) for name in ("usage", "credits", "consent", "cached")},
        "list": reads("/list", writers),
        "conversation": [
            request("GET", f"/conversation?number={number + 1}", None, "p0")
            for number in range(CONVERSATIONS)
        ],
        "create": [request("POST", "/create", TITLE, person) for person in readers],
        "charge": [request("POST", "/charge", CHARGE, person) for person in persons],
        "hot": [request("POST", "/charge", CHARGE, HOT)],
        "append": [
            request("POST", f"/append?number={number + 101}", MESSAGE, "p0")
            for number in range(READERS)
        ],
    }


def of_steward(key: str, call: Call) -> dict[str, list[Request]]:
    """Makes the data through the API, `call`, and says what to ask."""
    persons = [f"p{number}" for number in range(PERSONS)]
    readers, writers = persons[:READERS], persons[:WRITERS]
    for person in (*persons, HOT):
        call("POST", "/credits/transactions", GRANT, person)
    question = call("POST", "/cache/lookup", QUESTION, "p0")
    for person in readers:
        call("POST", "/usage/increment", {}, person)
        call("PUT", "/consent", {"purposes": dict.fromkeys(PURPOSES, True) | SHOWN}, person)
        call("PUT", f"/cache/entries/{json.loads(question)['key']}", {"result": ANSWER}, person)
    for person in writers:
        for _ in range(100):
            call("POST", "/conversations", TITLE, person)

    def conversation(messages: list[Any], person: str) -> str:
        made = call("POST", "/conversations", TITLE | {"messages": messages}, person)
        return f"/conversations/{json.loads(made)['id']}"

    long = [conversation([ANSWER] * 20, "reader") for _ in range(CONVERSATIONS)]
    open_ = [conversation([], "writer") for _ in range(READERS)]

    def asked(method: str, path: str, body: Any, of: list[str]) -> list[Request]:
        bearer = {"Authorization": f"Bearer {key}"}
        return [request(method, f"/api/v1{path}", body, person, **bearer) for person in of]

    return {
        "usage": asked("GET", "/usage", None, readers),
        "credits": asked("GET", "/credits", None, readers),
        "consent": asked("GET", "/consent", None, readers),
        "list": asked("GET", "/conversations?limit=100", None, writers),
        "conversation": [asked("GET", path, None, ["reader"])[0] for path in long],
        "cached": asked("POST", "/cache/lookup", QUESTION, readers),
        "create": asked("POST", "/conversations", TITLE, readers),
        "charge": asked("POST", "/credits/transactions", CHARGE, persons),
        "hot": asked("POST", "/credits/transactions", CHARGE, [HOT]),
        "append": [asked("POST", f"{path}/messages", MESSAGE, ["writer"])[0] for path in open_],
    }


# The purposes with a text, by the version that is agreed to.
SHOWN = {"terms": 1, "marketing": 1}
