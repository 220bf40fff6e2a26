"""`sig attest`: asks what no option answers, shows what was signed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from sig.cli import Context, options, output
from sig.cli.names import names_from
from sig.cli.progress import progress
from sig.cli.questions import ask, passphrase, yes_or_no
from sig.errors import NoKey, Refused, StoreError
from sig.verbs.attest import Attested, Claim, attest
from sig.verbs.verify import STDIN, identify


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1)
@click.option("--ok/--not-ok", default=None, help="It performs as expected, or does not.")
@click.option(
    "--reviewed/--not-reviewed", default=None, help="You looked at all of it, or did not."
)
@click.option("-m", "--comment", metavar="COMMENT", help="Why; everyone can read it.")
@click.option("--name", metavar="LABEL", help="A label that is signed too, like a file name.")
@click.option("--yes", is_flag=True, help="Answer confirmations; never what is stated.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N.")
@click.option("--files0-from", metavar="FILE|-", help="Read names ended by NUL from FILE.")
@options
@click.pass_obj
def command(
    context: Context,
    files: Sequence[str],
    ok: bool | None,
    reviewed: bool | None,
    comment: str | None,
    name: str | None,
    yes: bool,
    passphrase_fd: int | None,
    files0_from: str | None,
) -> int:
    """Sign a statement about files.

    Asks whether you reviewed them, whether they are fine, and for a comment; options answer
    beforehand. Several files are signed with the same words, all or none.
    """
    named = list(dict.fromkeys(names_from(files, files0_from)))
    if not named:
        raise click.UsageError("name a file")
    workspace = context.workspace()
    if workspace.config.key is None:
        raise NoKey("this folder has no own key", hint="sig setup")
    watch = progress(context)
    ids = []
    for file in named:
        try:
            ids.append(identify(file, progress=None if watch is None else watch.read))
        except OSError as error:
            raise StoreError(f"{file}: {error.strerror}") from error
        except ValueError as error:
            raise click.UsageError(f"{file}: {error}") from error
    if watch is not None:
        watch.clear()
    secret = passphrase(passphrase_fd)
    many = len(named) > 1
    if reviewed is None:
        what = f"these {len(named)} files" if many else "this file"
        reviewed = yes_or_no(f"I have reviewed {what}")
    if ok is None:
        who = "They perform as expected and are" if many else "It performs as expected and is"
        ok = yes_or_no(f"{who} free of major flaws")
    if ok and not reviewed:
        raise Refused("Please review the file")
    if comment is None:
        comment = "" if yes else ask("Comment: ")
    claims = [
        Claim(file, id, ok, reviewed, comment, name) for file, id in zip(named, ids, strict=True)
    ]
    watch = progress(context)
    signed = attest(workspace, claims, secret, None if watch is None else watch.signed)
    if watch is not None:
        watch.clear()
    output.notes(context, workspace.notes)
    show(context, signed)
    return 0


def show(context: Context, signed: Sequence[Attested]) -> None:
    """What was signed, a block a file."""
    if context.json:
        output.document(
            {"statements": [{"file": one.file, "data": one.data, "key": one.key} for one in signed]}
        )
        return
    for one in signed:
        name = "standard input" if one.file == STDIN else one.file
        output.told(context, f"Saved attestation for {output.theirs(name)}:")
        output.told(context, output.written(one.data))
    if len(signed) > 1 and not context.quiet:
        output.note(f"{len(signed)} files attested.")
