"""Fetch the wheels that tests install, once, into a cache outside the checkout.

    python tools/wheels.py           fetch what is missing; says nothing where nothing is
    python tools/wheels.py --list    the wheels and where they are

What is fetched stands in tests/wheels.txt, pinned and hashed; whence is pip's own configuration.
The cache is $SIG_TEST_CACHE, else sig-tests in $XDG_CACHE_HOME or ~/.cache. With it filled the
tests need no network (tests/wheels.py installs from it).

1  A file counts only if its bytes have one of the hashes that are listed for it, at every look.
2  Of a wheel that is built for one Python, only those are fetched whose Python is here.
3  Files come into the cache whole: two that fetch at once, or one that is killed, harm nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIST = Path(__file__).parent.parent / "tests/wheels.txt"
SYSTEM = Path("/usr/bin/python3")
# The Pythons that what is listed runs on.
OLDEST, NEWEST = (3, 11), (3, 14)
_ASK = "import sys; print(*sys.version_info[:2]); print(sys._base_executable)"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the list: ``NAME==VERSION`` and the hashes that its wheels may have."""

    name: str
    version: str
    hashes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def line(self) -> str:
        """As pip reads it."""
        return " ".join([str(self), *(f"--hash=sha256:{one}" for one in sorted(self.hashes))])


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that is here: its program, and its version as in ``3.11``."""

    program: Path
    version: str


def folder() -> Path:
    """Where the wheels lie."""
    if given := os.environ.get("SIG_TEST_CACHE"):
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "sig-tests"


@cache
def requirements() -> tuple[Requirement, ...]:
    """All that is listed, in the order of the list."""
    found = []
    for line in LIST.read_text().replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            name, _, version = words[0].partition("==")
            hashes = frozenset(word.removeprefix("--hash=sha256:") for word in words[1:])
            found.append(Requirement(name, version, hashes))
    return tuple(found)


def _asked(program: Path | str) -> Interpreter | None:
    try:
        ran = subprocess.run([program, "-I", "-S", "-c", _ASK], capture_output=True, text=True)
    except OSError:
        return None
    if ran.returncode:
        return None  # a shim of a version that is not chosen
    version, base = ran.stdout.splitlines()
    major, minor = map(int, version.split())
    if not OLDEST <= (major, minor) <= NEWEST:
        return None
    return Interpreter(Path(base), f"{major}.{minor}")


@cache
def system() -> Interpreter | None:
    """The Python of the operating system, where there is one and it is new enough."""
    return _asked(SYSTEM) if SYSTEM.exists() else None


@cache
def other() -> Interpreter | None:
    """A Python that is none of the system's: best of another version, else what runs this."""
    shelf = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1], -1)]
    offered = [place for name in names for place in sorted(shelf.glob(f"*/bin/{name}"))]
    offered += [Path(place) for name in names if (place := shutil.which(name))]
    for program in [*offered, Path(sys.executable)]:
        found = _asked(program)
        if found is not None and not found.program.is_relative_to("/usr/bin"):
            return found
    return None


def interpreters() -> list[Interpreter]:
    """Those that tests use."""
    return [found for found in (system(), other()) if found is not None]


@cache
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fits(name: str, version: str) -> bool:
    """Whether a wheel of this name is for a Python of this version, on this machine."""
    *_, python, abi, place = name.removesuffix(".whl").split("-")
    newest = int(version.partition(".")[2])
    # What is built for the stable interface is for later ones, too.
    minors = range(2, newest + 1) if abi == "abi3" else [newest]
    mine = {"py3", *(f"cp3{minor}" for minor in minors)}
    return not mine.isdisjoint(python.split(".")) and (
        place == "any" or place.endswith(platform.machine())
    )


def find(requirement: Requirement, version: str) -> Path | None:
    """The wheel in the cache (rule 1) for a Python of this version, or None."""
    stem = requirement.name.replace("-", "_")
    for path in sorted(folder().glob(f"{stem}-{requirement.version}-*.whl")):
        status = path.stat()
        if (
            _fits(path.name, version)
            and _digest(path, status.st_size, status.st_mtime_ns) in requirement.hashes
        ):
            return path
    return None


def missing(interpreter: Interpreter) -> list[Requirement]:
    """What the cache lacks for a Python."""
    return [one for one in requirements() if find(one, interpreter.version) is None]


def _batches(wanted: Iterable[Requirement]) -> Iterator[list[Requirement]]:
    """pip takes one version of a thing at a time."""
    rest = list(wanted)
    while rest:
        batch = {one.name: one for one in reversed(rest)}
        yield list(batch.values())
        rest = [one for one in rest if batch[one.name] is not one]


def fetch(interpreter: Interpreter, wanted: Iterable[Requirement]) -> None:
    """Fetch wheels for a Python (rule 2). Raises CalledProcessError; pip has said why."""
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder()) as room:
        for batch in _batches(wanted):
            listed = Path(room, "requirements.txt")
            listed.write_text("".join(f"{one.line}\n" for one in batch))
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "--disable-pip-version-check"),
                    *("--python", interpreter.program, "download", "--quiet", "--no-deps"),
                    *("--only-binary", ":all:", "--require-hashes", "--requirement", listed),
                    *("--dest", room),
                ],
                check=True,
                stdout=sys.stderr,
            )
        for path in Path(room).glob("*.whl"):
            path.replace(folder() / path.name)  # rule 3


def main() -> int:
    """Fetch what is missing for every Python that is here; 1 if that cannot be had."""
    if sys.argv[1:] == ["--list"]:
        for one in interpreters():
            print(f"{one.version}  {one.program}")
            for requirement in requirements():
                print(f"    {find(requirement, one.version) or f'{requirement} is missing'}")
        return 0
    for one in interpreters():
        wanted = missing(one)
        if not wanted:
            continue
        print(f"fetching wheels for tests with Python {one.version}:", *wanted, file=sys.stderr)
        try:
            fetch(one, wanted)
        except subprocess.CalledProcessError:
            pass
        if left := missing(one):
            print("error: not fetched:", *left, file=sys.stderr)
            print("hint: is the network up? (pip config list)", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
