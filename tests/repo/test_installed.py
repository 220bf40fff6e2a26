"""What is installed is known by its lists alone, and is the wheel or differs in what is named."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import Changed, FormatError, Refused, SigError
from sig.model import limits
from sig.model.manifest import Difference, Manifest
from sig.repo import installed
from sig.repo.archive import members
from sig.repo.installed import (
    Distribution,
    Editable,
    compare,
    distributions,
    environment,
    manifest_of,
    place,
)
from sig.repo.python import Python, python_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and FIFOs are Unix's")

VECTORS = Path(__file__).parent.parent.parent / "vectors/places/places.json"
SITE = "lib/python3.11/site-packages"
METADATA = (
    "Metadata-Version: 2.1\nName: {}\nVersion: {}\nClassifier: x\nClassifier: y\n\nName: no\n"
)


class Environment:
    """A site folder below a prefix, as an installer leaves it."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.site = prefix / SITE
        self.site.mkdir(parents=True)

    @property
    def python(self) -> Python:
        return Python("", "", "3.11", str(self.prefix), "", (), (str(self.site),), (), False, "x")

    def write(self, path: str, content: bytes = b"x") -> Path:
        file = self.site / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def install(
        self,
        name: str = "x",
        version: str = "1.0",
        files: dict[str, bytes] | None = None,
        *,
        folder: str | None = None,
        metadata: str = METADATA,
        others: tuple[str, ...] = (),
    ) -> Distribution:
        """Files and their RECORD; `others` are only listed."""
        info = folder or f"{name}-{version}.dist-info"
        mine = {f"{info}/METADATA": metadata.format(name, version).encode(), **(files or {})}
        for path, content in mine.items():
            self.write(path, content)
        rows = [[path, "sha256=x", "1"] for path in mine]
        rows += [[path, "", ""] for path in (*others, f"{info}/RECORD", f"{info}/INSTALLER")]
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        self.record(info, text.getvalue().encode())
        return Distribution(name, version, str(self.site), info, str(self.prefix))

    def record(self, info: str, raw: bytes) -> None:
        self.write(f"{info}/RECORD", raw)

    def only(self) -> Distribution:
        (found,) = distributions(self.python)
        return found


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    """One without anything in it."""
    return Environment(tmp_path / "env")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def of(files: dict[str, bytes]) -> Manifest:
    return Manifest({path: sha256(content) for path, content in files.items()})


# --- which there are -----------------------------------------------------------------------------


def test_a_distribution_is_a_dist_info_whose_metadata_says_the_same(env: Environment) -> None:
    """Sorted by the names of their folders; what else lies there is none."""
    made = [env.install("b", "2"), env.install("a", "1.0")]
    env.write("a/__init__.py")
    (env.site / "c-1.dist-info.bak").mkdir()

    assert made[::-1] == distributions(env.python)
    assert "dist/a-1.0" == made[1].root
    assert [] == distributions(env.python._replace(site=(str(env.prefix / "nothing"),)))


@pytest.mark.parametrize(
    ("name", "version", "folder", "root"),
    [
        ("Zope.Interface", "5.0", "zope.interface-5.0", "dist/zope-interface-5.0"),
        ("zope.interface", "5.0", "zope_interface-5.0", "dist/zope-interface-5.0"),
        ("a-b", "1", "a-b-1", "dist/a-b-1"),
        ("a_b", "1.0-1", "a-b-1.0-1", "dist/a-b-1.0_1"),
        ("torch", "2.0+cu118", "torch-2.0_cu118", "dist/torch-2.0+cu118"),
        ("x", "1.0RC1", "x-1.0rc1", "dist/x-1.0RC1"),
        ("x", "1!2", "x-1!2", "dist/x-1!2"),
    ],
)
def test_a_folder_may_be_spelled_otherwise(
    env: Environment, name: str, version: str, folder: str, root: str
) -> None:
    """As installers of all times did; METADATA has it as it is."""
    made = env.install(name, version, folder=f"{folder}.dist-info")
    assert made == env.only()
    assert root == made.root


