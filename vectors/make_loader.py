"""Makes vectors/loader: files that are a loader, files that are none, and files that are damaged.

    python vectors/make_loader.py           writes all of them anew

What is expected is written here by hand, from docs/spec/loader; nothing of `sig` is imported. The
format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from make_manifest import remove_others, write

FOLDER = Path(__file__).parent / "loader"
PROGRAM = b"\x7fELF of no machine\n"
END = b"sig loader 1\0\0\0\0"
LARGEST = 2**53 - 1
MIB = 1024 * 1024
GONE = object()

COMPILED = {"bootstrap": b"\0compiled\n", "covered": b"{}\n"}
SOURCES = {"bootstrap": b"print()\n", "covered": b"\xc3\xa9"}

POLICY: dict[str, Any] = {
    "version": 1,
    "mode": "folder",
    "app": "hello",
    "release": 3,
    "program": ".",
    "script": "hello.py",
    "call": "",
    "folder": "/home/alice/.signet",
    "key": "0123456789ABCDEF0123456789ABCDEF01234567",
    "sequence": 4,
    "remotes": {"bob": 7},
    "python": {
        "asked": ".venv/bin/python",
        "executable": "/usr/bin/python3.11",
        "version": "3.11.2",
        "prefix": ".venv",
        "base": "",
        "stdlib": ["/usr/lib/python3.11", "/usr/lib/python3.11/lib-dynload"],
        "system": [],
        "site": [".venv/lib/python3.11/site-packages"],
        "state": "6831736 1732060800123456789",
    },
    "editable": {"dist/own-1.0": {"folder": "../own", "search": ["src"]}},
    "policy": "enforce",
    "marshal": False,
    "env": ["DJANGO_*", "PATH"],
    "options": ["-u", "-Xutf8"],
    "home": {"uid": 1000, "path": "/home/alice"},
    "modules": {
        "magic": "a70d0d0a",
        "compiled": [["bootstrap", 10], ["covered", 3]],
        "sources": [["bootstrap", 8], ["covered", 2]],
    },
}


BUILD = {
    "base": "/opt/build",
    "executable": "/opt/build/bin/python3.12",
    "version": "3.12.1",
    "stdlib": ["/opt/build/lib/python3.12", "/opt/build/lib/python3.12/lib-dynload"],
}


OF_FOLDER = ("folder", "home", "key", "remotes", "sequence")
SIGNERS = {"0123456789ABCDEF0123456789ABCDEF01234567": "YSBjZXJ0aWZpY2F0ZQ==", "AB" * 32: "eA=="}
BAKED: dict[str, Any] = {name: value for name, value in POLICY.items() if name not in OF_FOLDER}
BAKED |= {"mode": "baked", "signers": SIGNERS, "threshold": 2}


def changed(place: str, value: Any, policy: dict[str, Any] = POLICY) -> dict[str, Any]:
    """The policy with another value in one place, like ``python/site``."""
    made = copy.deepcopy(policy)
    *outer, name = place.split("/")
    inner = made
    for each in outer:
        inner = inner[each]
    if value is GONE:
        del inner[name]
    else:
        inner[name] = value
    return made


def line(policy: Any) -> bytes:
    return json.dumps(policy, sort_keys=True).encode("ascii")


def modules(compiled: dict[str, bytes] = COMPILED, sources: dict[str, bytes] = SOURCES) -> bytes:
    return b"".join([*compiled.values(), *sources.values()])


def file(behind: bytes, program: bytes = PROGRAM, end: bytes = END, length: int | None = None) -> bytes:
    length = len(behind) if length is None else length
    return program + behind + length.to_bytes(8, "little") + end


def loader(
    name: str,
    comment: str,
    policy: dict[str, Any] = POLICY,
    program: bytes = PROGRAM,
    compiled: dict[str, bytes] = COMPILED,
    sources: dict[str, bytes] = SOURCES,
) -> None:
    """One that is read."""
    raw = file(line(policy) + b"\n" + modules(compiled, sources), program)
    head = {"comment": comment, "expect": "loader"}
    data = {"file": raw, "program": program, "policy": line(policy)}
    data |= {f"compiled {name}": each for name, each in compiled.items()}
    data |= {f"source {name}": each for name, each in sources.items()}
    write(FOLDER, name, head, data)


def none(name: str, comment: str, raw: bytes) -> None:
    write(FOLDER, name, {"comment": comment, "expect": "none"}, {"file": raw})


def refused(name: str, comment: str, raw: bytes, why: str) -> None:
    head = {"comment": comment, "expect": "refused", "why": json.dumps(why)}
    write(FOLDER, name, head, {"file": raw})


def bad(name: str, comment: str, policy: Any, why: str) -> None:
    """A policy that is refused, in a file that is else as it should be."""
    raw = policy if isinstance(policy, bytes) else line(policy)
    refused(name, comment, file(raw + b"\n" + modules()), f"policy: {why}")


def good(name: str, comment: str, place: str, value: Any) -> None:
    loader(name, comment, changed(place, value))


# --- what is read --------------------------------------------------------------------------------


def read() -> None:
    loader("whole", "a script with an environment beside it")
    loader("no-program", "nothing stands before the policy", program=b"")
    loader("program-ends", "the program ends nearly as a loader does", program=PROGRAM + END[:-1])
    project = changed("script", "") | {"call": "manage.py", "program": "../.."}
    loader("project", "a script of a project, two folders above", project)
    plain: dict[str, Any] = {"release": 0, "remotes": {}, "editable": {}, "env": [], "options": []}
    loader("plain", "nothing but what is asked for", POLICY | plain)
    loader("warn", "it only warns", POLICY | {"policy": "warn"})
    loader("strict", "strict", POLICY | {"policy": "strict", "env": []})
    good("marshal", "any code may be unmarshalled", "marshal", True)
    large = {"release": LARGEST, "sequence": LARGEST, "remotes": {"a": LARGEST, "b": 1}}
    loader("numbers", "the largest numbers, and the smallest", POLICY | large)
    good("name", "characters of the name", "app", "0a._-" + "x" * 59)
    good("names", "characters of a remote", "remotes", {"Bob.x_-1": 1})
    good("uid-0", "root", "home/uid", 0)
    good("uid-largest", "the last user", "home/uid", 2**32 - 2)
    good("text", "text outside ASCII", "script", "Grüße ☃ 𝄞.py")
    for name, path in {
        "root": "/",
        "absolute": "/srv/hello",
        "above": "..",
        "far-above": "../../../..",
        "above-and-down": "../../b/c",
        "dots": "...",
        "hidden": ".a/..b",
        "spaces": " a / b ",
        "backslash": "a\\b",
        "longest": "x" * 4096,
    }.items():
        good(f"path-{name}", "a path", "program", path)
    good("script-below", "a script in a folder", "script", "bin/hello.py")
    search = {"dist/own-1.0": {"folder": "/srv/own", "search": ["", "a/b"]}}
    good("search-self", "sources in the folder itself, and in one of it", "editable", search)
    good("version-two", "a version of two numbers", "python/version", "3.13")
    good("version-candidate", "one that is not released yet", "python/version", "3.15.0rc1+")
    good("state-early", "of before 1970", "python/state", "0 -1")
    good("state-zero", "of 1970", "python/state", "9999999999999999 0")
    good("site-more", "several folders", "python/site", ["a", "/b", "../c"])
    good("site-none", "no folder", "python/site", [])
    good("system", "folders of the system's packages", "python/system", ["/usr/lib/python3/dist-packages"])
    for name, base in {"": "/opt/build", "-of-root": "/"}.items():
        build = POLICY | {"python": POLICY["python"] | BUILD | {"base": base}}
        loader(f"build{name}", "a Python that is not the system's", build)
    good("env", "names of variables", "env", ["-x", "A", "A*", "a b", "é"])
    good("env-longest", "a long name", "env", ["x" * 255 + "*"])
    options = ["-OO", "-Wignore:a b:DeprecationWarning", "-Werror", "-Xdev", "-X" + "x" * 255, "-u"]
    good("options", "options, in the order that they were given", "options", options)
    good("option-o", "optimized", "options", ["-O"])
    many = {f"dist/a{number:04}-1": {"folder": "/" + "x" * 200, "search": [""]} for number in range(280)}
    loader("long", "a line of more than 64 KiB", POLICY | {"editable": many})
    compiled, sources = {"bootstrap": b"\n"}, {"bootstrap": b"sig loader 1"}
    one = {"magic": "00000000", "compiled": [["bootstrap", 1]], "sources": [["bootstrap", 12]]}
    loader("one-module", "the bootstrap alone", POLICY | {"modules": one}, compiled=compiled, sources=sources)


def baked() -> None:
    loader("baked", "signers in place of a folder", BAKED)
    loader("baked-one", "one of two", BAKED | {"threshold": 1})
    loader("baked-strict", "strict", BAKED | {"policy": "strict", "env": []})
    for name in OF_FOLDER:
        bad(f"baked-more-{name}", "a field of a folder", BAKED | {name: POLICY[name]}, f"unknown field {name}")
    for name in ("signers", "threshold"):
        bad(f"more-{name}", "a field of signers", POLICY | {name: BAKED[name]}, f"unknown field {name}")
        bad(f"gone-{name}", "a field is missing", changed(name, GONE, BAKED), f"no {name}")
    build = BAKED | {"python": POLICY["python"] | BUILD}
    bad("baked-build", "signers, with a Python that is not the system's", build, "signers with a Python that is not the system's")
    key = POLICY["key"]
    form = "signers is not certificates by their fingerprints"
    for kind, value in (TEXT | {
        "empty": {}, "short": {key[8:]: "eA=="}, "lower": {key.lower(): "eA=="}, "nothing": {key: None}, "none": {key: ""},
        "padding": {key: "eA"}, "bits": {key: "eB=="}, "space": {key: "eA==\n"}, "list": [key],
    }).items():  # fmt: skip
        bad(f"signers-{kind}", "not of its form", changed("signers", value, BAKED), form)
    form = "threshold is not a number from 1 on"
    for kind, value in {"null": None, "true": True, "text": "1", "zero": 0, "less": -1, "list": [1]}.items():
        bad(f"threshold-{kind}", "not of its form", changed("threshold", value, BAKED), form)
    few = "fewer signers than its threshold"
    bad("threshold-more", "three of two", changed("threshold", 3, BAKED), few)
    bad("threshold-largest", "more than anybody has", changed("threshold", LARGEST, BAKED), few)
    warns = "signers, and nothing is refused that they do not answer for"
    bad("baked-warn", "signers, and it only warns", BAKED | {"policy": "warn"}, warns)
    bad("threshold-strict", "the first that is wrong is told", BAKED | {"threshold": 3, "marshal": True, "policy": "strict"}, "strict passes no variable and no code")


# --- what is no loader, and ends that are damaged ------------------------------------------------


def ends() -> None:
    whole = file(line(POLICY) + b"\n" + modules())
    none("empty", "no byte", b"")
    none("program", "the program alone", PROGRAM)
    none("short", "shorter than a trailer", END[1:])
    none("cut-off", "without its last byte", whole[:-1])
    none("stripped", "what strip leaves", whole[: len(PROGRAM)])
    none("behind", "a byte more", whole + b"\n")
    none("lines-behind", "the end of a loader in the middle", whole + b"sig\n" * 8)
    none("capitals", "other letters", file(b"", end=b"SIG LOADER 1\0\0\0\0"))
    version = "a loader of a version that is not known"
    for name, end in {
        "trailer-2": b"sig loader 2\0\0\0\0",
        "trailer-10": b"sig loader 10\0\0\0",
        "trailer-newline": b"sig loader 1\n\0\0\0",
        "trailer-not-zero": b"sig loader 1\0\0\0\1",
        "trailer-none": b"sig loader \0\0\0\0\0",
    }.items():
        refused(name, "a trailer of another version", whole[:-16] + end, version)
    fit = "the length of what it says does not fit"
    refused("trailer-alone", "nothing but a trailer", END, fit)
    refused("no-length", "a length that is cut", b"\0" * 7 + END, fit)
    behind = whole[len(PROGRAM) : -24]
    for name, length in {
        "length-one-more": len(PROGRAM) + len(behind) + 1,
        "length-large": 2**63,
        "length-largest": 2**64 - 1,
        "length-wraps": 2**64 - len(behind),
        "length-limit": 16 * MIB + 1,
    }.items():
        refused(name, "more than there is", file(behind, length=length), fit)
    ended = "policy: it does not end"
    refused("length-zero", "nothing", file(b""), ended)
    refused("length-none", "zero, where there is something", file(behind, length=0), ended)
    refused("length-modules", "as long as the modules alone, of which none ends a line", file(b"12345"), ended)
    refused("no-newline", "a policy that does not end", file(line(POLICY)), ended)
    refused("length-less", "a byte less than there is", file(behind, length=len(behind) - 1), "policy: ")
    refused("length-more", "a byte of the program, too", file(behind, length=len(behind) + 1), "policy: ")
    refused("two", "a loader as the program of another", file(behind, program=whole), "a loader behind another one")
    refused("two-ends", "two trailers", file(behind, program=PROGRAM + END), "a loader behind another one")
    fitted = "its modules are not as long as its policy says"
    refused("modules-more", "a byte more", file(behind + b"x"), fitted)
    refused("modules-less", "a byte less", file(behind[:-1]), fitted)
    refused("modules-none", "none", file(line(POLICY) + b"\n"), fitted)
    largest = changed("modules/sources", [["bootstrap", 16 * MIB], ["covered", 16 * MIB]])
    refused("modules-largest", "lengths that no file has", file(line(largest) + b"\n" + modules()), fitted)


# --- policies ------------------------------------------------------------------------------------


def forms() -> None:
    bad("json-none", "no JSON", b"", "")
    bad("json-cut", "half an object", line(POLICY)[:-1], "not JSON")
    bad("json-utf-8", "not UTF-8", line(POLICY)[:-1] + b"\xff", "not UTF-8")
    bad("json-two", "two objects", line(POLICY) * 2, "not JSON")
    bad("json-list", "a list", [POLICY], "not an object")
    bad("json-text", "a text", "hello", "not an object")
    twice = b'{"app": "evil", ' + line(POLICY)[1:]
    bad("json-twice", "a field twice", twice, "a name stands twice in one object")
    bad("json-fraction", "a number with a fraction", line(POLICY).replace(b'"release": 3', b'"release": 3.0'), "")
    bad("json-large", "a number that no two programs read alike", changed("release", LARGEST + 1), "the number")
    bad("json-surrogate", "half a character", changed("script", "\ud834"), "")
    bad("json-nul", "a text with U+0000", changed("script", "a\0b"), "a text has U+0000")
    nested: Any = 1
    for _ in range(40):
        nested = [nested]
    bad("json-deep", "lists within each other", POLICY | {"app": nested}, "nested too deeply")
    form = "not in canonical form"
    bad("form-space", "a space less", line(POLICY).replace(b'": ', b'":', 1), form)
    bad("form-before", "a space before it", b" " + line(POLICY), form)
    bad("form-return", "a carriage return behind it", line(POLICY) + b"\r", form)
    bad("form-order", "in another order", json.dumps(POLICY).encode(), form)
    bad("form-text", "text outside ASCII as it is", json.dumps(changed("script", "é"), sort_keys=True, ensure_ascii=False).encode(), form)
    bad("form-escaped", "a letter as an escape", line(POLICY).replace(b"hello.py", b"\\u0068ello.py"), form)
    bad("form-digits", "upper-case digits of an escape", line(changed("script", "é")).replace(b"\\u00e9", b"\\u00E9"), form)
    for name, value, said in [
        ("next", 2, " 2"), ("zero", 0, " 0"), ("before", -1, " -1"), ("text", "1", ""), ("true", True, ""), ("null", None, ""),
    ]:  # fmt: skip
        bad(f"version-{name}", "another version", changed("version", value), f"the version{said} is not known")
    bad("version-first", "another version, with other fields", {"version": 2}, "the version 2 is not known")
    bad("version-gone", "no version", changed("version", GONE), "the version is not known")
    for name, value, said in [
        ("other", "baked ", " baked "), ("empty", "", " "), ("capital", "Folder", " Folder"), ("list", ["folder"], ""), ("null", None, ""),
    ]:  # fmt: skip
        bad(f"mode-{name}", "another mode", changed("mode", value), f"the mode{said} is not known")
    bad("mode-gone", "no mode", changed("mode", GONE), "the mode is not known")


def fields() -> None:
    for name in sorted(POLICY):
        if name not in ("version", "mode"):
            bad(f"gone-{name}", "a field is missing", changed(name, GONE), f"no {name}")
    for outer in ("home", "modules", "python"):
        for name in sorted(POLICY[outer]):
            bad(f"gone-{outer}-{name}", "a field is missing", changed(f"{outer}/{name}", GONE), f"no {outer}.{name}")
        bad(f"more-{outer}", "a field too much", changed(f"{outer}/fresh", 1), f"unknown field {outer}.fresh")
        for kind, value in {"null": None, "list": [], "text": "x"}.items():
            bad(f"{outer}-{kind}", "no object", changed(outer, value), f"{outer} is not an object")
    bad("more", "a field too much", changed("signer", 1), "unknown field signer")
    bad("more-twice", "two of them: the first is named", POLICY | {"b": 1, "a": 1}, "unknown field a")
    bad("more-or-gone", "one too much, and one missing", {"mode": "folder", "version": 1, "z": 1}, "unknown field z")
    bad("more-capital", "a name in other case", {**changed("app", GONE), "App": "hello"}, "unknown field App")
    bad("more-long", "a long name", changed("x" * 70, 1), f"unknown field {'x' * 64}")


ANY = {"null": None, "true": True, "number": 5, "list": [], "object": {}, "text": "\N{SNOWMAN}"}
TEXT = {kind: value for kind, value in ANY.items() if kind not in ("text", "number")} | {"number": 5}


def each(place: str, what: str, values: dict[str, Any]) -> None:
    shown = place.replace("/", ".")
    for kind, value in values.items():
        bad(f"{place.replace('/', '-')}-{kind}", "not of its form", changed(place, value), f"{shown} is not {what}")


PATHS = {
    "empty": "", "dot-first": "./a", "dot-last": "a/.", "dot-between": "a/./b", "dots-last": "a/..",
    "dots-between": "../a/../b", "dots-of-root": "/..", "slash-last": "a/", "slashes": "a//b",
    "slashes-first": "//a", "slash-above": "../", "newline": "a\nb", "escape": "a\x1bb", "delete": "a\x7f",
    "too-long": "x" * 4097, "too-long-text": "é" * 2049,
}  # fmt: skip


def values() -> None:
    each("app", "the name of an app", TEXT | {"empty": "", "dot": ".a", "hyphen": "-a", "slash": "a/b", "long": "a" * 65, "letter": "é", "newline": "a\n"})
    for name, least in {"release": 0, "sequence": 1}.items():
        numbers: dict[str, Any] = {"null": None, "true": True, "text": "5", "list": [5], "less": least - 1}
        each(name, f"a number from {least} on", numbers)
    each("program", "a path", TEXT | PATHS)
    below = {kind: value for kind, value in PATHS.items() if kind != "empty"}
    below |= {"absolute": "/hello.py", "dot": ".", "dots": "..", "dots-first": "../hello.py"}
    each("script", "a path below a folder", TEXT | below)
    absolute = PATHS | {"relative": "a", "dot": ".", "dots": ".."}
    each("folder", "an absolute path", TEXT | absolute)
    key = POLICY["key"]
    each("key", "a fingerprint", TEXT | {"empty": "", "short": key[8:], "lower": key.lower(), "long": key + "0" * 8})
    bad("call-both", "a script and a call", changed("call", "hello"), "neither one script nor one call")
    bad("call-none", "neither", changed("script", ""), "neither one script nor one call")
    project = changed("script", "")
    for kind, value in (TEXT | {"slash": "../evil", "dot": ".evil", "hyphen": "-c", "space": "a b", "equals": "a=b", "long": "a" * 65}).items():
        bad(f"call-{kind}", "not of its form", project | {"call": value}, "call is not the name of a script")
    each("remotes", "names of remotes with numbers from 1 on", {
        "null": None, "list": [], "text": "bob", "zero": {"bob": 0}, "true": {"bob": True}, "nothing": {"bob": None},
        "name": {"../bob": 1}, "device": {"con": 1}, "empty": {"": 1},
    })  # fmt: skip
    bad("remotes-twice", "two that are one on some disks", changed("remotes", {"bob": 1, "Bob": 1}), "a name stands twice in one object")
    bad("remotes-space", "a name that no document has", changed("remotes", {"b b": 1}), "")
    root = "dist/own-1.0"
    place = {"folder": "/a", "search": [""]}
    each("editable", "roots dist/NAME-VERSION with folder and search", {
        "null": None, "list": [], "text": "x", "app": {"app": place}, "editable": {"editable/own-1.0": place},
        "spelled": {"dist/Own-1.0": place}, "no-version": {"dist/own": place}, "nothing": {root: None},
        "empty": {root: {}}, "no-search": {root: {"folder": "/a"}}, "more": {root: place | {"files": []}},
        "folder": {root: place | {"folder": "a/.."}}, "search-none": {root: place | {"search": []}},
        "search-text": {root: place | {"search": "src"}}, "search-absolute": {root: place | {"search": ["/a"]}},
        "search-above": {root: place | {"search": [".."]}}, "search-dot": {root: place | {"search": ["."]}},
        "search-number": {root: place | {"search": [1]}},
    })  # fmt: skip
    each("policy", "warn, enforce or strict", TEXT | {"off": "off", "empty": "", "capital": "Strict"})
    each("marshal", "true or false", {kind: value for kind, value in ANY.items() if kind != "true"})
    strict = "strict passes no variable and no code"
    bad("strict-env", "strict, with a variable", changed("policy", "strict"), strict)
    bad("strict-marshal", "strict, with any code", POLICY | {"policy": "strict", "env": [], "marshal": True}, strict)
    each("env", "a sorted list of variables", {
        "null": None, "text": "PATH", "number": [1], "empty": [""], "all": ["*"], "equals": ["A=B"], "stars": ["A**"],
        "within": ["A*B"], "mark": ["?*"], "class": ["[A]*"], "newline": ["A\n"], "unsorted": ["B", "A"],
        "twice": ["A", "A"], "long": ["x" * 256],
    })  # fmt: skip
    each("options", "a list of -u, -O, -OO, -X… or -W…, each once", {
        "null": None, "text": "-u", "number": [1], "empty": [""], "other": ["-c"], "isolated": ["-I"], "together": ["-uO"],
        "three": ["-OOO"], "x-alone": ["-X"], "x-after": ["-X", "dev"], "w-alone": ["-W"], "word": ["u"],
        "newline": ["-Wa\n"], "letter": ["-Wé"], "long": ["-X" + "x" * 256], "twice": ["-u", "-u"], "both": ["-O", "-OO"],
    })  # fmt: skip
    each("home/path", "an absolute path", TEXT | absolute)
    each("home/uid", "the number of a user", {"null": None, "true": True, "text": "0", "less": -1, "none": 2**32 - 1})


def interpreters() -> None:
    absolute = PATHS | {"relative": "a", "dot": ".", "dots": ".."}
    each("python/executable", "an absolute path", TEXT | absolute)
    each("python/base", "an absolute path", {kind: it for kind, it in (TEXT | absolute).items() if kind != "empty"})
    for name, other in {
        "program": {"executable": "/usr/bin/python3.11"},
        "stdlib": {"stdlib": ["/opt/build/lib/python3.12", "/opt/builds"]},
        "stdlib-itself": {"stdlib": ["/opt/build"]},
        "beside": {"base": "/opt/buil"},
        "system": {"system": ["/opt/build/lib/python3/dist-packages"]},
    }.items():
        build = POLICY | {"python": POLICY["python"] | BUILD | other}
        bad(f"build-{name}", "a build of which a part lies elsewhere", build, "the interpreter does not lie below its base")
    some = {kind: PATHS[kind] for kind in ("empty", "dots-between", "newline", "too-long")}
    each("python/asked", "a path", TEXT | some)
    each("python/prefix", "a path", TEXT | some)
    lists = {"null": None, "text": "/a", "object": {}, "number": ["/a", 1]}
    each("python/site", "a list of paths", lists | {kind: ["/a", path] for kind, path in some.items()})
    above = {kind: ["/a", path] for kind, path in (some | {"relative": "a"}).items()}
    each("python/system", "a list of absolute paths", lists | above)
    each("python/stdlib", "a list of absolute paths", lists | above | {"none": []})
    each("python/version", "a version of Python", TEXT | {"empty": "", "one": "3", "words": "three", "v": "v3.11", "newline": "3.11.2\n", "zeros": "3.011"})
    each("python/state", "a size and a time", TEXT | {
        "empty": "", "one": "1", "three": "1 2 3", "spaces": "1  2", "zeros": "01 2", "negative": "-1 2", "minus-zero": "1 -0",
        "plus": "1 +2", "letters": "a b", "arabic": "\u0661 2", "long": "1 " + "1" * 20, "newline": "1 2\n",
    })  # fmt: skip


def listed() -> None:
    what = "a sorted list of names and lengths, bootstrap among them"
    for kind in ("compiled", "sources"):
        each(f"modules/{kind}", what, {
            "null": None, "object": {"bootstrap": 10, "covered": 3}, "none": [], "flat": ["bootstrap", 10],
            "three": [["bootstrap", 10, 0]], "no-bootstrap": [["covered", 13]], "unsorted": [["covered", 3], ["bootstrap", 10]],
            "twice": [["bootstrap", 10], ["bootstrap", 3]], "zero": [["bootstrap", 10], ["covered", 0]],
            "negative": [["bootstrap", 14], ["covered", -1]], "text": [["bootstrap", "10"]], "true": [["bootstrap", True]],
            "large": [["bootstrap", 16 * MIB + 1]], "capital": [["Covered", 3], ["bootstrap", 10]],
            "dot": [["bootstrap", 10], ["sig.x", 3]], "empty": [["", 3], ["bootstrap", 10]],
            "long": [["a" * 65, 3], ["bootstrap", 10]], "number": [[1, 2]],
        })  # fmt: skip
    each("modules/magic", "8 hex digits", TEXT | {"empty": "", "short": "a70d0d0", "long": "a70d0d0a0", "capital": "A70D0D0A", "newline": "a70d0d0\n"})
    fewer = changed("modules/sources", [["bootstrap", 10]])
    bad("modules-other", "a module that has no source", fewer, "other modules are compiled than there are sources")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for part in (read, baked, ends, forms, fields, values, interpreters, listed):
        part()
    remove_others(FOLDER)


if __name__ == "__main__":
    main()
