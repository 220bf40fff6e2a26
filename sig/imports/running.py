"""A run under a closure: who answers for the program is decided here, then a fresh Python starts.

In sig's own process, before that Python starts (loader rule R8): signatures, the closure, the lists
of its roots, the interpreter, the script. Every other file is looked at when it is loaded, by what
is packed (`packing`): the bootstrap and the finder.

U1  What was decided is handed over in a sealed file; the new process asks nobody again.
U2  The new process gets the environment that `sig.verbs.environment` allows, the arguments, and the
    descriptors of this one. Its interpreter is the file that was judged, found by no search.
U3  What of the environment fits the lock is looked for by name and version, in the one reading that
    the decision came from; whether it is what the lock says shows when it is loaded.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from sig.errors import FormatError, NotFound, StoreError, UsageError
from sig.imports import launcher, packing, packs
from sig.imports.packs import Found, Pack
from sig.imports.plan import PYTHON, Plan, Root
from sig.model import limits
from sig.model.closure import APP, DIST, normalised, parts
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.model.verdict import Answer
from sig.repo import project
from sig.repo.python import Python, contents
from sig.repo.sealed import sealed
from sig.verbs import covering
from sig.verbs import lock as locks
from sig.verbs.lock import Program

if TYPE_CHECKING:
    from sig.imports import interpreter as interpreters
    from sig.verbs.workspace import Workspace

# The exit statuses of `verify`; who refuses a run adds 110.
NOT_VERIFIED, BAD, COULD_NOT = 1, 3, 4


class Options(NamedTuple):
    """What the user says about a run: `script` is one of a project's, `env` more names to pass."""

    script: str | None = None
    env: tuple[str, ...] = ()
    trace: bool = False
    report: str = ""


class Decided(NamedTuple):
    """Whether a program may run. `plan` is None where not: then `why`, `status` and `hint` say so,
    and `judged` shows who said what. `packed` is the pack beside its lock, if that counts;
    `prepared` is for a Python that is not the system's.
    """

    judged: locks.Plan
    plan: Plan | None
    why: str = ""
    status: int = 0
    hint: str | None = None
    packed: Found = Found(None)
    prepared: interpreters.Prepared | None = None


def decide(
    workspace: Workspace,
    program: Program,
    python: Python,
    argv0: str,
    options: Options,
    child: tuple[str, ...] = (),
) -> Decided:
    """Whether this program may run with this Python, and what it may load then.

    `child` is where a child of it starts, if it is one.

    Raises UsageError for a script that the project does not have, StoreError, FormatError and
    NotFound where it cannot be told.
    """
    closure = locks.read(program.lock)
    judged = locks.plan(workspace, program, python, closure)
    name = os.path.basename(program.lock)
    if judged.verdict.answer is Answer.BAD:
        return Decided(judged, None, f"{name} is {judged.verdict.message}", BAD)
    if judged.bad:
        marked = (line for line in judged.lines if line.state == "marked bad")
        why = next(f"{line.kind} {line.label}".strip() for line in marked)
        return Decided(judged, None, f"{why} is marked bad", BAD)
    interpreter = judged.lines[0]
    if interpreter.state not in locks.FINE:
        return Decided(
            judged,
            None,
            f"python {interpreter.label} is {interpreter.state}: "
            f"{interpreter.why or python.why_not}",
            NOT_VERIFIED,
            f"sig attest --python {python.asked}",
        )
    if judged.verdict.answer is not Answer.OK:
        status = COULD_NOT if judged.verdict.answer is Answer.ERROR else NOT_VERIFIED
        why = f"{name} is not verified: {judged.verdict.message}"
        return Decided(judged, None, why, status, f"sig attest {program.lock}")
    again = f"sig lock --python {python.asked} {argv0}"
    lists: dict[str, Manifest] = {}
    for root in judged.roots:
        if root.files is None:
            why = f"the list of {root.name} is not in the folder"
            return Decided(judged, None, why, COULD_NOT, "sig fetch")
        lists[root.name] = root.files
    environment = judged.environment  # the one that was decided about (U3)
    there = {normalised(one.name): one for one in environment.distributions if not one.why_not}
    places = {one.root: one for one in locks.sources(program, environment, lists).values()}
    roots = []
    for root_name, files in lists.items():
        kind, plain, version = parts(root_name)
        if kind == APP:
            roots.append(Root(APP, program.folder, files.text, _search(program, lists, places)))
        elif kind == DIST:
            found = there.get(plain)
            if found is None or found.root != root_name:  # a version is spelled in many ways
                why = (
                    f"{plain} {version} is not installed"
                    if found is None
                    else f"{plain} {found.version} is not covered"
                )
                return Decided(judged, None, why, NOT_VERIFIED, again)
            roots.append(Root(root_name, found.base, files.text, prefix=python.prefix))
        elif root_name in places:
            source = places[root_name]
            roots.append(Root(root_name, source.folder, files.text, source.search))
        else:
            why = f"{plain} {version} is not installed as editable"
            return Decided(judged, None, why, NOT_VERIFIED, again)
    build = judged.interpreter
    if build is not None and build.files is None:
        why = f"the list of {python.executable} is not in the folder"
        return Decided(judged, None, why, COULD_NOT, again)
    listed = [*judged.roots, *(() if build is None else (build,))]
    bad = workspace.consistent(lambda: covering.bad_files(workspace, listed))
    entry, argv0 = _entry(program, lists, argv0, options)
    if entry[0] == "file":
        refused = _script(program, lists[APP], bad)
        if refused is not None:
            return Decided(judged, None, *refused, hint=again)
    prepared = None
    if build is not None and build.files is not None:
        from sig.imports import interpreter as interpreters
        from sig.repo.interpreter import search

        try:
            prepared = interpreters.prepare(python, build.files.files, bad)
        except interpreters.Different as error:
            return Decided(judged, None, error.message, BAD if error.bad else NOT_VERIFIED, again)
        roots.append(Root(PYTHON, python.base_prefix, build.files.text, search(python)))
    plan = Plan(
        program.app,
        child or entry,
        roots,
        argv0=argv0,
        file=os.path.join(program.folder, program.script) if program.script else "",
        stdlib=() if build is not None else python.stdlib,
        system=python.system_site,
        prefix=python.prefix,
        executable=launcher.path(),
        environment=launcher.mark(str(workspace.home.path), program, python.asked, options.script),
        bad=bad,
        trace=options.trace,
        report=os.path.abspath(options.report) if options.report else "",
        early=() if prepared is None else prepared.early,
        context=_context(judged),
    )
    packed = packs.counted(workspace, judged)
    return Decided(judged, plan, packed=packed, prepared=prepared)


