from common.apps import StewardAppConfig


class OperationsConfig(StewardAppConfig):
    name = "operations"
    triggers = "operations.triggers.TRIGGERS"
    maintenance_tasks = "operations.maintenance.TASKS"

    def ready(self) -> None:
        from operations import checks  # noqa: F401  (registers the checks)
