"""The pages of staff actions: the form of one, with POST the action itself, and rows to edit."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views import View

from access.actors import staff_actor
from access.models import StaffAction
from access.staff_actions import Action, ActionContext, ActionResult, AlreadyDone, perform
from common.admin.forms import EditForm
from common.admin.pages import KeyedAdmin, page
from common.errors import DomainError
from common.idempotency import Outcome

SHOWN_ACTIONS = 20
# Of rows that were chosen from a list, however many those are.
MOST_AT_ONCE = 10_000
SHOWN_ROWS = 10
SENT_BEFORE = "This form was sent before. It has acted once."
UNCHANGED = "Nothing was changed."


class StaffActionView(View):
    """Permission, form, action, message: what all pages of actions are.

    A subclass says what its page shows besides (`template_name`, `context_of`), and which row it is
    about where that is not the admin's own of the address (`row_of`).
    """

    model_admin: Any = None
    action: Action = None  # type: ignore[assignment]
    template_name = "access/staff_action.html"

    def dispatch(self, request: Any, *args: Any, **place: Any) -> HttpResponse:
        """The form; filled in, the action; where that is refused, the form with a sentence."""
        self.require_permission(request)
        row = self.row_of(request, **place)
        target = self.target_of(row, **place)
        form = self.form_of(request, row)
        if not form.is_valid():
            return self.show(request, form, self.context_of(request, row, target))
        context = ActionContext(
            actor=staff_actor(request.user), at=timezone.now(), form=form, row=row, target=target,
            rows=self.rows_of(request, form), user_id=self.user_id_of(request),
        )  # fmt: skip
        outcome = None
        try:
            answer = self.instead(request, context)
            if answer is not None:
                return answer
            outcome = perform(self.action, context)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            return self.show(request, form, self.context_of(request, row, target))
        except AlreadyDone as standing:
            messages.warning(request, str(standing))
        else:
            notify(request, outcome)
        return HttpResponseRedirect(self.next_url(context, outcome))

    def show(self, request: HttpRequest, form: Any, context: dict[str, Any]) -> HttpResponse:
        shown = {"action": self.action, "title": self.action.title, **context}
        return page(self.model_admin, request, self.template_name, shown, form)

    # What a page may have of its own

    def require_permission(self, request: HttpRequest) -> None:
        """Raises PermissionDenied. An action needs its own permission, and that to see the row."""
        user: Any = request.user
        if not (
            self.model_admin.has_view_permission(request) and user.has_perm(self.action.permission)
        ):
            raise PermissionDenied

    def row_of(self, request: HttpRequest, **place: Any) -> Any:
        """The row of the address; None where the action is about no row yet."""
        if "pk" not in place:
            return None
        return get_object_or_404(self.model_admin.get_queryset(request), pk=place["pk"])

    def target_of(self, row: Any, **place: Any) -> models.Model | None:
        """What on the row the action is about; raises Http404."""
        return None

    def rows_of(self, request: HttpRequest, form: Any) -> list[models.Model] | None:
        """The rows, where the action is about several."""
        return None

    def user_id_of(self, request: HttpRequest) -> str:
        """Whose row it will be, where there is none yet; empty: nobody's."""
        return ""

    def form_of(self, request: HttpRequest, row: Any) -> Any:
        return self.action.form(request.POST if request.method == "POST" else None)

    def instead(self, request: HttpRequest, context: ActionContext) -> HttpResponse | None:
        """What is shown before it acts, such as a preview; None: it acts. Raises DomainError."""
        return None

    def context_of(self, request: HttpRequest, row: Any, target: Any) -> dict[str, Any]:
        """What the page shows; `back_url` is where its way back leads."""
        return {"row": row, "target": target, "back_url": self.url_of(row)}

    def next_url(self, context: ActionContext, outcome: Outcome[StaffAction] | None) -> str:
        """Where it goes on afterwards; without an outcome, nothing was left to be done."""
        return self.url_of(context.row)

    def url_of(self, row: Any) -> str:
        """The page of the row, or the list."""
        place, key = ("changelist", ()) if row is None else ("change", (row.pk,))
        return str(self.model_admin.url_of(place, *key))


