from django.apps import AppConfig


class GuardedConfig(AppConfig):
    name = "tests.guarded"

    def ready(self) -> None:
        from common import guards
        from tests.guarded.models import Proof

        guards.register(guards.append_only(Proof))
