"""Makes vectors/view/*.txt: small whole folders with their view, and what it answers.

    python vectors/make_view.py              writes all of them anew, with fresh keys

Keys and signatures come from make_openpgp.py and make_verdicts.py. Nothing of `sig` is imported,
so that a mistake there cannot hide here: folders and views are put together by hand, as
docs/spec says, and what is expected of them is written by hand beside it.

The format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from make_openpgp import iso
from make_verdicts import AUTUMN, NOW, SPRING, SUMMER, Person, says, withdraws

FOLDER = Path(__file__).parent / "view"
COMMIT = "c0ffee00c0ffee00"
BEFORE = "0ddba11c0ddba11c"
BASE = "view.5eed5eed5eed5eed"

Line = dict[str, Any]


def file(name: str) -> str:
    """The identifier of a file that has these words in it."""
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True).encode("ascii")


def signed(who: Person, data: Any, made: int = SUMMER) -> bytes:
    sig = base64.b64encode(who.key.sign(canonical(data), made)).decode("ascii")
    return canonical({"data": data, "key": who.fingerprint, "sig": sig})


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


class Source:
    """What one source has: its statements, each with its line of make_verdicts."""

    def __init__(self, name: str, lines: Iterable[Line] = (), met: int = AUTUMN) -> None:
        self.name = name
        self.lines = list(lines)
        self.met = met

    def rows(self) -> list[tuple[str, bytes, str]]:
        """Filed under what, the line of the view, and whose statement it claims to be."""
        found = []
        for line in self.lines:
            one = line["envelope"]
            data = one["data"]
            filed = line.get("filed", data["id"])
            if filed != data["id"]:
                why = "it is about another file than it is filed under"
                text = json.dumps({"key": one["key"], "why": why}).encode()
                found.append((filed, f"{filed}\t{self.name}\t\t1\t".encode() + text, one["key"]))
                continue
            places = [filed]
            if data.get("manifest", filed) != filed:
                places.append(f"manifest {data['manifest']}")
            if not data["ok"] and not data.get("withdrawn") and data.get("scope"):
                places.append(f"scope {one['key']}")
            for word in data.get("criteria", []):
                if word.startswith("app:"):
                    places.append(f"app {word[4:]} {one['key']}")
            for place in places:
                row = f"{place}\t{self.name}\t{self.met}\t0\t".encode() + canonical(one)
                found.append((place, row, one["key"]))
        return found

    def met_names(self) -> list[str]:
        """The lines of its file of first-met times."""
        found = set()
        for line in self.lines:
            one = line["envelope"]
            if line.get("filed", one["data"]["id"]) == one["data"]["id"]:
                raw = one["key"].encode() + b"\0" + canonical(one["data"])
                found.add(f"{sha256(raw)[:32]} {self.met}\n")
        return sorted(found)

    def filed(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for line in self.lines:
            one = line["envelope"]
            found.setdefault(line.get("filed", one["data"]["id"]), []).append(one)
        return found


class Made:
    """A folder. `own` is whose it is, None without a key; `sources` are own, kept, and remotes by
    ``remote:NAME`` with the person who signs each."""

    def __init__(
        self,
        own: Person | None,
        trusted: list[Person],
        sources: list[Source],
        owners: dict[str, Person],
        *,
        strangers: list[Person] = [],
        unknown: list[Person] = [],
        ends: dict[str, int] = {},
        policy: dict[str, Any] | None = None,
        objects: list[bytes] = [],
    ) -> None:
        self.own = own
        self.trusted = trusted
        self.sources = sources
        self.owners = owners
        self.ends = ends
        self.objects = objects
        self.files: dict[str, bytes] = {"version": b"1\n", "generation": COMMIT.encode()}
        people = {one.fingerprint: one for one in [*trusted, *owners.values(), *strangers]}
        if own is not None:
            people[own.fingerprint] = own
        for key, one in people.items():
            if one not in unknown:
                (copy,) = one.certificates
                self.files[f"keys/{key}.pgp"] = copy
        self._config({"ok": 1, "not-ok": 0} if policy is None else policy)
        met: list[str] = []
        for source in sources:
            kind, _, name = source.name.partition(":")
            if kind == "own":
                assert own is not None
                data = {"attestations": source.filed(), "version": "0.0.1", "sequence": 1}
                self.files["repo/repo.json"] = signed(own, data | {"previous": {}})
                met += source.met_names()
            elif kind == "kept":
                kept = sorted({canonical(line["envelope"]) for line in source.lines})
                text = b'{"kept": [%s], "version": 1}' % b", ".join(kept)
                self.files["memory/kept"] = text
                met += source.met_names()
            else:
                self._remote(name, source)
        if met:
            self.files["memory/met"] = "".join(sorted(set(met))).encode()
        for raw in objects:
            digest = sha256(raw)
            self.files[f"objects/{digest[:2]}/{digest[2:]}"] = raw

    def _config(self, policy: dict[str, Any]) -> None:
        data = {
            "policy": policy,
            "remotes": {
                name: {"url": f"https://{name}.example.org/", "key": one.fingerprint}
                for name, one in self.owners.items()
            },
            "repo_dir": "repo/",
            "secret_keyring": None,
            "sequence": 3,
            "trust": {one.fingerprint: True for one in self.trusted},
            "version": "0.0.1",
        }
        if self.own is None:
            self.files["config"] = canonical({"data": data})
            return
        self.files["config"] = signed(self.own, data)
        written = {"key": self.own.fingerprint, "sequence": 3, "digest": sha256(canonical(data))}
        self.files["memory/config"] = canonical(written) + b"\n"

    def _remote(self, name: str, source: Source) -> None:
        owner = self.owners[name]
        data = {"attestations": source.filed(), "version": "0.0.1", "sequence": 7, "previous": {}}
        end = self.ends.get(name)
        if end is not None:
            data["expires"] = iso(end)
        state = {
            "url": f"https://{name}.example.org/",
            "key": owner.fingerprint,
            "fetched": iso(AUTUMN),
            "expires": None if end is None else iso(end),
            "behind-since": None,
            "sequence": 7,
            "validators": {},
        }
        self.files[f"remotes/{name}/repo.json"] = signed(owner, data)
        self.files[f"remotes/{name}/state"] = canonical(state) + b"\n"
        self.files[f"remotes/{name}/met"] = "".join(source.met_names()).encode()

    def rows(self) -> dict[str, list[bytes]]:
        """The rows of those who count, by what they are filed under."""
        counts = {one.fingerprint for one in self.trusted}
        found: dict[str, set[bytes]] = {}
        for source in self.sources:
            for filed, row, key in source.rows():
                if key in counts:
                    found.setdefault(filed, set()).add(row)
                    if filed.startswith("sha256:") and b'"ok": false' in row:
                        look(found, f"against {filed[7:9]}", filed)
        for text in self.objects:
            paths = [line.split(b"  ", 1) for line in text.splitlines()]
            digests = {digest for digest, path in paths if path.endswith(b".dist-info/METADATA")}
            if digests:
                named = sha256(b" ".join(sorted(digests)))
                look(found, f"list {named}", "sha256:" + sha256(text))
        return {filed: sorted(rows) for filed, rows in found.items()}

    def view(
        self, *, before: Made | None = None, block: int = 16384, all_in_tail: bool = False
    ) -> Made:
        """Put the view into the folder. What `before` had is the base, what differs the tail."""
        now = self.rows()
        then = now if before is None else before.rows()
        if all_in_tail:
            then = {}
        lines = ["sig view 2", f"commit {COMMIT}", f"config {sha256(self.files['config'])}"]

        def digest(key: str) -> str:
            raw = self.files.get(f"keys/{key}.pgp")
            return "-" if raw is None else sha256(raw)

        counts = sorted(one.fingerprint for one in self.trusted)
        lines += [f"counts {key} {digest(key)}" for key in counts]
        if self.own is not None and self.own.fingerprint not in counts:
            lines.append(f"own {self.own.fingerprint} {digest(self.own.fingerprint)}")
        for name in sorted(self.owners):
            end = self.ends.get(name, "-")
            lines.append(f"remote {name} {self.owners[name].fingerprint} 7 {end}")
        names = {"own": "repo/repo.json", "kept": "memory/kept"}
        names |= {f"remote:{name}": f"remotes/{name}/repo.json" for name in self.owners}
        for source in sorted(names):
            if names[source] in self.files:
                lines.append(f"source {source} {len(self.files[names[source]])}")
        if then:
            text, line = base(then, block)
            self.files[BASE] = text
            lines.append(line)
        for filed in sorted(now.keys() | then.keys()):
            if now.get(filed) != then.get(filed):
                lines += [f"row {row.decode()}" for row in now.get(filed, [])] or [f"gone {filed}"]
        self.files["view"] = sealed("".join(f"{line}\n" for line in lines))
        return self


def look(found: dict[str, set[bytes]], filed: str, id: str) -> None:
    """A row of nobody, which says where to look."""
    found.setdefault(filed, set()).add(f"{filed}\tview\t\t0\t{id}".encode())


def sealed(text: str) -> bytes:
    return f"{text}sha256 {sha256(text.encode())}\n".encode()


def base(rows: dict[str, list[bytes]], most: int) -> tuple[bytes, str]:
    """The text of a base with blocks of about so many bytes, and its line of the head."""
    text = b""
    depth = 0
    entries = [(filed, row) for filed in sorted(rows) for row in rows[filed]]
    while True:
        level: list[tuple[str, int, bytes]] = []
        held: list[tuple[str, bytes]] = []

        def full() -> bool:
            return sum(len(row) + 1 for _, row in held) >= most

        for filed, row in [*entries, ("", b"")]:
            if held and (not filed or (full() and filed != held[-1][0])):
                block = b"".join(line + b"\n" for _, line in held)
                level.append((held[0][0], len(text), block))
                text += block
                held = []
            held.append((filed, row))
        if len(level) == 1:
            _, offset, block = level[0]
            return text, f"base {BASE} {depth} {offset} {len(block)} {sha256(block)}"
        depth += 1
        entries = [
            (filed, f"{filed}\t{offset}\t{len(block)}\t{sha256(block)}".encode())
            for filed, offset, block in level
        ]


# --- questions -----------------------------------------------------------------------------------


def ask(id: str, expect: str, *lines: Line, whole: str = "", **told: Any) -> dict[str, Any]:
    """A question and the answer by the view: of each line its state, whether it counts and is the
    newest. `whole` is what the folder answers where strangers spoke, and makes it another."""
    answer, _, reason = expect.partition(" ")
    found: dict[str, Any] = {"id": id, "verdict": answer} | told
    if reason:
        found["reason"] = reason
        found["statements"] = sorted(
            (
                {
                    "key": line["envelope"]["key"],
                    "state": line["state"],
                    "counted": line["counted"],
                    "newest": line["newest"],
                }
                for line in lines
            ),
            key=lambda one: json.dumps(one, sort_keys=True),
        )
    if whole:
        found["whole"] = whole
    return found


def ask_against(*ids: str, found: Iterable[str] | None) -> dict[str, Any]:
    """At which of these files to look, as somebody who counts may have said that they are bad; None
    where nobody can tell."""
    told = {"verdict": CANNOT} if found is None else {"found": sorted(found)}
    return {"against": list(ids), **told}


def ask_like(text: bytes, *found: bytes) -> dict[str, Any]:
    """Which lists in the folder may be of the same distributions as this one."""
    return {"like": text.decode(), "found": sorted("sha256:" + sha256(one) for one in found)}


WRITTEN: set[str] = set()


def vector(
    name: str,
    comment: str,
    made: Made,
    *asked: dict[str, Any],
    site: dict[str, Any] | None = None,
    now: int = NOW,
    sound: bool = True,
) -> None:
    """Write one. `sound`: `sig doctor` finds nothing wrong with the view."""
    assert name not in WRITTEN, name
    WRITTEN.add(name)
    text = [f"comment: {comment}", f"now: {iso(now)}", f"sound: {'yes' if sound else 'no'}"]
    if site is not None:
        text.append(f"site: {json.dumps(site, sort_keys=True)}")
    text.append("")
    for place in sorted(made.files):
        raw = base64.b64encode(made.files[place]).decode("ascii")
        text.append(f"{place}: {raw}".rstrip())
    text += [json.dumps(one, sort_keys=True) for one in asked]
    (FOLDER / f"{name}.txt").write_text("\n".join(text) + "\n", encoding="utf-8")


ENOUGH, BAD = "ok enough", "bad marked-bad"
UNKNOWN = "unknown no-statement"
NOT_COUNTED, UNTRUSTED = "unverified not-counted", "unverified untrusted"
BELOW = "unverified below-policy"
CANNOT = "error"
NOBODY = file("nobody")


def trio() -> tuple[Person, Person, Person]:
    return Person("alice"), Person("bob", kind="p256"), Person("mallory")


def plain(**more: Any) -> tuple[Made, list[Line]]:
    """Alice's folder, who trusts Bob; her ok and his warning."""
    alice, bob, _ = trio()
    lines = [says(alice, id=file("one")), says(bob, False, id=file("two"))]
    sources = [Source("own", lines[:1]), Source("remote:bob", lines[1:])]
    return Made(alice, [alice, bob], sources, {"bob": bob}, **more), lines


