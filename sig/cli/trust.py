"""`sig trust`: which signers count."""

from __future__ import annotations

import click

from sig.cli import Context, keylist, options, output
from sig.cli.questions import passphrase
from sig.verbs import trust

_passphrase = click.option(
    "--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N."
)


@click.group(name="trust")
@options
def command() -> None:
    """Which signers count.

    Only you decide this: nothing that is fetched adds to it.
    """


@command.command()
@click.argument("key")
@_passphrase
@options
@click.pass_obj
def add(context: Context, key: str, passphrase_fd: int | None) -> int:
    """Let a signer count. KEY is a fingerprint or its last 8 or more digits."""
    workspace = context.workspace()
    done = trust.add(workspace, key, passphrase(passphrase_fd))
    output.notes(context, workspace.notes)
    _show(context, done, "Trusted")
    if done.lists:
        output.note("hint: sig fetch")
    return 0


@command.command()
@click.argument("key")
@_passphrase
@options
@click.pass_obj
def remove(context: Context, key: str, passphrase_fd: int | None) -> int:
    """Let a signer no longer count."""
    workspace = context.workspace()
    done = trust.remove(workspace, key, passphrase(passphrase_fd))
    output.notes(context, workspace.notes)
    _show(context, done, "No longer trusted" if done.changed else "Not trusted")
    return 0


def _show(context: Context, done: trust.Changed, word: str) -> None:
    if context.json:
        keylist.document([done.known] if done.known is not None else [])
        return
    uid = "" if done.known is None else done.known.certificate.uid
    output.told(context, f"{word}: {output.signer(done.key, uid, full=context.verbose)}")


@command.command(name="list")
@options
@click.pass_obj
def list_(context: Context) -> int:
    """The signers that count."""
    workspace = context.workspace()
    found, missing = trust.trusted(workspace)
    for key in missing:
        workspace.note(f"{key} is trusted, and its certificate is not known")
    output.notes(context, workspace.notes)
    if context.json:
        keylist.document(found)
        return 0
    for one in found:
        output.say(keylist.signer(one, full=context.verbose))
    return 0


@command.command()
@click.argument("key")
@options
@click.pass_obj
def show(context: Context, key: str) -> int:
    """All that is known of a signer."""
    return keylist.show(context, key)
