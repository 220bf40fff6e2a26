"""A folder as a manifest: what is hashed, what may not lie in a tree, and who may race with us."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sig.errors import Changed, FormatError, Refused, SigError, StoreError
from sig.model import limits
from sig.repo import tree as module
from sig.repo.tree import digests, files, tree
from tests.repo.kill import as_nobody, in_child
from tests.soak import SOAK

ROOT = os.name == "posix" and os.geteuid() == 0

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and FIFOs are Unix's")


@pytest.fixture(params=["descriptors", "names"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to open a folder; by names is that of Windows."""
    found: str = request.param
    if found == "names":
        monkeypatch.setattr(module, "_DESCRIPTORS", False)
        # Windows has no such flag, and must not need it.
        monkeypatch.setattr(module, "NOT_LINKS", module.NOT_LINKS & ~os.O_NOFOLLOW)
    return found


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory where that is possible: many small files are slow to write on a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    path = Path(tempfile.mkdtemp(prefix="sig-test-", dir=memory))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files in three levels."""
    made = tmp_path / "folder"
    write(made, {"a": b"1", "b/c": b"2", "b/d/e": b"3"})
    return made


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach; pytest's own they cannot."""
    path = Path(tempfile.mkdtemp(prefix="sig-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Neither a thread nor an open descriptor, whatever happened."""
    threads, descriptors = threading.active_count(), _descriptors()
    yield
    assert threads == threading.active_count()
    assert descriptors == _descriptors()


def _descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


def write(folder: Path, content: dict[str, bytes]) -> None:
    for above in {os.path.dirname(path) for path in content}:
        (folder / above).mkdir(parents=True, exist_ok=True)
    for path, data in content.items():
        (folder / path).write_bytes(data)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def of(content: dict[str, bytes]) -> dict[str, str]:
    return {path: sha256(data) for path, data in content.items()}


HERE = of({"a": b"1", "b/c": b"2", "b/d/e": b"3"})


# --- what is hashed ------------------------------------------------------------------------------


def test_a_tree_is_what_sha256sum_says(folder: Path, way: str) -> None:
    """`sha256sum -c` finds every file as it was written down, and we write what it would."""
    write(folder, {"empty": b"", "with space": b"x", "ä/日本": b"y", "Z": b"z", "-n": b"option"})
    (folder / "nothing in it").mkdir()
    text = tree(folder).text

    checked = subprocess.run(
        ["sha256sum", "-c", "--strict", "-"], input=text, capture_output=True, cwd=folder
    )
    printed = subprocess.run(
        ["sha256sum", "--", *sorted(digests(folder), key=str.encode)],
        capture_output=True,
        cwd=folder,
    )

    assert (0, b"") == (checked.returncode, checked.stderr)
    assert 8 == len(checked.stdout.splitlines())
    assert printed.stdout == text


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_size_is_hashed_whole(folder: Path, way: str, threads: int) -> None:
    """Files around the length of a block, by however many threads."""
    block = module._BLOCK
    sizes = (0, 1, 2047, 2048, block - 1, block, block + 1, 2 * block, 5 * block + 7)
    content = {f"x/{size}": os.urandom(size) for size in sizes}
    write(folder, content)

    assert HERE | of(content) == digests(folder, threads=threads)


def test_ten_thousand_small_files_are_the_same_for_one_thread_and_many(folder: Path) -> None:
    """The order in which they are read makes no difference."""
    content = {f"{number % 97}/{number % 7}/{number}": b"%d" % number for number in range(10_000)}
    write(folder, content)

    assert HERE | of(content) == digests(folder, threads=4)
    assert tree(folder, threads=1) == tree(folder, threads=4)


def test_a_hard_link_is_a_file(folder: Path, way: str) -> None:
    """It has a name of its own and the bytes of the other."""
    os.link(folder / "a", folder / "b/again")

    assert HERE | {"b/again": sha256(b"1")} == digests(folder)


def test_the_folder_itself_may_be_reached_by_a_link(folder: Path, way: str) -> None:
    """The user named it. What the link leads through is the user's affair too."""
    link = folder.with_name("link")
    link.symlink_to(folder.name)
    (link.with_name("second")).symlink_to("link")

    assert HERE == digests(link) == digests(str(link) + "/") == digests(link.with_name("second"))


def test_a_folder_without_files_has_no_manifest(folder: Path) -> None:
    """Empty folders leave no trace; nothing at all is no tree, but can be compared with one."""
    empty = folder / "empty"
    (empty / "in it").mkdir(parents=True)

    assert HERE == digests(folder)
    assert {} == digests(empty)
    with pytest.raises(FormatError):
        tree(empty)


def test_three_hundred_levels_are_walked(folder: Path, way: str) -> None:
    """With files and a second folder at each of them, and few descriptors."""
    content = {"x/" * depth + name: b"x" for depth in range(300) for name in ("f", "y/g")}
    write(folder, content)
    assert HERE | of(content) == digests(folder)


def test_a_wide_tree_needs_few_descriptors(folder: Path) -> None:
    """`ulimit -n 64` is enough for thousands of folders, and for a chain of folders too."""
    content = {f"{number}/{number}": b"%d" % number for number in range(2000)}
    write(folder, content | {"x/" * 300 + "f": b"deep"})

    def run() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        os.closerange(3, 64)
        assert 2004 == len(digests(folder, threads=4))

    assert 0 == in_child(run)


# --- what may not lie in a tree ------------------------------------------------------------------


def special(place: Path, kind: str, target: Path) -> None:
    if kind == "link to a file":
        place.symlink_to(target / "a")
    elif kind == "link to a folder":
        place.symlink_to(target / "b")
    elif kind == "link within":
        place.symlink_to("a")
    elif kind == "link to nothing":
        place.symlink_to("nowhere")
    elif kind == "link to itself":
        place.symlink_to(place.name)
    elif kind == "FIFO":
        os.mkfifo(place)
    elif kind == "socket":
        before = os.getcwd()
        os.chdir(place.parent)  # its path may not be long
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
        os.chdir(before)
    elif kind == "device":
        if not ROOT:
            pytest.skip("only root makes devices")
        try:
            os.mknod(place, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero: never ends
        except PermissionError:
            pytest.skip("no devices here")


SPECIAL = {
    "link to a file": "a symbolic link",
    "link to a folder": "a symbolic link",
    "link within": "a symbolic link",
    "link to nothing": "a symbolic link",
    "link to itself": "a symbolic link",
    "FIFO": "a FIFO",
    "socket": "a socket",
    "device": "a device",
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("where", ["evil", "b/evil", "b/d/evil"])
def test_what_is_no_file_is_refused_with_its_path(
    folder: Path,
    tmp_path: Path,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    where: str,
) -> None:
    """At every level, and without opening it: a FIFO may hang, a device may do anything.

    The twin: without it, or where it is excluded, or where nobody asked for it, all is well.
    """
    write(tmp_path / "other", {"a": b"secret", "b/c": b"secret"})
    special(folder / where, kind, tmp_path / "other")
    words = f"{folder}/{where} is {SPECIAL[kind]}; a tree holds regular files and folders only"
    opened: list[str] = []
    _before(monkeypatch, "open", lambda *given: opened.append(os.path.basename(given[0])))

    for refused in (lambda: digests(folder), lambda: files(folder, ["a", where])):
        with pytest.raises(Refused) as caught:
            refused()
        assert words == caught.value.message

    assert HERE == digests(folder, ["evil"]) == digests(folder, ["/" + where])
    assert HERE == files(folder, HERE)
    assert "evil" not in opened
    (folder / where).unlink()
    assert HERE == digests(folder)


@pytest.mark.parametrize("name", ["new\nline", "back\\slash", "tab\t", "\x1b[2J", "\x7f"])
def test_a_name_that_no_manifest_can_hold_is_refused(folder: Path, way: str, name: str) -> None:
    """`sha256sum` would have to escape it; the twin lies in an excluded folder."""
    write(folder, {f"b/d/{name}": b"x"})

    with pytest.raises(FormatError):
        tree(folder)
    assert {"a": HERE["a"], "b/c": HERE["b/c"]} == tree(folder, ["d"]).files


@pytest.mark.parametrize("name", [b"\xff", b"a\xe4b", b"\xed\xa0\x80", b"\xc0\xaf"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_name_that_is_not_utf_8_is_refused_and_shown(
    folder: Path, way: str, name: bytes, kind: str
) -> None:
    """The message can be printed; the twins are excluded, in a folder or by themselves."""
    place = os.path.join(os.fsencode(folder), b"b", name)
    if kind == "file":
        Path(os.fsdecode(place)).write_bytes(b"x")
    else:
        os.mkdir(place)

    with pytest.raises(FormatError) as caught:
        digests(folder)

    shown = "".join(f"\\x{byte:02x}" if byte > 127 else chr(byte) for byte in name)
    assert f"the name of {folder}/b/{shown} is not UTF-8" == caught.value.message
    caught.value.message.encode("utf-8")
    assert {"a": HERE["a"]} == digests(folder, ["b"]) == digests(folder, ["b/?*"])
    assert HERE == files(folder, HERE)


@pytest.mark.parametrize("name", ["ä", "日本", "a\u0301", "😀", "ﬀ"])
def test_a_name_in_any_script_is_kept_as_it_is(folder: Path, way: str, name: str) -> None:
    """UTF-8, not normalised, whatever the locale of the process says."""
    write(folder, {f"{name}/{name}": b"x"})

    assert HERE | {f"{name}/{name}": sha256(b"x")} == digests(folder)


def test_the_encoding_of_the_system_does_not_matter(folder: Path) -> None:
    """Where the locale says Latin-1, names are those of the bytes all the same."""
    write(folder, {"ä/日本": b"x"})
    program = (
        "import sys; sys.path[:] = sys.argv[2:]; from sig.repo.tree import digests, files;"
        "found = digests(sys.argv[1]);"
        "assert found == files(sys.argv[1], found);"
        "sys.stdout.buffer.write(repr(sorted(found)).encode('utf-8'))"
    )
    ran = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", program, folder, *sys.path],
        env=os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
    )

    assert ("", ["a", "b/c", "b/d/e", "ä/日本"]) == (
        ran.stderr.decode(),
        eval(ran.stdout.decode()),  # noqa: S307  our own list
    )


def as_a_user(function: Callable[[], object]) -> int:
    return as_nobody(function) if ROOT else in_child(function)


@pytest.mark.parametrize("where", ["a", "b/c", "b/d", "b"])
def test_what_cannot_be_read_is_named(open_folder: Path, way: str, where: str) -> None:
    """As an ordinary user: a file and a folder without permission; the twin is excluded."""
    write(open_folder, {"a": b"1", "b/c": b"2", "b/d/e": b"3"})
    rest = {path: digest for path, digest in HERE.items() if not f"{path}/".startswith(f"{where}/")}
    (open_folder / where).chmod(0)

    def run() -> None:
        with pytest.raises(StoreError) as caught:
            digests(open_folder)
        assert f"no permission for {open_folder}/{where}" == caught.value.message
        assert rest == digests(open_folder, ["/" + where])

    try:
        assert 0 == as_a_user(run)
    finally:
        (open_folder / where).chmod(0o755)


def test_a_folder_that_is_not_there_or_none_is_said(folder: Path, way: str) -> None:
    """With its path, and never as an empty tree."""
    for name in ("nowhere", "a", "a/b"):
        with pytest.raises(StoreError, match=f"directory at {folder}/{name}$"):
            digests(folder / name)


# --- what is left out ----------------------------------------------------------------------------


def test_an_excluded_folder_is_not_opened(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor anything in it: what lies there can be neither slow nor evil."""
    write(folder, {"b/.git/config": b"x", "__pycache__/y": b"y", "b/.git/deep/er": b"z"})
    opened: list[object] = []
    for name in ("open", "scandir"):
        _before(monkeypatch, name, lambda *given: opened.append(given[0]))

    assert HERE == digests(folder)

    shown = " ".join(map(str, opened)).replace(str(folder), "")
    assert "b" in shown and "d" in shown
    assert ".git" not in shown and "__pycache__" not in shown
    opened.clear()
    digests(folder, [".git", "d/"])
    assert "d" not in (os.path.basename(str(each)) for each in opened)


def test_a_glob_sees_the_path_below_the_folder(folder: Path, way: str) -> None:
    """Not that of the folder on this machine; and a glob that ends in / names folders only."""
    assert HERE == digests(folder, ["folder", "/folder", "*/folder"])
    assert {"a": HERE["a"], "b/c": HERE["b/c"]} == digests(folder, ["/b/d"])
    assert {"a": HERE["a"], "b/c": HERE["b/c"]} == digests(folder, ["d/"])
    assert HERE == digests(folder, ["a/", "c/"])
    assert {"a": HERE["a"]} == digests(folder, ["b"])
    write(folder, {".git/x": b"x"})
    assert HERE | {".git/x": sha256(b"x")} == digests(folder, [])


# --- limits --------------------------------------------------------------------------------------


def test_depth_is_bounded(folder: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin has one folder less."""
    monkeypatch.setattr(limits, "TREE_DEPTH", 2)
    assert HERE == digests(folder)

    (folder / "b/d/f").mkdir()
    with pytest.raises(Refused, match=f"{folder}/b/d/f: deeper than 2 folders"):
        digests(folder)


def test_a_chain_beyond_every_path_of_the_system_ends(folder: Path) -> None:
    """Levels made by descriptors, as an attacker would: refused, and no crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("xyz", dir_fd=descriptor)
        below = os.open("xyz", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)

    try:
        with pytest.raises(Refused, match=f"deeper than {limits.TREE_DEPTH} folders"):
            digests(folder)
        assert HERE == digests(folder, ["xyz"]) == files(folder, HERE)
    finally:  # Python cannot
        subprocess.run(["rm", "-rf", folder / "xyz"], check=True)


def test_the_number_of_entries_is_bounded(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and folders together; the twin has one less."""
    monkeypatch.setattr(limits, "TREE_ENTRIES", 5)
    assert HERE == digests(folder)

    (folder / "b/d/f").mkdir()
    with pytest.raises(Refused, match=f"more than 5 files and folders in {folder}"):
        digests(folder)


def test_the_length_of_a_path_is_bounded_in_bytes(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin has one byte less."""
    write(folder, {"ä/ä": b"x"})
    monkeypatch.setattr(limits, "PATH", 5)
    assert HERE | {"ä/ä": sha256(b"x")} == digests(folder)

    write(folder, {"ä/ää": b"x"})
    monkeypatch.setattr(limits, "PATH", 6)
    with pytest.raises(FormatError, match=f"{folder}/ä/ää: a path longer than 6 bytes"):
        digests(folder)


def test_a_file_of_holes_is_not_read_for_ever(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All large files together are bounded, as they say they are; the twin is one byte shorter."""
    block = module._BLOCK
    monkeypatch.setattr(limits, "TREE_BYTES", 3 * block)
    write(folder, {"large": bytes(2 * block), "b/large": bytes(block)})
    found = digests(folder)
    assert sha256(bytes(block)) == found["b/large"]

    write(folder, {"b/large": bytes(block + 1)})
    with pytest.raises(Refused, match=f"GiB in {folder}"):
        digests(folder)


def test_a_file_of_eight_exabytes_is_refused_at_once(folder: Path, way: str) -> None:
    """It costs its maker nothing."""
    try:
        with (folder / "b/holes").open("wb") as file:
            file.truncate(2 * limits.TREE_BYTES)
    except OSError:
        pytest.skip("no such files on this disk")

    with pytest.raises(Refused, match=f"more than 1024 GiB in {folder}"):
        digests(folder)


# --- files by name -------------------------------------------------------------------------------


def test_only_what_is_named_is_read(folder: Path, way: str) -> None:
    """The rest of the folder may be anything; what is missing is None."""
    write(folder, {"large": b"x", "b/extra": b"y", "c/d": b"z"})
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to("a")
    asked = ["a", "b/d/e", "b/x", "x/y/z", "c/d/e", "b/d", "A", "c/d"]

    found = files(folder, asked)

    assert asked == list(found)
    assert {
        "a": sha256(b"1"),
        "b/d/e": sha256(b"3"),
        "c/d": sha256(b"z"),
        **dict.fromkeys(["b/x", "x/y/z", "c/d/e", "b/d", "A"]),
    } == found
    assert {} == files(folder, [])


@pytest.mark.parametrize(
    "path", ["/a", "../folder/a", "b/../a", "./a", "b//c", "", ".", "..", "b/", "a\0b"]
)
def test_a_path_cannot_leave_the_folder(folder: Path, way: str, path: str) -> None:
    """Though some of these would only go around; the twin is the plain path."""
    with pytest.raises(FormatError):
        files(folder, ["a", path])
    assert {"a": HERE["a"]} == files(folder, ["a"])


@pytest.mark.parametrize("where", ["b", "b/d"])
def test_a_link_above_what_is_named_is_refused(folder: Path, way: str, where: str) -> None:
    """Though it leads to the same files; the twin is named as the files lie."""
    (folder / where).rename(folder / "moved")
    (folder / where).symlink_to(folder / "moved")

    with pytest.raises(Refused, match=f"{folder}/{where} is a symbolic link"):
        files(folder, ["b/d/e"])
    assert {"a": HERE["a"]} == files(folder, ["a"])


def test_a_name_counts_letter_by_letter(folder: Path, way: str) -> None:
    """Neither another case nor another form of Unicode is the file that was named."""
    write(folder, {"\u00e4": b"x"})

    assert {"a\u0308": None, "\u00e4": sha256(b"x"), "B/c": None} == files(
        folder, ["a\u0308", "\u00e4", "B/c"]
    )


# --- races ---------------------------------------------------------------------------------------


def _before(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[..., object]) -> None:
    """`happens` before every call of this function of `os` by the code under test."""
    before = module.os
    real = getattr(before, name)

    class Os:
        def __getattr__(self, wanted: str) -> Any:
            return getattr(before, wanted)

    def call(*given: Any, **options: Any) -> Any:
        happens(*given)
        return real(*given, **options)

    stand_in = Os()
    setattr(stand_in, name, call)
    monkeypatch.setattr(module, "os", stand_in)


def _once(happens: Callable[[], object], name: str | None = None) -> Callable[..., None]:
    """The first time, or the first time for a file of this name."""
    done: list[bool] = []

    def call(*given: Any) -> None:
        if not done and (name is None or os.path.basename(str(given[0])) == name):
            done.append(True)
            happens()

    return call


def _rest() -> None:
    """Until the clock of the disk has moved on; that of old kernels ticks in milliseconds."""
    time.sleep(0.02)


def _grow(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"more")


def _rewrite(file: Path) -> None:
    status = file.stat()
    file.write_bytes(b"X" * status.st_size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


WRITERS: dict[str, Callable[[Path], object]] = {
    "grows": _grow,
    "shrinks": lambda file: os.truncate(file, 0),
    "is rewritten, and its time put back": _rewrite,
    "changes its mode": lambda file: file.chmod(0o600),
}


@pytest.mark.parametrize("size", [10, module._BLOCK, 3 * module._BLOCK])
@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("named", [False, True])
def test_a_file_that_changes_while_it_is_read_is_refused(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch, what: str, size: int, named: bool
) -> None:
    """Whatever its size. The twin changed before."""
    file = folder / "b/file"
    file.write_bytes(os.urandom(size))
    file.chmod(0o644)
    _rest()
    _before(monkeypatch, "readv", _once(lambda: WRITERS[what](file)))

    with pytest.raises(Changed) as caught:
        files(folder, ["b/file"]) if named else digests(folder, ["a", "c", "d"])

    assert f"{folder}/b/file changed while it was read" == caught.value.message
    assert sha256(file.read_bytes()) == files(folder, ["b/file"])["b/file"]


def test_a_file_is_not_read_beyond_its_size(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that grows with every block that is read: it takes one block more to know."""
    file = folder / "b/log"
    file.write_bytes(bytes(2 * module._BLOCK))
    reads: list[object] = []

    def grow(*given: object) -> None:
        reads.append(given)
        assert len(reads) < 10
        with file.open("ab") as opened:
            opened.write(bytes(module._BLOCK))

    _before(monkeypatch, "readv", grow)
    with pytest.raises(Changed):
        files(folder, ["b/log"])
    assert 3 == len(reads)


def test_a_file_that_grows_for_ever_is_not_read_for_ever(folder: Path, way: str) -> None:
    """A log that another thread writes; and a file of /proc, which has no size."""
    file = folder / "b/log"
    file.write_bytes(bytes(2 * module._BLOCK))
    over = threading.Event()

    def write() -> None:
        with file.open("ab", buffering=0) as opened:
            while not over.is_set() and opened.tell() < 1 << 30:
                opened.write(bytes(1 << 20))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(Changed):
            for _ in range(100):
                digests(folder)
    finally:
        over.set()
        writer.join()
    assert 4 == len(digests(folder))
    if os.path.exists("/proc/self/status"):
        with pytest.raises(Changed):
            files("/proc/self", ["status"])


def _swap(place: Path, kind: str, other: Path) -> None:
    place.rename(other / "taken")
    if kind == "another file":
        place.write_bytes(b"?")
    elif kind == "a folder":
        place.mkdir()
    elif kind == "another folder":
        write(place, {"c": b"?", "e": b"?"})
    elif kind != "nothing":
        special(place, kind, other)


FOR_A_FILE = {
    "link to a file": Refused,
    "link to a folder": Refused,
    "link to itself": Refused,
    "FIFO": Refused,
    "socket": Refused,
    "device": Refused,
    "another file": Changed,
    "a folder": Changed,
    "nothing": Changed,
}
FOR_A_FOLDER = {
    "link to a file": Refused,
    "link to a folder": Refused,
    "link to itself": Refused,
    "FIFO": Refused,
    "another file": Changed,
    "another folder": Changed,
    "nothing": Changed,
}


@pytest.mark.parametrize("kind", FOR_A_FILE)
@pytest.mark.parametrize("named", [False, True])
def test_a_file_that_was_swapped_after_it_was_listed_is_refused(
    folder: Path, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch, kind: str, named: bool
) -> None:
    """Nothing is followed, nothing hangs, no other file's bytes are taken for this one's."""
    other = tmp_path / "other"
    write(other, {"a": b"secret", "b/c": b"secret"})
    _rest()
    _before(monkeypatch, "open", _once(lambda: _swap(folder / "b/c", kind, other), "c"))

    if named and kind == "another file" and way == "descriptors":
        # It has the name that was asked for, and nothing else of the folder was.
        assert {"b/c": sha256(b"?")} == files(folder, ["b/c"])
        return
    with pytest.raises(FOR_A_FILE[kind], match=f"^{folder}/b"):
        files(folder, ["b/c"]) if named else digests(folder, threads=1)


@pytest.mark.parametrize("kind", FOR_A_FOLDER)
def test_a_folder_that_was_swapped_after_it_was_listed_is_refused(
    folder: Path, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As with files; the twin is a tree that nobody touches."""
    other = tmp_path / "other"
    write(other, {"a": b"secret", "b/c": b"secret"})
    _rest()
    opening = ("open", "d") if way == "descriptors" else ("lstat", "d")
    _before(monkeypatch, opening[0], _once(lambda: _swap(folder / "b/d", kind, other), opening[1]))

    with pytest.raises(FOR_A_FOLDER[kind], match=f"^{folder}/b"):
        digests(folder, threads=1)


def test_a_folder_without_descriptors_is_the_same_at_the_end(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where folders are opened by name, another one in its place could be read; also where only
    one file was asked for."""
    monkeypatch.setattr(module, "_DESCRIPTORS", False)
    swap = _once(lambda: _swap(folder / "b/d", "another folder", tmp_path), "e")
    _before(monkeypatch, "lstat", swap)

    with pytest.raises(Changed, match=f"^{folder}/b/d changed while it was read$"):
        files(folder, ["b/d/e"])
    assert {"b/d/e": sha256(b"?")} == files(folder, ["b/d/e"])


@pytest.mark.parametrize("when", ["scandir", "readv"])
def test_a_folder_that_changes_while_it_is_read_is_refused(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """From before it is listed until its last file is read. What was only asked for by name may
    get neighbours."""
    _rest()
    count = iter(range(10_000))

    def add(*given: object) -> None:
        (folder / f"b/d/new{next(count)}").touch()

    _before(monkeypatch, when, add)

    with pytest.raises(Changed, match="changed while it was read$"):
        digests(folder, threads=1)
    assert HERE == files(folder, HERE)


def test_a_folder_that_was_moved_is_refused(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could have been listed twice, or not at all."""
    _rest()
    move = _once(lambda: (folder / "b/d").rename(folder / "d"), "e")
    _before(monkeypatch, "open", move)

    with pytest.raises(Changed):
        digests(folder, threads=1)


def _exchange() -> Callable[[Path, Path], None]:
    """Two names change places in one step."""
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        pytest.skip("names cannot be exchanged here")

    def exchange(one: Path, other: Path) -> None:
        assert 0 == function(-100, os.fsencode(one), -100, os.fsencode(other), 2)

    return exchange


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
@pytest.mark.parametrize("what", ["b", "b/c", "b/d", "b/d/e"])
@pytest.mark.parametrize("named", [False, True])
def test_a_swapper_never_wins(folder: Path, tmp_path: Path, what: str, named: bool) -> None:
    """A file or a folder and a link to a twin outside change places all the time: either what was
    there at first is hashed, or nothing."""
    outside = tmp_path / "outside"
    write(outside, {"b/c": b"secret", "b/d/e": b"secret"})
    (outside / "link").symlink_to(outside / what)
    exchange = _exchange()
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            exchange(folder / what, outside / "link")

    swapper = threading.Thread(target=swap)
    swapper.start()
    refused = 0
    try:
        for _ in range(10_000 if SOAK else 300):
            try:
                assert HERE == (files(folder, HERE) if named else digests(folder, threads=2))
            except (Changed, Refused):
                refused += 1
    finally:
        over.set()
        swapper.join()
    assert refused
    if (folder / what).is_symlink():
        exchange(folder / what, outside / "link")
    assert HERE == digests(folder) == files(folder, HERE)


# --- progress, and the end -----------------------------------------------------------------------


def test_progress_is_told_by_the_caller_itself_and_not_too_often(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes and files grow up to all; without patience only that is told."""
    block = module._BLOCK
    write(folder, {f"x/{number}": bytes(5 * block) for number in range(20)})
    told: list[tuple[int, int]] = []
    callers = set()

    def progress(size: int, count: int) -> None:
        told.append((size, count))
        callers.add(threading.current_thread())

    everything = (100 * block + 3, 23)
    began = time.monotonic()
    found = digests(folder, progress=progress, threads=3)
    assert everything == told[-1]
    assert len(told) <= 1 + (time.monotonic() - began) / module._EVERY

    monkeypatch.setattr(module, "_EVERY", 0)
    told.clear()
    assert found == digests(folder, progress=progress, threads=3)

    assert sorted(told) == told
    assert everything == told[-1]
    assert 20 < len(told)
    assert {threading.current_thread()} == callers
    told.clear()
    files(folder, found, progress=progress)
    assert everything == told[-1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SigError])
def test_an_interrupt_ends_all_threads(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Ctrl-C in the middle: it is raised, and nothing goes on (see `nothing_stays`)."""
    write(folder, {f"x/{number}": bytes(50 * module._BLOCK) for number in range(20)})
    monkeypatch.setattr(module, "_EVERY", 0)

    def interrupt(size: int, count: int) -> None:
        if size > 1:
            raise error("enough")

    with pytest.raises(error):
        digests(folder, progress=interrupt, threads=4)


def test_what_another_thread_meets_is_raised_here(folder: Path, way: str) -> None:
    """A refusal of any thread ends all, with its words."""
    write(folder, {f"x/{number}": b"x" for number in range(500)})
    raised = []
    real = module._Reading._hash

    def hash(reading: Any, here: Any, name: str, tally: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            raised.append(name)
            raise Refused("in a thread")
        time.sleep(0.001)
        real(reading, here, name, tally)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Reading, "_hash", hash)
        with pytest.raises(Refused, match="in a thread"):
            digests(folder, threads=3)
    assert 1 <= len(raised) <= 2
    assert 503 == len(digests(folder, threads=3))


def test_the_first_refusal_is_the_one_that_is_told(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that were left half read because of it are not said to have changed."""
    write(folder, {"x/1": bytes(3 * module._BLOCK), "x/2": bytes(3 * module._BLOCK)})
    real = module._Reading._rest

    def rest(reading: Any, *given: Any) -> str:
        if threading.current_thread() is not threading.main_thread():
            raise Refused("the first")
        while not reading._failures:
            time.sleep(0.001)
        return real(reading, *given)

    monkeypatch.setattr(module._Reading, "_rest", rest)
    with pytest.raises(Refused, match="the first"):
        digests(folder / "x", threads=2)
    assert HERE == digests(folder, ["x"], threads=2)


def test_where_no_thread_can_be_started_the_work_is_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree is the same, it takes longer."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert HERE == digests(folder, threads=4)
