"""Two folders of one key, restored backups, what is never replaced (docs/spec/repository §4)."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest

from sig.errors import Refused, SigError, StoreError
from sig.model.identifier import Identifier
from sig.repo import layout
from sig.verbs import attest, doctor, published, setup, withdraw
from tests.repo import kill
from tests.soak import some
from tests.verbs.parties import NOW, Party, Reader, Web, canonical, file_id, nothing_changes
from tests.world import contents


class Machine(Reader):
    """A folder with an own key, which attests and publishes."""

    def attests(self, *names: str, ok: bool = True) -> None:
        """Sign statements about files, a second later than anything before."""
        self.clock.at += 1
        attest.sign_statements(
            self.workspace,
            [{"id": file_id(name), "ok": ok, "reviewed": True} for name in names],
            None,
        )

    def withdraws(self, name: str) -> None:
        """Take back what was said about a file."""
        self.clock.at += 1
        id = Identifier(file_id(name))
        withdraw.withdraw(self.workspace, id, id)

    def publishes(self, target: Path) -> published.Published:
        """Bring the repository to a folder."""
        self.clock.at += 1
        return published.publish(self.workspace, str(target))


class Follower(Reader):
    """Someone who follows a target and must never see a fork."""

    def __init__(self, path: Path, owner: Party, target: Path) -> None:
        self.target = target
        self.party = owner
        super().__init__(path, Web())
        self.follow(owner, counts=True)

    def looks(self) -> str:
        """Fetch what is in the target; gives the result."""
        self.web.pages = {
            self.party.url + name: page for name, page in contents(self.target).items()
        }
        found = self.fetch(self.party.name)
        assert found.result in ("new", "unchanged") and found.reason is None, found
        return found.result


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the repository is published."""
    return tmp_path / "www"


@pytest.fixture
def desk(tmp_path: Path, web: Web, bob: Party) -> Machine:
    """Bob's machine."""
    return Machine(tmp_path / "desk", web, bob)


@pytest.fixture
def laptop(tmp_path: Path, web: Web, bob: Party) -> Machine:
    """Bob's second machine."""
    return Machine(tmp_path / "laptop", web, bob)


@pytest.fixture
def watcher(tmp_path: Path, bob: Party, target: Path) -> Follower:
    """Follows the target."""
    return Follower(tmp_path / "watcher", bob, target)


def sequence(target: Path) -> int:
    found: int = json.loads((target / "repo.json").read_bytes())["data"]["sequence"]
    return found


def test_two_folders_of_one_key_publish_in_turns(
    desk: Machine, laptop: Machine, watcher: Follower, target: Path
) -> None:
    """Each takes over what the other published; nobody who follows sees a fork."""
    for turn in range(6):
        machine = (desk, laptop)[turn % 2]
        other = (desk, laptop)[1 - turn % 2]
        machine.clock.at = other.clock.at = max(machine.clock.at, other.clock.at)
        machine.attests(f"{turn} a")
        machine.attests(f"{turn} b")
        machine.publishes(target)
        watcher.clock.at = machine.clock.at
        assert "new" == watcher.looks()
        for earlier in range(turn + 1):
            assert "ok" == watcher.answer(file_id(f"{earlier} b")), (turn, earlier)


@pytest.mark.parametrize("seed", some(range(4), 2))
def test_whoever_follows_at_any_time_sees_no_fork(
    desk: Machine,
    laptop: Machine,
    tmp_path: Path,
    bob: Party,
    target: Path,
    seed: int,
) -> None:
    """Two machines attest and publish as they like; readers look at different times."""
    chance = random.Random(seed)
    watchers = [Follower(tmp_path / f"w{n}", bob, target) for n in range(3)]
    desk.attests("first")
    desk.publishes(target)
    backup = tmp_path / "backup"
    shutil.copytree(desk.path, backup)
    for step in range(20):
        machine = chance.choice((desk, laptop))
        desk.clock.at = laptop.clock.at = max(desk.clock.at, laptop.clock.at)
        if chance.random() < 0.1:
            shutil.rmtree(desk.path)
            shutil.copytree(backup, desk.path)
        for _ in range(chance.randrange(3)):
            machine.attests(f"{seed} {step} {_}")
        if chance.random() < 0.6:
            before = sequence(target)
            machine.publishes(target)
            assert sequence(target) >= before
        for one in watchers:
            one.clock.at = machine.clock.at
            if chance.random() < 0.5:
                one.looks()
    for one in watchers:
        one.looks()
        assert "ok" == one.answer(file_id("first"))


