from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

# Each engine has its own promises; this leaves out the files about the other one.
OF_ONE_ENGINE = {
    "postgresql": [
        "test_pool.py",
        "test_pool_of_threads.py",
        "test_kept_statements.py",
        "test_degraded_postgresql.py",
        "test_never_waiting.py",
    ],
    "sqlite": ["test_sqlite.py", "test_degraded_sqlite.py"],
}
collect_ignore = [
    file for vendor, files in OF_ONE_ENGINE.items() if vendor != connection.vendor for file in files
]


@pytest.fixture
def connect() -> Iterator[Any]:
    """Makes connections of a small pool (tests/operations/pools.py): at most two, no long wait."""
    from operations.postgresql import base

    made: list[base.DatabaseWrapper] = []

    def make(pooled: bool = True, **options: Any) -> base.DatabaseWrapper:
        wrapper: Any = connection.copy(alias="small")
        pool = {
            "pool_size": 1, "max_overflow": 1, "timeout": 0.1, "recycle": 3600,
            "ping_after_idle_seconds": 3600,
        }  # fmt: skip
        wrapper.settings_dict["POOL"] = pool | options if pooled else None
        made.append(wrapper)
        return wrapper

    yield make
    for wrapper in made:
        wrapper.close()
    base.dispose("small")
