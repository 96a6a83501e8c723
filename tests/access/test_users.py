"""Accounts of staff: what an account may do is a superuser's to say, by whatever door."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

pytestmark = pytest.mark.django_db

USERS, GROUPS = "/admin/auth/user/", "/admin/auth/group/"
EVERYTHING = {
    "username": "root2", "first_name": "A", "last_name": "B", "email": "a@b.example",
    "is_active": "on", "is_staff": "on", "is_superuser": "on", "password": "x", "usable_password":
    "true", "password1": "correct-horse-1", "password2": "correct-horse-1",
    "last_login_0": "2026-01-01", "last_login_1": "00:00:00",
    "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
    "initial-date_joined_0": "2026-01-01", "initial-date_joined_1": "00:00:00",
}  # fmt: skip
NEW_PASSWORD = {"password1": "correct-horse-2", "password2": "correct-horse-2"}


def permission(name: str) -> Permission:
    app_label, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


def account(name: str, *permissions: str, **fields: Any) -> User:
    user = User.objects.create_user(name, is_staff=True, **fields)
    user.user_permissions.set(permission(one) for one in permissions)
    return user


def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def stored() -> dict[str, Any]:
    return {
        "users": list(User.objects.order_by("pk").values()),
        "groups": list(Group.objects.order_by("pk").values()),
        "given": list(User.user_permissions.through.objects.order_by("pk").values()),
        "members": list(User.groups.through.objects.order_by("pk").values()),
        "held": list(Group.permissions.through.objects.order_by("pk").values()),
        "log": list(LogEntry.objects.order_by("pk").values()),
    }


@pytest.fixture
def lead() -> User:
    """May do everything that there is with users and groups, short of being a superuser."""
    return account(
        "lead",
        *(f"auth.{act}_{model}" for act in ("view", "add", "change", "delete")
          for model in ("user", "group", "permission")),
        "conversations.view_conversation",
    )  # fmt: skip


@pytest.fixture
def support() -> Group:
    group = Group.objects.create(name="support")
    group.permissions.add(permission("billing.manage_credits"))
    return group


def everything(group: Group) -> dict[str, Any]:
    all_permissions = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    return EVERYTHING | {"groups": [str(group.pk)], "user_permissions": all_permissions}


class TestWhoMayChangeUsers:
    @pytest.mark.parametrize("name", ["lead", "colleague"])
    def test_gives_nobody_a_right(self, lead: User, support: Group, name: str) -> None:
        account("colleague", "conversations.view_conversation")
        target = User.objects.get(username=name)

        response = browser(lead).post(f"{USERS}{target.pk}/change/", everything(support))

        assert response.status_code == 302
        after = User.objects.get(pk=target.pk)
        assert (after.first_name, after.email) == ("A", "a@b.example")
        assert (after.username, after.is_superuser) == (name, False)
        assert after.groups.count() == 0
        assert set(after.user_permissions.all()) == set(target.user_permissions.all())

    def test_makes_nobody_a_member_of_staff(self, lead: User, support: Group) -> None:
        outsider = User.objects.create_user("outsider")

        browser(lead).post(f"{USERS}{outsider.pk}/change/", everything(support))

        outsider.refresh_from_db()
        assert (outsider.first_name, outsider.is_staff) == ("A", False)

    def test_adds_accounts_that_may_do_nothing(self, lead: User, support: Group) -> None:
        browser(lead).post(f"{USERS}add/", everything(support))

        made = User.objects.get(username="root2")
        assert (made.is_superuser, made.is_staff, made.groups.count()) == (False, False, 0)
        assert made.user_permissions.count() == 0

    @pytest.mark.parametrize("mighty", ["a superuser", "by permission", "by group", "switched off"])
    def test_leaves_those_alone_who_may_do_more(
        self, lead: User, support: Group, mighty: str
    ) -> None:
        target = account("target", is_superuser=mighty == "a superuser")
        if mighty in ("by permission", "switched off"):
            target.user_permissions.add(permission("billing.manage_credits"))
        if mighty == "by group":
            target.groups.add(support)
        if mighty == "switched off":
            User.objects.filter(pk=target.pk).update(is_active=False)
        client = browser(lead)
        before = stored()
        selected = {"action": "delete_selected", "_selected_action": [target.pk], "post": "yes"}

        answers = [
            client.post(f"{USERS}{target.pk}/change/", everything(support)).status_code,
            client.post(f"{USERS}{target.pk}/password/", NEW_PASSWORD).status_code,
            client.post(
                f"{USERS}{target.pk}/password/", {"usable_password": "false", "unset-password": "1"}
            ).status_code,
            client.post(f"{USERS}{target.pk}/delete/", {"post": "yes"}).status_code,
            client.post(USERS, selected).status_code,
        ]

        assert answers == [403] * 5
        assert stored() == before
        assert client.get(f"{USERS}{target.pk}/change/").status_code == 200  # to look at

    def test_sets_the_password_of_those_who_may_do_no_more(self, lead: User) -> None:
        colleague = account("colleague", "conversations.view_conversation")

        browser(lead).post(f"{USERS}{colleague.pk}/password/", NEW_PASSWORD)

        colleague.refresh_from_db()
        assert colleague.check_password("correct-horse-2")

    def test_changes_no_group(self, lead: User, support: Group) -> None:
        lead.groups.add(support)
        client = browser(lead)
        before = stored()
        all_permissions = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
        fields = {"name": "support", "permissions": all_permissions}
        selected = {"action": "delete_selected", "_selected_action": [support.pk], "post": "yes"}

        answers = [
            client.post(f"{GROUPS}{support.pk}/change/", fields).status_code,
            client.post(f"{GROUPS}add/", fields | {"name": "new"}).status_code,
            client.post(f"{GROUPS}{support.pk}/delete/", {"post": "yes"}).status_code,
        ]
        client.post(GROUPS, selected)  # the action is not offered: the list is shown again

        assert answers == [403] * 3
        assert stored() == before


class TestASuperuser:
    def test_may_give_everything(self, support: Group) -> None:
        root = account("root", is_superuser=True)
        colleague = account("colleague")

        response = browser(root).post(f"{USERS}{colleague.pk}/change/", everything(support))

        assert response.status_code == 302
        colleague.refresh_from_db()
        assert (colleague.username, colleague.is_superuser) == ("root2", True)
        assert list(colleague.groups.all()) == [support]

    def test_may_change_groups(self, support: Group) -> None:
        root = account("root", is_superuser=True)

        browser(root).post(f"{GROUPS}{support.pk}/change/", {"name": "help", "permissions": []})

        support.refresh_from_db()
        assert (support.name, support.permissions.count()) == ("help", 0)