def _context(judged: locks.Plan) -> str:
    """What the program may ask about itself (`sig.runtime`)."""
    closure = judged.closure
    numbers = [one.number for one in judged.known.all if one.closure == closure.id]
    said = {
        "app": judged.program.app,
        "closure": closure.id,
        "loader": None,
        "policy": "run",
        "release": max(numbers, default=None),
        "roots": dict(closure.roots),
        "signers": [line.key for line in judged.verdict.statements if line.counted],
    }
    return json.dumps(said, sort_keys=True)


def _search(
    program: Program, lists: Mapping[str, Manifest], places: Mapping[str, locks.Source]
) -> tuple[str, ...]:
    """The folders of the app in which modules are looked for."""
    if program.script:
        return ("",)
    if APP in places:
        return places[APP].search
    # What is installed as it is, is what the commands of a project load.
    name = normalised(_project(program, lists[APP]).name)
    if any(parts(other)[:2] == (DIST, name) for other in lists):
        return ()
    return project.search_folders(lists[APP].files)


def _script(program: Program, listed: Manifest, bad: Mapping[str, str]) -> tuple[str, int] | None:
    """Why the script is not what the lock says (R8); who runs it opens it anew and looks again."""
    from sig.verbs.run import read

    try:
        script = read(os.path.join(program.folder, program.script))
    except OSError as error:
        raise StoreError(f"{program.script}: {error.strerror}") from error
    digest = script.id.removeprefix("sha256:")
    if digest in bad:
        return bad[digest], BAD
    if listed.files.get(program.script) != digest:
        return f"{program.script} differs from what {program.app}.lock says", NOT_VERIFIED
    return None


def _entry(
    program: Program, lists: Mapping[str, Manifest], argv0: str, options: Options
) -> tuple[tuple[str, ...], str]:
    """Where the run starts, and the name that the program is called by."""
    if APP not in lists:
        raise FormatError(f"{program.lock} has no app")
    if program.script:
        if options.script is not None:
            raise UsageError("--script is for a project")
        if program.script not in lists[APP].files:
            raise NotFound(f"{program.script} is not in {program.lock}")
        return ("file", program.script), argv0
    scripts = _project(program, lists[APP]).scripts
    name = options.script
    if name is None:
        if len(scripts) != 1:
            raise UsageError(
                f"name one of its scripts: {', '.join(sorted(scripts)) or 'there are none'}",
                hint=f"sig run --script NAME {argv0}",
            )
        (name,) = scripts
    if name not in scripts:
        raise UsageError(f"{argv0} has no script {name}")
    return ("call", *scripts[name]), name


def _project(program: Program, listed: Manifest) -> project.Project:
    """What the project's file says, if it is the one that the lock lists."""
    raw = contents(os.path.join(program.folder, project.PYPROJECT), limits.STATEMENT)
    if raw is None:
        raise StoreError(f"no {project.PYPROJECT}")
    said = Identifier.of_bytes(raw).removeprefix("sha256:")
    if listed.files.get(project.PYPROJECT) != said:
        raise NotFound(f"{project.PYPROJECT} differs from what {program.lock} says")
    return project.read_project(raw)


# --- starting it ---------------------------------------------------------------------------------


def start(
    python: Python,
    plan: Plan,
    arguments: Sequence[str],
    allowed: Mapping[str, str],
    pack: Pack | None = None,
    prepared: interpreters.Prepared | None = None,
) -> NoReturn:
    """Become the program with this environment (U1, U2), which `environment` allowed, and with the
    bytecode of this pack; a Python that is not the system's as it was prepared.

    Never returns. Raises StoreError where it cannot be started.
    """
    if sys.platform != "linux" or not os.path.isdir("/proc/self/fd"):
        raise StoreError("a run under a lock needs Linux with /proc")
    if not python.is_system:
        from sig.imports import interpreter as interpreters

        if prepared is None:
            raise ValueError(f"{python.executable} is not the system's, and nothing was prepared")
        sys.stdout.flush()
        sys.stderr.flush()
        interpreters.start(python, prepared, plan, arguments, allowed, pack)
    own = packing.is_own(python.executable)
    descriptor = sealed(packing.pack(plan, pack, own=own), "sig")
    os.set_inheritable(descriptor, True)
    sys.stdout.flush()
    sys.stderr.flush()
    words = packing.command(python.executable, descriptor, plan.argv0, arguments, own=own)
    try:
        os.execve(python.executable, words, dict(allowed))  # noqa: S606 - what a run is
    except OSError as error:
        raise StoreError(f"{python.executable}: {error.strerror}") from error