@pytest.mark.parametrize(
    ("name", "version", "folder"),
    [("x", "1", "y-1"), ("x", "1", "x-2"), ("x", "1", "x"), ("x", "1", "x_1"), ("x", "1", "~x-1"),
     ("x", "1", "-1"), ("x", "1", "x-1-1"), ("x", "1", "x\n-1"), ("x", "1", ""),
     ("xy", "1", "x-y-1")],
)  # fmt: skip
def test_one_in_the_folder_of_another_has_no_files(
    env: Environment, name: str, version: str, folder: str
) -> None:
    """Nor what pip left behind when it was interrupted (``~x``); it is listed all the same."""
    env.install(name, version, folder=f"{folder}.dist-info")
    env.install("good", "1")
    good, odd = sorted(distributions(env.python), key=lambda each: each.info != "good-1.dist-info")

    assert ("", f"its METADATA says {name!r}, version {version!r}") == (good.why_not, odd.why_not)
    with pytest.raises(Refused, match="its METADATA says"):
        odd.paths()


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ("", "says no name or no version"),
        ("Name: x\n", "says no name or no version"),
        ("Version: 1\n\nName: x\n", "says no name or no version"),
        ("Name: x\nVersion: 1\nName: x\n", "says Name twice"),
        ("Name: x\nVersion: 1\nname: y\n", "says name twice"),
        ("Name: x\nVersion: 1\nVERSION: 2\n", "says VERSION twice"),
        ("Name: x\n y\nVersion: 1\n", "line 2 of its METADATA is no field"),
        ("Name: x\nVersion: 1\n 2\n", "line 3 of its METADATA is no field"),
        (" Name: x\nVersion: 1\n", "line 1 of its METADATA is no field"),
        ("no field\nName: x\nVersion: 1\n", "line 1 of its METADATA is no field"),
        ("A: b\nName : x\nVersion: 1\n", "line 2 of its METADATA is no field"),
        ("Name: x\rName: y\nVersion: 1\n", "line 1 of its METADATA is no field"),
        ("Name: x\nVersion: 1\nX: \udcff\n", "is not UTF-8"),
        ("\ufeffName: x\nVersion: 1\n", "is no field"),
        ("Name: x/../y\nVersion: 1\n", "is not the name of a distribution"),
        ("Name: \nVersion: 1\n", "is not the name of a distribution"),
        ("Name: x\nVersion: \n", "METADATA says"),
        ("Name: x\nVersion: 1/..\n", "METADATA says"),
        ("Name: x\nVersion: 1\n" + "X: y\n" * 300_000, "is larger than 1048576 bytes"),
    ],
)
def test_metadata_is_read_in_one_way_or_not_at_all(
    env: Environment, metadata: str, why: str
) -> None:
    """Where one reader stops and another goes on, a name is said twice, or none."""
    env.install("x", "1").paths()
    (env.site / "x-1.dist-info/METADATA").write_bytes(metadata.encode("utf-8", "surrogateescape"))
    assert why in env.only().why_not


@pytest.mark.parametrize(
    "metadata",
    [
        "Name: x\nVersion: 1",
        "name:x\nVERSION:\t1 \n",
        "Name: x\r\nVersion: 1\r\nSummary: a\r\n  b\r\n\r\nName: y\r\n",
        "Name: x\nVersion: 1\nDescription: a\n        \n        Name: y\n\tVersion: 3\n\nName: z\n",
        "Name: x\nVersion: 1\n\n" + "Name: y\n" * 2_000_000,
        "X-Odd_1.2: \x0bName: y\x85Name: z\nName: x\nVersion: 1\n",
    ],
)
def test_what_follows_the_first_empty_line_is_not_read(env: Environment, metadata: str) -> None:
    """However much it is. Lines end with CR LF too; a field may go on in the next line."""
    made = env.install("x", "1")
    (env.site / "x-1.dist-info/METADATA").write_bytes(metadata.encode())
    assert made == env.only()


def test_an_endless_metadata_ends(env: Environment) -> None:
    """A gigabyte of nothing is not read, nor is anything that is no regular file."""
    env.install("x", "1")
    file = env.site / "x-1.dist-info/METADATA"
    began = time.process_time()
    os.truncate(file, 1 << 30)
    assert "" == env.only().why_not
    file.write_bytes(b"")
    os.truncate(file, 1 << 30)
    assert "is larger than" in env.only().why_not
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
        file.unlink() if not file.is_dir() else file.rmdir()
        make(file)
        assert "is no regular file" in env.only().why_not
    file.unlink()
    file.symlink_to(file.name)
    assert "in a circle" in env.only().why_not
    file.unlink()
    assert "it has no METADATA" == env.only().why_not
    assert time.process_time() - began < 2


def test_what_has_no_record_is_listed_without_files(env: Environment) -> None:
    """As Debian and conda leave some. A folder or a FIFO of that name is none."""
    made = env.install("x", "1", {"x.py": b"1"})
    record = env.site / "x-1.dist-info/RECORD"
    for make in (lambda path: None, os.mkdir, os.mkfifo):
        record.unlink() if not record.is_dir() else record.rmdir()
        make(record)
        assert made._replace(why_not="it has no RECORD of its files") == env.only()
        with pytest.raises(Refused, match="it has no RECORD"):
            manifest_of(env.only())
        if not record.exists():
            record.write_text("")


@pytest.mark.parametrize(
    ("entry", "name", "version", "why"),
    [
        ("foo-1.0-py3.11.egg-info", "foo", "1.0", "egg-info"),
        ("foo.egg-info", "foo", "", "egg-info"),
        ("foo.egg-link", "foo", "", "egg-link"),
        ("foo-1.0-py3.11.egg", "foo", "1.0", "egg"),
    ],
)
def test_what_old_tools_installed_is_listed_without_files(
    env: Environment, entry: str, name: str, version: str, why: str
) -> None:
    """File or folder; beside one of today it is no second installation."""
    (env.site / entry).mkdir()
    made = env.install("foo", "1.0")
    found = {each.info: each for each in distributions(env.python)}

    assert {entry, "foo-1.0.dist-info"} == set(found)
    assert made == found["foo-1.0.dist-info"]
    assert (name, version) == found[entry][:2]
    assert f"({why})" in found[entry].why_not


