from django.apps import AppConfig

from common import default_rows, guards, maintenance, privacy, verification


class ConsentConfig(AppConfig):
    name = "consent"
    verbose_name = "Consent"

    def ready(self) -> None:
        from consent import reports, services, system_checks  # noqa: F401  (registers the checks)
        from consent.checks import CHECKS
        from consent.maintenance import TASKS
        from consent.services.repairs import REPAIRS
        from consent.triggers import GUARDS

        guards.register(GUARDS)
        verification.register(CHECKS)
        verification.register_repairs(REPAIRS)
        maintenance.register(TASKS)
        privacy.register(self.label, privacy.Extras(also_export=reports.texts_agreed_to))
        default_rows.register(self.label, services.ensure_purposes)
