"""What an address may ask of a list of the admin: the filters that are shown, and nothing else.

Any other look-up would read columns that the list does not show, one answer at a time.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.test import Client, RequestFactory

from common.admin.pages import DeclaredAdmin
from tests.access.test_matrix import fill_every_table

pytestmark = pytest.mark.django_db

# The look-ups of columns that the filters' links have. Filters of our own have names that are no
# column's, or take their own choices alone.
SHOWN = {
    "auth.user": {
        f"{name}__{lookup}"
        for name in ("is_staff", "is_superuser", "is_active")
        for lookup in ("exact", "isnull")
    }
    | {"groups__id__exact", "groups__isnull"},
    "billing.credittransaction": {"type__exact", "type__isnull"},
    "consent.consentevent": {
        "action__exact", "action__isnull", "source__exact", "source__isnull",
        "purpose",
    },
    "access.staffaction": {"action"},
    "consent.policyversion": {"purpose"},
    "billing.credithold": {"state"},
    "billing.creditaccount": {"tier"},
    "billing.usage": {"tier"},
    "conversations.conversation": {"source__exact", "source__isnull"},
    "operations.maintenancerun": {"task"},
    "querycache.cacheentry": {"namespace"},
    "querycache.cachestatistics": {"namespace"},
}  # fmt: skip
LOOKUPS = (
    "", "exact", "iexact", "regex", "iregex", "contains", "icontains", "startswith", "endswith",
    "gt", "gte", "lt", "lte", "in", "range", "isnull", "year", "date", "has_key", "a", "0",
)  # fmt: skip
OWN_PARAMETERS = ("q", "o", "p", "all", "e", "_popup", "_to_field", "_facets", "source_model")
VALUES = (
    "", "1", "-1", "[", "'", '"', "%", "é", "9" * 30, "1.-1", "a.b", "null",
    "\ud800".encode("utf-8", "surrogatepass"),
)  # fmt: skip
NO_KEYS = ("abc", "\x00", "", "-1", "²", "9" * 19, "9" * 30)
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)


def columns_of(model: Any) -> Iterator[str]:
    """Every column and annotation of the model's list, and those one relation away."""
    yield "pk"
    model_admin = admin.site._registry[model]
    yield from model_admin.get_queryset(request_of(model, {})).query.annotations
    for field in model._meta.get_fields():
        yield field.name
        yield getattr(field, "attname", field.name)
        if field.is_relation and field.related_model:
            yield f"{field.name}__pk"
            for other in field.related_model._meta.get_fields():
                yield f"{field.name}__{other.name}"


def request_of(model: Any, query: dict[str, Any]) -> Any:
    request: Any = RequestFactory().get("/", query)
    request.user = User(username="root", is_staff=True, is_superuser=True, is_active=True)
    return request


def is_taken(model: Any, lookup: str, value: Any = "1") -> bool:
    """Whether the list looks at it: it is neither refused nor a fault."""
    model_admin: Any = admin.site._registry[model]
    request = request_of(model, {lookup: value})
    return is_looked_at(lambda: model_admin.get_changelist_instance(request))


def is_looked_at(look: Callable[[], Any]) -> bool:
    try:
        look()
    except SuspiciousOperation:
        return False
    except IncorrectLookupParameters:
        pass
    return True


def looks_of(model: Any, lookups: set[str]) -> set[str]:
    """Those that the list looks at, asked of one list: making it anew takes ten times as long."""
    request = request_of(model, {})
    changelist = admin.site._registry[model].get_changelist_instance(request)
    taken = set()
    for lookup in sorted(lookups):
        changelist.filter_params = {lookup: ["1"]}
        if is_looked_at(lambda: changelist.get_filters(request)):
            taken.add(lookup)
    return taken


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
class TestEveryList:
    def test_takes_the_look_ups_of_its_filters_and_no_others(self, model: Any) -> None:
        shown = SHOWN.get(model._meta.label_lower, set())
        columns = set(columns_of(model))
        tried = {
            f"{column}__{lookup}" if lookup else column for column in columns for lookup in LOOKUPS
        }

        assert looks_of(model, tried) == shown
        # And so from the address on.
        assert {one for one in columns | shown if is_taken(model, one)} == shown

    def test_takes_numbers_alone_for_the_keys_of_chosen_rows(self, model: Any) -> None:
        root = Client(raise_request_exception=False)
        root.force_login(User.objects.create_superuser("root"))
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        actions = admin.site._registry[model].get_actions(request_of(model, {}))

        for action in actions or ["none"]:
            answers = {
                key: root.post(url, {"action": action, "_selected_action": ["1", key]}).status_code
                for key in (*NO_KEYS, "9" * 18)
            }
            assert answers.pop("9" * 18) in (200, 302), action
            assert answers == dict.fromkeys(NO_KEYS, 400), action

    def test_is_ours(self, model: Any) -> None:
        assert isinstance(admin.site._registry[model], DeclaredAdmin)


def filters(model: Any) -> list[str]:
    return [
        item.parameter_name
        for item in admin.site._registry[model].get_list_filter(request_of(model, {}))
        if not isinstance(item, str)
    ]


class TestAnAddress:
    @pytest.fixture
    def root(self) -> Client:
        fill_every_table()
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.create_superuser("root"))
        return client

    def test_with_a_look_up_of_its_own_is_refused_by_list_and_export(self, root: Client) -> None:
        for address in (
            "/admin/querycache/cacheentry/?result__regex=^.",
            "/admin/querycache/cacheentry/?result__regex=[",
            "/admin/conversations/conversation/?metadata__contains=a",
            "/admin/conversations/conversation/?messages__content__startswith=a",
            "/admin/conversations/conversation/export.csv?idempotency_key__startswith=a",
            "/admin/billing/credittransaction/export.csv?metadata__isnull=1",
            "/admin/billing/creditaccount/?held_now__gt=0",
            "/admin/auth/user/?password__startswith=pbkdf2",
            "/admin/auth/user/?user_permissions__codename=a",
        ):
            assert root.get(address).status_code == 400, address

    def test_with_any_value_of_a_parameter_that_is_taken_is_no_fault(self, root: Client) -> None:
        for model in MODELS:
            for name in (*OWN_PARAMETERS, *SHOWN.get(model._meta.label_lower, ()), *filters(model)):
                for value in VALUES:
                    is_taken(model, name, value)  # raises what would be a 500

    def test_is_answered_whatever_it_says(self, root: Client) -> None:
        url = "/admin/conversations/conversation/"
        for name in (*OWN_PARAMETERS, "source__exact", "created", "held"):
            answers = [root.get(url, {name: value}).status_code for value in VALUES]
            assert set(answers) <= {200, 302, 400}, name

    def test_of_the_search_for_pages_takes_any_number(self, root: Client) -> None:
        for page in ("x", "0", "99", "9" * 30, ""):
            found = root.get("/admin/search/", {"s": "a", "page": page})
            assert found.status_code in (200, 404), page

    def test_puts_no_list_in_an_order_that_it_does_not_offer(self) -> None:
        for model in MODELS:
            model_admin: Any = admin.site._registry[model]
            offered = model_admin.get_sortable_by(request_of(model, {}))
            for column, name in enumerate(model_admin.list_display, start=1):
                asked = request_of(model, {"o": f"-{column}"})
                order = model_admin.get_changelist_instance(asked).queryset.query.order_by
                own = {"pk", "id", *(one.lstrip("-") for one in model_admin.ordering)}
                assert name in offered or {one.lstrip("-") for one in order} <= own, (model, name)