def test_two_of_one_name_in_a_folder_are_refused_and_both_named(env: Environment) -> None:
    """Of one version or of two, however they are spelled; also where another folder comes first."""
    first = env.install("Foo_bar", "1")
    assert [first] == distributions(env.python)

    second = env.install("foo.bar", "2")
    with pytest.raises(Refused) as caught:
        distributions(env.python)
    assert f"{env.site}/{first.info}" in caught.value.message
    assert f"{env.site}/{second.info}" in caught.value.message
    (env.site / second.info / "METADATA").unlink()  # what an interrupted removal leaves
    assert 2 == len(distributions(env.python))


def test_of_two_in_two_folders_the_first_counts(env: Environment, tmp_path: Path) -> None:
    """As for Python, in that order; the other is listed with the reason and has no files."""
    other = Environment(tmp_path / "other")
    first, second = env.install("Foo_bar", "1"), other.install("foo.bar", "1")
    alone = other.install("alone", "1")
    for here, there, one, two in ((env, other, first, second), (other, env, second, first)):
        both = here.python._replace(site=(str(here.site), str(there.site)))
        found = {(each.base, each.info): each for each in distributions(both)}
        assert {one, alone} == {each for each in found.values() if not each.why_not}
        assert (
            f"{here.site}/{one.info} comes before {there.site}/{two.info}"
            == found[two.base, two.info].why_not
        )
    other.install("FOO-bar", "1")  # which of these would count if the first went
    both = env.python._replace(site=(str(env.site), str(other.site)))
    assert [first, alone] == [each for each in distributions(both) if not each.why_not]
    (env.site / first.info / "METADATA").unlink()
    with pytest.raises(Refused, match="two installations of"):
        distributions(both)


def test_what_does_not_count_is_not_taken_for_editable(env: Environment, tmp_path: Path) -> None:
    """Where its sources lie says nothing about the one that counts."""
    other = Environment(tmp_path / "other")
    first = env.install("foo", "1", {"foo.py": b""})
    note = {"url": f"file://{tmp_path}/foo", "dir_info": {"editable": True}}
    second = other.install("foo", "1", {"__editable__.foo-1.pth": f"{tmp_path}/foo\n".encode()})
    other.write(f"{second.info}/direct_url.json", json.dumps(note).encode())
    assert 1 == len(environment(other.python).editables)
    read = environment(env.python._replace(site=(str(env.site), str(other.site))))
    assert () == read.editables
    assert [first] == [each for each in read.distributions if not each.why_not]
    assert [f"{other.site}/__editable__.foo-1.pth"] == [file for file, _ in read.other_pth]


