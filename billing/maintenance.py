"""What maintenance tidies here: holds that ran out, and keys of counted calls grown old."""

import datetime

from billing import services
from billing.models import CreditHold, UsageIncrement
from common.maintenance import Task

# A retry comes within minutes; the original kept its own for 30 days.
INCREMENT_KEPT = datetime.timedelta(days=30)


def _expired_holds(at: datetime.datetime) -> int:
    return CreditHold.objects.expired(at=at).count()


def _end_holds(at: datetime.datetime, limit: int) -> int:
    return services.expire_all_holds(at=at, limit=limit)


def _old_increments(at: datetime.datetime) -> int:
    return UsageIncrement.objects.filter(created_at__lt=at - INCREMENT_KEPT).count()


def _forget_increments(at: datetime.datetime, limit: int) -> int:
    return services.forget_increments(before=at - INCREMENT_KEPT, limit=limit)


TASKS = [
    Task("billing.holds", "Holds past their time end as expired", _expired_holds, _end_holds),
    Task(
        "billing.increments",
        "Keys of calls that were counted more than 30 days ago are forgotten",
        _old_increments,
        _forget_increments,
    ),
]
