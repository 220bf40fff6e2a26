"""A remote with a sparse tree: followed by deltas, or by comparing trees; what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sig.errors import Conflict, Refused
from sig.model import branches, delta, root, tree
from sig.model.root import Delta
from sig.verbs import doctor, remote
from tests.repo import kill
from tests.verbs.parties import (
    NOW,
    Party,
    Reader,
    Web,
    canonical,
    file_id,
    nothing_changes,
)
from tests.verbs.test_publish import Machine
from tests.world import contents


class Site:
    """What Bob's machine publishes, as his web server has it."""

    def __init__(self, desk: Machine, web: Web, bob: Party, target: Path) -> None:
        self.desk, self.web, self.bob, self.target = desk, web, bob, target

    def publish(self, *names: str, ok: bool = True) -> None:
        """Attest files, publish, and offer all of it."""
        if names:
            self.desk.attests(*names, ok=ok)
        self.desk.publishes(self.target)
        self.offer()

    def offer(self) -> None:
        """Everything in the target, and nothing else."""
        for url in [url for url in self.web.pages if url.startswith(self.bob.url)]:
            del self.web.pages[url]
        for name, raw in contents(self.target).items():
            self.web.pages[self.bob.url + name] = raw

    def page(self, name: str) -> str:
        """The address of a file."""
        return self.bob.url + name

    @property
    def root(self) -> root.UnverifiedRoot:
        """The public root."""
        return root.read((self.target / "signet.json").read_bytes())

    def own(self, piece: Delta) -> bytes:
        """A delta in the folder of the desk."""
        digits = piece.id.removeprefix("sha256:")
        return (self.desk.path / f"repo/objects/{digits[:2]}/{digits[2:]}").read_bytes()

    def without_deltas(self) -> None:
        """The server has lost them."""
        for one in self.root.deltas:
            digits = one.id.removeprefix("sha256:")
            self.web.pages.pop(self.page(f"objects/{digits[:2]}/{digits[2:]}"), None)

    def asked(self) -> list[str]:
        """The paths that were asked for since this was asked last."""
        found = [url.removeprefix(self.bob.url) for url in self.web.asked]
        self.web.asked.clear()
        return found


@pytest.fixture
def site(tmp_path: Path, web: Web, bob: Party) -> Site:
    """Bob has published a tree with one statement, about the file that readers ask about."""
    made = Site(Machine(tmp_path / "desk", web, bob), web, bob, tmp_path / "www")
    made.publish("a file")
    return made


