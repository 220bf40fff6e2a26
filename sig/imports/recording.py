"""Packs made and checked: what one verified run loads, compiled by the Python that will load it.

Here: how a pack comes to be, and how anybody sees that it is what its sources compile to. Not here:
who compiles (`compiling`), what a pack is and whether one counts (`packs`).

R1  What is packed is chosen by a run, and a run can only choose: what it says that it loaded is
    packed if the lock lists it, or the list of an interpreter that is not the system's.
R2  A pack is signed only after it was compiled anew and compared (`compared`): what somebody else
    put beside a lock is not signed for being there.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from sig.errors import Refused
from sig.imports import packs, running
from sig.imports.compiling import Compiler, compiled, compiler, forked
from sig.imports.packs import Pack
from sig.model import limits, manifest
from sig.model.closure import APP
from sig.repo import installed, objects
from sig.repo.python import Python, contents
from sig.verbs import lock as locks

if TYPE_CHECKING:
    from sig.imports.interpreter import Prepared
    from sig.imports.plan import Plan
    from sig.verbs.lock import Program
    from sig.verbs.workspace import Workspace


class Recorded(NamedTuple):
    """A pack that was made, of how many sources, and how the run ended that chose them."""

    pack: Pack
    sources: int
    status: int


def record(
    workspace: Workspace,
    program: Program,
    python: Python,
    plan: Plan,
    arguments: Sequence[str],
    allowed: Mapping[str, str],
    prepared: Prepared | None = None,
    quiet: bool = False,
) -> Recorded:
    """Run a program that was decided upon, and write the pack of what it loads beside its lock.

    `prepared` is as `running.start` takes it. `quiet`: what it prints goes to stderr. Raises what
    `compiling.compiled` does, and StoreError.
    """
    by = compiler(workspace, python)
    status, digests = _loaded(python, plan, arguments, allowed, prepared, quiet)
    there = listed(workspace, program, by)
    pack = compiled(by, {digest: there[digest] for digest in digests if digest in there})
    locks.write(packs.beside(program.lock), pack.raw, "pack")
    return Recorded(pack, len(pack.codes), status)


# --- a run ---------------------------------------------------------------------------------------


def _loaded(
    python: Python,
    plan: Plan,
    arguments: Sequence[str],
    allowed: Mapping[str, str],
    prepared: Prepared | None,
    quiet: bool,
) -> tuple[int, set[str]]:
    """The exit status of a program, and digests of what it says that it loaded."""
    with tempfile.TemporaryDirectory(prefix="sig-") as folder:
        plan.report = os.path.join(folder, "report")

        def become() -> NoReturn:
            if quiet:
                os.dup2(2, 1)
            running.start(python, plan, arguments, allowed, None, prepared)

        status = forked(become)
        raw = contents(plan.report, limits.PACK)
    try:
        said = json.loads(raw or b"")
        return status, {str(one["sha256"]) for one in said["modules"]}
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise Refused(
            f"it ended with {status} and did not say what it had loaded",
            hint="a run that is recorded has to end by itself",
        ) from error


# --- sources -------------------------------------------------------------------------------------


def listed(workspace: Workspace, program: Program, by: Compiler) -> dict[str, str]:
    """Where the sources lie that a lock lists, or the list of an interpreter that is not the
    system's: digest to path on the disk.

    Raises Refused where a list is not in the folder, and what `locks.read` does.
    """
    environment = installed.environment(by.python)
    there = {one.root: one for one in environment.distributions if not one.why_not}
    places = {one.root: one.folder for one in locks.sources(program, environment).values()}
    found: dict[str, str] = {}
    for name, id in locks.read(program.lock).roots.items():
        raw = objects.read(workspace.home, id)
        if raw is None:
            raise Refused(f"the list of {name} is not in the folder", hint="sig fetch")
        for path, digest in manifest.read_canonical(raw).files.items():
            place: str | None = None
            if not path.endswith(".py"):
                continue
            if name in there:
                place = installed.place(there[name], path)
            elif name == APP:
                place = os.path.join(program.folder, path)
            elif name in places:
                place = os.path.join(places[name], path)
            if place is not None:
                found.setdefault(digest, place)
    for path, digest in by.files.files.items() if by.files is not None else ():
        if path.endswith(".py"):
            found.setdefault(digest, os.path.join(by.python.base_prefix, path))
    return found


# --- checking ------------------------------------------------------------------------------------


class Another(Refused):
    """The pack is for another version of the interpreter."""


class Compared(NamedTuple):
    """How a pack differs from what its sources compile to: paths of those whose code is another,
    and how many codes are of sources that the lock does not list.
    """

    different: tuple[str, ...]
    unknown: int


def compared(workspace: Workspace, program: Program, by: Compiler, pack: Pack) -> Compared:
    """A pack beside what its sources compile to (R2).

    Raises Another, Refused for a pack that is for another Python of the same version, and what
    `compiled` and `listed` do.
    """
    there = listed(workspace, program, by)
    codes = pack.codes
    wanted = {digest: there[digest] for digest in codes if digest in there}
    anew = compiled(by, wanted)
    if anew.tag != pack.tag:
        raise Another(f"it is for {pack.tag}, and this is {anew.tag}")
    if anew.python != pack.python:
        raise Refused(f"it is for {pack.python}, and this is {anew.python}")
    fresh = anew.codes
    different = [path for digest, path in wanted.items() if fresh.get(digest) != codes[digest]]
    return Compared(tuple(sorted(different)), len(codes) - len(wanted))
