"""A native loader of a program: what it goes by, where it is written, and when it is made anew.

R1  It is written as a whole, and takes the place of nothing but a loader: no other file is
    replaced, and no link followed.
R2  It is bound to the folder: to its place, and to a configuration that is signed for it and one
    higher than the one before. So a copy of the folder from before is too old for it. That is done
    only where a loader is made, and once for all that are made together.
R3  It is made anew where something that it goes by has changed, and else left as it is: signing
    asks its owner.
R4  A folder that is older than the one that a loader was made for makes no loader in its place.
R5  Where the loader lies in the program's folder, or that in the loader's, what lies there is
    named relative to the loader: all of it may be moved. Everything else is named by its place.

Not here: the bytes (`sig.model.loader`), what is in it besides (`sig.imports.building`), and what
may be asked for (`settings`).
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import FormatError, NoKey, NotFound, Refused, StoreError, UsageError
from sig.model import limits, loader, wire
from sig.model.closure import APP
from sig.model.identifier import Identifier
from sig.model.loader import Editable, Home, Interpreter, Loader, Modules, Policy
from sig.model.manifest import Manifest, told
from sig.model.verdict import Answer
from sig.repo import interpreter, layout, remotes
from sig.repo.disk import NOT_LINKS, flush_folder
from sig.repo.project import PYPROJECT
from sig.repo.python import Python, contents
from sig.verbs import baking, covering, environment, settings
from sig.verbs import interpreter as interpreters
from sig.verbs import lock as locks
from sig.verbs.settings import MARSHAL, Settings
from sig.verbs.verify import verdicts_of

if TYPE_CHECKING:
    from sig.gpg.certificate import Certificate
    from sig.model.fingerprint import Fingerprint
    from sig.model.verdict import Verdict
    from sig.verbs.baking import File, Signers
    from sig.verbs.lock import Plan, Program
    from sig.verbs.workspace import Workspace

MODE = 0o755
_NO_KEY = "this folder has no own key: a loader goes by a configuration that is signed"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Wanted(NamedTuple):
    """A loader that is to be made: its absolute place, and what is said of it."""

    place: str
    said: Settings


class Made(NamedTuple):
    """A loader that is there: its place, what it is, its bytes, and whether it was made now."""

    place: str
    loader: Loader
    raw: bytes
    is_new: bool

    @property
    def id(self) -> Identifier:
        """What is attested of it."""
        return Identifier.of_bytes(self.raw)


# --- before anything is written ------------------------------------------------------------------


def asked(workspace: Workspace, path: str, given: Settings) -> tuple[Program, list[Settings]]:
    """The program of a script or a project, and the loaders of it that are asked for.

    Raises UsageError, FormatError, NotFound, StoreError; Refused for a folder in the place of a
    script.
    """
    if not os.path.isdir(path):
        program = locks.program_of(path, given.app)
        return program, settings.wanted(program.script, None, given)
    lock = locks.was_script(workspace, path)
    if lock and given.app is None:
        raise Refused(f"{path} is a folder, and {lock} is of a script")
    several = settings.wanted("", locks.project_of(path), given)
    python = several[0].python
    if given.python is None and python is not None and "/" in python:
        python = os.path.join(path, python)  # a table speaks of its own folder
    return locks.program_of(path, several[0].app), [one._replace(python=python) for one in several]


def fits(program: Program, plan: Plan) -> bool:
    """Whether what a start looks at first is still what the lock says: the script, or the file of a
    project.
    """
    name = program.script or PYPROJECT
    listed = next((root.files for root in plan.roots if root.name == APP), None)
    raw = contents(os.path.join(program.folder, name), limits.REPOSITORY)
    if raw is None or listed is None:
        return False
    return listed.files.get(name) == Identifier.of_bytes(raw).removeprefix("sha256:")


def check(workspace: Workspace, python: Python, asked: Sequence[Settings]) -> None:
    """Refuse what no loader can be made with: a folder without a key, a Python that is neither the
    system's nor a whole build, and options for which a build would need more modules than it has
    before the finder. Signers that are baked need no key of the folder, and the system's Python.

    Raises NoKey, Refused, UsageError.
    """
    if sys.platform != "linux":
        raise Refused("a native loader needs Linux")
    is_baked = any(one.baked for one in asked)
    if not is_baked:
        _key(workspace)
    if is_baked and not python.is_system:
        raise Refused(
            f"{python.executable} is not the system's Python: {python.why_not};"
            " a baked loader cannot start another one yet",
            hint="sig loader build --python /usr/bin/python3",
        )
    if not python.is_system:
        interpreter.program(python)
        interpreter.library(python)
        for option in (option for one in asked for option in one.options):
            if option.startswith("-W") and _is_more(option[2:]):
                raise UsageError(
                    f"{option}: only the system's Python takes more than an action and a category",
                    hint="warnings.filterwarnings() in the program",
                )


def places(program: Program, asked: Sequence[Settings], given: str | None) -> list[Wanted]:
    """Where loaders of a program are written (R1). `given` is the place that the command line has,
    which is the user's own; the place in a table is relative to the program's folder.

    Raises UsageError for two in one place, Refused, NotFound, StoreError.
    """
    found: dict[str, Wanted] = {}
    for said in asked:
        output = given or said.output or ""
        if given is None:
            place = os.path.normpath(os.path.join(program.folder, output))
        else:
            place = os.path.abspath(given)
        if os.path.isdir(place):
            place = os.path.join(place, said.name or "")
        elif output.endswith("/") or (given is not None and len(asked) > 1):
            raise NotFound(f"no folder {output}")
        if given is None:
            _check_inside(program.folder, os.path.dirname(place))
        settings.checked_name(os.path.basename(place))
        if place in found:
            raise UsageError(f"two loaders would be {place}")
        _check_text(place)
        check_place(place)
        found[place] = Wanted(place, said)
    return list(found.values())


def _check_inside(folder: str, place: str) -> None:
    """What a project says of places leads nowhere else, through links either."""
    real = os.path.realpath(folder)
    if os.path.commonpath([real, os.path.realpath(place)]) != real:
        raise Refused(f"{place} does not lie in {folder}")


def _check_text(path: str) -> None:
    """A policy is text of one line, and so are the words of its program."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise Refused(f"{told(path)} is not UTF-8, and a loader is found by text") from None
    if _CONTROL.search(path):
        raise Refused(f"{told(path)} has a control character: a loader cannot lie there")


