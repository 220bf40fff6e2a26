"""A folder as one thing: who stands behind the whole, and where it differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sig.errors import Changed, NetworkError
from sig.model.identifier import Identifier
from sig.model.manifest import DEFAULT_EXCLUDES
from sig.repo import objects
from sig.verbs import attest, fetch, published
from tests.verbs.forest import (
    FILES,
    M,
    asked,
    claim,
    differing,
    followed,
    listed,
    made,
    manifest_of,
    offered,
    sha,
    tree_statement,
)
from tests.verbs.parties import DAY, NOW, Party, Reader, Web, canonical, file_id


def test_a_folder_is_ok_where_someone_who_counts_signed_its_list(
    reader: Reader, web: Web, folder: Path
) -> None:
    """And unknown before."""
    assert "unknown" == asked(reader, folder).verdict.answer.value
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob)
    found = asked(reader, folder)
    assert ("ok", str(M.id)) == (found.verdict.answer.value, found.verdict.id)
    assert (True, (), None) == (found.is_folder, found.differences, found.closest)


def test_an_untrusted_list_makes_nothing_ok(reader: Reader, web: Web, folder: Path) -> None:
    """The twin: the same statement of a stranger; and its list is not fetched."""
    bob = Party("bob")
    tree_statement(bob)
    offered(web, bob, [M])
    reader.follow(bob)
    reader.fetch_all()
    assert "unverified" == asked(reader, folder).verdict.answer.value
    assert not [url for url in web.asked if "objects" in url]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"a.py": b"evil\n"}, {"a.py": "changed"}),
        ({"sub/b.py": None}, {"sub/b.py": "missing"}),
        ({"sub/evil.py": b"evil\n"}, {"sub/evil.py": "extra"}),
        ({"a.py": None, "A.py": b"a\n"}, {"a.py": "missing", "A.py": "extra"}),
        ({"a.py": b"d\n", "d.txt": b"a\n"}, {"a.py": "changed", "d.txt": "changed"}),
        (
            {"sub/deep/c.txt": None, "c.txt": b"c\n"},
            {"sub/deep/c.txt": "missing", "c.txt": "extra"},
        ),
    ],
    ids=["changed", "missing", "extra", "renamed", "swapped", "moved"],
)
def test_every_path_that_differs_is_named(
    reader: Reader, web: Web, folder: Path, change: dict[str, bytes | None], named: dict[str, str]
) -> None:
    """A digest counts only at its path."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob, lists=[M])
    assert "ok" == asked(reader, folder).verdict.answer.value
    for name, data in change.items():
        if data is None:
            (folder / name).unlink()
        else:
            made(folder, {name: data})
    found = asked(reader, folder)
    assert "unknown" == found.verdict.answer.value
    assert (M.id, named) == (found.closest, differing(found))


def test_what_the_signer_left_out_may_be_there(reader: Reader, web: Web, folder: Path) -> None:
    """Version control and bytecode, by default; and nothing that only looks like them."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob, lists=[M])
    made(folder, {".git/config": b"x", "sub/__pycache__/b.cpython-311.pyc": b"x"})
    assert "ok" == asked(reader, folder).verdict.answer.value
    made(folder, {".gitx": b"x"})
    assert {".gitx": "extra"} == differing(asked(reader, folder))


def test_a_verifier_never_excludes_more_than_the_signer(
    reader: Reader, web: Web, folder: Path
) -> None:
    """Format §3: what this program leaves out by default counts if the signer did not."""
    bob = Party("bob")
    tree_statement(bob, exclude=[".git"])
    followed(reader, web, bob, lists=[M])
    made(folder, {".git/config": b"x"})
    assert "ok" == asked(reader, folder).verdict.answer.value
    made(folder, {"sub/__pycache__/b.cpython-311.pyc": b"evil"})
    found = asked(reader, folder)
    assert "ok" != found.verdict.answer.value
    assert {"sub/__pycache__/b.cpython-311.pyc": "extra"} == differing(found)


def test_a_signer_may_leave_out_more(reader: Reader, web: Web, folder: Path) -> None:
    """Then the list is found by what it shares, and nothing else may differ."""
    bob = Party("bob")
    tree_statement(bob, exclude=[*DEFAULT_EXCLUDES, "docs"])
    followed(reader, web, bob, lists=[M])
    made(folder, {"docs/x.md": b"x"})
    found = asked(reader, folder)
    assert ("ok", M.id) == (found.verdict.answer.value, found.verdict.id)
    made(folder, {"sub/x.md": b"x"})
    assert {"sub/x.md": "extra"} == differing(asked(reader, folder))


def test_an_exclusion_hides_no_file_of_the_list(reader: Reader, web: Web, folder: Path) -> None:
    """A signer who lists a file and excludes it too: it must be there."""
    bob = Party("bob")
    tree_statement(bob, exclude=[*DEFAULT_EXCLUDES, "sub"])
    followed(reader, web, bob, lists=[M])
    (folder / "sub/b.py").write_bytes(b"evil\n")
    assert "ok" != asked(reader, folder).verdict.answer.value
    assert {"sub/b.py": "changed"} == differing(asked(reader, folder))


def test_one_bad_file_makes_the_folder_bad(reader: Reader, web: Web, folder: Path) -> None:
    """Whoever says so, and wherever the file lies; a stranger's word changes nothing."""
    bob, carol, mallory = Party("bob"), Party("carol"), Party("mallory")
    tree_statement(bob)
    mallory.says(sha(b"a\n"), ok=False)
    followed(reader, web, bob, carol)
    offered(web, mallory)
    reader.follow(mallory)
    reader.fetch_all()
    assert "ok" == asked(reader, folder).verdict.answer.value
    carol.says(sha(b"b\n"), ok=False, comment="steals")
    web.offer(carol)
    reader.fetch_all()
    found = asked(reader, folder)
    assert ("bad", M.id) == (found.verdict.answer.value, found.verdict.id)
    assert found.verdict.message.startswith("sub/b.py is marked bad")


