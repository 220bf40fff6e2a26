"""Makes vectors/manifest: lists of files that are read or refused, and what globs leave out.

    python vectors/make_manifest.py           writes all of them anew

What is expected is written here by hand, from docs/spec/manifest; nothing of `sig` is imported. The
format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "manifest"
A, B, C = (hashlib.sha256(text).hexdigest() for text in (b"a", b"b", b"c"))
NOT_ONE_FORM = "not the one form of a manifest: sorted by path, two spaces"


def write(
    folder: Path, name: str, head: dict[str, str], data: dict[str, bytes], understood: str = ""
) -> None:
    """One file: header lines, an empty line, a line of JSON if there is one, lines of base64."""
    place = folder / f"{name}.txt"
    assert place not in WRITTEN, name
    WRITTEN.add(place)
    lines = [f"{field}: {value}" for field, value in head.items()]
    lines += ["", *([understood] if understood else [])]
    lines += [f"{field}: {base64.b64encode(raw).decode()}" for field, raw in data.items()]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")


WRITTEN: set[Path] = set()


def remove_others(folder: Path) -> None:
    """What an earlier form of the script made."""
    for place in set(folder.glob("*.txt")) - WRITTEN:
        place.unlink()


def lines(*entries: str | tuple[str, str]) -> bytes:
    """Lines of a list; a path alone has the digest A."""
    pairs = [(entry, A) if isinstance(entry, str) else entry for entry in entries]
    return "".join(f"{digest}  {path}\n" for path, digest in pairs).encode("utf-8")


def identifier(text: bytes) -> str:
    return "sha256:" + hashlib.sha256(text).hexdigest()


def canonical(name: str, comment: str, text: bytes) -> None:
    head = {"comment": comment, "expect": "canonical", "id": identifier(text)}
    write(FOLDER, name, head, {"text": text})


def listed(name: str, comment: str, text: bytes, one_form: bytes) -> None:
    head = {"comment": comment, "expect": "list", "why": json.dumps(NOT_ONE_FORM)}
    head["id"] = identifier(one_form)
    write(FOLDER, name, head, {"text": text, "canonical": one_form})


def refused(name: str, comment: str, why: str, text: bytes) -> None:
    head = {"comment": comment, "expect": "refused", "why": json.dumps(why)}
    write(FOLDER, name, head, {"text": text})


def texts() -> None:
    """M1."""
    canonical("one", "one file", lines("a"))
    canonical(
        "sorted",
        "by the bytes of the path: capitals first, - before /, letters outside ASCII last",
        lines(("Z", B), ("a-", A), ("a/c", C), ("b", B), ("é", A), ("\U0001f40d", C)),
    )
    canonical("same-digest", "two files of one content", lines("a", "b"))
    listed(
        "unsorted",
        "in any order, as an existing list may be",
        lines(("b", B), ("a/c", C), ("a-", A)),
        lines(("a-", A), ("a/c", C), ("b", B)),
    )
    listed(
        "unsorted-utf-16",
        "sorted by code units of UTF-16, which is not by bytes",
        lines("\U0001f40d", "\uff01"),
        lines("\uff01", "\U0001f40d"),
    )
    listed("binary", "as sha256sum -b prints it", f"{A} *a\n".encode(), lines("a"))
    listed("binary-star", "a path that starts with a star", f"{A} **a\n".encode(), lines("*a"))
    refused("empty", "its text would be that of the empty file", "there is no file in it", b"")
    not_64 = "not 64 lower-case hex digits, two spaces and a path"
    refused("empty-line", "a line without anything", f"line 1: {not_64}", b"\n")
    refused("empty-line-last", "an empty line behind it", f"line 2: {not_64}", lines("a") + b"\n")
    refused("cut-off", "a path could have been longer", "line 1: does not end", f"{A}  a".encode())
    refused(
        "cut-off-second", "the same on a later line", "line 2: does not end",
        lines("a") + f"{B}  b".encode(),
    )  # fmt: skip
    for name, line in {
        "comment": "# made by hand\n",
        "capitals": f"{A.upper()}  a\n",
        "short-digest": f"{A[:-1]}  a\n",
        "short-line": f"{A[:40]}\n",
        "space-before": f" {A}  a\n",
        "tag": f"SHA256 (a) = {A}\n",
        "mark": f"\ufeff{A}  a\n",
        "digest-outside-ascii": f"{A[:-1]}é  a\n",
        "digest-arabic": f"{A[:-1]}\u0661  a\n",
    }.items():
        refused(name, "no line of sha256sum", f"line 1: {not_64}", line.encode())
    for name, line in {
        "long-digest": f"{A}0  a\n",
        "one-space": f"{A} a\n",
        "tabulator": f"{A}\ta\n",
        "star-first": f"{A}* a\n",
        "other-mark": f"{A} -a\n",
        "no-break-space": f"{A} \u00a0a\n",
        "digest-only": f"{A}\n",
    }.items():
        refused(name, "no line of sha256sum", "line 1: not two spaces after the digest", line.encode())
    refused(
        "escaped", "sha256sum escapes a line feed, and says so in front",
        "line 1: a path with a backslash or a line feed", f"\\{A}  a\\nb\n".encode(),
    )  # fmt: skip
    refused(
        "not-utf-8", "a byte of Latin-1", "line 2: not UTF-8", lines("a") + f"{B}  b".encode() + b"\xff\n"
    )
    refused("overlong", "a slash in two bytes", "line 1: not UTF-8", f"{A}  a".encode() + b"\xc0\xafb\n")
    refused(
        "surrogate", "a lone surrogate in three bytes", "line 1: not UTF-8",
        f"{A}  a".encode() + b"\xed\xb3\xbf\n",
    )  # fmt: skip
    refused("twice", "a path that stands twice", "line 2: a: stands twice", lines("a", "a"))
    refused(
        "twice-others-between", "with other paths between them", "line 4: a: stands twice",
        lines("a", "b", "c", "a", "b"),
    )  # fmt: skip
    refused(
        "twice-other-digest", "readers would take one of two", "line 2: a: stands twice",
        lines("a", ("a", B)),
    )  # fmt: skip
    refused(
        "twice-marks", "the same path with either mark", "line 2: a: stands twice",
        lines("a") + f"{A} *a\n".encode(),
    )  # fmt: skip


def paths() -> None:
    """M2, M3: each beside a path that is fine."""
    long = "n" * 255
    for name, path, twin, why in [
        ("absolute", "/etc/passwd", "etc/passwd", "an absolute path"),
        ("two-slashes-first", "//x", "x", "an absolute path"),
        ("empty-part", "a//b", "a/b", "a path with an empty part"),
        ("slash-last", "a/", "a", "a path with an empty part"),
        ("no-name", "", "a", "a path without a name"),
        ("dot", ".", ".a", "a path with the part ."),
        ("dot-first", "./a", "a", "a path with the part ."),
        ("dot-between", "a/./b", "a/.b", "a path with the part ."),
        ("dots", "..", "..a", "a path that leaves its folder"),
        ("dots-first", "../a", "..a", "a path that leaves its folder"),
        ("dots-between", "a/../b", "a/..b", "a path that leaves its folder"),
        ("dots-last", "a/..", "a/...b", "a path that leaves its folder"),
        ("backslash", "a\\b", "a|b", "a path with a backslash"),
        ("dots-backslash", "..\\a", "..a", "a path with a backslash"),
        ("drive", "C:/a", "CC:/a", "a path that starts like a drive"),
        ("drive-relative", "c:a", "c/c:a", "a path that starts like a drive"),
        ("dot-last", "a.", "a.b", "a name that ends in a dot or a space, which Windows drops"),
        ("dot-last-folder", "a./b", "a.b/b", "a name that ends in a dot or a space, which Windows drops"),
        ("three-dots", "...", "...a", "a name that ends in a dot or a space, which Windows drops"),
        ("space-last", "a ", " a", "a name that ends in a dot or a space, which Windows drops"),
        ("space-last-folder", "a /b", "a b", "a name that ends in a dot or a space, which Windows drops"),
        ("nul", "a\0b", "a b", "a path with a control character"),
        ("carriage-return", "a\r", "a", "a path with a control character"),
        ("escape", "a\x1b[0m", "a[0m", "a path with a control character"),
        ("delete", "a\x7f", "a~", "a path with a control character"),
        ("next-line", "a\x85b", "a\u2028b", "a path with a control character"),
        ("last-control", "a\x9f", "a\xa0", "a path with a control character"),
        ("minus", "-", "a/-", "a name that sha256sum -c takes for its input"),
        ("minus-alone", "-", "--", "a name that sha256sum -c takes for its input"),
        ("long-name", "n" * 256, "n" * 255, "a name longer than 255 bytes"),
        ("long-name-letters", "é" * 128, "é" * 127, "a name longer than 255 bytes"),
        ("long-folder", f"{long}n/a", f"{long}/a", "a name longer than 255 bytes"),
        ("long-path", "n/" * 2048 + "n", "n/" * 2047 + "nn", "a path longer than 4096 bytes"),
    ]:  # fmt: skip
        told = path if len(path) <= 200 else f"{path[:200]}…"
        refused(f"path-{name}", why, f"{told}: {why}", lines("first", path, "last"))
        canonical(f"path-{name}-twin", f"not: {why}", lines(*sorted(["first", twin, "last"])))
    canonical(
        "path-odd",
        "what people and terminals may stumble over is allowed",
        lines(" a", "!", "*", "-a", "a\u2028b", "a\u202eb", "con", "e\u0301", "~", "\u200b"),
    )


def twins() -> None:
    """M4, in either order, with others between them in the list."""
    name_, folder = "one name on some disks", "a file and a folder of one name"
    for name, one, other, why in [
        ("case", "readme", "README", name_),
        ("case-folder", "a/b", "A/B", name_),
        ("composed", "é", "e\u0301", name_),
        ("composed-case", "É", "e\u0301", name_),
        ("angstrom", "\u212b", "å", name_),
        ("kelvin", "\u212a", "k", name_),
        ("marks", "q\u0323\u0307", "Q\u0307\u0323", name_),
        ("hangul", "\uac01", "\u1100\u1161\u11a8", name_),
        ("folder", "a", "a/b", folder),
        ("folder-case", "A", "a/b/c", folder),
        ("folder-composed", "e\u0301", "é/x", folder),
        ("folder-inner", "a/B", "a/b/c", folder),
    ]:
        others = ["0", "a!", "a0", "b/c", "zz"]
        for first, second, suffix in ((one, other, ""), (other, one, "-turned")):
            # A file is named before the folder; of two of one name the first in the list.
            named = (first, second) if why is name_ else (one, other)
            refused(
                f"twins-{name}{suffix}", why, f"{named[0]} and {named[1]}: {why}",
                lines(first, *others, second),
            )  # fmt: skip
    for name, comment, *pair in [
        ("case-outside-ascii", "as disks have it that compose", "Ж", "ж"),
        ("eszett", "no letter has two", "SS", "ß"),
        ("dotless", "no decomposition", "i", "ı"),
        ("ligature", "of compatibility, not canonical", "fi", "ﬁ"),
        ("name-in-name", "a name that starts like a folder", "a.b", "a/b"),
        ("mark-order", "marks of one class keep their order", "a\u0301\u0308", "a\u0308\u0301"),
    ]:
        canonical(f"no-twins-{name}", comment, lines(*pair))


# Globs, paths that they leave out, paths that they do not.
GLOBS: list[tuple[list[str], list[str], list[str]]] = [
    ([".git"], [".git", ".git/config", "a/.git", "a/b/.git/x/y", ".git/"], [".gitignore", "a.git", ".GIT/x"]),
    (["a b"], ["a b"], ["a", "b"]),
    (["build/"], ["build/x", "a/build/x/y", "build/"], ["build", "a/build", "build2/x"]),
    (["*.pyc"], ["a.pyc", "x/y.pyc", ".pyc", "d.pyc/x"], ["a.pyco", "a.py"]),
    (["?.c"], ["a.c", "x/é.c"], ["ab.c", ".c", "a/c"]),
    (["a*b*c"], ["abc", "aXbXbc", "x/a.b.c/y"], ["acb", "ab/c", "abcd"]),
    (["*a"], ["a", "ba", "aa/x"], ["ab"]),
    (["a*"], ["a", "ab", "a/x"], ["ba"]),
    (["a**b"], ["ab", "aXb"], ["a/b"]),
    (["a*a"], ["aa", "aba"], ["a"]),
    (["*"], ["a", "a/b"], []),
    (["/a"], ["a", "a/b"], ["b/a", "ab"]),
    (["a/b"], ["a/b", "a/b/c"], ["x/a/b", "a", "a/bc", "a/"]),
    (["/a/"], ["a/b"], ["a", "b/a/c"]),
    (["/a/*/"], ["a/b/c"], ["a/", "a/b"]),
    (["a/*"], ["a/b", "a/b/c"], ["a", "x/a/b"]),
    (["a/*/c"], ["a/b/c", "a/b/c/d"], ["a/c", "a/b/b/c"]),
    (["/*.py"], ["a.py", "a.py/x"], ["x/a.py"]),
    (["a/**"], ["a/b", "a/b/c", "a/"], ["a", "x/a/b", "ab/c"]),
    (["**/b"], ["b", "a/b", "a/a/b/c"], ["a/bc"]),
    (["a/**/c"], ["a/c", "a/b/c", "a/b/b/c/d"], ["a", "c", "b/c", "a/bc"]),
    (["a/**/b/**/c"], ["a/b/c", "a/x/b/y/z/c"], ["a/c", "a/b", "a/c/b"]),
    (["a/**/a/**/a"], ["a/a/a", "a/a/b/a"], ["a/a", "a"]),
    (["a/**/"], ["a/b/c"], ["a/b", "a"]),
    (["**"], ["a", "a/b"], []),
    (["**/**"], ["a", "a/b"], []),
    (["**/*.o"], ["x.o", "a/x.o"], ["x.c"]),
    (["[ab]"], ["[ab]"], ["a", "b"]),
    (["{a,b}"], ["{a,b}"], ["a"]),
    (["!a"], ["!a"], ["a"]),
    (["a.b+"], ["a.b+"], ["axb", "a.bb"]),
    (["#a"], ["#a"], ["a"]),
    (["É"], ["É"], ["é", "E\u0301"]),
    ([], [], ["a"]),
    (["x", "*.o", "y/"], ["x", "a.o", "y/a"], ["y", "a.c"]),
]  # fmt: skip
NO_GLOBS = ["", "/", "//", "a//b", ".", "..", "../a", "a/./b", "a/..", "a\\b", "a\nb", "a\0", "a\x85", "a" * 256, "é" * 128]  # fmt: skip
SIGNED = [".git", "*.pyc", "/build/", "docs/**"]
# What a verifier leaves out where the signer left out SIGNED, and what of it is too much.
BEYOND: list[tuple[list[str], list[str]]] = [
    ([], []),
    (SIGNED, []),
    ([".git", "a.pyc", "/a/b.pyc", "x/.git", "/build/lib", "/.git/", "docs/a", "/docs/"], []),
    ([".git", "*"], ["*"]),
    (["*.py", "build/", "/build", "docs"], ["*.py", "build/", "/build", "docs"]),
    (["/docs", "a", "*.pyc?", ".gi?", "**/.git"], ["/docs", "a", "*.pyc?", ".gi?", "**/.git"]),
]


def globs() -> None:
    """M5."""
    made: list[dict[str, object]] = []
    for patterns, left_out, kept in GLOBS:
        for path in (*left_out, *kept):
            made.append({"globs": patterns, "path": path, "left-out": path in left_out})
    for glob in NO_GLOBS:
        told = glob if len(glob) <= 200 else f"{glob[:200]}…"
        made.append({"globs": ["x", glob], "refused": f"{told}: not a glob"})
    made.append({"globs": [f"{n}*" for n in range(64)], "path": "64", "left-out": True})
    made.append({"globs": [f"{n}*" for n in range(65)], "refused": "more than 64 globs"})
    made += [{"asked": asked, "signed": SIGNED, "beyond": beyond} for asked, beyond in BEYOND]
    text = ",\n".join(json.dumps(each, sort_keys=True) for each in made)
    (FOLDER / "globs.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    texts()
    paths()
    twins()
    globs()
    remove_others(FOLDER)


if __name__ == "__main__":
    main()
