"""`sig lock`: write down all that a program may load, and say who answers for it."""

from __future__ import annotations

import os

import click

from sig.cli import Context, options, output
from sig.verbs import lock as verb
from sig.verbs.lock import Line, Plan

BAD = 3


@click.command()
@click.argument("script", metavar="SCRIPT|PROJECT")
@click.argument("arguments", metavar="[-- ARGS…]", nargs=-1, type=click.UNPROCESSED)
@click.option("--python", metavar="PYTHON", help="The Python of its environment.")
@click.option("--app", metavar="NAME", help="What it is called (default: as its file or project).")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out what fits.")
@click.option("--remove", is_flag=True, help="Remove the lock; run answers for one file again.")
@click.option("--pack", is_flag=True, help="Run it once, and write bytecode of what it loads.")
@click.option("--check", is_flag=True, help="With --pack: compile anew, and compare.")
@click.option("--script", "name", metavar="NAME", help="With --pack: which of a project's scripts.")
@options
@click.pass_obj
def command(
    context: Context,
    script: str,
    arguments: tuple[str, ...],
    python: str | None,
    app: str | None,
    exclude: tuple[str, ...],
    remove: bool,
    pack: bool,
    check: bool,
    name: str | None,
) -> int:
    """Write down all that a program may load, and say who answers for it.

    Writes NAME.lock beside a script, or into the folder of a project with pyproject.toml, and
    prints a line for the interpreter and for each root: the program's own files, those of each
    distribution in its environment, and the sources of those that are installed as editable.
    Nothing of it is run. Ends with 3 if something is marked bad.

    With --pack a program whose lock is signed is run once, with ARGS, and NAME.pack gets bytecode
    of what it loaded; sig attest NAME.lock signs that too. With --check as well nothing is run:
    what is in NAME.pack is compiled anew from verified sources, and what differs is named (1).
    """
    workspace = context.workspace()
    program = verb.program_of(script, app)
    if not pack and (check or arguments or name):
        raise click.UsageError("--check, --script and arguments are for --pack")
    if remove:
        if python or exclude or pack:
            raise click.UsageError("--remove takes no other option than --app")
        verb.remove(workspace, program)
        return 0
    chosen = verb.python_for(workspace, program.lock, python)
    if pack:
        if exclude or (check and (arguments or name)):
            raise click.UsageError("--pack takes what a lock has, and --check runs nothing")
        from sig.cli import packs

        if check:
            return packs.check(context, workspace, program, chosen)
        return packs.record(context, workspace, program, chosen, script, arguments, name)
    found = verb.lock(workspace, program, chosen, exclude)
    output.notes(context, workspace.notes)
    if context.json:
        output.document(plan_json(found, next_command(context, found, script)))
    else:
        for line in found.lines:
            print_line(context, line)
        following = next_command(context, found, script)
        if following:
            output.told(context, f"next      {following}")
    return BAD if found.bad else 0


def print_line(context: Context, line: Line) -> None:
    """``dist requests 2.32.3 22 files ok [B32780D9]``."""
    words = [line.kind, output.theirs(line.label)]
    if line.files is not None:
        words.append(f"{line.files} file{'s' * (line.files != 1)}")
    color = {"ok": "ok", "system": "ok", "marked bad": "bad"}.get(line.state, "warning")
    words.append(output.colored(context, color, line.state))
    keys = dict.fromkeys(one.key if context.verbose else one.key[-8:] for one in line.judged)
    words += [f"[{output.theirs(key)}]" for key in keys]
    told = " ".join(word for word in words if word)
    output.say(f"{told}: {output.theirs(line.why)}" if line.why else told)


def next_command(context: Context, found: Plan, script: str) -> str | None:
    """What to type now; None where something is marked bad."""
    if found.bad:
        return None
    interpreter = found.lines[0]
    if interpreter.state not in verb.FINE:
        return f"sig attest --python {output.theirs(found.python.asked)}"
    if found.ok:
        return f"sig run {output.theirs(script)}"
    if context.workspace().config.key is None:
        return "sig setup"
    return f"sig attest {output.theirs(os.path.relpath(found.program.lock))}"


def plan_json(found: Plan, following: str | None) -> dict[str, object]:
    """The document of --json."""
    return {
        "lock": found.program.lock,
        "app": found.program.app,
        "id": found.closure.id,
        "verdict": found.verdict.answer.value,
        "reason": found.verdict.reason.value,
        "message": found.verdict.message,
        "plan": [line_json(line) for line in found.lines],
        "next": following,
    }


def line_json(line: Line) -> dict[str, object]:
    """One line of the plan."""
    return {
        "kind": line.kind,
        "label": line.label,
        "files": line.files,
        "state": line.state,
        "why": line.why,
        "keys": list(dict.fromkeys(one.key for one in line.judged)),
    }
