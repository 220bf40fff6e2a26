"""A sparse tree from a host that lies: exit code, reason, and a folder that stays as it is.

The real command, a real server on loopback. Beside each attack stands what has to pass.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sig.model import limits, root
from tests.cli.planted import gardener, object_path, plant, put, text
from tests.repo import nginx
from tests.repo.evil_server import EvilServer, Visit, answer
from tests.world import Forger, Person, Server, World, contents, id_of, trusted_state


@dataclass
class Story:
    """Alice follows Bob, who has published a tree at `www` and says ok about one file.

    `old` is his genuine repo.json from before he had a tree.
    """

    world: World
    alice: Person
    bob: Person
    www: Path
    server: Server
    old: bytes

    def fetch(self, *names: str) -> tuple[int, str, str | None]:
        """Exit code, result and reason of asking Bob."""
        ran = self.alice.sig("fetch", "--json", *names)
        (one,) = [one for one in ran.json["remotes"] if one["name"] == "bob"]
        return ran.status, one["result"], one["reason"]

    def is_refused(self, *wanted: object) -> None:
        """What is served is not taken, and nothing that verdicts rest on changes."""
        before, said = trusted_state(self.alice.folder), self.verdicts()
        assert wanted == self.fetch()
        after = trusted_state(self.alice.folder)
        assert before == after
        assert said == self.verdicts()

    def verdicts(self) -> list[str]:
        """What Alice is told of Bob's files."""
        for name in ("one", "two", "three"):
            self.alice.write(name, name)
        ran = self.alice.sig("verify", "--json", "one", "two", "three")
        return [one["verdict"] for one in ran.results]

    def publish(self, *contents: str, ok: bool = True) -> None:
        """Bob attests some bytes and publishes."""
        for content in contents:
            said = ("--ok", "--reviewed") if ok else ("--not-ok", "--reviewed")
            self.bob.attests(content, *said, name=content)
        ran = self.bob.sig("publish", self.www)
        assert ran.status == 0, ran

    @property
    def root(self) -> root.UnverifiedRoot:
        """Bob's public root."""
        return root.read((self.www / "signet.json").read_bytes())

    @property
    def leaf(self) -> str:
        """The path at the server of the one object of his tree."""
        return f"/objects/{self.root.tree[:2]}/{self.root.tree[2:]}"

    def lose_deltas(self) -> None:
        """The host has none of them."""
        for delta in self.root.deltas:
            object_path(self.www, delta.id.removeprefix("sha256:")).unlink(missing_ok=True)

    def without_deltas(self) -> None:
        """Bob has said more, and the host has no deltas."""
        self.publish("two")
        self.lose_deltas()


@pytest.fixture
def story(world: World) -> Story:
    """Alice has fetched the first state."""
    alice, bob = world.person("alice"), world.person("bob")
    bob.attests("one", name="one")
    old = (bob.folder / "repo/repo.json").read_bytes()
    assert "root" not in json.loads(old)["data"]
    www = world.path / "www"
    assert 0 == bob.sig("publish", www).status
    server = world.serve(www)
    alice.sig("remote", "add", "bob", server.url, "--key", bob.fingerprint, "--trust")
    told = Story(world, alice, bob, www, server, old)
    assert (0, "new", None) == told.fetch()
    assert ["ok", "unknown", "unknown"] == told.verdicts()
    return told


def test_a_tree_is_fetched_and_costs_little(story: Story) -> None:
    """What is asked for, and how it is told; nothing new is two conditional requests."""
    story.server.requests.clear()
    assert (0, "unchanged", None) == story.fetch()
    assert [("/signet.json", 304), ("/key.asc", 304)] == [
        (one.path, one.status) for one in story.server.requests
    ]
    story.publish("two")
    ran = story.alice.sig("fetch")
    url = story.server.url
    assert [
        f"GET {url}signet.json... done.",
        f"GET {url}key.asc... unchanged.",
        f"GET {url}objects/ (1)... done.",
    ] == ran.lines
    assert ["ok", "ok", "unknown"] == story.verdicts()


def test_where_deltas_are_gone_trees_are_compared(story: Story) -> None:
    """The host lost them."""
    story.without_deltas()
    assert (0, "new", None) == story.fetch()
    assert ["ok", "ok", "unknown"] == story.verdicts()


