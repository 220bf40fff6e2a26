"""Fuzz every target for some seconds in total, each in a process of its own.

    python fuzz/run.py --seconds 60
    python fuzz/run.py --seconds 600 --target certificate
    python fuzz/run.py --target certificate --input FILE      one input again, as it was found

Prints one line a target, and leaves with 1 if one of them found something. What it found is kept
in fuzz/found/. Guided by coverage where atheris is installed; elsewhere by a plain mutator, which
finds less, and says so.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOUND = HERE / "found"
LARGEST = 16 * 1024

sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz what reads bytes of strangers.")
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--target", help="one target instead of all")
    parser.add_argument("--input", type=Path, help="run this one input and show what happens")
    parser.add_argument("--list", action="store_true", help="the names of the targets")
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    from targets import TARGETS

    if arguments.list:
        print("\n".join(TARGETS))
        return 0
    if arguments.target is not None and arguments.target not in TARGETS:
        parser.error(f"no such target: {arguments.target}; there are {', '.join(TARGETS)}")
    if arguments.input is not None:
        TARGETS[arguments.target].run(arguments.input.read_bytes())
        print("nothing happened")
        return 0
    if arguments.inside is not None:
        kind, corpus = arguments.inside
        run = _guided if kind == "guided" else _plain
        run(arguments.target, arguments.seconds, Path(corpus))
        return 0
    names = [arguments.target] if arguments.target else list(TARGETS)
    guided = importlib.util.find_spec("atheris") is not None
    if not guided:
        print("NOT GUIDED BY COVERAGE: atheris is not installed here; a plain mutator runs instead")
    workers = min(4, os.cpu_count() or 1, len(names))
    each = arguments.seconds * workers / len(names)
    with ThreadPoolExecutor(workers) as pool:  # of processes
        sound = list(pool.map(lambda name: _run(name, each, guided), names))
    failed = [name for name, ok in zip(names, sound, strict=True) if not ok]
    if failed:
        print(f"FOUND SOMETHING: {', '.join(failed)}; see fuzz/found/", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, seconds: float, guided: bool) -> bool:
    from targets import seeds

    with tempfile.TemporaryDirectory(prefix="sig-fuzz-") as temporary:
        corpus = Path(temporary) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(seeds(name)):
            (corpus / f"seed-{number}").write_bytes(seed)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(HERE / "run.py"), "--target", name, "--seconds", str(seconds)]
            + ["--inside", "guided" if guided else "plain", str(corpus)],
            cwd=temporary,
            env={**os.environ, "HOME": temporary, "TMPDIR": temporary},
            capture_output=True,
            check=False,
        )
        took = time.monotonic() - began
        told = (done.stdout + done.stderr).decode("utf-8", "replace")
        runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)", told)
        coverage = re.findall(r"cov: (\d+)", told)
        ok = done.returncode == 0 and bool(runs)
        print(
            f"{name:14} {runs[-1] if runs else '?':>9} runs  {took:6.1f} s  "
            f"corpus {len(list(corpus.iterdir())):5}"
            + (f"  branches {coverage[-1]:>5}" if coverage else "")
            + ("" if ok else "  FOUND SOMETHING"),
            flush=True,
        )
        if not ok:
            FOUND.mkdir(exist_ok=True)
            kept = [path for path in Path(temporary).iterdir() if path.is_file()]
            for path in kept:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
                (FOUND / f"{name}-{digest}").write_bytes(path.read_bytes())
            (FOUND / f"{name}.log").write_text(told)
            lines = [
                line for line in told.splitlines() if line.strip(" \n") and "INFO:" not in line
            ]
            at = next((n for n, line in enumerate(lines) if "Traceback" in line), len(lines) - 20)
            print("\n".join(f"    {line}" for line in lines[max(at, 0) :][:40]), file=sys.stderr)
        return ok


def _guided(name: str, seconds: float, corpus: Path) -> None:
    import atheris

    # Only what is ours: the rest costs time and teaches nothing.
    with atheris.instrument_imports(include=["sig"]):
        import sig.cli.output
        import sig.gpg.agent
        import sig.gpg.minimise
        import sig.gpg.verify
        import sig.model.branches
        import sig.model.delta
        import sig.model.manifest
        import sig.model.repository
        import sig.model.root
        import sig.model.tree
        import sig.model.wire
        import sig.repo.archive
        import sig.repo.home
        import sig.repo.index
        import sig.repo.memory
        import sig.repo.remotes
        import sig.repo.transport
        import sig.trust.policy  # noqa: F401
    from targets import TARGETS, seeds

    # A seed that breaks a promise is found here with a short trace.
    for seed in seeds(name):
        TARGETS[name].run(seed)
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={max(int(seconds), 1)}",
            f"-max_len={LARGEST}",
            "-timeout=20",
            "-rss_limit_mb=1500",
            "-print_final_stats=1",
            str(corpus),
        ],
        TARGETS[name].run,
    )
    atheris.Fuzz()


def _plain(name: str, seconds: float, corpus: Path) -> None:
    """Without coverage: seeds, changed at random; the same ones in every run."""
    from targets import TARGETS

    run = TARGETS[name].run
    chance = random.Random(name)
    seeds = [path.read_bytes() for path in sorted(corpus.iterdir())]
    end = time.monotonic() + seconds
    runs = 0
    while time.monotonic() < end:
        data = seeds[runs] if runs < len(seeds) else _mutant(chance, seeds)
        runs += 1
        try:
            run(data)
        except BaseException:
            Path("crash").write_bytes(data)
            raise
    print(f"stat::number_of_executed_units: {runs}")


def _mutant(chance: random.Random, seeds: list[bytes]) -> bytes:
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 1:
            del data[at : at + chance.randrange(1, 17)]
        elif kind == 2 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 3 and at < len(data):
            data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind == 4:
            other = chance.choice(seeds)
            start = chance.randrange(len(other) + 1)
            data[at : at + chance.randrange(33)] = other[start : start + chance.randrange(65)]
        else:
            data[at:at] = data[at : at + chance.randrange(33)]
    return bytes(data[:LARGEST])


if __name__ == "__main__":
    sys.exit(main())
