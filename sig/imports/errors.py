"""What a host gets in place of a module that is refused: one family of ImportErrors.

    ImportError
    └── SigImportError
        ├── NotCovered     nobody who counts stands behind it (a ModuleNotFoundError too)
        ├── Differs        it is not what was attested: changed or missing
        ├── MarkedBad      somebody who counts warns of it
        └── Unreadable     it could not be looked at

They are no `sig.errors.SigError`: what a host catches around an import is an ImportError. In a host
nothing else comes of a refusal, and the process goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sig.model.verdict import Verdict


class SigImportError(ImportError):
    """A refusal below a declared root.

    `path` is what is refused, `digest` the 64 hex digits of what lies there, as far as it was
    hashed, `verdict` what is believed of the plug-in, None for what was never judged. `reason` is
    the word of the verdict, or ``not-listed``. `hint` is what to type.
    """

    def __init__(
        self,
        message: str,
        *,
        name: str | None = None,
        path: str | None = None,
        digest: str = "",
        verdict: Verdict | None = None,
        reason: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, name=name, path=path)
        self.message = message
        self.digest = digest
        self.verdict = verdict
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; hint: {self.hint}" if self.hint else self.message


class NotCovered(SigImportError, ModuleNotFoundError):
    """Nobody who counts stands behind it: it does not exist."""


class Differs(SigImportError):
    """It is not what was attested: changed or missing."""


class MarkedBad(SigImportError):
    """Somebody who counts warns of it, or of a file in it."""


class Unreadable(SigImportError):
    """It could not be looked at, or the folder of attestations could not."""


class SigImportWarning(UserWarning):
    """Loaded all the same, because the policy says ``warn``."""
