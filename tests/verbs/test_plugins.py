"""What is believed of plug-ins: each by its own kind, or all by the whole folder."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from sig.errors import Changed, NoKey
from sig.verbs import plugins
from sig.verbs.plugins import Plugin
from tests.verbs.forest import followed, made, manifest_of, sha, tree_statement
from tests.verbs.parties import Party, Reader, Web

TREE = {"__init__.py": b"x = 1\n", "more.py": b"y = 2\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with plug-ins of each kind, and what is none."""
    place = made(tmp_path / "plug", {"one.py": b"one = 1\n", "readme.txt": b"hello\n"})
    made(place / "tree", TREE)
    made(place, {".hidden/x.py": b"", "__pycache__/one.pyc": b"", "__init__.py": b""})
    with zipfile.ZipFile(place / "packed.zip", "w") as archive:
        archive.writestr("packed.py", "z = 3\n")
    return place


def judged(reader: Reader, folder: Path) -> dict[str, Plugin]:
    """Each plug-in by its name."""
    return {one.name: one for one in plugins.judge_all(reader.workspace, str(folder))}


def answers(reader: Reader, folder: Path) -> dict[str, str]:
    """Their verdicts."""
    return {name: one.verdict.answer.value for name, one in judged(reader, folder).items()}


def test_plugins_are_modules_packages_and_archives_directly_in_the_folder(
    reader: Reader, folder: Path
) -> None:
    """Nothing hidden, no bytecode, no text, and never `__init__.py` by itself."""
    found = judged(reader, folder)
    assert {"one": "file", "tree": "folder", "packed.zip": "archive"} == {
        name: one.kind for name, one in found.items()
    }
    assert {"unknown"} == {one.verdict.answer.value for one in found.values()}
    assert {None} == {one.files for one in found.values()}
    assert {} == judged(reader, folder / "nowhere")
    for path in ("__init__.py", "readme.txt", "nowhere"):
        with pytest.raises(ValueError, match="no module, package or archive"):
            plugins.judge(reader.workspace, str(folder / path))


def test_each_kind_counts_by_what_it_is(reader: Reader, web: Web, folder: Path, bob: Party) -> None:
    """A file by its digest, an archive by its bytes, a folder by its tree; with what is covered."""
    bob.says(sha(b"one = 1\n"))
    bob.says(sha((folder / "packed.zip").read_bytes()))
    tree_statement(bob, manifest_of(TREE))
    followed(reader, web, bob, lists=[manifest_of(TREE)])
    made(folder, {"tree/__pycache__/more.pyc": b"forged"})
    found = judged(reader, folder)
    assert {"one": "ok", "tree": "ok", "packed.zip": "ok"} == answers(reader, folder)
    assert manifest_of({"one.py": b"one = 1\n"}) == found["one"].files
    assert manifest_of(TREE) == found["tree"].files
    assert manifest_of({"packed.py": b"z = 3\n"}) == found["packed.zip"].files


def test_files_that_are_ok_do_not_make_a_folder_ok(
    reader: Reader, web: Web, folder: Path, bob: Party
) -> None:
    """Each file of a package, and the same tree as an archive: none says which files there are."""
    for data in TREE.values():
        bob.says(sha(data))
    bob.says(sha(manifest_of(TREE).text))
    followed(reader, web, bob)
    assert "ok" != answers(reader, folder)["tree"]


def test_a_folder_that_differs_says_how(reader: Reader, web: Web, folder: Path, bob: Party) -> None:
    """Changed and extra files are named; no list of what is covered is given."""
    tree_statement(bob, manifest_of(TREE))
    followed(reader, web, bob, lists=[manifest_of(TREE)])
    made(folder, {"tree/evil.py": b""})
    found = judged(reader, folder)["tree"]
    assert ("unverified", "differs") == (found.verdict.answer.value, found.verdict.reason.value)
    assert "differs from a list that counts: evil.py extra" == found.verdict.message
    assert found.files is None


