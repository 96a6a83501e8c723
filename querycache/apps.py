from common.apps import StewardAppConfig


class QuerycacheConfig(StewardAppConfig):
    name = "querycache"
    verbose_name = "Query cache"
    triggers = "querycache.triggers.TRIGGERS"
    initial_data = "querycache.services.namespaces.ensure_default"
    verify_checks = "querycache.verify_checks.CHECKS"
    maintenance_tasks = "querycache.maintenance.TASKS"
    health_checks = "querycache.reports.HEALTH_CHECKS"
    privacy_hooks = "querycache.privacy.HOOKS"
