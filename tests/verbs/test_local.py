"""The folder in the hands of others: index, configuration, links, rights, a site's policy."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sig.errors import Changed, Conflict, StoreError
from sig.repo import layout
from sig.repo.index import _digest
from sig.verbs import config, doctor, trust
from sig.verbs.setup import doubt, setup
from tests.repo import kill
from tests.verbs.parties import (
    DAY,
    FILE,
    NOBODY,
    NOW,
    Party,
    Reader,
    Web,
    canonical,
    file_id,
    nothing_changes,
)
from tests.world import VECTORS, snapshot

BAD = file_id("bad")
STRANGE = file_id("a stranger's")


@pytest.fixture
def desk(reader: Reader, web: Web, bob: Party, carol: Party) -> Reader:
    """Bob, trusted: FILE ok, BAD bad. Carol, not trusted: BAD and STRANGE ok."""
    bob.says()
    bob.says(BAD, ok=False)
    carol.says(BAD)
    carol.says(STRANGE)
    for one in (bob, carol):
        web.offer(one)
        reader.follow(one, counts=one is bob)
    reader.fetch_all()
    assert ["ok", "bad", "unverified"] == answers(reader)
    return reader


def answers(reader: Reader) -> list[str]:
    """The three verdicts."""
    return [reader.answer(id) for id in (FILE, BAD, STRANGE)]


# --- the index ---------------------------------------------------------------------------------


def test_the_index_may_be_missing_or_damaged(desk: Reader) -> None:
    """The answers are those of the files, and a reader mends nothing."""
    place = desk.path / layout.INDEX
    good = place.read_bytes()
    for raw in (None, b"", b"x" * 5000, good[:4096], good[:-4096], good[:100] + b"\0" * 500):
        place.unlink(missing_ok=True)
        if raw is not None:
            place.write_bytes(raw)
            place.chmod(0o600)
        before = snapshot(desk.path)
        assert ["ok", "bad", "unverified"] == answers(desk)
        assert before == snapshot(desk.path)
    config.change(desk.workspace, "publish.url", "https://bob.example.org/")
    assert [] == desk.workspace.index.check()


def test_a_flipped_byte_of_the_index_changes_no_answer(desk: Reader) -> None:
    """Wherever it is."""
    place = desk.path / layout.INDEX
    good = place.read_bytes()
    for at in range(0, len(good), 977):
        raw = bytearray(good)
        raw[at] ^= 0x41
        place.write_bytes(raw)
        assert ["ok", "bad", "unverified"] == answers(desk), at


def test_the_index_of_another_folder_is_never_believed(
    desk: Reader, web: Web, tmp_path: Path, bob: Party
) -> None:
    """Also where it is of the same remotes at another time."""
    older = tmp_path / "older"
    shutil.copytree(desk.path, older)
    empty = Reader(tmp_path / "empty", web)
    empty.follow(bob, counts=True)
    web.offer(bob, bob.repository([bob.statement(BAD)]))
    empty.came("bob")
    assert "ok" == empty.answer(BAD)
    for other in (older, empty.path):
        shutil.copy(other / layout.INDEX, desk.path / layout.INDEX)
        assert ["ok", "bad", "unverified"] == answers(desk)


def rewrite(place: Path, change: Callable[[bytes], bytes | None]) -> None:
    """Change rows of an index and make every digest fit, as its owner could."""
    with sqlite3.connect(place, isolation_level=None) as connection:
        gone: dict[str, int] = {}
        for number, rows in connection.execute("SELECT number, rows FROM bucket").fetchall():
            lines = []
            for line in rows.split(b"\n")[:-1]:
                new = change(line)
                if new is None:
                    source = line.split(b"\t")[1].decode()
                    gone[source] = gone.get(source, 0) + 1
                else:
                    lines.append(new)
            content = b"".join(line + b"\n" for line in sorted(lines))
            connection.execute("UPDATE bucket SET rows = ? WHERE number = ?", (content, number))
        buckets = dict(connection.execute("SELECT number, rows FROM bucket"))
        (knots,) = connection.execute("SELECT count(*) FROM knot").fetchone()
        all_knots = b""
        for knot in range(knots):
            digests = b"".join(
                _digest(f"bucket {number}", buckets[number])
                for number in range(knot * 128, min((knot + 1) * 128, len(buckets)))
            )
            connection.execute("UPDATE knot SET digests = ? WHERE number = ?", (digests, knot))
            all_knots += _digest(f"knot {knot}", digests)
        (head,) = connection.execute("SELECT head FROM meta").fetchone()
        lines = head.decode().split("\n")
        for at, line in enumerate(lines):
            parts = line.split("\t")
            if len(parts) == 4 and parts[0] in gone:
                parts[2] = str(int(parts[2]) - gone[parts[0]])
                lines[at] = "\t".join(parts)
        head = "\n".join(lines).encode()
        connection.execute(
            "UPDATE meta SET head = ?, knots = ?, digest = ?",
            (head, all_knots, _digest("meta", head, all_knots)),
        )
    connection.close()


def test_rows_that_were_changed_turn_nothing_to_ok(desk: Reader, bob: Party) -> None:
    """Signatures are verified again: a warning that says ok, a stranger's word as Bob's."""

    def to_ok(line: bytes) -> bytes:
        return line.replace(b'"ok": false', b'"ok": true')

    def to_bob(line: bytes) -> bytes:
        key = line.split(b'"key": "')[1][:40]
        return line.replace(key, bob.fingerprint.encode())

    def to_file(line: bytes) -> bytes:
        return line.replace(FILE.encode(), STRANGE.encode())

    good = (desk.path / layout.INDEX).read_bytes()
    for change in (to_ok, to_bob, to_file):
        rewrite(desk.path / layout.INDEX, change)
        said = answers(desk)
        assert "ok" not in said[1:], change
        assert any(one.level == "problem" for one in doctor.examine(desk.workspace)), change
        doctor.repair(desk.workspace)
        assert ["ok", "bad", "unverified"] == answers(desk)
    assert len(good)


def test_rows_that_were_taken_away_are_found(desk: Reader, web: Web, bob: Party) -> None:
    """By `doctor`, and by the next state of that remote."""
    place = desk.path / layout.INDEX
    rewrite(place, lambda line: None if b'"ok": false' in line else line)
    assert "bad" != desk.answer(BAD)
    assert any(one.level == "problem" for one in doctor.examine(desk.workspace))
    doctor.repair(desk.workspace)
    assert "bad" == desk.answer(BAD)
    rewrite(place, lambda line: None if b'"ok": false' in line else line)
    bob.says(file_id("more"))
    web.offer(bob)
    desk.came("bob")
    assert "bad" == desk.answer(BAD)


# --- files and their rights ----------------------------------------------------------------------

STORED = ["config", "remotes/bob/repo.json", "remotes/bob/state", "keys/{}.pgp", "version"]


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("how", ["link", "writable", "folder", "fifo"])
def test_a_file_in_the_hands_of_others_is_refused(
    desk: Reader, bob: Party, name: str, how: str, tmp_path: Path
) -> None:
    """A link, a file that others may write, a folder or a pipe in its place: never ok."""
    place = desk.path / name.format(bob.fingerprint)
    raw = place.read_bytes()
    (desk.path / layout.INDEX).unlink()
    if how == "writable":
        place.chmod(0o666)
    else:
        place.unlink()
        if how == "link":
            (tmp_path / "elsewhere").write_bytes(raw)
            place.symlink_to(tmp_path / "elsewhere")
        elif how == "folder":
            place.mkdir()
        else:
            os.mkfifo(place)
    for id in (FILE, BAD):
        verdict = desk.verdict(id)
        assert ("error", "store") == (verdict.answer.value, verdict.reason.value)
    with pytest.raises(StoreError):
        if name.endswith("state"):
            desk.fetch("bob")
        else:
            trust.remove(desk.workspace, bob.fingerprint)


def test_a_folder_that_others_may_write_is_refused(desk: Reader) -> None:
    """The folder itself, and one in it."""
    for place in (desk.path, desk.path / "remotes", desk.path / "keys"):
        place.chmod(0o777)
        (desk.path / layout.INDEX).unlink(missing_ok=True)
        assert "error" == desk.answer()
        place.chmod(0o700)
    assert "ok" == desk.answer()


def test_all_that_is_written_is_private(desk: Reader) -> None:
    """0600 and 0700, whatever the umask says."""
    modes = {path.stat().st_mode & 0o777 for path in desk.path.rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in desk.path.rglob("*") if path.is_dir()}
    assert ({0o600}, {0o700}) == (modes, folders)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_read_only_folder_answers_and_nothing_is_left_in_it(desk: Reader) -> None:
    """A user who may only read: the verdict, no file, no lock; a command that writes says so."""
    top = desk.path
    for path in (top, *top.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for above in top.parents:
        if above.stat().st_mode & 0o005 != 0o005 and str(above).startswith("/tmp/"):
            above.chmod(0o755)
    before = snapshot(top)

    def read() -> None:
        # Nobody's own rights: what root owns may be read.
        assert ["ok", "bad", "unverified"] == answers(desk)
        with pytest.raises(StoreError):
            desk.fetch("bob")

    assert 0 == kill.as_nobody(read)
    assert before == snapshot(top)


# --- the configuration ---------------------------------------------------------------------------


@pytest.fixture
def owned(tmp_path: Path, web: Web, bob: Party, carol: Party) -> Reader:
    """Bob's own folder, its configuration signed; he follows Carol and does not trust her."""
    owned = Reader(tmp_path / "owned", web, bob)
    carol.says()
    web.offer(carol)
    owned.follow(carol)
    owned.came("carol")
    assert "unverified" == owned.answer()
    return owned


