"""A manifest is one text for one tree, and every path in it leads to one place below the folder."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import time
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import limits, manifest
from sig.model.identifier import Identifier
from sig.model.manifest import Difference, Manifest, beyond, differences, excluded, may_exclude
from tests import vectors

ROOT = Path(__file__).parent.parent.parent
A, B, C = (hashlib.sha256(text).hexdigest() for text in (b"a", b"b", b"c"))

LETTERS = st.sampled_from("aAbB.- *#~:é") | st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/\\"
)
NAMES = st.text(LETTERS, min_size=1, max_size=6).filter(lambda name: name[-1] not in ". ")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


def of(*paths: str) -> Manifest:
    return Manifest.of([(path, A) for path in paths])


def trees(paths: st.SearchStrategy[str] = PATHS) -> st.SearchStrategy[Manifest]:
    """Manifests of some paths, without those that cannot be together."""

    def make(found: list[tuple[str, bytes]]) -> Manifest:
        kept: dict[str, str] = {}
        for path, content in found:
            try:
                Manifest.of([*kept.items(), (path, A)])
            except FormatError:
                continue
            kept[path] = hashlib.sha256(content).hexdigest()
        assume(kept)
        return Manifest(kept)

    return st.lists(st.tuples(paths, st.binary(max_size=4)), min_size=1, max_size=8).map(make)


# --- the text ------------------------------------------------------------------------------------


def test_the_text_is_what_sha256sum_prints_sorted_by_the_bytes_of_the_paths() -> None:
    """One tree has one text, whatever the order in which its files were found."""
    entries = [("b", B), ("a/c", C), ("a-", A), ("é", A), ("Z", B)]
    text = f"{B}  Z\n{A}  a-\n{C}  a/c\n{B}  b\n{A}  é\n".encode()

    assert text == Manifest.of(entries).text == Manifest.of(reversed(entries)).text
    assert Identifier.of_bytes(text) == Manifest.of(entries).id
    assert 5 == len(Manifest.of(entries))
    assert dict(entries) == dict(Manifest.of(entries).files)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PATHS, st.binary(max_size=9)), min_size=1, max_size=6))
def test_sha256sum_checks_what_is_written_and_writes_what_is_read(
    found: list[tuple[str, bytes]],
) -> None:
    """Whatever the paths are: the real tool agrees, and a changed file does not pass."""
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    contents: dict[str, bytes] = {}
    for path, content in found:
        try:
            of(*contents, path)
        except FormatError:
            continue
        contents[path] = content
    assume(contents)
    tree = Manifest({path: hashlib.sha256(raw).hexdigest() for path, raw in contents.items()})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in contents.items():
            place = folder / "tree" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        (folder / "SHA256SUMS").write_bytes(tree.text)

        def sha256sum(*words: str) -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(
                ["sha256sum", *words], cwd=folder / "tree", capture_output=True, check=False
            )

        checked = sha256sum("-c", "--strict", "--quiet", "../SHA256SUMS")
        assert (0, b"") == (checked.returncode, checked.stdout), checked
        for mode in ("-t", "-b"):
            assert tree == manifest.read(sha256sum(mode, "--", *contents).stdout)
        place = folder / "tree" / min(contents)
        place.write_bytes(contents[min(contents)] + b"!")
        assert 1 == sha256sum("-c", "--status", "../SHA256SUMS").returncode


@settings(deadline=None)
@given(trees(), st.randoms())
def test_what_is_written_is_read_and_nothing_else_is_canonical(tree: Manifest, chance) -> None:
    """Any order and either mark are read as the same tree; an object has one text."""
    lines = [line + "\n" for line in tree.text.decode().split("\n")[:-1]]
    mixed = [line[:64] + chance.choice(("  ", " *")) + line[66:] for line in lines]
    chance.shuffle(mixed)
    raw = "".join(mixed).encode()

    assert tree == manifest.read_canonical(tree.text) == manifest.read(raw)
    assert (tree.id, hash(tree)) == (manifest.read(raw).id, hash(manifest.read(raw)))
    if raw != tree.text:
        with pytest.raises(FormatError, match="sorted by path"):
            manifest.read_canonical(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no file"),
        (b"\n", "line 1: not 64"),
        (f"{A}  a".encode(), "line 1: does not end"),
        (f"{A}  a\n{B}  b".encode(), "line 2: does not end"),
        (f"{A}  a\n\n".encode(), "line 2: not 64"),
        (f"# made by hand\n{A}  a\n".encode(), "line 1: not 64"),
        (f"{A.upper()}  a\n".encode(), "line 1: not 64 lower-case"),
        (f"{A[:-1]}  a\n".encode(), "line 1: not 64"),
        (f"{A}0  a\n".encode(), "line 1: not two spaces"),
        (f"{A[:40]}  a\n".encode(), "line 1: not 64"),
        (f"{A} a\n".encode(), "line 1: not two spaces"),
        (f"{A}\ta\n".encode(), "line 1: not two spaces"),
        (f" {A}  a\n".encode(), "line 1: not 64"),
        (f"{A[:-1]}é  a\n".encode(), "line 1: not 64"),
        (f"SHA256 (a) = {A}\n".encode(), "line 1: not 64"),
        (f"\\{A}  a\\nb\n".encode(), "line 1: a path with a backslash"),
        (f"{A}  a\r\n".encode(), "control character"),
        (f"\ufeff{A}  a\n".encode(), "line 1: not 64"),
        (f"{A}  a\n{B}  b\xff\n".encode("latin-1"), "line 2: not UTF-8"),
        (f"{A}  a\n{B}  a\n".encode(), "line 2: a: stands twice"),
        (f"{A}  a\n{A} *a\n".encode(), "line 2: a: stands twice"),
        (f"{A}  \n".encode(), "a path without a name"),
        (f"{A}  -\n".encode(), "takes for its input"),
    ],
)
def test_a_list_that_readers_could_take_in_two_ways_is_refused(raw: bytes, why: str) -> None:
    """Cut off, commented, escaped, of another tool, with digests in capitals: all are refused."""
    with pytest.raises(FormatError, match=why):
        manifest.read(raw)


def test_a_digest_is_64_lower_case_digits() -> None:
    """In what is made as in what is read."""
    for digest in ("", A.upper(), A[:-1], A + "0", A[:-1] + "\n", "é" * 64):
        with pytest.raises(FormatError, match="b: its digest is not 64"):
            Manifest.of([("a", A), ("b", digest)])
    assert A == Manifest.of([("a", B), ("b", A)]).files["b"]


def test_a_manifest_is_valid_or_not_made_and_does_not_change() -> None:
    """Whoever holds one need not ask again."""
    files = {"a": A}
    tree = Manifest(files)
    files["../b"] = B
    with pytest.raises(TypeError):
        tree.files["../b"] = B
    with pytest.raises(AttributeError):
        tree.files = {"../b": B}
    with pytest.raises(AttributeError):
        del tree.files

    assert f"{A}  a\n".encode() == tree.text


def test_the_empty_tree_has_no_manifest() -> None:
    """Its id would be that of the empty file: who vouched for one vouched for the other."""
    with pytest.raises(FormatError, match="no file"):
        Manifest.of([])
    with pytest.raises(FormatError, match="no file"):
        manifest.read(b"")
    assert 1 == len(of("a"))


def test_a_manifest_has_at_most_64_mib() -> None:
    """Neither is a larger one read, nor written."""
    folder = "/".join(["n" * limits.NAME] * 15)
    room = limits.MANIFEST // len(f"{A}  {folder}/12345678\n")
    paths = [f"{folder}/{number:08}" for number in range(room)]
    tree = Manifest(dict.fromkeys(paths, A))

    assert limits.MANIFEST - 4096 < len(tree.text) <= limits.MANIFEST
    assert room == len(manifest.read_canonical(tree.text))
    with pytest.raises(FormatError, match="64 MiB"):
        Manifest(dict.fromkeys([*paths, f"{folder}/{room:08}"], A))
    with pytest.raises(FormatError, match="64 MiB"):
        manifest.read(b"0" * (limits.MANIFEST + 1))


def test_20_000_lines_are_read_in_some_tens_of_milliseconds() -> None:
    """A hundredth of what people wait for gladly; a bound that a slow machine keeps too."""
    tree = of(*(f"usr/lib/python3/päckage{n % 99}/sub/module_number_{n}.py" for n in range(20_000)))
    began = time.process_time()
    assert tree == manifest.read_canonical(tree.text)
    assert time.process_time() - began < 1


# --- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "twin", "why"),
    [
        ("/etc/passwd", "etc/passwd", "absolute"),
        ("//x", "x", "absolute"),
        ("a//b", "a/b", "empty part"),
        ("a/", "a", "empty part"),
        ("", "a", "without a name"),
        (".", ".a", "the part ."),
        ("./a", "a", "the part ."),
        ("a/./b", "a/.b", "the part ."),
        ("..", "..a", "leaves its folder"),
        ("../a", "..a", "leaves its folder"),
        ("a/../b", "a/..b", "leaves its folder"),
        ("a/..", "a/...b", "leaves its folder"),
        ("a\\b", "a|b", "backslash"),
        ("..\\a", "..a", "backslash"),
        ("C:/a", "CC:/a", "drive"),
        ("c:a", "c/c:a", "drive"),
        ("a.", "a.b", "dot or a space"),
        ("a./b", "a.b/b", "dot or a space"),
        ("...", "...a", "dot or a space"),
        ("a ", " a", "dot or a space"),
        ("a /b", "a b", "dot or a space"),
        ("a\0b", "a b", "control"),
        ("a\nb", "a b", "control"),
        ("a\rb", "a b", "control"),
        ("a\x1b[0m", "a[0m", "control"),
        ("a\x7f", "a~", "control"),
        ("a\x85b", "a\u2028b", "control"),
        ("a\x9f", "a\xa0", "control"),
        ("\udcff", "ÿ", "UTF-8"),
        ("-", "a/-", "sha256sum"),
        ("-", "--", "sha256sum"),
        ("n" * 256, "n" * 255, "a name longer than 255 bytes"),
        ("é" * 128, "é" * 127, "a name longer than 255 bytes"),
        ("n/" * 2048 + "n", "n/" * 2047 + "nn", "a path longer than 4096 bytes"),
    ],
)
def test_a_path_leads_to_one_place_below_the_folder(path: str, twin: str, why: str) -> None:
    """What could lead elsewhere, here or on Windows, or break a line, is refused with its name."""
    with pytest.raises(FormatError, match=why) as caught:
        of("first", path, "last")
    assert caught.value.message.startswith(path[:200])
    assert len(caught.value.message) < 300
    assert twin in of("first", twin, "last").files


@pytest.mark.parametrize(
    ("one", "other", "twin"),
    [
        ("readme", "README", "readme2"),
        ("a/b", "A/B", "A/c"),
        ("é", "e\u0301", "e"),
        ("É", "e\u0301", "e"),  # by way of E with an accent: in case, and then composed
        ("\u212b", "å", "bb"),  # the sign of Ångström
        ("\u212a", "k", "bb"),  # that of Kelvin
        ("q\u0323\u0307", "Q\u0307\u0323", "q\u0323"),
        ("a", "a/b", "ab/b"),
        ("a/b", "a", "a.b"),
        ("A", "a/b/c", "ab/b/c"),
        ("é/x", "e\u0301", "e"),
        ("a/b/c", "a/B", "a/B.c"),
    ],
)
def test_no_two_paths_are_one_place_on_some_disk(one: str, other: str, twin: str) -> None:
    """Unpacked where case or composition do not count, one of them would hide the other."""
    noise = ["0", "a!", "a0", "b/c", "zz"]
    for first, second in ((one, other), (other, one)):
        with pytest.raises(FormatError, match="one name") as caught:
            of(first, *noise, second)
        assert one in caught.value.message and other in caught.value.message
    assert {one, twin} <= of(one, *noise, twin).files.keys()


def test_letters_outside_ascii_that_differ_in_case_are_two_names() -> None:
    """As format and file systems that compose have it: only what decomposes meets its twin."""
    assert 2 == len(of("ж", "Ж"))
    assert 2 == len(of("ß", "SS"))


def test_the_same_path_twice_is_refused_by_its_name() -> None:
    """With equal digests too: a list that says a thing twice was not made by us."""
    with pytest.raises(FormatError, match="a/b: stands twice"):
        Manifest.of([("a/b", A), ("c", A), ("a/b", A)])


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("aAéÉ\u0301\u0323/kK\u212a"), min_size=1), max_size=6))
def test_twins_are_what_case_and_composition_make_equal(paths: list[str]) -> None:
    """Against the definition, step by step: equal after any number of changes of case and form."""

    def forms(path: str) -> set[str]:
        found = {path}
        while True:
            swapped = {"".join(c.lower() if c.isascii() else c for c in one) for one in found}
            more = found | swapped | {unicodedata.normalize(f, p) for f in ("NFC", "NFD")
                                      for p in swapped | found}  # fmt: skip
            if more == found:
                return found
            found = more

    paths = [path for path in paths if "" not in path.split("/")]
    assume(paths)
    places = [forms(path) for path in paths]
    places_above = [
        {"/".join(form.split("/")[:n]) for form in each for n in range(1, form.count("/") + 1)}
        for each in places
    ]
    clash = len(set(paths)) != len(paths) or any(
        places[i] & places[j] or places[i] & places_above[j]
        for i in range(len(paths))
        for j in range(len(paths))
        if i != j
    )
    if clash:
        with pytest.raises(FormatError):
            of(*paths)
    else:
        assert len(paths) == len(of(*paths))


def test_marks_without_end_take_no_time_without_end() -> None:
    """Unicode sorts marks in a time that grows with the square of their number."""
    path = "/".join(["a" + "\u0301" * 63 + "\u0323" * 63] * 15)
    began = time.process_time()
    assert 1000 == len(of(*(f"{n}/{path}" for n in range(1000))))
    assert time.process_time() - began < 5


def test_folders_of_an_archive_are_checked_beside_its_files() -> None:
    """A folder is no file, whatever its case; folders may be told apart by case alone."""
    manifest.check_paths(["a/b", "-/c"], ["a", "A", "a/c", "-"])
    for folder, why in (("a/b", "of one name"), ("A/B", "of one name"), ("a/b/c", "of one name"),
                        ("../a", "leaves"), ("n" * 256, "longer")):  # fmt: skip
        with pytest.raises(FormatError, match=why):
            manifest.check_paths(["a/b"], [folder])


# --- differences ---------------------------------------------------------------------------------


def test_every_path_that_differs_is_named() -> None:
    """Changed, missing, extra; renamed is both; swapped is changed twice."""
    attested = Manifest.of([("same", A), ("changed", A), ("gone", B), ("x", A), ("y", B)])
    found = Manifest.of([("same", A), ("changed", B), ("new", B), ("x", B), ("y", A)])

    assert [
        Difference("changed", "changed"),
        Difference("gone", "missing"),
        Difference("new", "extra"),
        Difference("x", "changed"),
        Difference("y", "changed"),
    ] == differences(attested, found)
    assert [] == differences(attested, attested)
    assert 5 == len(differences(attested, {}))


def test_what_is_excluded_may_be_extra_and_nothing_else() -> None:
    """A glob of the signer's never hides that what is listed is missing or changed."""
    attested = Manifest.of([("a.pyc", A), ("b.pyc", A), ("c", A)])
    found = Manifest.of([("a.pyc", B), ("c", A), ("d.pyc", B), ("e", B)])

    assert [
        Difference("a.pyc", "changed"),
        Difference("b.pyc", "missing"),
        Difference("e", "extra"),
    ] == differences(attested, found, ["*.pyc"])


