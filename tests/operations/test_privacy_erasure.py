from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import Person, StaffAction
from access.services import keys
from billing.models import CreditAccount, Tier
from common import declarations, privacy
from consent.models import ConsentChain
from operations.models import Erasure
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.operations.persons import (
    SECRETS,
    act,
    places_of,
    publish_terms,
    rows_by_table,
    write_life_of,
)

pytestmark = pytest.mark.django_db

ZOE = "zoë|marek 7"
STAYING = {table.label for table in privacy.tables() if table.blanked is not None}


@pytest.fixture
def zoe(key: str) -> ApiClient:
    return ApiClient(key, ZOE)


@pytest.fixture(autouse=True)
def lives(zoe: ApiClient, stranger: ApiClient) -> None:
    publish_terms()
    write_life_of(zoe, ZOE)
    stranger.post("/conversations", {"title": "Bob's own", "messages": []})
    stranger.post("/credits/transactions", {"type": "deduct", "amount": 1})
    stranger.put("/consent/terms", {"policy_version": 1})


def erase(zoe: ApiClient) -> dict[str, Any]:
    response = zoe.post("/privacy/erase", {"confirm": ZOE})
    assert response.status_code == 200, response.content
    counts: dict[str, Any] = response.json()
    return counts


def drift() -> list[str]:
    return [sentence for check in declarations.checks() for sentence in check.find()]


