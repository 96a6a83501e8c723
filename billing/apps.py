from django.apps import AppConfig

from common import default_rows, guards


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from billing import services
        from billing.triggers import GUARDS

        guards.register(GUARDS)
        default_rows.register(self.label, services.ensure_tiers)
