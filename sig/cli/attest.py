"""`sig attest`: asks what no option answers, shows what was signed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from sig.cli import Context, options, output
from sig.cli.names import names_from
from sig.cli.progress import Progress, progress
from sig.cli.questions import ask, passphrase, yes_or_no
from sig.errors import FormatError, NoKey, NotFound, Refused, StoreError
from sig.verbs.attest import Attested, Claim, attest
from sig.verbs.verify import STDIN, identify

if TYPE_CHECKING:
    from sig.repo.python import Python
    from sig.verbs.workspace import Workspace


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1)
@click.option(
    "--python", metavar="PYTHON", help="In place of FILE: an interpreter with its library."
)
@click.option("--ok/--not-ok", default=None, help="It performs as expected, or does not.")
@click.option(
    "--reviewed/--not-reviewed", default=None, help="You looked at all of it, or did not."
)
@click.option("-m", "--comment", metavar="COMMENT", help="Why; everyone can read it.")
@click.option("--name", metavar="LABEL", help="A label that is signed too, like a file name.")
@click.option("--tree", is_flag=True, help="Of an archive, sign the list of its files too.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out of a folder what fits.")
@click.option(
    "--scope", metavar="PATH", multiple=True, help="A file of it that a warning is about."
)
@click.option("--yes", is_flag=True, help="Answer confirmations; never what is stated.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N.")
@click.option("--files0-from", metavar="FILE|-", help="Read names ended by NUL from FILE.")
@options
@click.pass_obj
def command(
    context: Context,
    files: Sequence[str],
    python: str | None,
    ok: bool | None,
    reviewed: bool | None,
    comment: str | None,
    name: str | None,
    tree: bool,
    exclude: tuple[str, ...],
    scope: tuple[str, ...],
    yes: bool,
    passphrase_fd: int | None,
    files0_from: str | None,
) -> int:
    """Sign a statement about files, folders or archives.

    A folder is signed as the list of its files, without those of version control.
    Asks whether you reviewed them, whether they are fine, and for a comment; options answer
    beforehand. Several files are signed with the same words, all or none.

    With --python it is about an interpreter that is not the operating system's: its program, its
    libraries and the standard library. Whoever has the same build needs no other statement.
    """
    named = list(dict.fromkeys(names_from(files, files0_from)))
    if python is not None and (named or tree or exclude or scope):
        raise click.UsageError("--python stands alone: a Python is signed as it is")
    if not named and python is None:
        raise click.UsageError("name a file")
    if scope:
        # What is only partly looked at is no review (docs/spec/statement §3).
        if ok or reviewed or len(named) > 1:
            raise click.UsageError("--scope is for a warning about one folder or archive")
        ok, reviewed = False, False
    workspace = context.workspace()
    if workspace.config.key is None:
        raise NoKey("this folder has no own key", hint="sig setup")
    is_lock = len(named) == 1 and _is_lock(named[0])
    if is_lock and (tree or exclude or scope):
        raise click.UsageError("a lock is signed as it is")
    if python is not None:
        interpreter, one = _interpreter(context, python)
        found = [one]
    elif is_lock:
        found = [_release(context, workspace, named[0])]
    else:
        found = _all_looked_at(context, named, tree, exclude, scope)
    secret = passphrase(passphrase_fd)
    number = sum(1 if one.manifest is None else len(one.manifest) for one in found)
    many = number > 1 and not is_lock and python is None
    if reviewed is None:
        what = "this list" if is_lock else f"these {number} files" if many else "this file"
        what = what if python is None else "this Python"
        reviewed = yes_or_no(f"I have reviewed {what}")
    if ok is None:
        who = "They perform as expected and are" if many else "It performs as expected and is"
        ok = yes_or_no(f"{who} free of major flaws")
    if ok and not reviewed:
        raise Refused("Please review the file")
    if comment is None:
        comment = "" if yes else ask("Comment: ")
    claims = [replace(one, ok=ok, reviewed=reviewed, comment=comment, name=name) for one in found]
    watch = progress(context)
    signed = attest(workspace, claims, secret, None if watch is None else watch.signed)
    if watch is not None:
        watch.clear()
    if python is not None and one.manifest is not None:
        from sig.verbs.interpreter import remember

        remember(workspace, interpreter, one.manifest)
    output.notes(context, workspace.notes)
    show(context, signed)
    return 0


def _is_lock(file: str) -> bool:
    """Whether it is a list of all that a program may load, by its name and what is in it."""
    from sig.verbs import lock

    if not file.endswith(lock.SUFFIX) or not os.path.isfile(file):
        return False
    try:
        lock.read(file)
    except FormatError:
        return False
    return True


def _release(context: Context, workspace: Workspace, file: str) -> Claim:
    """What is said of a lock, once what is new in it has been shown."""
    from sig.cli.packs import to_sign
    from sig.verbs import lock

    found = lock.release(workspace, file, to_sign(context, workspace, file))
    if found.before and not context.quiet:
        output.note(f"since release {found.before}:")
        for line in found.news or ("nothing is new",):
            output.note(f"    {output.escaped(line, sys.stderr.encoding)}")
    return found.claim


def _interpreter(context: Context, python: str) -> tuple[Python, Claim]:
    """A Python, and what is said of it."""
    import shutil

    from sig.repo.python import python_of
    from sig.verbs import interpreter

    place = python if "/" in python else shutil.which(python)
    if place is None:
        raise NotFound(f"there is no {python} here")
    watch = progress(context)
    found = python_of(place)
    listed = None if watch is None else watch.listed
    claim = interpreter.claim(found, listed)
    if watch is not None:
        watch.clear()
    return found, claim


def _all_looked_at(
    context: Context,
    named: Sequence[str],
    tree: bool,
    exclude: tuple[str, ...],
    scope: tuple[str, ...],
) -> list[Claim]:
    watch = progress(context)
    found = []
    for file in named:
        try:
            one = _looked_at(file, tree or bool(scope), exclude, watch)
        except OSError as error:
            raise StoreError(f"{file}: {error.strerror}") from error
        except ValueError as error:
            raise click.UsageError(f"{file}: {error}") from error
        found.append(replace(one, scope=scope))
    if watch is not None:
        watch.clear()
    return found


def _looked_at(file: str, tree: bool, exclude: tuple[str, ...], watch: Progress | None) -> Claim:
    """What lies there, as far as nothing is said about it."""
    if os.path.isdir(file) or tree or exclude:
        from sig.verbs.trees import list_of

        inside = list_of(file, exclude, progress=None if watch is None else watch.listed)
        if tree and not os.path.isdir(file) and not inside.aliases:
            raise click.UsageError(f"{file}: --tree is for archives")
        return Claim.of(file, inside)
    id = identify(file, progress=None if watch is None else watch.read)
    return Claim(file, id, False, False)


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
