"""An archive is listed member by member if all readers find the same in it, and refused if not."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sig.errors import Changed, FormatError, Refused, SigError, StoreError
from sig.model import limits
from sig.model.manifest import Manifest
from sig.repo import archive, unpacking
from sig.repo.archive import Listed, is_archive, members
from sig.repo.unpacking import Bounds
from tests.repo import hostile_archives as hostile
from tests.repo.hostile_archives import (
    ENDINGS,
    PACKERS,
    PLAIN,
    TAR,
    A,
    B,
    Case,
    Entry,
    folder,
    member,
    tarred,
    zipped,
)

CASES = hostile.cases()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def listed(raw: bytes, place: Path, *, deep: bool = False, bounds: Bounds = Bounds()) -> Manifest:  # noqa: B008
    path = place / "archive"
    path.write_bytes(raw)
    return members(path, deep=deep, bounds=bounds).manifest


def found_in(raw: bytes) -> dict[str, str]:
    """What Python's own readers find: path and digest of all that is no folder."""
    if raw[:2] in (b"PK", b"#!"):
        with zipfile.ZipFile(io.BytesIO(raw)) as opened:
            return {
                one.filename: digest(opened.read(one))
                for one in opened.infolist()
                if not one.is_dir()
            }
    with tarfile.open(fileobj=io.BytesIO(raw)) as opened_tar:
        found = {}
        for one in opened_tar:
            if not one.isdir():
                content = opened_tar.extractfile(one)
                assert one.isreg() and content is not None
                found[one.name.removeprefix("./")] = digest(content.read())
        return found


# --- hostile ones --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_hostile_archive_is_refused_and_its_twin_is_listed(case: Case, tmp_path: Path) -> None:
    """One clear sentence, whatever the file is called; the twin lacks nothing but the attack."""
    with pytest.raises(FormatError, match=case.why) as caught:
        listed(case.hostile, tmp_path, deep=case.deep)
    assert len(caught.value.message) < 400
    assert "Error" not in caught.value.message and caught.value.message[0] != " "

    twin = listed(case.twin, tmp_path, deep=case.deep).files
    if not case.deep:
        assert found_in(case.twin) == dict(twin)


def test_every_case_has_a_name_of_its_own_and_is_an_attack() -> None:
    """None is there twice, none is its own twin."""
    assert len(CASES) == len({case.name for case in CASES})
    assert [] == [case.name for case in CASES if case.hostile == case.twin]
    assert len(CASES) > 300


def test_the_kept_script_writes_all_of_them(tmp_path: Path) -> None:
    """For whoever wants to try them on another program."""
    command = [sys.executable, "-m", "tests.repo.hostile_archives", str(tmp_path)]
    subprocess.run(command, check=True, timeout=120, cwd=Path(__file__).parent.parent.parent)
    assert 2 * len(CASES) == len(list(tmp_path.iterdir()))


def test_many_a_hostile_archive_deceives_others(tmp_path: Path) -> None:
    """The attacks are real: what a manifest cannot say Python takes as it comes."""
    taken = set()
    for case in CASES:
        # A file with holes would be read for a minute.
        if not case.deep and not {"bomb", "sparse"} & set(case.name.split("-")):
            try:
                found_in(case.hostile)
                taken.add(case.name)
            except Exception:  # noqa: S112  any way to say no
                continue
    assert {"zip-local-size", "zip-hidden-member", "zip-twice", "tar-two-archives"} <= taken
    assert len(taken) > 200


@pytest.mark.parametrize("raw", [PLAIN, TAR, gzip.compress(TAR, mtime=0)], ids=["zip", "tar", "gz"])
def test_an_archive_that_was_cut_off_is_refused_at_every_length(raw: bytes, tmp_path: Path) -> None:
    """No beginning of an archive is an archive."""
    for length in range(0, len(raw), 1 if len(raw) < 1000 else 7):
        with pytest.raises(FormatError):
            listed(raw[:length], tmp_path)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([case.twin for case in CASES if len(case.twin) < 20_000]),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_what_is_damaged_is_refused_or_read_alike(
    raw: bytes, changes: list[tuple[int, int]]
) -> None:
    """No byte makes the reader fall over, and what it still takes Python finds the same in."""
    damaged = bytearray(raw)
    for place, value in changes:
        damaged[place % len(raw)] = value
    with tempfile.TemporaryDirectory() as name:
        try:
            files = listed(bytes(damaged), Path(name)).files
        except SigError:
            return
    assert found_in(bytes(damaged)) == dict(files)


