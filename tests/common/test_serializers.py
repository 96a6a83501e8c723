"""A serializer is made once for each thread, and knows nothing of the call before."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from common.api.serializers import BoundedList, Integer, StrictSerializer, Text, validated

THREADS = 4
meeting = threading.Barrier(THREADS)


class WholeBody(serializers.Field[Any, Any, Any, Any]):
    """Gives the body that its serializer was given, when all threads have begun."""

    def to_internal_value(self, data: Any) -> Any:
        meeting.wait(timeout=30)
        return self.root.initial_data  # type: ignore[attr-defined]


class Part(StrictSerializer):
    number = Integer()
    whole = WholeBody()


class Slow(StrictSerializer):
    part = Part()


class Item(StrictSerializer):
    name = Text(max_length=5)


class Order(StrictSerializer):
    items = BoundedList(max_length=3, child=Item())
    made: int = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type(self).made += 1


class TestThreads:
    def test_never_read_each_others_body(self) -> None:
        bodies = [{"part": {"number": number, "whole": 0}} for number in range(THREADS)]

        def check(body: dict[str, Any]) -> bool:
            return all(validated(Slow, body)["part"]["whole"] is body for _ in range(20))

        with ThreadPoolExecutor(THREADS) as threads:
            assert list(threads.map(check, bodies)) == [True] * THREADS


class TestTheNextCall:
    def test_uses_the_same_serializer(self) -> None:
        validated(Order, {"items": []})
        made = Order.made

        assert validated(Order, {"items": [{"name": "a"}]}) == {"items": [{"name": "a"}]}
        assert validated(Order, {"items": []}) == {"items": []}
        assert Order.made == made

    def test_knows_nothing_of_a_refusal(self) -> None:
        wrong = {"items": [{"name": "a"}, {"name": "too long"}, {"nome": "a"}]}

        for _ in range(2):
            with pytest.raises(ValidationError) as refusal:
                validated(Order, wrong)
            assert isinstance(refusal.value.detail, dict)
            assert set(refusal.value.detail["items"]) == {1, 2}
            assert validated(Order, {"items": [{"name": "a"}]}) == {"items": [{"name": "a"}]}

    def test_of_nothing_is_refused(self) -> None:
        validated(Order, {"items": []})

        with pytest.raises(ValidationError):
            validated(Order, None)
        with pytest.raises(ValidationError):
            validated(Order, {})
