"""Billing's migrations as a later release has them: its own, and two more that take their time."""

import billing.migrations

__path__ = [*__path__, *billing.migrations.__path__]
