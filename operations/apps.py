from django.apps import AppConfig

from common import maintenance


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from operations import checks  # noqa: F401  (registers the checks)
        from operations.maintenance import TASKS

        maintenance.register(TASKS)
