from django.apps import AppConfig

from common import guards, maintenance


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from access import checks, rates  # noqa: F401  (registers the checks)
        from access.triggers import GUARDS

        guards.register(GUARDS)
        maintenance.register(
            [
                maintenance.Task(
                    "request_rates",
                    "Request rates of callers who have been quiet",
                    rates.full_buckets,
                    rates.remove_full_buckets,
                )
            ]
        )