@pytest.mark.parametrize(
    "lie",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"x",
        lambda raw: gzip.compress(b"", mtime=0),
        lambda raw: b"\0" * limits.MIB,
        lambda raw: b"",
        lambda raw: b"<html></html>",
    ],
)
def test_a_delta_that_lies_is_not_believed(story: Story, lie: Callable[[bytes], bytes]) -> None:
    """Cut, with something behind it, another, or too large: then trees are compared."""
    story.publish("two")
    for delta in story.root.deltas:
        path = object_path(story.www, delta.id.removeprefix("sha256:"))
        path.write_bytes(lie(path.read_bytes()))
    assert (0, "new", None) == story.fetch()
    assert ["ok", "ok", "unknown"] == story.verdicts()


# --- what stands in for the root -----------------------------------------------------------------


def test_no_root_and_an_old_genuine_repository_is_a_failure(story: Story) -> None:
    """Nothing stands in for the root of a tree that is followed."""
    story.server.answers["/signet.json"] = 404
    story.server.answers["/repo.json"] = (200, story.old)
    story.is_refused(4, "failed", "http")
    story.server.answers.clear()
    assert (0, "unchanged", None) == story.fetch()


def test_who_met_a_root_takes_no_repository_without_one(story: Story) -> None:
    """Also not under another name, for the key is remembered."""
    old = story.old
    assert 0 == story.alice.sig("remote", "remove", "bob").status
    words = ("remote", "add", "bob", story.server.url, "--key", story.bob.fingerprint)
    assert 0 == story.alice.sig(*words).status
    story.server.answers["/signet.json"] = 404
    story.server.answers["/repo.json"] = (200, old)
    story.is_refused(1, "refused", "rollback")
    # One that names the root is as good as the tree, and so is the tree itself. The state is known.
    del story.server.answers["/repo.json"]
    assert (0, "unchanged", None) == story.fetch()
    assert ["ok", "unknown", "unknown"] == story.verdicts()
    story.server.answers.clear()
    assert (0, "unchanged", None) == story.fetch()
    assert "/objects/" in story.server.requests[-1].path
    assert ["ok", "unknown", "unknown"] == story.verdicts()


@pytest.mark.parametrize(
    ("served", "wanted"),
    [
        (404, (4, "failed", "http")),
        (500, (4, "failed", "http")),
        ((200, b""), (4, "failed", "format")),
        ((200, b"<html>Please log in</html>"), (4, "failed", "format")),
        ((200, b"{}"), (4, "failed", "format")),
        ((200, b" " * (limits.ROOT + 1)), (4, "failed", "too-large")),
    ],
)
def test_what_is_no_root_is_a_failure(
    story: Story, served: int | tuple[int, bytes], wanted: tuple[object, ...]
) -> None:
    """A captive portal, an empty 200, a status, too much of it."""
    story.server.answers["/signet.json"] = served
    story.is_refused(*wanted)


def test_a_root_that_was_changed_is_refused(story: Story) -> None:
    """Its owner did not sign it; nothing that it names is asked for."""
    story.publish("two")
    value = json.loads((story.www / "signet.json").read_bytes())
    value["data"]["count"] += 1
    story.server.answers["/signet.json"] = (200, text(value))
    story.server.requests.clear()
    story.is_refused(1, "refused", "signature")
    assert [] == [one.path for one in story.server.requests if "objects" in one.path]


def test_the_root_of_another_key_is_refused(story: Story) -> None:
    """Whatever it says."""
    plant(story.www, Forger(), [], 9)
    story.is_refused(1, "refused", "key-changed")


# --- older, other --------------------------------------------------------------------------------


def test_an_older_root_is_behind_and_takes_nothing_back(story: Story) -> None:
    """A cache: no attack, and no older state; a day later it is one (tests/verbs/test_rooted)."""
    older = contents(story.www)
    story.publish("two")
    assert (0, "new", None) == story.fetch()
    before = trusted_state(story.alice.folder)
    shutil.rmtree(story.www)
    for name, raw in older.items():
        path = story.www / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    assert (0, "unchanged", "behind") == story.fetch()
    after = trusted_state(story.alice.folder)
    assert {"remotes/bob/state"} == {name for name in after if before.get(name) != after[name]}
    assert ["ok", "ok", "unknown"] == story.verdicts()


def copied(story: Story) -> Person:
    """A second machine of Bob, with a copy of his folder."""
    other = story.world.newcomer("bob2", key_of="bob")
    shutil.copytree(story.bob.folder, other.folder)
    return other


def test_two_roots_of_one_sequence_are_a_fork(story: Story) -> None:
    """Though Bob signed both."""
    other = copied(story)
    story.publish("two")
    assert (0, "new", None) == story.fetch()
    other.attests("three", name="three")
    fork = story.world.path / "fork"
    shutil.copytree(other.folder / "repo", fork)
    assert story.root.sequence == root.read((fork / "signet.json").read_bytes()).sequence
    story.server.folder = fork
    story.is_refused(1, "refused", "fork")


