"""`sig-python`: the words of what a verified program has for `sys.executable`."""

from __future__ import annotations

import os
import sys

from sig.cli import RUN_OFFSET, output
from sig.errors import SigError
from sig.imports.launcher import start


def main() -> None:
    """The command `sig-python`. Never returns."""
    try:
        decided = start(sys.argv[1:], os.environ)
        why, status = decided.why, decided.status
    except SigError as error:
        why, status = error.message, error.status
    output.error_line(why)
    output.error_line("not run")
    sys.exit(RUN_OFFSET + status)
