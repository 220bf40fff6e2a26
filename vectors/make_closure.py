"""Makes vectors/closure: lists of roots, the words of a signer about one, and which Pythons they ask
for.

    python vectors/make_closure.py           writes all of them anew

What is expected is written here by hand, from docs/spec/closure; nothing of `sig` is imported. The
format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path

from make_manifest import NOT_ONE_FORM, A, B, C, identifier, lines, remove_others, write

FOLDER = Path(__file__).parent / "closure"
ID, OTHER = f"sha256:{A}", f"sha256:{B}"


def closure(name: str, comment: str, text: bytes) -> None:
    head = {"comment": comment, "expect": "closure", "id": identifier(text)}
    write(FOLDER, name, head, {"text": text})


def refused(name: str, comment: str, why: str, text: bytes) -> None:
    head = {"comment": comment, "expect": "refused", "why": json.dumps(why)}
    write(FOLDER, name, head, {"text": text})


def lists() -> None:
    """C1 to C3."""
    closure("app", "a script alone", lines("app"))
    closure(
        "whole",
        "an app, an editable install, and what is installed",
        lines("app", ("dist/own-1.0", B), ("dist/requests-2.32.3", C), ("editable/own-1.0", A)),
    )
    closure("no-app", "a list without an app is one", lines("dist/x-1"))
    closure(
        "spellings",
        "each with all that a name and a version may have",
        lines("dist/2-1!2.0_1+cu118", "dist/a-b-1.0.post1", "dist/x-0", "editable/a-b-1.0.post1"),
    )
    refused("empty", "at least one root", "there is no file in it", b"")
    refused("binary", "a list for other purposes", NOT_ONE_FORM, f"{A} *app\n".encode())
    refused("unsorted", "one list has one text", NOT_ONE_FORM, lines("dist/x-1", "app"))
    refused("twice", "twice the same", "line 2: app: stands twice", lines("app", "app"))
    refused("cut-off", "as any manifest", "line 1: does not end", lines("app")[:-1])
    refused(
        "above", "as any manifest", "dist/../x-1: a path that leaves its folder", lines("dist/../x-1")
    )
    no_root = "not app, editable/NAME-VERSION or dist/NAME-VERSION"
    for at, root in enumerate([
        "App", "apps", "app/x", "x", "python", "dist", "dist/x", "dist/x-", "dist/-1", "DIST/x-1",
        "dists/x-1", "dist/x-1/y", "dist/x/y-1", "editable/x", "python/x-1", "dist/X-1",
        "dist/a_b-1", "dist/a.b-1", "dist/a--b-1", "dist/-a-1", "dist/é-1", "dist/a b-1",
        "dist/\u0661-1", "dist/x- 1", "dist/x-1~1", "dist/x-1:2", "dist/x-é", "dist/x-1*",
        "dist/x-\u0661", "dist/x-.1", "dist/x-1_", "dist/x-!",
    ], 1):  # fmt: skip
        text = lines(*sorted(["editable/fine-1", root], key=str.encode))
        refused(f"root-{at:02}", "no name of a root", f"{root}: {no_root}", text)
    for name, one, other, versions in [
        ("versions", "dist/x-1", "dist/x-2", "two versions of x"),
        ("versions-zero", "dist/x-1", "dist/x-1.0", "two versions of x"),
        ("versions-editable", "editable/x-1", "editable/x-2", "two versions of x"),
        ("versions-kinds", "dist/x-1", "editable/x-2", "two versions of x"),
        ("versions-case", "dist/x-1RC1", "dist/x-1rc1", "one name on some disks"),
    ]:
        text = lines("app", "dist/a-1", one, other)
        refused(name, "files of two releases never mix", f"{one} and {other}: {versions}", text)


NOTHING = None
# Criteria, and what they say: app, release, python, packs; or how the refusal starts.
TERMS: list[tuple[list[str], list[object] | str | None]] = [
    ([], NOTHING),
    (["safe-to-run", "release:0", "python:x", "pack:", "App:x", "apps:x", "x:app:y"], NOTHING),
    (["app:a", "release:1"], ["a", 1, "", []]),
    (["release:9007199254740991", "app:" + "a" * 64], ["a" * 64, 9007199254740991, "", []]),
    (["app:A0._-", "other", "release:10", "app", ":", ""], ["A0._-", 10, "", []]),
    (
        ["app:hello", "release:3", "python:>=3.11,<3.14", f"pack:cpython-3.11.2={ID}"],
        ["hello", 3, ">=3.11,<3.14", [["cpython-3.11.2", ID]]],
    ),
    (
        [f"pack:y+={OTHER}", "app:a", f"pack:x={ID}", "release:1"],
        ["a", 1, "", [["y+", OTHER], ["x", ID]]],
    ),
    (["app:a", "app:b", "release:1"], "more than one app: among the criteria of a closure"),
    (["app:a", "app:a", "release:1"], "more than one app: among the criteria of a closure"),
    (["app:a"], "no release: among the criteria of a closure"),
    (["app:a", "release:1", "release:1"], "more than one release: among the criteria"),
    (["app:a", "release:1", "release:2"], "more than one release: among the criteria"),
    (
        ["app:a", "release:1", "python:>=3.9", "python:>=3.9"],
        "more than one python: among the criteria of a closure",
    ),
    *(
        ([f"app:{name}", "release:1"], f"app:{name}: not the name of an app")
        for name in ["", "-a", ".a", "_a", "a/b", "é", " a", "a\n", "a" * 65, "a:b", "\u0661"]
    ),
    *(
        (["app:a", f"release:{number}"], f"release:{number[:200]}")
        for number in [
            "", "0", "01", "+1", "-1", "1.0", "1e3", "1_0", " 1", "1\n", "\u0661",
            "9007199254740992", "9999999999999999", "10000000000000000", "9" * 5000,
        ]
    ),
    *(
        (["app:a", "release:1", f"python:{specifier}"], f"python:{specifier}: not like >=3.11")
        for specifier in ["", "3.11", ">=3", ">=3.11 "]
    ),
    *(
        (["app:a", "release:1", f"pack:{word}"], f"pack:{word}: not TAG=sha256:HEX")
        for word in [
            "", f"={ID}", f"x/y={ID}", f"x={A}", "x=openpgp4fpr:00", f"x={ID}0", f"x=={ID}",
            f"{'x' * 65}={ID}", f"-x={ID}", f"x {ID}", f"é={ID}",
        ]
    ),
    (["app:a", "release:1", f"pack:x={ID}", f"pack:x={ID}"], "pack:x: stands twice"),
    (["app:a", "release:1", f"pack:x={ID}", f"pack:x={OTHER}"], "pack:x: stands twice"),
]  # fmt: skip

# A specifier, versions that it allows, versions that it does not.
PYTHONS: list[tuple[str, list[str], list[str]]] = [
    ("", ["3.11.2", "3.9", "2.7", "3.14.0rc1", "3.11.2+"], []),
    (">=3.11,<3.14", ["3.11", "3.11.0", "3.13.99", "3.12"], ["3.10.9", "3.14", "3.14.0rc1", "3.9.1"]),
    ("==3.11.*", ["3.11", "3.11.0", "3.11.9"], ["3.1", "3.1.1", "3.12.0", "3.110.0"]),
    ("!=3.11.*", ["3.12.0", "3.10"], ["3.11", "3.11.3"]),
    ("==3.11.2", ["3.11.2", "3.11.2+", "3.11.2rc1"], ["3.11", "3.11.3", "3.11.20"]),
    ("==3.11", ["3.11.0"], ["3.11.2", "3.11"]),
    ("==3.11.2.0", ["3.11.2"], ["3.11.2.1", "3.11"]),
    ("!=3.11.2", ["3.11.3", "3.12"], ["3.11.2", "3.11"]),
    ("!=3.11", ["3.12", "3.11.1"], ["3.11.0", "3.11"]),
    (">3.11", ["3.11.1", "3.12"], ["3.11", "3.11.0"]),
    ("<=3.11", ["3.11.0", "3.10"], ["3.11.1", "3.11"]),
    (">=3.11.4", ["3.11.4", "3.12"], ["3.11", "3.11.3"]),
    ("<3.11.4", ["3.11.3", "3.10"], ["3.11", "3.11.4"]),
    ("<3.11.10", ["3.11.9", "3.10"], ["3.11.10", "3.11"]),
    ("<=3.11.999999", ["3.11.999999"], ["3.11"]),
    ("!=3.11.50", ["3.11.49"], ["3.11.50", "3.11"]),
    (">=3.9", ["3.10", "3.100.0"], ["3.8.99", "2.100"]),
    ("==3.11.2.*", ["3.11.2", "3.11.2.7"], ["3.11", "3.11.3"]),
    ("!=3.11.2.*", ["3.11.3", "3.12"], ["3.11", "3.11.2"]),
    (">=3.11,!=3.12.*,<3.14", ["3.11.1", "3.13"], ["3.12", "3.12.9"]),
    (">=0.0", ["0.0", "999999.999999"], []),
    (",".join([">=3.9"] * 16), ["3.9"], ["3.8"]),
]  # fmt: skip
NO_SPECIFIERS = [
    "3.11", ">=", ">=3", "~=3.11", "===3.11", ">=3.11,", ",>=3.11", ">=3.11 ,<3.14", ">= 3.11",
    ">=3.11, <3.14", ">=3.11.*", "<3.11.*", "==3.*", ">=03.11", ">=3.011", ">=3.11rc1", ">=v3.11",
    ">=3.11;x", ">=3.1.1.1.1", ">=3.1111111", ">=\u0663.11", "==3.11.*\n", ">3.11>3.12", "=3.11",
    "!3.11", "=>3.11", "==3.11.*.*", ",".join([">=3.9"] * 17), ",",
]  # fmt: skip
NO_VERSIONS = [
    "", "3", "3.", "3.x", "03.1", "3.011", "3.11.2 ", " 3.11.2", "3.11-dev", "v3.11", "3.1.1.1.1",
    "3.11.2.dev0", "3.11\n", "3.11c1", "3.11rc", "3.11rc01", "3.11++", "3.1234567", "\u0663.11",
]  # fmt: skip


def tables() -> None:
    """C4 and C5."""
    terms: list[dict[str, object]] = []
    for criteria, said in TERMS:
        if isinstance(said, str):
            terms.append({"criteria": criteria, "refused": said})
        elif said is None:
            terms.append({"criteria": criteria, "terms": None})
        else:
            named = dict(zip(("app", "release", "python", "packs"), said, strict=True))
            terms.append({"criteria": criteria, "terms": named})
    table("terms", terms)
    pythons: list[dict[str, object]] = []
    for specifier, yes, no in PYTHONS:
        for version in (*yes, *no):
            allows = version in yes
            pythons.append({"specifier": specifier, "version": version, "allows": allows})
    for specifier in NO_SPECIFIERS:
        why = f"python:{specifier}: not like >=3.11,<3.14"
        pythons.append({"specifier": specifier, "version": "3.11.2", "refused": why})
    for version in NO_VERSIONS:
        for specifier in ("", ">=3.9"):
            why = "is not a version of Python"
            pythons.append({"specifier": specifier, "version": version, "refused": why})
    table("pythons", pythons)


def table(name: str, made: list[dict[str, object]]) -> None:
    text = ",\n".join(json.dumps(each, sort_keys=True) for each in made)
    (FOLDER / f"{name}.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    lists()
    tables()
    remove_others(FOLDER)


if __name__ == "__main__":
    main()
