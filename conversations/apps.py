from django.apps import AppConfig

from common import guards, verification


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        from conversations.checks import CHECKS
        from conversations.triggers import GUARDS

        guards.register(GUARDS)
        verification.register(CHECKS)
