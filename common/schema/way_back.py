"""Migrations are undone without Django's models of each step that is only planned."""

from typing import Any

from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState


class PlannedState(ProjectState):
    """A state that is never rendered: Django asks for its models, and then uses none of them.

    Before it undoes anything Django goes forward through all that it will undo, for the state
    before each migration, and has some twenty classes made anew at each operation: that took a
    third of the time of `migrate` back (measured).
    """

    @property
    def apps(self) -> Any:
        return None

    @apps.deleter
    def apps(self) -> None:
        pass

    def clone(self) -> "PlannedState":
        models = {key: model.clone() for key, model in self.models.items()}
        return PlannedState(models, self.real_apps)

    def to_be_rendered(self) -> ProjectState:
        """The same state, with models."""
        return ProjectState(self.models, self.real_apps)


class WayBack(MigrationExecutor):
    """Django's executor; a state is rendered when its own migration is undone."""

    is_planning_the_way_back = False

    def _create_project_state(self, with_applied_migrations: bool = False) -> ProjectState:
        django: Any = super()
        state: ProjectState = django._create_project_state(with_applied_migrations)
        if self.is_planning_the_way_back:
            return PlannedState(state.models, state.real_apps)
        return state

    def _migrate_all_backwards(self, *args: Any, **options: Any) -> ProjectState:
        django: Any = super()
        self.is_planning_the_way_back = True
        try:
            planned: PlannedState = django._migrate_all_backwards(*args, **options)
        finally:
            self.is_planning_the_way_back = False
        return planned.to_be_rendered()

    def unapply_migration(
        self, state: Any, migration: Migration, fake: bool = False
    ) -> ProjectState:
        rendered = state.to_be_rendered()
        _ = rendered.apps
        return super().unapply_migration(rendered, migration, fake=fake)
