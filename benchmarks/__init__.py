"""Measurements: run by hand, never by the tests. docs/performance.md says what they gave."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
