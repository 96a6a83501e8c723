from django.apps import AppConfig

from common import guards, maintenance, privacy


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from access import checks, services  # noqa: F401  (registers the checks)
        from access.maintenance import TASKS
        from access.triggers import GUARDS

        guards.register(GUARDS)
        maintenance.register(TASKS)
        privacy.register(
            self.label,
            privacy.Extras(
                count_mentions=services.count_mentions, erase_mentions=services.erase_mentions
            ),
        )
