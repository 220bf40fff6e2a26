"""Warnings about single files of a tree reach those bytes, and no others."""

from __future__ import annotations

import pytest

from sig.model.identifier import Identifier
from sig.model.verdict import Answer, Verdict
from sig.repo import objects
from sig.verbs import trust
from sig.verbs.verify import verdicts_of
from tests.verbs.forest import FILES, M, followed, manifest_of, sha, tree_statement
from tests.verbs.parties import DAY, NOW, Party, Reader, Web

A, B = sha(FILES["a.py"]), sha(FILES["sub/b.py"])


def of(reader: Reader, id: str) -> Verdict:
    """The verdict about some bytes."""
    wanted = Identifier(id)
    return verdicts_of(reader.workspace, [wanted])[wanted]


def test_a_warning_marks_the_files_in_its_scope_and_no_others(reader: Reader, web: Web) -> None:
    """Statement §2: for the whole and for files in `scope`."""
    bob = Party("bob")
    tree_statement(bob, ok=False, scope=["sub/b.py"], comment="a back door")
    followed(reader, web, bob, lists=[M])
    assert Answer.BAD == of(reader, str(M.id)).answer
    found = of(reader, B)
    assert (Answer.BAD, "a back door") == (found.answer, found.statements[0].comment)
    assert Answer.UNKNOWN == of(reader, A).answer


def test_without_a_scope_it_marks_the_whole_alone(reader: Reader, web: Web) -> None:
    """The twin: else one bad package marks the empty file."""
    bob = Party("bob")
    tree_statement(bob, ok=False)
    followed(reader, web, bob, lists=[M])
    assert (Answer.BAD, Answer.UNKNOWN) == (of(reader, str(M.id)).answer, of(reader, B).answer)


def test_it_wins_over_an_ok_about_the_file(reader: Reader, web: Web) -> None:
    """Also of the same signer: who warns says not ok."""
    bob, carol = Party("bob"), Party("carol")
    carol.says(B, True)
    bob.says(B, True, at=NOW + 1)
    tree_statement(bob, ok=False, scope=["sub/b.py"])
    followed(reader, web, bob, carol, lists=[M])
    assert Answer.BAD == of(reader, B).answer


def test_a_stranger_marks_nothing(reader: Reader, web: Web) -> None:
    """V: an untrusted statement never makes or unmakes ok or bad."""
    bob, mallory = Party("bob"), Party("mallory")
    bob.says(B, True)
    tree_statement(mallory, ok=False, scope=["sub/b.py"])
    followed(reader, web, bob, lists=[M])
    web.offer(mallory)
    reader.follow(mallory)
    reader.fetch_all()
    assert Answer.OK == of(reader, B).answer


def test_a_stranger_who_is_trusted_later_counts_from_then_on(reader: Reader, web: Web) -> None:
    """Nothing needs to be fetched again but the list."""
    bob = Party("bob")
    tree_statement(bob, ok=False, scope=["sub/b.py"])
    followed(reader, web, bob, lists=[M])
    trust.remove(reader.workspace, bob.fingerprint)
    assert Answer.UNKNOWN == of(reader, B).answer
    reader.trust(bob)
    assert Answer.BAD == of(reader, B).answer


@pytest.mark.parametrize("withdrawn", [True, False])
def test_what_ends_the_warning_ends_it_for_the_files(
    reader: Reader, web: Web, withdrawn: bool
) -> None:
    """A newer word of the same signer about the tree; an ok of that is none of the file."""
    bob = Party("bob")
    tree_statement(bob, ok=False, scope=["sub/b.py"], at=NOW - DAY)
    tree_statement(bob, ok=not withdrawn, at=NOW, reviewed=not withdrawn, withdrawn=withdrawn)
    followed(reader, web, bob, lists=[M])
    assert of(reader, B).answer in (Answer.UNKNOWN, Answer.UNVERIFIED)


def test_another_ends_nothing(reader: Reader, web: Web) -> None:
    """Carol's ok about the tree leaves Bob's warning."""
    bob, carol = Party("bob"), Party("carol")
    tree_statement(bob, ok=False, scope=["sub/b.py"], at=NOW - DAY)
    tree_statement(carol, at=NOW)
    followed(reader, web, bob, carol, lists=[M])
    assert Answer.BAD == of(reader, B).answer


def test_a_path_is_a_whole_line(reader: Reader, web: Web) -> None:
    """`b.py` is not `sub/b.py`, and two spaces in a path start no other."""
    tricky = manifest_of({"x  b.py": b"x", "sub/b.py": FILES["sub/b.py"], "b.py": b"other"})
    bob = Party("bob")
    tree_statement(bob, tricky, ok=False, scope=["b.py"])
    followed(reader, web, bob, lists=[tricky])
    found = {name: of(reader, sha(data)).answer for name, data in
             {"x": b"x", "b": FILES["sub/b.py"], "other": b"other"}.items()}  # fmt: skip
    assert {"x": Answer.UNKNOWN, "b": Answer.UNKNOWN, "other": Answer.BAD} == found


def test_without_the_list_a_note_says_what_is_not_known(reader: Reader, web: Web) -> None:
    """The whole is marked all the same."""
    bob = Party("bob")
    tree_statement(bob, ok=False, scope=["sub/b.py"])
    followed(reader, web, bob)
    workspace = reader.workspace
    id = Identifier(B)
    assert Answer.UNKNOWN == verdicts_of(workspace, [id])[id].answer
    assert any("their list is not here" in note for note in workspace.notes)
    assert Answer.BAD == of(reader, str(M.id)).answer


def test_nobody_claims_a_warning_of_another(reader: Reader, web: Web) -> None:
    """A forged one marks nothing, and is not told of either."""
    bob, mallory = Party("bob"), Party("mallory")
    bob.says(B, True)
    followed(reader, web, bob)
    tree_statement(mallory, ok=False, scope=["sub/b.py"])
    mallory.offered[0]["key"] = bob.fingerprint
    web.offer(mallory)
    reader.follow(mallory)
    reader.fetch_all()
    workspace = reader.workspace
    id = Identifier(B)
    for lists in ([], [M]):
        for one in lists:
            place = reader.path / objects.name(one.id)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(one.text)
        assert Answer.OK == verdicts_of(workspace, [id])[id].answer
        assert [] == workspace.notes


def test_of_many_paths_each_marks_its_file(reader: Reader, web: Web) -> None:
    """First, last, and those that are the end of another's; what is not in the list marks none."""
    names = ("0", "a", "a-b", "b", "c/a", "c/b", "zz", "  a", "x  zz")
    files = {name: name.encode() for name in names}
    listed = manifest_of(files)
    bob = Party("bob")
    tree_statement(bob, listed, ok=False, scope=["0", "zz", "a", "b", "missing"])
    followed(reader, web, bob, lists=[listed])
    found = {name for name, data in files.items() if of(reader, sha(data)).answer is Answer.BAD}
    assert {"0", "zz", "a", "b"} == found
