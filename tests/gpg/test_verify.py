"""Who signed this: every vector, both engines, and mutants against pysequoia and gpgv."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pysequoia
import pytest

from sig.errors import FormatError, SignatureError
from sig.gpg import certificate as certificates
from sig.gpg import packets, verify
from sig.gpg.keys import file_name
from sig.model.fingerprint import Fingerprint
from sig.model.standing import Standing
from tests.soak import SOAK


def verdict(scenario: Any, certificate: certificates.Certificate | None) -> dict[str, object]:
    """What `check` says, in the words of a vector's header."""
    key = Fingerprint(scenario.head["key"])
    try:
        found = verify.check(scenario.signed, scenario.sig, key, certificate)
    except SignatureError as error:
        return {"expect": error.state}
    assert found.signer == key
    assert bool(found.why) is (found.standing is not Standing.SOUND)
    return {
        "expect": found.standing.value,
        "made-at": found.made_at,
        "signing-key": found.signing_key,
        "expires-at": found.expires_at,
        "key-end": found.key_end,
    }


def expected(scenario: Any) -> dict[str, object]:
    head = scenario.head
    if "made-at" not in head:
        return {"expect": head["expect"]}
    times = {name: scenario.moment(name) for name in ("made-at", "expires-at", "key-end")}
    return {"expect": head["expect"], "signing-key": head["signing-key"], **times}


def test_a_vector_gives_what_it_says(scenario: Any) -> None:
    """Each file of vectors/openpgp holds, with all copies of the certificate merged."""
    assert expected(scenario) == verdict(scenario, scenario.certificate())