def test_a_restored_backup_is_no_fork(
    desk: Machine, watcher: Follower, target: Path, tmp_path: Path
) -> None:
    """The folder of last week, restored: what is public is merged, the sequence goes on above."""
    desk.attests("1")
    shutil.copytree(desk.path, tmp_path / "backup")
    desk.attests("2")
    desk.attests("3")
    desk.publishes(target)
    watcher.looks()
    shutil.rmtree(desk.path)
    shutil.copytree(tmp_path / "backup", desk.path)
    desk.attests("4")
    done = desk.publishes(target)
    assert (5, 4, 2, 1) == (done.sequence, done.statements, done.took_over, done.new)
    watcher.clock.at = desk.clock.at
    assert "new" == watcher.looks()
    assert ["ok"] * 4 == [watcher.answer(file_id(name)) for name in "1234"]


def test_a_withdrawal_is_not_undone_by_another_machine(
    desk: Machine, laptop: Machine, watcher: Follower, target: Path
) -> None:
    """The second machine still has the ok that the first took back."""
    desk.attests("1")
    desk.publishes(target)
    laptop.clock.at = desk.clock.at
    laptop.publishes(target)
    desk.withdraws("1")
    desk.publishes(target)
    laptop.clock.at = desk.clock.at
    laptop.attests("2")
    laptop.publishes(target)
    watcher.clock.at = laptop.clock.at
    watcher.looks()
    assert ("unverified", "ok") == (watcher.answer(file_id("1")), watcher.answer(file_id("2")))
    assert "unverified" == laptop.answer(file_id("1"))


def test_the_lost_repository_of_a_folder_starts_no_fork(
    desk: Machine, watcher: Follower, target: Path
) -> None:
    """repo.json was damaged and put aside: the next number is one that was never used."""
    for name in "123":
        desk.attests(name)
    desk.publishes(target)
    watcher.looks()
    (desk.path / layout.REPOSITORY).write_bytes(b"damaged")
    with pytest.raises(StoreError):
        desk.attests("4")
    done = doctor.repair(desk.workspace)
    assert any("put repo/repo.json aside" in one for one in done)
    assert b"damaged" == (desk.path / "repo/repo.json.damaged").read_bytes()
    desk.attests("4")
    assert 5 == json.loads((desk.path / layout.REPOSITORY).read_bytes())["data"]["sequence"]
    desk.publishes(target)
    watcher.clock.at = desk.clock.at
    watcher.looks()
    assert ["ok"] * 4 == [watcher.answer(file_id(name)) for name in "1234"]


def test_a_lost_repository_that_is_published_at_once_starts_no_fork(
    desk: Machine, watcher: Follower, target: Path, tmp_path: Path
) -> None:
    """Nor where there is nothing in the target to go on from, or only an older state."""
    desk.attests("1")
    desk.publishes(target)
    desk.attests("2")
    shutil.copytree(desk.path / "repo", tmp_path / "copied")
    elsewhere = Follower(tmp_path / "elsewhere", watcher.party, tmp_path / "copied")
    elsewhere.looks()
    (desk.path / layout.REPOSITORY).write_bytes(b"damaged")
    doctor.repair(desk.workspace)
    desk.publishes(target)
    assert 4 == sequence(target)
    elsewhere.target = target
    elsewhere.clock.at = desk.clock.at
    assert "new" == elsewhere.looks()


def test_the_state_of_another_key_is_never_replaced(
    desk: Machine, target: Path, carol: Party
) -> None:
    """P1, also where it is older, or only looks like a repository of this key."""
    desk.attests("1")
    target.mkdir()
    (target / "repo.json").write_bytes(carol.repository())
    (target / "key.asc").write_bytes(carol.key_asc)
    before = contents(target)
    with nothing_changes(desk), pytest.raises(Refused):
        desk.publishes(target)
    assert before == contents(target)
    # Carol's document with Bob's key written into it.
    forged = json.loads(carol.repository()) | {"key": desk.owner and desk.owner.fingerprint}
    (target / "repo.json").write_bytes(canonical(forged))
    before = contents(target)
    for key_asc in (carol.key_asc, desk.owner.key_asc if desk.owner else b"", b"x", None):
        if key_asc is None:
            (target / "key.asc").unlink()
        else:
            (target / "key.asc").write_bytes(key_asc)
        before = contents(target)
        with nothing_changes(desk), pytest.raises(SigError):
            desk.publishes(target)
        assert before == contents(target)