def test_an_archives_statement_answers_for_the_folder_that_it_holds(
    reader: Reader, web: Web, folder: Path
) -> None:
    """Format §2: `manifest` holds for every file listed; and nothing else is left out."""
    bob = Party("bob")
    bob.says(file_id("wheel"), manifest=str(M.id))
    followed(reader, web, bob, lists=[M])
    assert "ok" == asked(reader, folder).verdict.answer.value
    made(folder, {"__pycache__/x.pyc": b"x"})
    assert {"__pycache__/x.pyc": "extra"} == differing(asked(reader, folder))


@pytest.mark.parametrize("who", ["the same", "another"])
def test_a_bad_archive_makes_the_folder_bad(
    reader: Reader, web: Web, folder: Path, who: str
) -> None:
    """Also without a word about its list."""
    bob, carol = Party("bob"), Party("carol")
    bob.says(file_id("wheel"), manifest=str(M.id), at=NOW - 2 * DAY)
    (bob if who == "the same" else carol).says(file_id("wheel"), ok=False)
    followed(reader, web, bob, carol)
    assert "bad" == asked(reader, folder).verdict.answer.value


def test_an_archive_that_is_taken_back_answers_for_nothing(
    reader: Reader, web: Web, folder: Path
) -> None:
    """The word of a signer is formed over all that they said about the archive."""
    bob = Party("bob")
    bob.says(file_id("wheel"), manifest=str(M.id), at=NOW - 2 * DAY)
    bob.offered.append(bob.withdrawal(file_id("wheel")))
    followed(reader, web, bob)
    assert "unverified" == asked(reader, folder).verdict.answer.value


def test_what_an_archive_holds_is_no_word_about_a_file(reader: Reader, web: Web) -> None:
    """A file that is the list is not the folder."""
    bob = Party("bob")
    bob.says(file_id("wheel"), manifest=str(M.id))
    followed(reader, web, bob)
    assert "unknown" == reader.answer(str(M.id))
    assert "unknown" == reader.without_index(str(M.id)).answer.value


def test_signers_of_the_folder_and_of_an_archive_are_counted_together(
    tmp_path: Path, web: Web, folder: Path
) -> None:
    """Two voices about one content; one person with both is one voice."""
    site = tmp_path / "policy.json"
    site.write_bytes(canonical({"ok": 2}))
    bob, carol = Party("bob"), Party("carol")
    tree_statement(bob)
    bob.says(file_id("wheel"), manifest=str(M.id))
    one = Reader(tmp_path / "one", web, site=site)
    followed(one, web, bob)
    assert "unverified" == asked(one, folder).verdict.answer.value
    carol.says(file_id("sdist"), manifest=str(M.id))
    two = Reader(tmp_path / "two", web, site=site)
    followed(two, web, bob, carol)
    assert "ok" == asked(two, folder).verdict.answer.value


