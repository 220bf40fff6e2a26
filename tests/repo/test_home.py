"""The folder: all or nothing, durable, and not read where others could have written."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sig.errors import StoreError
from sig.repo.home import Home
from tests.repo.kill import as_nobody, at_step, in_child, killed_at_each_step, start
from tests.soak import SOAK

ROOT = os.name == "posix" and os.geteuid() == 0

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, links and fork are Unix's")

Content = Mapping[str, bytes]


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory where that is possible: what is killed here is processes, not disks."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    path = Path(tempfile.mkdtemp(prefix="sig-test-", dir=memory))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach; pytest's own they cannot."""
    path = Path(tempfile.mkdtemp(prefix="sig-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def commit(home: Home, changes: Mapping[str, bytes | None]) -> None:
    with home.writing():
        home.commit(changes)


def content(home: Home) -> dict[str, bytes]:
    """All of it as a reader sees it, by every door, `version` left out."""

    def look() -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name in home.tree(""):
            data = home.read(name)
            assert data is not None
            assert home.stat(name) is not None
            assert name.split("/")[0] in home.names("")
            found[name] = data
        return found

    found = home.consistent(look)
    found.pop("version", None)
    return found


def on_disk(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything that lies there, hidden or not, with its mode."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            b"" if path.is_dir() else path.read_bytes(),
        )
        for path in [folder, *folder.rglob("*")]
        if path.exists()
    }


# --- what is written is read ---------------------------------------------------------------------


def test_what_is_committed_is_read(home: Home) -> None:
    """The plain case: several files, one file, a removal."""
    assert not home.exists
    assert home.read("config.json") is None
    assert home.names("remotes") == []
    commit(home, {"config.json": b"1", "remotes/bob/repo.json": b"2"})
    assert home.exists
    commit(home, {"remotes/al/repo.json": b"3"})
    assert content(home) == {
        "config.json": b"1",
        "remotes/bob/repo.json": b"2",
        "remotes/al/repo.json": b"3",
    }
    assert home.names("remotes") == ["al", "bob"]
    assert home.names("") == ["config.json", "remotes", "version"]
    commit(home, {"remotes/bob/repo.json": None})
    assert home.names("remotes") == ["al"]
    assert not (home.path / "remotes/bob").exists()
    assert home.read("version") == b"1\n"


def test_a_folder_without_a_file_does_not_count(home: Home) -> None:
    """A killed writer may leave one."""
    commit(home, {"remotes/bob/repo.json": b"2"})
    (home.path / "remotes/empty/still").mkdir(parents=True)
    assert home.names("remotes") == ["bob"]


def test_a_sub_folder_is_moved_and_removed_with_other_files_in_one_commit(home: Home) -> None:
    """`remote rename` and `remote remove` change the configuration too."""
    commit(home, {"remotes/bob/a": b"1", "remotes/bob/b/c": b"2", "config.json": b"bob"})
    with home.writing():
        home.commit({**home.move("remotes/bob", "remotes/al"), "config.json": b"al"})
    assert content(home) == {"remotes/al/a": b"1", "remotes/al/b/c": b"2", "config.json": b"al"}
    with home.writing():
        home.commit({**home.removal("remotes/al"), "config.json": b""})
    assert content(home) == {"config.json": b""}
    assert not (home.path / "remotes").exists()


def test_nothing_changes_where_nothing_is_to_change(home: Home) -> None:
    """An empty commit, and the removal of what is not there."""
    commit(home, {"a": b"1"})
    before, generation = on_disk(home.path), home.generation()
    commit(home, {})
    commit(home, {"b": None, "c/d": None})
    assert on_disk(home.path) == before
    assert home.generation() == generation


def test_a_folder_that_got_no_commit_is_removed_again(tmp_path: Path) -> None:
    """A command that fails leaves the disk as it was."""
    home = Home(tmp_path / "deep" / "home")
    with pytest.raises(ZeroDivisionError), home.writing():
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0, 0o777])
def test_files_are_0600_and_folders_0700(tmp_path: Path, umask: int) -> None:
    """Whatever the umask says."""
    home = Home(tmp_path / "deep" / "home")
    old = os.umask(umask)
    try:
        commit(home, {"a": b"1", "remotes/bob/x": b"2"})
        commit(home, {"a": b"2"})
    finally:
        os.umask(old)
    for path in tmp_path.rglob("*"):
        expected = 0o700 if path.is_dir() else 0o600
        assert (path, expected) == (path, stat.S_IMODE(path.stat().st_mode))


