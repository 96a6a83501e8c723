"""Rows of a person are found by their person, so that a database sharded by it asks one shard."""

import re
from typing import Any

import pytest
from django.db import connection

from access.models import Person, PersonMove, PersonReference, StaffAction
from common import privacy
from tests.client import ApiClient
from tests.operations import lives

# They look through the rows of everybody, by time or by key.
OF_EVERYBODY = {"end of increments", "new words", "seals"}

pytestmark = pytest.mark.django_db(transaction=True)


def sharded_tables() -> set[str]:
    """Those whose rows lie by their person.

    People themselves are known everywhere; and what staff did, since a form that has acted is known
    by its token, whoever it is sent for the second time.
    """
    return {
        table.model._meta.db_table
        for table in privacy.tables()
        if "person" in {field.name for field in table.model._meta.concrete_fields}
        and table.model not in (Person, PersonMove, PersonReference, StaffAction)
    }


class TestEveryStatement:
    @pytest.mark.parametrize("name", sorted(lives.ACTS.keys() - OF_EVERYBODY))
    def test_names_the_person(self, key: str, name: str) -> None:
        lives.staff()
        person = ApiClient(key, "ann")
        lives.life_of(person, "ann")
        tables = sharded_tables()
        found: list[str] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            named = tables & set(re.findall(r"[a-z_]+", sql))
            if named and "person_id" not in re.sub(r"^SELECT .*? FROM|RETURNING.*$", "", sql):
                found.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(watch):
            lives.ACTS[name](person, "ann")

        assert found == []
