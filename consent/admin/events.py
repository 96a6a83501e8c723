"""Everything that was ever said, and the totals of it."""

import datetime
import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone

from access.models import PERSON_NAME
from common.admin.pages import CreatedFilter, ListLink, PersonRowsAdmin, display, number_of, page
from consent import reports
from consent.admin import person_page
from consent.admin.pages import CSS, PurposeFilter, person_url, statistics_url
from consent.models import ConsentEvent, PolicyVersion

ACTION_COLOURS = {
    "given": "success", "refused": "warning", "withdrawn": "danger", "expired": "warning",
    "imported": "info",
}  # fmt: skip
# The newest; an address may name an older one.
MAX_TEXTS_IN_FILTER = 100
PERIODS_DAYS = (7, 30, 90)


class TextFilter(admin.SimpleListFilter):
    title = "text"
    parameter_name = "text"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        texts = PolicyVersion.objects.order_by("-pk").values_list(
            "pk", "purpose_id", "version", "locale"
        )[:MAX_TEXTS_IN_FILTER]
        return [(str(pk), f"{key} {version} ({locale})") for pk, key, version, locale in texts]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        pk = number_of(self.value())
        return queryset if pk is None else queryset.filter(policy_version=pk)


class RecordedFilter(CreatedFilter):
    title = "recorded"
    parameter_name = "recorded"
    column = "recorded_at"


@admin.register(ConsentEvent)
class ConsentEventAdmin(PersonRowsAdmin):
    """Everything that was ever said, the newest first."""

    list_display = (
        "recorded_at", "whose", "shown_purpose", "shown_action", "version", "shown_source",
        "method", "actor",
    )  # fmt: skip
    list_display_links = ("recorded_at",)
    list_filter = (PurposeFilter, "action", "source", TextFilter, RecordedFilter)
    search_fields = ("person__user_id", "uid")
    search_help_text = "Whole id of a person or an event"
    csv_columns = {
        "id": "uid",
        "user_id": PERSON_NAME,
        "sequence": "sequence",
        "purpose": "purpose_id",
        "action": "action",
        "granted": "granted",
        "policy_version": "policy_version__version",
        "locale": "policy_version__locale",
        "text_sha256": "text_sha256",
        "source": "source",
        "method": "method",
        "actor": "actor",
        "recorded_at": "recorded_at",
        "expires_at": "expires_at",
        "hash": "hash",
    }
    fields = ("action",)  # the template shows the rest
    change_form_template = "consent/event.html"

    class Media:
        css = CSS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = person_page.events_with_versions()
        return rows

    @display(description="Purpose")
    def shown_purpose(self, event: ConsentEvent) -> str:
        return event.purpose_id

    @display(description="Action", label=ACTION_COLOURS)
    def shown_action(self, event: ConsentEvent) -> str:
        return event.action

    @display(description="Version")
    def version(self, event: ConsentEvent) -> str:
        text = event.policy_version
        return f"{text.version} ({text.locale})" if text else "–"

    @display(description="Source")
    def shown_source(self, event: ConsentEvent) -> str:
        return event.source

    def list_links(self, request: HttpRequest) -> list[ListLink]:
        return [
            ListLink("Statistics", statistics_url(), "bar_chart"),
            *super().list_links(request),
        ]

    def get_urls(self) -> list[URLPattern]:
        statistics = self.admin_site.admin_view(self.statistics_view)
        return [
            path("statistics/", statistics, name=self.route_of("statistics")),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        evidence = json.dumps(row.evidence, indent=2, ensure_ascii=False) if row.evidence else ""
        return {"person_url": person_url(row.person_id), "evidence": evidence}

    def statistics_view(self, request: HttpRequest) -> HttpResponse:
        """How many persons agree to what, and how that changed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        wanted = number_of(request.GET.get("days"))
        days = wanted if wanted in PERIODS_DAYS else PERIODS_DAYS[1]
        now = timezone.now()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        since = today - datetime.timedelta(days=days - 1)
        totals = [
            total | {"unanswered": total["persons"] - total["agreeing"] - total["not_agreeing"]}
            for total in reports.totals(at=now)
        ]
        context = {
            "title": "Statistics",
            "totals": totals,
            "persons": totals[0]["persons"] if totals else 0,
            "actions": ConsentEvent.Action.labels,
            "changes": changes_by_day(reports.changes(since=since, until=now)),
            "days": days,
            "periods": PERIODS_DAYS,
        }
        return page(self, request, "consent/statistics.html", context)


def changes_by_day(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each day and purpose, with the events of every action side by side."""
    found: dict[tuple[Any, str], dict[str, int]] = {}
    for row in rows:
        counts = found.setdefault((row["day"], row["purpose_id"]), {})
        counts[row["action"]] = row["events"]
    return [
        {
            "day": day,
            "purpose": purpose,
            "counts": [
                {"action": label.lower(), "events": counts.get(action, 0)}
                for action, label in ConsentEvent.Action.choices
            ],
        }
        for (day, purpose), counts in found.items()
    ]
