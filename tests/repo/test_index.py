"""The index: an exact answer or none, whatever happens to its file."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import StoreError
from sig.repo import index as module
from sig.repo.index import Delta, Index, IndexStale, Row
from tests.repo.kill import as_nobody, in_child, start
from tests.soak import SOAK

ROOT = os.name == "posix" and os.geteuid() == 0
UNIX = pytest.mark.skipif(os.name != "posix", reason="modes, links and fork are Unix's")

Sources = dict[str, tuple[str, list[Row]]]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


def identifier(number: int) -> str:
    return "sha256:" + sha256(b"%d" % number).hexdigest()


def row(number: int, source: str = "own", text: bytes = b"{}") -> Row:
    return Row(identifier(number), text, source, 1700000000 + number)


def rows(source: str, numbers: Iterable[int], size: int = 100) -> list[Row]:
    return [row(number, source, b"%0*d" % (size, number)) for number in numbers]


def small() -> Sources:
    """Some hundred rows, some of them about the same."""
    return {
        "own": ("o1", rows("own", range(20))),
        "remote:bob": ("b1", rows("remote:bob", range(10, 150))),
        "kept": ("k1", []),
    }


def stamps_of(sources: Mapping[str, tuple[str, object]]) -> dict[str, str]:
    return {name: stamp for name, (stamp, _) in sources.items()}


def truth(sources: Sources, ids: Iterable[str]) -> dict[str, set[Row]]:
    """What a plain dictionary would answer."""
    return {
        one: {each for _, held in sources.values() for each in held if each.id == one}
        for one in ids
    }


def answer(
    index: Index, stamps: Mapping[str, str], ids: Iterable[str]
) -> dict[str, set[Row]] | None:
    """None where the files must be read."""
    try:
        found = index.lookup(list(ids), stamps)
    except IndexStale:
        return None
    for each in found.values():
        assert len(each) == len(set(each))
    return {one: set(each) for one, each in found.items()}


def is_stale(function: Callable[[], object]) -> bool:
    try:
        function()
    except IndexStale:
        return True
    return False


IDS = [identifier(number) for number in range(160)]
ANEW, IN_PLACE = 0, 10**9


@pytest.fixture(params=[ANEW, IN_PLACE], ids=["anew", "in place"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """What changes much is written anew, or in place."""
    monkeypatch.setattr(module, "FEW", request.param)
    return int(request.param)


# --- what is put in is found ---------------------------------------------------------------------


def test_what_was_put_in_is_found_and_nothing_else(index: Index) -> None:
    """By identifier, of all sources; [] for what nobody said anything about."""
    sources = small()
    index.rebuild(sources)
    stamps = stamps_of(sources)
    assert answer(index, stamps, IDS) == truth(sources, IDS)
    assert index.lookup([IDS[155]], stamps) == {IDS[155]: []}
    assert index.lookup([], stamps) == {}
    assert index.counts(stamps) == {"own": 20, "remote:bob": 140, "kept": 0}
    assert index.stamps() == stamps
    assert index.check() == []
    assert os.name != "posix" or index.path.stat().st_mode & 0o777 == 0o600


def test_an_identifier_that_begins_like_another_is_another(index: Index) -> None:
    """Malformed statements may be filed under anything."""
    odd = ["a", "a ", "ab", "sha256:", "\u00e9\u4e2d", "a\rb", "-", "\ud800", "x" * 9000]
    held = [Row(one, b"{}", "own", None, True) for one in odd]
    index.rebuild({"own": ("1", held)})
    for one, expected in zip(odd, held, strict=True):
        assert index.lookup([one], {"own": "1"}) == {one: [expected]}
    assert index.lookup(["A", "\x00", "", "a\tb"], {"own": "1"}) == {
        "A": [],
        "\x00": [],
        "": [],
        "a\tb": [],
    }


def test_the_same_row_twice_is_one(index: Index) -> None:
    index.rebuild({"own": ("1", [row(1), row(1)])})
    assert index.lookup([IDS[1]], {"own": "1"}) == {IDS[1]: [row(1)]}
    assert index.counts({"own": "1"}) == {"own": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ("", b"{}", "own"),
        ("a", b"{}", ""),
        ("a\tb", b"{}", "own"),
        ("a\nb", b"{}", "own"),
        ("a", b"{\n}", "own"),
        ("a", b"{\t}", "own"),
        ("a", "é".encode(), "own"),
        ("a", b"{}", "o\twn"),
        ("a", b"{}", "o\nwn"),
    ],
)
def test_a_row_that_would_not_fit_a_line_is_not_made(arguments: tuple[str, bytes, str]) -> None:
    with pytest.raises(ValueError):
        Row(*arguments, first_met=None)


def test_rows_and_stamps_of_a_careless_caller_are_its_error(index: Index) -> None:
    """Not taken for damage, and nothing is written."""
    sources = small()
    index.rebuild(sources)
    for changed in ({"own": ("2", [row(1, "other")])}, {"own": ("a\tb", [row(1)])}):
        with pytest.raises(ValueError):
            index.replace(changed)
        with pytest.raises(ValueError):
            index.rebuild(changed)

    def broken() -> Iterator[Row]:
        yield row(1)
        raise OSError

    with pytest.raises(OSError):
        index.replace({"own": ("2", broken())})
    assert answer(index, stamps_of(sources), IDS) == truth(sources, IDS)
    assert os.listdir(index.path.parent) == ["index.db"]


# --- another state -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stamps",
    [
        {},
        {"own": "o1", "remote:bob": "b1"},
        {"own": "o1", "remote:bob": "b1", "kept": "k1", "more": "1"},
        {"own": "o2", "remote:bob": "b1", "kept": "k1"},
        {"own": "o1", "remote:bob": "b1", "other": "k1"},
    ],
)
def test_an_index_of_other_sources_gives_no_answer(index: Index, stamps: dict[str, str]) -> None:
    """A file that changed without the index: a killed writer, an editor, a restored backup."""
    index.rebuild(small())
    assert is_stale(lambda: index.lookup(IDS, stamps))
    assert is_stale(lambda: index.lookup([], stamps))
    assert is_stale(lambda: index.counts(stamps))


def test_a_difference_to_another_state_is_not_taken(index: Index) -> None:
    """A killed process told the index nothing; the next one adds a row to what it found."""
    sources = small()
    index.rebuild(sources)
    assert is_stale(lambda: index.replace({}, delta={"own": Delta("o2", "o3", [row(30)])}))
    assert is_stale(lambda: index.replace({}, delta={"new": Delta("", "1", [row(30, "new")])}))
    assert answer(index, stamps_of(sources), IDS) == truth(sources, IDS)


def test_an_index_of_another_version_gives_no_answer(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERSION", 1)
    index.rebuild(small())
    monkeypatch.undo()
    assert is_stale(lambda: index.lookup([], stamps_of(small())))
    assert is_stale(lambda: index.replace({"own": ("1", [])}))
    assert len(index.check()) == 1


@UNIX
def test_what_is_no_index_gives_no_answer_and_stays(index: Index, tmp_path: Path) -> None:
    """Missing, empty, a text, another database, a folder, a link, a FIFO, others may write it."""
    sources = small()
    stamps = stamps_of(sources)
    index.rebuild(sources)
    path = index.path
    good = tmp_path / "good"
    path.rename(good)

    def another() -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE meta (one, head, knots, digest)")
        connection.close()
        path.chmod(0o600)

    def writable() -> None:
        shutil.copy(good, path)
        path.chmod(0o622)

    cases: list[Callable[[], object]] = [
        lambda: None,
        lambda: path.touch(0o600),
        lambda: path.write_bytes(b"no index" * 999),
        another,
        path.mkdir,
        lambda: path.symlink_to(good),
        lambda: os.mkfifo(path, 0o600),
        writable,
    ]
    for make in cases:
        make()
        before = sorted(os.listdir(tmp_path))
        assert is_stale(lambda: index.lookup(IDS, stamps))
        assert is_stale(lambda: index.counts(stamps))
        assert is_stale(index.stamps)
        assert is_stale(lambda: index.replace({"own": ("2", [])}))
        assert len(index.check()) == 1
        assert sorted(os.listdir(tmp_path)) == before
        if not path.is_dir():
            index.rebuild(sources)
            assert answer(index, stamps, IDS) == truth(sources, IDS)
            path.unlink()
        else:
            with pytest.raises(StoreError):
                index.rebuild(sources)
            assert sorted(os.listdir(tmp_path)) == before
            path.rmdir()
    index.path.write_bytes(good.read_bytes())
    index.path.chmod(0o600)
    assert answer(index, stamps, IDS) == truth(sources, IDS)


# --- damage --------------------------------------------------------------------------------------


class Shelf:
    """A sound index as bytes, and what becomes of the answers when the bytes change."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sig-test-", dir=self.memory()))
        self.index = Index(self.folder / "index.db")
        self.sources = small()
        self.index.rebuild(self.sources)
        self.old = self.index.path.read_bytes()
        self.sources["own"] = ("o2", rows("own", range(5, 30)))
        self.sources["remote:bob"] = ("b2", rows("remote:bob", range(20, 160)))
        self.index.replace({name: self.sources[name] for name in ("own", "remote:bob")})
        self.sound = self.index.path.read_bytes()
        self.stamps = stamps_of(self.sources)

    @staticmethod
    def memory() -> str | None:
        return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

    def answered(self, damaged: bytes, one: int) -> bool:
        """Whether there is an answer to one question and to all; it is right, then."""
        with open(self.index.path, "r+b") as stream:  # a new file each time would be slow
            stream.write(damaged)
            stream.truncate()
        single = answer(self.index, self.stamps, [IDS[one]])
        assert single in (None, truth(self.sources, [IDS[one]]))
        every = answer(self.index, self.stamps, IDS)
        assert every in (None, truth(self.sources, IDS))
        assert os.listdir(self.folder) == ["index.db"]
        return single is not None


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shutil.rmtree(shelf.folder)


