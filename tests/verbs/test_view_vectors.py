"""vectors/view: small whole folders, and what their views answer (vectors/README.md)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sig.errors import StoreError
from sig.model import instant
from sig.model.identifier import Identifier
from sig.model.verdict import Judged
from sig.verbs import doctor
from sig.verbs.workspace import Workspace
from tests import vectors
from tests.verbs.viewed import CannotTell, Viewer

FILES = vectors.files("view")


class Scenario:
    """One file: a folder, the instant of the questions, and those."""

    def __init__(self, path: Path) -> None:
        vector = vectors.read(path)
        self.head = vector.head
        self.asked = [one for one in vector.lines if "id" in one]
        self.looked = [one for one in vector.lines if "id" not in one]
        self.files = {name: vector.one(name) for name in vector.data}
        self.now = instant.parse(vector.head["now"])

    def put(self, folder: Path) -> None:
        """Write the folder."""
        for name, raw in self.files.items():
            place = folder / name
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.write_bytes(raw)
            place.chmod(0o600)


def shown(line: Judged) -> dict[str, Any]:
    """What a vector says of a line."""
    return {
        "key": line.key,
        "state": line.state.value,
        "counted": line.counted,
        "newest": line.newest,
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_view_answers_as_its_vector_says(path: Path, tmp_path: Path) -> None:
    """By the view alone; by the whole folder the same, but where strangers spoke."""
    vector = Scenario(path)
    folder, site = tmp_path / "folder", tmp_path / "site.json"
    vector.put(folder)
    if "site" in vector.head:
        site.write_text(vector.head["site"])
    for one in vector.asked:
        id = Identifier(one["id"])
        viewer = Viewer(folder, now=lambda: vector.now, site=site)
        try:
            viewer.opened()
            found = viewer.verdicts([id])[id]
        except (CannotTell, StoreError):
            assert one["verdict"] == "error"
            continue
        assert (one["verdict"], one["reason"]) == (found.answer.value, found.reason.value)
        told = sorted(
            map(shown, found.statements), key=lambda line: json.dumps(line, sort_keys=True)
        )
        assert one["statements"] == told
        assert one.get("notes", []) == viewer.notes
        workspace = Workspace(folder, now=lambda: vector.now, site=site)
        whole = workspace.consistent(partial(workspace.verdicts, [id]))[id]
        expected = one.get("whole", f"{found.answer.value} {found.reason.value}")
        assert expected == f"{whole.answer.value} {whole.reason.value}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_view_says_where_to_look_as_its_vector_says(path: Path, tmp_path: Path) -> None:
    """For what speaks against files, and for lists of the same distributions."""
    vector = Scenario(path)
    vector.put(tmp_path / "folder")
    for one in vector.looked:
        viewer = Viewer(tmp_path / "folder", now=lambda: vector.now)
        viewer.opened()
        try:
            if "like" in one:
                found = viewer.lists_like(one["like"].encode())
            else:
                found = viewer.against(list(map(Identifier, one["against"])))
        except ValueError:
            assert "error" == one["verdict"]
        else:
            assert one["found"] == sorted(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_doctor_finds_the_view_of_a_vector_sound_or_not(path: Path, tmp_path: Path) -> None:
    """It reads the files as well: so the views are those that the files give."""
    vector = Scenario(path)
    vector.put(tmp_path / "folder")
    workspace = Workspace(tmp_path / "folder", now=lambda: vector.now)
    try:
        found = [*doctor._configuration(workspace), *doctor._derived(workspace)]
        # There is no index in a vector, and it is not what is asked about.
        bad = [one for one in found if one.level == "problem" and "index" not in one.message]
    except StoreError:
        bad = [object()]  # type: ignore[list-item]
    assert (vector.head["sound"] == "yes") == (not bad), bad


def test_vectors_cover_what_can_be_wrong() -> None:
    """Folders that answer, folders that do not, and the one allowed difference."""
    vectors = [Scenario(path) for path in FILES]
    answers = [one["verdict"] for vector in vectors for one in vector.asked]
    assert {"ok", "bad", "unverified", "unknown", "error"} == set(answers)
    assert sum(vector.head["sound"] == "no" for vector in vectors) > 20
    assert any("whole" in one for vector in vectors for one in vector.asked)
    looked = [one for vector in vectors for one in vector.looked]
    assert {"against", "like", "found", "verdict"} == {name for one in looked for name in one}
