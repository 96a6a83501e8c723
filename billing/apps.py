from django.apps import AppConfig

from common import default_rows, gauges, guards, maintenance, privacy, verification


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from billing import reports, services, system_checks  # noqa: F401  (registers the checks)
        from billing.checks import CHECKS
        from billing.maintenance import TASKS
        from billing.seal_checks import CHECKS as SEAL_CHECKS
        from billing.seal_checks import HEAD
        from billing.services.repairs import REPAIRS
        from billing.triggers import GUARDS

        gauges.register(reports.GAUGES)
        guards.register(GUARDS)
        verification.register([*CHECKS, *SEAL_CHECKS])
        verification.register_head(HEAD)
        verification.register_repairs(REPAIRS)
        maintenance.register(TASKS)
        default_rows.register(self.label, services.ensure_tiers)
        privacy.register(
            self.label, privacy.Extras(refuse_unless_overruled=services.refuse_erasure_of_frozen)
        )
