from common.apps import StewardAppConfig


class BillingConfig(StewardAppConfig):
    name = "billing"
    triggers = "billing.triggers.TRIGGERS"
    initial_data = "billing.services.tiers.ensure_tiers"
    verify_checks = (
        "billing.verify_checks.CHECKS",
        "billing.verify_seals.CHECKS",
        "billing.services.repairs.REPAIRS",
    )
    maintenance_tasks = "billing.maintenance.TASKS"
    stored_gauges = "billing.reports.STORED_GAUGES"
    privacy_hooks = "billing.privacy.HOOKS"

    def ready(self) -> None:
        from billing import checks  # noqa: F401  (registers the checks)
