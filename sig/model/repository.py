"""What a repository offers, signed by its owner (docs/spec/repository)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class UnverifiedRepository:
    """A `repo.json` that reads well. Neither its owner's signature nor any statement is proved.

    `digest` is the sha256 of the signed bytes: it names the state. `sequence` is None in what the
    program of 2016 wrote. `previous` maps earlier sequences to their digests.
    """

    key: Fingerprint
    signed: bytes
    sig: bytes
    digest: str
    sequence: int | None
    previous: Mapping[int, str]
    expires: int | None
    root: str | None
    attestations: tuple[UnverifiedAttestation, ...]
    malformed: tuple[Malformed, ...]

    @property
    def state(self) -> str:
        """Names the publish: the digest of the root beside it, where there is one."""
        return self.root or self.digest


def previous_sequences(sequence: int) -> list[int]:
    """Which earlier publishes a publish names: d·4^k steps back, d from 1 to 3, newest first.

    So any later state reaches any earlier one in a number of hops that grows with the logarithm.
    """
    found = []
    step = 1
    while step < sequence:
        found += [sequence - d * step for d in (1, 2, 3) if sequence - d * step >= 1]
        step *= 4
    return found