@settings(deadline=None)
@given(trees(st.sampled_from(["a", "b", "c/d", "c/e"])), trees(st.sampled_from(["a", "b", "c/d"])))
def test_there_is_no_difference_if_the_text_is_the_same(one: Manifest, other: Manifest) -> None:
    """And what is missing here is extra there."""
    there, back = differences(one, other), differences(other, one)
    turned = {"missing": "extra", "extra": "missing", "changed": "changed"}

    assert (one.text == other.text) is (there == [])
    assert [Difference(path, turned[kind]) for path, kind in there] == back
    assert there == sorted(there)


# --- globs ---------------------------------------------------------------------------------------

GLOBS = [
    # a plain name, at any depth, and all below it
    (".git", [".git", ".git/config", "a/.git", "a/b/.git/x/y"], [".gitignore", "a.git", ".GIT/x"]),
    ("a b", ["a b"], ["a", "b"]),
    # only folders
    ("build/", ["build/x", "a/build/x/y"], ["build", "a/build", "build2/x"]),
    # wildcards within a name
    ("*.pyc", ["a.pyc", "x/y.pyc", ".pyc", "d.pyc/x"], ["a.pyco", "a.py"]),
    ("?.c", ["a.c", "x/é.c"], ["ab.c", ".c", "a/c"]),
    ("a*b*c", ["abc", "aXbXbc", "x/a.b.c/y"], ["acb", "ab/c", "abcd"]),
    ("*a", ["a", "ba", "aa/x"], ["ab"]),
    ("a**b", ["ab", "aXb"], ["a/b"]),
    ("*", ["a", "a/b"], []),
    # from the top
    ("/a", ["a", "a/b"], ["b/a", "ab"]),
    ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a", "a/bc"]),
    ("/a/", ["a/b"], ["a", "b/a/c"]),
    ("a/*", ["a/b", "a/b/c"], ["a", "x/a/b"]),
    ("a/*/c", ["a/b/c", "a/b/c/d"], ["a/c", "a/b/b/c"]),
    ("/*.py", ["a.py", "a.py/x"], ["x/a.py"]),
    # any number of parts
    ("a/**", ["a/b", "a/b/c"], ["a", "x/a/b", "ab/c"]),
    ("**/b", ["b", "a/b", "a/a/b/c"], ["a/bc"]),
    ("a/**/c", ["a/c", "a/b/c", "a/b/b/c/d"], ["a", "c", "b/c", "a/bc"]),
    ("a/**/b/**/c", ["a/b/c", "a/x/b/y/z/c"], ["a/c", "a/b", "a/c/b"]),
    ("a/**/", ["a/b/c"], ["a/b", "a"]),
    ("**", ["a", "a/b"], []),
    ("**/*.o", ["x.o", "a/x.o"], ["x.c"]),
    # and nothing else is special
    ("[ab]", ["[ab]"], ["a", "b"]),
    ("{a,b}", ["{a,b}"], ["a"]),
    ("!a", ["!a"], ["a"]),
    ("a.b+", ["a.b+"], ["axb", "a.bb"]),
    ("#a", ["#a"], ["a"]),
]