def test_a_link_in_a_folder_is_no_answer(reader: Reader, web: Web, folder: Path) -> None:
    """Format §3: refused, whatever it leads to."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob)
    (folder / "sub/link").symlink_to("b.py")
    found = asked(reader, folder)
    assert ("error", "unreadable") == (found.verdict.answer.value, found.verdict.reason.value)
    assert "sub/link" in found.verdict.message


def test_lists_come_once_trust_is_given(reader: Reader, web: Web, folder: Path) -> None:
    """A later `trust add` and the next fetch, of a repository that did not change."""
    bob = Party("bob")
    tree_statement(bob)
    offered(web, bob, [M])
    reader.follow(bob)
    reader.fetch_all()
    (folder / "a.py").write_bytes(b"evil\n")
    assert asked(reader, folder).closest is None
    reader.trust(bob)
    (found,) = reader.fetch_all()
    assert ("unchanged", [M.id]) == (found.result, [one.id for one in found.manifests])
    assert {"a.py": "changed"} == differing(asked(reader, folder))
    web.asked.clear()
    (found,) = reader.fetch_all()
    assert () == found.manifests
    assert [bob.url + "repo.json", bob.url + "key.asc"] == web.asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        M.text + b"\n",
        M.text[:-1],
        manifest_of({"other": b"x"}).text,
        NetworkError("404 Not Found", reason="http"),
        NetworkError("too large", reason="too-large"),
    ],
)
def test_a_list_that_is_not_what_its_name_says_is_not_kept(
    reader: Reader, web: Web, folder: Path, body: Any
) -> None:
    """The statement counts without it, and the remote is no worse for it; next time it may come."""
    bob = Party("bob")
    tree_statement(bob)
    offered(web, bob)
    web.pages[bob.url + objects.name(M.id)] = body
    reader.follow(bob, counts=True)
    (found,) = reader.fetch_all()
    assert ("new", ["failed"]) == (found.result, [one.got.outcome for one in found.manifests])
    assert found.manifests[0].why
    assert not list((reader.path / "objects").rglob("*"))
    assert "ok" == asked(reader, folder).verdict.answer.value
    web.pages[bob.url + objects.name(M.id)] = M.text
    (found,) = reader.fetch_all()
    assert ["done"] == [one.got.outcome for one in found.manifests]


def test_an_object_that_is_no_manifest_is_not_kept(reader: Reader, web: Web) -> None:
    """Its digest is right, and its text is not the one form."""
    bob = Party("bob")
    for raw in (b"hello\n", b"".join(reversed(M.text.splitlines(keepends=True)))):
        bob.says(sha(raw), manifest=sha(raw))
        web.pages[bob.url + objects.name(Identifier(sha(raw)))] = raw
    web.offer(bob)
    reader.follow(bob, counts=True)
    (found,) = reader.fetch_all()
    assert ["failed", "failed"] == [one.got.outcome for one in found.manifests]


def test_lists_are_bounded(reader: Reader, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one remote in one fetch; the rest comes later."""
    from sig.verbs import manifests

    bob = Party("bob")
    many = [manifest_of({f"f{number}": b"x"}) for number in range(9)]
    for one in many:
        tree_statement(bob, one)
    offered(web, bob, many)
    reader.follow(bob, counts=True)
    monkeypatch.setattr(manifests, "MOST", 5)
    assert [5, 4, 0] == [len(reader.fetch_all()[0].manifests) for _ in range(3)]


def test_a_damaged_list_in_the_folder_explains_nothing(
    reader: Reader, web: Web, folder: Path
) -> None:
    """It is believed by its digest alone, and fetched again."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob, lists=[M])
    place = reader.path / objects.name(M.id)
    place.write_bytes(manifest_of(FILES | {"evil.py": b"evil"}).text)
    made(folder, {"evil.py": b"evil"})
    found = asked(reader, folder)
    assert ("unknown", None) == (found.verdict.answer.value, found.closest)


# --- lists in files ------------------------------------------------------------------------------


def test_a_list_in_a_file_is_compared_with_its_folder(
    reader: Reader, web: Web, folder: Path
) -> None:
    """In any order, also as `sha256sum -b` writes it; it need not list itself."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob)
    lines = M.text.decode().splitlines(keepends=True)
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(line.replace("  ", " *") for line in reversed(lines)))
    assert "ok" == listed(reader, sums).verdict.answer.value
    (folder / "a.py").write_bytes(b"evil")
    made(folder, {"more": b"x"})
    found = listed(reader, sums)
    assert ("unverified", "differs") == (found.verdict.answer.value, found.verdict.reason.value)
    assert {"a.py": "changed", "more": "extra"} == differing(found)
    assert "1 changed, 0 missing, 1 extra" == found.verdict.message


def test_a_list_that_nobody_signed_is_unknown(reader: Reader, web: Web, folder: Path) -> None:
    """However well the folder fits; what differs is named all the same."""
    bob = Party("bob")
    bob.says()
    followed(reader, web, bob)
    sums = folder / "SHA256SUMS"
    sums.write_bytes(M.text)
    assert "unknown" == listed(reader, sums).verdict.answer.value
    (folder / "a.py").unlink()
    assert {"a.py": "missing"} == differing(listed(reader, sums))
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    assert dict.fromkeys(FILES, "missing") == differing(listed(reader, sums))


