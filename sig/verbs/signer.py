"""The own key at work: what it signs is verified before it is kept.

1  Every signing command takes the newest own certificate from GnuPG, merged with what is known.
2  The key that signs is the primary where it can, for the program of 2016 knows no subkeys.
3  What gpg made is checked like a stranger's signature: one packet, right bytes, sound key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sig.errors import GpgError, NoKey, SignatureError
from sig.gpg import certificate as certificates
from sig.gpg import verify
from sig.gpg.keys import file_name
from sig.model import instant
from sig.model.fingerprint import Fingerprint
from sig.model.standing import Standing
from sig.repo import layout

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

PROCESSES = 2


class Signer:
    """Signs as `key` through the user's GnuPG.

    `passphrase` None leaves the question to agent, pinentry or card. Raises NoKey where the
    folder has no own key and none is given, GpgError where GnuPG has not its secret part.
    """

    def __init__(
        self,
        workspace: Workspace,
        passphrase: str | None = None,
        key: Fingerprint | None = None,
    ) -> None:
        chosen = workspace.config.key if key is None else key
        if chosen is None:
            raise NoKey("this folder has no own key", hint="sig setup")
        self.key = chosen
        self._agent = workspace.agent
        self._passphrase = passphrase
        secret = self._agent.secret_key(chosen)
        if secret is not None and secret.expires is not None and secret.expires <= workspace.now():
            raise GpgError(
                f"the own key {chosen} expired on {instant.day(secret.expires)}",
                hint=f"gpg --quick-set-expire {chosen} 2y",
            )
        if secret is None or not secret.usable:
            raise GpgError(f"GnuPG has no secret key of {chosen} that can sign", hint="sig doctor")
        self._signing_key = secret.signing[0]
        self.certificate = self._refreshed(workspace)
        self._known = {
            f"keys/{file_name(chosen)}": workspace.home.read(f"keys/{file_name(chosen)}"),
            layout.CERTIFICATE: workspace.home.read(layout.CERTIFICATE),
        }

    def _refreshed(self, workspace: Workspace) -> certificates.Certificate:
        """Rule 1. gpg drops older self-signatures, so its copy alone could lose what was signed."""
        (found,) = certificates.read(self._agent.export(self.key), wanted=self.key)
        known = workspace.certificate(self.key)
        if known is not None:
            found = certificates.merge(known, found)
        published = workspace.home.read(layout.CERTIFICATE)
        if published is not None:
            for one in certificates.read(published):
                if one.fingerprint == self.key:
                    found = certificates.merge(found, one)
        return found

    def changes(self) -> dict[str, bytes | None]:
        """The own certificate's files, where the newest one differs."""
        wanted = {
            f"keys/{file_name(self.key)}": self.certificate.raw,
            layout.CERTIFICATE: self.certificate.armored(),
        }
        return {name: raw for name, raw in wanted.items() if self._known[name] != raw}

    def sign(self, signed: bytes) -> bytes:
        """One signature packet over these bytes, verified (rule 3). Raises GpgError."""
        sig = self._agent.sign(signed, self._signing_key, self._passphrase)
        try:
            made = verify.check(signed, sig, self.key, self.certificate)
        except SignatureError as error:
            raise GpgError(
                f"gpg made a signature that does not verify: {error.message}"
                " (an option in /etc/gnupg/gpg.conf may be the reason)",
                hint="sig doctor",
            ) from error
        if made.standing is not Standing.SOUND:
            raise GpgError(f"the own key cannot sign: {made.why}", hint="sig doctor")
        return sig

    def sign_all(
        self,
        documents: Sequence[bytes],
        progress: Callable[[int, int], None] | None = None,
    ) -> list[bytes]:
        """One signature each, in order. The first alone, so that a passphrase is asked for once.

        `progress` is called with the number of those that are signed, and of all.
        """
        found: list[bytes] = []
        if documents:
            found.append(self.sign(documents[0]))
        with ThreadPoolExecutor(PROCESSES) as pool:
            for sig in pool.map(self.sign, documents[1:]):
                found.append(sig)
                if progress is not None:
                    progress(len(found), len(documents))
        return found
