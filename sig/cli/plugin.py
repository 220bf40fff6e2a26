"""`sig plugin`: what hosts load: put it into a folder, list it, verify it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from sig.cli import Context, options, output
from sig.cli.answers import print_answer, result_json, status
from sig.cli.progress import progress
from sig.cli.questions import yes_or_no
from sig.errors import NetworkError, Refused
from sig.model.verdict import Answer, Reason
from sig.verbs import plugin as verb
from sig.verbs.plugin import Installed, Offered
from sig.verbs.plugins import FOLDER, Plugin
from sig.verbs.verify import Result

STATES = {
    Answer.OK: "ok",
    Answer.BAD: "marked bad",
    Answer.UNVERIFIED: "not verified",
    Answer.UNKNOWN: "unknown",
    Answer.ERROR: "unreadable",
}


@click.group(name="plugin")
@options
def command() -> None:
    """Plug-ins in a folder that a program loads from.

    A plug-in is a module, a package, or a zip or wheel as it is.
    """


@command.command()
@click.argument("what", metavar="URL|FILE")
@click.option("--into", "folder", metavar="DIR", required=True, help="The folder of plug-ins.")
@click.option("--yes", is_flag=True, help="Let it take the place of what is there.")
@options
@click.pass_obj
def install(context: Context, what: str, folder: str, yes: bool) -> int:
    """Download a plug-in, verify it, and put it into a folder.

    Nothing is written before the verdict is ok. An archive is unpacked into a folder of its own,
    from the bytes that were verified, if someone who counts signed the list of its files (sig
    attest --tree); else it stays whole. Another version of it is replaced, never mixed with it.

    Exit status: 0 installed, 1 not verified or refused, 3 marked bad, 4 could not tell.
    """
    workspace = context.workspace()
    watch = progress(context)
    try:
        found = verb.offered(workspace, what, None if watch is None else watch.fetched)
    except NetworkError:
        _got(context, what, "failed")
        raise
    finally:
        if watch is not None:
            watch.clear()
    _got(context, what, "done")
    result = verb.looked_at(workspace, found)
    output.notes(context, workspace.notes)
    if result.verdict.answer is not Answer.OK:
        if context.json:
            output.document({"results": [_result_json(result)], "plugins": [], "replaced": []})
        else:
            _print(context, result, "file")
        return status([result])
    plan = verb.planned(found, folder)
    if not context.json:
        _print(context, result, "file")
    if plan.before and not yes:
        _agreed(found, plan.before, folder)
    made = verb.install(workspace, found, plan, folder)
    if context.json:
        output.document(
            {
                "results": [_result_json(result)],
                "plugins": [_plugin_json(made.plugin)],
                "replaced": list(made.replaced),
            }
        )
    else:
        _tell(context, made)
    return 0


def _got(context: Context, what: str, outcome: str) -> None:
    if verb.is_url(what) and not context.offline and not context.json:
        output.told(context, f"GET {output.theirs(what)}... {outcome}.")


def _agreed(found: Offered, before: Sequence[str], folder: str) -> None:
    import sys

    there = output.escaped(", ".join(before), sys.stderr.encoding)
    where = output.escaped(folder, sys.stderr.encoding)
    try:
        agreed = yes_or_no(f"Let {found.file} take the place of {there} in {where}")
    except Refused as error:
        raise Refused("no answer, nothing is installed") from error
    if not agreed:
        raise Refused("nothing is installed")


def _tell(context: Context, made: Installed) -> None:
    plugin = made.plugin
    end = "/" if plugin.kind == FOLDER else ""
    output.told(
        context, f"Installed {output.theirs(plugin.name)}: {output.theirs(plugin.path)}{end}"
    )
    if made.whole:
        output.notes(context, [f"it is not unpacked: {made.whole}"])


@command.command(name="list")
@click.argument("folder", metavar="DIR")
@options
@click.pass_obj
def list_(context: Context, folder: str) -> int:
    """The plug-ins in a folder, and what is believed of each."""
    workspace = context.workspace()
    found = verb.listed(workspace, folder)
    output.notes(context, workspace.notes)
    if context.json:
        output.document({"plugins": [_plugin_json(one) for one in found]})
        return 0
    for one in found:
        print_line(context, one)
    return 0


def print_line(context: Context, one: Plugin) -> None:
    """``folder hello 3 files ok [B32780D9]``."""
    state = STATES[one.verdict.answer]
    color = {"ok": "ok", "marked bad": "bad"}.get(state, "warning")
    words = [one.kind, output.theirs(one.name)]
    if one.files is not None:
        words.append(f"{len(one.files)} file{'s' * (len(one.files) != 1)}")
    words.append(output.colored(context, color, state))
    words += [
        f"[{output.theirs(key if context.verbose else key[-8:])}]"
        for key in dict.fromkeys(one.verdict.counted_keys)
    ]
    told = " ".join(words)
    if one.verdict.answer is not Answer.OK:
        told += f": {output.theirs(one.told or one.verdict.message)}"
    output.say(told)


@command.command()
@click.argument("path", metavar="DIR|PLUGIN")
@options
@click.pass_obj
def verify(context: Context, path: str) -> int:
    """Is a plug-in trusted, or each in a folder?

    Says what sig verify would. A plug-in that does not count is not loaded, whatever else lies in
    the folder.

    Exit status: 0 ok, 1 one is not verified or there is none, 3 marked bad, 4 could not tell.
    """
    workspace = context.workspace()
    found = verb.listed(workspace, path)
    results = [_result(one) for one in found]
    output.notes(context, workspace.notes)
    if context.json:
        output.document({"plugins": [_plugin_json(one) for one in found]})
    else:
        for result in results:
            _print(context, result, "folder" if result.is_folder else "file")
        if len(results) != 1 and not context.quiet:
            output.note(_total(found))
    return status(results) if found else 1


def _result(one: Plugin) -> Result:
    told = one.told
    if one.verdict.reason is Reason.DIFFERS:
        told = one.verdict.message
    return Result(one.path, one.verdict, one.kind == FOLDER, told=told)


def _total(found: Sequence[Plugin]) -> str:
    states = [STATES[one.verdict.answer] for one in found]
    told = ", ".join(f"{states.count(state)} {state}" for state in STATES.values())
    return f"{len(found)} plug-in{'s' * (len(found) != 1)}: {told}"


def _print(context: Context, result: Result, kind: str) -> None:
    """The block of `sig verify`, whatever was asked about."""
    verdict = result.verdict
    shown = _shown(result.asked)
    if verdict.answer is Answer.ERROR:
        output.error_line(f"{shown}: {verdict.message}")
        if verdict.id is not None and verdict.reason is Reason.STORE:
            output.note(f"hint: {verdict.hint or 'sig doctor'}")
        return
    print_answer(context, result, kind, output.theirs(shown))


def _shown(asked: str) -> str:
    import os

    return asked if verb.is_url(asked) else os.path.abspath(asked)


def _result_json(result: Result) -> dict[str, object]:
    return {**result_json(result), "file": _shown(result.asked)}


def _plugin_json(one: Plugin) -> dict[str, object]:
    verdict = one.verdict
    return {
        "name": one.name,
        "path": one.path,
        "kind": one.kind,
        "id": verdict.id,
        "verdict": verdict.answer.value,
        "reason": verdict.reason.value,
        "message": verdict.message,
        "told": one.told,
        "files": None if one.files is None else len(one.files),
        "statements": [output.judged_json(line) for line in verdict.statements],
    }
