"""The group of commands, for click."""

from __future__ import annotations

import importlib

import click

from sig import __version__
from sig.cli import COMMANDS, Context, options, output


class Words(click.Group):
    """The commands; a command's module is imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        ctx.ensure_object(Context).command = cmd_name
        command: click.Command = importlib.import_module(f"sig.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Words,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--version", is_flag=True, help="Show the version and exit.")
@options
@click.pass_context
def group(click_context: click.Context, version: bool) -> int:
    """Sign what you reviewed, fetch what others signed, decide alone whose word counts.

    Without a command: where things stand, and the one next command.
    """
    context = click_context.ensure_object(Context)
    if version:
        # Not where it is read: --json may stand after it.
        if context.json:
            output.document({"release": __version__})
        else:
            output.say(f"sig {__version__}")
        raise click.exceptions.Exit(0)
    if click_context.invoked_subcommand is not None:
        return 0
    from sig.cli.status import status

    return status(context)
