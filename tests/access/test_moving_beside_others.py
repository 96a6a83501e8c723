"""A person's records go over to another id beside whatever else is done."""

import pytest
from django.utils import timezone

from access.models import Person, PersonMove
from access.services import persons
from common.errors import DomainError
from consent.models import ConsentChain
from tests.access.moving import move, rows_of
from tests.client import ApiClient
from tests.operations import lives
from tests.operations.test_erasure_gaps import ALL, erase, everything, in_gaps, statements_of
from tests.operations.torn import torn
from tests.processes import at_once


@pytest.fixture
def application(key: str) -> ApiClient:
    return ApiClient(key, None)


STRIDE = 1 if ALL else 5


def away(user_id: str) -> str:
    return f"{user_id}, away"


def moved(user_id: str) -> int:
    try:
        persons.move_person(user_id=user_id, to=away(user_id), actor="system", at=timezone.now())
    except DomainError as error:
        return error.status
    return 200


@pytest.mark.django_db(transaction=True)
class TestAMoveBesideOthers:
    def test_and_an_act_in_its_gap_are_one_after_the_other(self, key: str) -> None:
        prepare, acts = everything(key, has_lived=True)
        # A move that ends before the act is begun tries nothing.
        most = statements_of(moved, prepare)
        for place, (name, act) in enumerate(acts.items()):
            first = place % STRIDE
            gaps = in_gaps(moved, act, prepare, stride=STRIDE, first=first, most=most)
            for user_id, _, status in gaps:
                assert status in lives.ANSWERS, (name, user_id, status)

        assert torn() == []

    def test_in_a_gap_of_an_act_is_before_it_or_after_it(self, key: str) -> None:
        prepare, acts = everything(key, has_lived=True)
        for place, (name, act) in enumerate(acts.items()):
            gaps = in_gaps(act, moved, prepare, stride=STRIDE, first=place % STRIDE)
            for user_id, status, answer in gaps:
                assert status in lives.ANSWERS, (name, user_id, status)
                assert answer == 200 or name == "move", (name, user_id, answer)

        assert torn() == []

    @pytest.mark.parametrize("is_first", [True, False], ids=["in the move", "in the erasure"])
    def test_and_an_erasure_happen_both(self, key: str, is_first: bool) -> None:
        whole, act = (moved, erase) if is_first else (erase, moved)

        def prepare(user_id: str) -> None:
            lives.life_of(ApiClient(key, user_id), user_id)

        for user_id, *answers in in_gaps(whole, act, prepare, stride=1):
            assert set(answers) <= {200, 404}, (user_id, answers)
            left = [one for one in (user_id, away(user_id)) if any(rows_of(one).values())]
            # Either the erasure was first, and nobody is left to move, or it found nobody.
            assert left == ([away(user_id)] if answers == [200, 200] else []), answers

        assert torn() == []

    def test_meets_nobody_twice(self, application: ApiClient, key: str) -> None:
        for number in range(8):
            source, target = f"guest {number}", f"person {number}"
            persons.meet_persons([source])

            def act(client: int, source: str = source, target: str = target) -> int:
                if client == 0:
                    return int(move(application, source, target).status_code)
                one = ApiClient(key, source if client % 2 else target)
                return int(one.put("/consent/training_use", {}).status_code)

            answers = at_once(act, 7)

            assert answers[0] in {200, 409} and answers[1:] == [200] * 6
            rows = Person.objects.filter(user_id__in=(source, target))
            assert sorted(rows.values_list("user_id", flat=True)) in (
                [source, target],
                [target],
            )
            events = sum(
                ConsentChain.objects.filter(person__in=rows).values_list("last_sequence", flat=True)
            )
            assert events == 6

        assert torn() == []

    def test_of_several_into_one_id_is_made_once(self, application: ApiClient) -> None:
        guests = [f"guest {number}" for number in range(8)]
        persons.meet_persons(guests)

        answers = at_once(lambda number: move(application, guests[number], "ann").status_code, 8)

        assert sorted(answers) == [200] + [409] * 7
        assert PersonMove.objects.count() == 1
        assert Person.objects.count() == 8

    def test_of_two_into_each_others_ids_is_refused(self, application: ApiClient) -> None:
        persons.meet_persons(["ann", "bob"])
        ids = [("ann", "bob"), ("bob", "ann")]

        answers = at_once(lambda number: move(application, *ids[number % 2]).status_code, 8)

        assert answers == [409] * 8
