"""Whatever a caller may send has a bound: texts, lists and numbers of every request."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework import serializers

from benchmarks import dearest
from common.api.serializers import (
    AnyJSON,
    BoundedList,
    Integer,
    JSONDocument,
    JSONObject,
    StrictSerializer,
)
from tests.access import matrix
from tests.client import ApiClient
from tests.test_routes import all_acts, patterns

# Bounded by the body alone (MAX_BODY_BYTES): what a model wrote, and was asked.
BY_THE_BODY = {
    ("AppendMessageRequest", "content"),
    ("KeyRequest", "query"),
    ("LookupRequest", "query"),
}


def requests() -> list[type[StrictSerializer]]:
    list(patterns(get_resolver()))  # imports every app's serializers

    def below(of: type[Any]) -> Iterator[type[Any]]:
        for kind in of.__subclasses__():
            yield kind
            yield from below(kind)

    return [kind for kind in below(StrictSerializer) if not kind.__module__.startswith("tests.")]


def unbounded(kind: type[StrictSerializer]) -> Iterator[str]:
    for name, field in kind().fields.items():
        place = f"{kind.__name__}.{name}"
        if isinstance(field, serializers.ChoiceField):
            continue
        is_endless = isinstance(field, serializers.CharField) and field.max_length is None
        if is_endless and (kind.__name__, name) not in BY_THE_BODY:
            yield f"{place}: a text without max_length"
        if isinstance(field, serializers.IntegerField):
            if not isinstance(field, Integer):
                yield f"{place}: a number that is not common.api.serializers.Integer"
            if field.max_value is None or field.min_value is None:
                yield f"{place}: a number without min_value and max_value"
        if isinstance(field, serializers.ListSerializer) or (
            isinstance(field, serializers.ListField) and not isinstance(field, BoundedList)
        ):
            yield f"{place}: a list that is not common.api.serializers.BoundedList"
        if isinstance(field, serializers.JSONField) and not isinstance(
            field, (AnyJSON, JSONObject, JSONDocument)
        ):
            yield f"{place}: JSON of any kind"
        if isinstance(field, (serializers.FloatField, serializers.DecimalField)):
            yield f"{place}: a number that is not whole"


def test_every_field_of_a_request_is_bounded() -> None:
    assert requests()
    assert [said for kind in requests() for said in unbounded(kind)] == []


class TestALongList:
    def test_is_refused_before_its_items_are_looked_at(self, person: ApiClient) -> None:
        response = person.post("/conversations", {"messages": [5] * 201})

        assert list(response.json()["errors"]) == ["messages"]
        assert len(response.content) < 1000

    def test_of_unknown_fields_is_named_in_part(self, person: ApiClient) -> None:
        response = person.post("/conversations", {f"k{number}": 1 for number in range(1000)})

        assert response.status_code == 400
        assert len(response.json()["errors"]) == 10


class TestANumberInAQuery:
    @pytest.mark.parametrize("text", ["1", "200", "050"])
    def test_is_digits(self, person: ApiClient, text: str) -> None:
        assert person.get(f"/conversations?limit={text}").status_code == 200

    @pytest.mark.parametrize(
        "text", ["%2B1", "%201", "1%20", "1_0", "1.0", "%D9%A3", "1e1", "0x1", "1%0A", "9" * 5000]
    )
    def test_is_nothing_else(self, person: ApiClient, text: str) -> None:
        response = person.get(f"/conversations?limit={text}")

        assert response.status_code == 400
        assert list(response.json()["errors"]) == ["limit"]


class TestWhatARequestCosts:
    """The table in docs/security.md, which `python -m benchmarks.bounds` writes."""

    def test_stands_there_for_every_route(self) -> None:
        of_api = {re.sub(r"<\w+:", "<", str(act)) for act in all_acts()}
        outside = {
            f"GET /{route}"
            for route, pattern in patterns(get_resolver())
            if not route.startswith(("admin/", "api/v1/")) and pattern.name not in matrix.BARE
        }
        of_staff = {"POST /admin/login/", "GET /admin/…"}

        assert rows_of_table() == of_api | outside | of_staff, "measure it in benchmarks/dearest.py"

    def test_is_measured_with_a_request_of_every_route(self) -> None:
        assert {case.route for case in dearest.CASES} == rows_of_table()


def rows_of_table() -> set[str]:
    _, _, rest = matrix.DOCUMENT.read_text().partition("<!-- the bounds begin -->")
    table, _, _ = rest.partition("<!-- the bounds end -->")
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
