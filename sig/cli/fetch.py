"""`sig fetch`: what was asked, what came of it, and a total."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from sig.cli import Context, options, output
from sig.cli.progress import progress
from sig.model import instant
from sig.verbs.fetch import Fetched, fetch


@click.command()
@click.argument("names", metavar="[NAME…]", nargs=-1)
@options
@click.pass_obj
def command(context: Context, names: Sequence[str]) -> int:
    """Download and check what remotes offer.

    Takes what their owners signed and leaves the rest. One failing remote does not stop the others.
    That something was fetched makes nobody count.
    """
    return fetched(context, names)


def fetched(context: Context, names: Sequence[str], *, accept: bool = False) -> int:
    """Fetch, tell what happened, and give the exit status."""
    workspace = context.workspace()
    watch = progress(context)

    def report(one: Fetched) -> None:
        if watch is not None:
            watch.clear()
        if not context.json:
            print_fetched(context, one)

    found = fetch(workspace, names, report, None if watch is None else watch.fetched, accept=accept)
    if watch is not None:
        watch.clear()
    if not context.json:
        for one in found:
            print_manifests(context, one)
    output.notes(context, workspace.notes)
    if context.json:
        output.document({"remotes": [fetched_json(one) for one in found]})
    elif not context.quiet or any(one.result in ("failed", "refused") for one in found):
        counts = {
            word: [one.result for one in found].count(word)
            for word in ("new", "unchanged", "failed", "refused")
        }
        told = ", ".join(f"{number} {word}" for word, number in counts.items())
        output.note(f"{len(found)} remote{'s' * (len(found) != 1)}: {told}")
        if not found:
            output.note("hint: sig remote add NAME URL")
    return status(found)


def status(found: Sequence[Fetched]) -> int:
    """1 if what a remote signed was refused, else 4 if one could not be had, else 0."""
    results = {one.result for one in found}
    return 1 if "refused" in results else 4 if "failed" in results else 0


def print_fetched(context: Context, one: Fetched) -> None:
    """The requests of a remote, what was imported, and what went wrong."""
    if not context.quiet:
        for got in one.requests:
            output.say(f"GET {output.theirs(got.url)}... {got.outcome}.")
        if one.imported is not None:
            output.say(f"Imported {output.signer(*one.imported, full=context.verbose)}.")
    sys.stdout.flush()
    if one.result in ("failed", "refused"):
        kept = ""
        if one.fetched_at is not None:
            kept = f"; what was fetched on {instant.day(one.fetched_at)} still counts"
        output.error_line(f"{one.name}: {one.message}{kept}")
        if one.hint:
            output.note(f"hint: {one.hint}")
    elif one.reason == "behind":
        output.notes(context, [f"{one.name}: {one.message}, which is older than what was met"])
    if one.refused_statements:
        number = one.refused_statements
        what = "a statement proves" if number == 1 else f"{number} statements prove"
        output.notes(context, [f"{one.name}: {what} nothing and will not count"])
    for gone in one.gone:
        output.notes(context, [f"{one.name}: {gone} disappeared"])


def print_manifests(context: Context, one: Fetched) -> None:
    """The lists of files that were asked for, and why one did not come."""
    for came in one.manifests:
        if not context.quiet:
            output.say(f"GET {output.theirs(came.got.url)}... {came.got.outcome}.")
        if came.why:
            output.notes(context, [f"{one.name}: the list of files {came.id}: {came.why}"])


def fetched_json(one: Fetched) -> dict[str, object]:
    """One remote of `fetch --json` and `remote --json`."""
    return {
        "name": one.name,
        "url": one.url,
        "key": one.key,
        "sequence": one.sequence,
        "fetched_at": None if one.fetched_at is None else instant.write(one.fetched_at),
        "result": one.result,
        "reason": one.reason,
        "message": one.message,
        "disappeared": list(one.gone),
        "manifests": [
            {"id": came.id, "url": came.got.url, "outcome": came.got.outcome, "why": came.why}
            for came in one.manifests
        ],
    }