def asked_plain(lines: list[Line]) -> list[dict[str, Any]]:
    one, two = lines
    return [
        ask(file("one"), ENOUGH, one | {"sources": ["own"]}),
        ask(file("two"), BAD, two),
        ask(NOBODY, UNKNOWN),
    ]


def places() -> None:
    made, lines = plain()
    vector("plain", "an ok and a warning, both in the base", made.view(), *asked_plain(lines))
    made, lines = plain()
    vector(
        "tail-alone",
        "no base: all is in the tail",
        made.view(all_in_tail=True),
        *asked_plain(lines),
    )
    alice, bob, _ = trio()
    empty = Made(alice, [alice, bob], [], {})
    vector("nothing", "a folder without a statement", empty.view(), ask(NOBODY, UNKNOWN))

    one, other = says(alice, id=file("one")), says(bob, id=file("other"))
    now_bad = says(alice, False, AUTUMN, id=file("one"))
    more = says(bob, id=file("more"))
    sources = [Source("own", [one]), Source("remote:bob", [other])]
    before = Made(alice, [alice, bob], sources, {"bob": bob})
    after = Made(
        alice,
        [alice, bob],
        [Source("own", [now_bad]), Source("kept", [now_bad]), Source("remote:bob", [more])],
        {"bob": bob},
    )
    vector(
        "tail-over-base",
        "what changed since the base: an ok became a warning, one is gone, one is new",
        after.view(before=before),
        ask(file("one"), BAD, now_bad),
        ask(file("other"), UNKNOWN),
        ask(file("more"), ENOUGH, more),
    )
    for name, block, count in (("deep", 200, 40), ("wide", 3000, 40)):
        many = [says(alice, id=file(f"{name} {n}"), comment="x" * n) for n in range(count)]
        twice = says(alice, False, id=file(f"{name} 7"))
        made = Made(alice, [alice, bob], [Source("own", [*many, twice])], {})
        vector(
            f"base-{name}",
            f"a base of blocks of some {block} bytes; the first, the last, and each between",
            made.view(block=block),
            *(ask(file(f"{name} {n}"), ENOUGH, many[n]) for n in range(count) if n != 7),
            ask(
                file(f"{name} 7"),
                BAD,
                many[7] | {"state": "superseded", "counted": False, "newest": False},
                twice,
            ),
            *(ask(file(f"not {name} {n}"), UNKNOWN) for n in range(10)),
        )
    odd = says(alice, id=file("odd"), aliases=["sha512:" + "0" * 128], name="caf\u00e9 \\u2028")
    made = Made(alice, [alice], [Source("own", [odd])], {})
    vector("text", "names with escapes", made.view(), ask(file("odd"), ENOUGH, odd))


