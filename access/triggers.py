"""Readings by staff are kept as they were made.

`what` may hold the id that the person's application gave, and `reason` anything at all: both become
empty when the person is erased.
"""

from access.models import StaffReading
from common.guards import append_only

GUARDS = append_only(StaffReading)
