"""What `manage.py maintain` tidies of consent."""

import datetime

from common.declarations import Task
from consent.models import ConsentState
from consent.services import expiry


def _waiting(at: datetime.datetime) -> int:
    return ConsentState.objects.unrecorded(at=at).count()


def _tidy(at: datetime.datetime, limit: int) -> int:
    return expiry.record_expired(at=at, limit=limit)


TASKS = [
    Task(
        "consent.expired",
        "Write down consents that have run out",
        _waiting,
        _tidy,
    )
]