def test_the_mathematics_alone_give_the_same(
    scenario: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether pysequoia says yes or is not asked changes no word of the answer."""
    monkeypatch.setattr(verify, "_library_accepts", lambda *_: False)
    monkeypatch.setattr(certificates, "_library_binds", lambda *_: False)
    monkeypatch.setattr(certificates, "_library_revokes", lambda *_: False)
    assert expected(scenario) == verdict(scenario, scenario.certificate())


def test_the_order_of_copies_changes_nothing(scenario: Any) -> None:
    """A certificate merged from the last copy to the first has the same bytes."""
    forward = scenario.certificate()
    scenario.copies.reverse()
    try:
        assert forward == scenario.certificate()
    finally:
        scenario.copies.reverse()


def test_another_certificate_never_serves(scenarios: Any) -> None:
    """A signature is checked against the key that the envelope names, and no other."""
    ours, other = scenarios["plain"], scenarios["v6"]
    with pytest.raises(SignatureError) as caught:
        key = Fingerprint(ours.head["key"])
        verify.check(ours.signed, ours.sig, key, other.certificate())
    assert caught.value.state == "unknown-key"


def test_a_forgery_is_invalid_before_it_is_anything_else(scenarios: Any) -> None:
    """Other bytes under an expired, revoked or future signature are called invalid."""
    for name in ("expired-then-rsa2048", "revoked-hard-1-after", "future", "revived"):
        one = scenarios[name]
        with pytest.raises(SignatureError) as caught:
            key = Fingerprint(one.head["key"])
            verify.check(one.signed + b" ", one.sig, key, one.certificate())
        assert caught.value.state == "invalid", name


def test_what_a_stored_file_says_is_proven_again(smith: Any) -> None:
    """A self-signature or revocation slipped into a kept file is not believed."""
    key, thief = smith.Key(), smith.Key()
    short = key.public + key.named(expires=smith.YEAR)
    forged = {"hashed": key.issuer, "named": False, "unhashed": smith.sub(16, key.id)}
    longer = thief.sign(
        key.over_name(smith.ALICE),
        smith.SUMMER,
        kind=0x13,
        **{**forged, "hashed": smith.sub(27, b"\3") + key.issuer},
    )
    revocation = thief.sign(key.framed, smith.SUMMER, kind=0x20, **forged)
    tampered = certificates.stored(short + longer + revocation)
    ended = smith.BORN + smith.YEAR
    assert (ended, None) == (tampered.expires_at, tampered.revoked)
    late = key.sign(smith.SIGNED, smith.LATER)
    found = verify.check(smith.SIGNED, late, tampered.fingerprint, tampered)
    assert (Standing.EXPIRED, ended) == (found.standing, found.key_end)
    early = key.sign(smith.SIGNED, smith.SPRING)
    found = verify.check(smith.SIGNED, early, tampered.fingerprint, tampered)
    assert (Standing.SOUND, ended) == (found.standing, found.key_end)


@pytest.mark.parametrize("hashed", [False, True])
def test_the_revocation_of_another_key_in_a_stored_file_is_not_believed(
    hashed: bool, smith: Any
) -> None:
    """Wherever it names the other key, beside the one that it would revoke or alone."""
    key, thief = smith.Key(), smith.Key()
    own, other = smith.sub(16, key.id), smith.sub(16, thief.id)
    for named in (other, own + other, other + own, own):
        area = {"hashed": named, "unhashed": b""} if hashed else {"unhashed": named}
        forged = thief.sign(key.framed, smith.SUMMER, kind=0x20, named=False, **area)
        if not hashed:
            forged += thief.sign(
                key.framed, smith.SUMMER, kind=0x20, named=False, hashed=own, unhashed=named
            )
        tampered = certificates.stored(key.public + forged + key.named())
        made = key.sign(smith.SIGNED, smith.LATER)
        found = verify.check(smith.SIGNED, made, tampered.fingerprint, tampered)
        assert (Standing.SOUND, None) == (found.standing, found.key_end)


def test_a_binding_slipped_into_a_stored_file_is_not_believed(smith: Any) -> None:
    """A subkey that the primary key did not bind signs nothing, wherever its file came from."""
    key, stolen, thief = smith.Key(), smith.Key(), smith.Key()
    made = stolen.sign(smith.SIGNED, smith.SPRING)
    whole = key.public + key.named() + thief.binds(stolen, smith.BORN)
    tampered = certificates.stored(whole)
    with pytest.raises(SignatureError) as caught:
        verify.check(smith.SIGNED, made, tampered.fingerprint, tampered)
    assert caught.value.state == "invalid"
    honest = certificates.stored(key.public + key.named() + key.binds(stolen, smith.BORN))
    found = verify.check(smith.SIGNED, made, honest.fingerprint, honest)
    assert found.standing is Standing.SOUND


def test_an_ordinary_check_loads_no_second_library(scenarios: Any, tmp_path: Path) -> None:
    """`sig verify` pays for pysequoia alone: an Ed25519 or RSA key with an encryption subkey,
    a renewed copy merged, a revocation of the primary key."""
    names = ("plain", "gpg-rsa2048", "subkey", "renewed-merged-later-rsa2048", "revoked-soft-3-at")
    lines = []
    for name in names:
        one = scenarios[name]
        met = one.certificate()
        (tmp_path / file_name(met.fingerprint)).write_bytes(met.raw)
        lines.append(repr((str(met.fingerprint), one.signed, one.sig, one.head["expect"])))
    program = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from sig.gpg.keys import Keys
        from sig.gpg.verify import check
        keys = Keys(Path({str(tmp_path)!r}))
        for key, signed, sig, expect in [{", ".join(lines)}]:
            found = check(signed, sig, key, keys.get(key))
            assert found.standing.value == expect, (key, found)
        print(sorted({{"cryptography", "gnupg", "subprocess"}} & set(sys.modules)))
        """
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ("[]\n", "") == (run.stdout, run.stderr)


# ---- mutants ------------------------------------------------------------------------------------


def mutants(sig: bytes, seed: str, count: int) -> list[bytes]:
    """Signatures like this one: bits, bytes, lengths, pieces."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        one = bytearray(sig)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            where = dice.randrange(len(one) or 1)
            what = dice.randrange(8)
            if what < 4 and one:
                one[where] ^= 1 << dice.randrange(8)
            elif what == 4 and one:
                one[where] = dice.choice((0, 1, 2, 4, 6, 127, 128, 191, 192, 223, 224, 254, 255))
            elif what == 5:
                del one[where : where + dice.choice((1, 2, 16))]
            elif what == 6:
                one[where:where] = bytes(one[dice.randrange(len(one) or 1) :][:9])
            else:
                one += bytes(one[: dice.randrange(len(one) or 1)])
        made.append(bytes(one))
    return made


def library_says(signed: bytes, sig: bytes, whole: pysequoia.Cert) -> bool:
    try:
        found = pysequoia.verify(
            bytes=signed, store=lambda ids: [whole], signature=pysequoia.Sig.from_bytes(sig)
        )
        return len(found.valid_sigs) == 1
    except Exception:  # its only way to say no
        return False


MUTATED = ("gpg-ed25519", "gpg-rsa2048", "gpg-nistp256", "subkey", "v6", "signature-expires")


def accepted(one: Any, sig: bytes, certificate: certificates.Certificate) -> tuple[bool, str]:
    try:
        verify.check(one.signed, sig, certificate.fingerprint, certificate)
    except SignatureError as error:
        return False, error.message
    return True, ""


# Where pysequoia or gpgv says yes and we do not, it is one of these: shapes that they do not look
# at (docs/spec/envelope §3). A new word here is a finding.
STRICTER = (
    "bytes after the signature packet",
    "a packet in parts, without a definite length",
    "a packet without a definite length",
    "a packet that is cut short",
    "not a signature packet",
)


@pytest.mark.parametrize("name", MUTATED)
def test_mutants_fare_as_with_pysequoia(name: str, scenarios: Any) -> None:
    """A changed signature verifies only if what is hashed and the numbers are unchanged; where
    pysequoia disagrees it is about the unhashed part (its no) or the shape (its yes)."""
    one = scenarios[name]
    certificate = one.certificate()
    whole = pysequoia.Cert.from_bytes(certificate.raw)
    genuine = packets.read_signature(one.sig)
    yes = 0
    for sig in mutants(one.sig, name, 20_000 if SOAK else 120):
        ours, why = accepted(one, sig, certificate)
        theirs = library_says(one.signed, sig, whole)
        if ours:
            claim = packets.read_signature(sig)
            same = (claim.hashed, claim.salt, claim.values)
            assert (genuine.hashed, genuine.salt, genuine.values) == same, sig.hex()
            yes += 1
        if theirs and not ours:
            assert why in STRICTER, (why, sig.hex())
    assert yes or not SOAK


def test_mutants_fare_as_with_gpgv(scenarios: Any, tmp_path: Path) -> None:
    """What we accept gpgv finds good too, but for an unhashed part that it will not read."""
    gpgv = shutil.which("gpgv")
    if gpgv is None:
        pytest.skip("gpgv is not installed")
    one = scenarios["gpg-rsa2048"]
    certificate = one.certificate()
    ring, signed, place = tmp_path / "ring", tmp_path / "signed", tmp_path / "sig"
    ring.write_bytes(certificate.raw)
    signed.write_bytes(one.signed)
    genuine = packets.read_signature(one.sig)
    command = [gpgv, "--homedir", "/nonexistent", "--status-fd", "1", "--keyring", str(ring)]
    for sig in [one.sig, *mutants(one.sig, "gpgv", 5_000 if SOAK else 60)]:
        place.write_bytes(sig)
        run = subprocess.run([*command, str(place), str(signed)], capture_output=True)
        theirs = run.stdout.count(b"] GOODSIG ") == 1
        ours, why = accepted(one, sig, certificate)
        if theirs and not ours:
            assert why in STRICTER, (why, sig.hex())
        if ours and not theirs:
            claim = packets.read_signature(sig)
            assert (claim.raw != genuine.raw, genuine.hashed) == (True, claim.hashed), sig.hex()


REFUSED = (
    "expired-then-ed25519",
    "subkey-expired",
    "subkey-no-back",
    "subkey-encryption",
    "cert-only",
)


@pytest.mark.parametrize("name", REFUSED)
def test_damage_to_a_stored_file_never_makes_a_signature_sound(name: str, scenarios: Any) -> None:
    """What a kept certificate refuses is refused, or called something worse, after any change."""
    one = scenarios[name]
    certificate = one.certificate()
    for raw in mutants(certificate.raw, name, 20_000 if SOAK else 150):
        try:
            tampered = certificates.stored(raw)
            found = verify.check(one.signed, one.sig, certificate.fingerprint, tampered)
        except (FormatError, SignatureError):
            continue
        assert found.standing is not Standing.SOUND, raw.hex()


# ---- the whole corpus against both --------------------------------------------------------------


def gpgv_says(scenario: Any, whole: bytes, folder: Path, gpgv: str) -> str:
    """Its words about signatures, joined; "none" if it says nothing."""
    for name, data in (("ring", whole), ("signed", scenario.signed), ("sig", scenario.sig)):
        (folder / name).write_bytes(data)
    command = [gpgv, "--homedir", "/nonexistent", "--status-fd", "1"]
    command += ["--keyring", *(str(folder / name) for name in ("ring", "sig", "signed"))]
    out = subprocess.run(command, capture_output=True).stdout
    words = ("GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG")
    lines = [line.split(b" ")[1:2] for line in out.splitlines() if line.startswith(b"[GNUPG:]")]
    said = [line[0].decode("ascii", "replace") for line in lines if line]
    return " ".join(word for word in said if word in words) or "none"


def test_every_disagreement_is_explained(scenarios: Any, tmp_path: Path) -> None:
    """Where pysequoia or gpgv answer a vector otherwise than we, vectors/openpgp/DISAGREEMENTS.md
    says so and why, and it says nothing else."""
    page = Path(__file__).parents[2] / "vectors" / "openpgp" / "DISAGREEMENTS.md"
    told = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            name, *words = (word.strip(" `") for word in line.strip("|").split("|"))
            told[name] = tuple(words)
    gpgv = shutil.which("gpgv")
    version = (
        b"" if gpgv is None else subprocess.run([gpgv, "--version"], capture_output=True).stdout
    )
    asked = gpgv is not None and version.startswith(b"gpgv (GnuPG) 2.2.")
    found = {}
    for name, one in scenarios.items():
        made = one.moment("made-at") if "made-at" in one.head else None
        if not one.copies or (name.startswith("sequoia") and (made or 0) > time.time()):
            told.pop(name, None)
            continue
        met = [each for copy in one.copies for each in pysequoia.Cert.split_bytes(copy)]
        whole, *copies = [
            each for each in met if each.fingerprint.upper() == one.head["key"]
        ] or met
        for copy in copies:
            whole = whole.merge(copy)
        ours = one.head["expect"]
        theirs = "yes" if library_says(one.signed, one.sig, whole) else "no"
        gpg = told.get(name, ("", "", "none"))[2]
        if asked and gpgv is not None:
            gpg = gpgv_says(one, bytes(whole), tmp_path, gpgv)
        elif name not in told:
            continue
        if {ours == "sound", theirs == "yes", gpg == "GOODSIG"} != {ours == "sound"}:
            found[name] = (ours, theirs, gpg)
    assert told == found
