from django.apps import AppConfig

from common import components, default_rows, guards, maintenance, privacy, verification


class QuerycacheConfig(AppConfig):
    name = "querycache"
    verbose_name = "Query cache"

    def ready(self) -> None:
        from querycache import reports, services
        from querycache.checks import CHECKS
        from querycache.maintenance import TASKS
        from querycache.services import mentions
        from querycache.triggers import GUARDS

        components.register("cache", reports.health)
        guards.register(GUARDS)
        verification.register(CHECKS)
        maintenance.register(TASKS)
        privacy.register(
            self.label,
            privacy.Extras(
                also_export=mentions.names_for,
                count_mentions=mentions.count_mentions,
                erase_mentions=mentions.erase_mentions,
            ),
        )
        default_rows.register(self.label, services.ensure_default)
