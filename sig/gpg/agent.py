"""The one place that runs gpg: it lists, exports, makes and signs with the user's own keys.

The user's GnuPG keeps the secret keys: agent, card, pinentry and HSM stay what they are.

1  No option file is read but the system's: what gpg.conf says (``textmode``, ``local-user``,
   ``output`` …) must not change what is signed. /etc/gnupg/gpg.conf is still read by gpg.
2  A key is always named by its full fingerprint and ``!``: gpg would choose a subkey by itself.
3  A passphrase goes over a descriptor, never on a command line.
4  What gpg made is not believed here: the caller verifies it before it is kept.
5  The user's keyring is never written, except by `generate`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sig.errors import GpgError
from sig.model.fingerprint import Fingerprint

_PROGRAMS = ("gpg", "gpg2")


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key that the user can sign with, as gpg lists it.

    `signing` are the fingerprints of its (sub)keys that can sign and whose secret is at hand,
    the primary first. `expires` is in seconds since 1970.
    """

    fingerprint: Fingerprint
    uid: str
    signing: tuple[str, ...]
    expires: int | None
    usable: bool


def program() -> str:
    """The path of gpg. Raises GpgError with the command that installs it."""
    for name in _PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise GpgError("gpg is not installed", hint="apt-get install gpg gpg-agent")