@pytest.mark.parametrize(("glob", "left_out", "kept"), GLOBS, ids=[glob for glob, *_ in GLOBS])
def test_a_glob_names_what_the_page_says(glob: str, left_out: list[str], kept: list[str]) -> None:
    """docs/spec/manifest §6, line by line; with others beside it the same."""
    for globs in ([glob], ["unrelated", glob], ["un/rel?ted", glob]):
        assert [path for path in (*left_out, *kept) if excluded(path, globs)] == left_out


def test_a_folder_is_left_out_if_all_in_it_is() -> None:
    """Who walks a tree asks for the folder, with a slash behind it, and stays outside."""
    for glob in (".git", ".git/", "/.git", "/.git/", ".g*", "**/.git", ".git/**", ".git/*"):
        assert excluded(".git/", [glob]) and excluded(".git/x", [glob])
    assert not excluded(".git", [".git/"])
    assert not excluded("a/", ["a/b"])
    assert not excluded("a/", ["/a/*/"])


def _naive(path: list[str], glob: list[str]) -> bool:
    """Whether the parts of a glob match all parts of a path."""
    if not glob:
        return not path
    if glob[0] == "**":
        return any(_naive(path[n:], glob[1:]) for n in range(len(path) + 1))
    return bool(path) and _name(path[0], glob[0]) and _naive(path[1:], glob[1:])


