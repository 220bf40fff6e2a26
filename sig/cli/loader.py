"""`sig loader`: native programs that verify a script before any Python starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from sig.cli import Context, options, output
from sig.cli.answers import print_result, result_json
from sig.cli.lock import BAD, plan_json, print_line
from sig.cli.questions import passphrase
from sig.model.identifier import Identifier
from sig.model.loader import STRICT, WARN, Signers, fields
from sig.model.strict import LARGEST_INTEGER
from sig.model.verdict import Answer
from sig.verbs import baking
from sig.verbs import loader as verb
from sig.verbs import lock as locks
from sig.verbs.settings import ALLOWED, POLICIES, Settings
from sig.verbs.verify import Result

if TYPE_CHECKING:
    from sig.model.baked import Baked
    from sig.model.loader import Loader
    from sig.verbs.baking import File
    from sig.verbs.loader import Inspected, Made
    from sig.verbs.lock import Plan
    from sig.verbs.workspace import Workspace


_NUMBER = click.IntRange(1, LARGEST_INTEGER)


@click.group(name="loader")
@options
def command() -> None:
    """Native programs that verify a script before any Python starts.

    A loader is made once. It asks this folder about the script and all that it may load, at each
    start, and runs exactly the bytes that were verified.
    """


@command.command()
@click.argument("script", metavar="SCRIPT|PROJECT")
@click.option("--name", metavar="NAME", help="What it is called (default: as its script).")
@click.option("--output", metavar="PLACE", help="Where it lies (default: beside its script).")
@click.option("--app", metavar="NAME", help="What its lock is called.")
@click.option("--python", metavar="PYTHON", help="The Python of its environment.")
@click.option("--script", "call", metavar="NAME", help="Only this one of a project's scripts.")
@click.option("--env", metavar="NAME", multiple=True, help="A variable to pass, * for the rest.")
@click.option("--python-option", metavar="OPTION", multiple=True, help="-u, -O, -OO, -X… or -W….")
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    help="strict: itself must be attested too. warn: only tells.",
)
@click.option("--allow", type=click.Choice(ALLOWED), multiple=True, help="Let it unmarshal code.")
@click.option("--baked", is_flag=True, help="Who counts stands in it, not in a folder.")
@click.option("--signer", metavar="KEY", multiple=True, help="Who counts for a baked one.")
@click.option("--threshold", type=_NUMBER, metavar="N", help="How many of them (default: all).")
@click.option("--release", type=_NUMBER, metavar="N", help="The lowest that it runs.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N.")
@options
@click.pass_obj
def build(
    context: Context,
    script: str,
    name: str | None,
    output: str | None,
    app: str | None,
    python: str | None,
    call: str | None,
    env: tuple[str, ...],
    python_option: tuple[str, ...],
    policy: str | None,
    allow: tuple[str, ...],
    baked: bool,
    signer: tuple[str, ...],
    threshold: int | None,
    release: int | None,
    passphrase_fd: int | None,
) -> int:
    """Make a native program that verifies a script and becomes it.

    Writes the lock if there is none, prints what sig lock prints, and writes the loader beside the
    script: hello for hello.py. Of a project one for each script in [project.scripts]; what
    [tool.sig.loader] in its pyproject.toml says holds where no option does.

    Made again it writes only what changed. What it makes is bound to this folder as it is now: a
    copy of the folder from before is refused by it. For that the configuration is signed anew.

    With --baked it is for others: signers, how many of them are enough, and the lowest release
    stand in it, and what they said in NAME.sig beside it. It needs no folder where it runs, and is
    made once they said ok.
    """
    said = Settings(
        call, name, output, app, python, env, python_option, policy, allow,
        baked, signer, threshold, release,
    )  # fmt: skip
    return _build(context, script, said, passphrase(passphrase_fd))


def _build(context: Context, script: str, given: Settings, secret: str | None) -> int:
    from sig.imports import building, compiling

    workspace = context.workspace()
    program, asked = verb.asked(workspace, script, given)
    is_baked = asked[0].baked
    python = locks.python_for(workspace, program.lock, asked[0].python)
    verb.check(workspace, python, asked)
    signers = baking.asked(workspace, asked[0]) if is_baked else None
    wanted = verb.places(program, asked, given.output)
    native = building.program(lambda told: _note(context, told))
    if os.path.lexists(program.lock):
        locks.check_own(program)
        found = locks.plan(workspace, program, python, locks.read(program.lock))
    else:
        found = locks.lock(workspace, program, python)
    if signers is not None:
        # Whoever else counts in this folder does not there.
        found = locks.plan(signers[0], program, python, found.closure, found.environment)
    made: Sequence[Made] = ()
    files: Sequence[File] = ()
    if any(one.said.policy == WARN for one in wanted):
        _note(context, "a loader that only warns also runs what nobody answers for")
    if not found.bad:
        modules = building.modules(compiling.compiler(workspace, found.python))
        if signers is None:
            made = verb.build(workspace, program, found, wanted, native, modules, secret)
        else:
            made, files = verb.bake(*signers, program, found, wanted, native, modules)
    following = _next(signers[0] if signers else workspace, found, script, given.app, made)
    output.notes(context, workspace.notes)
    if context.json:
        loaders = [_made_json(one) for one in made]
        beside = {"files": [_file_json(one) for one in files]} if is_baked else {}
        output.document({**plan_json(found, following), "loaders": loaders, **beside})
        return BAD if found.bad else 0
    for line in found.lines:
        print_line(context, line)
    if found.bad:
        output.error_line("no loader is made of what is marked bad")
        return BAD
    for one in made:
        _print_made(context, one)
    for file in files:
        _print_file(file)
    output.told(context, f"next      {following}")
    return 0


def _note(context: Context, told: str) -> None:
    if not context.quiet:
        output.note(f"note: {output.escaped(told, sys.stderr.encoding)}")


def _next(
    workspace: Workspace, found: Plan, script: str, app: str | None, made: Sequence[Made]
) -> str | None:
    """What to type now; None where something is marked bad."""
    if not made:
        return None
    if not verb.fits(found.program, found):
        named = "" if app is None else f"--app {app} "
        return f"sig lock {named}{output.theirs(script)}"
    if not found.ok:
        return f"sig attest {output.theirs(os.path.relpath(found.program.lock))}"
    for one in made:
        if one.loader.policy.policy == STRICT and not verb.is_ok(workspace, one.id):
            shown = output.theirs(os.path.relpath(one.place))
            is_baked = isinstance(one.loader.policy.by, Signers)
            return f"sig attest {shown}" + f" && sig loader update {shown}" * is_baked
    place = os.path.relpath(made[0].place)
    return output.theirs(place if place.startswith("../") else f"./{place}")


def _print_made(context: Context, one: Made) -> None:
    """``loader hello 3.3 MB enforce``."""
    place = output.theirs(os.path.relpath(one.place))
    if not one.is_new:
        output.say(f"loader {place} is up to date")
        return
    policy = one.loader.policy
    words = [f"loader {place} {_megabytes(len(one.raw))} {policy.policy}"]
    if isinstance(policy.by, Signers):
        number = len(policy.by.signers)
        words.append(f"{policy.by.threshold} of {number} signer{'s' * (number != 1)}")
        words.append(f"release {policy.release} or later")
    words += ["allows marshal"] if policy.marshal else []
    words += [f"passes {' '.join(map(output.theirs, policy.env))}"] if policy.env else []
    words += [f"with {' '.join(map(output.theirs, policy.options))}"] if policy.options else []
    output.say(", ".join(words))


def _print_file(one: File) -> None:
    """``beside hello.sig 3 statements``."""
    place = output.theirs(os.path.relpath(one.place))
    if one.is_new:
        output.say(f"beside {place} {_contents(one.found)}")
    else:
        output.say(f"beside {place} is up to date")


def _contents(found: Baked) -> str:
    number = len(found.statements)
    return f"{number} statement{'s' * (number != 1)}"


def _file_json(one: File) -> dict[str, object]:
    return {
        "file": one.place,
        "bytes": len(one.raw),
        "statements": len(one.found.statements),
        "result": "new" if one.is_new else "unchanged",
    }


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _made_json(one: Made) -> dict[str, object]:
    return {
        "file": one.place,
        "id": one.id,
        "bytes": len(one.raw),
        "result": "new" if one.is_new else "unchanged",
        "policy": policy_json(one.loader),
    }


def policy_json(said: Loader) -> dict[str, object]:
    """What a loader says of itself: its policy, but for the lengths of its modules."""
    return fields(said.policy)


# --- what lies beside one ------------------------------------------------------------------------


@command.command()
@click.argument("loader", metavar="LOADER")
@options
@click.pass_obj
def update(context: Context, loader: str) -> int:
    """Write what lies beside a baked loader anew: NAME.sig, after a new release or another word.

    The loader stays as it is. What its signers said of the program is taken from this folder; where
    they do not say that it is ok nothing is written.
    """
    workspace = context.workspace()
    file = verb.update(workspace, loader)
    output.notes(context, workspace.notes)
    if context.json:
        output.document({"files": [_file_json(file)]})
    else:
        _print_file(file)
    return 0


# --- looking at one ------------------------------------------------------------------------------


@command.command()
@click.argument("file", metavar="FILE")
@options
@click.pass_obj
def inspect(context: Context, file: str) -> int:
    """What a loader says of itself, what is in it, and who attests it.

    The file is read and not run. What it says was written by whoever made it.

    The exit status is 0 where the question could be answered, whatever the answer; 1 for a file
    that is no loader, or is damaged.
    """
    from sig.imports import building

    workspace = context.workspace()
    found = verb.inspect(workspace, file)
    output.notes(context, workspace.notes)
    native = building.known()
    same = None if native is None else native == found.loader.program
    ours = building.is_ours(found.loader.modules, found.loader.policy.python.executable)
    result = Result(file, found.verdict)
    if context.json:
        said = {
            "file": os.path.abspath(file),
            "bytes": found.size,
            "policy": policy_json(found.loader),
            "native": {"id": Identifier.of_bytes(found.loader.program), "ours": same},
            "modules": {
                "names": sorted(found.loader.modules.sources),
                "magic": found.loader.modules.magic,
                "ours": ours,
            },
        }
        output.document({"loader": said, "results": [result_json(result)]})
    else:
        for label, told in _lines(found, same, ours):
            output.say(f"{label:<10}{output.theirs(told)}")
        print_result(context, result)
    return 4 if found.verdict.answer is Answer.ERROR else 0


def _lines(found: Inspected, same: bool | None, ours: bool | None) -> Iterator[tuple[str, str]]:
    """What people should read of it; a place is where it leads from here."""
    policy, modules = found.loader.policy, found.loader.modules
    here = os.path.dirname(os.path.realpath(found.path))

    def place(path: str) -> str:
        return os.path.normpath(os.path.join(here, path))

    yield "loader", f"{os.path.abspath(found.path)} {_megabytes(found.size)}"
    yield "app", f"{policy.app}, release {policy.release} or later"
    folder = place(policy.program)
    yield "program", os.path.join(folder, policy.script) if policy.script else folder
    if policy.call:
        yield "script", policy.call
    by = policy.by
    if isinstance(by, Signers):
        for key in sorted(by.signers):
            yield "signer", key
        yield "threshold", f"{by.threshold} of {len(by.signers)}"
        path, inside = baking.beside(found.path, found.loader)
        told_of = f": {inside}" if isinstance(inside, str) else f", {_contents(inside)}"
        yield "beside", f"{path}{told_of}"
    else:
        yield "folder", f"{by.folder}, sequence {by.sequence} or later"
        yield "key", by.key
        for name, number in sorted(by.remotes.items()):
            yield "remote", f"{name}, sequence {number} or later"
    python = policy.python
    through = "" if place(python.asked) == python.executable else f" as {place(python.asked)}"
    yield "python", f"{python.version} {python.executable}{through}"
    for path in (*python.site, *python.system):
        yield "site", place(path)
    for root, one in sorted(policy.editable.items()):
        yield "editable", f"{root} {place(one.folder)}"
    yield "policy", policy.policy + (", allows marshal" if policy.marshal else "")
    if policy.env:
        yield "passes", " ".join(policy.env)
    if policy.options:
        yield "options", " ".join(policy.options)
    if not isinstance(by, Signers):
        yield "home", f"{by.home.path} of user {by.home.uid}"
    told = {None: "", True: ", that of this sig", False: ", not that of this sig"}
    yield "native", f"{Identifier.of_bytes(found.loader.program)}{told[same]}"
    told |= {None: ", sources of this sig", True: ", those of this sig"}
    told[False] = ", not those of this sig"
    yield "modules", f"{len(modules.sources)} for {modules.magic}{told[ours]}"
