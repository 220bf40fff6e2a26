"""`sig completion`: a script that completes words in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sig.cli import Context, options, output
from sig.cli.words import group


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options
@click.pass_obj
def command(context: Context, shell: str) -> int:
    """Print a script that completes words in SHELL.

    For bash: eval "$(sig completion bash)" in ~/.bashrc.
    """
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"{shell} is not supported")
    script = made(group, {}, "sig", "_SIG_COMPLETE").source()
    if context.json:
        output.document({"script": script})
    else:
        output.say(script)
    return 0
