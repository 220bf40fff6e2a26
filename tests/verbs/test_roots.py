"""The lists of a closure's roots go where the closure goes, and nowhere else comes a list in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from sig.errors import Refused
from sig.model import manifest
from sig.model.closure import Closure
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.repo import layout, objects
from sig.verbs import covering, manifests, published, setup, trust
from sig.verbs.fetch import Fetched
from tests.verbs.forest import manifest_of, tree_statement
from tests.verbs.parties import NOW, Party, Reader, Web, nothing_changes
from tests.verbs.places import Place
from tests.verbs.programs import APP, FILES, Asked, closure_of, lists_of, says
from tests.verbs.programs import published as offered

CLOSURE = closure_of(FILES)
LISTS = lists_of(FILES)
GOOD = ("app:get", "release:1")


def here(reader: Reader) -> set[Identifier]:
    """The lists in the folder."""
    home = reader.workspace.home
    return {id for id in objects.ids(home) if is_list(objects.read(home, id))}


def is_list(raw: bytes | None) -> bool:
    """Whether it is a list of files; other objects are of a tree."""
    return raw is not None and re.match(rb"[0-9a-f]{64}  ", raw) is not None


def ids(lists: Iterable[Manifest]) -> set[Identifier]:
    return {one.id for one in lists}


def came(found: Fetched) -> dict[Identifier, str]:
    """What was asked for, and what became of it."""
    assert len(found.manifests) == len({one.id for one in found.manifests})
    return {one.id: one.got.outcome for one in found.manifests}


@pytest.fixture
def told(reader: Reader, web: Web, bob: Party) -> Reader:
    """The reader trusts Bob, who published a closure with all its lists."""
    says(bob, CLOSURE, *GOOD)
    offered(web, bob, LISTS)
    reader.follow(bob, counts=True)
    return reader


# --- fetching ------------------------------------------------------------------------------------


def test_one_fetch_brings_the_closure_and_all_its_lists(told: Reader, web: Web) -> None:
    """Each asked for once, and nothing else; the next fetch asks for none."""
    found = told.fetch("bob")
    assert dict.fromkeys(ids(LISTS), "done") == came(found)
    assert ids(LISTS) == here(told)
    asked = [url for url in web.asked if "/objects/" in url]
    assert len(LISTS) == len(asked) == len(set(asked))
    assert {} == came(told.fetch("bob"))
    assert all(root.files for root in covering.roots(told.workspace, CLOSURE))


def test_of_whom_nobody_trusts_nothing_is_fetched(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """They could fill a disk. Once they are trusted it comes, without a new statement; nor does it
    come by whoever says that somebody else said so."""
    says(bob, CLOSURE, *GOOD)
    offered(web, bob, LISTS)
    reader.follow(bob)
    assert ({}, set()) == (came(reader.fetch("bob")), here(reader))
    forged = {**bob.offered[0], "key": carol.fingerprint}
    bob.offered.append(forged)
    offered(web, bob, LISTS)
    reader.follow(carol, counts=True)
    web.offer(carol)
    reader.fetch_all()
    assert ({}, set()) == (came(reader.fetch("bob")), here(reader))
    assert not [url for url in web.asked if "/objects/" in url]
    reader.trust(bob)
    assert dict.fromkeys(ids(LISTS), "done") == came(reader.fetch("bob"))
    trust.remove(reader.workspace, bob.fingerprint)
    (reader.path / objects.name(LISTS[1].id)).unlink()
    assert {} == came(reader.fetch("bob"))


def test_nobody_wants_a_list_in_the_name_of_another(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Neither by a forged statement, nor by an own one that has the name of the other in it, nor by
    both: what Bob said he would have signed."""
    says(bob, CLOSURE, *GOOD)
    forged = {**bob.offered[0], "data": {**bob.offered[0]["data"], "comment": "x"}}
    says(carol, CLOSURE, *GOOD, comment=bob.fingerprint)
    carol.offered.append(forged)
    bob.offered.clear()
    web.offer(bob)
    offered(web, carol, LISTS)
    reader.follow(bob, counts=True)
    reader.follow(carol)
    reader.fetch_all()
    assert set() == here(reader)
    reader.trust(carol)
    assert dict.fromkeys(ids(LISTS), "done") == came(reader.fetch("carol"))


