"""The first migration of tests.guarded, as it stands."""

from importlib import import_module

Migration = import_module("tests.guarded.migrations.0001_initial").Migration
