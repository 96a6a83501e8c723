import os

from django.apps import AppConfig

from common import guards, maintenance


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from common import events
        from operations import checks  # noqa: F401  (registers the checks)
        from operations.maintenance import TASKS
        from operations.triggers import GUARDS

        guards.register(GUARDS)
        maintenance.register(TASKS)
        events.when_first_counted(connect_events)


def connect_events() -> None:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder and not os.access(folder, os.W_OK):
        return  # the web application's, which this process cannot add to
    from operations import metrics  # not needed by commands that count nothing

    metrics.connect_events()
