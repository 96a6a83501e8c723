"""The API's description: complete, true of examples and headers, and one that generators can use.

tests/access/test_contract.py holds the answers to it.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from common.api import openapi, problems
from demo.consents import make_consents
from tests.client import ApiClient
from tests.test_routes import OWNED

DESCRIBED: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
# What servers, browsers and Django know of: no description names them.
EVERYBODYS_HEADERS = {
    "Allow", "Cache-Control", "Content-Length", "Content-Security-Policy", "Content-Type",
    "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy",
    "Referrer-Policy", "Vary", "X-Content-Type-Options", "X-Frame-Options",
}  # fmt: skip
# A value for each parameter in a path that is nobody's id.
PLACES = {"purpose": "marketing"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DESCRIBED["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


ALL = list(operations())
WITH_BODY = [found for found in ALL if "requestBody" in found[2]]


def body_of(operation: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = operation["requestBody"]["content"]["application/json"]
    return described


def called(found: tuple[str, str, dict[str, Any]]) -> str:
    name: str = found[2]["operationId"]
    return name


def schemas(within: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the description, with its place; schemas are among them."""
    if isinstance(within, dict):
        yield at, within
        for name, item in within.items():
            yield from schemas(item, f"{at}/{name}")
    elif isinstance(within, list):
        for number, item in enumerate(within):
            yield from schemas(item, f"{at}/{number}")


class TestEveryOperation:
    @pytest.mark.parametrize("found", ALL, ids=called)
    def test_says_what_it_does(self, found: tuple[str, str, dict[str, Any]]) -> None:
        _, _, operation = found
        [tag] = operation["tags"]

        assert tag in [named["name"] for named in DESCRIBED["tags"]]
        assert re.fullmatch(rf"{tag}(_[a-z]+)+", operation["operationId"])
        assert 5 < len(operation["summary"]) < 120 and not operation["summary"].endswith(".")
        assert operation["description"].endswith(".")
        assert all(answer.get("description", "-") for answer in operation["responses"].values())

    def test_has_a_name_of_its_own(self) -> None:
        names = [called(found) for found in ALL]

        assert len(names) == len(set(names))
        assert {"conversations_list", "credits_capture_hold", "cache_look_up"} <= set(names)

    def test_names_the_problems_that_there_are(self) -> None:
        codes = DESCRIBED["components"]["schemas"]["ProblemCode"]["enum"]

        assert set(codes) == set(problems.problem_codes())

    def test_is_served_where_the_description_is_read(self, client: Any) -> None:
        for host in ("steward.example", "other.example"):
            answer = client.get("/api/v1/schema?format=json", headers={"Host": host})

            assert answer.json()["servers"] == [{"url": f"http://{host}"}]
        assert DESCRIBED["servers"] == [{"url": openapi.SERVER}]


class TestSchemas:
    def test_have_no_choice_twice(self) -> None:
        twice = [
            at
            for at, schema in schemas(DESCRIBED)
            for choices in (schema.get("oneOf", []), schema.get("anyOf", []))
            if isinstance(choices, list)
            and any(one in choices[:n] for n, one in enumerate(choices))
        ]

        assert twice == []

    def test_say_what_lists_hold(self) -> None:
        silent = [
            at
            for at, schema in schemas(DESCRIBED)
            if "array" in (schema.get("type"), *_types(schema)) and "items" not in schema
        ]

        assert silent == []

    def test_of_any_json_are_empty(self) -> None:
        properties = DESCRIBED["components"]["schemas"]["StoreRequest"]["properties"]

        assert set(properties["result"]) <= {"description"}


def _types(schema: dict[str, Any]) -> list[str]:
    given = schema.get("type")
    return given if isinstance(given, list) else []


class TestExamples:
    @pytest.mark.parametrize("found", WITH_BODY, ids=called)
    def test_are_taken_as_they_stand(
        self, found: tuple[str, str, dict[str, Any]], person: ApiClient
    ) -> None:
        make_consents()  # as `make run` does: a stranger tries them there
        path, method, operation = found
        names = re.findall(r"\{(\w+)\}", path)
        ids = {name: PLACES.get(name) or OWNED[name]() for name in names}

        for shown in body_of(operation)["examples"].values():
            answer = person.request(method, path.format(**ids), shown["value"])

            assert answer.status_code < 300, answer.content
            assert undescribed(operation, answer) == set()


def undescribed(operation: dict[str, Any], answer: Any) -> set[str]:
    """The headers of an answer that its operation does not name."""
    described = operation["responses"].get(str(answer.status_code))
    if described is None:  # of a method that the path has not
        return set()
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        described = DESCRIBED["components"]["responses"][name]
    return {name.title() for name in answer.headers} - {
        name.title() for name in (*described["headers"], *EVERYBODYS_HEADERS)
    }