def who() -> None:
    alice, bob, mallory = trio()
    mine, theirs = says(alice, id=file("mine")), says(mallory, id=file("theirs"), state="untrusted")
    beside = says(mallory, False, id=file("mine"), state="untrusted")
    sources = [Source("own", [mine]), Source("remote:mallory", [theirs, beside])]
    made = Made(alice, [alice, bob], sources, {"mallory": mallory})
    vector(
        "strangers",
        "a stranger's words are not in it: where nobody else spoke the file is unknown",
        made.view(),
        ask(file("mine"), ENOUGH, mine),
        ask(file("theirs"), UNKNOWN, whole=UNTRUSTED),
    )
    forged = says(mallory, id=file("forged"), claims=alice.fingerprint, state="unknown-key")
    misfiled = says(alice, id=file("mine"), filed=file("misfiled"), state="invalid")
    made = Made(
        alice,
        [alice, bob],
        [Source("own", [mine]), Source("remote:mallory", [forged, misfiled])],
        {"mallory": mallory},
    )
    vector(
        "claims",
        "who claims a key that counts is in it, and proves nothing",
        made.view(),
        ask(file("forged"), NOT_COUNTED, forged),
        ask(file("misfiled"), NOT_COUNTED, misfiled),
        ask(file("mine"), ENOUGH, mine),
    )
    line = says(bob, id=file("one"))
    made = Made(None, [bob], [Source("remote:bob", [line])], {"bob": bob})
    vector(
        "no-own-key",
        "a folder without an own key: its configuration is not signed",
        made.view(),
        ask(file("one"), ENOUGH, line),
        ask(NOBODY, UNKNOWN),
    )
    own = says(alice, id=file("own"), state="untrusted")
    made = Made(
        alice, [bob], [Source("own", [own]), Source("remote:bob", [line])], {"bob": bob}
    )
    vector(
        "own-does-not-count",
        "the own key signs the configuration and counts for nothing else",
        made.view(),
        ask(file("one"), ENOUGH, line),
        ask(file("own"), UNKNOWN, whole=UNTRUSTED),
    )
    new = Person("carol", kind="ed25519", version=6)
    line = says(new, id=file("one"))
    hidden = says(bob, id=file("two"), state="unknown-key")
    sources = [Source("remote:carol", [line, hidden])]
    made = Made(alice, [alice, bob, new], sources, {"carol": new}, unknown=[bob])
    vector(
        "certificate-unknown",
        "a key of version 6; and a key that counts, of which no certificate was met",
        made.view(),
        ask(file("one"), ENOUGH, line),
        ask(file("two"), NOT_COUNTED, hidden),
    )