def test_more_than_anybody_has_is_refused(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of distributions, of entries of a folder, of .pth files."""
    for number in range(5):
        env.install(f"x{number}", "1")
        env.write(f"{number}.pth", b"# nothing\n")
    for limit, ask in (("ROOTS", distributions), ("SITE_ENTRIES", distributions),
                       ("PTH_FILES", environment)):  # fmt: skip
        monkeypatch.setattr(limits, limit, 4)
        with pytest.raises(Refused, match="more than 4"):
            ask(env.python)
        monkeypatch.setattr(limits, limit, 10)
        ask(env.python)


# --- their files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text()), ids=lambda case: case["path"])
def test_a_file_of_a_wheel_lies_where_the_table_says(case: dict[str, str]) -> None:
    """The same table is read by who runs a program."""
    one = Distribution("x", "1.0", case["base"], "x-1.0.dist-info", case["prefix"])
    assert case["place"] == place(one, case["path"])


def test_the_files_are_those_of_record_without_the_installers(env: Environment) -> None:
    """Bytecode, programs, headers, and what pip notes for itself; data get their way back into the
    wheel."""
    own = {"x/__init__.py": b"", "x/ä, b.txt": b'"', "x.libs/y.so.1": b"", "x.pth": b""}
    made = env.install(
        "X.y", "1", {**own, "../../../share/x/1": b"d"}, folder="X_y-1.dist-info",
        others=(
            "x/__pycache__/__init__.cpython-311.pyc", "x/old.pyc", "../../../bin/x",
            "../../../bin/sub/x", "../../../Scripts/x", "../../../include/site/python3.11/x/x.h",
            "../../../include/python3.11d/x.h", "../../../share/__pycache__/x.pyc",
            "X_y-1.dist-info/REQUESTED", "X_y-1.dist-info/direct_url.json",
            "X_y-1.dist-info/RECORD.jws", "X_y-1.dist-info/RECORD.p7s",
            f"{env.prefix}/bin/y", "./x/../x/__init__.py",
        ),
    )  # fmt: skip

    assert tuple(sorted([*own, "X_y-1.data/data/share/x/1", "X_y-1.dist-info/METADATA"])) == (
        made.paths()
    )
    for path in made.paths():
        assert os.path.exists(place(made, path) or "")
    found = manifest_of(made)
    assert sha256(b"d") == found.files["X_y-1.data/data/share/x/1"]
    assert [] == compare(made, found)


@pytest.mark.parametrize(
    "path",
    ["../../../../x", "../../../../env2/x", "../../../..", "/etc/passwd", "//etc/passwd", "/",
     "x/../../../../../x", "../../../../../../../../../etc/passwd", "../../.."],
)  # fmt: skip
def test_what_leaves_the_prefix_is_refused(env: Environment, path: str) -> None:
    """With the path as it stands there; the twin just stays."""
    made = env.install("x", "1", {"../../../x": b"", "x/../../y": b""}, others=(path,))
    with pytest.raises(Refused, match="leaves") as caught:
        made.paths()
    assert repr(path) in caught.value.message
    made = env.install("x", "1", {"../../../x": b"", "x/../../y": b""})
    assert ("x-1.data/data/lib/python3.11/y", "x-1.data/data/x") == made.paths()[:2]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"x.py\n", "line 1 is not path, digest, size"),
        (b"x.py,,\nx.py,,,\n", "line 2 is not path"),
        (b"x.py,,\n\nx.py,,\n", "line 2 is not path"),
        (b",,\n", "line 1 is not path"),
        (b"x\0.py,,\n", "line 1"),
        (b'"x.py,,\n', "line 1: unexpected end of data"),
        (b'"x"y.py,,\n', "line 1: "),
        (b"x\xff.py,,\n", "not UTF-8"),
        (b"\xef\xbb\xbfx.py,,\n", None),
        (b"x" * 200_000 + b",,\n", "field larger than field limit"),
        (b'"x\ny.py",,\n', "control character"),
        (b"x\\y.py,,\n", "backslash"),
        (b"x .py/y ,,\n", "dot or a space"),
        (b"x.py,,\nX.PY,,\n", "one name on some disks"),
        (b"x,,\nx/y,,\n", "a file and a folder of one name"),
        (b"y-1.data/purelib/x.py,,\n", "no place of a file that a wheel brings"),
    ],
)
def test_a_record_that_could_be_read_in_two_ways_is_refused(
    env: Environment, record: bytes, why: str | None
) -> None:
    """Or that no manifest can hold; its file is named."""
    made = env.install("x", "1")
    env.record("x-1.dist-info", record)
    if why is None:
        assert ("\ufeffx.py",) == made.paths()  # a name like others, and there is no such file
        return
    with pytest.raises(SigError, match=why):
        made.paths()


def test_a_record_without_end_is_refused(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bytes and in lines; and one that lists nothing of its own has no manifest."""
    made = env.install("x", "1")
    record = env.site / "x-1.dist-info/RECORD"
    began = time.process_time()
    os.truncate(record, 1 << 40)
    with pytest.raises(Refused, match="is larger than 67108864 bytes"):
        made.paths()
    monkeypatch.setattr(limits, "TREE_ENTRIES", 10)
    record.write_text("x.py,,\n" * 11)
    with pytest.raises(Refused, match="more than 10 lines"):
        made.paths()
    record.write_text("x.py,,\n" * 10)
    assert ("x.py",) == made.paths()
    record.write_text("")
    assert () == made.paths()
    with pytest.raises(Refused, match="lists no file"):
        manifest_of(made)
    record.unlink()
    with pytest.raises(Refused, match="no .*RECORD"):
        made.paths()
    assert time.process_time() - began < 3


def test_links_within_an_environment_are_followed(env: Environment, tmp_path: Path) -> None:
    """As uv makes them to its cache: what is loaded is what they lead to."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/1").write_bytes(b"1")
    made = env.install("x", "1", {"x.py": b""})
    (env.site / "x.py").unlink()
    (env.site / "x.py").symlink_to(tmp_path / "cache/1")
    assert sha256(b"1") == manifest_of(made).files["x.py"]


@pytest.mark.parametrize("kind", ["FIFO", "folder", "device", "circle", "missing", "file below"])
def test_what_is_no_file_is_refused_with_its_path(env: Environment, kind: str) -> None:
    """Nothing is waited for. To `compare`, what is missing is missing."""
    made = env.install("x", "1", {"x/y.py": b"", "z.py": b""})
    file = env.site / "x/y.py"
    file.unlink()
    if kind == "FIFO":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "circle":
        file.symlink_to(file.name)
    elif kind == "file below":
        file.parent.rmdir()
        file.parent.write_text("")

    with pytest.raises(Refused) as caught:
        manifest_of(made)
    assert str(file) in caught.value.message
    listed = Manifest({path: sha256(b"") for path in made.paths() if path.endswith(".py")})
    if kind in ("missing", "file below"):
        assert Difference("x/y.py", "missing") in compare(made, listed)
    else:
        with pytest.raises(Refused, match=re.escape(str(file))):
            compare(made, listed)


def test_what_changes_while_it_is_read_is_refused(env: Environment) -> None:
    """In length or in time; and what it grows by is never read."""
    made = env.install("x", "1", {"x.py": b"1" * (installed._BLOCK * 3)})
    file = env.site / "x.py"

    def append(done: int) -> None:
        with file.open("ab") as stream:
            stream.write(b"2" * 100)

    def cut(done: int) -> None:
        os.truncate(file, installed._BLOCK)

    def touch(done: int) -> None:
        os.utime(file, (1, 1))

    for act in (append, touch, cut):
        with pytest.raises(Changed, match="x.py changed while it was read"):
            manifest_of(made, progress=act)
    told: list[int] = []
    assert sha256(file.read_bytes()) == manifest_of(made, progress=told.append).files["x.py"]
    assert sum(os.stat(env.site / path).st_size for path in made.paths()) == told[-1]


def test_files_of_holes_are_bounded(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """They cost nothing to make, and hours to hash: all together count."""
    made = env.install("x", "1", {"a": b"", "b": b""})
    for name in ("a", "b"):
        os.truncate(env.site / name, 600)
    monkeypatch.setattr(limits, "TREE_BYTES", 1100)
    with pytest.raises(Refused, match="/b: more than"):
        manifest_of(made)


def test_every_difference_from_a_wheel_is_named(env: Environment) -> None:
    """Changed, missing, extra; what no RECORD lists is nobody's."""
    wheel = {"x/a.py": b"1", "x/b.py": b"2", "x/c.py": b"3", "x-1.data/purelib/p.py": b"4",
             "x-1.data/data/share/d": b"5", "x-1.dist-info/RECORD": b"the wheel's own",
             "x-1.data/scripts/s": b"6", "x-1.data/headers/h.h": b"7",
             "x/__pycache__/a.cpython-311.pyc": b"8",
             "x-1.dist-info/METADATA": METADATA.format("x", "1").encode()}  # fmt: skip
    there = {"x/a.py": b"1", "x/b.py": b"2", "x/c.py": b"3", "p.py": b"4",
             "../../../share/d": b"5"}  # fmt: skip
    made = env.install("x", "1", there, others=("../../../bin/s",))
    assert [] == compare(made, of(wheel))

    env.write("x/b.py", b"2!")
    (env.site / "x/c.py").unlink()
    env.write("p.py", b"4!")
    env.write("../../../share/d", b"5!")
    env.write("x/nobodys.py", b"")
    made = env.install("x", "1", {"x/a.py": b"1", "x/more.py": b"", "../../../share/e": b""},
                       others=("../../../etc/gone",))  # fmt: skip
    assert [
        Difference("x-1.data/data/etc/gone", "extra"),
        Difference("x-1.data/data/share/d", "changed"),
        Difference("x-1.data/data/share/e", "extra"),
        Difference("x-1.data/purelib/p.py", "changed"),
        Difference("x/b.py", "changed"),
        Difference("x/c.py", "missing"),
        Difference("x/more.py", "extra"),
    ] == compare(made, of(wheel))


def test_a_wheel_with_two_files_for_one_place_is_refused(env: Environment) -> None:
    """If they differ: which of them was installed is a matter of order."""
    made = env.install("x", "1", {"x.py": b"1"})
    wheel = {"x.py": b"1", "x-1.data/purelib/x.py": b"1", "x-1.data/platlib/x.py": b"1",
             "x-1.dist-info/METADATA": METADATA.format("x", "1").encode()}  # fmt: skip
    assert [] == compare(made, of(wheel))
    with pytest.raises(FormatError, match="lies in its place"):
        compare(made, of(wheel | {"x-1.data/platlib/x.py": b"2"}))


NAMES = st.sampled_from(["x", "y.py", "z.pyc", "__pycache__", "a b", "ä", "x-1.data", "purelib"])
FILES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=2), max_size=6
)


