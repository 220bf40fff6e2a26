"""`sig verify`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from sig.cli import Context, options
from sig.cli.answers import answer
from sig.cli.names import names_from
from sig.verbs.verify import STDIN, Result, identify

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace


@click.command()
@click.argument("files", metavar="[FILE… | - | sha256:HEX]", nargs=-1)
@click.option("--files0-from", metavar="FILE|-", help="Read names ended by NUL from FILE.")
@click.option("--manifest", metavar="SHA256SUMS", help="Compare a folder with a list of files.")
@options
@click.pass_obj
def command(
    context: Context, files: Sequence[str], files0_from: str | None, manifest: str | None
) -> int:
    """Is it trusted?

    Answers ok, not verified, marked bad or unknown for each file, and says why.
    A folder is one thing: ok where someone who counts signed the list of all its files.
    With --manifest the list is the one of that file, and of FILE… one folder is named at most
    (default: where the list lies).
    Reads standard input where no file is named. Writes nothing and opens no connection.

    Exit status: 0 ok, 1 not verified or unknown, 3 marked bad, 4 could not tell.
    """
    asked = names_from(files, files0_from)
    if manifest is not None:
        if len(asked) > 1:
            raise click.UsageError("with --manifest name one folder, or none")
        from sig.verbs.trees import judged_list

        def judge(
            workspace: Workspace, named: Sequence[str], progress: Callable[[str, int], None] | None
        ) -> list[Result]:
            return [judged_list(workspace, manifest, named[0] if named else None, progress)]

        return answer(context, asked, judge)
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