@cache
def _name(name: str, glob: str) -> bool:
    if not glob:
        return not name
    if glob[0] == "*":
        return _name(name, glob[1:]) or (name != "" and _name(name[1:], glob))
    return name != "" and glob[0] in ("?", name[0]) and _name(name[1:], glob[1:])


GLOB_TEXTS = st.lists(
    st.just("**")
    | st.text(st.sampled_from("ab*?."), min_size=1, max_size=5).filter(
        lambda part: part not in (".", "..")
    ),
    min_size=1,
    max_size=5,
).map("/".join)


@settings(max_examples=600, deadline=None)
@given(
    GLOB_TEXTS,
    st.sampled_from(["", "/"]),
    st.sampled_from(["", "/"]),
    st.lists(st.text(st.sampled_from("aab."), min_size=1, max_size=4), min_size=1, max_size=5),
)
@example("a*a", "", "", ["a"])
@example("a/**/a/**/a", "", "", ["a", "a"])
@example("**/**", "", "/", ["a", "b"])
def test_globs_mean_what_the_slow_and_simple_reading_means(
    glob: str, first: str, last: str, parts: list[str]
) -> None:
    """The pattern never goes back; what it finds is all there is to be found."""
    pieces = glob.split("/")
    if not first and len(pieces) == 1:
        pieces = ["**", *pieces]
    if pieces[-1] == "**":
        pieces.append("*")
    lengths = range(1, len(parts) + (not last))
    expected = any(_naive(parts[:length], pieces) for length in lengths)

    assert expected is excluded("/".join(parts), [first + glob + last])


