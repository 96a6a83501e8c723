"""Every caller at every route and every page: what matrix.py says, and nothing else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.utils import timezone

from access import staff_actions
from access.scopes import SCOPES
from access.services import keys as access_keys
from access.services import persons, readings
from billing.models import CreditHold, CreditTransaction, Tier
from common.write_behind import flush_all
from tests.access import matrix
from tests.access.issuer import public_pem, rsa_key, token, trusting
from tests.asserts import stored
from tests.billing.raw_rows import write_books
from tests.client import ApiClient
from tests.consent.answers import publish, say
from tests.conversations.recipes import make_conversation_of
from tests.test_routes import OWNED, Act, all_acts, make_cache_entry, patterns

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def carl() -> None:
    persons.meet_persons(["carl"])


def name_of(act: Act) -> str:
    return re.sub(r"<\w+:", "<", str(act))


ACTS = {name_of(act): act for act in all_acts()}


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def path_of(name: str) -> str:
    """The route's path, to something new of Ann's where it has an id in it."""
    row = matrix.API[name]
    return ACTS[name].path(lambda part: row.place or OWNED[part]()) + row.query


def answer(client: ApiClient, name: str, scope: str = "") -> tuple[int, str, bool]:
    """The status, the code, and whether anything was written; on rows of Ann's own."""
    act, row = ACTS[name], matrix.API[name]
    with undone():
        path = path_of(name)
        before = stored()
        response = client.request(act.method, path, row.bodies.get(scope, row.body))
        streamed = b"".join(response.streaming_content) if response.streaming else b""
        is_problem = response.get("Content-Type") == "application/problem+json"
        code = response.json()["code"] if is_problem and not streamed else ""
        return response.status_code, code, stored() != before


class TestTheMatrix:
    def test_has_every_route_and_no_other(self) -> None:
        assert sorted(matrix.API) == sorted(ACTS), "write the route's row in tests/access/matrix.py"

    def test_names_scopes_that_there_are(self) -> None:
        assert {scope for row in matrix.API.values() for scope in row.scopes} <= set(SCOPES)

    def test_stands_in_the_document(self) -> None:
        assert matrix.DOCUMENT.read_text() == matrix.document_with_tables(), (
            "run `python -m tests.access.matrix`"
        )


@pytest.mark.parametrize("name", matrix.API)
class TestARoute:
    def test_is_closed_to_nobody_in_particular(self, name: str) -> None:
        status, code, wrote = answer(ApiClient(None, "ann"), name)

        expected = (401, "unauthenticated") if matrix.API[name].scopes else (200, "")
        assert (status, code, wrote) == (*expected, False)

    def test_is_closed_to_a_browser_in_which_staff_is_logged_in(self, name: str) -> None:
        client = ApiClient(None, "ann")
        client.client.force_login(User.objects.create_superuser("root"))

        status, _, wrote = answer(client, name)

        assert (status, wrote) == (401 if matrix.API[name].scopes else 200, False)

    def test_opens_to_each_scope_alone_as_it_says(self, name: str) -> None:
        row = matrix.API[name]
        wrong = []
        for scope in SCOPES:
            key = access_keys.create_key(
                name=scope, scopes=[scope], actor="system", at=timezone.now()
            ).key
            status, code, wrote = answer(ApiClient(key, "ann"), name, scope)
            if scope in row.scopes or not row.scopes:
                is_right = 200 <= status < 300
            else:
                is_right = (status, code, wrote) == (403, "missing_scope", False)
            if not is_right:
                wrong.append((scope, status, code, wrote))

        assert wrong == []

    def test_opens_to_a_persons_own_token_as_it_says(self, name: str) -> None:
        with trusting(public_pem(rsa_key("one"))):
            status, code, wrote = answer(ApiClient(token(), None), name)

        if matrix.API[name].own:
            assert 200 <= status < 300, code
        else:
            assert (status, wrote) == (403, False), code

    def test_asks_a_key_for_the_person_as_it_says(self, name: str) -> None:
        row = matrix.API[name]
        scope = row.scopes[0] if row.scopes else "cache:read"
        key = access_keys.create_key(
            name="application", scopes=[scope], actor="system", at=timezone.now()
        ).key

        status, code, wrote = answer(ApiClient(key, None), name, scope)

        if row.names_person:
            assert (status, code, wrote) == (400, "user_id_required", False)
        else:
            assert 200 <= status < 300, code

    def test_shows_and_changes_nothing_of_another_person(self, key: str, name: str) -> None:
        row, act = matrix.API[name], ACTS[name]
        scope = row.scopes[0] if row.scopes else ""
        with trusting(public_pem(rsa_key("one"))):
            callers = {"key": ApiClient(key, "bob")}
            if row.own:
                callers["token"] = ApiClient(token(sub="bob"), None)
            for caller, client in callers.items():
                with undone():
                    path = path_of(name)
                    anns = rows_of_ann()
                    body = row.bodies.get(scope, row.body)
                    response = client.request(act.method, path, body)
                    has_id = bool(act.parameters) and not (row.place or row.makes_own)
                    assert response.status_code == 404 or not has_id, (caller, response)
                    assert rows_of_ann() == anns, caller
                    shown = b"" if response.streaming else response.content
                    assert b'"ann"' not in shown, caller


