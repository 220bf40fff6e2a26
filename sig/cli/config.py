"""`sig config`: read and set what the owner of the folder decides, as JSON."""

from __future__ import annotations

import click

from sig.cli import Context, options, output
from sig.cli.questions import passphrase
from sig.verbs import config as verb


@click.command()
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--unset", metavar="KEY", help="Go back to the default of KEY.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N.")
@options
@click.pass_obj
def command(
    context: Context,
    key: str | None,
    value: str | None,
    unset: str | None,
    passphrase_fd: int | None,
) -> int:
    """Read and set, as JSON: policy, publish.target, publish.url.

    Without KEY all of them; with KEY its value; with VALUE (JSON, or plain text for a target or
    URL) set it.
    """
    workspace = context.workspace()
    if unset is not None:
        if key is not None:
            raise click.UsageError("--unset takes the only key")
        found = verb.change(workspace, unset, None, passphrase(passphrase_fd))
    elif key is not None and value is not None:
        found = verb.change(workspace, key, verb.parse(key, value), passphrase(passphrase_fd))
    else:
        found = workspace.consistent(lambda: verb.read(workspace))
        output.notes(context, workspace.notes)
        if key is not None and key not in verb.KEYS:
            raise click.UsageError(f"{key} is none of {', '.join(verb.KEYS)}")
        if not context.json:
            shown = found if key is None else found.get(key)
            output.say(output.written(shown))
            return 0
    if context.json:
        output.document({"config": found})
    else:
        output.notes(context, workspace.notes)
    return 0