@pytest.mark.parametrize(
    "glob",
    ["", "/", "//", "a//b", ".", "..", "../a", "a/./b", "a\\b", "a\nb", "a\0", "\udcff", "a" * 256],
)
def test_what_is_no_glob_is_refused(glob: str) -> None:
    """A glob that could never match is an error of who wrote it."""
    with pytest.raises(FormatError, match="not a glob"):
        excluded("a", [glob])
    with pytest.raises(FormatError, match="not a glob"):
        manifest.check_globs([".git", glob])
    assert not excluded("a", ["a" * 255])


def test_there_are_at_most_64_globs() -> None:
    """They are tried on every file."""
    manifest.check_globs([f"{n}*" for n in range(64)])
    with pytest.raises(FormatError, match="64 globs"):
        manifest.check_globs([f"{n}*" for n in range(65)])


@pytest.mark.parametrize(
    "glob",
    ["*a" * 120 + "b", "a*" * 120 + "b", "/".join(["**", "a*a"] * 36) + "/b", "**/" * 80 + "b"],
)
def test_no_glob_takes_long(glob: str) -> None:
    """What makes others try every way there is takes a moment."""
    paths = ["a" * 255, "/".join(["a" * 255] * 15), "a/" * 2000 + "a"]
    began = time.process_time()
    for path in paths:
        assert not excluded(path, [glob])
    assert time.process_time() - began < 1