def check_place(place: str) -> None:
    """Whether a loader may be written there (R1). Raises Refused, NotFound, StoreError."""
    folder = os.path.dirname(place)
    if not os.path.isdir(folder):
        raise NotFound(f"no folder {folder}")
    try:
        status = os.lstat(place)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{place}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode) or not loader.is_loader(_end(place)):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no loader"
        raise Refused(
            f"{place} is there, and is {what}: choose another --name or --output",
        )


def _end(place: str) -> bytes:
    try:
        descriptor = os.open(place, NOT_LINKS)
        try:
            size = os.fstat(descriptor).st_size
            return os.pread(descriptor, loader.END, max(0, size - loader.END))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"{place}: {error.strerror}") from error


# --- what it goes by -----------------------------------------------------------------------------


def _draft(
    workspace: Workspace,
    program: Program,
    plan: Plan,
    wanted: Wanted,
    native: bytes,
    modules: Modules,
    by: loader.Folder | loader.Signers,
) -> Loader:
    """A loader as things are; of the configuration that is there."""
    said, python = wanted.said, plan.python
    spelled = _Spelled(program, wanted.place)
    status = os.stat(python.executable)
    policy = Policy(
        app=program.app,
        release=said.release or covering.releases(workspace, program.app).highest,
        program=spelled(program.folder),
        script=program.script,
        call=said.script or "",
        by=by,
        python=Interpreter(
            asked=spelled(python.asked),
            executable=_text(python.executable),
            version=python.version,
            prefix=spelled(python.prefix),
            base="" if python.is_system else _text(python.base_prefix),
            stdlib=tuple(map(_text, _library(python))),
            system=tuple(map(_text, python.system_site)),
            site=tuple(map(spelled, python.site)),
            state=f"{status.st_size} {status.st_mtime_ns}",
        ),
        editable={
            root: Editable(spelled(source.folder), source.search)
            for root, source in _sources(program, plan).items()
        },
        policy=said.policy or loader.ENFORCE,
        marshal=MARSHAL in said.allow,
        env=said.env,
        options=said.options,
    )
    return Loader(native, policy, modules)


def _is_more(warning: str) -> bool:
    """Whether a filter of warnings has a pattern."""
    _, message, _, module, *_ = (*warning.split(":"), "", "", "")
    return bool(message or module)


def _library(python: Python) -> tuple[str, ...]:
    """The folders of its standard library; an archive of a build has no digests."""
    if python.is_system:
        return python.stdlib
    return tuple(os.path.join(python.base_prefix, folder) for folder in interpreter.search(python))


def _folder(workspace: Workspace) -> loader.Folder:
    return loader.Folder(
        folder=_text(os.path.abspath(workspace.home.path)),
        key=_key(workspace),
        sequence=workspace.config.sequence or 1,
        remotes=_sequences(workspace),
        home=Home(os.getuid(), _home()),
    )


def _key(workspace: Workspace) -> Fingerprint:
    key = workspace.config.key
    if key is None:
        raise NoKey(_NO_KEY, hint="sig setup")
    return key


