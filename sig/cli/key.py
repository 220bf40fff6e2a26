"""`sig key`: certificates that are known, trusted or not."""

from __future__ import annotations

import sys
from typing import Any

import click

from sig.cli import Context, keylist, options, output
from sig.errors import FormatError, StoreError
from sig.model import limits
from sig.model.identifier import everything
from sig.verbs import keys


@click.group(name="key")
@options
def command() -> None:
    """Certificates that are known, trusted or not."""


@command.command(name="import")
@click.argument("file", metavar="FILE|-")
@options
@click.pass_obj
def import_(context: Context, file: str) -> int:
    """Take certificates from FILE. That trusts none of them."""
    try:
        if file == "-":
            given: Any = sys.stdin.buffer
            raw = everything(given, limits.KEY_FILE + 1)
        else:
            with open(file, "rb") as stream:
                raw = stream.read(limits.KEY_FILE + 1)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    if len(raw) > limits.KEY_FILE:
        raise FormatError(f"{file} is larger than {limits.KEY_FILE} bytes")
    workspace = context.workspace()
    found = keys.import_keys(workspace, raw)
    output.notes(context, workspace.notes)
    if context.json:
        keylist.document(found)
        return 0
    for one in found:
        output.told(context, f"Imported {keylist.signer(one, full=context.verbose)}.")
    return 0


@command.command(name="list")
@options
@click.pass_obj
def list_(context: Context) -> int:
    """Every certificate that is known: own, trusted, known, expired, revoked."""
    workspace = context.workspace()
    found = keys.listed(workspace)
    output.notes(context, workspace.notes)
    if context.json:
        keylist.document(found)
        return 0
    for one in found:
        uid = output.theirs(one.certificate.uid)
        output.say(f"{one.certificate.fingerprint} {one.state} {uid}".rstrip())
    return 0


@command.command()
@click.argument("key")
@options
@click.pass_obj
def show(context: Context, key: str) -> int:
    """All that is known of a key."""
    return keylist.show(context, key)
