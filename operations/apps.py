import os

from common.apps import StewardAppConfig


class OperationsConfig(StewardAppConfig):
    name = "operations"
    triggers = "operations.triggers.TRIGGERS"
    maintenance_tasks = "operations.maintenance.TASKS"

    def ready(self) -> None:
        from common import events
        from operations import checks  # noqa: F401  (registers the checks)

        events.when_first_counted(connect_events)


def connect_events() -> None:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder and not os.access(folder, os.W_OK):
        return  # the web application's, which this process cannot add to
    from operations import metrics  # not needed by commands that count nothing

    metrics.connect_events()
