"""Words: the commands, the exit statuses, the one `except SigError`.

One file a verb, imported when it is called. Nothing below this room prints or exits. click is
loaded where there are options to read: it takes longer than `sig verify FILE` without it.

    0  done, or ok          2  usage                      130  interrupted
    1  refused, not verified 3  marked bad (verify)       110+ of `run`, for what it refuses
    4  could not, could not tell
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sig.errors import KeyAmbiguous, SigError

if TYPE_CHECKING:
    import click

    from sig.verbs.workspace import Workspace

_F = TypeVar("_F", bound=Callable[..., Any])

# The word, its module, and one line for the list of commands.
COMMANDS = {
    "setup": "Make the folder for an own key.",
    "attest": "Sign a statement about files.",
    "verify": "Is it trusted?",
    "show": "Every statement about a file: by whom, when, counted or not and why.",
    "withdraw": "Take back an own statement.",
    "manifest": "Print the list of files that stands for a folder or an archive.",
    "lock": "Write down all that a program may load, and say who answers for it.",
    "loader": "Native programs that verify a script before any Python starts.",
    "plugin": "Plug-ins: put them into a folder, list and verify them.",
    "run": "Verify a script, then execute exactly the bytes that were verified.",
    "trust": "Which signers count.",
    "key": "Certificates that are known, trusted or not.",
    "remote": "Other people's repositories.",
    "fetch": "Download and check them.",
    "publish": "Bring the own repository where others can fetch it.",
    "config": "Read and set policy, publish.target and publish.url.",
    "doctor": "What is wrong with this machine or folder, and the one next command.",
    "demo": "The whole story on throw-away keys and a loopback server.",
    "completion": "Print a script that completes words in a shell.",
    "help": "Explain a command.",
}
INTERRUPTED = 130
RUN_OFFSET = 110


class Context:
    """What the options of the first line say, and the one way to the folder."""

    def __init__(self) -> None:
        self.dir: str | None = None
        self.verbose = False
        self.quiet = False
        self.no_color = False
        self.json = False
        self.offline = False
        self.command = ""
        # What a script that is run gets, whatever we take away for ourselves.
        self.environment = dict(os.environ)
        # It would make every refusal of the OpenPGP library several times slower.
        os.environ.pop("RUST_BACKTRACE", None)

    @property
    def path(self) -> Path:
        """--dir, else $SIG_DIR, else ~/.signet."""
        from sig.verbs.workspace import folder_of

        return folder_of(self.dir)

    def workspace(self) -> Workspace:
        """The rooms of the folder that was asked for."""
        from sig.verbs.workspace import Workspace

        if self.offline:
            return Workspace(self.path, transport=_offline)
        return Workspace(self.path)


def _offline() -> Any:
    from sig.errors import NetworkError

    raise NetworkError("--offline: no connection is made")


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def note(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            known = context.ensure_object(Context)
            setattr(known, name, value)
            if known.verbose and known.quiet:
                import click

                raise click.UsageError("-v asks for more and -q for less: take one of them")

    return note


def _explain(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value and not context.resilient_parsing:
        from sig.cli import output

        output.explained(context.ensure_object(Context), context.get_help())
        context.exit()


def options(function: _F) -> _F:
    """The options of the first line; they stand before or after COMMAND."""
    import click

    listed: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (("--dir",), {"metavar": "PATH", "help": "The folder (default: $SIG_DIR, ~/.signet)."}),
        (("-v", "--verbose"), {"is_flag": True, "help": "Also fingerprints, times, comments."}),
        (("-q", "--quiet"), {"is_flag": True, "help": "Only errors and files that are not ok."}),
        (("--no-color",), {"is_flag": True, "help": "No colour."}),
        (("--json",), {"is_flag": True, "help": "One JSON document on standard output."}),
        (("--offline",), {"is_flag": True, "help": "Open no connection."}),
    ]
    # Not eager like click's own, for --json may stand after it.
    decorated: Any = click.option(
        *("-h", "--help"),
        is_flag=True,
        expose_value=False,
        callback=_explain,
        help="Show this message and exit.",
    )(function)
    for flags, settings in reversed(listed):
        name = flags[-1].lstrip("-").replace("-", "_")
        decorated = click.option(
            *flags, name, expose_value=False, callback=_set(name), is_eager=True, **settings
        )(decorated)
    return decorated  # type: ignore[no-any-return]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `sig`: run it and leave with its exit status."""
    # Values hold no circles; to look for them at every 700 costs a fifth of a large fetch.
    gc.set_threshold(100_000)
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_streams()
    status = status_of(words)
    if status == INTERRUPTED:
        # Not sys.exit: that would wait for threads that wait for slow servers.
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _open_streams() -> None:
    """A standard stream that was closed is /dev/null: no file of ours may take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))


def status_of(words: list[str]) -> int:
    """Run a command line and give its exit status. Every error becomes words here."""
    from sig.cli import output

    context = Context()
    try:
        status = _plain(context, words)
        if status is None:
            status = _options_read(context, words)
        sys.stdout.flush()
        return status
    except SystemExit as stop:
        # click leaves in this way where whoever read our words has stopped.
        if isinstance(stop.__context__, BrokenPipeError):
            return _status(context, 4)
        raise
    except KeyAmbiguous as error:
        output.failure(context, error.code, error.message, error.hint, matches=error.matches)
        return _status(context, error.status)
    except SigError as error:
        output.failure(context, error.code, error.message, error.hint)
        return _status(context, error.status)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our words has stopped.
        _stop_writing()
        return _status(context, 4)
    except OSError as error:
        _stop_writing()
        where = f"{error.filename}: " if error.filename else ""
        output.failure(context, "store", f"{where}{error.strerror or error}", None)
        return _status(context, 4)
    except Exception as error:
        if os.environ.get("SIG_TRACEBACK"):
            raise
        told = f"a bug: {type(error).__name__}: {error}"
        output.failure(context, "internal", told, None)
        return _status(context, 4)


def _plain(context: Context, words: list[str]) -> int | None:
    """The answer to ``[--dir PATH] verify FILE…``; None for a line that click must read."""
    named = len(words) > 1 and words[0] == "--dir"
    rest = words[2:] if named else words
    if rest[:1] != ["verify"] or len(rest) < 2 or os.name != "posix":  # elsewhere click expands *
        return None
    if any(word.startswith(("-", "sha256:")) or not word for word in words[named:]):
        return None
    if "_SIG_COMPLETE" in os.environ:
        return None
    from sig.cli.answers import answer

    context.command = "verify"
    if named:
        context.dir = words[1]
    return answer(context, rest[1:])


def _options_read(context: Context, words: list[str]) -> int:
    """The status of a command line that click reads. Raises KeyboardInterrupt as well."""
    import click

    from sig.cli import output
    from sig.cli.words import group

    try:
        given = group.main(args=words, prog_name="sig", standalone_mode=False, obj=context)
        return given if isinstance(given, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        # Perhaps before the options were read.
        context.json = context.json or _asks_for_json(words)
        about = getattr(error, "ctx", None)
        usage = None if about is None else about.get_usage()
        output.failure(context, "usage", error.format_message(), None, usage=usage)
        return _status(context, 2)
    except click.Abort as abort:
        raise KeyboardInterrupt from abort


def _stop_writing() -> None:
    """Drop what standard output did not take: the interpreter must not complain at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _asks_for_json(words: list[str]) -> bool:
    """Whether --json stands among our own words: after the FILE of `run` it is the script's."""
    before = iter(words)
    running = False
    for word in before:
        if word == "--json":
            return True
        if word in ("--dir", "--python", "--app", "--script", "--env", "--report"):
            next(before, None)
        elif running and not word.startswith("-"):
            return False
        running = running or word == "run"
    return False


def _status(context: Context, status: int) -> int:
    from sig.cli import output

    if context.command == "run":
        output.error_line("not run")
        return RUN_OFFSET + status
    return status