@settings(max_examples=60, deadline=None)
@given(FILES, FILES)
def test_there_is_a_difference_exactly_where_a_file_of_the_wheel_is_not_there(
    tmp_path_factory: pytest.TempPathFactory, wheel: dict[str, bytes], there: dict[str, bytes]
) -> None:
    """Whatever was installed, and whatever is asked for, by the rule of places."""
    try:
        listed = of({**wheel, "x-1.dist-info/METADATA": METADATA.format("x", "1").encode()})
        of({**there, "a": b""})
    except FormatError:
        return
    if any(path.startswith("x-1.data/") for path in there):
        return
    env = Environment(tmp_path_factory.mktemp("e") / "env")
    made = env.install("x", "1", there)
    try:
        found = {(each.path, each.kind) for each in compare(made, listed)}
    except SigError as error:
        assert re.search("lies in its place|is no regular file", error.message)
        return
    places: dict[str, list[str]] = {}
    for path in listed.files:
        if (at := place(made, path)) is not None:
            places.setdefault(at, []).append(path)
    expected = set()
    for at, paths in places.items():
        try:
            digest = sha256(Path(at).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            digest = ""
        named = {(path, "changed" if digest else "missing") for path in paths}
        if any(listed.files[path] != digest for path in paths):
            assert 1 == len(found & named)
            expected |= found & named
    expected |= {(path, "extra") for path in made.paths() if place(made, path) not in places}
    assert expected == found
    if not found:
        assert set(manifest_of(made).files.values()) <= set(listed.files.values())


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=80)
    | st.text(st.sampled_from('x/.,"\r\n\\ä\0pyc_'), max_size=60).map(str.encode)
)
def test_no_record_does_more_than_be_refused(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    """Whatever stands in it: paths of a manifest, below the prefix, or one of our errors."""
    env = Environment(tmp_path_factory.mktemp("e") / "env")
    made = env.install("x", "1")
    env.record("x-1.dist-info", raw)
    try:
        paths = made.paths()
    except SigError:
        return
    if paths:
        Manifest(dict.fromkeys(paths, sha256(b"")))
    for path in paths:
        assert (place(made, path) or "").startswith(f"{env.prefix}/")


PARTS = st.sampled_from(
    ["x", "y.py", "y.pyc", "__pycache__", "a__pycache__", "", ".", "..", ".h", "x.data", "a b",
     "x-1.dist-info", "y-2.dist-info", "RECORD", "purelib"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join).filter(bool), max_size=4))