def test_what_is_no_list_is_no_answer(reader: Reader, folder: Path) -> None:
    """Named, and never taken for an empty one."""
    for raw in (b"", b"hello\n", M.text[:-1], M.text + b"0" * 64 + b"  ../x\n"):
        (folder / "SUMS").write_bytes(raw)
        found = listed(reader, folder / "SUMS")
        assert ("error", "unreadable") == (found.verdict.answer.value, found.verdict.reason.value)
    assert "error" == listed(reader, folder / "missing").verdict.answer.value


# --- signing -------------------------------------------------------------------------------------


@pytest.fixture
def alice(tmp_path: Path, web: Web) -> Reader:
    """Somebody with a key."""
    return Reader(tmp_path / "alice", web, owner=Party("alice"))


def test_a_folder_is_signed_published_fetched_and_verified(
    alice: Reader, reader: Reader, web: Web, folder: Path, tmp_path: Path
) -> None:
    """The whole way of a list of files."""
    made(folder, {".git/config": b"x", "docs/x": b"x"})
    (signed,) = attest.attest(alice.workspace, [claim(folder, "docs")])
    assert str(M.id) == signed.data["manifest"] == signed.data["id"]
    assert sorted({*DEFAULT_EXCLUDES, "docs"}) == signed.data["exclude"]
    assert "ok" == asked(alice, folder).verdict.answer.value
    site = tmp_path / "site"
    published.publish(alice.workspace, str(site))
    assert M.text == (site / objects.name(M.id)).read_bytes()
    assert alice.owner is not None
    for file in site.rglob("*"):
        if file.is_file():
            web.pages[alice.owner.url + str(file.relative_to(site))] = file.read_bytes()
    reader.follow(alice.owner, counts=True)
    (found,) = reader.fetch_all()
    assert ["done"] == [one.got.outcome for one in found.manifests]
    assert "ok" == asked(reader, folder).verdict.answer.value
    (folder / "sub/b.py").write_bytes(b"evil")
    assert {"sub/b.py": "changed"} == differing(asked(reader, folder))


def test_a_folder_that_changed_since_is_not_signed(alice: Reader, folder: Path) -> None:
    """What is signed is what was looked at, all of it."""
    looked = claim(folder)
    made(folder, {"sub/new": b"x"})
    with pytest.raises(Changed):
        attest.attest(alice.workspace, [looked])
    assert "unknown" == asked(alice, folder).verdict.answer.value
    (folder / "sub/new").unlink()
    attest.attest(alice.workspace, [looked])
    assert "ok" == asked(alice, folder).verdict.answer.value


def test_signing_a_folder_again_adds_a_voice(
    alice: Reader, reader: Reader, web: Web, folder: Path
) -> None:
    """It drops nobody else's."""
    bob = Party("bob")
    tree_statement(bob)
    followed(alice, web, bob, lists=[M])
    attest.attest(alice.workspace, [claim(folder)])
    verdict = asked(alice, folder).verdict
    assert alice.owner is not None
    assert {bob.fingerprint, alice.owner.fingerprint} == set(verdict.counted_keys)


def test_the_remotes_file_of_names_follows_its_repository(reader: Reader, web: Web) -> None:
    """What is named no more is wanted no more."""
    bob = Party("bob")
    tree_statement(bob)
    offered(web, bob)
    reader.follow(bob, counts=True)
    assert 1 == len(reader.fetch_all()[0].manifests)
    bob.offered.clear()
    web.offer(bob)
    assert () == reader.fetch_all()[0].manifests
    assert not (reader.path / "remotes/bob/manifests").exists()
    assert json.loads((reader.path / "remotes/bob/repo.json").read_bytes())
    assert fetch.fetch(reader.workspace)


def test_a_bad_file_of_a_list_that_is_only_close_marks_nothing(
    reader: Reader, web: Web, tmp_path: Path
) -> None:
    """The folder does not have that file; the list explains what is different."""
    bob = Party("bob")
    tree_statement(bob)
    bob.says(sha(FILES["d.txt"]), False)
    followed(reader, web, bob, lists=[M])
    others = {name: data for name, data in FILES.items() if name != "d.txt"}
    found = asked(reader, made(tmp_path / "close", others))
    assert ("unknown", M.id) == (found.verdict.answer.value, found.closest)
    assert {"d.txt": "missing"} == differing(found)
    assert "bad" == asked(reader, made(tmp_path / "same", FILES)).verdict.answer.value