class TestTheErasure:
    def test_leaves_the_persons_id_and_words_nowhere(self, zoe: ApiClient) -> None:
        assert places_of([ZOE, *SECRETS]) != []

        erase(zoe)

        assert places_of([ZOE, ZOE.encode().hex(), *SECRETS]) == []

    def test_keeps_the_books_and_the_proofs_right(self, zoe: ApiClient) -> None:
        reference = erase(zoe)["reference"]

        assert drift() == []
        assert CreditAccount.objects.get(person__erased_as=reference).balance == 47
        chain = ConsentChain.objects.get(person__erased_as=reference)
        assert (chain.last_sequence, chain.salt) == (2, None)

    def test_counts_what_went_and_what_stays_without_a_name(self, zoe: ApiClient) -> None:
        before = rows_by_table(ZOE)

        counts = erase(zoe)

        assert counts["erased"] == {
            table: rows for table, rows in before.items() if table not in STAYING
        }
        assert counts["kept"] == {table: rows for table, rows in before.items() if table in STAYING}
        assert sum(rows_by_table(ZOE).values()) == 0
        kept = rows_by_table(counts["reference"])
        assert {table for table, rows in kept.items() if rows} == STAYING

    def test_is_recorded_without_the_persons_name(self, zoe: ApiClient) -> None:
        counts = erase(zoe)

        erasure = Erasure.objects.get()
        assert erasure.reference == counts["reference"]
        assert erasure.counts == {"erased": counts["erased"], "kept": counts["kept"]}
        assert erasure.actor == "key:application"

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM operations_erasure",
            "UPDATE operations_erasure SET actor = 'nobody'",
            "UPDATE operations_erasure SET reference = 'erased-by nobody'",
        ],
    )
    def test_stays_recorded(self, zoe: ApiClient, statement: str) -> None:
        erase(zoe)
        before = Erasure.objects.values().get()

        refused = pytest.raises(IntegrityError)
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert Erasure.objects.values().get() == before

    def test_is_listed_for_staff(self, zoe: ApiClient, admin_client: Client) -> None:
        counts = erase(zoe)

        with assert_statements(4):
            page = admin_client.get("/admin/operations/erasure/").content.decode()
        one = admin_client.get(f"/admin/operations/erasure/{Erasure.objects.get().pk}/change/")

        assert counts["reference"] in page
        assert str(sum(counts["erased"].values())) in page
        assert one.status_code == 200
        assert ZOE not in page + one.content.decode()

    def test_locks_in_the_order_in_which_others_do(self, zoe: ApiClient) -> None:
        """In another order two would wait for each other crosswise."""
        with CaptureQueriesContext(connection) as sent:
            erase(zoe)

        begun = [query["sql"] for query in sent.captured_queries if " ORDER BY" in query["sql"]]
        tables = [
            "billing_usage",
            "billing_creditaccount",
            "consent_consentchain",
            "conversations_conversation",
            "querycache_cachelease",
            "querycache_cacheentry",
        ]
        locked = [
            next(n for n, sql in enumerate(begun) if f'FROM "{table}"' in sql) for table in tables
        ]
        assert locked == sorted(locked)

    def test_touches_nobody_else(self, zoe: ApiClient) -> None:
        bob = Person.objects.get(user_id="bob").pk

        def of_bob() -> list[Any]:
            rows = (row for table in stored().values() for row in table)
            return [
                row for row in rows if row.get("person_id") == bob or row.get("user_id") == "bob"
            ]

        before = of_bob()

        erase(zoe)

        assert of_bob() == before

    def test_is_refused_without_the_persons_id_once_more(self, zoe: ApiClient) -> None:
        before = stored()

        for body in ({"confirm": "bob"}, {"confirm": ""}, {}, {"confirm": ZOE, "now": True}):
            assert_problem(zoe.post("/privacy/erase", body), 400, "invalid_request")

        assert stored() == before
        assert not Erasure.objects.exists()

    def test_needs_the_right(self) -> None:
        key = keys.create_key(
            name="chat",
            scopes=["conversations:write", "consent:write"],
            actor="system",
            at=timezone.now(),
        ).key
        before = stored()

        assert_problem(
            ApiClient(key, ZOE).post("/privacy/erase", {"confirm": ZOE}), 403, "missing_scope"
        )

        assert stored() == before

    def test_of_somebody_unknown_finds_nothing(self, key: str) -> None:
        response = ApiClient(key, "nobody").post("/privacy/erase", {"confirm": "nobody"})

        assert (response.json()["erased"], response.json()["kept"]) == ({}, {})

    def test_lets_the_person_come_back_anew(self, zoe: ApiClient) -> None:
        erase(zoe)

        assert zoe.get("/conversations").json()["results"] == []
        assert zoe.get("/credits").json()["available_credits"] == 50
        answers = zoe.get("/consent").json()["purposes"]
        assert {answer["action_needed"] for answer in answers} == {"accept"}
        assert zoe.get("/consent/history").json()["results"] == []
        # And to be forgotten again, under another name.
        write_life_of(zoe, ZOE)
        erase(zoe)
        assert drift() == []
        assert Erasure.objects.values("reference").distinct().count() == 2

    def test_empties_staff_actions_about_others_that_name_the_person(
        self, zoe: ApiClient, stranger: ApiClient
    ) -> None:
        account = CreditAccount.objects.get(person__user_id="bob")
        act("Granted.", account, reason=f"not {ZOE}, but {ZOE}s friend")
        act("Granted.", account, reason=f"{ZOE}s friend")
        act("Set the daily limit to 5.", Tier.objects.get(key="pro"), reason=f"{ZOE} asked")

        counts = erase(zoe)

        about_bob = StaffAction.objects.about(account)
        assert [(one.sentence, one.reason) for one in about_bob] == [
            ("Granted.", f"{ZOE}s friend"), ("", ""),
        ]  # fmt: skip
        assert StaffAction.objects.about(Tier.objects.get(key="pro")).get().reason == ""
        assert counts["kept"]["access.staff_action_mention"] == 3  # with the one of her life
        assert not LogEntry.objects.exists()


class TestEraseUser:
    def run(self, *arguments: str) -> str:
        output = StringIO()
        call_command("erase_user", ZOE, *arguments, stdout=output)
        return output.getvalue()

    def test_erases(self) -> None:
        printed = self.run("--yes")

        assert places_of([ZOE, *SECRETS]) == []
        erasure = Erasure.objects.get()
        assert erasure.actor == "system"
        assert erasure.reference in printed
        assert "conversations.message" in printed

    def test_lists_in_a_dry_run_what_would_go(self) -> None:
        before = stored()

        printed = self.run("--dry-run")

        assert stored() == before
        assert not Erasure.objects.exists()
        for table, rows in rows_by_table(ZOE).items():
            assert f"{rows:>8}  {table}\n" in printed
        assert printed.endswith("Dry run: nothing was written.\n")

    def test_does_nothing_unless_told_to(self) -> None:
        before = stored()

        with pytest.raises(CommandError, match="one of the arguments --yes --dry-run is required"):
            self.run()

        assert stored() == before

    def test_refuses_what_is_nobodys_id(self) -> None:
        with pytest.raises(CommandError, match="reserved"):
            call_command("erase_user", "erased-1", "--yes")