def test_a_line_of_record_is_the_file_at_its_path(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    """However it is spelled: a file of the wheel, one of the installer's, or refused."""
    env = Environment(tmp_path_factory.mktemp("e") / "env")
    made = env.install("x", "1", others=tuple(lines))
    wanted = {"x-1.dist-info/METADATA"}
    for line in lines:
        there = os.path.normpath(env.site / line)
        path = os.path.relpath(there, env.site)
        inside = path != "." and not path.startswith("..")  # else it is one of the prefix
        if inside and place(made, path) is not None and not path.endswith(".pyc"):
            wanted.add(path)
    try:
        found = {path for path in made.paths() if not path.startswith("x-1.data/data/")}
    except SigError:
        return
    assert wanted == found


# --- editable installs ---------------------------------------------------------------------------

FINDER = """from __future__ import annotations
import sys

MAPPING: dict[str, str] = {}
NAMESPACES: dict[str, list[str]] = {{'ns': []}}
PATH_PLACEHOLDER = '__editable__.x-1.finder' + ".__path_hook__"

class _EditableFinder:
    def find_spec(cls, fullname):
        if fullname in MAPPING:
            pkg_path = MAPPING[fullname]

def install():
    open('/ran', 'w')
"""
CALL = b"import __editable___x_1_finder; __editable___x_1_finder.install()"


def edit(env: Environment, link: str, line: bytes, finder: str | None = None) -> Distribution:
    files = {link: line, "x-1.dist-info/direct_url.json": b'{"dir_info": {"editable": true},'
             b' "url": "file:///home/a%20b/x"}'}  # fmt: skip
    if finder is not None:
        files["__editable___x_1_finder.py"] = finder.encode()
    return env.install("x", "1", files)


@pytest.mark.parametrize(
    "link", ["__editable__.x-1.pth", "_editable_impl_x.pth", "x.pth", "_x.pth"]
)
def test_an_editable_install_says_in_which_folder_its_modules_lie(
    env: Environment, link: str
) -> None:
    """As setuptools, hatchling, flit, poetry, pdm and maturin write it: a path in a .pth file."""
    made = edit(env, link, b"# a comment\n\n/home/a b/x/src\r\n/home/a b/../c  \nrelative\n")
    sources = (("", "/home/a b/x/src"), ("", "/home/c"), ("", f"{env.site}/relative"))

    edited = Editable("x", "1", made, "/home/a b/x", sources, (link,))
    assert ((made,), (edited,), ()) == environment(env.python)


def test_the_table_of_setuptools_is_read_and_not_run(env: Environment) -> None:
    """Packages, parts of namespaces, and modules, whose file has no suffix there."""
    table = {"x": "/home/x/src/x", "ns.inner": "/home/it's/ns", "single": '/home/"x/single'}
    made = edit(env, "__editable__.x-1.pth", CALL, FINDER.format(repr(table)))
    hooks = ("__editable___x_1_finder.py", "__editable__.x-1.pth")

    edited = Editable("x", "1", made, "/home/a b/x", tuple(table.items()), hooks)
    assert ((made,), (edited,), ()) == environment(env.python)
    assert not os.path.exists("/ran")
    assert set(hooks) < set(made.paths())


def test_without_a_note_of_pip_the_name_of_the_file_says_it(env: Environment) -> None:
    """And what is not editable is none, whatever .pth files it brought along."""
    made = env.install("x", "1", {"__editable__.x-1.pth": b"/home/x"})
    noted = b'{"dir_info": {"editable": false}, "url": "file:///home/y"}'
    env.install("y", "1", {"y.pth": b"/home/y", "y-1.dist-info/direct_url.json": noted})
    noted = b'{"url": "https://z", "archive_info": {}}'
    env.install("z", "1", {"z.pth": b"import z", "z-1.dist-info/direct_url.json": noted})

    edited = Editable("x", "1", made, "", (("", "/home/x"),), ("__editable__.x-1.pth",))
    assert (edited,) == environment(env.python).editables
    assert [
        (f"{env.site}/y.pth", "adds /home/y"),
        (f"{env.site}/z.pth", "runs code: import z"),
    ] == [(file, reason) for file, reason in environment(env.python).other_pth]


@pytest.mark.parametrize(
    ("line", "finder", "why"),
    [
        (b"", None, "no .pth file of its own says where it lies"),
        (b"# /home/x\n", None, "no .pth file of its own says where it lies"),
        (b"import x_loader\n", None, "runs code that is not known: import x_loader"),
        (b"import os; os.system('x')", FINDER.format({}), "runs code that is not known"),
        (b"/home/x\nimport\tx", None, "runs code that is not known"),
        (CALL + b"; import os", FINDER.format({}), "runs code that is not known"),
        (CALL, None, "runs code that is not known"),
        (CALL.replace(b"x_1", b"../x"), FINDER.format({}), "runs code that is not known"),
        (CALL.replace(b"x_1", b"y", 1), FINDER.format({}), "runs code that is not known"),
        (CALL, "", "has not the one table"),
        (CALL, FINDER.format({}) + "\nMAPPING = {}\n", "has not the one table"),
        (CALL, FINDER.format("dict(a='/b')"), "has not the one table"),
        (CALL, FINDER.format("{'a': '/b', 'c': open('/ran', 'w')}"), "has not the one table"),
        (CALL, FINDER.format("{'a': f'/b{1}'}"), "has not the one table"),
        (CALL, FINDER.format("{'a': ['/b']}"), "has not the one table"),
        (CALL, FINDER.format("{'a': '/b' '/c'}"), "has not the one table"),
        (CALL, FINDER.format("{'a': '/b\\N{x}'}"), "has not the one table"),
        (CALL, FINDER.format("{'a': '\\x00/b'}"), "in "),
        (CALL, FINDER.format("{'a': '/b\\n'}"), "in "),
        (CALL, FINDER.format("{'a': '/b\\ud800'}"), "in "),
        (CALL, FINDER.format("{'a': 'b'}"), "in 'b'"),
        (CALL, FINDER.format("{'a/b': '/b'}"), "'a/b' in "),
        (CALL, FINDER.format("{'a..b': '/b'}"), "'a..b' in "),
        (CALL, FINDER.format({}), "no .pth file of its own says where it lies"),
        (CALL, FINDER.format({}) + "#" * (1 << 20), "is larger than 1048576 bytes"),
        (b"/home/\x1b[2J", None, "is no folder"),
        (b"/home/\xff", None, "is not UTF-8"),
        (b"x\n" * 50_000, None, "is larger than 65536 bytes"),
    ],
)
def test_an_editable_install_of_an_unknown_form_is_listed_with_the_reason(
    env: Environment, line: bytes, finder: str | None, why: str
) -> None:
    """Nothing of it is run, nothing is guessed; its .pth file is listed as any other."""
    edit(env, "__editable__.x-1.pth", line, finder)
    (found,) = environment(env.python).editables

    assert why in found.why_not
    assert not os.path.exists("/ran")
    if line.strip() and not line.startswith(b"#"):
        assert [f"{env.site}/__editable__.x-1.pth"] == [
            file for file, _ in environment(env.python).other_pth
        ]


def test_a_table_without_end_takes_no_time(env: Environment) -> None:
    """Brackets within each other never reach the parser; half a megabyte of pairs may."""
    pairs = ", ".join(f"'a{number}': '/b'" for number in range(50_000))
    began = time.process_time()
    tables = ["{" * 500_000, "{" + "'a': " * 200_000, "{" + "'a': '/b', " * 80_000,
              "{" + pairs + ", 'a': x}", "{'" + "\\" * 900_000,
              "{" + "[" * 400_000 + "}"]  # fmt: skip
    for table in tables:
        edit(env, "__editable__.x-1.pth", CALL, FINDER.format(table))
        assert "has not the one table" in environment(env.python).editables[0].why_not
    edit(env, "__editable__.x-1.pth", CALL, FINDER.format("{" + pairs + "}"))
    assert 50_000 == len(environment(env.python).editables[0].sources)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("said", "project", "editable"),
    [
        (b'{"dir_info": {"editable": true}, "url": "file:///a/b/../c/"}', "/a/c", True),
        (b'{"dir_info": {"editable": true}, "url": "file://localhost/a"}', "/a", True),
        (b'{"dir_info": {"editable": true}, "url": "file://elsewhere/a"}', "", True),
        (b'{"dir_info": {"editable": true}, "url": "https://x/a"}', "", True),
        (b'{"dir_info": {"editable": true}, "url": "file:///a%00b"}', "", True),
        (b'{"dir_info": {"editable": true}, "url": "file://[x/a"}', "", True),
        (b'{"dir_info": {"editable": true}, "url": 5}', "", True),
        (b'{"dir_info": {"editable": true}}', "", True),
        (b'{"dir_info": {"editable": 1}, "url": "file:///a"}', "/a", False),
        (b'{"dir_info": {"editable": "true"}, "url": "file:///a"}', "/a", False),
        (b'{"dir_info": [], "url": "file:///a"}', "", False),
        (b"[]", "", False),
    ],
)
def test_what_was_installed_is_what_pip_has_noted(
    env: Environment, said: bytes, project: str, editable: bool
) -> None:
    """A folder of this machine, or none."""
    made = edit(env, "x.pth", b"/home/x")
    env.write("x-1.dist-info/direct_url.json", said)
    found = environment(env.python).editables
    assert ([(project, "")] if editable else []) == [(each.project, each.why_not) for each in found]
    assert "x.pth" in made.paths()
    for wrong in (b"{", b"[" * 100_000, b"\xff", b'{"a": 1.5}', b"{}" + b" " * 70_000):
        env.write("x-1.dist-info/direct_url.json", wrong)
        assert environment(env.python).editables[0].why_not