@pytest.mark.parametrize("lie", ["another", "junk", "empty", "closure", "missing", "cut"])
def test_a_remote_that_lies_about_a_list_has_none(
    told: Reader, web: Web, bob: Party, lie: str
) -> None:
    """What comes is what its name says or nothing; the others come all the same, and the right one
    the next time."""
    id = CLOSURE.roots["app"]
    url = bob.url + objects.name(id)
    good = web.pages[url]
    assert isinstance(good, bytes)
    if lie == "missing":
        del web.pages[url]
    else:
        web.pages[url] = {
            "another": manifest_of({"evil.py": b"evil"}).text,
            "junk": b"<html>",
            "empty": b"",
            "closure": CLOSURE.text,
            "cut": good[:-1],
        }[lie]
    found = came(told.fetch("bob"))
    assert {**dict.fromkeys(ids(LISTS), "done"), id: "failed"} == found
    assert ids(LISTS) - {id} == here(told)
    assert [id] == [one.id for one in covering.roots(told.workspace, CLOSURE) if one.files is None]
    web.pages[url] = good
    assert {id: "done"} == came(told.fetch("bob"))
    assert ids(LISTS) == here(told)


def test_a_remote_that_lies_about_the_closure_names_no_roots(
    told: Reader, web: Web, bob: Party
) -> None:
    """Another closure in its place leads nowhere."""
    evil = closure_of({"app": {"evil.py": b"evil"}})
    offered(web, bob, lists_of({"app": {"evil.py": b"evil"}}))
    web.pages[bob.url + objects.name(CLOSURE.id)] = evil.text
    assert {CLOSURE.id: "failed"} == came(told.fetch("bob"))
    assert set() == here(told)


def test_a_list_that_is_no_manifest_is_not_kept(reader: Reader, web: Web, bob: Party) -> None:
    """Though its digest is what the closure says: who signed that could name anything."""
    bodies = [b"this is no list\n", b"0" * 64 + b"  ../x\n", b"0" * 64 + b"  b\n" + b"0" * 64
              + b"  a\n", b""]  # fmt: skip
    closure = Closure({
        f"dist/x{number}-1": Identifier.of_bytes(raw) for number, raw in enumerate(bodies)
    })  # fmt: skip
    says(bob, closure, *GOOD)
    offered(web, bob, [manifest.read_canonical(closure.text)])
    for raw in bodies:
        web.pages[bob.url + objects.name(Identifier.of_bytes(raw))] = raw
    reader.follow(bob, counts=True)
    found = came(reader.fetch("bob"))
    assert {"done": 1, "failed": 4} == {
        word: list(found.values()).count(word) for word in set(found.values())
    }
    assert {closure.id} == here(reader)


def test_a_closure_in_a_closure_is_a_list_of_files(reader: Reader, web: Web, bob: Party) -> None:
    """Its roots are not asked for: nobody runs them. So no chain of closures is followed."""
    outer = Closure({"app": CLOSURE.id})
    says(bob, outer, *GOOD)
    offered(web, bob, [*LISTS, manifest.read_canonical(outer.text)])
    reader.follow(bob, counts=True)
    assert {outer.id: "done", CLOSURE.id: "done"} == came(reader.fetch("bob"))
    for _ in range(2):
        assert {} == came(reader.fetch("bob"))


@pytest.mark.parametrize("said", [(), ("release:1",)])
def test_of_what_is_not_said_to_be_a_closure_no_roots_come(
    reader: Reader, web: Web, bob: Party, said: tuple[str, ...]
) -> None:
    """A folder whose files are called so is a folder."""
    says(bob, CLOSURE, *said)
    offered(web, bob, LISTS)
    reader.follow(bob, counts=True)
    assert {CLOSURE.id: "done"} == came(reader.fetch("bob"))


def test_what_is_said_to_be_a_closure_and_is_none_has_no_roots(
    reader: Reader, web: Web, bob: Party
) -> None:
    """With the right words about a folder of plain files."""
    listed = manifest_of({"app": b"x", "dist/x": b"y"})
    tree_statement(bob, listed, criteria=list(GOOD))
    offered(web, bob, [listed])
    reader.follow(bob, counts=True)
    assert {listed.id: "done"} == came(reader.fetch("bob"))
    assert {} == Asked(reader, web).vouched()