def test_a_configuration_that_was_changed_is_not_believed(owned: Reader, carol: Party) -> None:
    """Trust that nobody signed, a policy that asks for less, a signature by somebody else."""
    place = owned.path / "config"
    value = json.loads(place.read_bytes())
    more = value["data"] | {"trust": {carol.fingerprint: True}}
    for forged in (
        value | {"data": more},
        value | {"data": value["data"] | {"policy": {"ok": 1, "not-ok": 9}}},
        value | {"data": more, "key": carol.fingerprint},
        carol.envelope(more, NOW) | {"key": value["key"]},
        value | {"sig": ""},
        {"data": more, "key": value["key"]},
        {"data": more, "sig": value["sig"]},
    ):
        place.write_bytes(canonical(forged))
        verdict = owned.verdict()
        assert ("error", "store") == (verdict.answer.value, verdict.reason.value)
        with nothing_changes(owned), pytest.raises(StoreError):
            trust.add(owned.workspace, carol.fingerprint)
    place.write_bytes(canonical(value))
    assert "unverified" == owned.answer()


def test_a_configuration_of_a_stranger_is_not_believed(owned: Reader) -> None:
    """Signed by a key whose certificate is not in the folder."""
    mallory = Party("mallory")
    data = json.loads((owned.path / "config").read_bytes())["data"]
    data["trust"] = {mallory.fingerprint: True}
    (owned.path / "config").write_bytes(canonical(mallory.envelope(data, NOW)))
    assert "error" == owned.answer()