# --- other .pth files ----------------------------------------------------------------------------


def test_pth_files_are_listed_with_what_they_would_do(env: Environment) -> None:
    """Sorted; those without effect are not. Nothing in them is run."""
    ran = env.prefix / "ran"
    code = f"import os; open({str(ran)!r}, 'w')"
    for name, raw in {
        "a.pth": code.encode(),
        "b.pth": b"import\tos",
        "c.pth": b"# import os\n\n   \n",
        "d.pth": b"win32\nwin32/lib\n",
        "e.pth": b"/elsewhere\n" + code.encode(),
        "f.pth": b"\xff",
        "g.pth": b"\xef\xbb\xbf" + code.encode(),
        ".h.pth": b"/hidden",
        "i.pth.bak": code.encode(),
        "j.pth": b"#\xc2\x85" + code.encode(),
        "k.pth": b"import " + b"x" * 5000,
    }.items():
        env.write(name, raw)
    os.mkfifo(env.site / "l.pth")
    found = {os.path.basename(file): reason for file, reason in environment(env.python).other_pth}

    assert found.keys() == {*(f"{name}.pth" for name in "abdefgjkl"), ".h.pth"}
    for name in ("a.pth", "e.pth", "g.pth", "j.pth"):
        assert found[name].startswith("runs code: import os; open(")
    assert f"adds {env.site}/win32 and others" == found["d.pth"]
    assert "adds /hidden" == found[".h.pth"]
    assert "is not UTF-8" in found["f.pth"]
    assert "is no regular file" in found["l.pth"]
    assert all(len(reason) < 600 for reason in found.values())
    assert not ran.exists()


