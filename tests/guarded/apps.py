from common.apps import StewardAppConfig


class GuardedConfig(StewardAppConfig):
    name = "tests.guarded"
    triggers = "tests.guarded.triggers.TRIGGERS"