def test_there_is_an_end_to_what_is_asked_for_at_once(
    told: Reader, web: Web, bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest comes with the next fetch."""
    monkeypatch.setattr(manifests, "MOST", 2)
    assert ids(LISTS[:1]) | set() <= set(came(told.fetch("bob")))
    counts = [len(here(told))]
    for _ in range(2):
        told.fetch("bob")
        counts.append(len(here(told)))
    assert [3, 4, 4] == counts


@pytest.mark.parametrize("damage", [b"", b"x", b"x\n", b"a b c d\n", b"\xff\n", b"sha256:0\n\n"])
def test_a_damaged_note_of_what_is_named_is_no_error(
    told: Reader, web: Web, bob: Party, damage: bytes
) -> None:
    """Nothing is wanted by it; the next new state writes it anew."""
    told.fetch("bob")
    (told.path / layout.remote_manifests("bob")).write_bytes(damage)
    (told.path / objects.name(CLOSURE.roots["app"])).unlink()
    assert {} == came(told.fetch("bob"))
    bob.says()
    offered(web, bob, LISTS)
    assert {CLOSURE.roots["app"]: "done"} == came(told.fetch("bob"))


@pytest.mark.parametrize("which", ["closure", "root"])
def test_a_damaged_list_comes_again(told: Reader, which: str) -> None:
    """Though nothing new was said."""
    told.fetch("bob")
    id = CLOSURE.id if which == "closure" else CLOSURE.roots["app"]
    (told.path / objects.name(id)).write_bytes(b"damaged")
    assert {id: "done"} == came(told.fetch("bob"))
    assert ids(LISTS) == here(told)


# --- publishing, and the second machine ----------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path, web: Web, bob: Party) -> Reader:
    """Bob's machine."""
    return Reader(tmp_path / "desk", web, bob)


@pytest.fixture
def place(tmp_path: Path, desk: Reader) -> Place:
    """A program, locked and signed by Bob."""
    found = Place(tmp_path / "place")
    found.write("get.py", b"1\n")
    found.install("requests", "2.32.3", {"requests/api.py": b"2\n"})
    found.lock(desk)
    found.sign(desk)
    return found


def served(web: Web, party: Party, target: Path) -> None:
    """A published folder at the party's URL."""
    for file in target.rglob("*"):
        if file.is_file():
            web.pages[party.url + file.relative_to(target).as_posix()] = file.read_bytes()


def test_who_publishes_a_lock_publishes_its_lists(
    desk: Reader, place: Place, reader: Reader, web: Web, bob: Party, tmp_path: Path
) -> None:
    """Those that are signed and no others; who follows can tell what the program loads."""
    place.write("get.py", b"never signed\n")
    place.lock(desk)
    place.write("get.py", b"1\n")
    place.lock(desk)
    published.publish(desk.workspace, str(tmp_path / "www"))
    closure = place.read()
    wanted = {closure.id, *closure.roots.values()}
    there = {"sha256:" + "".join(file.parts[-2:]) for file in (tmp_path / "www").rglob("*")
             if file.parent.parent.name == "objects" and is_list(file.read_bytes())}  # fmt: skip
    assert wanted == there
    served(web, bob, tmp_path / "www")
    reader.follow(bob, counts=True)
    assert dict.fromkeys(wanted, "done") == came(reader.fetch("bob"))
    assert "ok" == Asked(reader, web).answer(closure, python="3.11")


def test_a_second_machine_gets_all_lists(
    desk: Reader, place: Place, web: Web, bob: Party, tmp_path: Path
) -> None:
    """By `sig setup --from`, from a folder or a URL; it can publish what it got."""
    target = tmp_path / "www"
    published.publish(desk.workspace, str(target))
    closure = place.read()
    wanted = {closure.id, *closure.roots.values()}
    served(web, bob, target)
    for number, source in enumerate((str(target), bob.url)):
        laptop = Reader(tmp_path / f"laptop{number}", web)
        laptop.owner = bob
        setup.setup(laptop.workspace, bob.fingerprint, source=source)
        assert wanted == here(laptop)
        assert "ok" == Asked(laptop, web).answer(closure, python="3.11")
        published.publish(laptop.workspace, str(tmp_path / f"www{number}"))
        for file in target.rglob("objects/*/*"):
            assert (
                file.read_bytes()
                == (tmp_path / f"www{number}" / file.relative_to(target)).read_bytes()
            )


@pytest.mark.parametrize("lie", ["another", "junk", "FIFO", "folder", "missing", "link"])
def test_a_list_that_cannot_be_had_is_left(
    desk: Reader, place: Place, web: Web, bob: Party, tmp_path: Path, lie: str
) -> None:
    """The statements come, and the other lists; what the folder has is never another's."""
    target = tmp_path / "www"
    published.publish(desk.workspace, str(target))
    closure = place.read()
    id = closure.roots["app"]
    file = target / objects.name(id)
    raw = file.read_bytes()
    file.unlink()
    if lie in ("another", "junk"):
        file.write_bytes({"another": manifest_of(APP).text, "junk": b"junk"}[lie])
    elif lie == "FIFO":
        import os

        os.mkfifo(file)
    elif lie == "folder":
        file.mkdir()
    elif lie == "link":
        (tmp_path / "elsewhere").write_bytes(raw)
        file.symlink_to(tmp_path / "elsewhere")
    laptop = Reader(tmp_path / "laptop", web)
    laptop.owner = bob
    setup.setup(laptop.workspace, bob.fingerprint, source=str(target))
    wanted = {closure.id, *closure.roots.values()}
    assert wanted - (set() if lie == "link" else {id}) == here(laptop)
    assert (lie == "link") == (laptop.path / objects.own(id)).exists()
    assert "ok" == Asked(laptop, web).answer(closure, python="3.11")


def test_what_is_no_list_is_not_taken_over(
    desk: Reader, web: Web, bob: Party, tmp_path: Path
) -> None:
    """Though an own closure says that it is one."""
    raw = b"this is no list\n"
    closure = Closure({"app": Identifier.of_bytes(raw), "dist/x-1": manifest_of(APP).id})
    says(bob, closure, *GOOD)
    offered(web, bob, [manifest.read_canonical(closure.text), manifest_of(APP)])
    web.pages[bob.url + objects.name(Identifier.of_bytes(raw))] = raw
    laptop = Reader(tmp_path / "laptop", web)
    laptop.owner = bob
    setup.setup(laptop.workspace, bob.fingerprint, source=bob.url)
    assert {closure.id, manifest_of(APP).id} == here(laptop)


def test_what_another_says_in_ones_own_folder_brings_no_lists(
    desk: Reader, web: Web, bob: Party, carol: Party, tmp_path: Path
) -> None:
    """Only own words are looked at; and of whom nothing is, nothing is taken."""
    says(carol, CLOSURE, *GOOD)
    bob.offered.append(carol.offered[0])
    offered(web, bob, LISTS)
    laptop = Reader(tmp_path / "laptop", web)
    laptop.owner = bob
    setup.setup(laptop.workspace, bob.fingerprint, source=bob.url)
    assert set() == here(laptop)
    offered(web, carol, LISTS)
    other = Reader(tmp_path / "other", web)
    other.owner = bob
    with pytest.raises(Refused, match="is signed by"):
        setup.setup(other.workspace, bob.fingerprint, source=carol.url)
    assert set() == here(other)


def test_lists_that_were_lost_are_published_by_who_has_them(
    desk: Reader, place: Place, web: Web, bob: Party, tmp_path: Path
) -> None:
    """One that the folder lost stays where it was published; nothing is taken from there."""
    target = tmp_path / "www"
    published.publish(desk.workspace, str(target))
    before = {file: file.read_bytes() for file in target.rglob("objects/*/*")}
    shutil.rmtree(desk.path / "repo/objects")
    shutil.rmtree(desk.path / "objects")
    desk.clock.at = NOW + 10
    published.publish(desk.workspace, str(target))
    assert before == {file: file.read_bytes() for file in target.rglob("objects/*/*")}


@pytest.mark.parametrize(
    "raw",
    [b"", b"0" * 64 + b"  app", b"0" * 64 + b"  apps\n", b"0" * 64 + b"  dist/\n",
     b"0" * 64 + b"  dist/x\n", b"x" * 64 + b"  app\n", b"0" * 64 + b"  app\n" + b"0" * 64
     + b"  b\n", b"0" * 64 + b" *app\n", CLOSURE.text[66:], b"\xff" * 64 + b"  app\n", None],
)  # fmt: skip
def test_only_a_closure_names_roots(raw: bytes | None) -> None:
    """Anything else names none, and is no error."""
    assert [] == manifests.roots_of(raw)
    assert list(CLOSURE.roots.values()) == manifests.roots_of(CLOSURE.text)


def test_a_fetch_that_brings_nothing_changes_nothing(told: Reader) -> None:
    """The state and the verdict are what they were."""
    told.fetch("bob")
    with nothing_changes(told):
        told.fetch("bob")