def _text(path: str) -> str:
    _check_text(path)
    return path


class _Spelled:
    """How a loader at this place names paths (R5)."""

    def __init__(self, program: Program, place: str) -> None:
        folder = os.path.dirname(place)
        own, program_folder = os.path.realpath(folder), os.path.realpath(program.folder)
        self._from: tuple[str, ...] = ()
        if _lies_in(own, program_folder):
            self._from, self._up = (
                (program.folder, program_folder),
                os.path.relpath(program_folder, own),
            )
        elif _lies_in(program_folder, own):
            self._from, self._up = (folder, own), "."

    def __call__(self, path: str) -> str:
        _check_text(path)
        for base in self._from:
            if _lies_in(path, base):
                return os.path.normpath(os.path.join(self._up, os.path.relpath(path, base)))
        return path


def _lies_in(path: str, folder: str) -> bool:
    # In the root of all files lies everything: what is there is not moved with it.
    return folder != "/" and (path == folder or path.startswith(f"{folder}/"))


def _sequences(workspace: Workspace) -> dict[str, int]:
    found = {}
    for name, url in sorted((remote.name, remote.url) for remote in workspace.config.remotes):
        known = remotes.read(workspace.home.read(layout.remote_state(name)), url).sequence
        if known is not None:
            found[name] = known
    return found


def _sources(program: Program, plan: Plan) -> Mapping[str, locks.Source]:
    """The editable installs that the lock lists."""
    lists: dict[str, Manifest] = {}
    for root in plan.roots:
        if root.files is None:
            raise Refused(f"the list of {root.name} is not in the folder", hint="sig fetch")
        lists[root.name] = root.files
    return locks.sources(program, plan.environment, lists)


def _home() -> str:
    found = os.path.normpath(environment.home())
    return _text(found) if found.startswith("/") and not found.startswith("//") else "/"


# --- making it -----------------------------------------------------------------------------------


def build(
    workspace: Workspace,
    program: Program,
    plan: Plan,
    wanted: Sequence[Wanted],
    native: bytes,
    modules: Modules,
    passphrase: str | None = None,
) -> list[Made]:
    """Write the loaders that are not there as they should be (R1 to R4). `native` is the program
    that they are.

    Raises Refused, FormatError for what no policy can say, StoreError, GpgError.
    """
    from sig.verbs.configuring import configuration_file
    from sig.verbs.signer import Signer

    found: dict[str, Made] = {}
    due: dict[str, Loader] = {}
    with workspace.writing():
        sequence = workspace.config.sequence or 0
        for one in wanted:
            new = _draft(workspace, program, plan, one, native, modules, _folder(workspace))
            loader.write(new)  # what cannot be said is refused before anything is signed
            there = _there(one.place)
            if there is not None:
                _check_not_older(one.place, there, new, sequence)
            if there is not None and _is_same(one.place, there, new):
                found[one.place] = _made(one.place, there, False)
            else:
                due[one.place] = new
        if due:
            signer = Signer(workspace, passphrase)
            files = configuration_file(workspace, workspace.config, signer) | signer.changes()
            files |= _looked_at(workspace, plan)
            signed, _, _ = wire.configuration(files[layout.CONFIG] or b"")
            for place, new in due.items():
                found[place] = _made(place, _of_sequence(new, signed.sequence or 0), True)
            _write([found[place] for place in due], lambda: workspace.commit(files))
    return [found[one.place] for one in wanted]


def _looked_at(workspace: Workspace, plan: Plan) -> Mapping[str, bytes]:
    """Which list the interpreter has: a loader looks for no other (A2 of `interpreter`)."""
    build = plan.interpreter
    if build is None or build.files is None:
        return {}
    return interpreters.kept(workspace, plan.python, build.files)


def bake(
    asked: Signers,
    certificates: Iterable[Certificate],
    program: Program,
    plan: Plan,
    wanted: Sequence[Wanted],
    native: bytes,
    modules: Modules,
) -> tuple[list[Made], list[File]]:
    """Write baked loaders that are not there as they should be, and what lies beside them.

    Nothing is signed. Raises Refused where the signers do not say that the program is ok,
    FormatError, StoreError.
    """
    by = loader.Signers({one.fingerprint: one.raw for one in certificates}, asked.threshold)

    def drafted() -> tuple[list[Made], list[File]]:
        made = []
        for one in wanted:
            new = _draft(asked, program, plan, one, native, modules, by)
            if new.policy.release == 0:  # nobody signed one: the first that there may be
                new = new._replace(policy=new.policy._replace(release=1))
            there = _there(one.place)
            same = there == new and stat.S_IMODE(os.stat(one.place).st_mode) == MODE
            made.append(_made(one.place, new, not same))
        listed = {one.place: (one.loader, one.id) for one in made}
        return made, baking.gathered(asked, program.lock, plan.closure, listed)

    made, files = asked.consistent(drafted)
    for file in files:
        baking.check_place(file.place)
    # What lies beside them first: a new loader never finds an older one.
    written = baking.write(files)
    _write([one for one in made if one.is_new], lambda: None)
    return made, written