# --- real ones -----------------------------------------------------------------------------------

NAMES = st.text(st.sampled_from("abcXYZ019._+ -~[]*"), min_size=1, max_size=12)
UNICODE_NAMES = NAMES | st.text(st.sampled_from("aé世\u0301ß🐍 "), min_size=1, max_size=60)
CONTENTS = st.binary(max_size=40) | st.integers(0, 3000).map(lambda n: b"text\n" * n)


def folders(names: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, bytes]]:
    paths = st.lists(names, min_size=1, max_size=4).map("/".join)

    def valid(found: dict[str, bytes]) -> bool:
        try:
            Manifest.of((path, digest(content)) for path, content in found.items())
        except FormatError:
            return False
        return True

    return st.dictionaries(paths, CONTENTS, min_size=1, max_size=6).filter(valid)


def run(*words: str | Path, cwd: Path) -> bytes:
    if shutil.which(str(words[0])) is None:
        pytest.skip(f"{words[0]} is not installed")
    done = subprocess.run([*words], cwd=cwd, capture_output=True, timeout=60, check=False)
    assert 0 == done.returncode, done
    return done.stdout


def lie(found: dict[str, bytes], place: Path) -> None:
    """The files, on the disk."""
    for path, content in found.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    (place / "empty folder").mkdir(exist_ok=True)


def expected(found: dict[str, bytes]) -> Manifest:
    return Manifest({path: digest(content) for path, content in found.items()})


SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("words", [["-r"], ["-0r"], ["-fzr"], ["-Dr9"]], ids=" ".join)
@SLOW
@given(found=folders(NAMES))
def test_what_zip_packs_is_listed_as_it_lay_there(
    words: list[str], found: dict[str, bytes]
) -> None:
    """Info-ZIP: deflated, stored, with zip64, without folders; unzip agrees."""
    # A folder of the name `-` zip takes for its input.
    assume(not {"empty folder", "-"} & {part for path in found for part in path.split("/")})
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        lie(found, place / "tree")
        run("zip", "-q", *words, "../a.zip", ".", cwd=place / "tree")
        run("unzip", "-tqq", "a.zip", cwd=place)
        assert expected(found) == members(place / "a.zip").manifest


@SLOW
@given(found=folders(NAMES))
def test_what_zip_writes_to_a_pipe_is_listed(found: dict[str, bytes]) -> None:
    """Sizes behind the members, as who cannot go back writes them."""
    assume(not {"empty folder", "-"} & {part for path in found for part in path.split("/")})
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        lie(found, place / "tree")
        (place / "a.zip").write_bytes(run("zip", "-qr", "-", ".", cwd=place / "tree"))
        assert expected(found) == members(place / "a.zip").manifest


