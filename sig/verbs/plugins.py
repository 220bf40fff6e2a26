"""What is believed of a plug-in: what stands in a folder that a host loads from.

Here: which of it are plug-ins, the verdict about each, and the list of files that it rests on. Not
here: how any of it is loaded (`sig.imports.hosting`).

G1  A folder counts by its tree, an archive by its own bytes, both as `sig verify` has them. What is
    covered is what the list says, whatever else lies there.
G2  A statement about a single file covers that file as a module directly in a declared folder, and
    nothing else: never `__init__.py`, for a package is more than that file.
G3  Who stands behind the whole of a declared folder answers for all that is in it. Where nobody
    does, each plug-in has its own verdict. A warning about the whole stops all of them.
G4  One listed file that is marked bad marks its plug-in bad.

Reads and decides; only `attest` writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import Changed, FormatError, Refused, StoreError
from sig.model import manifest
from sig.model.identifier import Identifier
from sig.model.manifest import Difference, Manifest, told
from sig.model.verdict import Answer, Reason, Verdict
from sig.repo import objects
from sig.repo.archive import members
from sig.verbs.trees import Listed, judged_folder, list_of, list_verdict, listed
from sig.verbs.verify import Result, verdicts_of, verify

if TYPE_CHECKING:
    from sig.verbs.attest import Attested
    from sig.verbs.workspace import Workspace

FOLDER, FILE, ARCHIVE = "folder", "file", "archive"
ARCHIVES = (".whl", ".zip")
MODULES = (".py", *EXTENSION_SUFFIXES)

_NAMED = 3  # paths that differ, in one sentence


class Plugin(NamedTuple):
    """One plug-in and what is believed of it.

    `path` is absolute, `kind` one of ``folder``, ``file``, ``archive``. `files` are those that are
    covered, by their path in the folder or archive, or the file's own name; None unless the verdict
    is ok. `told` is what people should read besides.
    """

    name: str
    path: str
    kind: str
    verdict: Verdict
    files: Manifest | None
    told: str = ""


def kind_of(path: str) -> str:
    """What kind of plug-in a path is, by its name and whether it is a folder; empty for none."""
    name = os.path.basename(path)
    if name.startswith(".") or name == "__pycache__":
        return ""
    if os.path.isdir(path):
        return FOLDER
    if not os.path.isfile(path):
        return ""
    if name.lower().endswith(ARCHIVES):
        return ARCHIVE
    stem = name.partition(".")[0]
    return FILE if stem != "__init__" and name[len(stem) :] in MODULES else ""  # G2


def judge(workspace: Workspace, path: str) -> Plugin:
    """What is believed of one plug-in.

    What cannot be read is an answer too. Raises ValueError for what is no plug-in.
    """
    path = os.path.abspath(path)
    kind = kind_of(path)
    if kind == FOLDER:
        return _folder(workspace, path, judged_folder(workspace, path))
    if kind == ARCHIVE:
        return _archive(workspace, path)
    if kind == FILE:
        (found,) = verify(workspace, [path])
        verdict = found.verdict
        files = None
        if verdict.answer is Answer.OK and verdict.id is not None:
            try:
                files = Manifest.of([(os.path.basename(path), _digits(verdict.id))])
            except FormatError as error:
                verdict = _unreadable(verdict.id, error.message)
        return Plugin(os.path.basename(path).partition(".")[0], path, FILE, verdict, files)
    raise ValueError(f"{told(path)} is no module, package or archive")


def judge_all(workspace: Workspace, folder: str) -> list[Plugin]:
    """What is believed of each plug-in in a declared folder, sorted by name.

    Of the folder alone, where someone who counts stands behind the whole of it or warns of the
    whole (G3). Nothing of a folder that is not there. Raises StoreError where it cannot be listed.
    """
    folder = os.path.abspath(folder)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error
    whole = judged_folder(workspace, folder)
    if whole.verdict.answer is Answer.OK or _is_bad(workspace, whole):
        found = _folder(workspace, folder, whole)
        if found.verdict.answer in (Answer.OK, Answer.BAD):
            return [found]
    about = _differing(whole)
    besides = about and f"the whole of {folder} {about}"
    plugins = []
    for name in names:
        path = os.path.join(folder, name)
        if kind_of(path):
            one = judge(workspace, path)
            if one.verdict.answer is not Answer.OK and besides:
                one = one._replace(told=f"{one.told}; {besides}" if one.told else besides)
            plugins.append(one)
    return plugins


def again(workspace: Workspace, plugin: Plugin) -> Verdict:
    """What is believed by now of what a verdict was about, whatever lies there by now."""
    id = plugin.verdict.id
    if id is None:
        return plugin.verdict
    if plugin.kind == FOLDER:
        found = workspace.consistent(lambda: list_verdict(workspace, id))
    else:
        found = verdicts_of(workspace, [id])[id]
    if found.answer is not Answer.BAD and plugin.files is not None:  # G4
        bad = marked_bad(workspace, plugin.files.files.values())
        for path, digest in plugin.files.files.items():
            if digest in bad:
                why = f"{path} is {bad[digest]}"
                return found._replace(answer=Answer.BAD, reason=Reason.MARKED_BAD, message=why)
    return found


def marked_bad(workspace: Workspace, digests: Iterable[str]) -> dict[str, str]:
    """Those of these digests (64 hex digits) that are marked bad, and in which words.

    Raises StoreError where the folder of attestations cannot be believed.
    """
    ids = [Identifier(f"sha256:{digest}") for digest in digests]
    found = {}
    for id, one in verdicts_of(workspace, ids).items():
        if one.reason is Reason.STORE:
            raise StoreError(one.message, hint=one.hint)
        if one.answer is Answer.BAD:
            found[_digits(id)] = one.message
    return found


# --- one kind each -------------------------------------------------------------------------------


def _folder(workspace: Workspace, path: str, found: Result) -> Plugin:
    name = os.path.basename(path)
    verdict, files = found.verdict, None
    if verdict.answer is Answer.OK and verdict.id is not None:
        try:
            files = _list_named(workspace, path, verdict.id)
        except (FormatError, Refused, Changed, StoreError) as error:
            verdict = _unreadable(verdict.id, error.message)
    elif verdict.answer in (Answer.UNKNOWN, Answer.UNVERIFIED) and found.differences:
        verdict = verdict._replace(
            answer=Answer.UNVERIFIED, reason=Reason.DIFFERS, message=_differing(found)
        )
    return Plugin(name, path, FOLDER, verdict, files, found.told)


def _list_named(workspace: Workspace, path: str, id: Identifier) -> Manifest:
    """The list that a verdict about a folder rests on (G1)."""
    raw = workspace.consistent(lambda: objects.read(workspace.home, id))
    if raw is not None:
        return manifest.read_canonical(raw)
    found = listed(path)
    if found.id != id:
        raise Changed(f"{path} changed while it was looked at")
    return found


def _archive(workspace: Workspace, path: str) -> Plugin:
    name = os.path.basename(path)
    (found,) = verify(workspace, [path])
    verdict, files = found.verdict, None
    if verdict.answer is Answer.OK and verdict.id is not None:
        try:
            inside = members(path)
            if inside.sha256 != _digits(verdict.id):
                raise Changed(f"{path} changed while it was looked at")
            files = inside.manifest
        except (FormatError, Refused, Changed, StoreError) as error:
            verdict = _unreadable(verdict.id, error.message)
    return Plugin(name, path, ARCHIVE, verdict, files, found.told)


def _unreadable(id: Identifier, why: str) -> Verdict:
    return Verdict(id, Answer.ERROR, Reason.UNREADABLE, why)


def _digits(id: Identifier) -> str:
    return id.removeprefix("sha256:")


def _is_bad(workspace: Workspace, whole: Result) -> bool:
    """Whether a warning is about the whole of a folder, and not about a file in it (G3, G4)."""
    id = whole.verdict.id
    if whole.verdict.answer is not Answer.BAD or id is None:
        return False
    return workspace.consistent(lambda: list_verdict(workspace, id)).answer is Answer.BAD


def _differing(found: Result) -> str:
    """How a folder differs from a list that somebody stands behind; nothing where it does not."""
    different: Sequence[Difference] = found.differences
    if not different:
        return ""
    named = ", ".join(f"{told(one.path)} {one.kind}" for one in different[:_NAMED])
    more = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
    return f"differs from a list that counts: {named}{more}"


# --- an own word ---------------------------------------------------------------------------------


def seen(path: str) -> Listed:
    """What lies there now: what an own word about it would be about.

    Raises what `sig.verbs.trees.list_of` does, and OSError.
    """
    return list_of(path, archives=kind_of(path) == ARCHIVE)


def attest(workspace: Workspace, plugin: Plugin, looked_at: Listed) -> Attested:
    """Sign that it was reviewed and is ok, as `sig attest` does, of exactly what was `seen`.

    Raises NoKey, GpgError, StoreError, and Changed for what is not any more what was looked at.
    """
    from sig.errors import NoKey
    from sig.verbs import attest as attesting

    if workspace.config.key is None:
        raise NoKey("this folder has no own key", hint="sig setup")
    if plugin.kind == FILE:
        claim = attesting.Claim(plugin.path, looked_at.id, True, True)
    else:
        claim = attesting.Claim.of(plugin.path, looked_at, True, True)
    (signed,) = attesting.attest(workspace, [claim])
    return signed
