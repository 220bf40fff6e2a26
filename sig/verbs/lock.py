"""All that a program may load, written down: `NAME.lock` beside it, and who answers for it.

L1  The roots are the program's own files, the distributions of its environment, and the sources of
    those that are installed as editable. The interpreter is no root: it belongs to the system, or
    is attested by itself. In which folders of such sources modules are looked for stands in the
    list of what was installed: another folder of them would give other files the same names.
L2  Nothing of it is run to find out: not the program, no hook of an environment, and no
    interpreter but the system's.
L3  A distribution's root is the list of its wheel, where the folder knows a wheel that it does not
    differ from; so who attested that wheel answers for it on every machine. Else it is the list of
    what is installed.
L4  Where the environment lies is kept in the folder, by the place of the lock. That is a hint: what
    is found there counts only by its digests. It also tells that there was a lock: who deletes one
    must not make the program one that is run by its script alone.
L5  A script beside it that has a lock of its own is another program, and none of its files. So two
    of them in one folder have two lists, and a word on one is none on the other.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import FormatError, NotFound, Refused, StoreError, UsageError
from sig.model import closure as closures
from sig.model import limits, manifest
from sig.model.closure import APP, DIST, EDITABLE, Closure, parts, root_name
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.model.strict import LARGEST_INTEGER
from sig.model.verdict import Answer, Judged, Verdict
from sig.model.wheel import DIRECT_URL
from sig.repo import installed, objects, project, tree
from sig.repo.installed import Distribution, Editable, Environment
from sig.repo.python import Python, contents, python_of
from sig.verbs import covering
from sig.verbs.covering import Releases, Root
from sig.verbs.trees import list_verdict

if TYPE_CHECKING:
    from sig.verbs.attest import Claim
    from sig.verbs.workspace import Workspace

SUFFIX = ".lock"
HINTS = "locks/"


class Program(NamedTuple):
    """What is to be locked or run: its folder, the path of its lock, and what starts it.

    `script` is a path below `folder`, "" for a project, whose scripts `pyproject.toml` names.
    """

    folder: str
    script: str
    app: str
    lock: str


class Line(NamedTuple):
    """One line of the plan.

    `state` is one of the words in `FINE`, or ``not attested`` or ``marked bad``. `judged` are the
    statements that made it ok or bad, `why` says more of what is left out.
    """

    kind: str
    label: str
    files: int | None
    state: str
    judged: tuple[Judged, ...] = ()
    why: str = ""


FINE = ("ok", "system", "not run", "left out")
# What a program does not need to run, and nobody should have to review for it.
_INSTALLERS = ("pip",)


class Plan(NamedTuple):
    """What a lock says and who answers for it; `roots` are in the order of the lock. `interpreter`
    is that of a Python which is not the system's; its version is then what its own files say.
    `environment` is what was installed and `known` the releases that were known when this was
    decided: who acts on it asks for them here.
    """

    program: Program
    python: Python
    closure: Closure
    roots: tuple[Root, ...]
    verdict: Verdict
    lines: tuple[Line, ...]
    environment: Environment
    known: Releases
    interpreter: Root | None = None

    @property
    def ok(self) -> bool:
        """Whether all of it is covered, as far as lists tell: files are looked at when they are
        loaded.
        """
        return self.verdict.answer is Answer.OK and all(line.state in FINE for line in self.lines)

    @property
    def bad(self) -> bool:
        """Whether something in it is marked bad."""
        return any(line.state == "marked bad" for line in self.lines)


def program_of(path: str, app: str | None = None) -> Program:
    """What a script or a folder with ``pyproject.toml`` is called, and where its lock lies.

    Raises UsageError, StoreError, FormatError.
    """
    if os.path.isdir(path):
        folder, script = os.path.abspath(path), ""
        name = project_of(path).name
    else:
        folder, script = os.path.split(os.path.abspath(path))
        name = script.removesuffix(".py")
        if not os.path.isfile(path):
            raise NotFound(f"no {path}")
    name = app or name
    try:
        closures.criteria(closures.Terms(name, 1))
    except FormatError as error:
        raise UsageError(
            f"{name!r} is no name for a program: letters, digits, dots, hyphens",
            hint=f"sig lock --app NAME {path}",
        ) from error
    return Program(folder, script, name, os.path.join(folder, name + SUFFIX))


def project_of(path: str) -> project.Project:
    """What the ``pyproject.toml`` in a folder says. Raises UsageError, StoreError, FormatError."""
    raw = contents(os.path.join(path, project.PYPROJECT), limits.STATEMENT)
    if raw is None:
        raise UsageError(f"{path} has no {project.PYPROJECT}; name a script")
    return project.read_project(raw)


# --- making it -----------------------------------------------------------------------------------


def lock(
    workspace: Workspace,
    program: Program,
    python: Python,
    exclude: Sequence[str] = (),
) -> Plan:
    """Write the lock of a program beside it, and say who answers for what is in it.

    The lists of its roots, and where the environment lies, go into the folder (L4). Raises
    Refused, FormatError, Changed, StoreError.
    """
    check_own(program)
    environment = installed.environment(python)
    found = _listed(workspace, program, environment, exclude)
    closure = Closure({name: files.id for name, files in found.items()})
    build = _looked_at(workspace, python)
    with workspace.writing():
        new = build | {
            objects.name(files.id): files.text
            for files in found.values()
            if objects.read(workspace.home, files.id) is None  # or damaged
        }
        workspace.commit({**new, _hint(program.lock): os.fsencode(python.asked) + b"\n"})
    write(program.lock, closure.text, "lock")
    return plan(workspace, program, python, closure, environment)


def _listed(
    workspace: Workspace, program: Program, environment: Environment, exclude: Sequence[str]
) -> dict[str, Manifest]:
    """The roots of a program as things are (L1)."""
    found: dict[str, Manifest] = {}
    keep = [program.script or project.PYPROJECT]
    own = project.own_files(program.folder, keep, (*exclude, *_ours(workspace, program)))
    others = _neighbours(program)
    found[APP] = Manifest({path: digest for path, digest in own.items() if path not in others})
    edited = sources(program, environment)
    for source in edited.values():
        if source.root != APP:
            found[source.root] = Manifest(project.own_files(source.folder, exclude=exclude))
    local: dict[str, Manifest] = {}
    for one in environment.distributions:
        if not left_out(one):
            files = installed.manifest_of(one)
            if one.root in edited:
                # Where the sources lie is of this machine.
                ways = edited[one.root].hooks
                kept = {path: hex for path, hex in files.files.items() if path not in ways}
                found[one.root] = Manifest(kept | _looked_in(one, edited[one.root].search))
            else:
                local[one.root] = files
    wheels = covering.alike(workspace, local.values())
    return found | {name: _wheel(workspace, files, wheels[files]) for name, files in local.items()}


def _ours(workspace: Workspace, program: Program) -> Sequence[str]:
    """The folder of sig, where it lies in that of the program: it changes with every word."""
    way = os.path.relpath(os.path.realpath(workspace.home.path), os.path.realpath(program.folder))
    if way == "." or way.split(os.sep)[0] == "..":
        return ()
    return (f"/{re.sub(r'[*?]', '?', way)}/",)


def _neighbours(program: Program) -> set[str]:
    """Other programs beside a script: scripts that have a lock of their own (L5)."""
    found: set[str] = set()
    if not program.script:
        return found
    for other in sorted(os.listdir(program.folder)):
        script = other.removesuffix(SUFFIX) + ".py"
        if not other.endswith(SUFFIX) or script == program.script:
            continue
        if os.path.isfile(os.path.join(program.folder, script)):
            with suppress(FormatError, StoreError, Refused):  # else it is no lock of a program
                read(os.path.join(program.folder, other))
                found.add(script)
    return found


def left_out(one: Distribution) -> str:
    """Why a distribution is no root, or nothing: what is left out does not exist for a program."""
    if one.why_not:
        return one.why_not
    return "it installs others" if closures.normalised(one.name) in _INSTALLERS else ""


def _wheel(workspace: Workspace, own: Manifest, wheels: Sequence[Identifier]) -> Manifest:
    """The list of the wheel that was installed, if the folder knows it (L3): one that is ok."""
    known = []
    for id in wheels:
        raw = objects.read(workspace.home, id)
        if raw is not None:
            other = manifest.read_canonical(raw)
            if covering.same_distribution(own, other):
                known.append(other)
    ok = [one for one in known if list_verdict(workspace, one.id).answer is Answer.OK]
    return min(ok or known or [own], key=lambda one: one.id)


def _looked_at(workspace: Workspace, python: Python) -> dict[str, bytes]:
    """What the folder is to keep of an interpreter that is not the system's (L4)."""
    if python.is_system:
        return {}
    from sig.verbs import interpreter

    try:
        return interpreter.kept(workspace, python, interpreter.found(workspace, python))
    except Refused:  # the plan says why
        return {}


