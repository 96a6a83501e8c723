"""A staff action acts once for one form, and is recorded with it or not at all."""

import datetime
import threading
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from access import staff_actions
from access.models import Person, StaffAction, StaffActionMention
from access.services import persons
from access.staff_actions import Action, ActionContext, ActionResult, AlreadyDone
from billing.models import CreditAccount, Tier
from common.admin import forms
from common.errors import DomainError, IdempotencyKeyReused, NotFound
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from operations.services import erase_person
from tests.billing import books

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def form_of(token: str, reason: str = "a complaint") -> forms.ReasonForm:
    form = forms.ReasonForm({"token": token, "reason": reason})
    assert form.is_valid(), form.errors
    return form


def rename(context: ActionContext) -> ActionResult:
    Tier.objects.filter(pk=context.row.pk).update(name=context.reason)
    return ActionResult(context.row, "Renamed the tier.")


RENAME = Action("billing.rename", "Rename", "billing.change_tier", rename)


def perform(action: Action = RENAME, **values: Any) -> Any:
    token = values.pop("token", None) or uuid.uuid4().hex
    form = form_of(token, values.pop("reason", "a complaint"))
    row = values.pop("row", None) or Tier.objects.get(key="free")
    context = ActionContext(actor="staff:dana", at=NOW, form=form, row=row, **values)
    return staff_actions.perform(action, context)


def refusing(error: Exception) -> Action:
    def write_and_refuse(context: ActionContext) -> ActionResult:
        rename(context)
        raise error

    return Action("billing.refuse", "Refuse", "billing.change_tier", write_and_refuse)


@pytest.mark.django_db
class TestAnAction:
    def test_says_who_did_what_to_which_row_and_why(self) -> None:
        tier = Tier.objects.get(key="free")

        outcome = perform()

        row = StaffAction.objects.get()
        assert (outcome.row, outcome.replayed) == (row, False)
        assert (row.actor, row.action, row.at) == ("staff:dana", "billing.rename", NOW)
        assert (row.app_label, row.model_name) == ("billing", "tier")
        assert (row.object_id, row.person) == (str(tier.pk), None)
        assert (row.reason, row.sentence) == ("a complaint", "Renamed the tier.")

    def test_of_one_form_acts_once(self) -> None:
        token = uuid.uuid4().hex
        first = perform(token=token)
        Tier.objects.update(name="as it was")

        second = perform(token=token)

        assert (second.row, second.replayed) == (first.row, True)
        assert Tier.objects.get(key="free").name == "as it was"

    def test_refuses_a_form_that_has_acted_with_other_values(self) -> None:
        token = uuid.uuid4().hex
        perform(token=token)

        with pytest.raises(IdempotencyKeyReused):
            perform(token=token, reason="another")

        assert Tier.objects.get(key="free").name == "a complaint"
        assert StaffAction.objects.count() == 1

    def test_refuses_a_form_that_has_acted_on_another_row(self) -> None:
        token = uuid.uuid4().hex
        perform(token=token)

        with pytest.raises(IdempotencyKeyReused):
            perform(token=token, row=Tier.objects.get(key="pro"))

    @pytest.mark.parametrize("error", [AlreadyDone("It is so."), NotFound("It is not there.")])
    def test_that_is_refused_writes_nothing(self, error: Exception) -> None:
        with pytest.raises((AlreadyDone, DomainError)):
            perform(refusing(error))

        assert Tier.objects.get(key="free").name == "Free"
        assert not StaffAction.objects.exists()

    def test_that_cannot_be_recorded_writes_nothing(self) -> None:
        nameless = Action("", "Rename", "billing.change_tier", rename)

        with pytest.raises(IntegrityError), transaction.atomic():
            perform(nameless)

        assert Tier.objects.get(key="free").name == "Free"

    def test_outlives_the_account_of_who_did_it(self) -> None:
        user = User.objects.create_user("dana", is_staff=True)
        perform()

        user.delete()

        assert StaffAction.objects.get().actor == "staff:dana"