def test_a_root_that_denies_the_one_that_was_met_is_a_rewrite(story: Story) -> None:
    """Though it is newer, and Bob signed it."""
    other = copied(story)
    story.publish("two")
    assert (0, "new", None) == story.fetch()
    other.attests("three", name="three")
    other.attests("four", name="four")
    story.server.folder = other.folder / "repo"
    assert (
        story.root.sequence < root.read((story.server.folder / "signet.json").read_bytes()).sequence
    )
    story.is_refused(1, "refused", "fork")
    # The way on is the user's.
    assert 0 == story.alice.sig("remote", "accept", "bob").status
    assert ["ok", "unverified", "ok"] == story.verdicts()  # what disappeared does not count


# --- objects -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "wanted"),
    [
        (lambda raw, old: raw[:-1], "format"),
        (lambda raw, old: raw.replace(b'"ok": true', b'"ok":  true', 1), "format"),
        (lambda raw, old: old, "format"),
        (lambda raw, old: b"", "format"),
        (lambda raw, old: b"<html></html>", "format"),
        (lambda raw, old: gzip.compress(raw), "format"),
        (lambda raw, old: raw + b" " * limits.OBJECT, "too-large"),
    ],
    ids=["truncated", "changed", "another version", "empty", "portal", "packed", "giant"],
)
def test_an_object_that_is_not_what_its_name_says_is_a_failure(
    story: Story, lie: Callable[[bytes, bytes], bytes], wanted: str
) -> None:
    """Nothing of the new state is taken; the honest host is asked again, and all is well."""
    old = object_path(story.www, story.root.tree).read_bytes()
    story.without_deltas()
    path = object_path(story.www, story.root.tree)
    sound = path.read_bytes()
    path.write_bytes(lie(sound, old))
    story.is_refused(4, "failed", wanted)
    path.write_bytes(sound)
    assert (0, "new", None) == story.fetch()
    assert ["ok", "ok", "unknown"] == story.verdicts()


@pytest.mark.parametrize("status", [404, 500])
def test_an_object_that_is_missing_is_a_failure(story: Story, status: int) -> None:
    """A mix of two versions: the root of the new one, and objects of the old."""
    story.without_deltas()
    story.server.answers[story.leaf] = status
    story.is_refused(4, "failed", "http")
    story.server.answers.clear()
    assert (0, "new", None) == story.fetch()


def endless(visit: Visit) -> None:
    """A body that does not end, of a length that nobody announced."""
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        visit.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


@pytest.fixture
def evil() -> Iterator[EvilServer]:
    """A server that does as it is told."""
    with EvilServer() as server:
        yield server


def test_an_endless_object_ends_at_its_limit(story: Story, evil: EvilServer) -> None:
    """Of a root, of an object and of a delta."""
    story.alice.sig("remote", "remove", "bob")
    words = ("remote", "add", "bob", evil.url, "--key", story.bob.fingerprint, "--trust")
    assert 0 == story.alice.sig(*words).status
    for name, raw in contents(story.www).items():
        evil.routes[f"/{name}"] = answer(raw)
    deltas = [object_path(Path("/"), one.id[7:]) for one in story.root.deltas]
    for path in deltas:
        evil.routes[str(path)] = endless
    evil.routes[story.leaf] = endless
    assert (4, "failed", "too-large") == story.fetch()
    evil.routes[story.leaf] = answer(object_path(story.www, story.root.tree).read_bytes())
    assert (0, "unchanged", None) == story.fetch()  # the state was met under this key
    assert ["ok", "unknown", "unknown"] == story.verdicts()
    evil.routes["/signet.json"] = endless
    story.is_refused(4, "failed", "too-large")


def test_a_mirror_that_lies_does_not_block_one_that_does_not(story: Story) -> None:
    """Bob's key is followed at two places; and another's remote is not touched at all."""
    mirror = story.world.path / "mirror"
    shutil.copytree(story.www, mirror)
    lying = story.world.serve(mirror)
    words = ("remote", "add", "mirror", lying.url, "--key", story.bob.fingerprint)
    assert 0 == story.alice.sig(*words).status
    story.publish("two")
    shutil.copytree(story.www, mirror, dirs_exist_ok=True)
    story.lose_deltas()
    for delta in story.root.deltas:
        object_path(mirror, delta.id[7:]).unlink(missing_ok=True)
    object_path(mirror, story.root.tree).write_bytes(b"{}")
    ran = story.alice.sig("fetch", "--json")
    came = {one["name"]: (one["result"], one["reason"]) for one in ran.json["remotes"]}
    assert (4, {"bob": ("new", None), "mirror": ("failed", "format")}) == (ran.status, came)
    assert ["ok", "ok", "unknown"] == story.verdicts()


