"""`sig help`: explain a command."""

from __future__ import annotations

import click

from sig.cli import COMMANDS, Context, options, output
from sig.cli.words import group


@click.command()
@click.argument("words", metavar="[COMMAND]", nargs=-1)
@options
@click.pass_context
def command(click_context: click.Context, words: tuple[str, ...]) -> int:
    """Explain a command."""
    asked = click_context.ensure_object(Context)
    parent = click_context.parent or click_context
    found: click.Command = group
    context = click.Context(group, info_name="sig", obj=Context(), **group.context_settings)
    for word in words:
        inner = found.get_command(parent, word) if isinstance(found, click.Group) else None
        if inner is None:
            known = ", ".join(COMMANDS)
            raise click.UsageError(f"there is no command {word!r}; there are {known}")
        found = inner
        context = click.Context(found, info_name=word, parent=context, obj=context.obj)
    output.explained(asked, found.get_help(context))
    return 0
