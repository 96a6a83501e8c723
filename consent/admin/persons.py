"""The persons of whom something is recorded, and the answers that staff record for them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone

from access.models import PersonKey
from common.admin import ListLink, PersonRowsAdmin, display, number_of, page, tell
from common.errors import DomainError
from consent.admin import acts, forms, person_page
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
        if request.user.has_perm(acts.RECORD):
            links.append(ListLink("Record for a person", self.url_of("record"), "person_add"))
        if request.user.has_perm(VIEW_EVENTS):
            links.append(ListLink("Statistics", statistics_url(), "bar_chart"))
        return links

    def get_urls(self) -> list[URLPattern]:
        record = self.admin_site.admin_view(self.record_view)
        answer = self.admin_site.admin_view(self.answer_view)
        return [
            path("record/", record, name=self.route_of("record")),
            path("give/", answer, {"granted": True}, name=self.route_of("give")),
            path("refuse/", answer, {"granted": False}, name=self.route_of("refuse")),
            *super().get_urls(),
        ]

    # One person

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        form = forms.AsOfForm(request.GET if "at" in request.GET else None)
        past = form.cleaned_data["at"] if form.is_valid() else None
        at = past or timezone.now()
        context.update(
            as_of=form,
            past=past,
            states=person_page.states_of(obj.person_id, at=at, is_past=past is not None),
            verified=person_page.verified(obj),
            may_record=request.user.has_perm(acts.RECORD) and obj.salt is not None,
        )
        if request.user.has_perm(VIEW_EVENTS):
            before = number_of(request.GET.get("before"))
            context["timeline"] = person_page.timeline_of(obj.person_id, before=before)
            context["before"] = before
        return super().render_change_form(request, context, add, change, form_url, obj)

    # On a person's behalf

    def record_view(self, request: HttpRequest) -> HttpResponse:
        """Asks whose consent it is, of which nothing may be recorded yet."""
        self._require_record(request)
        return self._ask_whose(request, forms.PersonForm())

    def answer_view(self, request: HttpRequest, granted: bool) -> HttpResponse:
        """The form of an answer, and with POST the answer itself."""
        self._require_record(request)
        person = forms.PersonForm(request.GET)
        if not person.is_valid():
            return self._ask_whose(request, person)
        user_id, at = person.cleaned_data["user_id"], timezone.now()
        form = forms.AnswerForm(
            request.POST if request.method == "POST" else None, granted=granted, at=at
        )
        if form.is_valid():
            try:
                done = acts.record(
                    user=request.user,  # type: ignore[arg-type]
                    user_id=user_id, granted=granted, form=form, at=at,
                )  # fmt: skip
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                tell(request, done)
                url = person_url(PersonKey(user_id)) or self.url_of("changelist")
                return HttpResponseRedirect(url)
        context = {
            "title": "Record consent" if granted else "Record refusal or withdrawal",
            "granted": granted,
            "user_id": user_id,
            "person_url": person_url(PersonKey(user_id)),
            "list_url": self.url_of("changelist"),
        }
        return page(self, request, "consent/answer.html", context, form)

    def _require_record(self, request: HttpRequest) -> None:
        if not (self.has_view_permission(request) and request.user.has_perm(acts.RECORD)):
            raise PermissionDenied

    def _ask_whose(self, request: HttpRequest, form: forms.PersonForm) -> HttpResponse:
        return page(self, request, "consent/record.html", {"title": "Record for a person"}, form)