def rows_of_ann() -> dict[str, list[Any]]:
    return {
        table: [row for row in rows if "ann" in (row.get("user_id"), row.get("owner"))]
        for table, rows in stored().items()
    }


# Outside of /api/v1


class TestWhatIsOutsideOfTheAPI:
    def test_stands_in_the_matrix_and_nothing_else(self) -> None:
        served = {
            f"/{route}"
            for route, pattern in patterns(get_resolver())
            if not route.startswith(("admin/", "api/v1/")) and pattern.name not in matrix.BARE
        }

        assert served == set(matrix.OUTSIDE), "write the route's row in tests/access/matrix.py"

    @pytest.mark.parametrize("path", matrix.OUTSIDE)
    def test_opens_as_the_matrix_says(self, path: str) -> None:
        is_guarded = matrix.OUTSIDE[path]
        staff = Browsers()
        keys = [
            access_keys.create_key(
                name=scope, scopes=[scope], actor="system", at=timezone.now()
            ).key
            for scope in SCOPES
        ]
        wrong = []

        with trusting(public_pem(rsa_key("one"))):
            callers: list[tuple[str, Client, str, int]] = [
                ("nobody", Client(), "", 401),
                ("a wrong key", Client(), "stw_wrong", 401),
                ("a person's own token", Client(), token(), 403),
                ("no staff", staff.outsider, "", 401),
                ("staff", staff.having(frozenset()), "", 200),
                ("a superuser", staff.root, "", 200),
                *(("a key", Client(), key, 200) for key in keys),
            ]
            for who, client, credentials, guarded in callers:
                headers = {"Authorization": f"Bearer {credentials}"} if credentials else {}
                found = client.get(path, headers=headers).status_code
                if found != (guarded if is_guarded else 200):
                    wrong.append((who, found))

        assert wrong == []


# Staff


def pages_served() -> set[str | None]:
    return {
        pattern.name
        for route, pattern in patterns(get_resolver())
        if route.startswith("admin/") and not route.startswith("admin/(?P<url>")
    }


def first_of(name: str) -> Any:
    """A row for the pages that show one."""
    return apps.get_model(*name.split("_"))._default_manager.order_by("pk").first()


def fill_every_table() -> None:
    """A row at least of whatever has a page; the first account may do no more than anybody."""
    User.objects.create_user("colleague")
    call_command("maintain", verbosity=0)  # first: it would end the holds of the books
    write_books()
    make_conversation_of(1)
    Group.objects.create(name="support")
    readings.record_reading(
        actor="staff:eve", at=timezone.now(), user_id="ann", what="conversation"
    )
    with transaction.atomic():
        staff_actions.record(
            action="billing.look", rows=[Tier.objects.get(key="free")], actor="staff:eve",
            at=timezone.now(), sentence="Looked.",
        )  # fmt: skip
    application = access_keys.create_key(
        name="application", scopes=SCOPES, actor="system", at=timezone.now()
    ).key
    ApiClient(application, "ann").post("/usage/increment", {})
    ApiClient(application, "ann").post("/cache/lookup", {"query": "a"})
    ApiClient(application, "dan").post("/privacy/erase", {"confirm": "dan"})
    flush_all()
    publish()
    say(version=1, locale="en")
    make_cache_entry()


