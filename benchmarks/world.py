"""What the rows of the table are measured with."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import data
import measure
from measure import Command
from served import Server

PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    remotes: int = 100
    statements: int = 1000
    files: int = 1000
    large: int = 1 << 30
    tree: int = 20_000
    wheel: int = 200 << 20
    attested: int = 100
    runs: int = 25
    few: int = 5
    tries: int = 5
    sample: int = 300


QUICK = Size(
    remotes=4,
    statements=50,
    files=50,
    large=1 << 25,
    tree=200,
    wheel=3 << 20,
    attested=5,
    runs=3,
    few=2,
    tries=1,
    sample=10,
)


@dataclass(frozen=True, slots=True)
class Fetch:
    """A first fetch, and seconds beside it: of ``python -c pass``, of pysequoia alone, and of one
    `gpgv` in a loop."""

    used: measure.Used
    nothing: float
    floor: float
    gpgv: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `met` is None where nothing is promised."""

    what: str
    ours: str
    beside: str
    ratio: str
    target: str
    met: bool | None

    @property
    def line(self) -> str:
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return (
            f"| {self.what} | {self.ours} | {self.beside} | {self.ratio} | {self.target} | {met} |"
        )


class Bench:
    """The data, made when it is first asked for."""

    def __init__(self, path: Path, size: Size) -> None:
        self.path = path
        self.size = size
        self.gnupg = path / "gnupg"
        self.home = path / "home"
        self.files = data.small_files(path / "files", size.files, 10 * 1024)
        self.environment = {
            name: value
            for name, value in os.environ.items()
            # With it every run would compile the program anew, which no installed one does.
            if not name.startswith(("PYTHON", "SIG_", "GNUPG", "LC_", "LANG", "RUST_"))
        } | {"GNUPGHOME": str(self.gnupg), "HOME": str(path), "LC_ALL": "C.UTF-8"}
        self.key = data.gnupg_home(self.gnupg)
        self._sites: list[data.Site] = []
        self._server: Server | None = None
        self._fetched = False
        self.fetches: list[Fetch] = []
        measure.once(self.sig("setup", self.key))

    def sig(self, *words: str | Path, home: Path | None = None, status: int = 0) -> Command:
        """A command line of the installed program."""
        script = Path(PYTHON).with_name("sig")
        start = [str(script)] if script.exists() else [PYTHON, "-m", "sig"]
        line = [*start, "--dir", str(home or self.home), *map(str, words)]
        return Command(line, self.environment, status)

    def command(self, *words: str | Path, status: int = 0) -> Command:
        """Another command."""
        return Command([str(word) for word in words], self.environment, status)

    @property
    def sites(self) -> list[data.Site]:
        """The remotes. The first one's statements are about `files`."""
        if not self._sites:
            www = self.path / "www"
            people = data.owners(self.path / "owners", self.size.remotes)
            for number, owner in enumerate(people):
                if number == 0:
                    digests = [data.file_digest(file) for file in self.files]
                else:
                    digests = [data.digest(f"{number} {i}") for i in range(self.size.statements)]
                self._sites.append(data.publish(www, f"owner{number}", owner, digests))
        return self._sites

    def followed(self) -> None:
        """All remotes are followed and the first is trusted; nothing is fetched."""
        if self._server is None:
            sites = self.sites
            work = self.path / "server"
            work.mkdir()
            self._server = Server(self.path / "www", work)
            self._server.__enter__()
            with self._gnupg():
                first = sites[0].owner.fingerprint
                data.add_remotes(self.home, sites, self._server.url, [first])

    @property
    def server(self) -> Server:
        self.followed()
        assert self._server is not None
        return self._server

    def fetched(self) -> None:
        """The folder has everything; what that took, and others beside it, is in `fetches`."""
        if not self._fetched:
            self.followed()
            empty = self.path / "empty"
            shutil.copytree(self.home, empty)
            for _ in range(self.size.tries):
                shutil.rmtree(self.home)
                shutil.copytree(empty, self.home)
                used = measure.with_memory(self.sig("fetch"))
                nothing = measure.once(self.command(PYTHON, "-c", "pass"))
                floor, gpgv = _floor_seconds(self), _gpgv_seconds(self)
                self.fetches.append(Fetch(used, nothing, floor, gpgv))
            self._fetched = True

    @contextlib.contextmanager
    def _gnupg(self) -> Iterator[None]:
        before = os.environ.get("GNUPGHOME")
        os.environ["GNUPGHOME"] = str(self.gnupg)
        try:
            yield
        finally:
            if before is None:
                del os.environ["GNUPGHOME"]
            else:
                os.environ["GNUPGHOME"] = before

    def close(self) -> None:
        if self._server is not None:
            self._server.__exit__()
        subprocess.run(
            ["gpgconf", "--kill", "all"], env=self.environment, capture_output=True, check=False
        )


@contextlib.contextmanager
def bench(path: Path, size: Size) -> Iterator[Bench]:
    """The data, and none of it at the end."""
    made = Bench(path, size)
    try:
        yield made
    finally:
        made.close()


def ms(seconds: float) -> str:
    """Milliseconds for people."""
    return f"{seconds * 1000:.1f} ms"


def _floor_seconds(world: Bench) -> float:
    count = measure.processors()
    words = [PYTHON, str(Path(__file__).with_name("floor.py")), str(world.path / "www")]
    began = time.perf_counter()
    running = [
        subprocess.Popen([*words, str(start), str(count)], env=world.environment)
        for start in range(count)
    ]
    if any([process.wait() for process in running]):
        raise RuntimeError("pysequoia alone refuses what was signed for it")
    return time.perf_counter() - began


def _gpgv_seconds(world: Bench) -> float:
    """Seconds of one, in a loop of the shell, the cheapest there is, over a sample."""
    folder = world.path / "gpgv"
    folder.mkdir(exist_ok=True)
    lines = ["set -e"]
    for number in range(world.size.sample):
        site = world.sites[number % len(world.sites)]
        statement = site.statements[number // len(world.sites)]
        parts = {"gpg": site.owner.certificate, "sig": statement.sig, "txt": statement.signed}
        for end, raw in parts.items():
            (folder / f"{number}.{end}").write_bytes(raw)
        lines.append(
            "gpgv --homedir /nonexistent --status-fd 1 2>/dev/null"
            f" --keyring {folder}/{number}.gpg {folder}/{number}.sig {folder}/{number}.txt"
        )
    script = folder / "loop.sh"
    script.write_text("\n".join(lines))
    loop = world.command("sh", script)
    return measure.once(loop) / world.size.sample
