"""`sig run`: verify a program, then become it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sig.cli import RUN_OFFSET, Context, options, output
from sig.cli.answers import LAST_WORDS, result_json
from sig.errors import NotFound, NotTrusted, StoreError, UsageError
from sig.model.verdict import Answer
from sig.verbs import lock as locks
from sig.verbs import run as verb
from sig.verbs.environment import passed
from sig.verbs.verify import Result

if TYPE_CHECKING:
    from sig.imports.running import Decided, Options
    from sig.verbs.workspace import Workspace


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("file", metavar="FILE|PROJECT")
@click.argument("arguments", metavar="[ARGS…]", nargs=-1, type=click.UNPROCESSED)
@click.option("--python", metavar="PYTHON", help="Another Python than it was locked with.")
@click.option("--app", metavar="NAME", help="What it is called, where the lock has another name.")
@click.option("--script", metavar="NAME", help="Which of a project's scripts.")
@click.option("--env", metavar="NAME", multiple=True, help="A variable to pass, * for the rest.")
@click.option("--report", metavar="FILE", help="Write what was loaded to FILE, as JSON.")
@options
@click.pass_obj
def command(
    context: Context,
    file: str,
    arguments: Sequence[str],
    python: str | None,
    app: str | None,
    script: str | None,
    env: tuple[str, ...],
    report: str | None,
) -> int:
    """Verify a program, then execute exactly the bytes that were verified.

    With a lock beside it (sig lock) all that it may load is verified: what the lock does not list
    does not exist for it, and what differs stops it. It gets a plain environment; --env passes
    more. Without a lock, for scripts with a #! line and Python files, the answer is for FILE alone;
    a Python script does not find modules beside it.

    All that stands after FILE is the script's. The exit status is the script's own; what is refused
    ends with 111 (not verified), 112 (usage), 113 (marked bad) or 114 (could not tell).
    """
    workspace = context.workspace()
    if app is None and os.path.isdir(file):
        lock = locks.was_script(workspace, file)
        if lock:
            raise NotTrusted(
                f"{file} is a folder, and {lock} is of a script", hint=f"sig run --app NAME {file}"
            )
    program = locks.program_of(file, app) if os.path.isdir(file) or app else _beside(file)
    if program is not None and not os.path.lexists(program.lock):
        if locks.was_locked(workspace, program.lock):
            raise NotTrusted(f"{program.lock} is gone", hint=f"sig lock {file}")
        if os.path.isdir(file) or app:
            raise NotFound(f"no {program.lock}", hint=f"sig lock {file}")
        program = None
    if program is not None:
        from sig.imports.running import Options

        trace = context.environment.get("SIG_IMPORT_TRACE", "") not in ("", "0")
        chosen = Options(script, env, trace, report or "")
        return _run_locked(context, workspace, program, file, python, chosen, arguments)
    if python or script or env or report:
        raise click.UsageError(f"{file} has no lock: sig lock {file}")
    return _run_file(context, workspace, file, arguments)


def _beside(file: str) -> locks.Program | None:
    """The program that a script is if it has a lock; None for what can have none."""
    try:
        return locks.program_of(file)
    except (UsageError, NotFound):
        return None


def _run_locked(
    context: Context,
    workspace: Workspace,
    program: locks.Program,
    file: str,
    python: str | None,
    chosen: Options,
    arguments: Sequence[str],
) -> int:
    from sig.imports import packs, running

    allowed = passed(context.environment, chosen.env)
    interpreter = locks.python_for(workspace, program.lock, python)
    decided = running.decide(workspace, program, interpreter, file, chosen)
    output.notes(context, workspace.notes)
    if decided.plan is not None:
        pack, why = decided.packed
        if why and context.verbose:
            name = output.escaped(os.path.basename(packs.beside(program.lock)), sys.stderr.encoding)
            output.note(f"note: {name} is not used: {why}")
        running.start(interpreter, decided.plan, arguments, allowed, pack, decided.prepared)
    explain(context, decided)
    return RUN_OFFSET + decided.status


def explain(context: Context, decided: Decided) -> None:
    """Why it is not run, on stderr: stdout is the program's."""
    from sig.cli.lock import plan_json, print_line

    if context.json:
        output.document({**plan_json(decided.judged, decided.hint), "error": {
            "code": "refused", "message": decided.why, "hint": decided.hint}})  # fmt: skip
        sys.stdout.flush()
    with _stdout_is_stderr():
        if not context.json:
            for line in decided.judged.lines:
                if line.state not in locks.FINE:
                    print_line(context, line)
            output.error_line(decided.why)
            if decided.hint:
                output.note(f"hint: {output.theirs(decided.hint)}")
        output.error_line("not run")


def _run_file(context: Context, workspace: Workspace, file: str, arguments: Sequence[str]) -> int:
    try:
        script = verb.read(file)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    verdict = verb.verdict(workspace, script)
    output.notes(context, workspace.notes)
    if verdict.answer is Answer.OK:
        if not context.quiet and verb.is_python(script):
            name = output.escaped(file, sys.stderr.encoding)
            output.note(f"note: only {name} itself is answered for, not what it loads (sig lock)")
        verb.execute(script, arguments, context.environment)
    if context.json:
        output.document({"results": [result_json(Result(file, verdict))]})
        sys.stdout.flush()
    # Words on stderr, all of them: stdout is the script's.
    with _stdout_is_stderr():
        if context.json:
            pass
        elif verdict.answer is Answer.ERROR:
            output.error_line(f"{file}: {verdict.message}")
        else:
            from sig.cli.answers import print_signers

            print_signers(context, verdict)
            path = output.theirs(os.path.abspath(file))
            output.say(f"file {path} {LAST_WORDS[verdict.answer]}")
        output.error_line("not run")
    return RUN_OFFSET + verb.check(verdict)


class _stdout_is_stderr:
    def __enter__(self) -> None:
        self._stdout = sys.stdout
        sys.stdout = sys.stderr

    def __exit__(self, *error: object) -> None:
        sys.stdout.flush()
        sys.stdout = self._stdout