def test_a_policy_that_cannot_be_followed_is_an_error(desk: Reader) -> None:
    """By any field that is not known or has another value than it can: never a default."""
    place = desk.path / "config"
    value = json.loads(place.read_bytes())
    fields = ["ok", "not-ok", "late", "criteria", "not-oK", "oks"]
    for field in fields:
        for given in (1e3, "x", True, -1, 2**53, None, [1], {}):
            value["data"]["policy"] = {field: given}
            place.write_text(json.dumps(value))
            assert "error" == desk.answer(), (field, given)
    value["data"]["policy"] = {"ok": 1, "not-ok": 0, "late": "refuse", "criteria": []}
    place.write_text(json.dumps(value))
    assert ["ok", "bad", "unverified"] == answers(desk)


def older(owned: Reader, carol: Party) -> bytes:
    """The configuration from when Carol counted; she does no more."""
    trust.add(owned.workspace, carol.fingerprint)
    raw = (owned.path / "config").read_bytes()
    assert "ok" == owned.answer()
    trust.remove(owned.workspace, carol.fingerprint)
    assert "unverified" == owned.answer()
    return raw


def resigned(owner: Party, raw: bytes, **fields: object) -> bytes:
    """The configuration with other fields, None for one that is left out, signed by its owner."""
    data = {
        name: value
        for name, value in (json.loads(raw)["data"] | fields).items()
        if value is not None
    }
    return canonical(owner.envelope(data, NOW))