# --- trees that their owner signed, and that are none --------------------------------------------


@dataclass
class Forged:
    """Alice follows Mallory, who signs whatever comes to mind."""

    story: Story
    mallory: Forger
    www: Path

    def is_refused(self, *wanted: object) -> None:
        """As in the story, for Mallory's remote alone."""
        alice = self.story.alice
        before = trusted_state(alice.folder)
        ran = alice.sig("fetch", "--json", "mallory")
        (one,) = ran.json["remotes"]
        assert wanted == (ran.status, one["result"], one["reason"])
        assert before == trusted_state(alice.folder)

    def is_taken(self) -> list[str]:
        """What disappeared."""
        ran = self.story.alice.sig("fetch", "--json", "mallory")
        (one,) = ran.json["remotes"]
        assert (0, "new") == (ran.status, one["result"]), ran
        return list(one["disappeared"])


@pytest.fixture
def forged(story: Story) -> Forged:
    """A first state is fetched: a warning about three, with an alias, and an ok."""
    mallory, www = Forger(), story.world.path / "mallory"
    www.mkdir()
    server = story.world.serve(www)
    words = ("remote", "add", "mallory", server.url, "--key", mallory.fingerprint, "--trust")
    assert 0 == story.alice.sig(*words).status
    made = Forged(story, mallory, www)
    plant(www, mallory, [mallory.says("three", False, aliases=["sha512:ab"])], 1)
    assert [] == made.is_taken()
    assert ["ok", "unknown", "bad"] == story.verdicts()
    return made


def test_a_warning_that_disappears_is_told_and_counts(forged: Forged) -> None:
    """Its signer did not end it."""
    plant(forged.www, forged.mallory, [forged.mallory.says("two")], 2)
    told = f"a warning by {forged.mallory.fingerprint} about {id_of('three')}"
    assert [told] == forged.is_taken()
    assert ["ok", "ok", "bad"] == forged.story.verdicts()


def test_a_count_that_is_wrong_is_refused(forged: Forged) -> None:
    """More or fewer statements than the root says."""
    said = [forged.mallory.says("two")]
    for count in (0, 2, 2**53 - 1):
        plant(forged.www, forged.mallory, said, 2, count=count)
        forged.is_refused(4, "failed", "format")
    plant(forged.www, forged.mallory, said, 2)
    forged.is_taken()


def test_a_tree_that_is_not_the_one_of_its_entries_is_refused(forged: Forged) -> None:
    """Two leaves where one would do; a leaf that stands elsewhere; an alias that nobody claims."""
    make = gardener()
    said = sorted((text(forged.mallory.says(f"{n}")) for n in range(9)), key=make.position)
    leaves = {make.position(one)[0]: make.leaf(one) for one in said}
    names = {digit: put(forged.www, raw) for digit, raw in leaves.items()}
    moved = dict(zip(names, [*list(names.values())[1:], next(iter(names.values()))], strict=True))
    alias = text({"alias": "sha512:cd", "id": id_of("0")})
    more = make.leaf(*sorted([*said, alias], key=make.position))
    trees = [(raw, len(names)) for raw in (make.node(names), make.node(moved))]
    trees.append((make.node({f"{digit}0": name for digit, name in names.items()}), len(names)))
    trees += [
        (raw, len(said))
        for raw in (more, make.leaf(*reversed(said)), make.leaf(*said) + b"\n", b"{}")
    ]
    trees.append((make.leaf(*said, said[-1]), len(said) + 1))
    for raw, count in trees:
        plant(forged.www, forged.mallory, [], 2, tree=put(forged.www, raw), count=count)
        forged.is_refused(4, "failed", "format")
    plant(
        forged.www, forged.mallory, [], 2, tree=put(forged.www, make.leaf(*said)), count=len(said)
    )
    forged.is_taken()


def test_a_chain_of_nodes_without_end_is_refused(forged: Forged) -> None:
    """One below the other, down to the last digit; and a node that names itself in many places."""
    make = gardener()
    name = put(forged.www, make.leaf(text(forged.mallory.says("two"))))
    for _ in range(70):
        name = put(forged.www, make.node({"00": name}))
    plant(forged.www, forged.mallory, [], 2, tree=name, count=1)
    forged.is_refused(4, "failed", "format")
    wide = make.node({f"{number:02x}": name for number in range(256)})
    plant(forged.www, forged.mallory, [], 2, tree=put(forged.www, wide), count=1)
    forged.is_refused(4, "failed", "format")