def time() -> None:
    alice, bob, mallory = trio()
    ok = says(bob, id=file("one"), state="stale")
    warning = says(bob, False, id=file("two"), state="stale", counted=True)
    both = says(bob, id=file("both"))
    sources = [
        Source("remote:bob", [ok, warning, both]),
        Source("remote:mallory", [both]),
    ]
    owners = {"bob": bob, "mallory": mallory}
    ends = {"bob": NOW - 1, "mallory": NOW}
    made = Made(alice, [alice, bob], sources, owners, ends=ends)
    vector(
        "stale",
        "a source past its end: an ok does not count, a warning does; another source has one too",
        made.view(),
        ask(file("one"), NOT_COUNTED, ok),
        ask(file("two"), BAD, warning),
        ask(file("both"), ENOUGH, both),
    )
    retired = Person("carol").revoked(AUTUMN, 3)
    late = says(retired, id=file("late"), state="late", counted=False)
    early = says(retired, id=file("early"))
    made = Made(
        alice,
        [alice, retired],
        [Source("remote:a", [late], met=AUTUMN + 1), Source("remote:b", [early], met=AUTUMN)],
        {"a": retired, "b": alice},
        policy={"ok": 1, "not-ok": 0, "late": "refuse"},
    )
    vector(
        "late",
        "first met after the end of its key, and the policy refuses that",
        made.view(),
        ask(file("late"), NOT_COUNTED, late),
        ask(file("early"), ENOUGH, early),
    )


