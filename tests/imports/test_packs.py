"""Packs of bytecode: their one form, codes that are the same everywhere, and what a run does."""

from __future__ import annotations

import hashlib
import io
import json
import marshal
import random
import re
import struct
import subprocess
import sys
import types
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sig.errors import FormatError
from sig.imports import bytecode, packing, packs
from sig.imports.packs import Pack
from sig.repo import python as repo_python
from tests import vectors
from tests.imports.child import Ended, Program, Python, pythons, sealed

SAID = "cpython-3.11.2 a70d0d0a"
CODES = {hashlib.sha256(each.encode()).hexdigest(): each.encode() for each in ("a", "b", "c")}


# --- the one form --------------------------------------------------------------------------------


def test_a_pack_is_a_plain_zip_without_paths() -> None:
    """Stored, sorted, without times; digests and the interpreter, and nothing else."""
    pack = packs.made(SAID, CODES)

    assert pack.raw == packs.made(SAID, dict(reversed(CODES.items()))).raw
    with zipfile.ZipFile(io.BytesIO(pack.raw)) as archive:
        assert archive.testzip() is None
        assert [*sorted(CODES), "python"] == archive.namelist()
        for entry in archive.infolist():
            assert zipfile.ZIP_STORED == entry.compress_type
            assert (b"", b"", 0) == (entry.extra, entry.comment, entry.external_attr)
    again = packs.read(pack.raw)
    assert (CODES, SAID, "cpython-3.11.2") == (again.codes, again.python, again.tag)
    assert again == pack


def zipped(members: list[tuple[str, bytes]], **more: Any) -> bytes:
    """As others write zips."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **more) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def twice(raw: bytes) -> bytes:
    """The same zip with its first member once more, of another content."""
    pack = packs.read(raw)
    members = [*sorted(pack.codes.items()), ("python", f"{SAID}\n".encode())]
    with pytest.warns(UserWarning, match="Duplicate"):
        return zipped([(members[0][0], b"evil"), *members])


def other_name_in_front(raw: bytes) -> bytes:
    """The directory has one name, the member another (the first digit of a digest)."""
    first = min(CODES).encode()
    at = raw.index(first)
    return raw[:at] + (b"0" if first[:1] != b"0" else b"1") + raw[at + 1 :]


def other_size_in_front(raw: bytes) -> bytes:
    """By the member's own header it is longer than by the directory."""
    return raw[:18] + struct.pack("<II", 99, 99) + raw[26:]


def other_directory(raw: bytes) -> bytes:
    """A second directory is what a reader from the end finds."""
    evil = zipped([(name, b"evil") for name in CODES])
    return raw + evil


FORGERIES = {
    "nothing": lambda raw: b"",
    "cut off": lambda raw: raw[:-1],
    "cut off in a head": lambda raw: raw[:20],
    "more behind it": lambda raw: raw + b"\0",
    "more before it": lambda raw: b"#!/bin/sh\n" + raw,
    "a comment": lambda raw: raw[:-2] + b"\4\0evil",
    "twice": twice,
    "another name in front": other_name_in_front,
    "another size in front": other_size_in_front,
    "two directories": other_directory,
    "one byte of code": lambda raw: raw[:94] + bytes([raw[94] ^ 1]) + raw[95:],
    "no interpreter": lambda raw: zipped(sorted(CODES.items())),
    "compressed": lambda raw: zipped([("python", SAID.encode() * 99)], compression=8),
    "a path": lambda raw: stored({"../evil.py": b"", "python": f"{SAID}\n".encode()}),
    "a module's name": lambda raw: stored({"json": b"", "python": f"{SAID}\n".encode()}),
    "two lines": lambda raw: stored({"python": f"{SAID}\n{SAID}\n".encode()}),
    "no tag": lambda raw: stored({"python": b" a70d0d0a\n"}),
    "capitals": lambda raw: stored({"A" * 64: b"", "python": f"{SAID}\n".encode()}),
}


def stored(members: Mapping[str, bytes]) -> bytes:
    return packing.stored(members)[0]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_not_in_the_one_form_is_no_pack(forgery: str) -> None:
    """Whichever part another reader goes by, it finds what this one finds, or this one none."""
    with pytest.raises(FormatError):
        packs.read(FORGERIES[forgery](packs.made(SAID, CODES).raw))


def test_no_mutant_is_read_as_something_else() -> None:
    """One byte changed: refused, always."""
    raw = packs.made(SAID, CODES).raw
    for place in range(len(raw)):
        mutant = bytearray(raw)
        mutant[place] ^= 1 << place % 8
        with pytest.raises(FormatError):  # what is in a member is in its checksum
            packs.read(bytes(mutant))


