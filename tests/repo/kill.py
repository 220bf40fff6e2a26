"""Steps on the way to the disk: a process that dies at one of them, a call that fails at one.

A step is a call of `os` that changes something. Half a `write` is a step of its own.
"""

from __future__ import annotations

import itertools
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from tests.soak import SOAK

CALLS = ("open", "mkdir", "chmod", "write", "utime", "fsync", "replace", "unlink", "rmdir")


@contextmanager
def at_step(number: int | None, happens: Callable[[], object]) -> Iterator[list[str]]:
    """Before the `number`-th step (None: each), `happens()`. Yields the list of the steps so far.

    A step reads like ``fsync PATH`` or ``replace PATH PATH``.
    """
    steps: list[str] = []
    opened: dict[object, object] = {}
    real = {name: getattr(os, name) for name in CALLS}

    def step(name: str, *places: object) -> None:
        steps.append(" ".join([name, *(str(opened.get(place, place)) for place in places)]))
        if number in (None, len(steps)):
            happens()

    def stand_in(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name == "open":
                if arguments[1] & os.O_CREAT:
                    step(name, arguments[0])
                descriptor = real[name](*arguments, **options)
                opened[descriptor] = arguments[0]
                return descriptor
            step(name, *(arguments if name == "replace" else arguments[:1]))
            if name == "write" and len(arguments[1]) > 1:
                half = real[name](arguments[0], arguments[1][: len(arguments[1]) // 2])
                step("rest of write", arguments[0])
                return half
            return real[name](*arguments, **options)

        return call

    try:
        for name in CALLS:
            setattr(os, name, stand_in(name))
        yield steps
    finally:
        for name in CALLS:
            setattr(os, name, real[name])


def start(function: Callable[[], object]) -> int:
    """Runs it in a process of its own, and gives its number."""
    with warnings.catch_warnings():
        # Python warns where another test left a thread. That one holds nothing that is used here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def in_child(function: Callable[[], object]) -> int:
    """Runs it in a process of its own: its exit status, -9 if it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(start(function), 0)[1])


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def killed_at_each_step(function: Callable[[], object], every: int = 1) -> Iterator[int]:
    """Kills a process that runs `function` at its first step, its second … until it survives; or
    at one of `every` so many, but in a soak.
    """
    for number in itertools.count(1, 1 if SOAK else every):

        def run(number: int = number) -> None:
            with at_step(number, die):
                function()

        status = in_child(run)
        assert status in (0, -signal.SIGKILL), status
        yield number
        if status == 0:
            return


def as_nobody(function: Callable[[], object]) -> int:
    """Runs it as a user without rights: its exit status. Only root can."""

    def run() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        with suppress(SystemExit):
            function()

    return in_child(run)