@pytest.mark.parametrize(
    "words",
    [["--format=gnu"], ["--format=ustar"], ["--format=pax"], ["--format=pax", "--no-recursion"],
     ["--format=v7"], ["-z"], ["-j"], ["-J"], ["-z", "--format=oldgnu"]],
    ids=" ".join,
)  # fmt: skip
@SLOW
@given(found=folders(UNICODE_NAMES))
def test_what_tar_packs_is_listed_as_it_lay_there(
    words: list[str], found: dict[str, bytes]
) -> None:
    """GNU tar: every dialect, every way to pack; `.` as a whole and file by file."""
    for word, program in {"-j": "bzip2", "-J": "xz"}.items():
        if word in words and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    short = max(len(path.encode()) for path in found) < 90
    assume(short or not {"--format=v7", "--format=ustar"} & set(words))
    assume("empty folder" not in {path.split("/")[0] for path in found})
    listed_by_name = "--no-recursion" in words
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        lie(found, place / "tree")
        (place / "names").write_bytes(b"\0".join(path.encode() for path in found) + b"\0")
        which = ["--verbatim-files-from", "--null", "-T", "../names"] if listed_by_name else ["."]
        run("tar", *words, "-cf", "../a.tar", *which, cwd=place / "tree")
        assert expected(found) == members(place / "a.tar").manifest


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz", "w|gz"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@settings(max_examples=15, deadline=None)
@given(found=folders(UNICODE_NAMES))
def test_what_python_packs_with_tarfile_is_listed(
    kind: str, form: int, found: dict[str, bytes]
) -> None:
    """As sdists are made."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=kind, format=form) as writer:
        for path, content in found.items():
            one = tarfile.TarInfo(f"package-1.0/{path}")
            one.size = len(content)
            one.mtime = 1.5
            writer.addfile(one, io.BytesIO(content))
    wanted = expected({f"package-1.0/{path}": content for path, content in found.items()})
    with tempfile.TemporaryDirectory() as name:
        assert wanted == listed(made.getvalue(), Path(name))


class Pipe(io.RawIOBase):
    """What cannot be wound back."""

    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.written += bytes(data)
        return len(data)


@settings(max_examples=40, deadline=None)
@given(folders(UNICODE_NAMES), st.booleans(), st.booleans())
def test_what_python_packs_with_zipfile_is_listed(
    found: dict[str, bytes], seekable: bool, zip64: bool
) -> None:
    """As wheels are made; with and without zip64, also into a pipe."""
    made: io.BytesIO | Pipe = io.BytesIO() if seekable else Pipe()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as writer:
        for path, content in found.items():
            with writer.open(path, "w", force_zip64=zip64) as one:
                one.write(content)
    raw = made.getvalue() if isinstance(made, io.BytesIO) else made.written
    with tempfile.TemporaryDirectory() as name:
        assert expected(found) == listed(raw, Path(name))


def test_a_zipapp_is_listed_without_its_first_line(tmp_path: Path) -> None:
    """The line belongs to no member; the digest of the whole has it."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__main__.py").write_text("print('hello')\n")
    target = tmp_path / "app.pyz"
    run(sys.executable, "-m", "zipapp", "app", "-p", "/usr/bin/env python3", "-o", target,
        cwd=tmp_path)  # fmt: skip

    assert target.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    assert {"__main__.py"} == members(target).manifest.files.keys()


def test_more_members_than_16_bits_count_are_listed(tmp_path: Path) -> None:
    """65 535 is the last number without zip64, and the mark for it."""
    for count in (0xFFFF, 0x10000):
        with zipfile.ZipFile(tmp_path / "many.zip", "w") as writer:
            for number in range(count):
                writer.writestr(f"{number}", b"")
        assert count == len(members(tmp_path / "many.zip").manifest)


def test_the_git_of_this_folder_packs_what_is_listed(tmp_path: Path) -> None:
    """git archive writes a comment into a zip, and a global header into a tar."""
    run("git", "init", "-q", cwd=tmp_path)
    (tmp_path / "file").write_bytes(b"content")
    run("git", "add", "file", cwd=tmp_path)
    run("git", "-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x", cwd=tmp_path)
    for name in ("a.zip", "a.tar", "a.tar.gz"):
        run("git", "archive", "-o", name, "--prefix=p/", "HEAD", cwd=tmp_path)
        assert {"p/file": digest(b"content")} == dict(members(tmp_path / name).manifest.files)


# --- one opening ---------------------------------------------------------------------------------


def large() -> bytes:
    """A zip of some blocks."""
    return zipped(*(Entry(f"{n}", os.urandom(300_000), 0) for n in range(4)))


def test_the_digests_are_those_of_the_file(tmp_path: Path) -> None:
    """What sha256sum and sha512sum say, and how long it is."""
    for raw in (PLAIN, TAR, gzip.compress(TAR), large()):
        (tmp_path / "file").write_bytes(raw)
        found = members(tmp_path / "file")
        assert (digest(raw), hashlib.sha512(raw).hexdigest(), len(raw)) == found[1:]
        assert isinstance(found, Listed)


