"""Every write to service keys, to persons, and the record of what staff read."""

from access.services.keys import (
    KEY_MARK,
    NewKey,
    create_key,
    hash_of,
    last_uses,
    revoke_key,
)
from access.services.persons import (
    UNKNOWN,
    bring_marks,
    change_person,
    erase_person,
    insert_for_person,
    lock_persons,
    meet_persons,
    move_person,
    remember_erasure,
    take_person,
)
from access.services.readings import (
    record_reading,
    record_reading_of_nobodys,
    record_search,
)

__all__ = [
    "KEY_MARK",
    "UNKNOWN",
    "NewKey",
    "bring_marks",
    "change_person",
    "create_key",
    "erase_person",
    "hash_of",
    "insert_for_person",
    "last_uses",
    "lock_persons",
    "meet_persons",
    "move_person",
    "record_reading",
    "record_reading_of_nobodys",
    "record_search",
    "remember_erasure",
    "revoke_key",
    "take_person",
]
