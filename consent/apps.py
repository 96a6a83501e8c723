from common.apps import StewardAppConfig


class ConsentConfig(StewardAppConfig):
    name = "consent"
    verbose_name = "Consent"
    triggers = "consent.triggers.TRIGGERS"
    initial_data = "consent.services.texts.ensure_purposes"
    verify_checks = ("consent.verify_checks.CHECKS", "consent.services.repairs.REPAIRS")
    maintenance_tasks = "consent.maintenance.TASKS"
    privacy_hooks = "consent.privacy.HOOKS"

    def ready(self) -> None:
        from consent import checks  # noqa: F401  (registers the checks)
