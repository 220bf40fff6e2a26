"""The rooms, opened: everything that a verb may use. It introduces `repo`, `gpg` and `trust`.

1  Reading writes nothing and takes no lock; a commit that comes between is noticed and read anew.
2  The signature of `config` is verified before anything in it is used.
3  The index is never believed: what it gives is read and verified like a file from a stranger.
4  Where the index is missing, damaged or of another state, answers come from the files.
5  A folder of 2016 is read as it is, and converted by the first commit; its files are kept.
6  All files of one change are committed together; the index follows and may fail to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sig.errors import FormatError, GpgError, SignatureError, StoreError
from sig.gpg import certificate as certificates
from sig.gpg import verify
from sig.gpg.keys import Keys
from sig.model import strict, wire
from sig.model.attestation import Attestation, Malformed, UnverifiedAttestation
from sig.model.configuration import Configuration
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.verdict import State, Verdict
from sig.repo import layout
from sig.repo.home import Home
from sig.repo.index import Index, IndexStale, Row
from sig.trust import policy as policies
from sig.trust.decide import Weighed, decide
from sig.verbs.configuring import check_newest, remembered

if TYPE_CHECKING:
    from sig.gpg.agent import Agent
    from sig.repo.transport import Transport

_T = TypeVar("_T")

# Statements that are weighed together, where there are many questions.
_AT_ONCE = 128

SITE_POLICY = "/etc/xdg/sig/policy.json"


def site_policy_file() -> Path:
    """The policy of the machine, which a user can tighten and not loosen.

    Never found through the environment: whoever starts the program could move it.
    """
    if os.name == "posix" and os.uname().sysname != "Darwin":
        return Path(SITE_POLICY)
    import platformdirs

    return Path(platformdirs.site_config_dir("sig", appauthor=False)) / "policy.json"


def folder_of(asked: str | os.PathLike[str] | None) -> Path:
    """Where the folder lies: where it is asked for, else at $SIG_DIR, else ~/.signet."""
    chosen = asked or os.environ.get("SIG_DIR")
    return Path(chosen) if chosen else Path.home() / ".signet"


def _no_network() -> Transport:
    from sig.repo.http import HttpTransport

    return HttpTransport()


class KeyFiles:
    """The files of certificates in a folder, those of an unfinished commit included."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def names(self) -> list[str]:
        """The names of all of them."""
        return self._home.names("keys")

    def read(self, name: str) -> bytes | None:
        """The bytes of one."""
        return self._home.read(f"keys/{name}")