@pytest.mark.parametrize("raw", [b"", b"x", b"{}", b"<html>", b"\xff" * 100, b"[" * 5000])
def test_a_target_with_something_else_in_it_is_refused(
    desk: Machine, target: Path, raw: bytes
) -> None:
    """What is not a repository is somebody's file."""
    desk.attests("1")
    target.mkdir()
    (target / "repo.json").write_bytes(raw)
    with nothing_changes(desk), pytest.raises(Refused):
        desk.publishes(target)
    assert {"repo.json": raw} == contents(target)


def test_a_target_that_is_no_folder_is_an_error(desk: Machine, target: Path) -> None:
    """A file in its place, or above it."""
    desk.attests("1")
    target.write_bytes(b"mine")
    for place in (target, target / "below"):
        with nothing_changes(desk), pytest.raises(StoreError):
            desk.publishes(place)
    assert b"mine" == target.read_bytes()


def test_the_statements_of_others_are_not_taken_over(
    desk: Machine, target: Path, bob: Party, carol: Party
) -> None:
    """Bob's key signed a list with Carol's words in it: they are not his."""
    desk.attests("1")
    target.mkdir()
    bob.offered = [carol.statement(file_id("hers")), bob.statement(file_id("his"), at=NOW - 5)]
    (target / "repo.json").write_bytes(bob.repository(sequence=30))
    done = desk.publishes(target)
    assert (31, 2, 1) == (done.sequence, done.statements, done.took_over)
    assert b"hers" not in (target / "repo.json").read_bytes()
    assert "ok" == desk.answer(file_id("his"))


def test_the_last_number_there_is_stops_a_publisher(
    desk: Machine, target: Path, bob: Party
) -> None:
    """A thief signed 2^53-1: no document is written that nobody could read."""
    desk.attests("1")
    target.mkdir()
    (target / "repo.json").write_bytes(bob.repository([], sequence=2**53 - 1))
    before = contents(target)
    with nothing_changes(desk), pytest.raises(SigError):
        desk.publishes(target)
    assert before == contents(target)


def test_every_state_names_its_past(desk: Machine, target: Path) -> None:
    """d·4^k publishes back, d from 1 to 3: from any state to any earlier one in a few steps."""
    digests: dict[int, str] = {}
    named: dict[int, dict[int, str]] = {}
    for number in range(1, 70):
        desk.attests(str(number))
        data = json.loads((desk.path / layout.REPOSITORY).read_bytes())["data"]
        assert number == data["sequence"]
        named[number] = {int(at): digest for at, digest in data["previous"].items()}
        steps = {d * 4**k for d in (1, 2, 3) for k in range(9)}
        assert {number - step for step in steps if step < number} == set(named[number])
        digests[number] = hashlib.sha256(canonical(data)).hexdigest()
        for at, digest in named[number].items():
            assert digests[at] == digest
    for start in (69, 68, 64, 33):
        for goal in range(1, start):
            at, hops = start, 0
            while at > goal:
                at = min(one for one in named[at] if one >= goal)
                hops += 1
            assert hops <= 12


def test_a_copy_taken_at_any_moment_verifies(desk: Machine, tmp_path: Path, bob: Party) -> None:
    """`repo/` may be copied to a host while a command writes, also when the key was renewed."""
    desk.attests("1")
    bob.certificate = bob.certificate + bob.key.named(bob.uid, NOW - 5, bare=True)
    copies: list[dict[str, bytes]] = []

    def copy() -> None:
        copies.append(contents(desk.path / "repo"))

    with kill.at_step(None, copy):
        desk.attests("2")
    copies.append(contents(desk.path / "repo"))
    different = {tuple(sorted(one.items())) for one in copies}
    assert len(different) >= 2
    for number, one in enumerate(different):
        files = dict(one)
        assert {"key.asc", "repo.json"} == set(files)
        host = tmp_path / f"host{number}"
        host.mkdir()
        for name, raw in files.items():
            (host / name).write_bytes(raw)
        reader = Follower(tmp_path / f"reader{number}", bob, host)
        reader.clock.at = desk.clock.at
        assert "new" == reader.looks()
        assert "ok" == reader.answer(file_id("1"))


