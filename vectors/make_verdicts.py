"""Makes vectors/verdicts/*.txt: what signers said of one file, and what is to be believed of it.

    python vectors/make_verdicts.py           writes all of them anew, with fresh keys

Keys and signatures are real; they come from the `Key` of make_openpgp.py, which signs what it is
told at the time it is told. Nothing of `sig` is imported, so that a mistake there cannot hide here.
What a vector expects is written by hand beside it.

The scenarios named ancestor-* are about the files of vectors/ancestor, as the program of 2016
wrote them.

The format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pysequoia
from make_openpgp import Key, at, four, iso, sub

FOLDER = Path(__file__).parent / "verdicts"
ANCESTOR = Path(__file__).parent / "ancestor"
CONTENT = b"print('hello')\n"
ID = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
SHA512 = "sha512:" + hashlib.sha512(CONTENT).hexdigest()
OTHER = "sha256:" + hashlib.sha256(b"another file\n").hexdigest()

DAY = 86400
BORN = at("2020-01-01")
SPRING = at("2020-04-01")
SUMMER = at("2020-07-01")
AUTUMN = at("2020-10-01")
NOW = at("2022-03-01")


class Person:
    """A signer and the copies of the certificate that were met."""

    def __init__(
        self, name: str, kind: str = "eddsa", version: int = 4, expires: int | None = None
    ):
        self.name = f"{name} <{name}@example.org>".encode()
        self.key = Key(kind=kind, created=BORN, version=version)
        self.expires = expires
        self.certificates = [self.certificate()]

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint

    def certificate(self, revocation: bytes = b"", more: bytes = b"") -> bytes:
        named = self.key.named(self.name, expires=self.expires)
        return self.key.public + revocation + named + more

    def revoked(self, when: int, reason: int) -> Person:
        """Hard: 2, compromised. Soft: 1, superseded, and 3, retired."""
        self.certificates = [self.certificate(self.key.revoke(when, reason))]
        return self

    def subkey(self, kind: str = "p256", revoked: tuple[int, int] | None = None) -> Key:
        """A signing subkey, in the certificate from now on."""
        made = Key(kind=kind, created=BORN, version=self.key.version)
        more = self.key.binds(made, BORN)
        if revoked:
            more += self.key.revokes(made, *revoked)
        self.certificates = [self.certificate(more=more)]
        return made


def says(
    who: Person,
    ok: bool = True,
    made: int = SUMMER,
    *,
    state: str | None = None,
    counted: bool | None = None,
    newest: bool = True,
    by: Key | None = None,
    sources: tuple[str, ...] = ("remote",),
    met: int | None = None,
    stale: bool = False,
    kept: bool = False,
    filed: str | None = None,
    claims: str | None = None,
    change: dict[str, Any] | None = None,
    lasts: int | None = None,
    digest: int = 10,
    junk: bytes = b"",
    hashed: bytes = b"",
    **fields: Any,
) -> dict[str, Any]:
    """One line. Without `state` it is ok or not-ok and counts; `state` alone does not count."""
    if counted is None:
        counted = state is None
    if state is None:
        state = "ok" if ok else "not-ok"
    partial = {"base", "scope", "withdrawn"} & set(fields) or fields.get(
        "method", "human"
    ) != "human"
    data = {"id": ID, "ok": ok, "reviewed": not partial} | fields
    data = {name: value for name, value in data.items() if value is not None}
    signed = json.dumps(data, sort_keys=True).encode("ascii")
    if lasts is not None:
        hashed += sub(3, four(lasts))
    signer = by or who.key
    loose = sub(16, signer.id) if signer.version == 4 else b""
    sig = signer.sign(signed, made, digest=digest, hashed=hashed, unhashed=loose + junk)
    line: dict[str, Any] = {
        "envelope": {
            "data": data | (change or {}),
            "key": claims or who.fingerprint,
            "sig": base64.b64encode(sig).decode("ascii"),
        },
        "sources": list(sources),
        "first-met": None if met is None else iso(met),
        "stale": stale,
        "kept": kept,
        "state": state,
        "counted": counted,
        "newest": newest,
    }
    if filed is not None:
        line["filed"] = filed
    return line


def withdraws(who: Person, made: int = AUTUMN, **more: Any) -> dict[str, Any]:
    more = {"state": "withdrawn"} | more
    return says(who, False, made, withdrawn=True, **more)


WRITTEN: set[str] = set()


def vector(
    name: str,
    expect: str,
    comment: str,
    people: list[Person],
    lines: list[dict[str, Any]],
    *,
    trusted: list[str] | None = None,
    policy: dict[str, Any] | None = None,
    now: int = NOW,
    id: str = ID,
    certificates: list[bytes] | None = None,
) -> None:
    """Write one. All people but those named mallory are trusted unless it says otherwise."""
    assert name not in WRITTEN, name
    WRITTEN.add(name)
    if trusted is None:
        trusted = [one.fingerprint for one in people if not one.name.startswith(b"mallory")]
    if certificates is None:
        certificates = [copy for one in people for copy in one.certificates]
    text = [
        f"comment: {comment}",
        f"expect: {expect}",
        f"id: {id}",
        f"now: {iso(now)}",
        f"policy: {json.dumps(policy or {}, sort_keys=True)}",
        f"trusted: {' '.join(trusted)}".rstrip(),
        "",
        *(json.dumps(line, sort_keys=True) for line in lines),
        *("certificate: " + base64.b64encode(copy).decode("ascii") for copy in certificates),
    ]
    (FOLDER / f"{name}.txt").write_text("\n".join(text) + "\n", encoding="utf-8")


def person(name: str, **more: Any) -> Person:
    return Person(name, **more)


def trio() -> tuple[Person, Person, Person]:
    return Person("alice"), Person("bob", kind="p256"), Person("mallory")


ENOUGH, BAD = "ok enough", "bad marked-bad"
NOT_COUNTED, UNTRUSTED = "unverified not-counted", "unverified untrusted"
BELOW, UNREVIEWED = "unverified below-policy", "unverified unreviewed"


def answers() -> None:
    alice, bob, mallory = trio()
    everyone = [alice, bob, mallory]
    vector("unknown", "unknown no-statement", "nobody said anything", everyone, [])
    vector(
        "unknown-other-file",
        "unknown no-statement",
        "a statement about another file, filed there: nothing about this one",
        everyone,
        [says(alice, id=OTHER, state="none")],
    )
    vector("ok", ENOUGH, "a trusted signer says ok", [alice], [says(alice)])
    for kind, version in [("rsa", 4), ("p256", 4), ("ed25519", 6), ("ed448", 6)]:
        one = person("alice", kind=kind, version=version)
        vector(f"ok-{kind}-v{version}", ENOUGH, f"a v{version} key, {kind}", [one], [says(one)])
    vector(
        "untrusted",
        UNTRUSTED,
        "only a stranger says ok",
        everyone,
        [says(mallory, state="untrusted")],
    )
    vector(
        "untrusted-warning",
        ENOUGH,
        "the warning of a stranger changes nothing",
        everyone,
        [says(alice), says(mallory, False, state="untrusted")],
    )
    vector(
        "untrusted-withdrawal",
        BAD,
        "nor does his withdrawal",
        everyone,
        [says(alice, False), withdraws(mallory)],
    )
    vector(
        "bad",
        BAD,
        "one says ok, one warns: one warning is too much",
        everyone,
        [says(alice), says(bob, False, comment="downloads and runs code")],
    )
    vector(
        "bad-tolerated",
        ENOUGH,
        "the policy bears one warning",
        everyone,
        [says(alice), says(bob, False)],
        policy={"not-ok": 1},
    )
    vector(
        "bad-tolerated-alone",
        BELOW,
        "a warning that the policy bears is no ok",
        everyone,
        [says(bob, False)],
        policy={"not-ok": 1},
    )
    vector(
        "two-of-two",
        ENOUGH,
        "two are asked for, two say ok",
        everyone,
        [says(alice), says(bob)],
        policy={"ok": 2},
    )
    vector(
        "one-of-two",
        BELOW,
        "two are asked for; the other ok is a stranger's",
        everyone,
        [says(alice), says(mallory, state="untrusted")],
        policy={"ok": 2},
    )
    carol = person("carol")
    subkey = carol.subkey()
    vector("ok-subkey", ENOUGH, "a signing subkey signed", [carol], [says(carol, by=subkey)])
    vector(
        "one-certificate-one-voice",
        BELOW,
        "the primary key and a subkey of one certificate are one signer",
        [carol],
        [says(carol, comment="a"), says(carol, by=subkey, comment="b", newest=False)],
        policy={"ok": 2},
    )
    vector(
        "who-warns-says-not-ok",
        BELOW,
        "a tool of the signer warns, he himself says ok: he is no voice for it",
        [alice],
        [
            says(alice, counted=False, state="ok", newest=False),
            says(alice, False, method="tool:lint"),
        ],
        policy={"not-ok": 1},
    )


def statements() -> None:
    alice, bob, mallory = trio()
    everyone = [alice, bob, mallory]
    for name, fields in {
        "unreviewed": {"reviewed": False},
        "unreviewed-base": {"base": OTHER},
        "unreviewed-scope": {"scope": ["src/a.py"]},
        "unreviewed-tool": {"method": "tool:lint"},
        "unreviewed-model": {"method": "model:m"},
    }.items():
        vector(
            name,
            UNREVIEWED,
            "ok, but no human looked at all of it",
            everyone,
            [says(alice, state="unreviewed", **fields), says(mallory, state="untrusted")],
        )
    vector(
        "unreviewed-claims-to-be",
        NOT_COUNTED,
        "reviewed beside scope: readers of 2016 would take it for a full review",
        everyone,
        [says(alice, state="invalid", reviewed=True, scope=["src/a.py"])],
    )
    vector(
        "needs",
        NOT_COUNTED,
        "an ok that needs a field that is not known is not understood",
        [alice],
        [says(alice, state="out-of-scope", needs=["platform"], platform="windows")],
    )
    vector(
        "needs-known",
        ENOUGH,
        "a needed field that is known",
        [alice],
        [says(alice, needs=["comment"], comment="read it")],
    )
    vector(
        "needs-warning",
        BAD,
        "a warning stands whatever it needs",
        [alice],
        [says(alice, False, needs=["platform"], platform="windows")],
    )
    vector(
        "criteria",
        ENOUGH,
        "all words that the policy asks for",
        [alice],
        [says(alice, criteria=["publisher", "reproduced"])],
        policy={"criteria": ["reproduced"]},
    )
    vector(
        "criteria-missing",
        NOT_COUNTED,
        "one word of two",
        [alice],
        [says(alice, state="out-of-scope", criteria=["publisher"])],
        policy={"criteria": ["reproduced", "publisher"]},
    )
    vector(
        "closure",
        NOT_COUNTED,
        "a list of what a program may load counts only for running it",
        [alice],
        [says(alice, state="out-of-scope", criteria=["app:hello", "release:1"])],
    )
    vector(
        "expired",
        NOT_COUNTED,
        "an ok ends when it says",
        [alice],
        [says(alice, state="expired", expires=iso(NOW))],
    )
    vector(
        "expires-later",
        ENOUGH,
        "one second more",
        [alice],
        [says(alice, expires=iso(NOW + 1))],
    )
    vector(
        "expired-signature",
        NOT_COUNTED,
        "the signature's own expiry acts like expires",
        [alice],
        [says(alice, state="expired", lasts=30 * DAY)],
    )
    vector(
        "expired-warning",
        BAD,
        "a warning never expires, by neither",
        [alice],
        [says(alice, False, expires=iso(SUMMER + DAY), lasts=30 * DAY)],
    )
    vector(
        "odd-warning",
        BAD,
        "a warning stands whatever is odd in it",
        [alice],
        [says(alice, False, reviewed="no", comment=7, scope="a", aliases=[1], size=-1)],
    )
    vector(
        "alias",
        ENOUGH,
        "asked by another digest of the same bytes",
        [alice],
        [says(alice, aliases=[SHA512])],
        id=SHA512,
    )
    vector(
        "alias-withdrawn",
        NOT_COUNTED,
        "asked by alias, a withdrawal that does not name it withdraws all the same",
        [alice],
        [says(alice, aliases=[SHA512], state="superseded", newest=False), withdraws(alice)],
        id=SHA512,
    )
    vector(
        "alias-of-a-stranger",
        UNTRUSTED,
        "a stranger cannot lend an alias to the word of another",
        everyone,
        [says(alice, state="none"), says(mallory, aliases=[SHA512], state="untrusted")],
        id=SHA512,
    )
    vector(
        "alias-sha256",
        NOT_COUNTED,
        "a second sha256 is no digest of the same bytes",
        [alice],
        [says(alice, id=OTHER, aliases=[ID], state="out-of-scope")],
    )


def words() -> None:
    alice, bob, _ = trio()
    over = {"state": "superseded", "newest": False}
    vector(
        "superseded-ok",
        ENOUGH,
        "the newer ok ends the older",
        [alice],
        [says(alice, made=SPRING, comment="old", **over), says(alice, comment="new")],
    )
    vector(
        "superseded-by-unreviewed",
        UNREVIEWED,
        "also where the newer one does not count",
        [alice],
        [says(alice, made=SPRING, **over), says(alice, reviewed=False, state="unreviewed")],
    )
    vector(
        "warning-after-ok",
        BAD,
        "the signer changed his mind",
        [alice, bob],
        [says(alice, made=SPRING, **over), says(alice, False), says(bob)],
    )
    vector(
        "ok-after-warning",
        ENOUGH,
        "a reviewed ok ends a warning",
        [alice],
        [says(alice, False, SPRING, **over), says(alice)],
    )
    for name, fields in {
        "unreviewed": {"reviewed": False},
        "partial": {"base": OTHER},
        "tool": {"method": "tool:lint"},
    }.items():
        vector(
            f"{name}-after-warning",
            BAD,
            "only a reviewed ok ends a warning",
            [alice, bob],
            [
                says(alice, False, SPRING),
                says(alice, state="unreviewed", newest=False, **fields),
                says(bob),
            ],
        )
    vector(
        "needs-after-warning",
        BAD,
        "an ok that is not understood ends no warning",
        [alice, bob],
        [
            says(alice, False, SPRING),
            says(alice, state="out-of-scope", newest=False, needs=["platform"]),
            says(bob),
        ],
    )
    vector(
        "other-topic",
        BAD,
        "an ok of the signer does not end what his tool warned of",
        [alice],
        [
            says(alice, False, SPRING, method="tool:lint"),
            says(alice, counted=False, state="ok", newest=False),
        ],
    )
    vector(
        "expired-after-warning",
        NOT_COUNTED,
        "what was ended stays so when the newer one expires",
        [alice],
        [says(alice, False, SPRING, **over), says(alice, expires=iso(AUTUMN), state="expired")],
    )
    vector(
        "withdrawn",
        NOT_COUNTED,
        "a withdrawal ends all that is older, whatever its topic",
        [alice],
        [
            says(alice, made=SPRING, **over),
            says(alice, False, SPRING, base=OTHER, **over),
            says(alice, False, SPRING, method="tool:lint", **over),
            withdraws(alice),
        ],
    )
    vector(
        "withdrawn-and-said-again",
        ENOUGH,
        "what is newer than a withdrawal stands",
        [alice],
        [withdraws(alice, SPRING, **over), says(alice)],
    )
    vector(
        "same-second-warning",
        BAD,
        "in one second a warning is the newest",
        [alice],
        [
            says(alice, **over),
            says(alice, False),
            withdraws(alice, SUMMER, **over),
        ],
    )
    vector(
        "same-second-withdrawal",
        NOT_COUNTED,
        "then a withdrawal",
        [alice],
        [says(alice, **over), withdraws(alice, SUMMER)],
    )
    vector(
        "future-ok",
        NOT_COUNTED,
        "an ok more than ten minutes ahead",
        [alice],
        [says(alice, made=NOW + 601, state="future")],
    )
    vector(
        "ten-minutes-ahead",
        ENOUGH,
        "clocks differ by ten minutes",
        [alice],
        [says(alice, made=NOW + 600)],
    )
    vector(
        "future-ends-nothing",
        ENOUGH,
        "an ok and a withdrawal with a clock a year ahead end neither",
        [alice],
        [
            says(alice),
            says(alice, made=NOW + 365 * DAY, state="future", newest=False),
            withdraws(alice, NOW + 365 * DAY, state="future", newest=False),
        ],
    )
    vector(
        "future-warning",
        BAD,
        "a warning counts before its time",
        [alice],
        [
            says(alice, **over),
            says(alice, False, NOW + 365 * DAY, state="future", counted=True),
        ],
    )
    vector(
        "future-ok-after-warning",
        BAD,
        "an ok in the future ends no warning yet",
        [alice],
        [says(alice, False), says(alice, made=NOW + DAY, state="future", newest=False)],
    )


def keys() -> None:
    bob = person("bob", kind="p256")
    stolen = person("alice").revoked(AUTUMN, 2)
    vector(
        "revoked-hard",
        NOT_COUNTED,
        "a compromised key: its oks fall whatever their date",
        [stolen],
        [says(stolen, state="key-revoked")],
    )
    vector(
        "revoked-hard-warning",
        BAD,
        "and its warnings stand",
        [stolen, bob],
        [says(stolen, False, state="key-revoked", counted=True), says(bob)],
    )
    vector(
        "revoked-hard-ok-after-warning",
        BAD,
        "its newer ok falls, so the warning is not ended any more",
        [stolen, bob],
        [
            says(stolen, False, SPRING, state="key-revoked", counted=True),
            says(stolen, state="key-revoked", newest=False),
            says(bob),
        ],
    )
    vector(
        "revoked-hard-untrusted",
        ENOUGH,
        "until the user ends the trust in it",
        [stolen, bob],
        [says(stolen, False, state="key-revoked"), says(bob)],
        trusted=[bob.fingerprint],
    )
    alice = person("alice")
    subkey = alice.subkey(revoked=(AUTUMN, 2))
    vector(
        "stolen-subkey-only-takes-away",
        NOT_COUNTED,
        "a newer word of a stolen subkey ends the older ok: no older ok is revived",
        [alice],
        [
            says(alice, made=SPRING, state="superseded", newest=False),
            says(alice, by=subkey, state="key-revoked"),
        ],
    )
    vector(
        "stolen-subkey-ends-no-warning",
        BAD,
        "its withdrawal takes no warning away, also if it once counted",
        [alice, bob],
        [
            says(alice, False, SPRING),
            withdraws(alice, SUMMER, by=subkey, state="key-revoked", kept=True, newest=False),
            says(bob),
        ],
    )
    vector(
        "stolen-subkey-copy",
        ENOUGH,
        "the same words in the same second by a stolen subkey take nothing away",
        [alice],
        [says(alice), says(alice, by=subkey)],
    )
    retired = person("alice").revoked(AUTUMN, 3)
    vector(
        "revoked-soft-before",
        ENOUGH,
        "retired: what was signed before stands",
        [retired],
        [says(retired, met=SUMMER)],
    )
    vector(
        "revoked-soft-after",
        NOT_COUNTED,
        "what was signed after does not",
        [retired],
        [says(retired, made=AUTUMN + DAY, state="key-revoked")],
    )
    vector(
        "revoked-soft-warning-after",
        ENOUGH,
        "nor does a warning",
        [retired, bob],
        [says(retired, False, AUTUMN + DAY, state="key-revoked"), says(bob)],
    )
    vector(
        "revoked-soft-warning-kept",
        BAD,
        "unless it counted when it was met: no revocation turns bad into ok",
        [retired, bob],
        [
            says(
                retired,
                False,
                AUTUMN + DAY,
                state="key-revoked",
                counted=True,
                kept=True,
                sources=(),
            ),
            says(bob),
        ],
    )
    vector(
        "revoked-soft-withdrawal-kept",
        ENOUGH,
        "a withdrawal that counted when it was met keeps its warning ended",
        [retired, bob],
        [
            says(retired, False, state="superseded", newest=False),
            withdraws(retired, AUTUMN + DAY, state="key-revoked", kept=True),
            says(bob),
        ],
    )
    vector(
        "revoked-soft-ends-nothing",
        ENOUGH,
        "what a retired key signed after its end ends no older ok",
        [retired],
        [
            says(retired),
            withdraws(retired, AUTUMN + DAY, state="key-revoked", newest=False),
        ],
    )
    revived = person("alice").revoked(AUTUMN, 3)
    revived.certificates[0] += revived.key.named(revived.name, AUTUMN + 9 * DAY, bare=True)
    vector(
        "revoked-soft-revived",
        NOT_COUNTED,
        "a later self-signature does not undo it",
        [revived],
        [says(revived, made=AUTUMN + 10 * DAY, state="key-revoked")],
    )
    short = person("alice", expires=365 * DAY)
    end = BORN + 365 * DAY
    vector(
        "expired-key-before",
        ENOUGH,
        "signed and first met in the life of the key",
        [short],
        [says(short, met=end)],
    )
    vector(
        "expired-key-after",
        NOT_COUNTED,
        "signed after its end",
        [short],
        [says(short, made=end + DAY, state="key-expired")],
    )
    vector(
        "late",
        ENOUGH,
        "first met after the end of its key: shown as late",
        [short],
        [says(short, met=end + 1, state="late", counted=True)],
    )
    vector(
        "late-refused",
        NOT_COUNTED,
        "and refused where the policy says so",
        [short],
        [says(short, met=end + 1, state="late")],
        policy={"late": "refuse"},
    )
    vector(
        "late-untrusted",
        NOT_COUNTED,
        "late hides nothing: the key is not trusted",
        [short],
        [says(short, met=end + 1, state="late")],
        trusted=[],
    )
    vector(
        "late-warning",
        BAD,
        "a warning is never too late",
        [short, bob],
        [says(short, False, met=end + 1, state="late", counted=True), says(bob)],
        policy={"late": "refuse"},
    )
    for name, answer, more in (
        ("late-ok-after-warning", ENOUGH, {}),
        ("late-ok-after-warning-refused", BAD, {"late": "refuse"}),
    ):
        refuses = bool(more)
        vector(
            name,
            answer,
            "a late ok ends a warning only where late counts",
            [short, bob],
            [
                says(
                    short,
                    False,
                    SPRING,
                    met=SPRING,
                    **({} if refuses else {"state": "superseded", "newest": False}),
                ),
                says(short, met=end + 1, state="late", counted=not refuses, newest=not refuses),
                says(bob),
            ],
            policy=more,
        )
    renewed = person("alice", expires=365 * DAY)
    renewed.certificates = [
        renewed.key.public + renewed.key.named(renewed.name, AUTUMN, expires=9 * 365 * DAY)
    ]
    vector(
        "renewed",
        ENOUGH,
        "only the renewed copy of the certificate is known, younger than the statement",
        [renewed],
        [says(renewed, made=SPRING)],
    )


def sources() -> None:
    alice, bob, mallory = trio()
    vector(
        "stale",
        NOT_COUNTED,
        "all its sources are out of date",
        [alice],
        [says(alice, stale=True, state="stale")],
    )
    vector(
        "stale-counts",
        ENOUGH,
        "where the policy says so",
        [alice],
        [says(alice, stale=True, state="stale", counted=True)],
        policy={"stale": "count"},
    )
    vector(
        "stale-unreviewed",
        NOT_COUNTED,
        "and stale hides nothing",
        [alice],
        [says(alice, stale=True, state="stale", reviewed=False)],
        policy={"stale": "count"},
    )
    vector(
        "stale-warning",
        BAD,
        "a warning is never too old",
        [alice],
        [says(alice, False, stale=True, state="stale", counted=True)],
    )
    vector(
        "stale-and-fresh",
        ENOUGH,
        "one fresh source is enough",
        [alice],
        [
            says(alice, stale=True, sources=("old",)),
            says(alice, sources=("new",), junk=sub(20, bytes(12))),
        ],
    )
    vector(
        "gone",
        NOT_COUNTED,
        "an ok that only memory has",
        [alice],
        [says(alice, sources=(), kept=True, state="stale")],
        policy={"stale": "count"},
    )
    vector(
        "gone-warning",
        BAD,
        "a warning that only memory has",
        [alice],
        [says(alice, False, sources=(), kept=True)],
    )
    vector(
        "gone-withdrawal",
        NOT_COUNTED,
        "a withdrawal that only memory has",
        [alice],
        [
            says(alice, state="superseded", newest=False),
            withdraws(alice, sources=(), kept=True),
        ],
    )
    vector(
        "repacked",
        BELOW,
        "one signature with other unhashed parts is one statement",
        [alice],
        [says(alice, sources=("a",)), says(alice, sources=("b",), junk=sub(20, bytes(12)))],
        policy={"ok": 2},
    )
    vector(
        "misfiled",
        NOT_COUNTED,
        "a genuine statement about another file, filed under this one: the program of 2016 took it",
        [alice, mallory],
        [says(alice, id=OTHER, filed=ID, state="invalid", sources=("mallory",))],
    )
    vector(
        "misfiled-here",
        ENOUGH,
        "a genuine statement about this file, filed elsewhere as well",
        [alice],
        [says(alice), says(alice, filed=OTHER, state="none", newest=False)],
    )
    vector(
        "changed-data",
        NOT_COUNTED,
        "a warning made an ok",
        [alice],
        [says(alice, False, state="invalid", change={"ok": True})],
    )
    vector(
        "changed-key",
        NOT_COUNTED,
        "signed by a stranger in the name of a friend",
        [alice, mallory],
        [says(mallory, state="unknown-key", claims=alice.fingerprint)],
    )
    vector(
        "forged-beside-genuine",
        ENOUGH,
        "what is forged in the name of a signer never takes the place of his word",
        [alice, mallory],
        [
            says(alice),
            says(
                mallory,
                made=AUTUMN,
                claims=alice.fingerprint,
                state="unknown-key",
                newest=False,
                comment="forged",
            ),
        ],
    )
    vector(
        "unknown-key",
        NOT_COUNTED,
        "no certificate",
        [alice],
        [says(alice, state="unknown-key")],
        certificates=[],
    )
    vector(
        "weak",
        NOT_COUNTED,
        "SHA-1 is shown and never counted",
        [alice],
        [says(alice, digest=2, state="weak")],
    )
    vector(
        "weak-warning",
        ENOUGH,
        "nor does a warning with SHA-1",
        [alice, bob],
        [says(alice, False, digest=2, state="weak"), says(bob)],
    )
    vector(
        "malformed-neighbour",
        ENOUGH,
        "what cannot be read is named, and its neighbours stand",
        [alice, bob],
        [says(alice, state="invalid", size="large"), says(bob)],
    )
    vector(
        "two-kinds",
        NOT_COUNTED,
        "a document with two reserved names is neither, a warning too",
        [alice],
        [
            says(alice, False, trust={}, state="invalid"),
            says(alice, True, type="root", state="invalid", newest=False),
        ],
    )


def ancestors() -> None:
    home = ANCESTOR / "home"
    filed = {}
    for source, path in (("own", home / "repo"), ("bob", home / "remotes" / "bob")):
        for id, listed in json.loads((path / "repo.json").read_bytes())["data"][
            "attestations"
        ].items():
            filed.setdefault(id, []).extend((source, one) for one in listed)
    certificates = [
        bytes(pysequoia.Cert.from_bytes(path.read_bytes()))
        for path in (home / "repo" / "key.asc", ANCESTOR / "bob-published" / "key.asc")
    ]
    alice, bob = (
        json.loads((path / "repo.json").read_bytes())["key"]
        for path in (home / "repo", ANCESTOR / "bob-published")
    )
    policy = {"not-ok": 0, "ok": 1}

    def about(id: str, states: list[tuple[str, bool, bool]]) -> list[dict[str, Any]]:
        lines = filed.get(id, [])
        assert len(lines) == len(states), id
        return [
            {
                "envelope": one,
                "sources": [source],
                "first-met": None,
                "stale": False,
                "kept": False,
                "state": state,
                "counted": counted,
                "newest": newest,
            }
            for (source, one), (state, counted, newest) in zip(lines, states, strict=True)
        ]

    ok, over = ("ok", True, True), ("superseded", False, False)
    stranger = ("untrusted", False, True)
    for name, trusted, expect, states in [
        ("hello.txt", [alice, bob], ENOUGH, [over, ok]),
        ("empty.bin", [alice, bob], ENOUGH, [ok]),
        ("hello.py", [alice, bob], ENOUGH, [ok]),
        ("bad.sh", [alice, bob], BAD, [("not-ok", True, True)]),
        ("unknown.txt", [alice, bob], "unknown no-statement", []),
        ("hello.py", [alice], UNTRUSTED, [stranger]),
        ("bad.sh", [alice], UNTRUSTED, [stranger]),
    ]:
        id = "sha256:" + hashlib.sha256((ANCESTOR / "files" / name).read_bytes()).hexdigest()
        without = "" if len(trusted) == 2 else "-without-bob"
        vector(
            f"ancestor-{name.replace('.', '-')}{without}",
            expect,
            f"{name} as the program of 2016 left it" + (", Bob not trusted" if without else ""),
            [],
            about(id, states),
            trusted=trusted,
            policy=policy,
            now=at("2026-11-21"),
            id=id,
            certificates=certificates,
        )


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for make in (answers, statements, words, keys, sources, ancestors):
        make()
    print(f"{len(WRITTEN)} vectors in {FOLDER}")


if __name__ == "__main__":
    main()