def put_back(owned: Reader, bob: Party, carol: Party, how: str, newest: bytes) -> bytes | None:
    """What somebody puts in place of the newest configuration; Carol counts by it."""
    raw = older(owned, carol)
    number = owned.workspace.config.sequence
    data = json.loads(raw)["data"]
    found = {
        "an older one": raw,
        "another one of the same number": resigned(bob, raw, sequence=number),
        "one without a number": resigned(bob, raw, sequence=None),
        "one that is not signed": canonical({"data": data}),
        "one that another signed": canonical(carol.envelope(data | {"sequence": 99}, NOW)),
        "none": None,
    }
    return found[how]


@pytest.mark.parametrize(
    "how",
    [
        "an older one",
        "another one of the same number",
        "one without a number",
        "one that is not signed",
        "one that another signed",
        "none",
    ],
)
def test_a_configuration_that_is_not_the_newest_is_not_followed(
    owned: Reader, bob: Party, carol: Party, how: str
) -> None:
    """Carol counted by it, and was removed since: nothing is ok by it, and nothing is written.

    The newest in its place again, or all of the folder from a backup: no alarm.
    """
    place = owned.path / "config"
    raw = put_back(owned, bob, carol, how, place.read_bytes())
    newest, said = place.read_bytes(), owned.verdict()
    place.unlink() if raw is None else place.write_bytes(raw)
    for id in (FILE, BAD):
        verdict = owned.verdict(id)
        assert ("error", "store") == (verdict.answer.value, verdict.reason.value)
    with nothing_changes(owned), pytest.raises(StoreError) as caught:
        trust.remove(owned.workspace, carol.fingerprint)
    assert f"sig setup {bob.fingerprint}" == caught.value.hint
    found = {one.message: (one.level, one.fix) for one in doctor.examine(owned.workspace)}
    assert ("problem", caught.value.hint) == found[caught.value.message]
    place.write_bytes(newest)
    place.chmod(0o600)
    assert said == owned.verdict()
    trust.add(owned.workspace, carol.fingerprint)
    assert "ok" == owned.answer()


def test_a_backup_of_the_whole_folder_raises_no_alarm(
    owned: Reader, carol: Party, tmp_path: Path
) -> None:
    """It has its own memory with it; and one without memory has nothing to compare with."""
    shutil.copytree(owned.path, tmp_path / "backup")
    older(owned, carol)
    shutil.rmtree(owned.path)
    shutil.copytree(tmp_path / "backup", owned.path)
    assert "unverified" == owned.answer()
    trust.add(owned.workspace, carol.fingerprint)
    assert "ok" == owned.answer()
    (owned.path / "memory/config").unlink()
    assert "ok" == owned.answer()


def test_a_newer_configuration_from_elsewhere_is_followed(
    owned: Reader, bob: Party, carol: Party
) -> None:
    """Another machine of the same owner wrote it; the next here goes on above it."""
    place = owned.path / "config"
    data = {"trust": {bob.fingerprint: True, carol.fingerprint: True}, "sequence": 40}
    place.write_bytes(resigned(bob, place.read_bytes(), **data))
    assert "ok" == owned.answer()
    before = place.read_bytes()
    trust.remove(owned.workspace, carol.fingerprint)
    assert 41 == owned.workspace.config.sequence
    place.write_bytes(before)
    assert "error" == owned.answer()


def test_a_folder_without_a_key_proves_no_order(desk: Reader, bob: Party) -> None:
    """Nobody signs its configuration, so nothing is remembered of it."""
    place = desk.path / "config"
    before = place.read_bytes()
    trust.remove(desk.workspace, bob.fingerprint)
    assert "unverified" == desk.answer()
    place.write_bytes(before)
    assert "ok" == desk.answer()
    assert not (desk.path / "memory/config").exists()


def test_a_configuration_without_a_number_is_followed_where_none_was_met(
    owned: Reader, bob: Party, carol: Party
) -> None:
    """As the program of 2016 wrote it; the first write here gives it one."""
    place = owned.path / "config"
    place.write_bytes(resigned(bob, place.read_bytes(), sequence=None))
    (owned.path / "memory/config").unlink()
    assert "unverified" == owned.answer()
    trust.add(owned.workspace, carol.fingerprint)
    assert ("ok", 1) == (owned.answer(), owned.workspace.config.sequence)


