"""People who sign in process at any time they like, a web in memory, and folders that read it.

What is signed here is put together by hand and by the smith (vectors/make_openpgp.py), apart from
the code under test, so that a story may also tell of what no honest program would write.

    bob = Party("bob")
    reader.follow(bob, trust=True)
    bob.says("sha256:…", ok=True)
    web.offer(bob)
    assert reader.fetch("bob").result == "new"
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sig.errors import NetworkError
from sig.gpg import certificate as certificates
from sig.gpg.agent import SecretKey
from sig.model.fingerprint import Fingerprint
from sig.model.verdict import Judged, Verdict
from sig.repo.transport import Progress, Response, Validators
from sig.verbs import fetch, remote, trust, verify
from sig.verbs.fetch import Fetched
from sig.verbs.workspace import Workspace
from tests.verbs.viewed import agrees, every_id
from tests.world import smith, trusted_state

NOW = 1_750_000_000
DAY = 86_400
NOBODY = Path("/nonexistent/policy.json")


def file_id(name: str) -> str:
    """The identifier of a file that has these words in it."""
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


FILE = file_id("a file")


def canonical(data: Any) -> bytes:
    """The bytes that are signed."""
    return json.dumps(data, sort_keys=True).encode()


class Party:
    """Someone with a key, and the statements that their repository offers."""

    def __init__(self, name: str, **key: Any) -> None:
        self.name = name
        self.key = smith().Key(**key)
        self.fingerprint = Fingerprint(self.key.fingerprint)
        self.uid = f"{name.capitalize()} <{name}@example.org>".encode()
        self.certificate: bytes = self.key.public + self.key.named(self.uid)
        self.url = f"https://{name}.example.org/"
        self.offered: list[dict[str, Any]] = []
        self.digests: dict[int, str] = {}
        self.sequence = 0

    @cached_property
    def short(self) -> str:
        """The last eight digits of the fingerprint."""
        return self.fingerprint[-8:]

    @property
    def key_asc(self) -> bytes:
        """The certificate as text."""
        return armored(self.certificate)

    def sign(self, data: Any, at: int) -> str:
        """A signature over some data, as an envelope has it."""
        signed = data if isinstance(data, bytes) else canonical(data)
        return base64.b64encode(self.key.sign(signed, at)).decode()

    def envelope(self, data: Any, at: int) -> dict[str, Any]:
        """An envelope around any data."""
        return {"data": data, "key": self.fingerprint, "sig": self.sign(data, at)}

    def statement(
        self, id: str = FILE, ok: bool = True, at: int = NOW - DAY, **fields: Any
    ) -> dict[str, Any]:
        """An attestation; reviewed unless the fields say otherwise."""
        data = {"id": id, "ok": ok, "reviewed": True} | fields
        return self.envelope(data, at)

    def withdrawal(self, id: str = FILE, at: int = NOW - DAY) -> dict[str, Any]:
        """What takes back all that was said before about a file."""
        return self.statement(id, False, at, reviewed=False, withdrawn=True)

    def says(self, id: str = FILE, ok: bool = True, at: int = NOW - DAY, **fields: Any) -> Any:
        """Sign a statement and offer it from the next publish on."""
        self.offered.append(self.statement(id, ok, at, **fields))
        return self.offered[-1]

    def repository(
        self,
        statements: Iterable[dict[str, Any]] | None = None,
        *,
        sequence: int | None = None,
        previous: dict[int, str] | None = None,
        at: int = NOW - DAY,
        filed: dict[str, Any] | None = None,
        **fields: Any,
    ) -> bytes:
        """A repo.json with these statements. `sequence` 0 leaves it out; the next one is default.

        `filed` are the attestations as they are, whatever they are.
        """
        if sequence is None:
            self.sequence = sequence = self.sequence + 1
        if filed is None:
            filed = {}
            for one in self.offered if statements is None else statements:
                filed.setdefault(one["data"]["id"], []).append(one)
        data: dict[str, Any] = {"attestations": filed, "version": "0.0.1"} | fields
        if sequence:
            if previous is None:
                steps = [d * 4**k for d in (1, 2, 3) for k in range(12)]
                wanted = {sequence - step for step in steps}
                previous = {n: d for n, d in self.digests.items() if n in wanted}
            data["sequence"] = sequence
            data["previous"] = {str(n): digest for n, digest in previous.items()}
            self.digests[sequence] = hashlib.sha256(canonical(data)).hexdigest()
        return canonical(self.envelope(data, at))


def armored(certificate: bytes) -> bytes:
    """Packets as text."""
    text = base64.encodebytes(certificate).decode()
    return (
        f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{text}-----END PGP PUBLIC KEY BLOCK-----\n"
    ).encode()


def retired(party: Party, at: int) -> bytes:
    """The certificate as text, its key retired at that time: a soft revocation."""
    return armored(party.key.public + party.key.revoke(at, 3) + party.key.named(party.uid))


Page = bytes | Exception | Callable[[], bytes]


class Web:
    """Pages by their URL, with an ETag each. What is not there is answered with 404."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        self.bodies: list[str] = []

    def offer(
        self, party: Party, repository: bytes | None = None, key_asc: bytes | None = None
    ) -> bytes:
        """Put up the repository of someone, a new state where none is given."""
        raw = party.repository() if repository is None else repository
        self.pages[party.url + "repo.json"] = raw
        self.pages[party.url + "key.asc"] = party.key_asc if key_asc is None else key_asc
        return raw

    def get(
        self,
        url: str,
        *,
        limit: int,
        validators: Validators | None = None,
        progress: Progress | None = None,
    ) -> Response:
        """The transport of all readers."""
        self.asked.append(url)
        page = self.pages.get(url, NetworkError("404 Not Found", reason="http"))
        if isinstance(page, Exception):
            raise page
        body = page() if callable(page) else page
        if len(body) > limit:
            raise NetworkError("too large", reason="too-large")
        etag = hashlib.sha256(body).hexdigest()
        if validators is not None and validators.etag == etag:
            return Response(None, validators, url)
        self.bodies.append(url)
        return Response(body, Validators(etag=etag), url)


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, at: int = NOW) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Agent:
    """A GnuPG that holds the key of one party and signs by the clock."""

    def __init__(self, party: Party | None, clock: Callable[[], int]) -> None:
        self._party = party
        self._clock = clock

    def secret_keys(self) -> tuple[SecretKey, ...]:
        if self._party is None:
            return ()
        key = self._party.fingerprint
        return (SecretKey(key, self._party.uid.decode(), (key,), None, True),)

    def secret_key(self, fingerprint: Fingerprint) -> SecretKey | None:
        return next((one for one in self.secret_keys() if one.fingerprint == fingerprint), None)

    def public_keys(self, text: str) -> tuple[Fingerprint, ...]:
        return ()

    def export(self, fingerprint: Fingerprint) -> bytes:
        assert self._party is not None
        return self._party.certificate

    def sign(self, data: bytes, signing_key: str, passphrase: str | None = None) -> bytes:
        assert self._party is not None
        made: bytes = self._party.key.sign(data, self._clock())
        return made