def write(path: str, data: bytes, kind: str) -> None:
    """Replace a file as a whole. What is no file of ours is not replaced by one."""
    _check_file(path, kind)
    temporary = f"{path}.{os.getpid()}.new"
    try:
        stream = open(temporary, "xb")  # what is there already is another's
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    try:
        with stream:
            stream.write(data)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):  # the first error is the one to tell
            os.unlink(temporary)
        raise StoreError(f"{path}: {error.strerror}") from error


_OWN = re.compile(rb"[0-9a-f]{64}  (?:app\n|dist/|editable/)|\Z")


def _check_file(path: str, kind: str) -> None:
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        raise Refused(f"{path} is there, and is not a {kind}")


def check_own(program: Program) -> None:
    """Refuse to take what is there for a lock of ours, as there is one of poetry or of uv."""
    _check_file(program.lock, "lock")
    raw = contents(program.lock, limits.MANIFEST)
    if raw is not None and _OWN.match(raw) is None:
        raise Refused(
            f"{program.lock} is there, and was not made by sig lock",
            hint=f"sig lock --app NAME {os.path.join(program.folder, program.script)}",
        )


# --- where things are ----------------------------------------------------------------------------


def _hint(lock: str) -> str:
    """The file of the folder that says where the environment of this lock lies (L4)."""
    return HINTS + hashlib.sha256(os.fsencode(os.path.realpath(lock))).hexdigest()


