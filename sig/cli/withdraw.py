"""`sig withdraw`: take back an own statement."""

from __future__ import annotations

import os

import click

from sig.cli import Context, options, output
from sig.cli.attest import show
from sig.cli.questions import passphrase
from sig.errors import StoreError
from sig.verbs.verify import identify
from sig.verbs.withdraw import withdraw


@click.command()
@click.argument("file", metavar="FILE|ID")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N.")
@options
@click.pass_obj
def command(context: Context, file: str, passphrase_fd: int | None) -> int:
    """Take back an own statement.

    Neither positive nor negative is left of it, for you and, once published, for everyone who
    fetches it. A new statement can follow.
    """
    try:
        if os.path.isdir(file):
            from sig.verbs.trees import list_of

            id = list_of(file).id
        else:
            id = identify(file)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from error
    workspace = context.workspace()
    one = withdraw(workspace, file, id, passphrase(passphrase_fd))
    output.notes(context, workspace.notes)
    if context.json:
        show(context, [one])
    else:
        output.told(context, f"Withdrew what you said about {id}.")
    return 0