class Desk(Workspace):
    """A folder whose owner signs in process."""

    owner: Party | None = None

    def commit(self, *changes: Any) -> None:
        """Whatever a story is about: after each change the view says what the folder says.

        But where it is about very many statements, which all would be verified again.
        """
        super().commit(*changes)
        size = sum(path.stat().st_size for path in self.home.path.rglob("repo.json"))
        told = any(note.startswith("the view could not follow") for note in self.notes)
        assert size > 200_000 or told or agrees(self, every_id(self))

    @property
    def agent(self) -> Any:
        """The owner's key, without gpg."""
        return Agent(self.owner, self.now)


class Reader:
    """A folder of someone who follows others. `owner` is the party whose key it has, if any."""

    def __init__(
        self, path: Path, web: Web, owner: Party | None = None, site: Path = NOBODY
    ) -> None:
        self.path = path
        self.web = web
        self.clock = Clock()
        self.owner = owner
        self.site = site
        if owner is not None and not (path / "config").exists():
            from sig.verbs import setup

            setup.setup(self.workspace, owner.fingerprint)

    @property
    def workspace(self) -> Desk:
        """The folder, opened anew, as every command does."""
        desk = Desk(self.path, now=self.clock, transport=lambda: self.web, site=self.site)
        desk.owner = self.owner
        return desk

    @property
    def state(self) -> dict[str, bytes]:
        """What verdicts rest on, byte for byte; of `state` files all but the time of asking."""
        return trusted_state(self.path)

    def follow(
        self, party: Party, *, name: str = "", pin: bool = False, counts: bool = False
    ) -> None:
        """Add the remote of a party; `counts` also trusts the key, which is not fetched yet."""
        remote.add(
            self.workspace,
            name or party.name,
            party.url,
            key=party.fingerprint if pin or counts else None,
            trust=counts,
        )

    def trust(self, *parties: Party) -> None:
        """Let someone count whose certificate was met."""
        for party in parties:
            trust.add(self.workspace, party.fingerprint)

    def fetch(self, name: str, *, accept: bool = False) -> Fetched:
        """Ask one remote."""
        (found,) = fetch.fetch(self.workspace, [name], accept=accept)
        return found

    def fetch_all(self) -> list[Fetched]:
        """Ask all of them."""
        return fetch.fetch(self.workspace)

    def came(self, name: str, *, accept: bool = False) -> tuple[str, str | None]:
        """What came of asking one remote: result and reason."""
        found = self.fetch(name, accept=accept)
        return found.result, found.reason

    def verdict(self, id: str = FILE) -> Verdict:
        """What is believed of a file."""
        return verify.verify(self.workspace, [id])[0].verdict

    def answer(self, id: str = FILE) -> str:
        """The one word for a file: ok, bad, unverified, unknown, error."""
        return self.verdict(id).answer.value

    def lines(self, id: str = FILE) -> dict[str, Judged]:
        """The newest line of each signer."""
        return {one.key: one for one in self.verdict(id).statements if one.newest}

    def without_index(self, id: str = FILE) -> Verdict:
        """What is believed when there is no index."""
        (self.path / "index.sqlite").unlink(missing_ok=True)
        return self.verdict(id)


def fetched_since(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """The files that differ, sorted."""
    return sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))


def merged(*copies: bytes) -> bytes:
    """Several copies of one certificate as the program keeps them."""
    known = None
    for raw in copies:
        (met,) = certificates.read(raw)
        known = met if known is None else certificates.merge(known, met)
    assert known is not None
    return known.raw


@contextmanager
def nothing_changes(reader: Reader) -> Iterator[None]:
    """What verdicts rest on is byte for byte what it was, and so is the answer."""
    before, said = reader.state, reader.verdict()
    yield
    assert [] == fetched_since(before, reader.state)
    assert said == reader.verdict()