def was_locked(workspace: Workspace, lock: str) -> bool:
    """Whether this folder wrote a lock there: one that is gone must be told."""
    return workspace.home.stat(_hint(lock)) is not None


def was_script(workspace: Workspace, folder: str) -> str:
    """The lock of the script in whose place a folder lies, or nothing.

    A project is called what its own file says: in the place of a script it would be another program
    than the one that was named.
    """
    path = os.path.abspath(folder)
    lock = path.removesuffix(".py") + SUFFIX
    there = path.endswith(".py") and (os.path.lexists(lock) or was_locked(workspace, lock))
    return lock if there else ""


def remove(workspace: Workspace, program: Program) -> None:
    """Remove a lock; the program is then one file for `run`. Raises NotFound, StoreError."""
    known = was_locked(workspace, program.lock)
    try:
        os.unlink(program.lock)
    except FileNotFoundError:
        if not known:
            raise NotFound(f"no {program.lock}") from None
    except OSError as error:
        raise StoreError(f"{program.lock}: {error.strerror}") from error
    if known:
        with workspace.writing():
            workspace.commit({_hint(program.lock): None})


def python_for(workspace: Workspace, lock: str, asked: str | None = None) -> Python:
    """The Python of a program: the one that is named, else the one it was locked with, else the
    first of ``PATH``. Raises what `python_of` does.
    """
    if asked is None:
        raw = workspace.home.read(_hint(lock), limits.PATH + 1)
        asked = None if raw is None else os.fsdecode(raw.removesuffix(b"\n"))
        if asked is not None and not os.path.lexists(asked):
            raise NotFound(
                f"the Python that it was locked with is gone: {asked}",
                hint=f"sig lock --python PYTHON {os.path.basename(lock).removesuffix(SUFFIX)}",
            )
    if asked is None or "/" not in asked:
        found = shutil.which(asked or "python3")
        if found is None:
            raise NotFound(f"there is no {asked or 'python3'} here")
        asked = found
    return python_of(asked)


class Source(NamedTuple):
    """Where the sources of an editable install lie: their root, its folder, and the folders of it
    that are searched. `hooks` are the files of the install that say so.
    """

    root: str
    folder: str
    search: tuple[str, ...]
    hooks: tuple[str, ...]


def sources(
    program: Program, environment: Environment, wanted: Mapping[str, Manifest] | None = None
) -> dict[str, Source]:
    """The editable installs of an environment, by the root of what was installed (L1).

    With `wanted`, the lists of a lock, only those roots: what else is installed does not exist for
    the program. Raises Refused for one whose sources are not all known, or are searched in other
    folders than its list says.
    """
    found = {}
    for one in environment.editables:
        if wanted is not None and one.distribution.root not in wanted:
            continue
        if one.why_not:
            raise Refused(f"{one.name} {one.version}: {one.why_not}")
        folder, search = _searched(one)
        if wanted is not None:
            said = wanted[one.distribution.root].files.items()
            if not _looked_in(one.distribution, search).items() <= said:
                raise Refused(
                    f"{one.name} {one.version} is installed as editable, its modules in"
                    f" {', '.join(map(manifest.told, search)) or folder}: the lock does not say so",
                    hint=f"sig lock {os.path.join(program.folder, program.script)}",
                )
        own = os.path.realpath(folder) == os.path.realpath(program.folder)
        root = APP if own else root_name(EDITABLE, one.name, one.version)
        found[one.distribution.root] = Source(root, folder, search, tuple(one.hooks))
    return found


