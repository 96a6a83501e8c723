"""What maintenance reports here: service keys that nobody seems to need any more."""

import datetime

from access.models import ApiKey
from common.maintenance import Task

UNUSED_AFTER = datetime.timedelta(days=90)


def _unused_keys(at: datetime.datetime) -> int:
    return ApiKey.objects.unused(since=at - UNUSED_AFTER).count()


TASKS = [
    Task(
        "access.unused_keys",
        "Report: unrevoked keys that nobody has used for 90 days; see list_api_keys",
        _unused_keys,
    )
]
