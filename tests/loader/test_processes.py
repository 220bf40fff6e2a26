"""tests/cli/test_run_processes.py, each through a loader."""

from tests.cli.test_run_processes import *  # noqa: F403 - all of its tests
