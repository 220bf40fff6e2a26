"""Put a plug-in into a folder that a host loads from: verified first, then unpacked, or kept whole.

Here: where it comes from, and how it gets into the folder. Not here: what is believed of what lies
there (`plugins`), and how it is loaded (`sig.imports.hosting`, `sig.plugins`).

N1  What was downloaded or read is in memory. The verdict is about these bytes, and what is unpacked
    comes from them: nothing is opened again.
N2  Nothing is written to the folder before the verdict is ok, and nothing of an archive that all
    readers do not read alike (`sig.repo.archive`).
N3  What is unpacked lies as the archive lists it, in a folder of its own. So its tree is the list
    that the statement about the archive names, and whoever asks later gets an ok by that. Where
    nobody who counts signed the list, and where a wheel has files that an installer would put
    elsewhere, the archive stays whole (docs/decisions/0010-plugins).
N4  A plug-in comes into the folder in one rename, and takes the place of any other form of itself:
    files of two versions are never side by side.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from sig.errors import Changed, Conflict, FormatError, Refused, StoreError, UsageError
from sig.model.configuration import remote_name
from sig.model.identifier import Identifier
from sig.model.manifest import told
from sig.model.verdict import Answer
from sig.repo.archive import Held, held, is_archive
from sig.repo.disk import opener
from sig.verbs import plugins
from sig.verbs.plugins import ARCHIVE, FILE, Plugin
from sig.verbs.trees import list_verdict
from sig.verbs.verify import Result, verify

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

LARGEST = 256 << 20
_INFO = re.compile(r"([A-Za-z0-9][A-Za-z0-9._]*)-[^/-]+\.dist-info/METADATA")
_DATA = re.compile(r"[^/]+\.data/")
_DEEP = 64
_LONGEST = 4000  # bytes; no kernel takes more than 4095
# Longest first: ``x.tar.gz`` is not ``x.tar`` packed.
_ENDINGS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".whl", ".zip")


class Offered(NamedTuple):
    """What is to be installed: the URL or path as it was given, a file name, and the bytes."""

    asked: str
    file: str
    data: bytes
    id: Identifier


class Installed(NamedTuple):
    """What lies in the folder now. `whole` is why an archive was not unpacked, or empty."""

    plugin: Plugin
    replaced: tuple[str, ...]
    whole: str = ""


def is_url(asked: str) -> bool:
    """Whether it is downloaded."""
    return asked.lower().startswith(("http://", "https://"))


def offered(
    workspace: Workspace, asked: str, progress: Callable[[str, int, int | None], None] | None = None
) -> Offered:
    """Download it, or read the file, once (N1).

    Raises NetworkError, StoreError, Refused for what is no regular file, UsageError for a name that
    no file may have.
    """
    if is_url(asked):
        name = unquote(urlsplit(asked).path).rpartition("/")[2]
        _check_name(name, asked)
        watch = None if progress is None else partial(progress, asked)
        data = workspace.transport().get(asked, limit=LARGEST, progress=watch).body or b""
    else:
        name = os.path.basename(os.path.abspath(asked))
        _check_name(name, asked)
        data = contents(asked)
    return Offered(asked, name, data, Identifier.of_bytes(data))


def _check_name(name: str, asked: str) -> None:
    try:
        remote_name(name[:64])
        if len(name) > 255 or re.fullmatch(r"[A-Za-z0-9._+!-]+", name, re.ASCII) is None:
            raise ValueError("use letters, digits and . _ -")
    except ValueError as error:
        raise UsageError(f"{told(asked)} has no name for a plug-in: {error}") from error


def contents(path: str) -> bytes:
    """The bytes of a file, from one opening. Raises Refused for no regular file, StoreError."""
    try:
        with open(path, "rb", buffering=0, opener=opener) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Refused(f"{path} is not a regular file")
            blocks = []
            left = LARGEST + 1
            while left > 0 and (block := stream.read(min(left, 1 << 20))):
                blocks.append(block)
                left -= len(block)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    if left <= 0:
        raise StoreError(f"{path} is larger than {LARGEST >> 20} MiB")
    return b"".join(blocks)


def looked_at(workspace: Workspace, found: Offered) -> Result:
    """What is believed of exactly these bytes; of an archive also of its members (N1)."""
    with tempfile.TemporaryDirectory(prefix="sig-") as place:
        copy = os.path.join(place, found.file)
        with open(copy, "xb") as stream:
            stream.write(found.data)
        (result,) = verify(workspace, [copy])
        if result.verdict.id not in (None, found.id):
            raise Changed(f"{found.asked} changed while it was looked at")
        text = result.told.replace(copy, found.asked)
        notes = [note.replace(copy, found.asked) for note in workspace.notes]
        workspace.notes[:] = notes
        return result._replace(asked=found.asked, told=text)


# --- into the folder -----------------------------------------------------------------------------


class Planned(NamedTuple):
    """What will lie in the folder: its name there, the archive, and what gives way to it."""

    name: str
    plain: str
    archive: Held | None
    before: tuple[str, ...]


def planned(found: Offered, folder: str) -> Planned:
    """What an installation would do (N2, N4). Raises FormatError and Refused for what is none."""
    archive = None
    if found.file.endswith(plugins.MODULES):
        name, plain = found.file, found.file.partition(".")[0]
    elif _is_archive(found):
        try:
            archive = held(found.data)
        except FormatError as error:
            raise FormatError(f"{found.asked}: {error.message}") from error
        name = plain = _name(found, archive)
    else:
        raise Refused(f"{found.asked} is no module, package or archive")
    return Planned(name, plain, archive, tuple(_same(folder, plain)))


def _is_archive(found: Offered) -> bool:
    with tempfile.NamedTemporaryFile(prefix="sig-") as copy:
        copy.write(found.data)
        copy.flush()
        return is_archive(copy.name)


def _name(found: Offered, archive: Held) -> str:
    """The name of a plug-in that is an archive: of a wheel its distribution's."""
    named = [one[1] for path in archive.files if (one := _INFO.fullmatch(path)) is not None]
    ending = next((one for one in _ENDINGS if found.file.lower().endswith(one)), "")
    name = named[0] if len(named) == 1 else found.file[: len(found.file) - len(ending)]
    try:
        return remote_name(name)
    except ValueError as error:
        raise UsageError(f"{found.asked} has no name for a plug-in: {error}") from error