def test_an_expired_key_that_was_renewed_is_copied_whole(
    desk: Machine, tmp_path: Path, bob: Party
) -> None:
    """Never the new state beside the old certificate, which says that the key had ended."""
    desk.attests("1")
    key_asc = (desk.path / layout.CERTIFICATE).read_bytes()
    bob.certificate = bob.certificate + bob.key.named(bob.uid, NOW - 5, bare=True)
    seen: list[tuple[bool, bool]] = []
    old = (desk.path / layout.REPOSITORY).read_bytes()

    def look() -> None:
        repo = contents(desk.path / "repo")
        seen.append((repo["repo.json"] != old, repo["key.asc"] != key_asc))

    with kill.at_step(None, look):
        desk.attests("2")
    assert (True, False) not in seen
    assert (False, False) in seen


def test_a_second_machine_starts_where_the_first_is(
    desk: Machine, tmp_path: Path, web: Web, bob: Party, target: Path, watcher: Follower
) -> None:
    """`setup --from` takes the public statements into a state that is one above."""
    desk.attests("1")
    desk.attests("2")
    desk.publishes(target)
    watcher.looks()
    second = Machine(tmp_path / "second", web)
    second.owner = bob
    second.clock.at = desk.clock.at
    made = setup.setup(second.workspace, bob.fingerprint, source=str(target))
    assert (True, 2) == (made.new_folder, made.took_over)
    assert "ok" == second.answer(file_id("1"))
    second.attests("3")
    assert 5 == second.publishes(target).sequence
    watcher.clock.at = second.clock.at
    assert "new" == watcher.looks()


def test_a_second_machine_takes_nothing_of_another_key(
    tmp_path: Path, web: Web, bob: Party, carol: Party, target: Path
) -> None:
    """Then no folder is made."""
    target.mkdir()
    (target / "repo.json").write_bytes(carol.repository())
    (target / "key.asc").write_bytes(carol.key_asc)
    second = Machine(tmp_path / "second", web)
    second.owner = bob
    with pytest.raises(Refused):
        setup.setup(second.workspace, bob.fingerprint, source=str(target))
    assert not second.path.exists()
    web.pages |= {"https://x.example.org/repo.json": b"<html>"}
    with pytest.raises(SigError):
        setup.setup(second.workspace, bob.fingerprint, source="https://x.example.org/")
    assert not second.path.exists()


def test_a_folder_that_is_copied_without_publish_counts_as_published(
    desk: Machine, tmp_path: Path, bob: Party
) -> None:
    """Every signed write is a publish: copies of repo/ follow on each other."""
    reader = Follower(tmp_path / "copier", bob, desk.path / "repo")
    for name in "12345":
        desk.attests(name)
        reader.clock.at = desk.clock.at
        assert "new" == reader.looks()


def test_killed_at_each_step_of_a_publish(desk: Machine, target: Path, watcher: Follower) -> None:
    """What readers see is the old state or the new one, whole; publishing again heals."""
    desk.attests("1")
    desk.publishes(target)
    watcher.looks()
    desk.attests("2")
    for _ in kill.killed_at_each_step(lambda: desk.publishes(target), every=3):
        watcher.clock.at = desk.clock.at + 5
        watcher.looks()
        assert "ok" == watcher.answer(file_id("1"))
    assert 3 == desk.publishes(target).sequence
    watcher.looks()
    assert "ok" == watcher.answer(file_id("2"))


def test_what_a_killed_publish_left_goes(desk: Machine, target: Path) -> None:
    """A temporary file of a publish that was killed is no part of what is public."""
    desk.attests("one")
    desk.publishes(target)
    (target / ".repo.json.abcd1234").write_bytes(b"half")
    (target / ".repo.json").write_bytes(b"somebody's own")

    desk.attests("two")
    desk.publishes(target)

    assert [
        *(".repo.json", "key.asc", "objects", "repo.json", "roots", "signet.json"),
    ] == sorted(path.name for path in target.iterdir())


def test_a_target_that_is_too_large_is_refused(
    desk: Machine, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the target is read within the limit of a repository."""
    desk.attests("one")
    desk.publishes(target)
    public = (target / "repo.json").read_bytes()
    (target / "repo.json").write_bytes(public + b" " * 10)
    monkeypatch.setattr("sig.model.limits.REPOSITORY", len(public))
    with pytest.raises(Refused, match="larger"):
        desk.publishes(target)
    assert (target / "repo.json").read_bytes() == public + b" " * 10
