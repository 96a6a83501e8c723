"""Consent as staff see it: persons with their answers, events, texts, purposes and the totals.

Rows are read. What staff do is an action (actions.py): to record an answer on a person's behalf,
with a reason, and to publish a text. Only purposes are edited.
"""

from consent.admin import events, persons, texts

__all__ = ["events", "persons", "texts"]
