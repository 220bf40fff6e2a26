"""Fuzz what native/core reads of strangers: `make fuzz-native`.

    python tools/fuzz_native.py --seconds 60                 every target, some seconds in total
    python tools/fuzz_native.py --target certificate …       one of them

The fuzzers are those of native/fuzz, seeded with the vectors, run by cargo-fuzz on any Rust
(`cargo install cargo-fuzz`, a C++ compiler). What they find lies in native/fuzz/artifacts. Without
cargo-fuzz nothing runs, and a line says so: tests/native asks both implementations about mutants
in any case.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUZZ = ROOT / "native/fuzz"


def vectors() -> Iterator[dict[str, list[bytes]]]:
    """The data of each file of vectors/openpgp, in the order of their names."""
    for path in sorted((ROOT / "vectors/openpgp").glob("*.txt")):
        data: dict[str, list[bytes]] = {"signed": [], "sig": [], "certificate": []}
        for line in path.read_text(encoding="utf-8").partition("\n\n")[2].splitlines():
            name, _, value = line.partition(":")
            data[name].append(base64.b64decode(value.strip()))
        yield data


def seeds() -> Iterator[tuple[str, bytes]]:
    """A target, and what it is begun with."""
    for number, data in enumerate(vectors()):
        yield "signature", bytes((number,)) + data["sig"][0]
        for copy in data["certificate"]:
            yield "certificate", copy


def main() -> int:
    """Leaves with 1 if one of the targets found something."""
    parser = argparse.ArgumentParser(description="Fuzz native/core.")
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--target", help="one target instead of all")
    arguments = parser.parse_args()
    if shutil.which("cargo-fuzz") is None:
        print("NOTE: without cargo-fuzz native/ is NOT FUZZED (cargo install cargo-fuzz)")
        return 0
    corpus = Path(os.environ.get("SIG_FUZZ_CORPUS", FUZZ / "corpus"))
    begun: dict[str, Path] = {}
    for target, seed in seeds():
        folder = begun[target] = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    if arguments.target is not None and arguments.target not in begun:
        parser.error(f"no such target: {arguments.target}; there are {', '.join(begun)}")
    failed = []
    chosen = [arguments.target] if arguments.target else list(begun)
    cargo = [str(ROOT / "tools/setup.sh"), "cargo", "fuzz"]
    for target in chosen:
        each = max(1, arguments.seconds // len(chosen))
        # Without a sanitizer: there is no unsafe code, and this Rust need not be a nightly.
        build = [*cargo, "build", "--sanitizer", "none", target]
        run = [*cargo, "run", "--sanitizer", "none", target, str(begun[target]), "--"]
        limits = [f"-max_total_time={each}", "-max_len=65536", "-timeout=10", "-verbosity=0"]
        for command in (build, [*run, *limits]):
            done = subprocess.run(command, capture_output=True, text=True, errors="replace")
            if done.returncode:
                print("\n".join(done.stderr.splitlines()[-40:]), file=sys.stderr)
                failed.append(target)
                break
        print(f"{target}: {'FAILED' if target in failed else f'nothing in {each} s'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