EXAMPLES = settings(max_examples=5000 if SOAK else 150, deadline=None)
NUMBERS = st.integers(0, len(IDS) - 1)


@EXAMPLES
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), one=NUMBERS)
def test_a_flipped_bit_never_loses_a_row(shelf: Shelf, at: float, bit: int, one: int) -> None:
    """Right or no answer. The check of the doctor finds whatever makes a difference."""
    damaged = bytearray(shelf.sound)
    damaged[int(at * len(damaged))] ^= 1 << bit
    shelf.answered(bytes(damaged), one)
    if answer(shelf.index, shelf.stamps, IDS) is None:
        assert shelf.index.check() != []


@EXAMPLES
@given(left=st.floats(0, 1), more=st.binary(max_size=5000), one=NUMBERS)
def test_a_truncated_file_never_loses_a_row(
    shelf: Shelf, left: float, more: bytes, one: int
) -> None:
    """Cut anywhere, and with something else written behind it."""
    shelf.answered(shelf.sound[: int(left * len(shelf.sound))] + more, one)


@EXAMPLES
@given(data=st.data(), one=NUMBERS)
def test_pages_of_another_moment_never_lose_a_row(
    shelf: Shelf, data: st.DataObject, one: int
) -> None:
    """A loss of power, a copy made during a write, half a transaction without its journal."""
    size = 4096
    count = max(len(shelf.sound), len(shelf.old)) // size
    # Mostly of one moment: where all is mixed, the first page already tells.
    kinds = [data.draw(st.sampled_from("so"))] * count
    for other in data.draw(st.lists(st.integers(0, count - 1), max_size=count)):
        kinds[other] = data.draw(st.sampled_from("ssooz"))
    swap = data.draw(st.lists(st.integers(0, count - 1), max_size=2))
    pages = []
    for at, kind in enumerate(kinds):
        source = {"s": shelf.sound, "o": shelf.old, "z": bytes(len(shelf.sound))}[kind]
        pages.append(source[at * size : (at + 1) * size] or bytes(size))
    if len(swap) == 2:
        pages[swap[0]], pages[swap[1]] = pages[swap[1]], pages[swap[0]]
    shelf.answered(b"".join(pages), one)