class ChosenRowsView(StaffActionView):
    """An action on rows that were chosen from a list: it asks for the reason first.

    Django's own action leads here, at the list's address; what was chosen is sent again with the
    form.
    """

    queryset: Any = None
    template_name = "access/chosen_rows.html"

    def form_of(self, request: HttpRequest, row: Any) -> Any:
        return self.action.form(request.POST if "token" in request.POST else None)

    def rows_of(self, request: HttpRequest, form: Any) -> list[models.Model]:
        # A form acts for what was chosen with it, and for nothing else.
        form.cleaned_data["chosen"] = [request.META["QUERY_STRING"], *_chosen(request)]
        return list(self.queryset[:MOST_AT_ONCE])

    def context_of(self, request: HttpRequest, row: Any, target: Any) -> dict[str, Any]:
        across, *keys = _chosen(request)
        count = self.queryset.order_by()[: MOST_AT_ONCE + 1].count()
        return {
            "count": min(count, MOST_AT_ONCE),
            "most": f"{MOST_AT_ONCE:,}" if count > MOST_AT_ONCE else "",
            "first": self.queryset[:SHOWN_ROWS],
            "select_across": across,
            "keys": keys,
            "back_url": request.get_full_path(),
        }

    def next_url(self, context: ActionContext, outcome: Outcome[StaffAction] | None) -> str:
        return self.request.get_full_path()


def _chosen(request: HttpRequest) -> list[str]:
    """Whether all that the list has were chosen, and the keys of those that were."""
    return [request.POST.get("select_across", "0"), *request.POST.getlist(ACTION_CHECKBOX_NAME)]


class RecordedAdmin(KeyedAdmin):
    """Rows that staff edit in Django's form. Each change is an action that a service does.

    There is no line of Django's log besides, which no erasure would find.
    """

    save_action: Action
    delete_action: Action
    delete_confirmation_template = "access/delete_row.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        names: tuple[str, ...] = tuple(super().get_fields(request, obj))
        if obj is not None and not self.has_change_permission(request, obj):
            return tuple(name for name in names if name not in EditForm.base_fields)
        return names

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(request.get_full_path())
        except AlreadyDone as standing:
            return self._to_list(request, standing)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        action = self.save_action
        if change and not form.changed_data:
            # Not before it is known whether the form has acted: then it changes nothing any more.
            action = replace(action, run=_change_nothing)
        self._perform(request, action, obj, form)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        try:
            return super().delete_view(request, object_id, extra_context)
        except AlreadyDone as standing:
            return self._to_list(request, standing)

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        shown = {
            "action": self.delete_action,
            "title": self.delete_action.title,
            "form": EditForm(),
            "back_url": self.url_of("change", context["object"].pk),
        }
        return super().render_delete_form(request, context | shown)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        form = EditForm(request.POST)
        if not form.is_valid():
            raise SuspiciousOperation("Neither a reason nor a token.")
        self._perform(request, self.delete_action, obj, form)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None: ...

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None: ...

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None: ...

    def _perform(self, request: HttpRequest, action: Action, row: Any, form: Any) -> None:
        context = ActionContext(
            actor=staff_actor(request.user), at=timezone.now(), form=form, row=row
        )
        if perform(action, context).replayed:
            raise AlreadyDone(SENT_BEFORE)

    def _to_list(self, request: HttpRequest, standing: AlreadyDone) -> HttpResponseBase:
        messages.warning(request, str(standing))
        return HttpResponseRedirect(self.url_of("changelist"))


def _change_nothing(context: ActionContext) -> ActionResult:
    raise AlreadyDone(UNCHANGED)


def notify(request: HttpRequest, outcome: Outcome[StaffAction]) -> None:
    """Say on the next page what staff have done."""
    if outcome.replayed:
        messages.info(request, SENT_BEFORE)
    else:
        messages.success(request, outcome.row.sentence)


def latest_actions(row: models.Model) -> list[StaffAction]:
    """What staff did to the row, the latest first."""
    return list(StaffAction.objects.about(row)[:SHOWN_ACTIONS])
