"""A repository is checked as a stream, and many large ones do not fill the memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from sig.model import limits
from sig.repo import layout
from sig.repo.transport import Response
from sig.verbs import checking, downloading, fetch
from sig.verbs.checking import Refusal, check
from tests.verbs.parties import NOW, Party, Reader, Web, canonical, file_id


@pytest.fixture
def served(tmp_path: Path) -> Any:
    """The check of what someone serves, in a folder that knows nobody."""

    def run(party: Party, raw: bytes) -> checking.Checked:
        return check(raw, party.key_asc, None, tmp_path, NOW)

    return run


def loosely(raw: bytes) -> bytes:
    """The same document, laid out for reading."""
    return json.dumps(json.loads(raw), indent=1, ensure_ascii=False).encode()


def test_the_layout_of_a_file_is_nobodys_word(served: Any) -> None:
    """What was signed is what counts, however it lies there."""
    bob = Party("bob")
    for name in "abc":
        bob.says(file_id(name), comment=f'{name} ü "}}')
    raw = bob.repository()
    plain = served(bob, raw)
    assert 3 == len(plain.lines)
    for other in (loosely(raw), raw + b"\n", b" " + raw, raw.replace(b'"ok": ', b'"ok":', 1)):
        found = served(bob, other)
        assert (plain.digest, plain.lines) == (found.digest, found.lines)


def test_an_owner_signs_the_one_form_only(served: Any) -> None:
    """Bytes with a space more that the owner's key signed are not the document's signed bytes."""
    bob = Party("bob")
    bob.says(ok=False)
    data = json.loads(bob.repository())["data"]
    for signed in (
        canonical(data).replace(b'"ok": ', b'"ok":  ', 1),
        canonical(data).replace(b'"version"', b'"versi\\u006fn"'),
        canonical(data).replace(b'{"attestations"', b'{"zzz": 1, "attestations"', 1),
        canonical(data)[:-1] + b', "version": "0.0.1"}',
    ):
        sig = bob.sign(signed, NOW)
        raw = b'{"data": %s, "key": "%s", "sig": "%s"}' % (
            signed,
            bob.fingerprint.encode(),
            sig.encode(),
        )
        with pytest.raises(Refusal) as refused:
            served(bob, raw)
        assert refused.value.reason == "format"
        assert refused.value.result == "failed"


def test_a_statement_that_was_changed_after_signing_is_not_read(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's signature comes first: not one statement of a forged file is verified."""
    bob = Party("bob")
    bob.says()
    raw = bob.repository()
    monkeypatch.setattr(checking, "attest", None)
    forged = raw.replace(b'"ok": true', b'"ok": false', 1)
    assert forged != raw
    for each in (forged, loosely(forged)):
        with pytest.raises(Refusal) as refused:
            served(bob, each)
        assert ("refused", "signature") == (refused.value.result, refused.value.reason)


def test_words_before_the_damage_are_not_kept(served: Any) -> None:
    """A file that is signed, and whose end breaks a rule, brings nothing."""
    bob = Party("bob")
    bob.says(ok=False)
    raw = bob.repository(version="0.0.2")
    with pytest.raises(Refusal) as refused:
        served(bob, raw)
    assert ("failed", "format") == (refused.value.result, refused.value.reason)