def _same(folder: str, plain: str) -> Iterator[str]:
    """The names in the folder that are of the same plug-in, in whatever form (N4)."""
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error
    for name in names:
        kind = plugins.kind_of(os.path.join(folder, name))
        stem = name
        if kind == FILE:
            stem = name.partition(".")[0]
        elif kind == ARCHIVE:
            stem = name.partition("-")[0] if name.lower().endswith(".whl") else name[: -len(".zip")]
        if kind and _normal(stem) == _normal(plain):
            yield name


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def install(workspace: Workspace, found: Offered, plan: Planned, folder: str) -> Installed:
    """Put it there (N3, N4); the caller has seen that it is ok, and asked about `plan.before`.

    Raises Refused, FormatError, Conflict, StoreError; then the folder is as it was.
    """
    folder = os.path.abspath(folder)
    try:
        os.makedirs(folder, exist_ok=True)
        with _beside(folder) as room:
            return _install(workspace, found, plan, folder, room)
    except OSError as error:
        raise StoreError(f"{error.filename or folder}: {error.strerror}") from error


@contextmanager
def _beside(folder: str) -> Iterator[str]:
    room = tempfile.mkdtemp(prefix=".sig-", dir=folder)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _install(
    workspace: Workspace, found: Offered, plan: Planned, folder: str, room: str
) -> Installed:
    whole = ""
    new = os.path.join(room, plan.name)
    if plan.archive is None:
        _write(new, found.data)
    else:
        whole = _why_whole(workspace, plan.archive, new)
        if not whole:
            _unpack(plan.archive, new)
            judged = plugins.judge(workspace, new)
            if judged.verdict.answer is not Answer.OK:
                why = judged.verdict.message
                raise Refused(f"{found.asked} is not ok once it is unpacked: {why}")
        else:
            if not found.file.lower().endswith(plugins.ARCHIVES):
                raise Refused(
                    f"{found.asked} is not unpacked: {whole}; "
                    "and only a zip or a wheel is loaded as it is"
                )
            new = os.path.join(room, found.file)
            _write(new, found.data)
    target = os.path.join(folder, os.path.basename(new))
    _put(new, target, [os.path.join(folder, name) for name in plan.before], room)
    return Installed(plugins.judge(workspace, target), plan.before, whole)


