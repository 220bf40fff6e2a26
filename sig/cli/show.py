"""`sig show`: every statement about a file, counted or not and why."""

from __future__ import annotations

import click

from sig.cli import Context, options, output
from sig.cli.answers import (
    LAST_WORDS,
    kind,
    print_differences,
    print_result,
    result_json,
    shown_path,
    status,
)
from sig.model import instant
from sig.model.verdict import Answer, Judged
from sig.verbs.verify import verify


@click.command()
@click.argument("file", metavar="FILE|ID")
@options
@click.pass_obj
def command(context: Context, file: str) -> int:
    """Every statement about a file: by whom, when, counted or not and why.

    The exit status is 0 where the question could be answered, whatever the answer.
    """
    workspace = context.workspace()
    (result,) = verify(workspace, [file])
    output.notes(context, workspace.notes)
    verdict = result.verdict
    if context.json:
        output.document({"results": [result_json(result)]})
    elif verdict.answer is Answer.ERROR:
        print_result(context, result)
    else:
        output.say(f"identified {kind(result)} as {verdict.id}")
        for line in verdict.statements:
            print_statement(context, line)
        print_differences(result)
        told = f"{kind(result)} {output.theirs(shown_path(file))} {LAST_WORDS[verdict.answer]}"
        output.say(output.colored(context, verdict.answer.value, told))
    return status([result]) if verdict.answer is Answer.ERROR else 0


def says(line: Judged) -> str:
    """`ok, reviewed, 2026-…, from hello-world`."""
    if line.ok is None:
        words = ["nothing that could be read"]
    elif line.state.value == "withdrawn":
        words = ["withdrawn"]
    else:
        words = ["ok" if line.ok else "not ok", "reviewed" if line.reviewed else "not reviewed"]
    if line.signed_at is not None:
        words.append(instant.write(line.signed_at))
    words.append(f"from {', '.join(line.sources)}" if line.sources else "from memory")
    return output.theirs(", ".join(words))


def print_statement(context: Context, line: Judged) -> None:
    """The block of one statement."""
    output.say(
        f"{output.colored(context, line.state.value)} {output.signer(line.key or '?', line.uid)}"
    )
    output.say(f"    key       {output.theirs(line.key) or 'unreadable'}")
    output.say(f"    says      {says(line)}")
    if line.comment:
        output.say(f'    comment   "{output.theirs(line.comment)}"')
    answer = "yes" if line.counted and not line.why else "yes: " if line.counted else "no: "
    output.say(f"    counted   {answer}{output.theirs(line.why)}")
