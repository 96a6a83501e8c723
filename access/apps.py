from common.apps import StewardAppConfig


class AccessConfig(StewardAppConfig):
    name = "access"
    verbose_name = "Access"
    triggers = "access.triggers.TRIGGERS"
    maintenance_tasks = "access.maintenance.TASKS"
    privacy_hooks = "access.privacy.HOOKS"

    def ready(self) -> None:
        from access import checks  # noqa: F401  (registers the checks)