def test_a_verifier_excludes_as_much_or_less_never_more() -> None:
    """What could leave out more is named; the empty list is always allowed."""
    signed = [".git", "*.pyc", "/build/", "docs/**"]
    for allowed in ([], signed, [".git"], ["a.pyc"], ["/a/b.pyc"], ["x/.git"], ["/build/lib"],
                    ["/.git/"], ["docs/a"], ["/docs/", "*.pyc"]):  # fmt: skip
        assert [] == beyond(allowed, signed)
        assert may_exclude(allowed, signed)
    for more in (
        "*",
        "*.py",
        "build/",
        "/build",
        "docs",
        "/docs",
        "a",
        "*.pyc?",
        ".gi?",
        "**/.git",
    ):
        assert [more] == beyond([".git", more], signed)
        assert not may_exclude([".git", more], signed)
    assert not may_exclude(["a"], [])
    with pytest.raises(FormatError, match="not a glob"):
        may_exclude(["../a"], ["*"])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(GLOB_TEXTS, max_size=3),
    st.lists(GLOB_TEXTS, max_size=3),
    st.lists(st.text(st.sampled_from("ab"), min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_what_a_verifier_may_exclude_the_signer_excludes(
    asked: list[str], signed: list[str], parts: list[str]
) -> None:
    """Whatever the globs: no file is left out by an allowed one that the signer's would keep."""
    path = "/".join(parts)
    allowed = [glob for glob in asked if not beyond([glob], signed)]
    assert excluded(path, signed) or not excluded(path, allowed)


def test_what_is_left_out_by_default_cannot_be_imported_as_a_package() -> None:
    """A folder that is left out is not looked at: none may be one that Python loads from."""
    manifest.check_globs(manifest.DEFAULT_EXCLUDES)
    assert excluded("a/.git/config", manifest.DEFAULT_EXCLUDES)
    assert excluded("a/__pycache__/b.pyc", manifest.DEFAULT_EXCLUDES)
    assert ["__pycache__"] == [name for name in manifest.DEFAULT_EXCLUDES if name.isidentifier()]


# --- the page ------------------------------------------------------------------------------------


def test_the_example_of_the_page_is_a_manifest() -> None:
    """The list reads, and its id is the one that the page gives."""
    page = (ROOT / "docs/spec/manifest.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\n((?:[0-9a-f]{64}  .*\n)+)```$", page, re.MULTILINE)

    assert str(manifest.read_canonical(shown.encode()).id) in page
    assert all(one < other for one, other in pairwise(manifest.read(shown.encode()).files))


# --- vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", vectors.files("manifest"), ids=lambda path: path.stem)
def test_a_vector_is_read_or_refused_as_it_says(path: Path) -> None:
    """Each file of vectors/manifest, with the very words of a refusal."""
    vector = vectors.read(path)
    text = vector.one("text")
    if vector.head["expect"] == "canonical":
        assert text == manifest.read_canonical(text).text == manifest.read(text).text
    else:
        with pytest.raises(FormatError) as caught:
            manifest.read_canonical(text)
        assert vector.why == caught.value.message
    if vector.head["expect"] == "list":
        assert vector.one("canonical") == manifest.read(text).text
    if vector.head["expect"] != "refused":
        assert vector.head["id"] == manifest.read(text).id


@pytest.mark.parametrize("case", json.loads((vectors.VECTORS / "manifest/globs.json").read_text()))
def test_a_glob_of_the_vectors_leaves_out_what_they_say(case: dict[str, Any]) -> None:
    """And a verifier's may leave out no more than the signer's."""
    if "asked" in case:
        assert case["beyond"] == beyond(case["asked"], case["signed"])
    elif "refused" in case:
        with pytest.raises(FormatError) as caught:
            excluded("a", case["globs"])
        assert case["refused"] == caught.value.message
    else:
        assert case["left-out"] is excluded(case["path"], case["globs"])