def _looked_in(one: Distribution, search: Sequence[str]) -> dict[str, str]:
    """The line of its list that says in which folders of its sources modules are looked for
    (docs/spec/closure §3).
    """
    text = "".join(f"{folder or '.'}\n" for folder in search)
    return {f"{one.info}/{DIRECT_URL}": hashlib.sha256(text.encode()).hexdigest()}


def _searched(one: Editable) -> tuple[str, tuple[str, ...]]:
    """The folder of an editable install, and the folders of it in which modules are looked for."""
    places = []
    for name, place in one.sources:
        below = "/" + name.replace(".", "/")
        if name and not place.removesuffix(".py").endswith(below):
            raise Refused(f"{one.name} {one.version}: {name} lies in {place}, under another name")
        places.append(place.removesuffix(".py").removesuffix(below) if name else place)
    folder = one.project or places[0]
    ways = [os.path.relpath(place, folder) for place in dict.fromkeys(places)]
    if any(path.split(os.sep)[0] == ".." for path in ways):
        raise Refused(f"{one.name} {one.version}: not all of it lies in {folder}")
    return folder, tuple("" if path == "." else path for path in ways)


# --- signing it ----------------------------------------------------------------------------------


class Release(NamedTuple):
    """A lock that is to be signed: what is said of it, and what is new since `before`.

    `news` are lines: a root, or a file of a root that was there before, with ``new``, ``gone`` or
    ``changed``.
    """

    claim: Claim
    number: int
    before: int
    news: tuple[str, ...]


def release(
    workspace: Workspace, path: str, packs: Sequence[tuple[str, Identifier]] = ()
) -> Release:
    """What `attest` says about a lock, if it still fits what is on the disk. `packs` were compared
    with their sources, and are signed with it.

    Raises Refused where it does not, FormatError for what is no lock, NotFound, StoreError.
    """
    from sig.verbs.attest import Claim

    lock = os.path.abspath(path)
    program = Program(os.path.dirname(lock), "", os.path.basename(lock).removesuffix(SUFFIX), lock)
    closure = read(lock)
    python = python_for(workspace, lock)
    again = f"sig lock --python {python.asked} {program.app}"
    lists = {}
    for name, id in closure.roots.items():
        raw = objects.read(workspace.home, id)
        if raw is None:
            raise Refused(f"the list of {name} is not in the folder", hint=again)
        lists[name] = manifest.read_canonical(raw)
    for name, different in differences(program, installed.environment(python), lists):
        raise Refused(f"{path} no longer fits: {name}: {different}", hint=again)
    known = workspace.consistent(lambda: covering.releases(workspace, program.app))
    highest = [one for one in known.all if one.number == known.highest]
    # Who signs what others signed signs the same release: else no two could ever count together.
    same = [one for one in highest if one.closure == closure.id]
    before = next(iter(same or highest), covering.Release(0, None))
    if before.number == LARGEST_INTEGER and not same:
        raise Refused(f"release {before.number} of {program.app} is known, and is the last")
    numbers = python.version.split(".")
    terms = closures.Terms(
        program.app,
        before.number + (not same),
        f">={numbers[0]}.{numbers[1]},<{numbers[0]}.{int(numbers[1]) + 1}",
        tuple(packs),
    )
    claim = Claim(
        path,
        closure.id,
        False,
        False,
        manifest=manifest.read_canonical(closure.text),
        criteria=closures.criteria(terms),
        lists=tuple(lists.values()),
    )
    return Release(claim, terms.release, before.number, _news(workspace, before.closure, closure))


def differences(
    program: Program, environment: Environment, lists: Mapping[str, Manifest]
) -> Iterator[tuple[str, str]]:
    """Roots that are not on the disk as their lists say, and what is different."""
    places = {source.root: source for source in sources(program, environment, lists).values()}
    there = {one.root: one for one in environment.distributions if not one.why_not}
    for name, listed in lists.items():
        kind, plain, _ = parts(name)
        if kind == DIST:
            if name not in there:
                other = [one for one in there.values() if closures.normalised(one.name) == plain]
                yield name, f"{other[0].version} is installed" if other else "not installed"
                continue
            found = installed.compare(there[name], listed)
        else:
            source = program.folder if kind == APP else None
            if name in places:
                source = places[name].folder
            if source is None:
                yield name, "not installed"
                continue
            on_disk = tree.files(source, listed.files)
            now = {path: digest for path, digest in on_disk.items() if digest is not None}
            found = manifest.differences(listed, now)
        for one in found:
            if one.kind != "extra":
                yield name, f"{one.path} {one.kind}"
                break