def test_a_full_disk_is_the_failure_of_one_remote(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not in order goes through a file; where there is no room, others go on."""
    bob = Party("bob")
    bob.says()

    def full() -> Any:
        return open("/dev/full", "w+b", buffering=0)

    monkeypatch.setattr(layout, "spool", full)
    served(bob, bob.repository())
    with pytest.raises(Refusal) as refused:
        served(bob, loosely(bob.repository()))
    assert ("failed", "too-large") == (refused.value.result, refused.value.reason)
    assert "no space left" in refused.value.message


def test_malformed_statements_are_counted_and_only_some_are_kept(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They explain; ten million of them explain no more."""
    monkeypatch.setattr("sig.verbs.ledger.MALFORMED_MOST", 5)
    bob = Party("bob")
    good = bob.statement(file_id("x"))
    found = served(bob, bob.repository(filed={file_id("x"): [1] * 20 + [good]}))
    assert 20 == found.refused
    assert [True] * 5 + [False] == [line.met is None for line in found.lines]


SIZE = """
import resource, sys
from pathlib import Path
from sig.model.fingerprint import Fingerprint
from sig.verbs.checking import check
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
folder, key, now, most = Path(sys.argv[1]), Fingerprint(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
raw = (folder / "repo.json").read_bytes()
small = (folder / "small.json").read_bytes()
key_asc = (folder / "key.asc").read_bytes()
check(small, key_asc, key, folder / "none", now)  # what is loaded and made once
before = peak()
found = check(raw, key_asc, key, folder / "none", now)
used = (peak() - before) / len(raw)
assert len(found.lines) > 1000
assert used < float(most), used
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in KiB on Linux")
@pytest.mark.parametrize(("layout", "most"), [("as it should be", 4), ("loose", 6)])
def test_a_check_takes_a_few_times_the_file(tmp_path: Path, layout: str, most: int) -> None:
    """Parsed at once it took thirteen times as much; a file may have 256 MiB."""
    bob = Party("bob")
    sig = bob.statement(file_id("x"))["sig"]
    # As many signatures would take longer to make than to check: these prove nothing.
    many = [
        {"data": {"id": file_id(str(n)), "ok": True, "reviewed": True}, "key": "A" * 40, "sig": sig}
        for n in range(30_000)
    ]
    small, raw = bob.repository([]), bob.repository(many)
    assert len(raw) > 10 << 20
    if layout == "loose":
        raw = raw.replace(b'{"attestations"', b'{ "attestations"', 1)
    (tmp_path / "repo.json").write_bytes(raw)
    (tmp_path / "small.json").write_bytes(small)
    (tmp_path / "key.asc").write_bytes(bob.key_asc)
    arguments = [str(tmp_path), bob.fingerprint, str(NOW), str(most)]
    subprocess.run([sys.executable, "-c", SIZE, *arguments], check=True)


class Slow(Web):
    """Counts the requests that are under way, in all and of large bodies; some wait for `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.waiting: set[str] = set()
        self.under_way = 0
        self.most = 0
        self.most_large = 0
        self._large = 0
        self._lock = threading.Lock()

    def get(self, url: str, *, limit: int, **more: Any) -> Response:
        """As the web does, but slowly."""
        large = url.endswith("repo.json") and limit == limits.REPOSITORY
        with self._lock:
            self.under_way += 1
            self._large += large
            self.most = max(self.most, self.under_way)
            self.most_large = max(self.most_large, self._large)
        try:
            if url in self.waiting:
                assert self.go.wait(60)
            else:
                threading.Event().wait(0.01)
            return super().get(url, limit=limit, **more)
        finally:
            with self._lock:
                self.under_way -= 1
                self._large -= large


@pytest.fixture
def slow(tmp_path: Path) -> tuple[Slow, Reader]:
    """A web that can be slow, and a folder that follows nobody yet."""
    web = Slow()
    return web, Reader(tmp_path / "folder", web)


def test_large_repositories_are_fetched_one_after_the_other(
    slow: tuple[Slow, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """D3: sixteen times 256 MiB at once would not fit; and all of them come."""
    web, reader = slow
    people = [Party(f"p{number}") for number in range(6)]
    for one in people:
        one.says(file_id(one.name), comment="c" * 5000 * (one.name != "p0"))
        web.offer(one)
        reader.follow(one, counts=True)
    monkeypatch.setattr(downloading, "LARGE", 4096)
    found = reader.fetch_all()
    assert [("new", None)] * 6 == [(one.result, one.reason) for one in found]
    assert [2] * 6 == [len(one.requests) for one in found]
    assert 1 == web.most_large
    assert ["ok"] * 6 == [reader.answer(file_id(one.name)) for one in people]


def test_what_is_too_large_for_good_is_a_failure(
    slow: tuple[Slow, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """D3: the second try has a limit too, and a key.asc has no second try."""
    web, reader = slow
    bob, carol, dave = (Party(name) for name in ("bob", "carol", "dave"))
    for one in (bob, carol, dave):
        one.says(file_id(one.name), comment="c" * 2000)
        web.offer(one)
        reader.follow(one, counts=True)
    monkeypatch.setattr(downloading, "LARGE", 1000)
    monkeypatch.setattr(limits, "REPOSITORY", 4000)
    web.pages[bob.url + "repo.json"] = b"x" * 4001
    web.pages[carol.url + "key.asc"] = b"x" * (limits.KEY_FILE + 1)
    found = {one.name: (one.result, one.reason) for one in reader.fetch_all()}
    wanted = {"bob": ("failed", "too-large"), "carol": ("failed", "too-large")}
    assert wanted | {"dave": ("new", None)} == found
    assert 2 == web.asked.count(bob.url + "repo.json")
    assert 1 == web.asked.count(carol.url + "key.asc")
    assert "ok" == reader.answer(file_id("dave"))


def test_remotes_that_drip_do_not_keep_others_from_being_asked(
    slow: tuple[Slow, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """D2: as many as are asked at once hang; whoever comes after them is asked, and committed."""
    web, reader = slow
    monkeypatch.setattr(downloading, "TURN", 0.2)
    monkeypatch.setattr(fetch, "PATIENCE", 0.05)
    monkeypatch.setattr(downloading, "AT_ONCE", 3)
    people = [Party(f"p{number}") for number in range(8)]
    for one in people:
        one.says(file_id(one.name))
        web.offer(one)
        reader.follow(one, counts=True)
    web.waiting = {one.url + "repo.json" for one in people[:6]}
    seen: list[str] = []

    def report(one: fetch.Fetched) -> None:
        seen.append(one.name)
        if {"p6", "p7"} <= set(seen):
            assert "ok" == reader.answer(file_id("p7"))
            web.go.set()

    found = fetch.fetch(reader.workspace, report=report)
    assert ["p6", "p7"] == sorted(seen[:2])
    assert [("new", None)] * 8 == [(one.result, one.reason) for one in found]


def test_not_all_are_asked_at_once(
    slow: tuple[Slow, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """D2: while all are quick."""
    web, reader = slow
    monkeypatch.setattr(downloading, "AT_ONCE", 3)
    for number in range(12):
        one = Party(f"p{number}")
        one.says()
        web.offer(one)
        reader.follow(one, counts=True)
    assert 12 == len([one for one in reader.fetch_all() if one.result == "new"])
    assert web.most <= 3