def target_of(act: str) -> Any:
    if act == "refund":
        return CreditTransaction.objects.filter(person__user_id="ann", type="deduct").first()
    return CreditHold.objects.filter(person__user_id="ann", state="open").first()


def address(page: str) -> str:
    """Where the page is, of the first row of its table."""
    for route, pattern in patterns(get_resolver()):
        if route.startswith("admin/") and pattern.name == page:
            for part in re.findall(r"<[^>]+>", route):
                row = first_of("_".join(page.split("_")[:2]))
                if "target_pk" in part:
                    row = target_of(page.split("_")[-1])
                route = route.replace(part, str(row.pk), 1)
            return f"/{route}"
    raise AssertionError(page)


class Browsers:
    """A browser for each kind of staff, logged in once."""

    def __init__(self) -> None:
        self.permissions = {
            f"{one.content_type.app_label}.{one.codename}": one
            for one in Permission.objects.select_related("content_type")
        }
        self.root = self._of(User.objects.create_superuser("root"))
        self.outsider = self._of(User.objects.create_user("outsider"))
        self.having = cache(self._having)

    def _of(self, user: User) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(user)
        return client

    def _having(self, permissions: frozenset[str]) -> Client:
        user = User.objects.create_user(f"staff-{User.objects.count()}", is_staff=True)
        user.user_permissions.set(self.permissions[name] for name in permissions)
        return self._of(user)

    def lacking(self, permission: str) -> Client:
        # Django takes the permission to change as one to view, too.
        without = {permission, permission.replace(".view_", ".change_")}
        return self.having(frozenset(self.permissions) - without)


def let_in(client: Client, path: str) -> int | str:
    response = client.get(path)
    if response.status_code == 302 and response["Location"].startswith("/admin/login/"):
        return "log in"
    return 200 if response.status_code in (200, 302) else response.status_code


class TestThePagesOfStaff:
    def test_stand_in_the_matrix_and_no_others(self) -> None:
        served = pages_served() - matrix.LEAD_ON
        named = {page for page, _ in matrix.staff_pages()}

        assert named == served, "write the page's row in tests/access/matrix.py"

    def test_ask_for_their_permissions(self) -> None:
        fill_every_table()
        staff = Browsers()
        wrong = []

        for page, needed in matrix.staff_pages():
            path = address(page)
            is_open = needed != matrix.NOBODY
            is_given = needed not in (matrix.NOBODY, matrix.SUPERUSERS)
            given = frozenset(needed) if is_given else frozenset()
            expected: list[tuple[str, Client, int | str]] = [
                ("nobody logged in", Client(), "log in"),
                ("no staff", staff.outsider, "log in"),
                ("its permissions", staff.having(given), 200 if is_given else 403),
                ("a superuser", staff.root, 200 if is_open else 403),
                *((f"all but {name}", staff.lacking(name), 403) for name in given),
            ]
            if given:
                expected.append(("no permission", staff.having(frozenset()), 403))
            for who, client, wanted in expected:
                found = let_in(client, path)
                if found != wanted:
                    wrong.append((page, who, found, wanted))

        assert wrong == []


class TestTheActionsOfStaff:
    def test_stand_in_the_matrix_and_no_others(self) -> None:
        staff = User.objects.create_superuser("root")

        assert {
            (model._meta.label_lower, action)
            for model in admin.site._registry
            for action in offered(model, staff)
        } == set(matrix.ACTIONS), "write the action's row in tests/access/matrix.py"

    def test_are_offered_to_who_has_the_permission(self) -> None:
        permissions = Browsers().permissions
        for (name, action), needed in matrix.ACTIONS.items():
            having = User.objects.create_user(f"having {name} {action}", is_staff=True)
            lacking = User.objects.create_user(f"lacking {name} {action}", is_staff=True)
            if needed == matrix.SUPERUSERS[0]:
                having.is_superuser = True
                lacking.user_permissions.set(permissions.values())
            else:
                having.user_permissions.add(permissions[needed])
                lacking.user_permissions.set(set(permissions.values()) - {permissions[needed]})
            model = apps.get_model(name)

            assert action in offered(model, having)
            assert action not in offered(model, lacking)


def offered(model: Any, staff: User) -> set[str]:
    """The actions that the list of a model offers; Django performs no other."""
    request = RequestFactory().get("/")
    request.user = staff
    return set(admin.site._registry[model].get_actions(request))