@pytest.mark.django_db
class TestAnActionOnAPersonsRow:
    @pytest.fixture
    def account(self) -> CreditAccount:
        books.open_account("ann")
        return CreditAccount.objects.get()

    def note(self, context: ActionContext) -> ActionResult:
        persons.change_person(user_id=context.user_id, note=context.reason)
        return ActionResult(context.row, "Noted.")

    def perform(self, account: Any, **values: Any) -> Any:
        return perform(Action("billing.note", "Note", "", self.note), row=account, **values)

    def test_has_the_person(self, account: CreditAccount) -> None:
        self.perform(account)

        assert StaffAction.objects.get().person == Person.objects.get(user_id="ann")

    def test_is_told_the_id_that_the_person_has_by_now(self, account: CreditAccount) -> None:
        persons.move_person(user_id="ann", to="anna", actor="key:web", at=NOW)

        self.perform(account)

        assert Person.objects.get(user_id="anna").note == "a complaint"

    def test_does_nothing_for_the_erased(self, account: CreditAccount) -> None:
        erase_person(user_id="ann", actor="system", at=NOW)

        with pytest.raises(AlreadyDone, match="erased"):
            self.perform(account)

        assert not StaffAction.objects.exists()

    def test_keeps_who_and_when_after_an_erasure_without_its_words(
        self, account: CreditAccount
    ) -> None:
        self.perform(account)
        before = StaffAction.objects.get()

        erasure = erase_person(user_id="ann", actor="system", at=timezone.now())

        after = StaffAction.objects.get()
        assert after.person is not None
        assert after.person.name == erasure.reference
        assert (after.reason, after.sentence) == ("", "")
        assert (after.actor, after.action, after.at) == (before.actor, before.action, before.at)

    def test_may_be_about_somebody_without_a_row(self) -> None:
        def meet(context: ActionContext) -> ActionResult:
            return ActionResult(Person.objects.get(user_id=context.user_id), "Met.")

        context = ActionContext(
            actor="staff:dana", at=NOW, form=form_of(uuid.uuid4().hex), user_id="bob"
        )
        staff_actions.perform(Action("access.meet", "Meet", "", meet), context)

        assert StaffAction.objects.get().person == Person.objects.get(user_id="bob")


@pytest.mark.django_db
class TestManyRows:
    def test_have_a_record_each(self) -> None:
        books.open_account("ann")
        rows = [CreditAccount.objects.get(), Tier.objects.get(key="free")]

        with transaction.atomic():
            staff_actions.record(
                action="billing.look", rows=rows, actor="staff:dana", at=NOW, sentence="Looked."
            )

        found = StaffAction.objects.order_by("pk")
        ann = Person.objects.get().pk
        assert [(row.model_name, row.person_id) for row in found] == [
            ("creditaccount", ann), ("tier", None),
        ]  # fmt: skip

    def test_of_the_erased_have_none(self) -> None:
        books.open_account("ann")
        erase_person(user_id="ann", actor="system", at=NOW)

        with transaction.atomic():
            staff_actions.record(
                action="billing.look", rows=[CreditAccount.objects.get()], actor="staff:dana",
                at=NOW, sentence="Looked.",
            )  # fmt: skip

        assert not StaffAction.objects.exists()


@pytest.mark.django_db
class TestChosenRows:
    def change(self, context: ActionContext) -> ActionResult:
        CreditAccount.objects.filter(pk__in=[row.pk for row in context.rows]).update(tier="pro")
        return ActionResult(context.rows[0], f"Changed {len(context.rows)}.")

    def perform(self, rows: list[Any]) -> Any:
        return perform(Action("billing.change", "Change", "", self.change), rows=rows)

    def test_have_a_record_each_and_the_form_one_token(self) -> None:
        books.open_account("ann")
        books.open_account("bob")

        outcome = self.perform(list(CreditAccount.objects.order_by("pk")))

        found = StaffAction.objects.order_by("pk")
        assert [(row.person_id, row.sentence) for row in found] == [
            (person.pk, "Changed 2.") for person in Person.objects.order_by("pk")
        ]
        assert {row.reason for row in found} == {"a complaint"}
        assert outcome.row == found[0] and found[0].request_hash and not found[1].request_hash

    def test_of_the_erased_are_left_alone(self) -> None:
        books.open_account("ann")
        books.open_account("bob")
        rows = list(CreditAccount.objects.order_by("pk"))
        erase_person(user_id="ann", actor="system", at=NOW)

        self.perform(rows)

        assert [row.person.name for row in StaffAction.objects.all() if row.person] == ["bob"]
        assert CreditAccount.objects.get(tier="pro").person.name == "bob"

    def test_of_whom_none_lives_are_not_acted_upon(self) -> None:
        books.open_account("ann")
        rows = list(CreditAccount.objects.all())
        erase_person(user_id="ann", actor="system", at=NOW)

        with pytest.raises(AlreadyDone, match="any more"):
            self.perform(rows)

        assert not StaffAction.objects.exists()


