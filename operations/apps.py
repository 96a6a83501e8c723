from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from common import events
        from operations import checks  # noqa: F401  (registers the checks)

        events.when_first_counted(connect_events)


def connect_events() -> None:
    from operations import metrics  # not needed by commands that count nothing

    metrics.connect_events()
