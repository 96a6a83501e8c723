"""Conversations as staff see them: the list, and one conversation as a page to read.

Rows are read. What staff do is an action (actions.py): a legal hold, placed and lifted.
"""

from conversations.admin import conversations

__all__ = ["conversations"]
