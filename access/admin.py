"""Staff accounts, service keys, and what staff read and did, in the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from access import actors
from access.models import ApiKey, Person, PersonMove, PersonReference, StaffAction, StaffReading
from common.admin.pages import CreatedFilter, DeclaredAdmin, ReadOnlyAdmin, display

STATE_COLOURS = {"active": "success", "revoked": "danger", "expired": "warning", "replaced": "info"}

# Of an account that is there; a new one has none of them yet.
OF_SUPERUSERS = ("username", "is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, DeclaredAdmin):  # type: ignore[type-arg]
    """Accounts of staff. What an account may do is a superuser's to say.

    Whoever else may change users changes those that may do no more than they may themselves: with
    a colleague's password they would have the colleague's permissions. And nobody's name, which
    stands in every record of what somebody did.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None or _is_superuser(request) else OF_SUPERUSERS

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_do_as_much(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_do_as_much(request, obj)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def _may_do_as_much(request: HttpRequest, account: Any) -> bool:
    """Whether the account has no permission that the one who asks has not."""
    if account is None or _is_superuser(request):
        return True
    if account.is_superuser:
        return False
    # Not get_all_permissions, which is empty for an account that is switched off for now.
    given = Permission.objects.filter(Q(user=account) | Q(group__user=account))
    names = given.values_list("content_type__app_label", "codename").distinct()
    return request.user.has_perms([f"{app_label}.{codename}" for app_label, codename in names])


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, DeclaredAdmin):
    """What several accounts may do. Superusers alone change it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys are made and revoked by commands; only their hashes are kept, so none can be read."""

    list_display = ("name", "prefix", "status", "last_used_at", "expires_at", "created_at")
    search_fields = ("name",)
    ordering = ("name", "-id")
    fields = (
        "name", "prefix", "status", "what_it_may_do", "created_by", "created_at", "last_used_at",
        "expires_at", "replaced_at", "revoked_at",
    )  # fmt: skip

    @display(description="State", label=STATE_COLOURS)
    def status(self, key: ApiKey) -> str:
        return key.state

    @admin.display(description="What it may do")
    def what_it_may_do(self, key: ApiKey) -> Any:
        return format_html_join("", "<div>{}</div>", ((title,) for title in key.scope_titles))


class ShownInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows on a person's page that nobody edits there."""

    extra = 0
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("access.view_person")


class ReferenceInline(ShownInline):
    """What applications call the person."""

    model = PersonReference
    fields = ("name", "value")
    verbose_name_plural = "references"


class MoveInline(ShownInline):
    """The ids that the person had before."""

    model = PersonMove
    fields = ("moved_from", "actor", "at")
    ordering = ("pk",)
    verbose_name_plural = "moves"


@admin.register(Person)
class PersonAdmin(ReadOnlyAdmin):
    """Who is known, the latest first. Found by an id, of now or before, or by a reference."""

    list_display = ("name", "first_seen_at", "note", "erased_at")
    search_fields = ("user_id", "references__value")
    search_help_text = "An id, of now or before, an application's reference, an erased name: whole"
    # By the primary key: an order that needs no index of its own.
    ordering = ("-id",)
    sortable_by = ()
    fields = ("name", "first_seen_at", "note", "erased_at")
    inlines = (ReferenceInline, MoveInline)

    @admin.display(description="Person")
    def name(self, person: Person) -> str:
        return person.name

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Person], search_term: str
    ) -> tuple[QuerySet[Person], bool]:
        term = search_term.strip()
        if term:
            named = PersonReference.objects.filter(value=term).values("person")
            moved = PersonMove.objects.of(term).values("person")
            queryset = queryset.filter(
                Q(user_id=term) | Q(erased_as=term) | Q(pk__in=named) | Q(pk__in=moved)
            )
        return queryset, False


class OfStaffAdmin(ReadOnlyAdmin):
    """What staff read or did, the newest first."""

    actor_field = "actor"
    list_display_links = ("at",)
    list_select_related = ("person",)
    search_fields = ("person__user_id",)
    search_help_text = "A person's id or a staff name, whole"
    # By the primary key: an order that needs no index of its own.
    ordering = ("-id",)
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if term:
            # A staff name alone, or any actor as records have it.
            named = [term, f"{actors.STAFF}{term}"]
            persons = Person.objects.filter(Q(user_id=term) | Q(erased_as=term)).values("pk")
            queryset = queryset.filter(
                Q(person__in=persons) | Q(**{f"{self.actor_field}__in": named})
            )
        return queryset, False


@admin.register(StaffReading)
class StaffReadingAdmin(OfStaffAdmin):
    """Who of the staff had whose texts on the screen."""

    actor_field = "staff"
    list_display = ("at", "staff", "whose", "what", "reason")
    fields = list_display

    @admin.display(description="Person")
    def whose(self, reading: StaffReading) -> str:
        return reading.person.name if reading.person else reading.kind


class ActionFilter(admin.SimpleListFilter):
    """One of the actions that were done. DISTINCT would read the whole index for them."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in StaffAction.objects.names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class DoneFilter(CreatedFilter):
    """How long ago it was done."""

    title = "done"
    parameter_name = "done"
    column = "at"


@admin.register(StaffAction)
class StaffActionAdmin(OfStaffAdmin):
    """Who of the staff did what, to whose rows, and why."""

    list_display = ("at", "actor", "action", "whose", "about", "sentence", "reason")
    list_filter = (ActionFilter, DoneFilter)
    list_filter_sheet = False
    search_help_text = "A person's id, a staff name or another actor such as system, whole"
    fields = list_display

    @admin.display(description="Person")
    def whose(self, action: StaffAction) -> str:
        return action.person.name if action.person else ""

    @admin.display(description="Row")
    def about(self, action: StaffAction) -> Any:
        """Leads to the row's page, where there is one; the row itself may be gone."""
        shown = f"{action.model_name} #{action.object_id}"
        page = f"admin:{action.app_label}_{action.model_name}_change"
        try:
            return format_html('<a href="{}">{}</a>', reverse(page, args=[action.object_id]), shown)
        except NoReverseMatch:
            return shown
