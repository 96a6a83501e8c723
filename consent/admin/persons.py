"""The persons of whom something is recorded, and the answers that staff record for them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone

from access.models import PersonKey
from access.staff_actions import ActionContext
from access.staff_views import StaffActionView
from common.admin.pages import ListLink, PersonRowsAdmin, display, number_of, page
from consent.admin import actions, forms, person_page
from consent.admin.pages import CSS, VIEW_EVENTS, person_url, statistics_url
from consent.models import ConsentChain


@admin.register(ConsentChain)
class ConsentChainAdmin(PersonRowsAdmin):
    """Everybody of whom something is recorded; a page for each."""

    list_display = ("whose", "events", "mark")
    fields = ("person",)  # the template shows the rest
    change_form_template = "consent/person.html"

    class Media:
        css = CSS

    @display(description="Events")
    def events(self, chain: ConsentChain) -> str:
        return f"{chain.last_sequence:,}"

    @display(description="State", label={"erased": "danger"})
    def mark(self, chain: ConsentChain) -> str | None:
        return "erased" if chain.salt is None else None

    def list_links(self, request: HttpRequest) -> list[ListLink]:
        links = []
        if request.user.has_perm(actions.RECORD):
            links.append(ListLink("Record for a person", self.url_of("record"), "person_add"))
        if request.user.has_perm(VIEW_EVENTS):
            links.append(ListLink("Statistics", statistics_url(), "bar_chart"))
        return links

    def get_urls(self) -> list[URLPattern]:
        record = self.admin_site.admin_view(self.record_view)
        own = [
            path(
                f"{action.slug}/",
                self.admin_site.admin_view(RecordingView.as_view(model_admin=self, action=action)),
                name=self.route_of(action.slug),
            )
            for action in (actions.GIVE, actions.REFUSE)
        ]
        return [
            path("record/", record, name=self.route_of("record")),
            *own,
            *super().get_urls(),
        ]

    # One person

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        form = forms.AsOfForm(request.GET if "at" in request.GET else None)
        past = form.cleaned_data["at"] if form.is_valid() else None
        at = past or timezone.now()
        context = {
            "as_of": form,
            "past": past,
            "states": person_page.states_of(row.person_id, at=at, is_past=past is not None),
            "verified": person_page.verified(row),
            "may_record": request.user.has_perm(actions.RECORD) and row.salt is not None,
        }
        if request.user.has_perm(VIEW_EVENTS):
            before = number_of(request.GET.get("before"))
            context["timeline"] = person_page.timeline_of(row.person_id, before=before)
            context["before"] = before
        return context

    # On a person's behalf

    def record_view(self, request: HttpRequest) -> HttpResponse:
        """Asks whose consent it is, of which nothing may be recorded yet."""
        if not (self.has_view_permission(request) and request.user.has_perm(actions.RECORD)):
            raise PermissionDenied
        return self.ask_whose(request, forms.PersonForm())

    def ask_whose(self, request: HttpRequest, form: forms.PersonForm) -> HttpResponse:
        return page(self, request, "consent/record.html", {"title": "Record for a person"}, form)


class RecordingView(StaffActionView):
    """The page of an answer for the person in the address, of whom nothing may be recorded yet."""

    template_name = "consent/answer.html"

    def dispatch(self, request: Any, *args: Any, **place: Any) -> HttpResponse:
        self.require_permission(request)
        person = forms.PersonForm(request.GET)
        if not person.is_valid():
            asked: HttpResponse = self.model_admin.ask_whose(request, person)
            return asked
        self.user_id: str = person.cleaned_data["user_id"]
        return super().dispatch(request, *args, **place)

    def user_id_of(self, request: HttpRequest) -> str:
        return self.user_id

    def context_of(self, request: HttpRequest, row: Any, target: Any) -> dict[str, Any]:
        url = person_url(PersonKey(self.user_id))
        return {"user_id": self.user_id, "person_url": url, "back_url": url or self.url_of(None)}

    def next_url(self, context: ActionContext, outcome: Any) -> str:
        return person_url(PersonKey(self.user_id)) or self.url_of(None)