def test_a_descriptor_is_read_from_its_start_and_stays_open(tmp_path: Path) -> None:
    """Who opened the file hashes, lists and uses the same one."""
    (tmp_path / "file").write_bytes(PLAIN)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        os.lseek(descriptor, 17, os.SEEK_SET)
        (tmp_path / "file").unlink()
        assert members(descriptor) == members(descriptor)
        assert len(PLAIN) == os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be replaced elsewhere")
def test_a_file_that_is_replaced_meanwhile_is_read_to_its_end(tmp_path: Path) -> None:
    """One opening: the members and the digests are of the old file, both."""
    raw, path = large(), tmp_path / "file"
    path.write_bytes(raw)
    (tmp_path / "other").write_bytes(PLAIN)

    def replaced(done: int) -> None:
        if (tmp_path / "other").exists():
            os.replace(tmp_path / "other", path)

    # Where its name went is no change of the content, yet the system calls it one.
    with pytest.raises(Changed, match="changed while it was read"):
        members(path, progress=replaced)
    assert PLAIN == path.read_bytes()


@pytest.mark.parametrize("how", ["longer", "shorter", "other", "same"])
@pytest.mark.parametrize("raw", [large(), tarred(member("x", bytes(1 << 20)))], ids=["zip", "tar"])
def test_a_file_that_changes_meanwhile_is_refused(how: str, raw: bytes, tmp_path: Path) -> None:
    """Also if what is read is still an archive, and if only the time says so."""
    path = tmp_path / "file"
    path.write_bytes(raw)
    assert members(path).manifest.files
    pending = [True]

    def change(done: int) -> None:
        if not pending:
            return
        pending.clear()
        if how == "longer":
            with path.open("ab") as stream:
                stream.write(b"more")
        elif how == "shorter":
            os.truncate(path, len(raw) // 2)
        else:
            with path.open("r+b") as stream:
                stream.seek(len(raw) // 2)
                stream.write(raw[len(raw) // 2 :][:9] if how == "same" else b"something")

    with pytest.raises(Changed, match="file changed while it was read"):
        members(path, progress=change)


def test_a_file_that_is_shorter_than_it_was_is_a_change() -> None:
    """Wherever it is noticed: at its start, at its end, on the way."""
    raw = zipped(A, Entry("large", os.urandom(100_000), 0))
    for size, found in ((len(raw) + 1, raw), (100, b""), (len(raw), raw[:-1])):
        with pytest.raises(Changed, match="became shorter"):
            archive._Listing(size, False, Bounds()).add(io.BytesIO(found), size, "", 1)
    with pytest.raises(Changed, match="became shorter"):
        list(unpacking.blocks(io.BytesIO(raw), len(raw) + 1, lambda block: None))


def test_a_directory_of_a_zip_that_changes_meanwhile_is_noticed() -> None:
    """Even where the system tells nothing: what was read first must come by again."""

    raw = zipped(A, Entry("large", os.urandom(100_000), 0))

    class Changing(io.BytesIO):
        """Another time of day in the directory, for who reads it a second time."""

        reads = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.reads += offset == 0
            if self.reads == 2:
                self.getbuffer()[raw.index(b"PK\1\2") + 12] ^= 1
            return super().seek(offset, whence)

    with pytest.raises(Changed, match="changed while"):
        archive._Listing(1 << 20, False, Bounds()).add(Changing(raw), len(raw), "", 1)
    archive._Listing(1 << 20, False, Bounds()).add(io.BytesIO(raw), len(raw), "", 1)


def test_a_start_that_changes_meanwhile_is_noticed() -> None:
    """What told the kind of an archive is what its digest is of."""
    raw = zipped(A, Entry("large", os.urandom(100_000), 0), before=b"#!a\n")

    class Changing(io.BytesIO):
        """Another first line, for who reads it a second time."""

        reads = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.reads += offset == 0
            if self.reads == 2:
                self.getbuffer()[2:3] = b"b"
            return super().seek(offset, whence)

    with pytest.raises(Changed, match="changed while"):
        archive._Listing(1 << 20, False, Bounds()).add(Changing(raw), len(raw), "", 1)


def test_a_list_without_end_is_refused_before_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names take room in memory that no count of members bounds."""
    raw = tarred(*(member(f"{number:090}") for number in range(9)))
    assert 9 == len(listed(raw, tmp_path))
    monkeypatch.setattr(limits, "MANIFEST", 8 * (90 + 67))
    with pytest.raises(FormatError, match="list of its files is larger"):
        listed(raw, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="FIFOs and descriptors of folders are Unix's")
def test_what_is_no_regular_file_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    """A FIFO nobody writes to, a folder, a device."""
    os.mkfifo(tmp_path / "fifo")
    for place in (tmp_path / "fifo", tmp_path, Path("/dev/null")):
        with pytest.raises(Refused, match="is not a regular file"):
            members(place)
    with pytest.raises(StoreError):
        members(tmp_path / "missing")
    (tmp_path / "file").write_bytes(PLAIN)
    (tmp_path / "link").symlink_to("file")
    assert members(tmp_path / "link") == members(tmp_path / "file")


def test_progress_counts_every_byte_once(tmp_path: Path) -> None:
    """It grows, and ends at the length of the file."""
    (tmp_path / "file").write_bytes(large())
    seen: list[int] = []
    size = members(tmp_path / "file", progress=seen.append).size

    assert sorted(set(seen)) == seen and size == seen[-1]
    assert len(seen) > 3


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["zip", "tar", *PACKERS])
def test_memory_does_not_grow_with_what_is_unpacked(kind: str, tmp_path: Path) -> None:
    """64 MiB in one member take a block or two."""
    zeros = bytes(64 << 20)
    raw = {
        "zip": lambda: zipped(Entry("x", zeros)),
        "tar": lambda: tarred(member("x", zeros)),
        **{name: lambda name=name: PACKERS[name](tarred(member("x", zeros))) for name in PACKERS},
    }[kind]()
    path = tmp_path / "file"
    path.write_bytes(raw)
    members(path)
    tracemalloc.start()
    try:
        assert {"x": digest(zeros)} == dict(members(path).manifest.files)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (16 << 20 if kind == "xz" else 4 << 20)  # xz has a window of its own


def test_members_are_counted(tmp_path: Path) -> None:
    """Folders too."""
    for raw in (
        zipped(A, B, folder("c/")),
        tarred(member("a"), member("b"), member("./c/", b"", b"5")),
    ):
        assert 2 == len(listed(raw, tmp_path, bounds=Bounds(members=3)))
        with pytest.raises(FormatError, match="more than 2 members"):
            listed(raw, tmp_path, bounds=Bounds(members=2))


def test_unpacked_bytes_are_counted(tmp_path: Path) -> None:
    """At all, and against the size of the archive, above what is free."""
    zeros = bytes(1 << 20)
    for raw in (zipped(Entry("x", zeros)), gzip.compress(tarred(member("x", zeros)))):
        ratio = len(zeros) // len(raw)
        assert listed(raw, tmp_path, bounds=Bounds(free=0, ratio=ratio + 3))
        assert listed(raw, tmp_path, bounds=Bounds(free=len(zeros) + 4096, ratio=1))
        for bounds in (Bounds(free=0, ratio=ratio - 1), Bounds(unpacked=len(zeros) - 1)):
            with pytest.raises(FormatError, match="too many for its size"):
                listed(raw, tmp_path, bounds=bounds)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """What is said of it is enough."""
    bomb = next(case for case in CASES if case.name == "zip-bomb")
    (tmp_path / "file").write_bytes(bomb.hostile)
    seen: list[int] = []
    with pytest.raises(FormatError, match="too many"):
        members(tmp_path / "file", progress=seen.append)
    assert [] == seen


@pytest.mark.parametrize("block", [1, 7, 30, 511, 512, 513, 4096])
def test_blocks_may_end_anywhere(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a header, a name, a number or a checksum."""
    raws = [
        zipped(A, B, folder("c/"), Entry("s", b"streamed" * 9, flags=8,
               descriptor=hostile.descriptor)),
        tarred(hostile.pax({"path": "x" * 200}) + member("x"), member("b", b"long" * 700)),
        *(pack(TAR) for pack in PACKERS.values()),
    ]  # fmt: skip
    wanted = [listed(raw, tmp_path) for raw in raws]
    monkeypatch.setattr(unpacking, "BLOCK", block)
    monkeypatch.setattr(unpacking, "_PIECE", max(1, block // 2))
    assert wanted == [listed(raw, tmp_path) for raw in raws]


def test_nothing_heavy_is_loaded_for_a_zip() -> None:
    """Neither the readers of the standard library nor what unpacks other kinds."""
    probe = (
        "import sys; from sig.repo import archive; before = set(sys.modules);"
        "print(*sorted({'zipfile', 'tarfile', 'lzma', 'bz2', 'dataclasses'} & before))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert ("\n", "") == (done.stdout, done.stderr)


# --- archives in archives ------------------------------------------------------------------------


def test_deep_adds_the_members_of_archives_in_it_and_takes_nothing_away(tmp_path: Path) -> None:
    """Below the name and an exclamation mark; of every kind, at every depth."""
    inner = zipped(A, B)
    middle = gzip.compress(tarred(member("in.zip", inner), member("text", b"text")))
    outer = zipped(
        Entry("x/middle.whatever", middle, 0), Entry("app.pyz", b"#!py\n" + b"", 0),
        Entry("z.pyz", zipped(A, before=b"#!/usr/bin/python\n")),
        Entry("tar", TAR), Entry("tar.xz", PACKERS["xz"](TAR)), folder("empty/"),
    )  # fmt: skip
    plain = listed(outer, tmp_path).files
    deep = listed(outer, tmp_path, deep=True).files

    assert dict(plain) == {path: hex for path, hex in deep.items() if "!/" not in path}
    first = digest(A.content)
    assert {
        "x/middle.whatever!/in.zip": digest(inner),
        "x/middle.whatever!/in.zip!/a/first.py": first,
        "x/middle.whatever!/in.zip!/b.txt": digest(B.content),
        "x/middle.whatever!/text": digest(b"text"),
        "z.pyz!/a/first.py": first,
        "tar!/p-1/first.py": digest(b"import this\n" * 99),
        "tar!/p-1/second": digest(b""),
        "tar.xz!/p-1/first.py": digest(b"import this\n" * 99),
        "tar.xz!/p-1/second": digest(b""),
    } == {path: hex for path, hex in deep.items() if "!/" in path}


def test_what_only_looks_like_an_archive_is_a_file(tmp_path: Path) -> None:
    """A script, a packed text, a damaged one, the least zip there is, nothing at all."""
    files = {
        "script": b"#!/bin/sh\necho hello\n" * 99,
        "text.gz": gzip.compress(b"text" * 999),
        "damaged.gz": gzip.compress(TAR)[:50],
        "damaged.xz": b"\xfd7zXZ\0" + b"no" * 999,
        "least.zip": zipped(),
        "empty": b"",
        "zeros": bytes(2048),
    }
    raw = zipped(*(Entry(name, content) for name, content in files.items()))
    wanted = {name: digest(content) for name, content in files.items()}
    assert wanted == dict(listed(raw, tmp_path, deep=True).files)
    for content in files.values():
        (tmp_path / "file").write_bytes(content)
        assert (content == zipped()) is is_archive(tmp_path / "file")


def test_what_looks_like_an_archive_is_told_by_its_content(tmp_path: Path) -> None:
    """Of every kind, whatever its name; a look, and no word on whether it is a sound one."""
    for raw in (PLAIN, TAR, zipped(A, before=b"#!x\n"), *(pack(TAR) for pack in PACKERS.values())):
        (tmp_path / "file.txt").write_bytes(raw)
        assert is_archive(tmp_path / "file.txt")
    assert not is_archive(tmp_path)


def test_archives_in_archives_have_one_budget(tmp_path: Path) -> None:
    """Members and bytes of all levels count together, and so does the depth."""
    inner = zipped(*(Entry(f"{n}", bytes(1000)) for n in range(5)))
    outer = zipped(*(Entry(f"{n}.zip", inner) for n in range(5)))
    assert 30 == len(listed(outer, tmp_path, deep=True, bounds=Bounds(members=30)))
    assert 5 == len(listed(outer, tmp_path, bounds=Bounds(members=5)))
    for bounds, why in (
        (Bounds(members=29), "4.zip: more than 29 members"),
        (Bounds(unpacked=25_000), "zip: unpacks to more than"),
        (Bounds(nested=1), "0.zip: more than 1 archives within"),
        (Bounds(nested_size=len(inner) - 1), "0.zip: an archive larger than"),
    ):
        with pytest.raises(FormatError, match=why):
            listed(outer, tmp_path, deep=True, bounds=bounds)


def test_no_temporary_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it goes well or not; a full disk is said to be one."""
    spools: list[tempfile.SpooledTemporaryFile[bytes]] = []
    made = tempfile.SpooledTemporaryFile

    def spool(size: int) -> tempfile.SpooledTemporaryFile[bytes]:
        spools.append(made(max_size=1))
        return spools[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", spool)
    listed(zipped(Entry("a.zip", PLAIN)), tmp_path, deep=True)
    with pytest.raises(FormatError):
        listed(zipped(Entry("a.zip", zipped(Entry("../x")))), tmp_path, deep=True)
    assert [True, True] == [one.closed for one in spools]

    def full(size: int) -> io.BytesIO:
        class Full(io.BytesIO):
            def write(self, data: object) -> int:
                raise OSError(28, "No space left on device")

        return Full()

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", full)
    with pytest.raises(StoreError, match="no space left"):
        listed(zipped(Entry("a.zip", PLAIN)), tmp_path, deep=True)


# --- streams -------------------------------------------------------------------------------------


def blocks_of(*pieces: bytes) -> Iterator[memoryview]:
    """Blocks as a file gives them: in one buffer, each gone when the next one comes."""
    buffer = bytearray(max(map(len, pieces), default=0))
    for piece in pieces:
        buffer[: len(piece)] = piece
        yield memoryview(buffer)[: len(piece)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=6), max_size=6), st.lists(st.integers(0, 9), max_size=6))
def test_a_stream_gives_every_byte_once_in_order(pieces: list[bytes], counts: list[int]) -> None:
    """Read, looked at beforehand, or taken in chunks."""
    whole = b"".join(pieces)
    stream = unpacking.Stream(blocks_of(*pieces))
    at = 0
    ways: list[Callable[[int], bytes]] = [
        stream.read,
        lambda count: b"".join(bytes(chunk) for chunk in stream.chunks(count, 2)),
        lambda count: stream.peek(count) + stream.read(count)[:0],
    ]
    for number, count in enumerate(counts):
        if at + count > len(whole):
            with pytest.raises(FormatError, match="cut off"):
                stream.read(count)
            return
        assert whole[at : at + count] == ways[number % 3](count)
        at += count
        assert at == stream.position
    assert whole[at:] == b"".join(bytes(chunk) for chunk in stream.rest(3))


def test_a_thread_that_writes_without_end_is_no_way_in(tmp_path: Path) -> None:
    """Whatever is listed is what the digest is of, or it is refused."""
    path = tmp_path / "file"
    first = zipped(Entry("x", b"\0" * 50_000, 0))
    second = zipped(Entry("x", b"\1" * 50_000, 0))
    known = {digest(first): digest(b"\0" * 50_000), digest(second): digest(b"\1" * 50_000)}
    path.write_bytes(first)
    stop = threading.Event()

    def write() -> None:
        descriptor = os.open(path, os.O_WRONLY)
        while not stop.is_set():
            os.pwrite(descriptor, second, 0)
            os.pwrite(descriptor, first, 0)
        os.close(descriptor)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(300):
            try:
                found = members(path)
            except (Changed, FormatError):
                continue
            assert known[found.sha256] == found.manifest.files["x"]
    finally:
        stop.set()
        thread.join()
    assert members(path).manifest.files["x"] == known[digest(path.read_bytes())]


def test_modes_do_not_matter(tmp_path: Path) -> None:
    """Names and bytes are what a manifest has: an executable is its content."""
    for mode in (0, stat.S_IFREG, stat.S_IFREG | 0o755, stat.S_IFREG | 0o4777):
        assert {"x": digest(b"x")} == dict(
            listed(zipped(Entry("x", b"x", mode=mode)), tmp_path).files
        )
    assert set(ENDINGS) == set(PACKERS)
