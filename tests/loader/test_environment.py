"""tests/cli/test_run_environment.py, each through a loader."""

from tests.cli.test_run_environment import *  # noqa: F403 - all of its tests

# What a program sees of itself is that of a command of its own name: tests/loader/test_hello.py.
del test_the_child_has_a_short_list_of_variables  # noqa: F821 - came with the star
del test_the_flags_are_those_of_an_isolated_python  # noqa: F821
del test_paths_and_names_are_those_of_plain_python  # noqa: F821
