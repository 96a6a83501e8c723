"""What operators did, for staff to read."""

from typing import Any

from django.contrib import admin

from common import declarations
from common.admin.pages import ReadOnlyAdmin, display
from operations.models import Erasure, MaintenanceRun


class TaskFilter(admin.SimpleListFilter):
    title = "task"
    parameter_name = "task"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [(task.name, task.name) for task in declarations.maintenance_tasks()]

    def queryset(self, request: Any, queryset: Any) -> Any:
        return queryset.filter(task=self.value()) if self.value() else queryset


class FailedFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "failed"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Failed"), ("no", "Done")]

    def queryset(self, request: Any, queryset: Any) -> Any:
        if self.value() == "yes":
            return queryset.exclude(error="")
        return queryset.filter(error="") if self.value() == "no" else queryset


@admin.register(MaintenanceRun)
class MaintenanceRunAdmin(ReadOnlyAdmin):
    """What `maintain`, `backup` and `verify` did, the newest run first."""

    list_display = ("started_at", "task", "outcome", "items", "duration_seconds")
    list_display_links = ("started_at",)
    list_filter = (TaskFilter, FailedFilter)
    list_filter_sheet = False
    # By the primary key: an order that needs no index of its own.
    ordering = ("-id",)
    sortable_by = ()
    fields = ("task", "started_at", "duration_seconds", "items", "error")

    @display(description="Outcome", label={"done": "success", "failed": "danger"})
    def outcome(self, run: MaintenanceRun) -> str:
        return "failed" if run.error else "done"


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    """Who was erased is not known any more; when, by whom and how much is."""

    list_display = ("at", "actor", "rows_erased", "rows_kept", "reference")
    list_display_links = ("at",)
    search_fields = ("reference",)
    search_help_text = "The whole name that stands in kept rows: erased-…"
    ordering = ("-id",)
    sortable_by = ()
    fields = ("at", "actor", "reason", "reference", "counts")

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(reference=term) if term else queryset), False

    @display(description="Rows erased")
    def rows_erased(self, erasure: Erasure) -> int:
        return sum(erasure.counts["erased"].values())

    @display(description="Rows kept")
    def rows_kept(self, erasure: Erasure) -> int:
        return sum(erasure.counts["kept"].values())
