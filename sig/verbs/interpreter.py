"""Who answers for an interpreter that is not the operating system's (docs/spec/closure §7).

A1  An ok about one says that it is about a Python; it counts for running programs with it and for
    nothing else, and no other ok counts for that.
A2  The list of a build is made anew when a program is locked and when the build is attested. Which
    list belongs to which file of a disk is kept in the folder, as a hint: at a run nothing else is
    looked for, and what is found by it counts only by its digests.
A3  Where nobody answers for what lies there, a list counts of which all files do: what is there
    besides is not covered, and does not exist for a program.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sig.errors import Refused
from sig.model import manifest
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.model.verdict import Answer, Verdict
from sig.repo import interpreter, objects
from sig.repo.python import Python
from sig.trust.decide import PYTHON
from sig.verbs.covering import Root
from sig.verbs.trees import list_verdict

if TYPE_CHECKING:
    from sig.verbs.attest import Claim
    from sig.verbs.workspace import Workspace

ROOT = "python"
HINTS = "pythons/"
_HINT = 80  # bytes of an identifier and a line end


def claim(python: Python, progress: Callable[[int, int], None] | None = None) -> Claim:
    """What `attest` says about an interpreter, as far as nothing is said about it.

    Raises Refused for the system's, and as `sig.repo.interpreter.manifest_of` does.
    """
    from sig.verbs.attest import Claim

    if python.is_system:
        raise Refused(f"{python.executable} belongs to the operating system, which answers for it")
    files = interpreter.manifest_of(python, progress)
    return Claim(
        python.asked,
        files.id,
        False,
        False,
        manifest=files,
        criteria=(PYTHON,),
        check=lambda: interpreter.manifest_of(python) == files,
    )


def found(workspace: Workspace, python: Python) -> Manifest:
    """The list of an interpreter as it lies here (A3). Raises as `claim` does."""
    own = interpreter.manifest_of(python)
    chosen = own
    if judged(workspace, own.id).answer not in (Answer.OK, Answer.BAD):
        for other in _others(workspace, python, own):
            answer = judged(workspace, other.id).answer
            if answer is Answer.BAD or (answer is Answer.OK and chosen is own):
                chosen = other
    return chosen


def kept(workspace: Workspace, python: Python, files: Manifest) -> dict[str, bytes]:
    """What the folder is to keep of an interpreter that was looked at (A2), for a commit."""
    new = {_hint(python): f"{files.id}\n".encode()}
    if not objects.has(workspace.home, files.id):
        new[objects.name(files.id)] = files.text
    return new


def remember(workspace: Workspace, python: Python, files: Manifest) -> None:
    """Keeps it (A2)."""
    with workspace.writing():
        workspace.commit(kept(workspace, python, files))


def _others(workspace: Workspace, python: Python, own: Manifest) -> Iterator[Manifest]:
    """Other lists of which all files lie there, by the line of the program first."""
    path = interpreter.program(python)
    line = f"{own.files[path]}  {path}\n".encode()
    others = [id for id in objects.ids(workspace.home) if id != own.id]
    for _, raw in objects.lists(workspace.home, others):
        if line in raw:
            other = manifest.read_canonical(raw)
            if other.files.items() <= own.files.items():
                yield other


def judged(workspace: Workspace, id: Identifier) -> Verdict:
    """What is believed of the list of an interpreter (A1)."""
    return list_verdict(workspace, id, PYTHON)


def root(workspace: Workspace, python: Python) -> Root:
    """The list of an interpreter and what is believed of it; by the hint where there is one (A2).

    Raises as `claim` does where there is none.
    """
    raw = workspace.home.read(_hint(python), _HINT) or b""
    try:
        id = Identifier(raw.decode("ascii", "replace").strip())
    except ValueError:
        files = found(workspace, python)
        return Root(ROOT, files.id, files, judged(workspace, files.id))
    text = objects.read(workspace.home, id)
    listed = None if text is None else manifest.read_canonical(text)
    return Root(ROOT, id, listed, judged(workspace, id))


def _hint(python: Python) -> str:
    """The file of the folder that says which list this interpreter has (A2)."""
    place = os.path.realpath(python.executable)
    return HINTS + hashlib.sha256(os.fsencode(place)).hexdigest()
