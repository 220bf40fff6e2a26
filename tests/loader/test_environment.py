"""tests/cli/test_run_environment.py, each through a loader."""

from tests.cli.test_run_environment import *  # noqa: F403 - all of its tests
