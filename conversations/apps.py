from common.apps import StewardAppConfig


class ConversationsConfig(StewardAppConfig):
    name = "conversations"
    triggers = "conversations.triggers.TRIGGERS"
    verify_checks = "conversations.verify_checks.CHECKS"
    maintenance_tasks = "conversations.maintenance.TASKS"
    privacy_hooks = "conversations.privacy.HOOKS"
