"""Django's SQLite engine, with the number of parameters that this SQLite really takes.

Django reckons with the 999 of versions before 3.32 and splits a bulk insert into more statements
than PostgreSQL needs.
"""

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base, features

from operations import statements

# The default of SQLITE_MAX_VARIABLE_NUMBER since SQLite 3.32; some builds allow more.
MAX_PARAMETERS = 32_766


class DatabaseFeatures(features.DatabaseFeatures):
    max_query_params = MAX_PARAMETERS if sqlite3.sqlite_version_info >= (3, 32) else 999


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(statements.observe)
