"""tests/cli/test_run_attacked.py, each through a loader."""

from tests.cli.test_run_attacked import *  # noqa: F403 - all of its tests