@pytest.mark.parametrize("path", vectors.files("pack"), ids=lambda path: path.stem)
def test_a_vector_is_read_or_refused_as_it_says(path: Path) -> None:
    """Each file of vectors/pack, with the very words of a refusal."""
    vector = vectors.read(path)
    if vector.head["expect"] == "pack":
        found = packs.read(vector.one("pack"))
        codes = {name[5:]: data for name, (data,) in vector.data.items() if name != "pack"}
        assert (vector.head["id"], vector.head["python"]) == (found.id, found.python)
        assert codes == found.codes
        assert found.raw == packs.made(found.python, codes).raw
        return
    with pytest.raises(FormatError) as caught:
        packs.read(vector.one("pack"))
    assert vector.why == caught.value.message


def test_a_pack_with_too_many_members_is_none() -> None:
    """Their number does not fit into a zip that is none of zip64."""
    names = [f"{number:064x}" for number in range(65535)]
    assert 65534 == len(packs.read(packs.made(SAID, dict.fromkeys(names[1:], b"")).raw).codes)
    with pytest.raises(FormatError, match="more than 65535 members"):
        packs.made(SAID, dict.fromkeys(names, b""))
    with pytest.raises(FormatError, match="not a pack"):
        packs.read(b"".join(b"PK\3\4" + bytes(22) + b"\x40\0\0\0" + n.encode() for n in names))


def test_a_pack_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run reads the whole of it into memory."""
    monkeypatch.setattr("sig.model.limits.PACK", 500)
    with pytest.raises(FormatError, match="larger"):
        packs.made(SAID, CODES)


@pytest.mark.parametrize(
    ("version", "folder", "tag", "fits"),
    [
        ("3.13.0", "python3.13", "cpython-3.13.0", True),
        ("3.13.1", "python3.13", "cpython-3.13.0", False),
        ("3.13.0", "python3.13", "cpython-3.13.01", False),
        ("3.13.0", "python3.13t", "cpython-3.13.0", False),
        ("3.13.0", "python3.13t", "cpython-3.13.0t", True),
        ("3.13.0rc1", "python3.13", "cpython-3.13.0", False),
        ("3.13.0+", "python3.13", "cpython-3.13.00", False),
        ("3.13", "python3.13", "cpython-3.13.4", True),
        ("3.13", "python3.13", "cpython-3.1304", False),
        ("3.13", "python3.13", "cpython-3.13.4t", False),
        ("3.13", "python3.13t", "cpython-3.13.4t", True),
        ("3.1", "python3.1", "cpython-3.13.4", False),
    ],
)
def test_a_pack_fits_the_version_and_the_build(
    version: str, folder: str, tag: str, fits: bool
) -> None:
    """As far as names tell it; where the third number is not known it may be any."""
    python = repo_python.Python(
        asked="/x", executable="/x", version=version, prefix="/", base_prefix="/",
        stdlib=(f"/lib/{folder}", f"/lib/{folder}/lib-dynload"), site=(), system_site=(),
        is_system=False, why_not="",
    )  # fmt: skip
    why = packs.unfit(packs.made(f"{tag} a70d0d0a", {}), python)
    assert fits == (why == ""), why


# --- the same code everywhere --------------------------------------------------------------------

# Compiles what it is told, in that order, in a process on which something has left its mark.
COMPILE = """
import hashlib, json, sys
asked = json.loads(sys.stdin.read())
held = [sys.intern(each) for each in asked["intern"]]
intern()
found = {}
for path in asked["paths"]:
    with open(path, "rb") as stream:
        source = stream.read()
    for level in asked["levels"]:
        try:
            code = dumped(source, level)
        except (SyntaxError, ValueError):
            continue
        found[path + str(level)] = hashlib.sha256(code).hexdigest()
