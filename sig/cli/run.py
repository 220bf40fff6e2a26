"""`sig run`: verify a script, then become it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from sig.cli import RUN_OFFSET, Context, options, output
from sig.cli.answers import LAST_WORDS, result_json
from sig.errors import StoreError
from sig.model.verdict import Answer
from sig.verbs import run as verb
from sig.verbs.verify import Result


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("file", metavar="FILE")
@click.argument("arguments", metavar="[ARGS…]", nargs=-1, type=click.UNPROCESSED)
@options
@click.pass_obj
def command(context: Context, file: str, arguments: Sequence[str]) -> int:
    """Verify a script, then execute exactly the bytes that were verified.

    For scripts with a #! line and Python files. All that stands after FILE is the script's. Answers
    for FILE alone, not for what it loads; a Python script does not find modules beside it. The exit
    status is the script's own; what is refused ends with 111 (not verified), 112 (usage), 113
    (marked bad) or 114 (could not tell).
    """
    workspace = context.workspace()
    try:
        script = verb.read(file)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
    verdict = verb.verdict(workspace, script)
    output.notes(context, workspace.notes)
    if verdict.answer is Answer.OK:
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