def test_the_way_on_is_to_sign_what_was_seen(owned: Reader, bob: Party, carol: Party) -> None:
    """`setup` says what is doubtful, signs it above all that was, and then it is the newest."""
    place = owned.path / "config"
    place.write_bytes(older(owned, carol))
    last = json.loads((owned.path / "memory/config").read_bytes())["sequence"]
    with pytest.raises(StoreError):
        setup(owned.workspace, bob.fingerprint)
    desk = owned.workspace
    assert f"sequence {last - 1}, and {last} was signed here" in str(doubt(desk))
    seen = desk.config
    place.write_bytes(resigned(bob, place.read_bytes(), policy={"not-ok": 9, "ok": 1}))
    with pytest.raises(Changed):
        setup(desk, bob.fingerprint, seen=seen)
    setup(desk, bob.fingerprint, seen=desk.config)
    assert ("ok", last + 1) == (owned.answer(), owned.workspace.config.sequence)
    assert doubt(owned.workspace) is None


def test_the_way_on_is_the_owners_alone(owned: Reader, bob: Party, carol: Party) -> None:
    """A folder whose configuration somebody replaced by his own still belongs to its owner."""
    data = json.loads((owned.path / "config").read_bytes())["data"]
    (owned.path / "config").write_bytes(canonical(carol.envelope(data, NOW)))
    for owner, fails in ((carol, True), (bob, False)):
        desk = owned.workspace
        desk.owner = owner
        assert f"signed by {carol.fingerprint}" in str(doubt(desk))
        if fails:
            with pytest.raises(Conflict):
                setup(desk, owner.fingerprint)
        else:
            setup(desk, owner.fingerprint)
    assert ("unverified", bob.fingerprint) == (owned.answer(), owned.workspace.config.key)


def test_memory_of_the_configuration_that_is_damaged_is_not_passed_by(
    owned: Reader, bob: Party
) -> None:
    """Else damage would let an older one in."""
    place = owned.path / "memory/config"
    for raw in (b"", b"{}", b"[]", b'{"key": 1, "sequence": 1, "digest": ""}', b"\xff"):
        place.write_bytes(raw)
        assert "error" == owned.answer()
    desk = owned.workspace
    assert "memory/config is damaged" in str(doubt(desk))
    setup(desk, bob.fingerprint)
    assert "unverified" == owned.answer()


def test_a_change_that_comes_between_two_reads_is_no_older_configuration(
    owned: Reader, carol: Party
) -> None:
    """One process reads what is remembered and then the file, and another writes both between."""
    desk, read = owned.workspace, owned.workspace.home.read
    came: list[str] = []

    def interrupted(name: str, limit: int = 1 << 20) -> bytes | None:
        raw = read(name, limit)
        if not came:
            came.append(name)
            trust.add(owned.workspace, carol.fingerprint)
        return raw

    desk.home.read = interrupted
    assert carol.fingerprint in desk.config.trust
    assert ["memory/config"] == came


def test_a_folder_has_one_owner(owned: Reader, carol: Party) -> None:
    """`setup` with another key leaves it alone."""
    desk = owned.workspace
    desk.owner = carol
    with nothing_changes(owned), pytest.raises(Conflict):
        setup(desk, carol.fingerprint)


# --- a site's policy -----------------------------------------------------------------------------


def site_answers(desk: Reader, path: Path, raw: bytes) -> list[str]:
    path.write_bytes(raw)
    desk.site = path
    return answers(desk)


def test_a_site_can_tighten_and_not_loosen(desk: Reader, tmp_path: Path) -> None:
    """Of each field the stricter holds."""
    site = tmp_path / "policy.json"
    assert ["ok", "bad", "unverified"] == site_answers(desk, site, b"{}")
    assert ["unverified", "bad", "unverified"] == site_answers(desk, site, b'{"ok": 2}')
    assert ["ok", "bad", "unverified"] == site_answers(desk, site, b'{"not-ok": 5}')
    said = site_answers(desk, site, b'{"criteria": ["safe-to-run"]}')
    assert ["unverified", "bad", "unverified"] == said
    config.change(desk.workspace, "policy", {"not-ok": 3, "stale": "count"})
    desk.clock.at += DAY
    assert "bad" == site_answers(desk, site, b'{"not-ok": 0}')[1]


