"""The one tree of errors.

    SigError
    ├── UsageError            the words of the command are wrong              exit 2
    ├── FormatError           the bytes: not what the specification says      exit 1
    ├── SignatureError        the signature: who, whether, why not            exit 1
    ├── NotTrusted            the verdict                                     exit 1
    ├── Conflict              someone else changed it, or it is already there exit 1
    │   ├── Changed           a file differs from what was looked at
    │   └── RemoteExists      a remote of that name
    ├── NotFound              what was named is not here                      exit 1
    │   ├── NoKey             the folder has no own key
    │   ├── KeyNotFound       no such key
    │   ├── KeyAmbiguous      several keys end in these digits
    │   └── RemoteUnknown     no such remote
    ├── Refused               asked for, and not done                         exit 1
    └── Unavailable           could not ask                                   exit 4
        ├── NetworkError      the network
        ├── GpgError          GnuPG
        └── StoreError        the folder, the disk

Messages are lower case without a full stop. `hint` is the one next command, never one that
proposes to trust a key. `code` is the stable word of ``--json`` and `status` the exit status;
only `sig.cli` turns them into either.
"""

from __future__ import annotations


class SigError(Exception):
    """Everything that this program raises on purpose."""

    code = "internal"
    status = 4

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SigError):
    """The words of the command are wrong."""

    code = "usage"
    status = 2


class FormatError(SigError):
    """Bytes that are not what the specification says (docs/spec)."""

    code = "refused"
    status = 1


class SignatureError(SigError):
    """A signature that proves nothing.

    `state` is the word for it in verdicts: ``unknown-key``, ``invalid`` or ``weak``.
    """

    code = "refused"
    status = 1

    def __init__(self, message: str, *, state: str = "invalid", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.state = state


class NotTrusted(SigError):
    """The verdict does not allow what was asked for."""

    code = "refused"
    status = 1


class Conflict(SigError):
    """Someone else changed it, or it is already there."""

    code = "changed"
    status = 1


class Changed(Conflict):
    """A file differs from what was looked at."""


class RemoteExists(Conflict):
    """A remote of that name exists."""

    code = "remote-exists"


class NotFound(SigError):
    """What was named is not here."""

    code = "refused"
    status = 1


class NoKey(NotFound):
    """The folder has no own key, and this command signs."""

    code = "no-key"


class KeyNotFound(NotFound):
    """No key with this fingerprint or these last digits is known."""

    code = "key-not-found"


class KeyAmbiguous(NotFound):
    """Several known keys end in these digits; `matches` are (fingerprint, user id)."""

    code = "key-ambiguous"

    def __init__(self, message: str, matches: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.matches = matches


class RemoteUnknown(NotFound):
    """No remote of that name."""

    code = "remote-unknown"


class Refused(SigError):
    """Asked for, and not done."""

    code = "refused"
    status = 1


class Unavailable(SigError):
    """Could not ask: says nothing about what was asked."""

    status = 4


class NetworkError(Unavailable):
    """The network, or what was at its other end.

    `reason` is one of ``network``, ``http``, ``too-large``, ``format`` (the words of a fetch).
    """

    code = "network"

    def __init__(self, message: str, *, reason: str = "network", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class GpgError(Unavailable):
    """GnuPG is missing, or refused, or answered what it must not."""

    code = "gpg"


class StoreError(Unavailable):
    """The folder or the disk: damaged, unreadable, not ours, full."""

    code = "store"
