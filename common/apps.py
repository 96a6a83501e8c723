from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.db.models.signals import post_migrate

from common import default_rows, extra_apps, guards


class CommonConfig(AppConfig):
    name = "common"
    default = True

    def ready(self) -> None:
        # The only signal in this project. The test suite's flush sends it as well.
        post_migrate.connect(guards.create_after_migrate, dispatch_uid="guards.create")
        post_migrate.connect(default_rows.ensure_after_migrate, dispatch_uid="default_rows.ensure")
        checks.register(guards.check_guards, checks.Tags.database)
        checks.register(extra_apps.check_labels)


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site."""

    default = False
    default_site = "common.admin.AdminSite"
