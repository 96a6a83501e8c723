from django.apps import AppConfig

from common import guards


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        from conversations.triggers import GUARDS

        guards.register(GUARDS)