def test_who_signed_the_whole_folder_answers_for_all_of_it(
    reader: Reader, web: Web, folder: Path, bob: Party
) -> None:
    """One plug-in: the folder. Where it differs, each is asked by itself, and it is told."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    tree_statement(bob, manifest_of(files))
    followed(reader, web, bob, lists=[manifest_of(files)])
    (whole,) = plugins.judge_all(reader.workspace, str(folder))
    assert ("plug", str(folder), "ok") == (whole.name, whole.path, whole.verdict.answer.value)
    assert manifest_of(files) == whole.files
    made(folder, {"stray.py": b""})
    found = judged(reader, folder)
    assert {"unknown"} == {one.verdict.answer.value for one in found.values()}
    assert found["one"].told.endswith("differs from a list that counts: stray.py extra")


def test_a_warning_about_the_whole_folder_stops_all_of_it(
    reader: Reader, web: Web, tmp_path: Path, bob: Party
) -> None:
    """Whatever was said about each; a warning about one file stops its own plug-in alone."""
    folder = made(tmp_path / "plug", {"one.py": b"one = 1\n", "two.py": b"two = 2\n"})
    bob.says(sha(b"one = 1\n"))
    bob.says(sha(b"two = 2\n"), ok=False)
    followed(reader, web, bob)
    assert {"one": "ok", "two": "bad"} == answers(reader, folder)
    both = manifest_of({"one.py": b"one = 1\n", "two.py": b"two = 2\n"})
    tree_statement(bob, both, ok=False)
    web.offer(bob)
    reader.fetch_all()
    (whole,) = plugins.judge_all(reader.workspace, str(folder))
    assert ("plug", "bad", None) == (whole.name, whole.verdict.answer.value, whole.files)


def test_one_bad_file_stops_its_folder_or_archive(
    reader: Reader, web: Web, folder: Path, bob: Party
) -> None:
    """Though the whole is ok by itself."""
    tree_statement(bob, manifest_of(TREE))
    bob.says(sha((folder / "packed.zip").read_bytes()))
    bob.says(sha(TREE["more.py"]), ok=False)
    bob.says(sha(b"z = 3\n"), ok=False)
    followed(reader, web, bob, lists=[manifest_of(TREE)])
    assert {"one": "unknown", "tree": "bad", "packed.zip": "bad"} == answers(reader, folder)
    digests = [sha(data).removeprefix("sha256:") for data in TREE.values()]
    assert {digests[1]: "marked bad by 1 trusted signer"} == plugins.marked_bad(
        reader.workspace, digests
    )


def test_what_cannot_be_read_is_an_answer(reader: Reader, web: Web, bob: Party) -> None:
    """A socket or a link in a folder, and an archive that is none though it is ok as a file."""
    folder = made(reader.path.parent / "plug", {"tree/a.py": b"", "broken.zip": b"PK no zip"})
    os.symlink("a.py", folder / "tree" / "link.py")
    bob.says(sha(b"PK no zip"))
    followed(reader, web, bob)
    assert {"tree": "error", "broken.zip": "error"} == answers(reader, folder)


def test_an_own_word_is_that_of_attest(tmp_path: Path, web: Web, folder: Path) -> None:
    """About what was looked at; it counts from then on."""
    alice = Reader(tmp_path / "alice", web, owner=Party("alice"))
    for name, one in judged(alice, folder).items():
        signed = plugins.attest(alice.workspace, one, plugins.seen(one.path))
        assert (True, True) == (signed.data["ok"], signed.data["reviewed"])
        assert "ok" == judged(alice, folder)[name].verdict.answer.value
    alice.clock.at += 60  # a second word is later than the first
    tree = judged(alice, folder)["tree"]
    looked_at = plugins.seen(tree.path)
    made(folder, {"tree/more.py": b"changed\n"})
    with pytest.raises(Changed):
        plugins.attest(alice.workspace, tree, looked_at)


def test_who_has_no_key_says_nothing(reader: Reader, folder: Path) -> None:
    """An own word needs an own key."""
    one = judged(reader, folder)["one"]
    with pytest.raises(NoKey):
        plugins.attest(reader.workspace, one, plugins.seen(one.path))
