"""What the wheel signet-sig-loader brings, and what is the same wherever it was built."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import tomllib
from pathlib import Path

import pytest

import sig
from tests.native.conftest import program_of_checkout
from tests.world import ROOT, Person, Ran

_INTERPRETER, _DYNAMIC = 3, 2  # kinds of segments
_NEEDED = 1


@pytest.fixture(scope="session")
def program() -> Path:
    """sig-verify."""
    return program_of_checkout()


def asked(program: Path, person: Person, *words: str | Path) -> Ran:
    """``sig-verify WORDS`` of a person, without a variable that it could need."""
    environment = {"HOME": str(person.home), "LANG": "C.UTF-8"}
    ran = subprocess.run(
        [program, *words], capture_output=True, text=True, env=environment, cwd=person.place
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def libraries(raw: bytes) -> list[int]:
    """What in a program asks for others: an interpreter, and libraries that are needed."""
    assert b"\x7fELF\x02\x01" == raw[:6]
    start, size, count = struct.unpack_from("<Q14xHH", raw, 32)
    found = []
    for number in range(count):
        head = struct.unpack_from("<IIQQQQ", raw, start + number * size)
        kind, _, offset, _, _, length = head
        if kind == _INTERPRETER:
            found.append(kind)
        if kind == _DYNAMIC:
            tags = [tag for tag, _ in struct.iter_unpack("<qQ", raw[offset : offset + length])]
            found += [tag for tag in tags if tag == _NEEDED]
    return found


def test_it_is_static(program: Path) -> None:
    """No interpreter and no library: there is nothing that LD_PRELOAD could speak to."""
    assert [] == libraries(program.read_bytes())
    assert [] != libraries(Path("/bin/sh").resolve().read_bytes())


def test_it_is_of_the_version_of_sig(program: Path, alice: Person) -> None:
    """And says so in one line."""
    told = asked(program, alice, "--version")
    assert Ran(0, f"sig-verify {sig.__version__}\n", "") == told
    assert {"version": 1, "release": told.stdout.strip()} == json.loads(
        asked(program, alice, "--version", "--json").stdout
    )


def test_it_answers_what_sig_verify_answers(program: Path, alice: Person, bob: Person) -> None:
    """Ok, marked bad, unknown: the same words, and the same exit status."""
    url = bob.world.serve(bob.folder / "repo").url
    good, bad, other = (alice.write(f"{name}.txt", name) for name in ("good", "bad", "other"))
    bob.attests(good.read_bytes())
    bob.attests(bad.read_bytes(), "--not-ok", "--reviewed")
    assert 0 == alice.sig("remote", "add", "bob", url, "-f").status
    assert 0 == alice.sig("trust", "add", bob.fingerprint).status
    for path, status in ((good, 0), (bad, 3), (other, 1)):
        expected = alice.sig("verify", path)
        told = asked(program, alice, path)
        assert (status, expected.status, expected.stdout) == (told.status, status, told.stdout)


# --- of one version, and built in one way --------------------------------------------------------


def _toml(name: str) -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((ROOT / name).read_text())


def test_what_belongs_together_has_one_version() -> None:
    """sig, the extra that brings the loader, and the crates that the loader is built from."""
    version = sig.__version__
    extra = _toml("pyproject.toml")["project"]["optional-dependencies"]["loader"]
    assert [f"signet-sig-loader=={version}"] == extra
    assert version == _toml("native/Cargo.toml")["workspace"]["package"]["version"]
    lock = tomllib.loads((ROOT / "native/Cargo.lock").read_text())["package"]
    ours = {one["name"]: one["version"] for one in lock if "source" not in one}
    assert {"sig-core": version, "sig-verify": version} == ours
    for crate in ("core", "verify"):
        assert {"workspace": True} == _toml(f"native/{crate}/Cargo.toml")["package"]["version"]
    assert ["version"] == _toml("native/verify/pyproject.toml")["project"]["dynamic"]


def test_what_makes_it_static_stands_in_one_place() -> None:
    """The wheel, the checkout and whoever builds it otherwise get the same program, or none."""
    maturin = _toml("native/verify/pyproject.toml")["tool"]["maturin"]
    assert ["-C", "target-feature=+crt-static"] == maturin["rustc-args"]
    assert "crt-static" not in (ROOT / "tools/setup.sh").read_text()
    refused = r"#\[cfg\(all\(.*not\(target_feature = \"crt-static\"\)\)\)\]\ncompile_error!"
    assert re.search(refused, (ROOT / "native/verify/src/main.rs").read_text())