print(json.dumps(found))
"""


def compile_all(python: Python, paths: list[str], names: list[str]) -> dict[str, str]:
    """Digests of the codes of sources at every level, from a process of its own."""
    program = packing.source("bytecode").decode() + COMPILE
    words = [python.path, "-s", "-S", "-B", "-W", "ignore", "-c", program]
    asked = {"paths": paths, "intern": names, "levels": [0, 1, 2]}
    done = subprocess.run(
        words,
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
        env={"PYTHONHASHSEED": "0"},
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_one_source_has_one_code(python: Python) -> None:
    """In whatever order, among whatever else, and whatever names the process already knows."""
    place = Path(python.stdlib[0])
    paths = sorted(str(path) for path in place.rglob("*.py") if "test" not in str(path))
    chooser = random.Random(1)
    paths = chooser.sample(paths, min(120, len(paths)))
    first = compile_all(python, paths, [])
    other = paths[::-1]
    # Of a name that is known already a process holds more references than of a new one.
    texts = [Path(path).read_text("utf-8", "replace") for path in paths]
    names = sorted({each for text in texts for each in re.findall(r"[^\W\d]\w*|\W", text)})

    assert first == compile_all(python, other, names)
    half = compile_all(python, other[::2], names[::2])
    assert half and half.items() <= first.items()


def test_who_else_holds_a_part_leaves_no_mark() -> None:
    """`marshal` writes down which objects are referred to more than once; here all are."""
    source = b"def f(x):\n    return x, 'a text', (1.5, 'b c'), x.name\n"
    code = compile(source, "<pack>", "exec", dont_inherit=True)
    plain = marshal.dumps(code)
    held = code.co_consts
    assert held and plain != marshal.dumps(code)  # the control

    again = marshal.loads(bytecode.dumped(source))  # noqa: S302 - our own
    assert bytecode.dumped(source) == bytecode.dumped(source) and again == code


def test_a_code_is_that_of_its_source(python: Python) -> None:
    """What comes out of `serve` is what `compile` makes; what does not compile has none."""
    sources = [b"import os\nx = lambda: (1, 'a', {2, 3})\n", b"def\n", b"", b"a = '\0'\n"]
    program = packing.source("bytecode").decode() + "\nserve()\n"
    asked = b"".join(b"%d\n" % len(each) + each for each in sources)
    words = [python.path, "-s", "-S", "-B", "-c", program]
    done = subprocess.run(words, input=asked, capture_output=True, check=True, env={})
    said, _, rest = done.stdout.partition(b"\n")
    found = []
    while rest:
        size, _, rest = rest.partition(b"\n")
        found.append(rest[: int(size)])
        rest = rest[int(size) :]

    tag, _, magic = said.decode().partition(" ")
    assert tag.startswith(f"cpython-{python.version[0]}.{python.version[1]}.") and 8 == len(magic)
    assert [True, False, True] == [bool(each) for each in found[:3]]
    if python.version == sys.version_info[:2] and bytecode.python() == said.decode():
        code = marshal.loads(found[0])  # noqa: S302 - our own
        assert isinstance(code, types.CodeType)
        assert compile(sources[0], "<pack>", "exec", dont_inherit=True) == code


# --- in a run ------------------------------------------------------------------------------------

MAIN = "import helper\nprint(helper.VALUE, helper.__file__, helper.__spec__.cached)\n"
FILES = {"main.py": MAIN, "helper.py": "VALUE = 'source'\n"}
EVIL = "VALUE = 'packed'\n"


def digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def packed(python: Python, codes: Mapping[str, str], said: str = "") -> Pack:
    """A pack for an interpreter: for the source with this digest the code of another source."""
    program = packing.source("bytecode").decode() + "\nserve()\n"
    asked = b"".join(b"%d\n" % len(each.encode()) + each.encode() for each in codes.values())
    words = [python.path, "-s", "-S", "-B", "-c", program]
    done = subprocess.run(words, input=asked, capture_output=True, check=True, env={})
    own, _, rest = done.stdout.partition(b"\n")
    found = {}
    for name in codes:
        size, _, rest = rest.partition(b"\n")
        found[name], rest = rest[: int(size)], rest[int(size) :]
    return packs.made(said or own.decode(), found)


def run(program: Program, pack: Pack, *flags: str, **changes: Any) -> Ended:
    """With a pack, as if it had been signed."""
    import os

    descriptor = sealed(packing.pack(program.plan(**changes), pack))
    try:
        words = packing.command(program.python.path, descriptor, "main.py", ())
        return program._run((words[0], *flags, *words[1:]), pass_fds=[descriptor])
    finally:
        os.close(descriptor)


def test_the_code_of_a_pack_is_what_runs(program: Program) -> None:
    """The control of all that follow: if it counts, it decides."""
    program.files(FILES)
    ended = run(program, packed(program.python, {digest(FILES["helper.py"]): EVIL}))

    assert (0, f"packed {program.app}/helper.py None\n", "") == ended
    main = packed(program.python, {digest(MAIN): "print(__file__)\n"})
    assert (0, f"{program.app}/main.py\n", "") == run(program, main)


def test_another_source_has_no_code_in_it(program: Program) -> None:
    """A pack of yesterday's sources changes nothing: code is found by the digest of the source."""
    program.files(FILES)
    ended = run(program, packed(program.python, {digest("VALUE = 'yesterday'\n"): EVIL}))

    assert (0, f"source {program.app}/helper.py None\n", "") == ended