def test_the_sound_file_answers_and_the_old_one_does_not(shelf: Shelf) -> None:
    """The positive twin: refusing everything does not pass."""
    assert shelf.answered(shelf.sound, 25)
    assert not shelf.answered(shelf.old, 25)


@pytest.mark.soak
def test_every_single_byte_flipped(shelf: Shelf) -> None:
    answered = 0
    for at in range(len(shelf.sound)):
        damaged = bytearray(shelf.sound)
        damaged[at] ^= 0xFF
        answered += shelf.answered(bytes(damaged), at % len(IDS))
    assert 0 < answered < len(shelf.sound)


STATEMENTS = [
    # One that a change of remote:bob reads; which ones those are, is another matter in every index.
    "DELETE FROM bucket WHERE number = (SELECT min(number) FROM bucket"
    " WHERE instr(rows, CAST('remote:bob' AS BLOB)))",
    "UPDATE bucket SET rows = x'' WHERE rows != x''",
    "UPDATE bucket SET rows = (SELECT max(rows) || x'0a' FROM bucket)",
    "UPDATE bucket SET rows = CAST(rows AS TEXT)",
    "UPDATE bucket SET rows = NULL",
    "DELETE FROM bucket",
    "DROP TABLE bucket",
    "DELETE FROM knot",
    "UPDATE knot SET digests = x'' ",
    "UPDATE meta SET head = CAST(head AS TEXT)",
    "UPDATE meta SET knots = x''",
    "UPDATE meta SET one = 2",
    "DELETE FROM meta",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_lost_and_exchanged_rows_of_the_tables_are_noticed(index: Index, statement: str) -> None:
    """SQLite itself finds nothing wrong here."""
    index.rebuild(small())
    connection = sqlite3.connect(index.path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    stamps = stamps_of(small())
    assert is_stale(lambda: index.lookup(IDS, stamps))
    assert is_stale(lambda: index.replace({"remote:bob": ("b2", [])}))
    assert index.check() != []
    for one in IDS:
        assert answer(index, stamps, [one]) in (None, truth(small(), [one]))
    index.rebuild(small())
    assert index.check() == []


@pytest.mark.parametrize("tables", [{"bucket"}, {"knot"}, {"meta"}, {"bucket", "knot"}])
def test_tables_of_another_moment_are_noticed(shelf: Shelf, tables: set[str]) -> None:
    """Each sound by itself: the old buckets under the old digests, and the new stamps."""
    shelf.index.path.write_bytes(shelf.sound)
    old = shelf.folder.parent / f"{shelf.folder.name}.old"
    old.write_bytes(shelf.old)
    connection = sqlite3.connect(shelf.index.path, isolation_level=None)
    connection.execute("ATTACH ? AS old", (str(old),))
    for table in tables:
        connection.execute(f"DELETE FROM main.{table}")  # noqa: S608
        connection.execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")  # noqa: S608
    connection.close()
    old.unlink()
    answered = [answer(shelf.index, shelf.stamps, [one]) for one in IDS]
    for one, found in zip(IDS, answered, strict=True):
        assert found in (None, truth(shelf.sources, [one]))
    assert None in answered
    assert is_stale(lambda: shelf.index.lookup(IDS, shelf.stamps))
    assert is_stale(
        lambda: shelf.index.lookup(IDS, {"own": "o1", "remote:bob": "b1", "kept": "k1"})
    )


def test_a_damaged_map_is_noticed_by_the_write_that_needs_it(index: Index) -> None:
    index.rebuild(small())
    connection = sqlite3.connect(index.path)
    connection.execute("UPDATE source SET buckets = zeroblob(length(buckets))")
    connection.commit()
    connection.close()
    assert is_stale(lambda: index.replace({"own": ("2", [])}))
    assert index.check() != []


# --- killed, busy, full, read-only ---------------------------------------------------------------


def interrupted(index: Index) -> None:
    """A writer, killed before its commit and after so much work that pages are written."""

    def replace() -> None:
        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        module.FEW = IN_PLACE
        index._write_meta = die
        index.replace({"big": ("2", rows("big", range(3000, 6000), 1000))})

    assert in_child(replace) == -signal.SIGKILL
    assert Path(f"{index.path}-journal").stat().st_size > 4096


def big() -> Sources:
    return {**small(), "big": ("1", rows("big", range(3000), 1000))}


@UNIX
def test_the_journal_of_a_killed_writer_stops_readers_until_the_next_write(index: Index) -> None:
    """The file is half written: pages of a transaction that never happened."""
    sources = big()
    stamps = stamps_of(sources)
    index.rebuild(sources)
    interrupted(index)
    before = {path: path.read_bytes() for path in index.path.parent.iterdir()}
    assert is_stale(lambda: index.lookup(IDS, stamps))
    assert len(index.check()) == 1
    assert before == {path: path.read_bytes() for path in index.path.parent.iterdir()}
    index.replace({"own": ("o2", rows("own", range(3)))})
    sources["own"] = ("o2", rows("own", range(3)))
    assert os.listdir(index.path.parent) == ["index.db"]
    assert answer(index, stamps_of(sources), IDS) == truth(sources, IDS)
    assert index.check() == []


@UNIX
def test_a_new_index_does_not_get_the_journal_of_the_old_one(index: Index) -> None:
    """SQLite would roll the old pages back into the new file."""
    sources = big()
    index.rebuild(sources)
    interrupted(index)
    index.rebuild(small())
    assert os.listdir(index.path.parent) == ["index.db"]
    assert answer(index, stamps_of(small()), IDS) == truth(small(), IDS)
    assert index.check() == []


@UNIX
def test_killed_at_any_time_there_is_the_old_the_new_or_no_answer(
    index: Index, both_ways: int
) -> None:
    """kill -9 all along a replace, then all along a rebuild."""
    old, new = big(), big()
    new["big"] = ("2", rows("big", range(1500, 4500), 1000))
    asked = [identifier(number) for number in range(0, 4600, 150)]
    operations: list[Callable[[], None]] = [
        lambda: index.replace({"big": new["big"]}),
        lambda: index.rebuild(new),
    ]
    index.rebuild(old)
    good = index.path.read_bytes()
    killed = answered = 0
    for operation in operations:
        started = time.perf_counter()
        assert in_child(operation) == 0
        took = time.perf_counter() - started
        times = 100 if SOAK else 8
        for moment in range(times):
            for path in index.path.parent.iterdir():
                path.unlink()
            index.path.write_bytes(good)
            index.path.chmod(0o600)
            child = start(operation)
            time.sleep(took * moment / times)
            os.kill(child, signal.SIGKILL)
            killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
            for sources in (old, new):
                found = answer(index, stamps_of(sources), asked)
                assert found in (None, truth(sources, asked))
                answered += found is not None
            try:
                index.replace({"big": new["big"]})
            except IndexStale:
                index.rebuild(new)
            assert answer(index, stamps_of(new), asked) == truth(new, asked)
            assert sorted(os.listdir(index.path.parent)) in (
                ["index.db"],
                ["index.db", "index.db.new"],
            )
    assert killed >= 2  # at the first moment of both, however busy the machine is
    assert answered > 0


@UNIX
@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_killed_at_each_system_call_there_is_the_old_the_new_or_no_answer(
    index: Index, both_ways: int
) -> None:
    """Every write of SQLite in turn, not only those that time hits."""
    old, new = small(), small()
    new["remote:bob"] = ("b2", rows("remote:bob", range(40, 160)))
    index.rebuild(old)
    good = index.path.read_bytes()
    code = (
        "import sys; from pathlib import Path; from tests.repo import test_index as t\n"
        f"t.module.FEW = {both_ways}\n"
        "index = t.Index(Path(sys.argv[1]))\n"
        "new = ('b2', t.rows('remote:bob', range(40, 160)))\n"
        "if sys.argv[2] == 'replace': index.replace({'remote:bob': new})\n"
        "else: index.rebuild({**t.small(), 'remote:bob': new})\n"
    )
    calls = "pwrite64,ftruncate,fsync,fdatasync,unlink,rename"
    for how in ("replace", "rebuild"):
        for number in range(1, 400):
            for path in index.path.parent.iterdir():
                path.unlink()
            index.path.write_bytes(good)
            index.path.chmod(0o600)
            inject = f"inject={calls}:signal=KILL:when={number}"
            run = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject]
            run += [sys.executable, "-B", "-c", code, str(index.path), how]
            status = subprocess.run(run, check=False).returncode
            for sources in (old, new):
                found = answer(index, stamps_of(sources), IDS)
                assert found in (None, truth(sources, IDS))
            try:
                index.replace({"remote:bob": new["remote:bob"]})
            except IndexStale:
                index.rebuild(new)
            assert answer(index, stamps_of(new), IDS) == truth(new, IDS)
            if status == 0:
                break
        assert number > 5


@UNIX
def test_readers_while_a_writer_commits_get_one_state_or_wait(index: Index, both_ways: int) -> None:
    """Never a mix, and never an error other than IndexStale."""
    states = [{"own": (str(turn), rows("own", range(turn, turn + 100)))} for turn in range(2)]
    asked = IDS[:120]
    expected = {str(turn): truth(states[turn], asked) for turn in range(2)}
    index.rebuild(states[0])
    until = time.monotonic() + (20 if SOAK else 1)

    def read() -> None:
        answered = 0
        while time.monotonic() < until:
            for stamp in ("0", "1"):
                found = answer(index, {"own": stamp}, asked)
                assert found in (None, expected[stamp])
                answered += found is not None
        assert answered > 10

    children = [start(read) for _ in range(2)]
    turn = 0
    while time.monotonic() < until:
        turn = 1 - turn
        if turn:
            index.replace(states[turn])
        else:
            index.rebuild(states[turn])
        time.sleep(0.002)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]


