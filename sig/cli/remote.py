"""`sig remote`: other people's repositories."""

from __future__ import annotations

import click

from sig.cli import Context, options, output
from sig.cli.fetch import fetched
from sig.cli.questions import passphrase
from sig.model import instant
from sig.model.fingerprint import Fingerprint
from sig.verbs import remote as remotes

_passphrase = click.option(
    "--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N."
)


@click.group(name="remote")
@options
def command() -> None:
    """Other people's repositories.

    That one is followed makes nobody count: see sig trust.
    """


@command.command()
@click.argument("name")
@click.argument("url")
@click.option("-f", "--fetch", "at_once", is_flag=True, help="Fetch it at once.")
@click.option("--key", metavar="FPR", help="Take it only if this key signed it.")
@click.option("--trust", is_flag=True, help="Let the key count as well (with --key).")
@_passphrase
@options
@click.pass_obj
def add(
    context: Context,
    name: str,
    url: str,
    at_once: bool,
    key: str | None,
    trust: bool,
    passphrase_fd: int | None,
) -> int:
    """Follow the repository at URL under NAME.

    Its key is pinned when it is first fetched, or now with --key. The same NAME and URL with
    another --key pins it anew.
    """
    workspace = context.workspace()
    made = remotes.add(
        workspace, name, url, key=key, trust=trust, passphrase=passphrase(passphrase_fd)
    )
    output.notes(context, workspace.notes)
    if at_once:
        return fetched(context, [made.name])
    if context.json:
        _document([remotes.Followed(made.name, made.url, made.key, None, None, False)])
    return 0


@command.command()
@click.argument("name")
@_passphrase
@options
@click.pass_obj
def remove(context: Context, name: str, passphrase_fd: int | None) -> int:
    """Follow a repository no longer. Its warnings are remembered."""
    workspace = context.workspace()
    remotes.remove(workspace, name, passphrase(passphrase_fd))
    output.notes(context, workspace.notes)
    if context.json:
        _document(remotes.listed(workspace))
    return 0


@command.command()
@click.argument("old", metavar="NAME")
@click.argument("new", metavar="NEWNAME")
@_passphrase
@options
@click.pass_obj
def rename(context: Context, old: str, new: str, passphrase_fd: int | None) -> int:
    """Give a repository another name."""
    workspace = context.workspace()
    remotes.rename(workspace, old, new, passphrase(passphrase_fd))
    output.notes(context, workspace.notes)
    if context.json:
        _document(remotes.listed(workspace))
    return 0


@command.command(name="list")
@options
@click.pass_obj
def list_(context: Context) -> int:
    """The repositories that are followed."""
    workspace = context.workspace()
    found = remotes.listed(workspace)
    output.notes(context, workspace.notes)
    if context.json:
        _document(found)
        return 0
    for one in found:
        output.say(f'"{output.theirs(one.name)}" {output.theirs(one.url)}')
        if context.verbose:
            when = "never" if one.fetched is None else instant.write(one.fetched)
            output.say(f"    key       {one.key or 'not met yet'}")
            output.say(f"    fetched   {when}")
            output.say(f"    sequence  {one.sequence or 'none'}")
    return 0


@command.command()
@click.argument("name")
@options
@click.pass_obj
def accept(context: Context, name: str) -> int:
    """Take what a repository serves now, although it does not follow on what was met before.

    Its key stays the pinned one and must have signed it. Warnings that were met stay remembered.
    """
    return fetched(context, [name], accept=True)


def _document(found: list[remotes.Followed]) -> None:
    output.document(
        {
            "remotes": [
                {
                    "name": one.name,
                    "url": one.url,
                    "key": None if one.key is None else Fingerprint(one.key),
                    "sequence": one.sequence,
                    "fetched_at": None if one.fetched is None else instant.write(one.fetched),
                    "result": "unchanged",
                    "reason": "behind" if one.behind else None,
                }
                for one in found
            ]
        }
    )
