"""`sig completion`: a script that completes words in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sig.cli import options
from sig.cli.words import group


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options
def command(shell: str) -> int:
    """Print a script that completes words in SHELL.

    For bash: eval "$(sig completion bash)" in ~/.bashrc.
    """
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"{shell} is not supported")
    click.echo(made(group, {}, "sig", "_SIG_COMPLETE").source())
    return 0
