from django.apps import AppConfig

from common import guards, maintenance


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from access import checks  # noqa: F401  (registers the checks)
        from access.maintenance import TASKS
        from access.triggers import GUARDS

        guards.register(GUARDS)
        maintenance.register(TASKS)