def test_the_tree_of_keys_is_checked_too(forged: Forged) -> None:
    """It is signed as well, and kept."""
    make = gardener()
    statement = make.leaf(text(forged.mallory.says("two")))
    for raw in (statement, b"{}", make.leaf() + b" "):
        plant(forged.www, forged.mallory, [], 2, keys=put(forged.www, raw))
        forged.is_refused(4, "failed", "format")
    plant(forged.www, forged.mallory, [], 2, keys="0" * 64)
    forged.is_refused(4, "failed", "http")


def test_a_delta_that_its_owner_signed_is_not_believed_either(forged: Forged) -> None:
    """It says what is not in the tree: a bomb, another statement, a lie about its length."""
    mallory = forged.mallory
    said = mallory.says("two")
    line = text({"id": id_of("one"), "statements": [mallory.says("one", False)]}) + b"\n"
    warned = mallory.says("three", False, aliases=["sha512:ab"])
    for number, unpacked in enumerate((line, b" " * 50_000_000, b"[]\n", line * 2), 2):
        raw = gzip.compress(unpacked, mtime=0)
        delta = {
            "from": number - 1,
            "to": number,
            "id": f"sha256:{put(forged.www, raw)}",
            "size": len(raw),
            "unpacked": len(unpacked),
        }
        statements = [said, warned, *(mallory.says(f"more {n}") for n in range(number))]
        plant(forged.www, mallory, statements, number, deltas=[delta])
        forged.is_taken()
        assert ["ok", "ok", "bad"] == forged.story.verdicts()


def test_a_later_root_is_refused_by_name(forged: Forged) -> None:
    """Another version, or what is signed is no root at all."""
    for fields, why in (
        ({"version": "2"}, "the version 2 is not known"),
        ({"type": "handover"}, "not a root but handover"),
        ({"count": 2**53}, "out of range"),
        ({"previous": {"2": "0" * 64}}, "previous names"),
        ({"tree": "sha256:" + "0" * 64}, "tree is not a digest"),
        ({"trust": {}}, "not a document with type"),
    ):
        plant(forged.www, forged.mallory, [], 2, **fields)  # type: ignore[arg-type]
        forged.is_refused(4, "failed", "format")
        assert why in forged.story.alice.sig("fetch", "mallory").stderr


def test_a_sequence_at_the_end_of_all_numbers_has_a_way_back(forged: Forged) -> None:
    """Fast-forward: it is taken, for its owner signed it; what is lower is behind, or accepted."""
    plant(forged.www, forged.mallory, [], 2**53 - 1)
    forged.is_taken()
    plant(forged.www, forged.mallory, [forged.mallory.says("two")], 2)
    ran = forged.story.alice.sig("fetch", "--json", "mallory")
    assert ("unchanged", "behind") == tuple(
        ran.json["remotes"][0][name] for name in ("result", "reason")
    )
    assert 0 == forged.story.alice.sig("remote", "accept", "mallory").status
    assert ["ok", "ok", "bad"] == forged.story.verdicts()


# --- a host that does not lie --------------------------------------------------------------------


@pytest.mark.nginx
@pytest.mark.parametrize("packed", ["", "gzip on; gzip_proxied any; gzip_types *;"])
def test_a_tree_on_nginx_is_followed(story: Story, packed: str) -> None:
    """As it lies there, and where it packs what it sends; deltas, objects, and nothing new."""
    if nginx.PROGRAM is None:
        pytest.skip("nginx is not installed")
    story.world.path.chmod(0o755)  # its worker may be nobody
    with nginx.Nginx(story.www, story.world.path / "nginx", packed) as running:
        words = ("remote", "add", "hosted", running.url, "--key", story.bob.fingerprint)
        assert 0 == story.alice.sig(*words).status
        assert 0 == story.alice.sig("remote", "remove", "bob").status
        story.server.close()
        for content, lose in (("two", False), ("three", True)):
            story.publish(content)
            if lose:
                story.lose_deltas()
            ran = story.alice.sig("fetch", "--json")
            (one,) = ran.json["remotes"]
            assert (0, "new") == (ran.status, one["result"]), ran
            assert 0 == story.alice.sig("verify", story.alice.write("it", content)).status
        lines = story.alice.sig("fetch").lines
    assert [
        f"GET {running.url}signet.json... unchanged.",
        f"GET {running.url}key.asc... unchanged.",
    ] == lines