def memory() -> None:
    alice, bob, _ = trio()
    warning = says(bob, False, id=file("one"))
    gone = says(bob, id=file("two"), state="stale", counted=False)
    back = withdraws(bob, id=file("three"))
    old = says(bob, made=SPRING, id=file("three"), state="superseded", newest=False, counted=False)
    sources = [Source("kept", [warning, gone, back]), Source("remote:bob", [old])]
    made = Made(alice, [alice, bob], sources, {"bob": bob})
    vector(
        "remembered",
        "what no source has any more: a warning counts, an ok does not, a withdrawal ends",
        made.view(),
        ask(file("one"), BAD, warning),
        ask(file("two"), NOT_COUNTED, gone),
        ask(file("three"), NOT_COUNTED, back, old),
    )
    stranger = Person("carol")
    lost = stranger.subkey()
    kept = says(stranger, False, by=lost, id=file("kept"), state="key-revoked", counted=True)
    offered = says(stranger, False, by=lost, id=file("offered"), state="invalid")
    stranger.certificates = [stranger.certificate()]  # which has no subkey any more
    sources = [Source("kept", [kept]), Source("remote:carol", [offered])]
    made = Made(alice, [alice, stranger], sources, {"carol": stranger})
    vector(
        "remembered-unproved",
        "its certificate does not prove it any more: a remembered warning counts, another does not",
        made.view(),
        ask(file("kept"), BAD, kept),
        ask(file("offered"), NOT_COUNTED, offered | {"state": "unknown-key"}),
    )


def trees() -> None:
    alice, bob, mallory = trio()
    part, whole = file("part"), file("whole")
    text = f"{part[7:]}  src/a.py\n{whole[7:]}  src/b.py\n".encode()
    tree = "sha256:" + sha256(text)
    warning = says(bob, False, id=tree, manifest=tree, scope=["src/a.py"], reviewed=False)
    good = says(alice, id=part)
    theirs = says(mallory, False, id=tree, manifest=tree, scope=["src/b.py"], reviewed=False)
    sources = [
        Source("own", [good]),
        Source("remote:bob", [warning]),
        Source("remote:mallory", [theirs | {"state": "untrusted", "counted": False}]),
    ]
    owners = {"bob": bob, "mallory": mallory}
    made = Made(alice, [alice, bob], sources, owners, objects=[text])
    vector(
        "scope",
        "a warning names a file of a tree: the bytes that its list has there are bad",
        made.view(),
        ask(part, BAD, good, warning),
        ask(whole, UNKNOWN),
        ask(tree, BAD, warning),
    )
    made = Made(alice, [alice, bob], sources, owners)
    note = (
        f"a warning about files of {tree} counts for the whole alone: their list is not here"
        " (sig fetch)"
    )
    vector(
        "scope-without-a-list",
        "the list is not here: a note says so",
        made.view(),
        ask(part, ENOUGH, good, notes=[note]),
        ask(tree, BAD, warning, notes=[note]),
    )
    made = Made(alice, [alice, bob], sources, owners, objects=[text])
    name = next(name for name in made.files if name.startswith("objects/"))
    made.files[name] += b"\n"
    vector(
        "scope-with-a-damaged-list",
        "a list with another digest than its name is not there",
        made.view(),
        ask(part, ENOUGH, good, notes=[note]),
    )
    withdrawn = withdraws(bob, id=tree)
    ended = warning | {"state": "superseded", "counted": False, "newest": False}
    sources[1] = Source("remote:bob", [warning, withdrawn])
    made = Made(alice, [alice, bob], sources, owners, objects=[text])
    vector(
        "scope-taken-back",
        "what ended the warning ends it for its files too",
        made.view(),
        ask(part, ENOUGH, good, ended, withdrawn),
        ask(tree, NOT_COUNTED, ended, withdrawn),
    )
    closure = says(alice, id=file("list"), criteria=["app:hello", "release:1"])
    sources = [Source("own", [closure])]
    made = Made(alice, [alice], sources, {})
    vector(
        "closure",
        "a list of what a program may load is no ok for the file",
        made.view(),
        ask(file("list"), NOT_COUNTED, closure | {"state": "out-of-scope", "counted": False}),
    )