class Workspace:
    """A folder and what belongs to it.

    `now` is the clock in whole seconds since 1970, `gnupg` a GNUPGHOME (None: the user's own),
    `transport` makes what fetches, `site` is the site-wide policy file. Nothing is opened yet.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], int] = lambda: int(time.time()),
        gnupg: Path | None = None,
        transport: Callable[[], Transport] = _no_network,
        site: Path | None = None,
    ) -> None:
        self.home = Home(path)
        self.now = now
        self.transport = transport
        self.notes: list[str] = []
        self.takes_any_config = False  # whoever sets this has asked the user
        self._gnupg = gnupg
        self._site = site_policy_file() if site is None else site
        self._index = Index(path / layout.INDEX)
        self.forget()

    def forget(self) -> None:
        """Drop what was read, because another process or a commit changed it."""
        self._config: Configuration | None = None
        self._keys: Keys | None = None
        self._policy: policies.Policy | None = None
        self._old: dict[Fingerprint, certificates.Certificate] | None = None
        # Ten thousand statements of one remote must not read its state as often.
        self._sources: dict[str, tuple[tuple[str, ...], bool, bool]] = {}
        self._strangers: set[Fingerprint] = set()

    def note(self, text: str) -> None:
        """Something that the user should know beside the answer; said once."""
        if text not in self.notes:
            self.notes.append(text)

    @property
    def agent(self) -> Agent:
        """The user's GnuPG."""
        from sig.gpg.agent import Agent

        return Agent(self._gnupg)

    @property
    def site(self) -> Path:
        """The file of the policy of the machine."""
        return self._site

    # --- reading ---------------------------------------------------------------------------------

    def consistent(self, read: Callable[[], _T]) -> _T:
        """What `read` gives, from one state of the folder (rule 1)."""

        def again() -> _T:
            self.forget()
            return read()

        return self.home.consistent(again)

    @property
    def config(self) -> Configuration:
        """The configuration; the default where there is no folder yet. Raises StoreError."""
        if self._config is None:
            self._config = self._read_config()
        return self._config

    def _read_config(self) -> Configuration:
        newest = remembered(self)  # before the file: a commit between the two is no older one
        raw = self.home.read(layout.CONFIG)
        if raw is None:
            check_newest(newest, Configuration(), None)
            return Configuration()
        try:
            found, signed, sig = wire.configuration(raw)
        except FormatError as error:
            raise StoreError(f"config is damaged: {error.message}", hint="sig doctor") from error
        if found.key is not None and sig is not None:
            try:
                # Whose key has ended since may still read the folder: only a forgery is refused.
                verify.check(signed, sig, found.key, self.certificate(found.key))
            except SignatureError as error:
                raise StoreError(
                    f"config is not signed by {found.key}: {error.message}", hint="sig doctor"
                ) from error
        check_newest(newest, found, signed)
        return found

    @property
    def is_old(self) -> bool:
        """Whether the program of 2016 wrote this folder and nothing has converted it (rule 5)."""
        return self.home.stat("version") is None and self.home.stat(layout.OLD_KEYBOX) is not None

    @property
    def keys(self) -> Keys:
        """Certificates that were met."""
        if self._keys is None:
            self._keys = Keys(KeyFiles(self.home))
        return self._keys

    def certificate(self, key: Fingerprint) -> certificates.Certificate | None:
        """The certificate of this key, as far as it was met."""
        if key in self._strangers:
            return None
        found = self.keys.get(key)
        if found is None and self.is_old:
            found = self.old_certificates.get(key)
        if found is None:
            self._strangers.add(key)
        return found

    @property
    def old_certificates(self) -> Mapping[Fingerprint, certificates.Certificate]:
        """Certificates in a folder of 2016, whose keyring only gpg can read (rule 5)."""
        if self._old is None:
            self._old = {}
            own = self.home.read(layout.CERTIFICATE)
            try:
                materials = [own, self.old_keybox()]
            except GpgError as error:
                materials = [own]
                self.note(f"the keys of this older folder cannot be read: {error.message}")
                if error.hint:
                    self.note(f"install gpg: {error.hint}")
            for raw in materials:
                for one in certificates.read(raw) if raw else ():
                    known = self._old.get(one.fingerprint)
                    self._old[one.fingerprint] = (
                        one if known is None else certificates.merge(known, one)
                    )
        return self._old

    def old_keybox(self) -> bytes:
        """The keyring of a folder of 2016. Raises GpgError, without which nothing is converted."""
        from sig.gpg.agent import export_keybox

        return export_keybox(self.home.path / layout.OLD_KEYBOX)

    def known_keys(self) -> dict[Fingerprint, certificates.Certificate]:
        """Every certificate that was met, by fingerprint."""
        found = dict(self.old_certificates) if self.is_old else {}
        for key in self.keys.fingerprints():
            one = self.keys.get(key)
            if one is not None:
                found[key] = one
        return found

    @property
    def policy(self) -> policies.Policy:
        """The user's policy, tightened by the site's. Raises StoreError for what is not known."""
        if self._policy is None:
            try:
                own = policies.read(self.config.policy)
            except FormatError as error:
                raise StoreError(
                    f"the policy cannot be followed: {error.message}", hint="sig config policy"
                ) from error
            self._policy = self._tightened(own)
        return self._policy

    def _tightened(self, own: policies.Policy) -> policies.Policy:
        try:
            raw = self._site.read_bytes()
        except FileNotFoundError:
            return own
        except NotADirectoryError:
            return own
        except OSError as error:
            raise StoreError(f"the policy of this machine, {self._site}, is unreadable") from error
        try:
            value = strict.read(raw)
            if type(value) is not dict:
                raise FormatError("not an object")
            return policies.tightened(policies.read(value), own)
        except FormatError as error:
            raise StoreError(
                f"the policy of this machine, {self._site}, cannot be followed: {error.message}"
            ) from error

    # --- statements ------------------------------------------------------------------------------

    def source_files(self) -> dict[str, str]:
        """The sources of statements and their files."""
        return layout.source_files(remote.name for remote in self.config.remotes)

    def stamps(self) -> dict[str, str]:
        """What the files of the sources look like now; the index must be of this state."""
        found = {}
        for source, name in self.source_files().items():
            stamp = self.home.stat(name)
            if stamp is not None:
                found[source] = stamp
        return found

    def rows(self, ids: Collection[str]) -> Mapping[str, list[Row]]:
        """Every statement that is filed under these identifiers (rules 3 and 4)."""
        if not self.home.exists:
            return {}
        try:
            return self._index.lookup(ids, self.stamps())
        except IndexStale:
            from sig.verbs.ledger import rows_of_files

            return rows_of_files(self, frozenset(ids))

    def weigh(self, rows: Iterable[Row]) -> list[Weighed]:
        """The statements with all that is known about them; signatures are verified here."""
        # First all are read, then all are verified: each is quicker while nothing else runs.
        read = [(row, read_row(row)) for row in rows]
        return [self._weighed(row, unverified) for row, unverified in read]

    def _weighed(self, row: Row, unverified: UnverifiedAttestation | Malformed) -> Weighed:
        attested: Attestation | None = None
        refused: State | None = None
        why = ""
        uid = ""
        if isinstance(unverified, Malformed):
            key = unverified.key or ""
            refused, why = State.INVALID, unverified.why
        else:
            key = unverified.key
            certificate = self.certificate(unverified.key)
            uid = "" if certificate is None else certificate.uid
            try:
                attested = attest(unverified, certificate)
            except SignatureError as error:
                refused, why = State(error.state), error.message
                if row.source == layout.KEPT:
                    from sig.verbs.remembering import believed

                    attested = believed(self, unverified, error.message)
        sources, stale, kept = self._sources.get(row.source) or self._source(row.source)
        return Weighed(
            id=row.id,
            key=key,
            uid=uid,
            attestation=attested,
            refused=refused,
            why=why,
            unverified=unverified,
            sources=sources,
            first_met=row.first_met,
            stale=stale,
            kept=kept,
        )

    def _source(self, source: str) -> tuple[tuple[str, ...], bool, bool]:
        """What all statements of one source have in common: `sources`, `stale` and `kept`."""
        name = source.removeprefix("remote:")
        end = None
        if name != source:
            from sig.repo import remotes

            end = remotes.expires(self.home.read(layout.remote_state(name)))
        kept = source == layout.KEPT
        found = (() if kept else (name,), end is not None and end < self.now(), kept)
        self._sources[source] = found
        return found

    def decide(self, id: Identifier, rows: Iterable[Row]) -> Verdict:
        """What is believed of the bytes with this identifier."""
        return decide(id, self.weigh(rows), self.config.trust, self.policy, self.now())

    def verdicts(self, ids: Collection[Identifier]) -> dict[Identifier, Verdict]:
        """What is believed of the bytes with these identifiers."""
        from sig.verbs.scopes import scoped

        rows = dict(self.rows(ids))
        for id, more in scoped(self, ids).items():
            rows[id] = [*rows.get(id, ()), *more]
        found: dict[Identifier, Verdict] = {}
        batch: dict[Identifier, Sequence[Row]] = {}
        held = 0
        for id in ids:
            batch[id] = rows.get(id, ())
            held += len(batch[id])
            if held >= _AT_ONCE:
                self._decide(batch, found)
                batch, held = {}, 0
        self._decide(batch, found)
        return found

    def _decide(
        self, rows: Mapping[Identifier, Sequence[Row]], found: dict[Identifier, Verdict]
    ) -> None:
        weighed = iter(self.weigh(row for listed in rows.values() for row in listed))
        trusted, policy, now = self.config.trust, self.policy, self.now()
        for id, listed in rows.items():
            about = list(islice(weighed, len(listed)))
            found[id] = decide(id, about, trusted, policy, now)

    # --- writing ---------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Alone in the folder: what is read inside stays as it is until `commit`."""
        with self.home.writing():
            self.forget()
            if self.is_old:
                from sig.verbs.ledger import converted

                self.commit(converted(self))
            yield

    def commit(
        self,
        changes: Mapping[str, bytes | None],
        read_already: Mapping[str, list[Any]] | None = None,
    ) -> None:
        """Write these files, all or none, and let the index follow (rule 6).

        `read_already` gives the lines of sources whose files were read in another process.
        """
        from sig.verbs.ledger import follow

        follow(self, self._index, changes, read_already or {})

    @property
    def index(self) -> Index:
        """The index, for `doctor`."""
        return self._index


def attest(
    unverified: UnverifiedAttestation, certificate: certificates.Certificate | None
) -> Attestation:
    """The border: what its key really signed. Raises SignatureError with the state to show."""
    made = verify.check(unverified.signed, unverified.sig, unverified.key, certificate)
    return Attestation(
        statement=unverified.statement,
        key=unverified.key,
        signed=unverified.signed,
        sig=unverified.sig,
        signed_at=made.made_at,
        signature_expires=made.expires_at,
        standing=made.standing,
        why=made.why,
        key_end=made.key_end,
        tst=unverified.tst,
    )


def read_row(row: Row) -> UnverifiedAttestation | Malformed:
    """The statement of a row of the index, read as strictly as a stranger's file (rule 3)."""
    try:
        value = strict.read(row.text, envelope=True)
    except FormatError as error:
        return Malformed(row.id, None, error.message)
    if row.malformed:
        known = value if type(value) is dict else {}
        return Malformed(row.id, known.get("key"), str(known.get("why", "")))
    return wire.filed_attestation(row.id, value, depth_checked=True)
