"""The texts as they were published, how a new one is published, and the purposes they are for."""

import hashlib
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone

from access.models import StaffAction
from access.staff_actions import ActionContext
from access.staff_views import RecordedAdmin, StaffActionView
from common.admin.pages import ListLink, ReadOnlyAdmin, display, page
from common.idempotency import Outcome
from consent.admin import actions, differences, forms
from consent.admin.pages import CSS, PurposeFilter
from consent.models import ConsentState, PolicyVersion, Purpose


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """The texts as they were published. A new one is published here, after a look at it."""

    list_display = ("name", "version", "locale", "published_at", "material_mark")
    list_filter = (PurposeFilter,)
    list_filter_sheet = False
    ordering = ("-id",)
    sortable_by = ()
    fields = ("version",)  # the template shows the rest
    change_form_template = "consent/policy.html"

    class Media:
        css = CSS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return PolicyVersion.objects.select_related("purpose").defer("text")

    @display(description="Purpose")
    def name(self, policy: PolicyVersion) -> str:
        return policy.purpose.title

    @display(description="Change", label={"material": "warning"})
    def material_mark(self, policy: PolicyVersion) -> str | None:
        return "material" if policy.material else None

    def list_links(self, request: HttpRequest) -> list[ListLink]:
        if not request.user.has_perm(actions.PUBLISH):
            return []
        return [ListLink("Publish a text", self.url_of("publish"), "publish")]

    def get_urls(self) -> list[URLPattern]:
        publish = self.admin_site.admin_view(
            PublishView.as_view(model_admin=self, action=actions.PUBLISH_TEXT)
        )
        return [path("publish/", publish, name=self.route_of("publish")), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        texts = texts_like(row).only("pk", "version")
        before = texts_like(row).filter(version__lt=row.version).order_by("-version").first()
        return {
            "computed_sha256": hashlib.sha256(row.text.encode()).hexdigest(),
            "agreeing": agreeing_to(row),
            "before": before,
            "later": texts.filter(version__gt=row.version).order_by("version").first(),
            "lines": differences.differences(before.text, row.text) if before else None,
            "may_publish": request.user.has_perm(actions.PUBLISH),
            "publish_url": self.url_of("publish", purpose=row.purpose_id, locale=row.locale),
        }


class PublishView(StaffActionView):
    """A form, then a look at what it would publish, then the text stands for good."""

    template_name = "consent/publish.html"

    def form_of(self, request: HttpRequest, row: Any) -> forms.PublishForm:
        data = request.POST if request.POST.get("step") else None
        return forms.PublishForm(data, request.FILES or None, initial=proposed(request))

    def instead(self, request: HttpRequest, context: ActionContext) -> HttpResponse | None:
        step = request.POST["step"]
        if step == "publish":
            return None
        if step == "preview":
            return self._preview(request, context)
        return self.show(request, context.form, self.context_of(request, None, None))

    def _preview(self, request: HttpRequest, context: ActionContext) -> HttpResponse:
        policy, is_new = actions.try_to_publish(context.form, at=context.at)
        current = texts_like(policy).filter(version__lt=policy.version).order_by("-version").first()
        shown = {
            "title": "Publish this text?",
            "policy": policy,
            "is_new": is_new,
            "current": current,
            "lines": differences.differences(current.text, policy.text) if current else None,
            "agreeing": agreeing_to(current) if current else 0,
        }
        return page(self.model_admin, request, "consent/preview.html", shown, context.form)

    def next_url(self, context: ActionContext, outcome: Outcome[StaffAction] | None) -> str:
        if outcome is None:
            return self.url_of(None)
        return str(self.model_admin.url_of("change", outcome.row.object_id))


def texts_like(policy: PolicyVersion) -> QuerySet[PolicyVersion]:
    """The versions of the same purpose in the same language."""
    return PolicyVersion.objects.filter(purpose__key=policy.purpose_id, locale=policy.locale)


def agreeing_to(policy: PolicyVersion) -> int:
    """How many persons' consent is to this text now."""
    states = ConsentState.objects.granting(at=timezone.now())
    return states.filter(policy_version=policy).count()


def proposed(request: HttpRequest) -> dict[str, Any]:
    """What the form begins with: a purpose and language from the address, and the next version."""
    purpose, locale = request.GET.get("purpose", ""), request.GET.get("locale", "en")
    if not purpose:
        return {"locale": locale}
    version = forms.next_version(purpose, locale)
    return {"purpose": purpose, "locale": locale, "version": version}


@admin.register(Purpose)
class PurposeAdmin(RecordedAdmin):
    """What consent is asked for. Editing one changes no answer that was given."""

    form = forms.PurposeForm
    list_display = ("title", "key", "required_mark", "validity")
    fields = ("key", "title", "required", "default_validity_days", "reason", "token")
    save_action = actions.SAVE_PURPOSE
    delete_action = actions.DELETE_PURPOSE
    change_form_template = "consent/purpose.html"

    class Media:
        css = CSS

    @display(description="Required", label={"required": "info"})
    def required_mark(self, purpose: Purpose) -> str | None:
        return "required" if purpose.required else None

    @display(description="Holds")
    def validity(self, purpose: Purpose) -> str:
        days = purpose.default_validity_days
        return f"{days} days" if days else "until withdrawn"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        # Django's own would read every event of the purpose to list it.
        return [str(purpose) for purpose in objs], {}, set(), []
