"""`sig doctor`: findings, a line each, and the one next command."""

from __future__ import annotations

import click

from sig.cli import Context, options, output
from sig.verbs import doctor as verb

_WIDTH = 9


@click.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended; nothing is thrown away.")
@options
@click.pass_obj
def command(context: Context, fix: bool) -> int:
    """What is wrong with this machine or folder, and the one next command.

    Exit status: 0 without a problem, 1 with one.
    """
    workspace = context.workspace()
    if fix and workspace.home.exists:
        for done in verb.repair(workspace):
            output.notes(context, [done])
    found = verb.examine(workspace)
    output.notes(context, workspace.notes)
    problems = [check for check in found if check.level == "problem"]
    if context.json:
        output.document(
            {
                "checks": [
                    {"level": one.level, "message": one.message, "fix": one.fix} for one in found
                ]
            }
        )
        return 1 if problems else 0
    for one in found:
        if context.quiet and one.level == "ok":
            continue
        line = f"{one.level:{_WIDTH}}{output.theirs(one.message)}"
        output.say(output.colored(context, one.level, line))
    # A problem before a warning: the one thing to do next.
    warnings = [check for check in found if check.level == "warning"]
    fixes = [one.fix for one in [*problems, *warnings] if one.fix is not None]
    if fixes:
        output.say(f"{'next':{_WIDTH}}{fixes[0]}")
    return 1 if problems else 0
