"""Scripts and projects with an environment of their own: locked, signed, run, attacked.

    app = App(alice, alice.place, python, "get.py")
    app.signed()                          # sig lock, sig attest
    ran = app.run("words")                # sig run get.py words
    same = app.plain("words")             # v/bin/python get.py words

An attack leaves a file, the mark. Each is shown twice: `sig run` leaves no mark, and plain Python,
with the very same files and variables, does. Without the second the first would show nothing.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import wheels
from tests.world import TIMEOUT, Person, Ran, World, command, snapshot, zygote

YES = "yes\nyes\n\n"
STOPPED = ("error: not run", "error: stopped")

GET = """\
import sys

import requests

print(requests.__version__)
print(requests.get(sys.argv[1] + "hello.txt", timeout=10).text, end="")
"""

# Runs what it is told: one list of files, signed once, for many tests.
PROBE = """\
import sys

if __name__ == "__main__":
    exec(sys.argv[1])
"""
PROBE_FILES = {
    "probe.py": PROBE,
    "helper.py": 'VALUE = "genuine"\n',
    "late.py": 'VALUE = "genuine"\n',
    "work.py": "def square(number):\n    return number * number\n\n\n"
    "def late():\n    import late\n\n    return late.VALUE\n",
    "plugins/good.py": 'VALUE = "good"\n',
    "package/__init__.py": 'VALUE = "package"\n',
    "package/part.py": 'VALUE = "part"\n',
    "package/words.txt": "hello\n",
}


@dataclass(frozen=True, slots=True)
class App:
    """What is run: `target` as it is typed in `place`, with an environment's python."""

    person: Person
    place: Path
    python: Path
    target: str
    name: str

    @property
    def prefix(self) -> Path:
        """The environment."""
        return self.python.parent.parent

    @property
    def site(self) -> Path:
        """Its site-packages."""
        (found,) = self.prefix.glob("lib/python*/site-packages")
        return found

    @property
    def list(self) -> Path:
        """What `sig lock` writes."""
        return self.place / f"{self.name}.lock"

    @property
    def shown(self) -> str | Path:
        """The target as it is in hints."""
        return self.target

    @property
    def mark(self) -> Path:
        """What evil code leaves."""
        return self.person.world.path / "evil"

    @property
    def evil(self) -> str:
        """A line of evil Python."""
        return f"open({str(self.mark)!r}, 'a').write('evil')\n"

    def was_evil(self) -> bool:
        """Whether evil code ran since the last time that this was asked."""
        found = self.mark.exists()
        self.mark.unlink(missing_ok=True)
        return found

    def lock(self, *words: str | Path) -> Ran:
        """``sig lock --python PY TARGET``."""
        return self.person.sig("lock", "--python", self.python, *words, self.target, cwd=self.place)

    def attest(self, input: str = YES) -> Ran:
        """``sig attest NAME.lock``."""
        return self.person.sig("attest", self.list, input=input, cwd=self.place)

    def signed(self) -> App:
        """Lock and attest, and nothing goes wrong; also the Python where the plan asks for it."""
        ran = self.lock()
        if next_of(ran)[:3] == ["sig", "attest", "--python"]:
            asked = self.person.sig("attest", "--python", self.python, input=YES)
            assert 0 == asked.status, asked
        attested = self.attest()
        assert (0, 0) == (ran.status, attested.status), (ran, attested)
        return self

    def run(
        self, *words: str, env: Mapping[str, str] = {}, input: str = "", cwd: Path | None = None
    ) -> Ran:
        """``sig run TARGET WORDS``.

        `env` is what `sig` passes on or does not: how the Python that runs `sig` takes it is
        another question, so that one has started before.
        """
        status, stdout, stderr = zygote().run(
            ["run", self.target, *words],
            input.encode(),
            self.person.environment | env,
            cwd or self.place,
        )
        return Ran(status, stdout.decode(), stderr.decode())

    def plain(
        self, *words: str, env: Mapping[str, str] = {}, input: str = "", cwd: Path | None = None
    ) -> Ran:
        """The same without `sig`: the control."""
        ran = subprocess.run(
            [self.python, self.target, *words],
            input=input.encode(),
            env=self.person.environment | env,
            cwd=cwd or self.place,
            capture_output=True,
            timeout=TIMEOUT,
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def commands(self, *words: str) -> dict[str, Sequence[str | Path]]:
        """Both, as words for a process that is started otherwise."""
        return {
            "sig": [*command(), "run", self.target, *words],
            "plain": [self.python, self.target, *words],
        }

    def start(self, which: str, *words: str) -> subprocess.Popen[str]:
        """One of them, running, its streams on pipes, in a process group of its own."""
        return subprocess.Popen(
            self.commands(*words)[which],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.person.environment,
            cwd=self.place,
            text=True,
            start_new_session=True,
        )

    def harmless(self, *words: str, env: Mapping[str, str] = {}, told: str | None = None) -> Ran:
        """It runs as if the attack were not there, and plain Python falls for it."""
        ran = self.attacked(*words, env=env)
        assert 0 == ran.status, ran
        if told is not None:
            assert told == ran.stdout, ran
        return ran

    def refused(
        self, *words: str, names: str = "", status: int = 111, env: Mapping[str, str] = {}
    ) -> Ran:
        """It ends and names what is wrong, and plain Python falls for it."""
        ran = self.attacked(*words, env=env)
        assert status == ran.status, ran
        assert ran.stderr.splitlines()[-1] in STOPPED, ran
        assert "Traceback" not in ran.stderr, ran
        assert names in ran.stderr, ran
        return ran

    def attacked(self, *words: str, env: Mapping[str, str] = {}) -> Ran:
        """It runs or not, no evil with it, and plain Python falls for it."""
        before = snapshot(self.person.folder)
        ran = self.run(*words, env=env)
        assert not self.was_evil(), ran
        assert before == snapshot(self.person.folder)  # a run writes nothing there
        control = self.plain(*words, env=env)
        assert self.was_evil(), control
        return ran

    def again(self, world: World) -> App:
        """A copy that may be changed, at another path: its list stays signed."""
        person = world.person(self.person.name, folder=False)
        shutil.copytree(self.person.folder, person.folder)
        person.place.rmdir()
        wheels.copy(self.person.place, person.place)

        def moved(path: Path) -> Path:
            return person.place / path.relative_to(self.person.place)

        copy = App(person, moved(self.place), moved(self.python), self.target, self.name)
        before = copy.list.read_bytes()
        ran = copy.lock()
        assert (0, False) == (ran.status, "not attested" in ran.stdout), ran
        assert before == copy.list.read_bytes()
        return copy


def make(
    person: Person,
    files: Mapping[str, str],
    target: str,
    *requirements: str,
    python: str | None = None,
) -> App:
    """Files below `place`/app, with an environment `place`/v: neither locked nor signed."""
    place = person.place / "app"
    for name, content in files.items():
        person.write(f"app/{name}", content)
    made = wheels.environment(person.place / "v", python or wheels.system(), *requirements)
    return App(person, place, made, target, Path(target).stem)


def plan(ran: Ran) -> list[str]:
    """The lines of a plan, each with single spaces."""
    assert 0 == ran.status, ran
    return [" ".join(line.split()) for line in ran.lines]


def next_of(ran: Ran) -> list[str]:
    """The command that the last line proposes."""
    words = shlex.split(ran.lines[-1])
    assert "next" == words[0], ran
    return words[1:]


FORGE = """
import importlib.util, marshal, os, sys
source, code, kind, target = sys.argv[1:]
head = importlib.util.MAGIC_NUMBER
if kind == "unchecked":
    head += (1).to_bytes(4, "little") + bytes(8)
else:
    status = os.stat(source) if os.path.exists(source) else None
    facts = (int(status.st_mtime), status.st_size) if status else (0, 0)
    head += bytes(4) + b"".join(fact.to_bytes(4, "little") for fact in facts)
if not target:
    target = source + "c" if kind == "sourceless" else importlib.util.cache_from_source(source)
os.makedirs(os.path.dirname(target), exist_ok=True)
with open(target, "wb") as stream:
    stream.write(head + marshal.dumps(compile(code, source, "exec")))
"""


def forge(app: App, source: Path, code: str, kind: str, target: str = "") -> None:
    """Forge the bytecode of a file: that runs, whatever the file says.

    `kind`: stale (with time and size of the source), unchecked (by a hash that is never looked
    at), sourceless (in place of a source).
    """
    words = (app.python, "-I", "-S", "-c", FORGE, source, code, kind, target)
    subprocess.run(words, check=True, capture_output=True, timeout=TIMEOUT)


def compiler() -> str:
    """A C compiler; skips without one."""
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None:
        pytest.skip("there is no C compiler to make an evil library with")
    return found


SOURCE = """\
#include <fcntl.h>
#include <unistd.h>

__attribute__((constructor)) static void evil(void)
{
    int file = open("%s", O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (write(file, "evil", 4) != 4)
        _exit(99);
    close(file);
}
"""


def library(app: App, *places: Path, name: str = "", needs: Iterable[Path] = ()) -> None:
    """Make an evil library and put it in `places`; with the name and libraries that it states."""
    room = app.person.world.path / "library"
    room.mkdir(exist_ok=True)
    source = room / "evil.c"
    source.write_text(SOURCE % app.mark)
    words: list[str | Path] = [compiler(), "-shared", "-fPIC", source, "-o", room / "evil.so"]
    words += [f"-Wl,-soname,{name}"] if name else []
    words += ["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-Wl,-rpath,$ORIGIN"]
    subprocess.run([*words, *needs], check=True, capture_output=True, timeout=TIMEOUT)
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(room / "evil.so", place)


def farm(place: Path, app: App, evil: Mapping[str, str]) -> Path:
    """A standard library with other contents here and there: a folder for PYTHONHOME."""
    ran = subprocess.run(
        [app.python, "-I", "-S", "-c", "import os; print(os.path.dirname(os.__file__))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    real = Path(ran.stdout.strip())
    found = place / "lib" / real.name
    found.mkdir(parents=True)
    left_out = {"__pycache__", *(Path(name).stem for name in evil)}
    for path in real.iterdir():
        if path.stem not in left_out:
            (found / path.name).symlink_to(path)
    for name, content in evil.items():
        (found / name).write_text(content)
    return place


@contextmanager
def attack(path: Path, content: str) -> Iterator[None]:
    """Another content of a file, or one more file, for a while; bytecode of it goes too."""
    before = path.read_bytes() if path.exists() else None
    path.write_text(content)
    for each in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        each.unlink()
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_bytes(before)


def kept(path: Path, content: str) -> None:
    """Give a file another content and leave its time as it was."""
    status = path.stat()
    path.write_text(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def hwcaps() -> list[str]:
    """The folders below a library's that ld.so prefers on this machine, the best first."""
    import platform

    if platform.machine() != "x86_64":
        pytest.skip("glibc-hwcaps are known here for x86-64 only")
    return [f"glibc-hwcaps/x86-64-v{level}" for level in (4, 3, 2)]