# --- names ---------------------------------------------------------------------------------------

OUTSIDE = [
    "",
    "..",
    "../x",
    "a/../b",
    "/etc/passwd",
    "a//b",
    "a/",
    "./a",
    "a\\b",
    "a\0b",
    "a\nb",
    "c:x",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leaves_the_folder_is_an_error_in_the_program(home: Home, name: str) -> None:
    """Names come from the program; a remote's name got checked before it."""
    with pytest.raises(AssertionError):
        home.read(name)
    with pytest.raises(AssertionError):
        home.stat(name)
    with home.writing(), pytest.raises(AssertionError):
        home.commit({name: b""})


def test_writing_within_writing_and_commit_without_are_errors_in_the_program(home: Home) -> None:
    with home.writing():
        with pytest.raises(AssertionError), home.writing():
            pass
        with pytest.raises(AssertionError):
            home.commit({"pending/x": b""})
        with pytest.raises(AssertionError):
            home.commit({"version": b""})
        with pytest.raises(AssertionError):
            home.commit({"a": b"", "a/b": b""})
    with pytest.raises(AssertionError):
        home.commit({"a": b""})


# --- killed, failed, full ------------------------------------------------------------------------

OLD: Content = {"a": b"old", "repo/key.asc": b"old", "remotes/bob/x": b"bob", "keys/1": b"k"}

CHANGES: dict[str, Mapping[str, bytes | None]] = {
    "several": {"a": b"new", "repo/key.asc": b"new" * 9000, "remotes/al/deep/x": b"al"},
    "one": {"a": b"new"},
    "one new": {"remotes/al/deep/x": b"al"},
    "remove one": {"remotes/bob/x": None},
    "move": {"remotes/bob/x": None, "remotes/al/x": b"bob", "a": b"new", "keys/1": None},
}


def after(old: Content, changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    merged = {**old, **changes}
    return {name: data for name, data in merged.items() if data is not None}


@pytest.mark.parametrize("case", CHANGES)
def test_killed_at_any_step_it_is_the_old_or_the_new(tmp_path: Path, case: str) -> None:
    """kill -9: a reader, who writes nothing, and the next writer find one or the other."""
    new = after(OLD, CHANGES[case])
    template = Home(tmp_path / "template")
    commit(template, OLD)
    shutil.copytree(template.path, tmp_path / "home", symlinks=True)
    home = Home(tmp_path / "home")
    seen: list[bool] = []
    for _ in killed_at_each_step(lambda: commit(Home(home.path), CHANGES[case])):
        before = on_disk(home.path)
        generation = home.generation()
        found = content(Home(home.path))
        assert found in (OLD, new)
        assert generation == home.generation()
        assert (generation != template.generation()) or found == OLD
        seen.append(found == new)
        stamps = {name: home.stat(name) for name in found}
        assert on_disk(home.path) == before

        with home.writing():
            assert content(home) == found
        assert stamps == {name: home.stat(name) for name in found}
        assert set(os.listdir(home.path / "pending")) == set()
        with home.writing():
            home.commit({"later": b"x"})
        assert content(home) == {**found, "later": b"x"}

        shutil.rmtree(home.path)
        shutil.copytree(template.path, home.path, symlinks=True)
    # Never back: once it is the new one it stays that.
    assert seen == sorted(seen)
    assert seen[-1]
    assert not seen[0]


@pytest.mark.parametrize("case", CHANGES)
def test_what_counts_is_on_the_disk_before_it_counts(home: Home, case: str) -> None:
    """Loss of power cannot be tried here, so the order of the calls is looked at (H6)."""
    commit(home, OLD)
    changes = CHANGES[case]
    root = str(home.path)
    manifest, pending = f"{root}/pending/commit", f"{root}/pending"
    with home.writing(), at_step(0, int) as steps:
        home.commit(changes)
    moved = [step.split()[1:] for step in steps if step.startswith("replace ")]
    commits = [at for at, step in enumerate(steps) if step.endswith(f" {manifest}")]

    def last(step: str, before: int) -> int:
        return max(at for at in range(before) if steps[at] == step)

    for source, target in moved:
        if target == f"{root}/generation":
            continue  # nothing rests on it after a loss of power
        at = steps.index(f"replace {source} {target}")
        flushed, written = last(f"fsync {source}", at), last(f"rest of write {source}", at)
        assert flushed > written
        if commits:
            # All bytes and names, then the journal, then the journal's name, then the places.
            assert flushed <= commits[0]
            assert last(f"open {source}", at) < last(f"fsync {pending}", commits[0] + 1)
            assert target == manifest or last(f"fsync {pending}", at) > commits[0]
    end = steps.index(f"unlink {manifest}") if commits else len(steps)
    for name in changes:
        folder = str((home.path / name).parent)
        if os.path.isdir(folder):
            kinds = ("unlink ", "replace ")
            [act] = [s for s in steps if s.startswith(kinds) and s.endswith(f" {root}/{name}")]
            assert last(f"fsync {folder}", end) > last(act, end)
            above = str(Path(folder).parent)
            if f"mkdir {folder}" in steps:
                assert last(f"fsync {above}", end) > last(f"mkdir {folder}", end)
    if commits:
        assert last(f"fsync {pending}", len(steps)) > end


def test_killed_while_it_mends_it_can_be_mended_still(tmp_path: Path) -> None:
    """The next writer is killed too, at each of its steps."""
    changes = CHANGES["move"]
    home = Home(tmp_path / "home")
    commit(home, OLD)

    def stop() -> None:
        raise KeyboardInterrupt

    shutil.copytree(home.path, tmp_path / "trial")
    with at_step(10_000, stop) as steps:
        commit(Home(tmp_path / "trial"), changes)
    [number] = [
        at for at, step in enumerate(steps, 1) if step.startswith("replace") and ".commit" in step
    ]
    with pytest.raises(KeyboardInterrupt), at_step(number + 1, stop):
        commit(home, changes)
    assert (home.path / "pending/commit").exists()
    # An empty folder is easily tidied away, and what belongs there must not be taken for moved.
    (home.path / "remotes/al").rmdir()
    shutil.copytree(home.path, tmp_path / "broken")

    def mend() -> None:
        with Home(home.path).writing():
            pass

    for _ in killed_at_each_step(mend):
        assert content(home) == after(OLD, changes)
        with home.writing():
            assert content(home) == after(OLD, changes)
        shutil.rmtree(home.path)
        shutil.copytree(tmp_path / "broken", home.path)


def test_killed_at_the_very_first_write_leaves_a_folder_that_works(tmp_path: Path) -> None:
    """`sig setup`, killed."""
    home = Home(tmp_path / "home")
    for _ in killed_at_each_step(lambda: commit(Home(home.path), {"a": b"1", "b/c": b"2"})):
        assert content(home) in ({}, {"a": b"1", "b/c": b"2"})
        commit(home, {"d": b"3"})
        assert content(home) in ({"d": b"3"}, {"a": b"1", "b/c": b"2", "d": b"3"})
        shutil.rmtree(home.path)


@pytest.mark.parametrize("case", CHANGES)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_call_that_fails_changes_nothing_and_leaves_nothing(
    tmp_path: Path, case: str, number: int
) -> None:
    """Each call in turn: StoreError and the old state, or no error and the new one."""
    new = after(OLD, CHANGES[case])
    step = 0
    while True:
        step += 1
        home = Home(tmp_path / str(step))
        commit(home, OLD)

        def fail() -> None:
            raise OSError(number, os.strerror(number))

        failed = False
        with at_step(step, fail) as steps:
            try:
                commit(home, CHANGES[case])
            except StoreError as error:
                failed = True
                assert ("no space" in error.message) == (number == errno.ENOSPC)
        found = content(home)
        if not failed:
            assert found == new
        elif not (steps[step - 1].startswith("fsync") and found == new):
            # Renamed, and the disk failed to flush that: the one error with a change.
            assert found == OLD
            assert set(os.listdir(home.path / "pending")) == set()
        commit(home, {"later": b"x"})
        assert content(home) == {**found, "later": b"x"}
        if len(steps) < step:
            break
    assert step > 10


@pytest.mark.skipif(not ROOT or sys.platform != "linux", reason="mounts a small disk")
def test_on_a_full_disk_nothing_changes(tmp_path: Path) -> None:
    """A real one of 256 KiB, filled from no room at all to just enough."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("not allowed to mount")
    try:
        home = Home(disk / "home")
        commit(home, OLD)
        free = os.statvfs(disk)
        room = free.f_bavail * free.f_frsize
        refused = 0
        for left in [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 40]:
            (disk / "filler").write_bytes(bytes(room - left * 4096))
            before = on_disk(home.path)
            try:
                commit(home, CHANGES["several"])
            except StoreError as error:
                refused += 1
                assert "no space left" in error.message
                assert content(home) == OLD
                assert {**before, "pending": None} == {**on_disk(home.path), "pending": None}
            else:
                assert content(home) == after(OLD, CHANGES["several"])
            (disk / "filler").unlink()
            commit(home, {**dict.fromkeys(content(home)), **OLD})
        assert 0 < refused < 11
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# --- what is refused -----------------------------------------------------------------------------


def refused(function: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as caught:
        function()
    assert caught.value.hint
    return caught.value.message


def test_a_link_in_place_of_a_file_is_refused(home: Home, tmp_path: Path) -> None:
    """Even to what could be read anyway: a store that points elsewhere is not the user's doing."""
    commit(home, {"a": b"1", "repo/b": b"2"})
    shutil.copy(home.path / "a", tmp_path / "elsewhere")
    (home.path / "a").unlink()
    (home.path / "a").symlink_to(tmp_path / "elsewhere")
    for function in (
        lambda: home.read("a"),
        lambda: home.stat("a"),
        lambda: commit(home, {"a": b"3"}),
        lambda: commit(home, {"a": b"3", "c": b""}),
        lambda: commit(home, {"a": None}),
    ):
        assert "symbolic link" in refused(function)
    assert (tmp_path / "elsewhere").read_bytes() == b"1"


def test_a_link_in_place_of_a_sub_folder_is_refused(home: Home, tmp_path: Path) -> None:
    commit(home, {"a": b"1", "repo/b": b"2"})
    (home.path / "repo").rename(tmp_path / "elsewhere")
    (home.path / "repo").symlink_to(tmp_path / "elsewhere")
    for function in (
        lambda: home.read("repo/b"),
        lambda: home.stat("repo/b"),
        lambda: home.names("repo"),
        lambda: commit(home, {"repo/b": b"3"}),
        lambda: commit(home, {"repo/b": None}),
    ):
        assert "symbolic link" in refused(function)
    assert home.read("a") == b"1"


@pytest.mark.skipif(not ROOT, reason="becomes another user")
def test_a_folder_that_cannot_be_seen_is_not_a_missing_one(open_folder: Path) -> None:
    """Whether there is one decides whether anything is known at all."""
    home = Home(open_folder / "closed" / "home")
    commit(home, {"a": b"1"})

    def look() -> None:
        with pytest.raises(StoreError, match="no permission"):
            bool(home.exists)

    assert as_nobody(look) == 0
    assert home.exists
    (open_folder / "file").touch(0o600)
    assert "is not a folder" in refused(lambda: Home(open_folder / "file").exists)
    assert not Home(open_folder / "missing").exists


def test_the_folder_may_be_reached_by_a_link(home: Home, tmp_path: Path) -> None:
    """`~/.signet` on another disk; its target is checked like any folder."""
    commit(home, {"a": b"1"})
    (tmp_path / "link").symlink_to(home.path)
    linked = Home(tmp_path / "link")
    commit(linked, {"a": b"2", "b": b"3"})
    assert content(home) == {"a": b"2", "b": b"3"}
    home.path.chmod(0o777)
    assert "can be written by others" in refused(lambda: linked.read("a"))
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    nowhere = Home(tmp_path / "nowhere")
    for function in (lambda: nowhere.read("a"), lambda: commit(nowhere, {"a": b""})):
        assert "a link to nothing" in refused(function)
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("what", ["config.json", "repo", "repo/b", "."])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_can_write_is_refused(home: Home, what: str, mode: int) -> None:
    """A world-writable configuration decides for whoever wrote it."""
    commit(home, {"config.json": b"1", "repo/b": b"2"})
    path = home.path / what
    path.chmod(path.stat().st_mode | mode)
    name = "config.json" if what in ("config.json", ".") else "repo/b"
    assert "can be written by others" in refused(lambda: home.read(name))
    assert "can be written by others" in refused(lambda: home.stat(name))
    before = on_disk(home.path)
    assert "can be written by others" in refused(lambda: commit(home, {name: b"3", "x": b""}))
    assert on_disk(home.path) == before
    path.chmod(path.stat().st_mode & ~mode)
    commit(home, {name: b"3"})
    assert home.read(name) == b"3"


def test_what_is_no_regular_file_is_refused_at_once(home: Home) -> None:
    """A FIFO would hang whoever reads it."""
    commit(home, {"a": b"1"})
    os.mkfifo(home.path / "pipe", 0o600)
    (home.path / "folder").mkdir(0o700)
    for name in ("pipe", "folder"):
        assert "is not a regular file" in refused(partial(home.read, name))
        assert "is not a regular file" in refused(partial(home.stat, name))
        with pytest.raises(StoreError):
            commit(home, {name: b"2"})
        with pytest.raises(StoreError):
            commit(home, {name: b"2", "x": b""})
    with pytest.raises(StoreError):
        commit(home, {"a/b": b"2"})
    assert home.read("a") == b"1"


def test_what_is_too_large_is_refused(home: Home) -> None:
    """Before it is read, and where it grows while it is read."""
    commit(home, {"a": b"12345"})
    assert home.read("a", 5) == b"12345"
    assert "larger than 4 bytes" in refused(lambda: home.read("a", 4))
    huge = home.path / "huge"
    with huge.open("wb") as stream:
        stream.truncate(1 << 40)
    huge.chmod(0o600)
    assert "larger than" in refused(lambda: home.read("huge"))


@pytest.mark.skipif(not ROOT, reason="gives files to others")
def test_what_belongs_to_another_user_is_refused(home: Home) -> None:
    commit(home, {"a": b"1", "repo/b": b"2"})
    os.chown(home.path / "a", 65534, 65534)
    assert "another user" in refused(lambda: home.read("a"))
    assert home.read("repo/b") == b"2"
    os.chown(home.path / "repo", 65534, 65534)
    assert "another user" in refused(lambda: home.read("repo/b"))
    os.chown(home.path, 65534, 65534)
    assert "another user" in refused(lambda: home.read("version"))
    assert "another user" in refused(lambda: commit(home, {"x": b""}))


@pytest.mark.skipif(not ROOT, reason="becomes another user")
def test_a_read_only_folder_is_read_and_not_written(open_folder: Path) -> None:
    """As an ordinary user; a folder of root's is read too, an unfinished commit included."""
    home = Home(open_folder / "home")
    commit(home, {"a": b"1", "repo/b": b"2"})
    lines = ["1 f00", "f00.0 a", "- repo/b", "f00.1 new/c", "end", ""]
    for name, data in (("f00.0", "3"), ("f00.1", "4"), ("commit", "\n".join(lines))):
        (home.path / "pending" / name).write_text(data)
        (home.path / "pending" / name).chmod(0o644)
    for path in [home.path, *home.path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = on_disk(open_folder)

    def look() -> None:
        assert content(home) == {"a": b"3", "new/c": b"4"}
        for changes in ({"a": b"x"}, {"a": b"x", "b": b"y"}):
            with pytest.raises(StoreError, match="no permission"):
                commit(home, changes)
        with pytest.raises(StoreError, match="no permission"):
            commit(Home(open_folder / "new"), {"a": b""})
        (home.path / "a").stat()

    assert as_nobody(look) == 0
    assert on_disk(open_folder) == before


@pytest.mark.skipif(not ROOT, reason="becomes another user")
def test_a_file_without_permission_is_an_error_not_a_missing_one(open_folder: Path) -> None:
    """What cannot be read may be a bad mark."""
    home = Home(open_folder / "home")
    commit(home, {"a": b"1", "repo/b": b"2"})
    home.path.chmod(0o755)
    (home.path / "version").chmod(0o644)

    def look() -> None:
        assert home.read("version") == b"1\n"
        for function in (
            lambda: home.read("a"),
            lambda: home.read("repo/b"),
            lambda: home.stat("repo/b"),
            lambda: home.names("repo"),
        ):
            with pytest.raises(StoreError, match="no permission"):
                function()

    # `pending` is 0700 as well: that nothing is in there cannot be known.
    (home.path / "pending").chmod(0o755)
    assert as_nobody(look) == 0
    (home.path / "pending").chmod(0o700)

    def look_again() -> None:
        with pytest.raises(StoreError, match="no permission"):
            home.read("version")

    assert as_nobody(look_again) == 0


# --- versions ------------------------------------------------------------------------------------


def test_the_folder_of_a_newer_version_is_refused_untouched(home: Home) -> None:
    commit(home, {"a": b"1"})
    (home.path / "version").write_bytes(b"2\n")
    (home.path / "pending" / "from-the-future").write_bytes(b"")
    (home.path / "lock").unlink()
    before = on_disk(home.path)
    for function in (
        lambda: home.read("a"),
        lambda: home.stat("a"),
        lambda: home.names(""),
        lambda: home.generation(),
        lambda: commit(home, {"a": b"2"}),
        lambda: commit(Home(home.path), {"a": b"2"}),
    ):
        assert "newer sig" in refused(function)
    assert on_disk(home.path) == before


def test_the_unfinished_commit_of_a_newer_version_is_left_alone(home: Home) -> None:
    commit(home, {"a": b"1"})
    (home.path / "pending/commit").write_bytes(b"2 f00\nwhatever")
    (home.path / "pending/commit").chmod(0o600)
    before = on_disk(home.path)
    assert "newer sig" in refused(lambda: home.read("a"))
    assert "newer sig" in refused(lambda: commit(home, {"a": b"2"}))
    assert on_disk(home.path) == before


@pytest.mark.parametrize("name", ["version", "pending/commit"])
@pytest.mark.parametrize(
    "data",
    [b"", b"x\n", b"1 f00\nf00.0 ../../etc/passwd\nend\n", b"1 f00\n../x a\nend\n", b"1 f00\n"],
)
def test_a_damaged_journal_or_version_is_an_error(home: Home, name: str, data: bytes) -> None:
    commit(home, {"a": b"1", "b": b"2"})
    (home.path / name).write_bytes(data)
    (home.path / name).chmod(0o600)
    before = on_disk(home.path)
    assert "is damaged" in refused(lambda: home.read("a"))
    assert "is damaged" in refused(lambda: commit(home, {"a": b"2"}))
    assert on_disk(home.path) == before


def test_a_folder_without_a_version_is_written_and_gets_one(tmp_path: Path) -> None:
    """A folder of 2016 answers at once."""
    folder = tmp_path / "home"
    folder.mkdir(0o755)
    (folder / "config.json").write_bytes(b"{}")
    home = Home(folder)
    assert home.read("config.json") == b"{}"
    assert home.generation() == ""
    commit(home, {"a": b"1"})
    assert home.read("version") == b"1\n"


# --- two at once ---------------------------------------------------------------------------------


def test_another_writer_waits_and_gives_up_with_a_sentence(home: Home) -> None:
    commit(home, {"a": b"1"})
    with home.writing():

        def wait() -> None:
            with pytest.raises(StoreError, match="another sig is writing"):
                with Home(home.path).writing(timeout=0.1):
                    pass
            assert content(Home(home.path)) == {"a": b"1"}

        assert in_child(wait) == 0
    assert in_child(lambda: commit(Home(home.path), {"a": b"2"})) == 0
    assert home.read("a") == b"2"


def test_processes_at_once_lose_nothing_and_readers_see_no_mix(home: Home) -> None:
    """Writers count up two files together, and one alone; a reader finds both equal."""
    rounds, writers = (200 if SOAK else 20), 3

    def write(writer: int) -> None:
        mine = Home(home.path)
        for turn in range(rounds):
            with mine.writing(timeout=60):
                text = str(int(mine.read("a/count") or b"0") + 1).encode()
                mine.commit({"a/count": text, "b/count": text, f"own/{writer}-{turn}": b"x"})
                mine.commit({"alone": text})
                if turn % 5 == 4:
                    mine.commit(mine.removal("b"))
                    mine.commit({"b/count": text})

    children = [start(partial(write, writer)) for writer in range(writers)]
    looks = 0
    while children:
        for child in children[:]:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                assert status == 0
                children.remove(child)

        def look() -> tuple[bytes | None, bytes | None, bytes | None, int, bytes | None]:
            first = home.read("a/count")
            alone = home.read("alone")
            second = home.read("b/count") if home.names("b") else first
            return first, second, alone, len(home.names("own")), home.read("alone")

        first, second, alone, owned, again = home.consistent(look)
        assert first == second
        assert alone == again
        assert owned == int(first or b"0")
        assert int(alone or b"0") in (owned, owned - 1)
        looks += 1
    assert looks > 5
    assert home.read("a/count") == str(rounds * writers).encode()
    assert len(home.names("own")) == rounds * writers


def test_first_writers_at_once_all_succeed(tmp_path: Path) -> None:
    """None of them has a folder yet, and some have nothing to write."""
    home = Home(tmp_path / "home")

    def write(number: int) -> None:
        with Home(home.path).writing(timeout=30):
            pass
        if number % 2:
            commit(Home(home.path), {f"own/{number}": b"x"})

    children = [start(partial(write, number)) for number in range(6)]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert home.names("own") == ["1", "3", "5"]


def test_consistent_runs_again_when_a_commit_came_between(home: Home) -> None:
    """Also where what it read in between made no sense to it."""
    commit(home, {"a": b"0", "b": b"0"})
    other = Home(home.path)
    turns = 0

    def look() -> tuple[bytes | None, bytes | None]:
        nonlocal turns
        turns += 1
        first = home.read("a")
        if turns == 1:
            commit(other, {"a": b"1", "b": b"1"})
        if turns == 2:
            commit(other, {"a": b"2"})
        if turns == 3:
            commit(other, {"b": b"2"})
            raise ValueError
        return first, home.read("b")

    assert home.consistent(look) == (b"2", b"2")
    assert turns == 4

    def wrong() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        home.consistent(wrong)


def test_the_generation_changes_at_each_commit_and_at_no_other_time(home: Home) -> None:
    seen = [home.generation()]
    for changes in ({"a": b"1"}, {"a": b"1"}, {"a": b"2", "b": b""}, {"b": None}, {"c/d": b""}):
        commit(home, changes)
        seen.append(home.generation())
        with home.writing():
            pass
        assert home.generation() == seen[-1]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("case", CHANGES)
def test_the_generation_changes_at_the_very_step_at_which_the_files_do(
    home: Home, case: str
) -> None:
    """Whoever reads before and after it, and finds one generation, has read one state."""
    commit(home, OLD)
    reader = Home(home.path)
    seen: dict[str, dict[str, bytes]] = {}
    states: list[dict[str, bytes]] = []

    def look() -> None:
        found = content(reader)
        assert found == seen.setdefault(reader.generation(), found)
        states.append(found)

    look()
    with home.writing(), at_step(None, look):
        home.commit(CHANGES[case])
    look()
    new = after(OLD, CHANGES[case])
    assert states == [OLD] * states.count(dict(OLD)) + [new] * states.count(new)


def test_a_stamp_is_another_one_after_each_commit(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same size, in an inode used again, within one tick of the kernel's clock: so it is
    not that clock that tells."""
    seen = set()
    with home.writing():
        for number in range(20):
            monkeypatch.setattr(time, "time_ns", lambda number=number: 10**18 + number)
            home.commit({"a": b"%02d" % number})
            seen.add((home.stat("a") or "").rpartition("-")[0])
    assert seen == {f"2-{10**18 + number}" for number in range(20)}


def test_a_reader_opens_nothing_for_writing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` writes nothing, nor takes a lock."""
    commit(home, {"a": b"1", "b": b"2"})
    before = {path: path.stat().st_mtime_ns for path in [home.path, *home.path.rglob("*")]}
    with at_step(1, lambda: pytest.fail("a reader writes")):
        content(home)
        home.generation()
        content(Home(home.path.parent / "missing"))
    code = (
        "import sys, pathlib; from sig.repo.home import Home; h = Home(pathlib.Path(sys.argv[1]));"
    )
    code += "h.read('a'); print([m for m in ('filelock', 'sqlite3', 'json') if m in sys.modules])"
    run = [sys.executable, "-c", code, str(home.path)]
    assert subprocess.run(run, capture_output=True, check=True).stdout == b"[]\n"
    assert before == {path: path.stat().st_mtime_ns for path in [home.path, *home.path.rglob("*")]}


# --- any story -----------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a", "f/a"])
COMMITS = st.dictionaries(NAMES, st.none() | st.binary(max_size=20), max_size=4)


@settings(
    max_examples=300 if SOAK else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.tuples(COMMITS, st.integers(1, 60)), max_size=6))
def test_any_story_with_failures_is_that_of_a_dict(
    story: list[tuple[dict[str, bytes | None], int]],
) -> None:
    """Commits, each with a failure at some step: the folder is what a dict would be."""

    def fail() -> None:
        raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        model: dict[str, bytes] = {}
        for changes, step in story:
            new = after(model, changes)
            try:
                with at_step(step, fail):
                    commit(home, changes)
            except KeyboardInterrupt:
                found = content(Home(home.path))
                assert found in (model, new)
                model = found
            else:
                model = new
            assert content(home) == model
            for directory in ("d", "d/e", "f"):
                below = {
                    name.removeprefix(f"{directory}/")
                    for name in model
                    if name.startswith(f"{directory}/")
                }
                assert home.names(directory) == sorted({name.split("/")[0] for name in below})


def test_it_is_quick(home: Home) -> None:
    """Reading a file costs some system calls, not milliseconds."""
    commit(home, {f"keys/{number}": b"x" * 1000 for number in range(50)})
    started = time.perf_counter()
    for _ in range(10):
        for number in range(50):
            home.read(f"keys/{number}")
    assert (time.perf_counter() - started) / 500 < 0.001