@pytest.mark.django_db
class TestWhomTheWordsName:
    @pytest.fixture(autouse=True)
    def people(self) -> None:
        books.open_account("ann")
        persons.meet_persons(["bob", "zoë|marek 7", "guest-1"])
        persons.move_person(user_id="guest-1", to="carl", actor="key:web", at=NOW)

    @pytest.mark.parametrize(
        ("reason", "named"),
        [
            ("Instead of bob, who called.", {"bob"}),
            ("Bob, bobby and (xbob) called", set()),
            ("Call zoë|marek 7!", {"zoë|marek 7"}),
            ("once guest-1", {"carl"}),
            ("bob for ann", {"bob"}),  # her own row has her already
            ("", set()),
        ],
    )
    def test_is_remembered(self, reason: str, named: set[str]) -> None:
        with transaction.atomic():
            staff_actions.record(
                action="billing.look", rows=[CreditAccount.objects.get()], actor="staff:dana",
                at=NOW, sentence="Looked.", reason=reason,
            )  # fmt: skip

        found = StaffAction.objects.get().mentions.all()
        assert set(found.values_list("person__user_id", flat=True)) == named

    def test_loses_the_words_when_they_are_erased(self) -> None:
        perform(reason="Instead of bob")

        erase_person(user_id="bob", actor="system", at=NOW)

        action = StaffAction.objects.get()
        assert (action.reason, action.sentence) == ("", "")

    def test_is_remembered_once_for_all_rows_of_one_form(self) -> None:
        rows = [Tier.objects.get(key=key) for key in ("free", "guest", "pro")]
        with transaction.atomic():
            staff_actions.record(
                action="billing.look", rows=rows, actor="staff:dana", at=NOW,
                sentence="Looked.", reason="Instead of bob, for carl",
            )  # fmt: skip
        assert StaffActionMention.objects.count() == 2

        erase_person(user_id="bob", actor="system", at=NOW)

        words = StaffAction.objects.values_list("reason", "sentence")
        assert list(words) == [("", "")] * 3


@pytest.mark.django_db
class TestAStoredAction:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE access_staffaction SET actor = 'staff:eve'",
            "UPDATE access_staffaction SET reason = 'none'",
            "UPDATE access_staffaction SET reason = '', sentence = '', person_id = 1",
            "DELETE FROM access_staffaction",
        ],
    )
    def test_is_kept_as_it_was_made(self, statement: str) -> None:
        perform()
        before = list(StaffAction.objects.values())

        with pytest.raises(IntegrityError, match="kept as they were made"), transaction.atomic():
            connection.cursor().execute(statement)

        assert list(StaffAction.objects.values()) == before

    def test_is_guarded_by_triggers_that_the_system_check_knows(self) -> None:
        names = {trigger.name for trigger in all_triggers("access")}

        assert {name for name in names if name.startswith("access_staffaction_")} == {
            "access_staffaction_lives", "access_staffaction_no_update",
            "access_staffaction_no_delete", "access_staffaction_no_replace",
        }  # fmt: skip
        assert database_triggers.missing() == []


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_a_form_sent_eight_times_acts_once_and_all_know_it(self) -> None:
        token, outcomes = uuid.uuid4().hex, []
        ready = threading.Barrier(8)

        def send() -> None:
            try:
                ready.wait()
                outcomes.append(perform(token=token).replayed)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == [False] + [True] * 7
        assert StaffAction.objects.count() == 1
