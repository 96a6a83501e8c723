"""Operations for migrations."""

from typing import Any

from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class OnPostgreSQL(migrations.SeparateDatabaseAndState):
    """Operations that SQLite, whose tables are as right without them, only takes note of.

    It would have to write the whole table anew for each.
    """

    def __init__(self, *operations: Operation) -> None:
        super().__init__(database_operations=operations, state_operations=operations)

    def deconstruct(self) -> Any:
        return type(self).__name__, self.database_operations, {}

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


def unique_where_given(model: str, name: str, *fields: str) -> OnPostgreSQL:
    """Let a unique key hold the rows alone whose second field is not null."""
    constraint = models.UniqueConstraint(
        fields=fields, condition=models.Q(**{f"{fields[1]}__isnull": False}), name=name
    )
    return OnPostgreSQL(
        migrations.RemoveConstraint(model, name), migrations.AddConstraint(model, constraint)
    )