@pytest.mark.parametrize(
    "raw", [b"", b"x", b"[]", b'{"okay": 1}', b'{"ok": 0}', b'{"ok": 1, "ok": 1}']
)
def test_a_site_policy_that_cannot_be_followed_is_an_error(
    desk: Reader, tmp_path: Path, raw: bytes
) -> None:
    """Nothing is ok by a policy that was not understood."""
    assert ["error"] * 3 == site_answers(desk, tmp_path / "policy.json", raw)


def test_a_site_policy_that_cannot_be_read_is_an_error(desk: Reader, tmp_path: Path) -> None:
    """Only one that is not there asks for nothing."""
    desk.site = tmp_path
    assert ["error"] * 3 == answers(desk)
    desk.site = NOBODY
    assert ["ok", "bad", "unverified"] == answers(desk)


def test_the_environment_does_not_move_the_site_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts the program could."""
    from sig.verbs.workspace import SITE_POLICY, site_policy_file

    monkeypatch.setenv("XDG_CONFIG_DIRS", "/nonexistent")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    assert Path(SITE_POLICY) == site_policy_file()


# --- folders of other versions -------------------------------------------------------------------


@pytest.fixture
def ancestor(tmp_path: Path, web: Web) -> Reader:
    """The folder that the program of 2016 left."""
    path = tmp_path / "ancestor"
    shutil.copytree(VECTORS / "ancestor/home", path)
    for one in (path, *path.rglob("*")):
        one.chmod(0o700 if one.is_dir() else 0o600)
    found = Reader(path, web)
    found.clock.at = 1_800_000_000  # after what Alice signed
    return found


def test_a_folder_of_2016_is_taken_over_without_loss(ancestor: Reader) -> None:
    """Answers before and after, and every old file as it was."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    ids = sorted(
        "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (VECTORS / "ancestor/files").iterdir()
    )
    old = {
        str(p.relative_to(ancestor.path)): p.read_bytes()
        for p in ancestor.path.rglob("*")
        if p.is_file()
    }
    before = snapshot(ancestor.path)
    said = [ancestor.answer(id) for id in ids]
    assert before == snapshot(ancestor.path)
    assert "ok" in said
    with ancestor.workspace.writing():
        pass
    for name, raw in old.items():
        assert raw == (ancestor.path / name).read_bytes(), name
    assert not ancestor.workspace.is_old
    assert said == [ancestor.answer(id) for id in ids]
    assert said == [ancestor.without_index(id).answer.value for id in ids]


def test_a_takeover_that_is_killed_at_any_step_starts_again(
    ancestor: Reader, tmp_path: Path
) -> None:
    """Half a conversion would lose keys."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    ids = [
        "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (VECTORS / "ancestor/files").iterdir()
    ]
    said = [ancestor.answer(id) for id in ids]
    saved = tmp_path / "saved"
    shutil.copytree(ancestor.path, saved)

    def convert() -> None:
        with ancestor.workspace.writing():
            pass

    with kill.at_step(None, lambda: None) as steps:
        convert()
    for number in range(1, len(steps) + 1, 17):
        shutil.rmtree(ancestor.path)
        shutil.copytree(saved, ancestor.path)

        def run(number: int = number) -> None:
            with kill.at_step(number, kill.die):
                convert()

        assert -9 == kill.in_child(run)
        assert said == [ancestor.answer(id) for id in ids], number
        convert()
        assert said == [ancestor.answer(id) for id in ids], number


@pytest.mark.parametrize("raw", [b"2\n", b"99\n", b"x\n", b""])
def test_a_folder_of_a_newer_version_is_not_touched(desk: Reader, raw: bytes) -> None:
    """Neither read nor written."""
    (desk.path / "version").write_bytes(raw)
    before = snapshot(desk.path)
    assert ["error"] * 3 == answers(desk)
    with pytest.raises(StoreError):
        desk.fetch_all()
    assert before == snapshot(desk.path)