def looking() -> None:
    """Where to look for what speaks against many files."""
    alice, bob, mallory = trio()
    one, two, both = file("one"), file("two"), file("both")
    good, kept, nested = file("good"), file("kept"), file("nested")
    part, tree = file("part"), f"{file('part')[7:]}  src/a.py\n".encode()
    listed = "sha256:" + sha256(tree)
    ours = [says(alice, False, id=one), says(alice, False, id=both), says(alice, id=good)]
    theirs = [
        says(bob, False, id=two),
        says(bob, False, id=both),
        says(bob, id=nested, marks={"ok": False}),
        says(bob, False, id=listed, manifest=listed, scope=["src/a.py"], reviewed=False),
    ]
    strange = [says(mallory, False, id=good), says(mallory, False, id=file("strange"))]
    sources = [
        Source("own", ours),
        Source("remote:bob", theirs),
        Source("remote:mallory", strange),
        Source("kept", [says(bob, False, id=kept)]),
    ]
    owners = {"bob": bob, "mallory": mallory}
    made = Made(alice, [alice, bob], sources, owners, objects=[tree])
    asked = (one, two, both, good, kept, nested, part, listed, file("strange"), NOBODY)
    vector(
        "against",
        "words against files by several signers, in several sources, and about a path of a tree;"
        " not by strangers; where it stands deeper in a statement it is looked at in vain",
        made.view(),
        ask_against(*asked, found={one, two, both, kept, nested, part, listed}),
        ask_against(two, found=[two]),
        ask_against(good, NOBODY, found=[]),
        ask_against(found=[]),
        ask(one, BAD, ours[0]),
        ask(nested, ENOUGH, theirs[2]),
        ask(part, BAD, theirs[3]),
    )
    many = [says(alice, n % 3 != 0, id=file(f"many {n}")) for n in range(60)]
    bad = [file(f"many {n}") for n in range(0, 60, 3)]
    made = Made(alice, [alice, bob], [Source("own", many)], {})
    vector(
        "against-wide",
        "some of many, found in a base of small blocks",
        made.view(block=300),
        ask_against(*(file(f"many {n}") for n in range(70)), found=bad),
        *(ask_against(each, found=[each]) for each in bad),
        ask_against(*(file(f"many {n}") for n in range(60) if n % 3), found=[]),
    )
    same = next(n for n in range(10_000) if file(f"beside {n}")[7:9] == one[7:9])
    near = file(f"beside {same}")
    beside = says(alice, False, id=near)
    before = [says(alice, False, id=one), says(alice, False, id=two), beside]
    after = [says(alice, id=one), before[1], says(alice, False, id=both), beside]

    def now(lines: list[Line] = after) -> Made:
        return Made(alice, [alice, bob], [Source("own", lines)], {})

    vector(
        "against-gone",
        "a warning that went away since the base, one that stays beside it, and a new one",
        now().view(before=now(before)),
        ask_against(one, two, both, near, found=[two, both, near]),
        ask(one, ENOUGH, after[0]),
    )
    for name, source, text, found, comment in (
        ("another", "remote:x", one, [two], "what is not of the view itself says nothing"),
        ("text", "view", "sha256:zz", None, "what names nothing was written by another program"),
        ("scheme", "view", "openpgp4fpr:01", None, "what names no file was too"),
    ):
        # Of a file that nobody spoke of: else there would be rows in the base.
        vector(
            f"against-{name}",
            comment,
            planted(now(), f"row against {two[7:9]}\t{source}\t\t0\t{text}"),
            ask_against(two, found=[] if found else None),
            sound=False,
        )


def planted(made: Made, line: str) -> Made:
    """With this line at the end of the head."""
    text = made.view().files["view"].decode().rpartition("sha256 ")[0]
    made.files["view"] = sealed(f"{text}{line}\n")
    return made


