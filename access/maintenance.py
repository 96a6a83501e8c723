"""What `maintain` does here: quiet callers' rates go; keys that nobody uses are reported."""

import datetime

from access import rates
from access.models import ApiKey
from common.declarations import Task

UNUSED_AFTER = datetime.timedelta(days=90)


def _unused_keys(at: datetime.datetime) -> int:
    return ApiKey.objects.unused(since=at - UNUSED_AFTER).count()


TASKS = [
    Task(
        "access.unused_keys",
        "Report: unrevoked keys that nobody has used for 90 days; see list_api_keys",
        _unused_keys,
    ),
    Task(
        "access.request_rates",
        "Request rates of callers who have been quiet",
        rates.full_buckets,
        rates.remove_full_buckets,
    ),
]