# --- real ones -----------------------------------------------------------------------------------

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    """A real environment; installs wheels by pip, and is the interpreter."""
    made = tmp_path_factory.mktemp("real") / "env"
    venv = [sys.executable, "-m", "venv", "--without-pip", str(made)]
    subprocess.run(venv, check=True, capture_output=True, timeout=60)

    def install(*words: object) -> Path:
        subprocess.run(
            [*PIP, "--python", made, "install", "-q", "--no-deps", *map(str, words)],
            check=True, capture_output=True, timeout=600,
        )  # fmt: skip
        return made / "bin/python"

    yield install


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """A wheel of these files."""
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": METADATA.format(name, "1.0").encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = io.StringIO()
    rows = csv.writer(record)
    for path, raw in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode()[:-1]
        rows.writerow([path, f"sha256={digest}", len(raw)])
    rows.writerow([f"{info}/RECORD", "", ""])
    place = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as made:
        for path, raw in files.items():
            made.writestr(path, raw)
        made.writestr(f"{info}/RECORD", record.getvalue())
    return place


def test_what_pip_installs_from_a_wheel_is_the_wheel(
    real: Callable[..., Path], tmp_path: Path
) -> None:
    """With every scheme that a wheel can have, and wrappers, bytecode and notes of pip's own."""
    made = wheel(tmp_path, "Some_thing", {
        "some/__init__.py": b"def main(): pass\n",
        "some/data, with \"quotes\".txt": b"1",
        "some/_vendor/y-1.dist-info/RECORD": b"2",
        "Some_thing-1.0.data/purelib/pure.py": b"3",
        "Some_thing-1.0.data/platlib/some/plat.py": b"4",
        "Some_thing-1.0.data/data/share/some/d.txt": b"5",
        f"Some_thing-1.0.data/data/{SITE.replace('3.11', f'3.{sys.version_info[1]}')}/some/e": b"6",
        "Some_thing-1.0.data/scripts/run": b"#!python\n",
        "Some_thing-1.0.data/headers/some.h": b"7",
        "Some_thing-1.0.dist-info/entry_points.txt": b"[console_scripts]\nsome = some:main\n",
    })  # fmt: skip
    python = python_of(str(real(made)))
    one = next(each for each in distributions(python) if each.name == "Some_thing")

    assert "dist/some-thing-1.0" == one.root
    assert [] == compare(one, members(made).manifest)
    own = manifest_of(one)
    assert "Some_thing-1.0.data/data/share/some/d.txt" in own.files
    assert {"pure.py", "some/plat.py", "some/e"} < set(own.files)
    assert [] == compare(one, own)
    assert not any("pyc" in path or "/scripts/" in path or ".h" in path for path in own.files)
    (Path(one.base) / "pure.py").write_bytes(b"!")
    assert [Difference("Some_thing-1.0.data/purelib/pure.py", "changed")] == (
        compare(one, members(made).manifest)
    )


def test_the_environment_of_these_tests_is_understood() -> None:
    """All that is installed has a list of its files, and they are there."""
    python = python_of(sys.executable)
    if os.path.dirname(os.path.dirname(pytest.__file__)) not in python.site:
        pytest.skip("pytest is not of this environment, but of the system")
    found = [each for each in distributions(python) if not each.why_not]
    for each in found:
        if each.name in ("pytest", "hypothesis", "pluggy"):
            assert len(manifest_of(each)) > 5
    assert {"pytest"} < {each.name.lower() for each in found}
    assert all(each.sources or each.why_not for each in environment(python).editables)


@pytest.mark.soak
def test_well_known_wheels_differ_in_nothing(real: Callable[..., Path], tmp_path: Path) -> None:
    """Django, Flask, numpy, pytest and requests as pip installs them from an index."""
    names = ["Django", "Flask", "numpy", "pytest", "requests", "greenlet", "setuptools"]
    words = [*PIP, "download", "-q", "--no-deps", "-d", str(tmp_path), *names]
    subprocess.run(words, check=True, capture_output=True, timeout=600)
    files = sorted(tmp_path.glob("*.whl"))
    python = python_of(str(real("--force-reinstall", *files)))
    there = {each.root: each for each in distributions(python)}

    assert len(names) == len(files)
    for file in files:
        name, version = file.name.split("-")[:2]
        one = there[f"dist/{name.lower().replace('_', '-')}-{version}"]
        assert [] == compare(one, members(file).manifest)