def _why_whole(workspace: Workspace, archive: Held, place: str) -> str:
    """Why an archive is not unpacked, or nothing (N3)."""
    if any(path.count("/") > _DEEP or _too_long(place, path) for path in archive.files):
        return "it has paths that cannot be written here"
    if any(_DATA.match(path) for path in archive.files):
        return "it has files that an installer would put elsewhere"
    listed = archive.listed.manifest.id
    believed = workspace.consistent(lambda: list_verdict(workspace, listed))
    if believed.answer is not Answer.OK:
        return "nobody who counts signed the list of its files (sig attest --tree)"
    return ""


def _too_long(place: str, path: str) -> bool:
    try:
        return len(os.fsencode(f"{place}/{path}")) > _LONGEST
    except UnicodeEncodeError:  # not in this locale
        return True


def _write(path: str, data: bytes) -> None:
    with open(path, "xb") as stream:
        stream.write(data)


def _unpack(archive: Held, place: str) -> None:
    """Into a folder that nobody else may enter yet. The paths are those of a manifest, which leads
    nowhere else (docs/spec/manifest §2).
    """
    os.mkdir(place)
    for path, data in archive.files.items():
        target = os.path.join(place, *path.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write(target, data)


def _put(new: str, target: str, before: list[str], room: str) -> None:
    """N4."""
    aside: list[tuple[str, str]] = []
    try:
        for number, path in enumerate(before):
            there = os.path.join(room, f"before-{number}")
            with suppress(FileNotFoundError):  # it went by itself
                os.rename(path, there)
                aside.append((there, path))
        taken = f"{target} was made by another program meanwhile"
        if os.path.lexists(target):
            raise Conflict(taken)
        try:
            os.rename(new, target)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR):
                raise Conflict(taken) from error
            raise
    except BaseException:
        for there, path in aside:
            with suppress(OSError):  # the first error is the one to tell
                os.rename(there, path)
        raise


# --- what lies there -----------------------------------------------------------------------------


def listed(workspace: Workspace, path: str) -> list[Plugin]:
    """The plug-ins in a folder, or the one that a path is.

    A folder is one itself if it is a package or an unpacked wheel, if someone who counts speaks of
    the whole of it, or if it comes close to a list that counts and nothing in it counts by itself.
    Raises UsageError for what is neither, StoreError.
    """
    if not os.path.isdir(path):
        try:
            return [plugins.judge(workspace, path)]
        except ValueError as error:
            if not os.path.lexists(path):
                raise StoreError(f"{path}: no such file or folder") from error
            raise UsageError(str(error)) from error
    found = plugins.judge_all(workspace, path)
    if os.path.basename(os.path.abspath(path)).startswith("."):
        return found
    names = os.listdir(path)
    itself = "__init__.py" in names or any(name.endswith(".dist-info") for name in names)
    if itself or not any(one.verdict.answer is Answer.OK for one in found):
        whole = plugins.judge(workspace, path)
        if itself or whole.verdict.answer is Answer.UNVERIFIED:
            return [whole]
    return found
