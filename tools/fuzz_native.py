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
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FUZZ = ROOT / "native/fuzz"


VECTORS = ROOT / "vectors"
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # started as a file


def vectors(folder: str) -> Iterator[dict[str, list[bytes]]]:
    """The data of each file of a folder, in the order of their names."""
    for path in sorted((VECTORS / folder).glob("*.txt")):
        data: dict[str, list[bytes]] = {}
        for line in path.read_bytes().decode("utf-8").partition("\n\n")[2].split("\n"):
            if line and not line.startswith("{"):
                name, _, value = line.partition(":")
                data.setdefault(name, []).append(base64.b64decode(value.strip()))
        yield data


def table(name: str) -> Iterator[dict[str, Any]]:
    """The rows of a table."""
    yield from json.loads((VECTORS / name).read_text(encoding="utf-8"))


def seeds() -> Iterator[tuple[str, bytes]]:
    """A target, and what it is begun with."""
    for number, data in enumerate(vectors("openpgp")):
        yield "signature", bytes((number,)) + data["sig"][0]
        for copy in data.get("certificate", ()):
            yield "certificate", copy
    for target, folder in (("document", "wire"), ("manifest", "manifest"), ("manifest", "closure")):
        for data in vectors(folder):
            yield target, data["text"][0]
    for data in vectors("pack"):
        yield "pack", data["pack"][0]
    from tests.imports.libraries import library

    yield "elf", library("x", ["/lib/y", "z"], runpath="$ORIGIN", extra=[(0x6FFFFEFC, 1)])
    for data in vectors("baked"):
        if len(data["file"][0]) < 4096:
            yield "baked", data["file"][0]
    for data in vectors("loader"):
        if "policy" in data:
            modules = [each[0] for name, each in data.items() if name.startswith("compiled ")]
            modules += [each[0] for name, each in data.items() if name.startswith("source ")]
            yield "loader", b"\n".join([data["policy"][0], b"".join(modules)])
    for data in vectors("view"):
        if text := data.get("view", [b""])[0].rpartition(b"sha256 ")[0]:
            yield "head", text
        for name, (raw,) in data.items():
            if name == "pending/commit":
                yield "journal", raw
            elif name.startswith("view."):
                filed = raw.partition(b"\t")[0]
                yield "block", filed + b"\n" + raw
                # The block that names the others is the last.
                yield "block", filed + b"\n" + raw[raw.rfind(b"}\n") + 2 :]
    for row in table("closure/terms.json"):
        yield "words", "\n".join(row["criteria"]).encode()
    for row in table("closure/pythons.json"):
        yield "words", f"{row['specifier']}\n{row['version']}".encode()
    for row in table("manifest/globs.json"):
        if "left-out" in row:
            yield "words", "\n".join([*row["globs"], row["path"]]).encode()
    for number in range(256):  # trusted keys and policy; two statements that are sound
        yield "decide", bytes((number, 0, 0, 0, 0, 4, 1, 1, number % 4, 0, 0, 4, 1))


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
