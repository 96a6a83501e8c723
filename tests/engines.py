"""Which tests run on each engine: all that may see a difference."""

from typing import Any

# A module that has one of these looks at the engine, or at a server of it, even where its tests ask
# for no database.
OF_THE_ENGINE = {"connection", "postgresql", "postgresql_servers", "processes"}


def sees_the_engine(item: Any) -> bool:
    """Whether the test may use a database; pytest-django refuses it to those that do not ask."""
    asks = item.get_closest_marker("django_db") or {"db", "transactional_db"} & {*item.fixturenames}
    return bool(asks or OF_THE_ENGINE & vars(item.module).keys())
