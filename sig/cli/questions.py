"""Questions to the person at the keyboard, or to a pipe: on stderr, answered from stdin.

Asked is only what no option answers. The end of the input answers nothing: nothing is signed.
"""

from __future__ import annotations

import os
import sys

from sig.errors import Refused, UsageError


def ask(question: str) -> str:
    """One line. Raises Refused at the end of the input."""
    sys.stdout.flush()
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        sys.stderr.write("\n")
    if line == "":
        raise Refused("no answer, nothing is signed")
    return line.strip()


def yes_or_no(question: str) -> bool:
    """True for `yes`, false for `no`; anything else is asked again."""
    while True:
        answer = ask(f"{question} (yes/no): ")
        if answer in {"yes", "no"}:
            return answer == "yes"
        sys.stderr.write("please answer yes or no\n")


def passphrase(descriptor: int | None) -> str | None:
    """The passphrase that stands on the first line of an open descriptor; None without one."""
    if descriptor is None:
        return None
    try:
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            raw = stream.readline()
    except OSError as error:
        raise UsageError(f"--passphrase-fd {descriptor}: {error.strerror}") from error
    try:
        return raw.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"--passphrase-fd {descriptor}: not UTF-8") from error
