"""`sig publish`: bring the own repository where others can fetch it, and compare."""

from __future__ import annotations

import click

from sig.cli import Context, options, output
from sig.cli.questions import passphrase
from sig.verbs import published


@click.command()
@click.argument("target", metavar="[TARGET]", required=False)
@click.option("--check", is_flag=True, help="Fetch what is public at a URL and compare.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N.")
@options
@click.pass_obj
def command(context: Context, target: str | None, check: bool, passphrase_fd: int | None) -> int:
    """Bring the own repository where others can fetch it.

    TARGET is a folder that a web server reads (default: publish.target). What the own key published
    there from another machine is taken over first; what another key published is never replaced.
    With --check TARGET is a URL (default: publish.url).
    """
    workspace = context.workspace()
    if check:
        return _check(context, published.compare(workspace, target))
    done = published.publish(workspace, target, passphrase(passphrase_fd))
    output.notes(context, workspace.notes)
    if context.json:
        output.document(
            {
                "target": done.target,
                "sequence": done.sequence,
                "statements": done.statements,
                "new": done.new,
                "took_over": done.took_over,
            }
        )
        return 0
    if done.took_over:
        output.told(context, f"Took over {_statements(done.took_over)}.")
    output.told(
        context,
        f"Published {_statements(done.statements)} ({done.new} new)"
        f" to {output.theirs(done.target)}, sequence {done.sequence}.",
    )
    return 0


def _statements(number: int) -> str:
    return f"{number} statement{'s' * (number != 1)}"


def _check(context: Context, found: published.Compared) -> int:
    if context.json:
        output.document(
            {
                "target": found.url,
                "sequence": found.folder,
                "public": found.public,
                "same": found.same,
            }
        )
        return 0 if found.same else 1
    if found.same:
        output.told(context, f"{found.url} has sequence {found.public}, as this folder.")
        return 0
    public = "nothing" if found.public is None else f"sequence {found.public}"
    here = "nothing" if found.folder is None else str(found.folder)
    if found.public is not None and found.public == found.folder:
        here += ", and they differ"
    output.say(f"{found.url} has {public}, this folder {here}.")
    return 1