def test_a_pack_stands_for_no_file(program: Program) -> None:
    """What is missing or different stops the run, with its code at hand."""
    program.files(FILES)
    pack = packed(program.python, {digest(each): each for each in FILES.values()})
    (program.app / "helper.py").write_text(EVIL)
    assert (111, "") == run(program, pack)[:2]
    (program.app / "helper.py").unlink()
    assert (111, "") == run(program, pack)[:2]
    assert 113 == run(program, pack, bad={digest(MAIN): "bad"}).code


def test_a_pack_makes_no_module(program: Program) -> None:
    """What the lock does not list is not there, whatever the pack brings."""
    program.files({"main.py": "import other\n"})
    (program.app / "other.py").write_text(EVIL)
    ended = run(program, packed(program.python, {digest(EVIL): EVIL}))

    assert 1 == ended.code and "No module named 'other'" in ended.err


@pytest.mark.parametrize("said", ["cpython-3.8.0 a70d0d0a", "pypy-3.11.2 a70d0d0a"])
def test_a_pack_for_another_python_is_not_read(program: Program, said: str) -> None:
    """Its bytes would be run as what they are not: not even looked at."""
    program.files(FILES)
    ended = run(program, packed(program.python, {digest(FILES["helper.py"]): EVIL}, said))

    assert (0, f"source {program.app}/helper.py None\n", "") == ended


def test_only_the_very_version_counts(program: Program) -> None:
    """The magic number is that of all 3.11; not all of them compile alike."""
    program.files(FILES)
    pack = packed(program.python, {digest(FILES["helper.py"]): EVIL})
    tag, _, magic = pack.python.partition(" ")
    for said in (f"{tag}0 {magic}", f"{tag}rc1 {magic}", f"{tag} 00000000"):
        other = packs.made(said, pack.codes)
        assert "source" == run(program, other).out.split()[0]


def test_python_that_optimizes_reads_none(program: Program) -> None:
    """Its own code would have no assertions."""
    program.files({**FILES, "main.py": f"assert print('assert')\n{MAIN}"})
    pack = packed(program.python, {digest(FILES["helper.py"]): EVIL})
    ended = run(program, pack, "-O")

    assert (0, f"source {program.app}/helper.py None\n", "") == ended


@pytest.mark.parametrize(
    "code", [b"", b"\0", b"evil", b"N", b"i\1\0\0\0", marshal.dumps({"a": 1}), b"\xe3" + b"\1" * 9]
)
def test_what_is_no_code_is_compiled_instead(program: Program, code: bytes) -> None:
    """Whoever signs it, a member that cannot be read is as one that is not there."""
    program.files(FILES)
    real = packed(program.python, {})
    pack = packs.made(real.python, {digest(FILES["helper.py"]): code})

    assert (0, f"source {program.app}/helper.py None\n", "") == run(program, pack)


TOLD = """\
import inspect
import deep

def main():
    deep.fall()

print(inspect.getsource(main), inspect.getsource(deep.fall), deep.fall.__code__.co_filename)
print(__loader__.get_source("__main__") == open(__file__).read())
print([code.co_filename for code in deep.fall.__code__.co_consts if hasattr(code, "co_filename")])
main()
"""
DEEP = "def fall():\n    def inner(x):\n        return 1 / x\n    return inner(0)\n"


def test_nothing_tells_that_there_was_a_pack(program: Program) -> None:
    """Tracebacks, sources, names of files: as without it, where the sources lie here."""
    program.files({"main.py": TOLD, "deep.py": DEEP})
    with_pack = run(program, packed(program.python, {digest(each): each for each in (TOLD, DEEP)}))

    assert program.run() == with_pack
    assert (
        1 == with_pack.code and f'File "{program.app}/deep.py", line 3, in inner' in with_pack.err
    )
    assert str(program.app) not in str(packed(program.python, {digest(DEEP): DEEP}).raw)


def test_sources_that_are_alike_share_a_code(program: Program) -> None:
    """Two empty files: each has its own name."""
    program.files(
        {
            "main.py": "import a, b\nprint(a.f.__code__.co_filename, b.f.__code__.co_filename)\n",
            "a.py": "def f(): pass\n",
            "b.py": "def f(): pass\n",
        }
    )
    ended = run(program, packed(program.python, {digest("def f(): pass\n"): "def f(): pass\n"}))

    assert (0, f"{program.app}/a.py {program.app}/b.py\n", "") == ended


def test_checksums_are_those_of_the_members() -> None:
    """Written by hand, so compared with another writer."""
    body, at = packing.stored({"b": b"two", "a": b"one"}, 0)

    assert (b"one", b"two") == tuple(body[slice(*at[name])] for name in "ab")
    assert zlib.crc32(b"one").to_bytes(4, "little") == body[14:18]
    assert pythons()