def lists() -> None:
    alice, bob, _ = trio()

    def tree(*names: str, more: str = "") -> bytes:
        files = {f"{name}-1.dist-info/METADATA": file(name) for name in names}
        files |= {f"{name}/a.py": file(f"{name}{more}") for name in names}
        return "".join(f"{id[7:]}  {path}\n" for path, id in sorted(files.items())).encode()

    hello, other, both = tree("hello"), tree("other"), tree("hello", "other")
    changed, plain = tree("hello", more="!"), f"{file('a')[7:]}  README\n".encode()
    id = "sha256:" + sha256(changed)
    warning = says(bob, False, id=id, manifest=id)
    sources, owners = [Source("remote:bob", [warning])], {"bob": bob}
    listed = [hello, other, both, changed, plain]

    def made(*objects: bytes) -> Made:
        return Made(alice, [alice, bob], sources, owners, objects=list(objects))

    asked = [
        ask_like(hello, hello, changed),
        ask_like(changed, hello, changed),
        ask_like(tree("hello", more="?"), hello, changed),
        ask_like(other, other),
        ask_like(both, both),
        ask_like(plain),
        ask_like(tree("new")),
        ask(id, BAD, warning),
    ]
    vector("lists", "lists of distributions, by their METADATA", made(*listed).view(), *asked)
    vector(
        "lists-later",
        "lists that came after a statement about one of them, in the tail",
        made(*listed).view(before=made(other)),
        *asked,
    )
    vector(
        "lists-gone",
        "lists that went away since the base",
        made(changed, plain).view(before=made(*listed)),
        ask_like(hello, changed),
        ask_like(other),
        ask_like(both),
        ask(id, BAD, warning),
    )


def policies() -> None:
    alice, bob, _ = trio()
    both = [says(alice, id=file("both")), says(bob, id=file("both"))]
    one = says(alice, id=file("one"))
    sources = [Source("own", [both[0], one]), Source("remote:bob", both[1:])]

    def made(policy: dict[str, Any]) -> Made:
        return Made(alice, [alice, bob], sources, {"bob": bob}, policy=policy).view()

    vector(
        "policy",
        "two are asked for",
        made({"ok": 2}),
        ask(file("both"), ENOUGH, *both),
        ask(file("one"), BELOW, one),
    )
    vector(
        "site-policy",
        "the machine asks for two",
        made({}),
        ask(file("both"), ENOUGH, *both),
        ask(file("one"), BELOW, one),
        site={"ok": 2},
    )
    vector(
        "site-policy-unknown",
        "the machine asks for something that nobody knows: it is not guessed",
        made({}),
        ask(file("one"), CANNOT),
        site={"ok": 1, "moon": "full"},
    )
    vector(
        "policy-unknown",
        "the folder asks for something that nobody knows",
        made({"ok": 1, "graph": {"depth": 3}}),
        ask(file("one"), CANNOT),
        sound=False,
    )


