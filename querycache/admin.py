"""The cache as staff see it: namespaces with their numbers, and entries to end or to remove.

Stored texts need a permission of their own, and whoever has them on the screen is written down
first.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html

from access import actors
from access.models import PersonKey, StaffReading
from access.services import readings
from access.staff_actions import Action, ActionContext, ActionResult, AlreadyDone
from access.staff_views import ChosenRowsView, RecordedAdmin
from common.admin.forms import EditForm
from common.admin.pages import CreatedFilter, ReadOnlyAdmin, display
from querycache.models import CacheEntry, CacheStatistics, Namespace
from querycache.reports import percent
from querycache.services import entries, namespaces

READ_TEXTS = "querycache.read_texts"
TEXTS = ("query", "shown_context", "shown_result")
SHOWN_CHARACTERS = 100_000
STATE_COLOURS = {"fresh": "success", "stale": "warning", "ended": ""}
CSS = {"all": ("common/sheets.css",)}


class NamespaceForm(EditForm, forms.ModelForm):  # type: ignore[type-arg]
    """The numbers and the sharing of a namespace."""


def _change(context: ActionContext) -> ActionResult:
    form = context.form
    changes = {name: form.cleaned_data[name] for name in form.changed_data}
    namespaces.change_namespace(namespace_id=context.row.pk, changes=changes)
    return ActionResult(context.row, f"Changed {', '.join(changes)}.")


def _invalidate(context: ActionContext) -> ActionResult:
    for namespace in context.rows:
        namespaces.invalidate(namespace=namespace.name, at=context.at)
    return ActionResult(context.rows[0], "Invalidated everything.")


def _expire(context: ActionContext) -> ActionResult:
    keys = [entry.pk for entry in context.rows]
    count = entries.expire_entries(entry_ids=keys, at=context.at)
    if not count:
        raise AlreadyDone("They have ended already.")
    return ActionResult(context.rows[0], f"Expired {count} of {len(keys)} entries.")


def _remove(context: ActionContext) -> ActionResult:
    count = entries.delete_entries(entry_ids=[entry.pk for entry in context.rows])
    return ActionResult(context.rows[0], f"Deleted {count} entries.")


CHANGE = Action("querycache.change", "Save", "querycache.change_namespace", _change)
INVALIDATE = Action(
    "querycache.invalidate",
    "Invalidate everything in them",
    "querycache.change_namespace",
    _invalidate,
    explanation="What is stored in these namespaces is not served any more, and what is being made"
    " for them is not stored. That cannot be undone.",
    is_dangerous=True,
)
EXPIRE = Action(
    "querycache.expire",
    "Expire now",
    "querycache.change_cacheentry",
    _expire,
    explanation="These answers are not served any more. The next look-up makes them anew.",
)
REMOVE = Action(
    "querycache.remove",
    "Delete",
    "querycache.delete_cacheentry",
    _remove,
    explanation="These answers are gone for good. The next look-up makes them anew.",
    is_dangerous=True,
)


def ask(action: Action, model_admin: Any, request: HttpRequest, rows: Any) -> HttpResponseBase:
    """The page of the action on these rows, or what it leads to."""
    view = ChosenRowsView.as_view(model_admin=model_admin, action=action, queryset=rows)
    return view(request)


@admin.register(Namespace)
class NamespaceAdmin(RecordedAdmin):
    """Numbers that staff set, and what came of them. A namespace is made at its first use."""

    list_display = (
        "name", "sharing", "hit_ratio", "used_entries", "used_bytes", "credits_saved",
    )  # fmt: skip
    ordering = ("name", "id")
    readonly_fields = ("name", "epoch", "hit_ratio", "used_entries", "used_bytes", "credits_saved")
    fields = (
        "name", "sharing", "ignore_case", "default_ttl_seconds", "stale_seconds", "max_entries",
        "max_bytes", "max_entry_bytes", "epoch", "hit_ratio", "used_entries", "used_bytes",
        "credits_saved", "reason", "token",
    )  # fmt: skip
    actions = ("invalidate",)
    form = NamespaceForm
    save_action = CHANGE

    class Media:
        css = CSS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Namespace.objects.with_numbers()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields

    @display(description="Hit ratio")
    def hit_ratio(self, namespace: Any) -> str:
        hits = namespace.shown_hits + namespace.shown_stale_hits
        return f"{percent(hits, namespace.shown_lookups)} % of {namespace.shown_lookups:,}"

    @display(description="Entries")
    def used_entries(self, namespace: Any) -> str:
        return f"{namespace.shown_entries:,} of {namespace.max_entries:,}"

    @display(description="Bytes")
    def used_bytes(self, namespace: Any) -> str:
        used, most = filesizeformat(namespace.shown_bytes), filesizeformat(namespace.max_bytes)
        return f"{used} of {most}"

    @display(description="Credits saved")
    def credits_saved(self, namespace: Any) -> str:
        return f"{namespace.shown_credits_saved:,}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=INVALIDATE.title, permissions=["change"])
    def invalidate(self, request: HttpRequest, queryset: QuerySet[Namespace]) -> HttpResponseBase:
        return ask(INVALIDATE, self, request, queryset)


class NamespaceFilter(admin.SimpleListFilter):
    title = "namespace"
    parameter_name = "namespace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Namespace.objects.order_by("name").values_list("name", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(namespace__name=self.value()) if self.value() else queryset


@admin.register(CacheEntry)
class CacheEntryAdmin(ReadOnlyAdmin):
    """Entries, found by their whole key or their person's whole id."""

    list_display = (
        "short_key", "namespace_name", "whose", "model", "byte_size", "state", "created_at",
        "stale_until",
    )  # fmt: skip
    list_filter = (NamespaceFilter, CreatedFilter)
    list_filter_sheet = False
    list_select_related = ("namespace", "person")
    search_fields = ("key_hash", "person__user_id")
    search_help_text = "Whole key, or whole user id"
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        "key_hash", "namespace_name", "whose", "model", "shown_tags", "state", "cost_credits",
        "produced_ms", "byte_size", "ttl_seconds", "created_at", "fresh_until", "stale_until",
    )  # fmt: skip
    actions = ("expire", "remove")

    class Media:
        css = CSS

    def get_queryset(self, request: HttpRequest) -> QuerySet[CacheEntry]:
        return super().get_queryset(request).defer("query", "context", "result")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CacheEntry], search_term: str
    ) -> tuple[QuerySet[CacheEntry], bool]:
        term = search_term.strip()
        if term:
            queryset = queryset.filter(Q(key_hash=term) | Q(person_id=PersonKey(term)))
        return queryset, False

    @display(description="Key")
    def short_key(self, entry: CacheEntry) -> str:
        return f"{entry.key_hash[:12]}…"

    @display(description="Namespace")
    def namespace_name(self, entry: CacheEntry) -> str:
        return entry.namespace.name

    @display(description="Person")
    def whose(self, entry: CacheEntry) -> str:
        return entry.person.name if entry.person else ""

    @display(description="State", label=STATE_COLOURS)
    def state(self, entry: CacheEntry) -> str:
        return entry.state_at(timezone.now())

    @display(description="Tags")
    def shown_tags(self, entry: CacheEntry) -> str:
        return ", ".join(entry.shown_tags)

    # What they may do

    def has_expire_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(EXPIRE.permission)

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(REMOVE.permission)

    @admin.action(description=EXPIRE.title, permissions=["expire"])
    def expire(self, request: HttpRequest, queryset: QuerySet[CacheEntry]) -> HttpResponseBase:
        return ask(EXPIRE, self, request, queryset)

    @admin.action(description=REMOVE.title, permissions=["remove"])
    def remove(self, request: HttpRequest, queryset: QuerySet[CacheEntry]) -> HttpResponseBase:
        return ask(REMOVE, self, request, queryset)

    # The texts

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.fields, *TEXTS) if request.user.has_perm(READ_TEXTS) else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        entry = self.get_object(request, unquote(object_id))
        if entry and self.has_view_permission(request) and request.user.has_perm(READ_TEXTS):
            staff = actors.staff_actor(request.user)
            what = f"cache entry {entry.key_hash} in {entry.namespace.name}"
            if entry.person:
                readings.record_reading(
                    actor=staff, at=timezone.now(), user_id=entry.person.name, what=what
                )
            else:
                readings.record_reading_of_nobodys(
                    actor=staff, at=timezone.now(), kind=StaffReading.Kind.SHARED, what=what
                )
        return super().change_view(request, object_id, form_url, extra_context)

    @display(description="Context")
    def shown_context(self, entry: CacheEntry) -> str:
        return str(entry.context)[:SHOWN_CHARACTERS] if entry.context is not None else "-"

    @display(description="Result")
    def shown_result(self, entry: CacheEntry) -> str:
        return format_html(
            '<pre class="whitespace-pre-wrap">{}</pre>', entry.result[:SHOWN_CHARACTERS]
        )


@admin.register(CacheStatistics)
class CacheStatisticsAdmin(ReadOnlyAdmin):
    """What happened in each namespace, hour by hour, the latest first."""

    list_display = (
        "hour", "namespace_name", "lookups", "hits", "stale_hits", "misses", "coalesced",
        "bypasses", "stores", "evictions", "credits_saved",
    )  # fmt: skip
    list_display_links = ("hour",)
    list_filter = (NamespaceFilter,)
    list_filter_sheet = False
    list_select_related = ("namespace",)
    ordering = ("-id",)
    sortable_by = ()
    fields = list_display

    @display(description="Namespace")
    def namespace_name(self, row: CacheStatistics) -> str:
        return row.namespace.name