def _of_sequence(one: Loader, sequence: int) -> Loader:
    by = one.policy.by
    if isinstance(by, loader.Folder):
        by = by._replace(sequence=sequence)
    return one._replace(policy=one.policy._replace(by=by))


def _made(place: str, one: Loader, is_new: bool) -> Made:
    return Made(place, one, loader.write(one), is_new)


def _there(place: str) -> Loader | None:
    """The loader at a place; None where there is none, or one that cannot be read."""
    check_place(place)  # once more: it was looked at before a lock was made
    try:
        raw = contents(place, limits.LOADER)
        return None if raw is None else loader.read(raw)
    except (FormatError, Refused):
        return None


def _check_not_older(place: str, there: Loader, new: Loader, sequence: int) -> None:
    """R4. Another key is another folder in its place, whose numbers are its own."""
    before, now = there.policy.by, new.policy.by
    if isinstance(before, loader.Signers) or isinstance(now, loader.Signers):
        return
    same = (before.folder, before.key) == (now.folder, now.key)
    if same and before.sequence > sequence:
        raise Refused(
            f"{place} was made for sequence {before.sequence} of {now.folder}, which"
            f" now has {sequence}: that is an older copy of it",
            hint=f"rm {place}",
        )


def _is_same(place: str, there: Loader, new: Loader) -> bool:
    """R3."""
    before, now = there.policy.by, new.policy.by
    if isinstance(before, loader.Signers) or isinstance(now, loader.Signers):
        return False
    kept = now._replace(sequence=before.sequence, remotes=before.remotes)
    if any(now.remotes.get(name, 0) < number for name, number in before.remotes.items()):
        return False  # it would wait for a state that is not offered any more
    mode = stat.S_IMODE(os.stat(place).st_mode)
    return mode == MODE and there == new._replace(policy=new.policy._replace(by=kept))


def _write(made: Iterable[Made], commit: Callable[[], None]) -> None:
    """All of them are on the disk before the configuration is, and in their places after it."""
    temporary: dict[str, Made] = {}
    try:
        for one in made:
            temporary[_written(one)] = one
        commit()
        for path in list(temporary):
            _put(path, temporary[path].place)
            del temporary[path]
    finally:
        for path in temporary:
            with suppress(OSError):  # the first error is the one to tell
                os.unlink(path)


def _written(one: Made) -> str:
    folder, name = os.path.split(one.place)
    try:
        # Hidden: what is left of a killed process is no file of the program.
        descriptor, path = tempfile.mkstemp(".new", f".{name}.", folder)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(one.raw)
                stream.flush()
                os.fchmod(descriptor, MODE)
                os.fsync(descriptor)
        except BaseException:
            os.unlink(path)
            raise
    except OSError as error:
        raise StoreError(f"{one.place}: {error.strerror}") from error
    return path


def _put(path: str, place: str) -> None:
    check_place(place)
    try:
        os.replace(path, place)
        flush_folder(os.path.dirname(place))
    except OSError as error:
        raise StoreError(f"{place}: {error.strerror}") from error


# --- looking at one ------------------------------------------------------------------------------


class Inspected(NamedTuple):
    """A loader that was read and not run: what it says, and what is believed of the file."""

    path: str
    size: int
    loader: Loader
    verdict: Verdict


def inspect(workspace: Workspace, path: str) -> Inspected:
    """What a file says of itself, as a loader. Raises FormatError for one that is none, or damaged,
    NotFound, Refused, StoreError.
    """
    raw, found = _inspected(path)
    id = Identifier.of_bytes(raw)
    return Inspected(path, len(raw), found, verdicts_of(workspace, [id])[id])


def _inspected(path: str) -> tuple[bytes, Loader]:
    raw = contents(path, limits.LOADER)
    if raw is None:
        raise NotFound(f"no {path}")
    try:
        found = loader.read(raw)
    except FormatError as error:
        raise FormatError(f"{path}: {error.message}") from error
    if found is None:
        raise FormatError(f"{path} is no loader")
    return raw, found


def update(workspace: Workspace, path: str) -> File:
    """Write what lies beside a baked loader anew. Raises what `inspect` and `baking.update` do."""
    found = _inspected(path)
    return baking.update(workspace, path, found[1], Identifier.of_bytes(found[0]))


def is_ok(workspace: Workspace, id: Identifier) -> bool:
    """Whether a loader is attested, as one that is strict asks."""
    return verdicts_of(workspace, [id])[id].answer is Answer.OK
