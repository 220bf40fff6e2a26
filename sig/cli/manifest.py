"""`sig manifest`: the list of files that stands for a folder or an archive."""

from __future__ import annotations

import sys

import click

from sig.cli import Context, options, output
from sig.cli.progress import progress
from sig.verbs.trees import list_of


@click.command()
@click.argument("what", metavar="FILE|DIR|ARCHIVE")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out of a folder what fits.")
@click.option("--deep", is_flag=True, help="List archives within an archive by their members.")
@options
@click.pass_obj
def command(context: Context, what: str, exclude: tuple[str, ...], deep: bool) -> int:
    """Print the list of files that stands for a folder or an archive.

    It is what sha256sum prints, in the order of the paths; its own sha256 is the id of the folder.
    Folders of version control and __pycache__ are left out of a folder. A plain file is listed by
    its name.
    """
    watch = progress(context)
    found = list_of(what, exclude, deep=deep, progress=None if watch is None else watch.listed)
    if watch is not None:
        watch.clear()
    if context.json:
        output.document(
            {
                "id": found.manifest.id,
                "exclude": list(found.exclude),
                "files": [
                    {"path": path, "sha256": digest}
                    for path, digest in found.manifest.files.items()
                ],
            }
        )
        return 0
    sys.stdout.flush()
    if sys.stdout.isatty():
        # What turns the direction of text on a terminal stays as it is in the list itself.
        for path, digest in found.manifest.files.items():
            output.say(f"{digest}  {output.theirs(path)}")
        return 0
    # Not through `output`: these are the bytes that are hashed, and their paths hold no controls.
    sys.stdout.buffer.write(found.manifest.text)
    sys.stdout.buffer.flush()
    return 0
