"""What maintenance does here: it ends holds that ran out, forgets old keys, seals entries."""

import datetime

from billing.models import CreditHold, UsageIncrement
from billing.services import accounts, sealing, usage
from common.declarations import Task

# A retry comes within minutes; the original kept its own for 30 days.
INCREMENT_KEPT = datetime.timedelta(days=30)


def _expired_holds(at: datetime.datetime) -> int:
    return CreditHold.objects.overdue(at=at).of_the_living().count()


def _end_holds(at: datetime.datetime, limit: int) -> int:
    return accounts.expire_all_holds(at=at, limit=limit)


def _old_increments(at: datetime.datetime) -> int:
    return UsageIncrement.objects.filter(created_at__lt=at - INCREMENT_KEPT).count()


def _forget_increments(at: datetime.datetime, limit: int) -> int:
    return usage.forget_increments(before=at - INCREMENT_KEPT, limit=limit)


def _unsealed(at: datetime.datetime) -> int:
    return int(sealing.unsealed(at=at).count())


def _seal(at: datetime.datetime, limit: int) -> int:
    return sealing.seal_entries(at=at, limit=limit)


TASKS = [
    Task("billing.holds", "Holds past their time end as expired", _expired_holds, _end_holds),
    Task(
        "billing.increments",
        "Keys of calls that were counted more than 30 days ago are forgotten",
        _old_increments,
        _forget_increments,
    ),
    Task("billing.seals", "Entries of the ledger are sealed", _unsealed, _seal),
]
