"""Packs made and checked: what one verified run loads, compiled by the Python that will load it.

Here: how a pack comes to be, and how anybody sees that it is what its sources compile to. Not here:
what a pack is and whether one counts (`packs`).

R1  What is packed is chosen by a run, and a run can only choose: what it says that it loaded is
    packed if the lock lists it, from bytes that are read and compared here.
R2  The sources are compiled by the interpreter itself, which is the system's: a process that gets
    them through a pipe and runs nothing but `bytecode`.
R3  A pack is signed only after it was compiled anew and compared (`compared`): what somebody else
    put beside a lock is not signed for being there.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import Changed, Refused, SigError
from sig.imports import packing, packs, running
from sig.imports.packs import Pack
from sig.model import limits, manifest
from sig.model.closure import APP
from sig.model.identifier import Identifier
from sig.repo import installed, objects
from sig.repo.python import Python, contents
from sig.verbs import lock as locks

if TYPE_CHECKING:
    from sig.imports.plan import Plan
    from sig.verbs.lock import Program
    from sig.verbs.workspace import Workspace

_SECONDS = 600


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
    quiet: bool = False,
) -> Recorded:
    """Run a program that was decided upon, and write the pack of what it loads beside its lock.

    `quiet`: what it prints goes to stderr. Raises Refused, Changed, FormatError, StoreError.
    """
    _supported(python)
    status, digests = _loaded(python, plan, arguments, allowed, quiet)
    there = listed(workspace, program, python)
    pack = compiled(python, {digest: there[digest] for digest in digests if digest in there})
    locks.write(packs.beside(program.lock), pack.raw, "pack")
    return Recorded(pack, len(pack.codes), status)


# --- a run ---------------------------------------------------------------------------------------


def _loaded(
    python: Python,
    plan: Plan,
    arguments: Sequence[str],
    allowed: Mapping[str, str],
    quiet: bool,
) -> tuple[int, set[str]]:
    """The exit status of a program, and digests of what it says that it loaded."""
    import signal

    with tempfile.TemporaryDirectory(prefix="sig-") as folder:
        plan.report = os.path.join(folder, "report")
        child = os.fork()
        if child == 0:
            try:
                if quiet:
                    os.dup2(2, 1)
                running.start(python, plan, arguments, allowed)
            except SigError as error:
                os.write(2, f"error: {error.message}\n".encode("utf-8", "backslashreplace"))
            finally:
                os._exit(114)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for the program
        try:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        finally:
            signal.signal(signal.SIGINT, before)
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


def listed(workspace: Workspace, program: Program, python: Python) -> dict[str, str]:
    """Where the sources lie that a lock lists: digest to path on the disk.

    Raises Refused where a list is not in the folder, and what `locks.read` does.
    """
    environment = installed.environment(python)
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
    return found


def _read(path: str, digest: str) -> bytes:
    raw = contents(path, limits.PACK)
    if raw is None or Identifier.of_bytes(raw) != f"sha256:{digest}":
        raise Changed(f"{path} is not what the lock says")
    return raw


# --- compiling -----------------------------------------------------------------------------------


def compiled(python: Python, wanted: Mapping[str, str]) -> Pack:
    """The pack of these sources, by digest and place, for this Python (R2).

    Raises Refused for a Python that is not the system's, Changed for a source that is not what it
    should be, FormatError where it would be too large.
    """
    _supported(python)
    asked = []
    for digest, path in sorted(wanted.items()):
        raw = _read(path, digest)
        asked += [b"%d\n" % len(raw), raw]
    program = packing.source("bytecode").decode() + "\n\nserve()\n"
    words = [python.executable, "-s", "-S", "-B", "-W", "ignore", "-c", program]
    # Until Python 3.10 the order in a set of constants depends on the seed.
    environment = {"PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(  # noqa: S603
            words,
            input=b"".join(asked),
            stdout=subprocess.PIPE,
            cwd="/",
            env=environment,
            timeout=_SECONDS,
            check=True,
        )
        said, _, rest = done.stdout.partition(b"\n")
        codes = dict(zip(sorted(wanted), _answers(rest), strict=True))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise Refused(f"{python.executable} did not compile what it was given") from error
    found = packs.made(
        said.decode("ascii", "replace"), {key: codes[key] for key in codes if codes[key]}
    )
    if found.tag != packs.tag(python):
        raise Refused(f"packs are for releases of CPython, and this is {found.tag}")
    return found


def _answers(raw: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(raw):
        start = raw.index(b"\n", place) + 1
        place = start + int(raw[place:start])
        yield raw[start:place]


def _supported(python: Python) -> None:
    if not python.is_system:
        raise Refused(f"packs are for the system's Python, and {python.executable} is not")


# --- checking ------------------------------------------------------------------------------------


class Compared(NamedTuple):
    """How a pack differs from what its sources compile to: paths of those whose code is another,
    and how many codes are of sources that the lock does not list.
    """

    different: tuple[str, ...]
    unknown: int


def compared(workspace: Workspace, program: Program, python: Python, pack: Pack) -> Compared:
    """A pack beside what its sources compile to (R3).

    Raises Refused for a pack that is for another Python, and what `compiled` and `listed` do.
    """
    there = listed(workspace, program, python)
    codes = pack.codes
    wanted = {digest: there[digest] for digest in codes if digest in there}
    anew = compiled(python, wanted)
    if anew.python != pack.python:
        raise Refused(f"it is for {pack.tag}, and this is {anew.tag}")
    fresh = anew.codes
    different = [path for digest, path in wanted.items() if fresh.get(digest) != codes[digest]]
    return Compared(tuple(sorted(different)), len(codes) - len(wanted))
