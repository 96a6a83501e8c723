from django.apps import AppConfig

from common import guards, maintenance, privacy, verification


class ConversationsConfig(AppConfig):
    name = "conversations"

    def ready(self) -> None:
        from conversations import services
        from conversations.checks import CHECKS
        from conversations.maintenance import TASKS
        from conversations.models import Conversation, Message
        from conversations.triggers import GUARDS, forget_deleted_words

        def forget_words() -> None:
            forget_deleted_words([Conversation, Message])

        guards.register(GUARDS)
        verification.register(CHECKS)
        maintenance.register(TASKS)
        privacy.register(
            self.label,
            privacy.Extras(refuse_erasure=services.refuse_erasure, after_erasure=forget_words),
        )
