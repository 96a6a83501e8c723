"""The settings of a process that is of the release in later_release."""

from config.settings import *  # noqa: F403  (all of them, as Django reads them)

MIGRATION_MODULES = {"billing": "tests.operations.later_release"}
