"""What all admin pages share: records are read, not edited, and lists cost the same at any size."""

import contextlib
import datetime
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from unfold import decorators
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from common.admin import csv
from common.errors import DomainError

COUNTED_ROWS = 10_000
# What an integer of 64 bits holds in any case.
MOST_DIGITS_OF_A_KEY = 18
Column = TypeVar("Column", bound=Callable[..., Any])


def display(**options: Any) -> Callable[[Column], Column]:
    """A column of a list, or a line of a page: unfold's decorator, which has no types."""
    decorator: Callable[[Column], Column] = decorators.display(**options)
    return decorator


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than 10,000 rows: counting all of a large table takes longer than the page.

    What lies beyond is reached by searching.
    """

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        count: int = rows.order_by()[: COUNTED_ROWS + 1].count()
        return count


class CreatedFilter(admin.SimpleListFilter):
    """How long ago a row was made. A calendar of all dates would have to read the whole table."""

    title = "created"
    parameter_name = "created"
    column = "created_at"
    days = {"today": 0, "7": 7, "30": 30, "365": 365}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        titles = {"today": "Today", "365": "Past year"}
        return [(name, titles.get(name, f"Past {days} days")) for name, days in self.days.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self.days.get(self.value() or "")
        if days is None:
            return queryset
        now = timezone.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        since = now - datetime.timedelta(days=days) if days else midnight
        return queryset.filter(**{f"{self.column}__gte": since})


@dataclass(frozen=True)
class ListLink:
    """A button above a list."""

    title: str
    url: str
    icon: str


class DeclaredChangeList(ChangeList):
    """A list that is put in order by the columns in `sortable_by` alone, whatever `o=` says."""

    def get_ordering_field(self, field_name: str) -> Any:
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None


class DeclaredAdmin(ModelAdmin):
    """Lists that are filtered by what `list_filter` declares, and by nothing else.

    Django's own takes any column with any look-up from the address, so that whoever sees a list
    reads from it what the rows hold besides, character by character (`?result__regex=^.the`).
    """

    object_history_template: Any = "access/object_history.html"
    show_facets = admin.ShowFacets.NEVER  # they count the whole table, once for each choice

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup in self._declared_lookups(request)

    def _declared_lookups(self, request: HttpRequest) -> set[str]:
        declared: set[str] = set()
        for item in self.get_list_filter(request):
            if isinstance(item, str):
                field: Any = get_fields_from_path(self.model, item)[-1]
                key = f"{item}__{field.target_field.name}" if field.is_relation else item
                declared |= {f"{key}__exact", f"{item}__isnull"}
            else:
                declared.add(item.parameter_name)
        return declared

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeclaredChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        # Django looks the chosen rows up with what was sent, whatever that is.
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            if not is_number(key, digits=MOST_DIGITS_OF_A_KEY):
                raise SuspiciousOperation("A chosen row has no such key.")
        response: HttpResponseBase = super().changelist_view(request, extra_context)
        return response

    def url_of(self, page: str, *args: Any, **query: Any) -> str:
        """The address of one of this model's pages."""
        name = f"admin:{self.route_of(page)}"
        url = reverse(name, args=args, current_app=self.admin_site.name)
        return f"{url}?{urlencode(query)}" if query else url

    def route_of(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"


class ReadOnlyAdmin(DeclaredAdmin):
    """Rows that staff look at. A change is a named action that calls a service, never a form.

    `csv_columns` (heading: column or expression) adds a button that exports the list as it is
    searched and filtered.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    change_list_template = "common/change_list.html"
    csv_columns: Mapping[str, Any] = {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        if not (changelist.query or changelist.has_active_filters):
            # All are shown already: the page need not offer to show all.
            changelist.full_result_count = changelist.result_count
        return changelist

    def list_links(self, request: HttpRequest) -> list[ListLink]:
        """The buttons above the list."""
        if not self.csv_columns:
            return []
        query = request.GET.copy()
        query.pop("p", None)  # the export holds all pages
        url = self.url_of("export") + (f"?{query.urlencode()}" if query else "")
        return [ListLink("Export as CSV", url, "download")]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page of one row shows besides its fields."""
        return {}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        row = options["obj"]
        if row is not None:
            context.update(self.page_context(request, row))
        return super().render_change_form(request, context, *args, **options)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        context = {"list_links": self.list_links(request)} | dict(extra_context or {})
        return super().changelist_view(request, context)

    # The list as CSV

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        if not self.csv_columns:
            return urls
        export = self.admin_site.admin_view(self.export_view)
        return [path("export.csv", export, name=self.route_of("export")), *urls]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The rows of the list, with its search and filters, as a CSV file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            queryset = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self.url_of("changelist", e=1))
        day = timezone.now().strftime("%Y-%m-%d")
        return csv.attachment(
            f"{self.opts.model_name}s-{day}.csv",
            list(self.csv_columns),
            csv.newest_first(queryset, list(self.csv_columns.values())),
        )


class KeyedAdmin(DeclaredAdmin):
    """Rows that staff edit, each known to applications by a `key` that stays as it was made."""

    list_filter_sheet = False
    ordering: tuple[str, ...] = ("id",)
    sortable_by = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("key",)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Deleting many at once would pass by the service that refuses it.
        actions: dict[str, Any] = super().get_actions(request)
        return {name: action for name, action in actions.items() if name != "delete_selected"}

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(self.url_of("change", object_id))


class PersonRowsAdmin(ReadOnlyAdmin):
    """Rows of persons, found by the whole user id; with `uid` in search_fields by that, too.

    Each is shown with its person's id, or the name after an erasure.
    """

    search_fields: tuple[str, ...] = ("person__user_id",)
    search_help_text = "Whole user id"
    # The newest first, by the primary key: an order that needs no index of its own.
    ordering = ("-id",)
    sortable_by = ()
    list_filter_sheet = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("person")

    @admin.display(description="Person")
    def whose(self, row: Any) -> str:
        name: str = row.person.name
        return name

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        named = Q(person__user_id=term) | Q(person__erased_as=term)
        if "uid" in self.search_fields:
            # A person's id may be a UUID, too.
            with contextlib.suppress(ValueError):
                named |= Q(uid=uuid.UUID(term))
        return queryset.filter(named), False


def page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    form: Any = None,
) -> TemplateResponse:
    """A page of the admin that is neither list nor row."""
    media = model_admin.media if form is None else model_admin.media + form.media
    whole = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "form": form,
        "media": media,
        **context,
    }
    return TemplateResponse(request, template, whole)


def number_of(given: str | None) -> int | None:
    """A whole number from an address; anything else is none."""
    return int(given) if given is not None and is_number(given, digits=9) else None


def is_number(given: str, *, digits: int) -> bool:
    """Whether it is a whole number of at most so many digits."""
    return given.isascii() and given.isdigit() and len(given) <= digits