def _news(workspace: Workspace, before: Identifier | None, closure: Closure) -> tuple[str, ...]:
    old = covering.roots_of(workspace, before)
    if old is None:
        return ()
    found = []
    for name in sorted({*old, *closure.roots}):
        if name not in old:
            found.append(f"new {name}")
        elif name not in closure.roots:
            found.append(f"gone {name}")
        elif old[name] != closure.roots[name]:
            found.append(f"changed {name}")
            texts = [objects.read(workspace.home, roots[name]) for roots in (old, closure.roots)]
            if texts[0] is not None and texts[1] is not None:
                was, now = (manifest.read_canonical(text) for text in texts if text is not None)
                kinds = {"extra": "new", "missing": "gone"}
                found += [
                    f"{kinds.get(one.kind, one.kind)} {name}: {one.path}"
                    for one in manifest.differences(was, now)
                ]
    return tuple(found)


# --- who answers for it --------------------------------------------------------------------------


def read(path: str) -> Closure:
    """The closure in a lock. Raises FormatError, Refused, StoreError."""
    raw = contents(path, limits.MANIFEST)
    if raw is None:
        raise StoreError(f"no {path}")
    return closures.read(raw)


def plan(
    workspace: Workspace,
    program: Program,
    python: Python,
    closure: Closure,
    environment: Environment | None = None,
) -> Plan:
    """Who answers for a closure and all of its roots. `environment` is read unless it is at hand.

    Raises StoreError, and as `installed.environment` does.
    """
    there = installed.environment(python) if environment is None else environment

    def judge() -> Plan:
        seen, build, line = python_line(workspace, python)
        known = covering.releases(workspace, program.app)
        verdict = covering.closure_verdict(workspace, closure, known, seen.version)
        roots = covering.roots(workspace, closure)
        # Of a closure that is not ok yet: what was vouched for as part of another of this program.
        others = {} if verdict.answer is Answer.OK else covering.vouched(workspace, known)
        lines = [line]
        lines += [_line(root, verdict, others.get(root.id, ())) for root in roots]
        lines += [
            Line("dist", f"{one.name} {one.version}".strip(), None, "left out", (), why)
            for one in there.distributions
            if (why := left_out(one))
        ]
        lines += [
            Line("pth", os.path.basename(file), None, "not run", (), why)
            for file, why in there.other_pth
        ]
        return Plan(
            program, seen, closure, tuple(roots), verdict, tuple(lines), there, known, build
        )

    return workspace.consistent(judge)


def python_line(workspace: Workspace, python: Python) -> tuple[Python, Root | None, Line]:
    """Who answers for an interpreter. Of one that is not the system's also its files, and the
    version that these say.
    """
    if python.is_system:
        return python, None, Line("python", python.version, None, "system")
    from sig.repo.interpreter import version
    from sig.verbs import interpreter

    try:
        build = interpreter.root(workspace, python)
    except Refused as error:
        label = f"{python.version} {python.executable}"
        return python, None, Line("python", label, None, "not attested", (), error.message)
    if build.files is not None:
        python = python._replace(version=version(python, build.files.files))
    state = {Answer.OK: "ok", Answer.BAD: "marked bad"}.get(build.verdict.answer, "not attested")
    label = f"{python.version} {python.executable}"
    return python, build, Line("python", label, None, state, _counted(build.verdict))


def _line(root: Root, closure: Verdict, others: tuple[Judged, ...]) -> Line:
    kind, name, version = parts(root.name)
    label = f"{name} {version}".strip()
    # The list of a wheel has lines that no installed one has.
    files = None if root.files is None else len(covering.significant(root.files))
    for verdict in (root.verdict, closure):
        if verdict.answer is Answer.BAD:
            return Line(kind, label, files, "marked bad", _counted(verdict))
    for verdict in (root.verdict, closure):
        if verdict.answer is Answer.OK:
            return Line(kind, label, files, "ok", _counted(verdict))
    if others:
        return Line(kind, label, files, "ok", others)
    return Line(kind, label, files, "not attested")


def _counted(verdict: Verdict) -> tuple[Judged, ...]:
    return tuple(line for line in verdict.statements if line.counted)
