"""Somebody does something for a person between two statements of their erasure.

Every act is tried in some of the gaps, or in all of them with ERASURE_GAPS=all: there it is done to
its end, or it waits for the erasure.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from access.models import StaffReading
from access.services import readings
from billing.errors import AccountFrozen
from billing.models import CreditAccount, LedgerSeal
from conversations.errors import LegalHold
from conversations.models import Conversation
from operations import services
from querycache.models import CacheTag
from tests.client import ApiClient
from tests.operations import lives
from tests.operations.persons import rows_by_table
from tests.operations.torn import torn
from tests.processes import onlooker

pytestmark = pytest.mark.django_db(transaction=True)

ALL = os.environ.get("ERASURE_GAPS") == "all"
STRIDE = 1 if ALL else 31
SMALL_STRIDE = 1 if ALL else 3
FEW_STRIDE = 1 if ALL else 9

PERSONS = count()

Act = Callable[[str], int]
# Acts that begin what keeps a person and end it again.
KEEPING = ("freeze", "legal hold")


class Gap:
    """Does `act` in a thread of its own before the statement with this number."""

    def __init__(
        self,
        number: int,
        act: Callable[[], int],
        threads: ThreadPoolExecutor,
        is_waiting: Callable[[], bool],
    ) -> None:
        self.number = number
        self.act = act
        self.threads = threads
        self.is_waiting = is_waiting
        self.seen = 0
        self.doing: Future[int] | None = None

    def _do(self) -> int:
        try:
            return self.act()
        finally:
            connection.close()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.seen == self.number:
            self.doing = self.threads.submit(self._do)
            while not (self.is_waiting() or wait([self.doing], timeout=0.002).done):
                pass
        self.seen += 1
        return execute(sql, params, many, context)


def erase(user_id: str) -> int:
    services.erase_person(user_id=user_id, actor="system", at=timezone.now())
    return 200


def erase_unless_kept(user_id: str) -> int:
    """A frozen account and a legal hold keep the person until they end: 409."""
    try:
        return erase(user_id)
    except (AccountFrozen, LegalHold) as refusal:
        return refusal.status


def statements_of(whole: Act, prepare: Callable[[str], Any]) -> int | None:
    """How many it takes when nobody is beside it; None where all gaps are to be tried."""
    if ALL:
        return None
    user_id = f"person {next(PERSONS)}"
    prepare(user_id)
    sent: list[Any] = []

    def note(execute: Any, *statement: Any) -> Any:
        sent.append(statement)
        return execute(*statement)

    with connection.execute_wrapper(note):
        assert whole(user_id) == 200
    return len(sent)


def in_gaps(
    whole: Act,
    act: Act,
    prepare: Callable[[str], Any],
    *,
    stride: int,
    first: int = 0,
    most: int | None = None,
) -> Iterator[tuple[str, int, int]]:
    """A new person for each gap of `whole`; what came of this, and of the act in the gap.

    Without `most`, the statements of `whole`, it is done once more, without the act, to find that
    there are no more gaps.
    """
    with onlooker() as is_waiting, ThreadPoolExecutor(1) as threads:
        for number in count(first, stride):
            if most is not None and number >= most:
                break
            user_id = f"person {next(PERSONS)}"
            prepare(user_id)
            gap = Gap(number, partial(act, user_id), threads, is_waiting)
            with connection.execute_wrapper(gap):
                status = whole(user_id)
            if gap.doing is None:
                break
            most = None if most is None else max(most, gap.seen)
            yield user_id, status, gap.doing.result(timeout=60)


def statuses_in_gaps(
    act: Act, prepare: Callable[[str], Any], stride: int, **known: Any
) -> Iterator[tuple[str, int]]:
    """The same for the gaps of erasures."""
    for user_id, _, status in in_gaps(erase, act, prepare, stride=stride, **known):
        yield user_id, status


def everything(key: str, has_lived: bool) -> tuple[Callable[[str], None], dict[str, Act]]:
    """What comes before the acts of a person, and all these."""
    lives.staff()

    def prepare(user_id: str) -> None:
        if has_lived:
            lives.life_of(ApiClient(key, user_id), user_id)

    def act_of(name: str) -> Act:
        return lambda user_id: lives.ACTS[name](ApiClient(key, user_id), user_id)

    return prepare, {name: act_of(name) for name in lives.ACTS}


class TestAnActInAGapOfAnErasure:
    @pytest.mark.parametrize("has_lived", [False, True], ids=["new", "known"])
    def test_is_wholly_before_or_wholly_after_it(self, key: str, has_lived: bool) -> None:
        prepare, acts = everything(key, has_lived)
        tried, most = 0, statements_of(erase, prepare)
        for place, (name, act) in enumerate(acts.items()):
            gaps = statuses_in_gaps(act, prepare, STRIDE, first=place % STRIDE, most=most)
            for user_id, status in gaps:
                tried += 1
                assert status in lives.ANSWERS, (name, user_id, status)

        assert torn() == []
        assert tried >= len(acts)
        print(f"{tried} gaps")

    def test_of_a_reading_is_erased_with_the_text_that_it_saw(self, key: str) -> None:
        def prepare(user_id: str) -> None:
            assert ApiClient(key, user_id).post("/conversations", {"title": "a"}).status_code == 201

        def read(user_id: str) -> int:
            readings.record_reading(
                actor="staff:dana", at=timezone.now(), user_id=user_id, what="a"
            )
            return 200 if Conversation.objects.for_user(user_id).exists() else 404

        for user_id, status in statuses_in_gaps(read, prepare, SMALL_STRIDE):
            is_left = StaffReading.objects.filter(person__user_id=user_id).exists()
            assert is_left == (status == 404), user_id

    def test_stores_nothing_under_the_consent_of_the_life_before(
        self, key: str, settings: Any
    ) -> None:
        settings.CONSENT_GATES = ("history_storage",)

        def prepare(user_id: str) -> None:
            assert ApiClient(key, user_id).put("/consent/history_storage", {}).status_code == 200

        def store(user_id: str) -> int:
            person = ApiClient(key, user_id)
            return int(person.post("/conversations", lives.MESSAGES).status_code)

        for user_id, status in statuses_in_gaps(store, prepare, SMALL_STRIDE):
            assert status in {201, 403}
            assert not Conversation.objects.for_user(user_id).exists(), (user_id, status)

    @pytest.mark.parametrize(
        "name", ["import of usage", "import of a conversation", "import of consents"]
    )
    def test_imports_nothing_of_a_person_who_is_remembered(
        self, name: str, key: str, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = "a key for those who were erased, kept apart"

        def read_in(user_id: str) -> int:
            return lives.ACTS[name](ApiClient(key, user_id), user_id)

        for user_id, status in statuses_in_gaps(read_in, lambda user_id: None, SMALL_STRIDE):
            assert status == 200
            assert not any(rows_by_table(user_id).values()), user_id

    def test_erases_another_who_is_named_in_the_same_places(self, key: str) -> None:
        def prepare(user_id: str) -> None:
            for one in (user_id, f"friend of {user_id}"):
                person = ApiClient(key, one)
                question = {"query": one, "namespace": "home"}
                assert person.post("/cache/lookup", question).status_code == 200
                body = {"namespace": "home", "tags": [f"of {one}"]}
                assert person.post("/cache/invalidate", body).status_code == 200

        def erase_the_friend(user_id: str) -> int:
            friend = f"friend of {user_id}"
            erasure = ApiClient(key, friend).post("/privacy/erase", {"confirm": friend})
            return int(erasure.status_code)

        for user_id, status in statuses_in_gaps(erase_the_friend, prepare, SMALL_STRIDE):
            assert status == 200
            assert not CacheTag.objects.filter(name__contains=user_id).exists()


class TestAnErasureInAGapOfAnAct:
    @pytest.mark.parametrize("has_lived", [False, True], ids=["new", "known"])
    def test_is_wholly_before_or_wholly_after_it(self, key: str, has_lived: bool) -> None:
        prepare, acts = everything(key, has_lived)
        tried = 0
        for place, (name, act) in enumerate(acts.items()):
            first = place % 3 if not ALL else 0
            for user_id, status, erased in in_gaps(
                act, erase_unless_kept, prepare, stride=FEW_STRIDE, first=first
            ):
                tried += 1
                assert status in lives.ANSWERS, (name, user_id, status)
                assert erased == 200 or (erased == 409 and name in KEEPING), (name, user_id)

        assert torn() == []
        print(f"{tried} gaps")

    def test_leaves_no_entry_unsealed(self, key: str, settings: Any) -> None:
        settings.LEDGER_SEAL_KEYS = ["a key of the tests that is not anywhere near a database"]
        own = LedgerSeal.objects.filter(account=OuterRef("pk"), sequence=OuterRef("sequence"))
        unsealed = CreditAccount.objects.filter(~Exists(own))

        def prepare(user_id: str) -> None:
            charge = ApiClient(key, user_id).post("/credits/transactions", lives.CHARGE)
            assert charge.status_code == 201

        def seal(user_id: str) -> int:
            lives.seal(user_id)
            return 200

        for user_id, _, _ in in_gaps(seal, erase, prepare, stride=1):
            assert not unsealed.exists(), user_id

        assert torn() == []
