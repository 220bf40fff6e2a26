"""`sig verify`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from sig.cli import Context, options
from sig.cli.answers import answer
from sig.cli.names import names_from
from sig.verbs.verify import STDIN, identify


@click.command()
@click.argument("files", metavar="[FILE… | - | sha256:HEX]", nargs=-1)
@click.option("--files0-from", metavar="FILE|-", help="Read names ended by NUL from FILE.")
@options
@click.pass_obj
def command(context: Context, files: Sequence[str], files0_from: str | None) -> int:
    """Is it trusted?

    Answers ok, not verified, marked bad or unknown for each file, and says why.
    Reads standard input where no file is named. Writes nothing and opens no connection.

    Exit status: 0 ok, 1 not verified or unknown, 3 marked bad, 4 could not tell.
    """
    asked = names_from(files, files0_from)
    if not asked:
        if sys.stdin.isatty():
            raise click.UsageError("name a file, or pipe one in")
        asked = [STDIN]
    for name in asked:
        if name.startswith("sha256:"):
            try:
                identify(name)
            except ValueError as error:
                raise click.UsageError(f"{name}: {error}") from error
    return answer(context, asked)
