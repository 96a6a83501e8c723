"""Headers: the tier that a caller may name, and what answers say of quotas.

The latter are the fields of the IETF draft "RateLimit header fields for HTTP".
"""

import datetime
from typing import Any

from access.authentication import Caller
from billing.models import Usage

# Of a paid view: what the call has cost. Written by payments.py; 0 by middleware.py and costs.py.
CHARGED = "X-Credits-Charged"
DAY_SECONDS = 86_400
MAY_NAME_A_TIER = frozenset({"billing:charge", "billing:manage"})


def tier_named_in(request: Any, caller: Caller) -> str | None:
    """The tier in `X-User-Tier`, for a person's first contact.

    It counts of those who may move credits or limits: nobody names their own, and no reader
    anybody's.
    """
    return request.META.get("HTTP_X_USER_TIER") if caller.scopes & MAY_NAME_A_TIER else None


def quota_headers(usage: Usage, at: datetime.datetime) -> dict[str, str]:
    """`RateLimit-Policy` (quota `q`, window `w`) and `RateLimit` (remaining `r`, reset `t`).

    One member for each limit of the person; nothing for the unlimited.
    """
    policies, states = [], []
    windows = (
        ("daily", usage.daily_limit, usage.used_today(at=at), DAY_SECONDS),
        ("monthly", usage.monthly_limit, usage.used_this_month(at=at), 30 * DAY_SECONDS),
    )
    for name, limit, used, seconds in windows:
        if limit is None:
            continue
        left = int((usage.resets_at(name, at=at) - at).total_seconds())
        policies.append(f'"{name}";q={limit};w={seconds}')
        states.append(f'"{name}";r={max(limit - used, 0)};t={max(left, 0)}')
    if not policies:
        return {}
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}