@pytest.fixture
def follower(reader: Reader, site: Site) -> Reader:
    """The reader, who follows and trusts Bob, and fetched his ok."""
    reader.follow(site.bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "ok" == reader.answer()
    return reader


def test_a_tree_is_followed(follower: Reader, site: Site) -> None:
    """Its statements count; what is new takes the root, the certificate and one delta."""
    site.asked()
    assert ("unchanged", None) == follower.came("bob")
    assert ["signet.json", "key.asc"] == site.asked()
    assert [] == [url for url in site.web.bodies[-2:] if url.endswith("x")]

    site.publish("more")
    site.asked()
    assert ("new", None) == follower.came("bob")
    asked = site.asked()
    assert ["signet.json", "key.asc"] == asked[:2]
    assert 3 == len(asked) and asked[2].startswith("objects/")
    assert ("ok", "ok") == (follower.answer(), follower.answer(file_id("more")))
    assert "ok" == follower.without_index(file_id("more")).answer.value


def test_where_deltas_fail_trees_are_compared(follower: Reader, site: Site) -> None:
    """Missing, of other bytes, or of another content: it comes out the same."""
    site.publish("more")
    site.without_deltas()
    assert ("new", None) == follower.came("bob")
    assert "ok" == follower.answer(file_id("more"))


def test_what_is_ended_goes_and_a_warning_stays(follower: Reader, site: Site) -> None:
    """What its owner withdrew is no more in the tree; a warning is remembered."""
    site.desk.attests("a file", ok=False)
    site.publish("more")
    assert ("new", None) == follower.came("bob")
    assert "bad" == follower.answer()
    site.desk.withdraws("more")
    site.publish()
    found = follower.fetch("bob")
    assert ("new", ()) == (found.result, found.gone)
    assert "unverified" == follower.answer(file_id("more"))


def test_a_state_that_no_delta_leads_from_is_caught_up_with(follower: Reader, site: Site) -> None:
    """A dozen publishes, and as many statements: few requests."""
    for number in range(13):
        site.publish(f"file {number}")
    site.asked()
    assert ("new", None) == follower.came("bob")
    assert len(site.asked()) <= 6
    assert all("ok" == follower.answer(file_id(f"file {number}")) for number in range(13))
    stored = contents(follower.path / "remotes/bob/objects")
    named = {name.replace("/", "") for name in stored}
    assert named == reachable(site)


def test_killed_at_each_step_of_a_fetch(follower: Reader, site: Site) -> None:
    """The old state or the new one, whole; fetching again heals."""
    site.publish("more")
    for _ in kill.killed_at_each_step(lambda: follower.fetch("bob"), every=3):
        assert "ok" == follower.answer()
        told = [one.message for one in doctor.examine(follower.workspace)]
        assert not any("damaged" in one for one in told)
    assert follower.came("bob")[0] in ("new", "unchanged")
    assert "ok" == follower.answer(file_id("more"))
    names = contents(follower.path / "remotes/bob/objects")
    assert {name.replace("/", "") for name in names} == reachable(site)


def test_a_few_publishes_after_a_large_one_cost_little(reader: Reader, site: Site) -> None:
    """Whoever is between does not fetch the run that begins with all of it."""
    site.publish(*(f"first {number}" for number in range(300)))
    reader.follow(site.bob, counts=True)
    assert ("new", None) == reader.came("bob")
    for number in range(10):
        site.publish(f"file {number}")
    site.asked()
    site.web.bodies.clear()
    assert ("new", None) == reader.came("bob")
    assert len(site.asked()) <= 8
    pages = [site.web.pages[url] for url in site.web.bodies]
    assert sum(len(one) for one in pages if isinstance(one, bytes)) < 16_000


def test_an_older_root_for_a_day_is_a_rollback(follower: Reader, site: Site) -> None:
    """Until then it is ignored; nothing of it is asked for."""
    older = contents(site.target)
    site.publish("more")
    assert ("new", None) == follower.came("bob")
    site.web.pages = {site.page(name): raw for name, raw in older.items()}
    site.asked()
    assert ("unchanged", "behind") == follower.came("bob")
    follower.clock.at += 23 * 3600
    assert ("unchanged", "behind") == follower.came("bob")
    follower.clock.at += 2 * 3600
    with nothing_changes(follower):
        assert ("refused", "rollback") == follower.came("bob")
    assert {"signet.json", "key.asc"} == set(site.asked())
    site.offer()
    assert ("unchanged", None) == follower.came("bob")
    assert "ok" == follower.answer(file_id("more"))


def test_an_older_root_that_is_not_in_the_past_is_a_rollback_at_once(
    follower: Reader, site: Site, tmp_path: Path
) -> None:
    """Also after the remote was removed: its document is remembered."""
    shutil.copytree(site.desk.path, tmp_path / "other")
    site.publish("two")
    site.publish("three")
    assert ("new", None) == follower.came("bob")
    remote.remove(follower.workspace, "bob")
    follower.follow(site.bob, counts=True)
    site.desk = Machine(tmp_path / "other", site.web, site.bob)
    site.desk.attests("another")
    site.target = tmp_path / "other/repo"
    site.offer()
    with nothing_changes(follower):
        assert ("refused", "rollback") == follower.came("bob")


def test_a_remote_that_had_no_tree_is_found_to_have_one(
    reader: Reader, web: Web, bob: Party, tmp_path: Path
) -> None:
    """Its repo.json names the root; from then on nothing else is asked for."""
    site = Site(Machine(tmp_path / "desk", web, bob), web, bob, tmp_path / "desk/repo")
    site.desk.attests("a file")
    site.offer()
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert ["signet.json", "repo.json", "key.asc"] == site.asked()
    assert ("unchanged", None) == reader.came("bob")
    assert ["repo.json", "key.asc"] == site.asked()
    site.desk.publishes(tmp_path / "www")
    site.offer()
    assert ("new", None) == reader.came("bob")
    assert ["repo.json", "key.asc"] == site.asked()
    assert ("unchanged", None) == reader.came("bob")
    assert ["signet.json", "key.asc"] == site.asked()[:2]
    assert ("unchanged", None) == reader.came("bob")
    assert ["signet.json", "key.asc"] == site.asked()
    assert "ok" == reader.answer()


@pytest.mark.parametrize("missing", [True, False])
def test_what_is_damaged_here_is_not_gone_on_from(
    follower: Reader, site: Site, missing: bool
) -> None:
    """An object that is missing, or has other bytes: `doctor` names it, and mends it."""
    (place,) = [
        path
        for path in (follower.path / "remotes/bob/objects").rglob("*")
        if path.is_file() and b'"ok"' in path.read_bytes()
    ]
    if missing:
        place.unlink()
    else:
        place.write_bytes(place.read_bytes().replace(b"true", b"false", 1))
    site.publish("more")
    with nothing_changes(follower):
        found = follower.fetch("bob")
        assert ("failed", "format", "sig doctor") == (found.result, found.reason, found.hint)
    told = [one.message for one in doctor.examine(follower.workspace)]
    assert any("remotes/bob/repo.json is damaged" in one for one in told)
    doctor.repair(follower.workspace)
    assert ("new", None) == follower.came("bob")
    assert ("ok", "ok") == (follower.answer(), follower.answer(file_id("more")))
    told = [one.message for one in doctor.examine(follower.workspace)]
    assert not any("damaged" in one for one in told)


def test_a_damaged_mirror_is_put_aside_and_comes_again(follower: Reader, site: Site) -> None:
    """`doctor --fix`, then a fetch."""
    (follower.path / "remotes/bob/objects").rename(follower.path / "gone")
    doctor.repair(follower.workspace)
    assert "unknown" == follower.answer()
    assert follower.came("bob")[0] in ("new", "unchanged")
    assert "ok" == follower.answer()


def test_a_remote_with_a_tree_can_be_renamed_and_removed(follower: Reader, site: Site) -> None:
    """Its objects go with it; a warning stays."""
    site.publish("bad", ok=False)
    assert ("new", None) == follower.came("bob")
    remote.rename(follower.workspace, "bob", "robert")
    assert ("ok", "bad") == (follower.answer(), follower.answer(file_id("bad")))
    assert ("unchanged", None) == follower.came("robert")
    remote.remove(follower.workspace, "robert")
    assert ("unknown", "bad") == (follower.answer(), follower.answer(file_id("bad")))
    assert [] == [path for path in follower.path.glob("remotes/*/**/*") if path.is_file()]


# --- the own tree --------------------------------------------------------------------------------


def test_every_write_is_one_of_the_tree(site: Site) -> None:
    """Once it was published: repo/ may be copied at any time, and all of it fits together."""
    desk = site.desk
    for number in range(12):
        if number % 4 == 3:
            desk.withdraws(f"file {number - 1}")
        else:
            desk.attests(f"file {number}", ok=number % 3 != 1)
        found = root.read((desk.path / "repo/signet.json").read_bytes())
        data = json.loads((desk.path / "repo/repo.json").read_bytes())["data"]
        assert (found.digest, found.sequence) == (data["root"], data["sequence"])
        assert "previous" not in data
        assert found.sequence - 1 in found.previous
        texts = [canonical(one) for listed in data["attestations"].values() for one in listed]
        made: dict[str, bytes] = {}
        entries = {tree.position(json.loads(one)["data"]["id"], one): one for one in texts}
        assert branches.build(entries, made.__setitem__) == found.tree
        assert len(texts) == found.count
        for name in made:
            path = desk.path / f"repo/objects/{name[:2]}/{name[2:]}"
            assert made[name] == path.read_bytes()


def test_deltas_lead_from_every_state_since_the_first_tree(site: Site) -> None:
    """In few steps, and what they say is what is there."""
    for number in range(20):
        site.desk.attests(f"file {number}")
        found = root.read((site.desk.path / "repo/signet.json").read_bytes())
        for start in (0, *range(2, found.sequence)):
            chain = root.chain(found.deltas, start, found.sequence)
            assert chain is not None
            assert len(chain) <= 8
        step = root.chain(found.deltas, found.sequence - 1, found.sequence)
        assert step is not None
        ((said,),) = [
            [one for one in delta.read(site.own(piece), piece.unpacked)] for piece in step
        ]
        assert file_id(f"file {number}") == getattr(said, "id")  # noqa: B009


@pytest.mark.parametrize("what", ["leaf", "signet.json", "deltas"])
def test_a_tree_that_is_damaged_is_made_anew(site: Site, follower: Reader, what: str) -> None:
    """The next write does not rest on it, and readers follow."""
    home = site.desk.path / "repo"
    name = site.root.tree
    if what == "leaf":
        (home / f"objects/{name[:2]}/{name[2:]}").unlink()
    elif what == "signet.json":
        (home / what).write_bytes(b"{")
    else:
        for one in site.root.deltas:
            (home / "objects" / one.id[7:9] / one.id[9:]).unlink(missing_ok=True)
    site.desk.attests("more")
    found = root.read((home / "signet.json").read_bytes())
    assert json.loads((home / "repo.json").read_bytes())["data"]["root"] == found.digest
    assert 2 == found.count
    site.publish()
    assert ("new", None) == follower.came("bob")
    assert "ok" == follower.answer(file_id("more"))


@pytest.mark.parametrize("missing", [True, False])
def test_a_publish_mends_the_own_tree(
    site: Site, follower: Reader, tmp_path: Path, missing: bool
) -> None:
    """What is missing, or has other bytes, does not go up: all of the tree is made anew."""
    digits = site.root.tree
    place = site.desk.path / f"repo/objects/{digits[:2]}/{digits[2:]}"
    if missing:
        place.unlink()
    else:
        place.write_bytes(place.read_bytes().replace(b"true", b"null", 1))
    site.target = tmp_path / "elsewhere"
    site.publish()
    assert ("new", None) == follower.came("bob")
    assert "ok" == follower.answer()
    assert site.root.sequence == 3
    assert reachable(site)


def test_who_finds_another_root_of_this_number_is_told(site: Site, tmp_path: Path) -> None:
    """Two machines publish at once: the second does not overwrite the root of the first."""
    shutil.copytree(site.desk.path, tmp_path / "other")
    other = Machine(tmp_path / "other", site.web, site.bob)
    site.desk.attests("one")
    other.attests("another")
    site.desk.publishes(tmp_path / "first")
    raced = tmp_path / "first/roots/3.json"
    assert raced.exists()
    shutil.copytree(site.target, tmp_path / "second")
    shutil.copyfile(raced, tmp_path / "second/roots/3.json")
    before = contents(tmp_path / "second")
    with pytest.raises(Conflict):
        other.publishes(tmp_path / "second")
    after = contents(tmp_path / "second")
    assert before.items() <= after.items()
    assert {name.partition("/")[0] for name in after.keys() - before.keys()} == {"objects"}


def test_a_root_of_another_key_is_not_overwritten(site: Site, carol: Party, tmp_path: Path) -> None:
    """Though there is no repo.json beside it; nor is something that is no root."""
    place = tmp_path / "hers"
    place.mkdir()
    data = {
        **{"type": "root", "version": "1", "sequence": 1, "previous": {}, "count": 0},
        **{"tree": "0" * 64, "keys": "0" * 64, "deltas": []},
    }
    for raw in (canonical(carol.envelope(data, NOW)), b"<html></html>"):
        (place / "signet.json").write_bytes(raw)
        with nothing_changes(site.desk), pytest.raises(Refused):
            site.desk.publishes(place)
        assert {"signet.json": raw} == contents(place)


def test_a_publish_that_was_killed_before_repo_json_is_taken_over(
    site: Site, tmp_path: Path
) -> None:
    """The root of another machine is newer than the repo.json beside it."""
    shutil.copytree(site.desk.path, tmp_path / "other")
    other = Machine(tmp_path / "other", site.web, site.bob)
    other.attests("theirs")
    older = (site.target / "repo.json").read_bytes()
    other.publishes(site.target)
    (site.target / "repo.json").write_bytes(older)
    site.desk.attests("ours")
    done = site.desk.publishes(site.target)
    assert (4, 3, 1) == (done.sequence, done.statements, done.took_over)
    (site.target / "repo.json").unlink()
    assert (4, 0) == (
        (again := site.desk.publishes(site.target)).sequence,
        again.took_over,
    )


def reachable(site: Site) -> set[str]:
    """The objects of both trees of a site."""

    def below(name: str) -> set[str]:
        raw = (site.target / f"objects/{name[:2]}/{name[2:]}").read_bytes()
        found = json.loads(raw).get("node", {}).values()
        return {name}.union(*map(below, found))

    return below(site.root.tree) | below(site.root.keys)
