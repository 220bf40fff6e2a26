"""tests/cli/test_run_native.py, each through a loader."""

from tests.cli.test_run_native import *  # noqa: F403 - all of its tests