def states() -> None:
    """Of another state, or damaged: nobody can tell."""

    def one(
        name: str, comment: str, change: Callable[[Made], object], expect: str = CANNOT
    ) -> None:
        made, lines = plain()
        before = Made(made.own, made.trusted, made.sources[:1], made.owners)
        made.view(before=before)
        change(made)
        told = asked_plain(lines) if expect != CANNOT else [ask(file("one"), CANNOT)]
        vector(name, comment, made, *told, sound=expect != CANNOT)

    def set_(name: str, raw: bytes) -> Callable[[Made], None]:
        def change(made: Made) -> None:
            made.files[name] = raw

        return change

    def without(name: str) -> Callable[[Made], object]:
        return lambda made: made.files.pop(name)

    def head(old: str, new: str) -> Callable[[Made], None]:
        def change(made: Made) -> None:
            text = made.files["view"].decode().rpartition("sha256 ")[0]
            assert old in text
            made.files["view"] = sealed(text.replace(old, new, 1))

        return change

    def flip(name: str, at: int) -> Callable[[Made], None]:
        def change(made: Made) -> None:
            raw = bytearray(made.files[name])
            raw[at] ^= 1
            made.files[name] = bytes(raw)

        return change

    def pending(commit: str, places: dict[str, str]) -> Callable[[Made], None]:
        """A commit that counts and is not in place: the named files lie in `pending`."""

        def change(made: Made) -> None:
            lines = [f"1 {commit}"]
            for number, (name, what) in enumerate(places.items()):
                if what == "gone":
                    lines.append(f"- {name}")
                    made.files[name] = b"what was there before"
                    continue
                lines.append(f"{commit}.{number} {name}")
                if what == "moved":
                    made.files[f"pending/{commit}.{number}"] = made.files[name]
                    made.files[name] = b"what was there before"
            made.files["pending/commit"] = "\n".join([*lines, "end", ""]).encode()
            made.files["generation"] = BEFORE.encode()

        return change

    one("no-view", "there is none", without("view"))
    one("other-commit", "a commit came after it", set_("generation", b"0123012301230123"))
    one(
        "commit-of-one-file",
        "the last commit was of one file: its name stands there too",
        set_("generation", f"{COMMIT} config\n".encode()),
        ENOUGH,
    )
    one("no-generation", "nobody knows which commit was the last", without("generation"))
    one("pending-later", "a commit that counts came after it", pending("0123012301230123", {}))
    one(
        "pending-same",
        "the last commit is not all in place: what it changed lies where it was put first",
        pending(COMMIT, {"config": "moved", "version": "in place", "remotes/old/state": "gone"}),
        ENOUGH,
    )
    one(
        "pending-damaged",
        "the journal is cut",
        set_("pending/commit", f"1 {COMMIT}\n{COMMIT}.0 config\n".encode()),
    )
    one("pending-newer", "the journal of a newer program", set_("pending/commit", b"2 x\nend\n"))
    one("folder-newer", "a folder of a newer program", set_("version", b"2\n"))
    one("folder-damaged", "a version that is none", set_("version", b"one\n"))
    one("view-cut", "its end is missing", lambda made: set_("view", made.files["view"][:-1])(made))
    one("view-empty", "a disk that lost it", set_("view", b""))
    one("view-flipped", "one bit", flip("view", 40))
    one("view-newer", "of another version", head("sig view 2", "sig view 3"))
    one("view-word", "a line that nobody knows", head("\nremote ", "\nmore\nremote "))
    one("view-order", "a row after a row of a later file", head("\nrow ", "\ngone zz\nrow "))
    one(
        "view-key",
        "a key that counts by the head and not by the configuration",
        head("\ncounts ", f"\ncounts {'0' * 40} -\ncounts "),
    )
    one("view-path", "a base elsewhere", head(f"base {BASE}", "base ../../etc/passwd"))
    one("base-missing", "the base is gone", without(BASE))
    repository = "remotes/bob/repo.json"
    one(
        "source-other",
        "an earlier repository of a remote was put back from a backup",
        lambda made: set_(repository, made.files[repository].replace(b"false", b"true"))(made),
    )
    one("source-missing", "the repository of a remote is gone", without(repository))
    kept = b'{"kept": [], "version": 1}'
    one("source-new", "there are words that the view may not know", set_("memory/kept", kept))
    one("source-order", "a line of a source before another", head("source o", "source z 1\nsource o"))
    one("source-unknown", "a source of no remote", head("\nbase ", "\nsource remote:x 0\nbase "))
    one("base-cut", "the base is shorter", lambda made: set_(BASE, made.files[BASE][:-1])(made))
    one("base-flipped", "one bit of a row in the base", flip(BASE, 200))
    one(
        "config-changed",
        "another configuration than the view knows, from another machine perhaps",
        lambda made: set_("config", signed(made.own, {"sequence": 9, "trust": {}}))(made),
    )
    one("config-missing", "no configuration any more", without("config"))

    def remembered(**fields: Any) -> Callable[[Made], None]:
        def change(made: Made) -> None:
            known = json.loads(made.files["memory/config"]) | fields
            made.files["memory/config"] = canonical(known) + b"\n"

        return change

    one("config-older", "a newer configuration was signed here", remembered(sequence=4))
    one("config-other", "another one of this sequence was", remembered(digest="0" * 64))
    one("config-of-another", "another key had signed it", remembered(key="A" * 40))
    one("config-newer", "another machine of the owner wrote it", remembered(sequence=2), ENOUGH)
    one("config-alone", "a copy without its memory", without("memory/config"), ENOUGH)
    one(
        "config-memory-damaged",
        "nobody knows which configuration is the newest",
        set_("memory/config", b'{"sequence": 3}\n'),
    )

    def unsigned(made: Made) -> None:
        before = sha256(made.files["config"])
        data = json.loads(made.files["config"])["data"]
        made.files["config"] = canonical({"data": data})
        head(before, sha256(made.files["config"]))(made)

    one("config-unsigned", "it is not signed any more, and the view follows it", unsigned)

    def never(made: Made) -> None:
        del made.files["config"]
        text = re.sub(r"config \S+\n(counts .*\n)*", "config -\n", made.files["view"].decode())
        made.files["view"] = sealed(text.rpartition("sha256 ")[0])

    one("config-never", "a view of a folder without one, where one was signed", never)

    def forged(made: Made) -> None:
        before = sha256(made.files["config"])
        value = json.loads(made.files["config"])
        value["data"]["policy"] = {"ok": 1, "not-ok": 9}
        made.files["config"] = canonical(value)
        head(before, sha256(made.files["config"]))(made)

    one("config-forged", "the configuration is not signed by the own key", forged)

    def other_certificate(made: Made) -> None:
        key = made.trusted[0].fingerprint
        made.files[f"keys/{key}.pgp"] += made.trusted[0].key.named(b"another name")

    one("certificate-changed", "another copy of it than the view knows", other_certificate)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for make in (places, who, time, memory, trees, looking, lists, policies, states):
        make()
    print(f"{len(WRITTEN)} vectors in {FOLDER}")


if __name__ == "__main__":
    main()
