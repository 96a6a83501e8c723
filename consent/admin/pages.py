"""What the admin's pages of consent share."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from access.models import PersonKey
from consent.models import ConsentChain, Purpose

CSS = {"all": ("common/sheets.css", "consent/consent.css")}
VIEW_EVENTS = "consent.view_consentevent"


class PurposeFilter(admin.SimpleListFilter):
    title = "purpose"
    parameter_name = "purpose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Purpose.objects.order_by("id").values_list("key", "title"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(purpose=self.value()) if self.value() else queryset


def person_url(person_id: int | PersonKey) -> str | None:
    """The page of a person, if anything is recorded of them."""
    pk = ConsentChain.objects.filter(person_id=person_id).values_list("pk", flat=True).first()
    return None if pk is None else reverse("admin:consent_consentchain_change", args=[pk])


def statistics_url() -> str:
    return reverse("admin:consent_consentevent_statistics")