def version() -> str:
    """The version of gpg, like ``2.2.40``. Raises GpgError."""
    try:
        told = subprocess.run(  # noqa: S603
            [program(), "--no-options", "--version"],
            capture_output=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise GpgError("gpg does not start") from error
    return told.stdout.split(b"\n")[0].split()[-1].decode("ascii", "replace")


def _last_words(stderr: str) -> str:
    """What gpg said last, for people, without its status lines."""
    lines = [
        line.removeprefix("gpg: ")
        for line in stderr.splitlines()
        if line.startswith("gpg: ") and "WARNING" not in line and line[5:].strip()
    ]
    return lines[-1] if lines else "no reason was given"


class Agent:
    """The user's GnuPG. `home` is a GNUPGHOME; None means the user's own."""

    def __init__(self, home: Path | None = None) -> None:
        self._home = home
        self._made: Any = None

    def _gpg(self) -> Any:
        # Making one runs gpg to ask its version: for a hundred signatures that is half of the time.
        if self._made is not None:
            return self._made
        import gnupg

        home = None if self._home is None else str(self._home)
        try:
            found = gnupg.GPG(gpgbinary=program(), gnupghome=home, options=["--no-options"])
        except (OSError, ValueError) as error:
            raise GpgError(f"gpg does not start: {error}") from error
        # User ids are UTF-8; whatever else stands in a listing must not raise in a reader thread.
        found.encoding = "utf-8"
        found.decode_errors = "replace"
        self._made = found
        return found

    def secret_keys(self) -> tuple[SecretKey, ...]:
        """Every key with a secret part, in gpg's order."""
        listed = self._gpg().list_keys(secret=True)
        return tuple(
            _secret_key(entry) for entry in listed if len(entry["fingerprint"]) in (40, 64)
        )

    def secret_key(self, fingerprint: Fingerprint) -> SecretKey | None:
        """The secret key of this certificate, if the user has one."""
        found = [key for key in self.secret_keys() if key.fingerprint == fingerprint]
        return found[0] if found else None

    def public_keys(self, text: str) -> tuple[Fingerprint, ...]:
        """Fingerprints in the user's keyring that end in these hex digits."""
        listed = self._gpg().list_keys(keys="0x" + text)
        ends = text.upper()
        return tuple(
            Fingerprint(entry["fingerprint"])
            for entry in listed
            if len(entry["fingerprint"]) in (40, 64) and entry["fingerprint"].endswith(ends)
        )

    def export(self, fingerprint: Fingerprint) -> bytes:
        """The public certificate as the user's keyring has it, binary. Empty where it has none."""
        return bytes(self._run(["--export", f"0x{fingerprint}"]))

    def generate(self, uid: str, passphrase: str | None) -> Fingerprint:
        """Make a new Ed25519 key for `uid` in the user's keyring (rule 5) that does not expire.

        With `passphrase` None the agent asks for one; "" makes a key without.
        """
        arguments = ["--status-fd", "1"]
        if passphrase is not None:
            arguments += ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
        arguments += ["--quick-gen-key", uid, "ed25519", "sign", "never"]
        told = self._run(arguments, stdin=None if passphrase is None else passphrase.encode())
        for line in told.split(b"\n"):
            words = line.split()
            if words[:2] == [b"[GNUPG:]", b"KEY_CREATED"]:
                try:
                    return Fingerprint(words[3].decode("ascii"))
                except (IndexError, ValueError):
                    break
        raise GpgError("gpg made no key")

    def sign(self, data: bytes, signing_key: str, passphrase: str | None = None) -> bytes:
        """One detached binary signature over `data` by exactly this (sub)key.

        With `passphrase` None the agent asks, by pinentry or card. Not verified here (rule 4).
        """
        made = self._gpg().sign(
            data,
            keyid=signing_key + "!",
            detach=True,
            binary=True,
            clearsign=False,
            # python-gnupg does not write an empty one, and gpg would take the first line of data.
            passphrase=passphrase or None,
            # SHA-256 fails with P-384 and P-521; SHA-512 works with all.
            extra_args=["--digest-algo", "SHA512"],
        )
        if not made.data:
            raise GpgError(
                f"gpg could not sign: {_last_words(made.stderr or '')}", hint="sig doctor"
            )
        return bytes(made.data)

    def _run(self, arguments: Iterable[str], stdin: bytes | None = None) -> bytes:
        command = [program(), "--no-options", "--batch", "--no-tty"]
        if self._home is not None:
            command += ["--homedir", str(self._home)]
        try:
            told = subprocess.run(  # noqa: S603
                [*command, *arguments],
                input=b"" if stdin is None else stdin,
                capture_output=True,
                check=False,
                timeout=600,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise GpgError(f"gpg does not run: {error}") from error
        if told.returncode != 0:
            raise GpgError("gpg: " + _last_words(told.stderr.decode("utf-8", "replace")))
        return told.stdout


def _secret_key(entry: Any) -> SecretKey:
    # A token of "#": the secret part is elsewhere. Small letters are this key's own powers.
    bad = set("ire")
    signing = []
    if "s" in entry["cap"] and entry["token"] != "#" and entry["trust"] not in bad:
        signing.append(entry["fingerprint"])
    info = entry.get("subkey_info", {})
    for keyid, powers, fingerprint, *_ in entry.get("subkeys", []):
        about = info.get(keyid, {})
        if "s" in powers and about.get("token") != "#" and about.get("trust") not in bad:
            signing.append(fingerprint)
    expires = entry["expires"]
    return SecretKey(
        fingerprint=Fingerprint(entry["fingerprint"]),
        uid=entry["uids"][0] if entry["uids"] else "",
        signing=tuple(signing),
        expires=int(expires) if expires else None,
        usable=bool(signing),
    )


def export_keybox(keybox: Path) -> bytes:
    """All certificates of a keyring file, without touching it or its folder.

    gpg sees a copy in a throw-away GNUPGHOME, for it writes beside whatever it opens.
    """
    with tempfile.TemporaryDirectory(prefix="sig-") as temporary:
        home = Path(temporary)
        os.chmod(home, 0o700)
        shutil.copyfile(keybox, home / "copy.kbx")
        told = Agent(home)._run(
            ["--no-default-keyring", "--keyring", str(home / "copy.kbx"), "--export"]
        )
        stop = shutil.which("gpgconf")
        if stop is not None:
            subprocess.run(  # noqa: S603
                [stop, "--homedir", str(home), "--kill", "all"], capture_output=True, check=False
            )
        return bytes(told)