def test_behind_a_writer_that_does_not_end_there_is_no_answer(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some seconds. A new index can be made even then."""
    index.rebuild(small())
    monkeypatch.setattr(module, "WAIT", 0.1)
    connection = sqlite3.connect(index.path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert is_stale(lambda: index.lookup(IDS, stamps_of(small())))
    assert is_stale(lambda: index.replace({"own": ("2", [])}))
    if os.name == "posix":
        index.rebuild(small())
        assert answer(index, stamps_of(small()), IDS) == truth(small(), IDS)
    connection.close()


@pytest.mark.skipif(not ROOT or sys.platform != "linux", reason="mounts a small disk")
def test_on_a_full_disk_the_old_index_stays(tmp_path: Path, both_ways: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("not allowed to mount")
    try:
        index = Index(disk / "index.db")
        sources = small()
        index.rebuild(sources)
        more = rows("own", range(5000), 300)
        with pytest.raises(StoreError):
            index.rebuild({"own": ("2", more)})
        assert is_stale(lambda: index.replace({"own": ("2", more[:1700])}))
        assert os.listdir(disk) == ["index.db"]
        assert answer(index, stamps_of(sources), IDS) == truth(sources, IDS)
        index.replace({"own": ("2", more[:5])})
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(not ROOT, reason="becomes another user")
def test_a_read_only_folder_answers() -> None:
    """As an ordinary user who may write neither the folder nor the file."""
    folder = Path(tempfile.mkdtemp(prefix="sig-test-"))
    try:
        index = Index(folder / "index.db")
        index.rebuild(small())
        index.path.chmod(0o444)
        folder.chmod(0o555)

        def look() -> None:
            assert answer(index, stamps_of(small()), IDS) == truth(small(), IDS)
            assert index.check() == []
            assert is_stale(lambda: index.replace({"own": ("2", [])}))
            with pytest.raises(StoreError):
                index.rebuild(small())

        assert as_nobody(look) == 0
        assert os.listdir(folder) == ["index.db"]
    finally:
        shutil.rmtree(folder)


def test_a_reader_leaves_nothing_behind(index: Index) -> None:
    """No file, no changed byte; and the module costs nothing until it is used."""
    index.rebuild(small())
    before = (index.path.read_bytes(), index.path.stat().st_mtime_ns)
    folder = index.path.parent.stat().st_mtime_ns
    index.lookup(IDS, stamps_of(small()))
    index.check()
    assert (index.path.read_bytes(), index.path.stat().st_mtime_ns) == before
    assert index.path.parent.stat().st_mtime_ns == folder
    code = "import sys, sig.repo.index; print([m for m in sys.modules if 'sqlite' in m])"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"[]\n"


# --- any story -----------------------------------------------------------------------------------

SOURCES = st.sampled_from(["own", "kept", "remote:bob"])
HELD = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2), st.booleans()), max_size=12)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["replace", "replace", "delta", "gone", "rebuild"]), SOURCES, HELD, HELD
    ),
    max_size=12,
)


def some(source: str, held: Iterable[tuple[int, int, bool]]) -> list[Row]:
    return [Row(identifier(n), b"%d" % text, source, text or None, bad) for n, text, bad in held]


@settings(max_examples=400 if SOAK else 40, deadline=None)
@given(STEPS, st.sampled_from([ANEW, IN_PLACE]), st.sampled_from([1, 8]))
def test_any_story_is_that_of_a_dictionary(
    story: list[tuple[str, str, list[tuple[int, int, bool]], list[tuple[int, int, bool]]]],
    few: int,
    in_a_bucket: int,
) -> None:
    """Replaced, added to, taken from, gone, made anew: the answers are those of a plain dict."""
    with (
        tempfile.TemporaryDirectory(dir=Shelf.memory()) as folder,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr(module, "FEW", few)
        patched.setattr(module, "ROWS", in_a_bucket)  # with one in a bucket it grows
        index = Index(Path(folder) / "index.db")
        index.rebuild({})
        model: dict[str, tuple[str, set[Row]]] = {}
        for number, (kind, source, first, second) in enumerate(story):
            stamp = str(number)
            new, old = some(source, first), some(source, second)
            if kind == "gone":
                model.pop(source, None)
                index.replace({}, gone=[source])
            elif kind == "delta" and source in model:
                before, held = model[source]
                # What was there, mostly; taking away what is not there is no error.
                removed = [*list(held)[::2], *old]
                index.replace({}, delta={source: Delta(before, stamp, new, removed)})
                model[source] = (stamp, held - set(removed) | set(new))
            else:
                model[source] = (stamp, set(new))
                if kind == "rebuild":
                    index.rebuild(model)
                else:
                    index.replace({source: (stamp, new)})
            sources = {name: (stamp, list(held)) for name, (stamp, held) in model.items()}
            asked = [identifier(n) for n in range(41)]
            assert answer(index, stamps_of(sources), asked) == truth(sources, asked)
            assert index.counts(stamps_of(sources)) == {
                name: len(held) for name, (_, held) in model.items()
            }
        assert index.check() == []


def test_several_sources_change_in_one_transaction(index: Index, both_ways: int) -> None:
    sources = small()
    index.rebuild(sources)
    index.replace(
        {"kept": ("k2", rows("kept", range(40, 60))), "new": ("n1", rows("new", range(3)))},
        gone=["remote:bob"],
        delta={"own": Delta("o1", "o2", rows("own", [70]), rows("own", [1, 2]))},
    )
    del sources["remote:bob"]
    sources["kept"] = ("k2", rows("kept", range(40, 60)))
    sources["new"] = ("n1", rows("new", range(3)))
    sources["own"] = ("o2", rows("own", [0, *range(3, 20), 70]))
    assert answer(index, stamps_of(sources), IDS) == truth(sources, IDS)
    assert index.counts(stamps_of(sources)) == {"kept": 20, "new": 3, "own": 19}
    assert index.check() == []


def buckets_of(index: Index) -> list[tuple[int, bytes]]:
    connection = sqlite3.connect(index.path)
    found = connection.execute("SELECT number, rows FROM bucket ORDER BY number").fetchall()
    connection.close()
    return found


def test_what_outgrew_its_buckets_gets_more_of_them(index: Index) -> None:
    """Else an answer would read more and more of what is about something else."""
    sources = {"own": ("1", rows("own", range(10))), "kept": ("1", rows("kept", range(5, 9)))}
    index.rebuild(sources)
    assert module.LEAST == len(buckets_of(index))
    most = 4 * module.ROWS * module.LEAST - 4
    sources["own"] = ("2", rows("own", range(most), 1))
    index.replace({"own": sources["own"]})
    assert module.LEAST == len(buckets_of(index))
    sources["own"] = ("3", rows("own", range(1, most + 2), 1))
    index.replace({"own": sources["own"]})
    assert most < module.ROWS * len(buckets_of(index)) < 8 * most
    asked = [identifier(number) for number in range(most + 3)]
    assert answer(index, stamps_of(sources), asked) == truth(sources, asked)
    assert index.counts(stamps_of(sources)) == {"own": most + 1, "kept": 4}
    assert index.check() == []


def test_what_changes_much_is_written_anew(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file at once is quicker than many pages of the old one; a small change is not."""
    sources: Sources = {"own": ("1", rows("own", range(40))), "big": ("1", rows("big", range(99)))}
    index.rebuild(sources)
    monkeypatch.setattr(module, "FEW", ANEW)
    before = index.path.stat().st_ino
    index.replace({}, delta={"own": Delta("1", "2", [row(70)])})
    sources["own"] = ("2", [*sources["own"][1], row(70)])
    assert before == index.path.stat().st_ino
    sources["own"] = ("3", rows("own", range(20, 60)))
    index.replace({"own": sources["own"]}, gone=["big", "unknown"])
    del sources["big"]
    assert os.name != "posix" or before != index.path.stat().st_ino
    assert answer(index, stamps_of(sources), IDS) == truth(sources, IDS)
    assert index.check() == []


@pytest.mark.parametrize("rows_now", [30, 900], ids=["as many buckets", "more buckets"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bucket SET rows = x'' WHERE rows != x'' AND number % 2",
        "UPDATE bucket SET rows = NULL WHERE number = 3",
        "DELETE FROM bucket WHERE number = 15",
        "DELETE FROM knot",
        "UPDATE source SET buckets = zeroblob(length(buckets)) WHERE name = 'own'",
    ],
)
def test_damage_is_not_copied(
    index: Index, monkeypatch: pytest.MonkeyPatch, statement: str, rows_now: int
) -> None:
    """What is written anew was read as I1 has it, also what stays as it was: else damage would
    get a digest that fits."""
    index.rebuild(small())
    connection = sqlite3.connect(index.path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    monkeypatch.setattr(module, "FEW", ANEW)
    before = index.path.read_bytes()
    assert is_stale(lambda: index.replace({"own": ("2", rows("own", range(rows_now), 1))}))
    assert before == index.path.read_bytes()
    assert os.listdir(index.path.parent) == ["index.db"]


def test_many_identifiers_of_one_bucket_cannot_be_made(index: Index) -> None:
    """Which bucket holds an identifier is not known before the index is made."""
    places = set()
    for _ in range(5):
        index.rebuild({"own": ("1", [row(1)])})
        connection = sqlite3.connect(index.path)
        places |= set(connection.execute("SELECT number FROM bucket WHERE rows != x''"))
        connection.close()
    assert len(places) > 1


def test_it_is_quick(index: Index) -> None:
    """Far from the limits, and far below what reading all files would take."""
    sources: Sources = {
        "remote:big": ("1", rows("remote:big", range(20_000), 600)),
        "own": ("1", rows("own", range(20))),
    }
    index.rebuild(sources)
    stamps = stamps_of(sources)

    def took(function: Callable[[], object]) -> float:
        best = 9.0
        for _ in range(5):
            started = time.perf_counter()
            function()
            best = min(best, time.perf_counter() - started)
        return best

    assert took(lambda: index.lookup([identifier(7)], stamps)) < 0.01
    assert took(lambda: index.lookup([identifier(n) for n in range(1000)], stamps)) < 0.2
    assert took(lambda: index.replace({"own": ("1", rows("own", range(21)))})) < 0.1
    added = partial(Delta, "1", "1", [row(9, "remote:big")])
    assert took(lambda: index.replace({}, delta={"remote:big": added()})) < 0.1
