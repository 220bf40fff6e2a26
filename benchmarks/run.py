"""What is fast, and against whom: every target side by side with another command, in one run.

    python benchmarks/run.py                 the table
    python benchmarks/run.py --only verify   one row
    python benchmarks/run.py --quick         small numbers: does it run, not how fast

Prints a Markdown table. Commands that are compared take turns; the median of each counts. All data
is made in a temporary folder, and nothing of the person who runs this is touched.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import data
import measure
from measure import Command
from served import NGINX, Server

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


def main() -> int:
    parser = argparse.ArgumentParser(description="What is fast, and against whom.")
    parser.add_argument("--quick", action="store_true", help="small numbers: a smoke test")
    parser.add_argument("--only", choices=list(ROWS), help="one row")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else Size()
    with tempfile.TemporaryDirectory(prefix="sig-bench-") as name, bench(Path(name), size) as world:
        if arguments.quick:
            print("Small numbers: they show that it runs, and nothing else.\n")
        print(machine(), flush=True)
        print("\n| what | ours | beside | ratio | target | met |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        failed = 0
        for name, function in ROWS.items():
            if arguments.only in (None, name):
                try:
                    for row in function(world):
                        print(row.line, flush=True)
                except Exception as error:
                    failed += 1
                    print(f"| {name} | failed: {type(error).__name__} | | | | **no** |", flush=True)
                    print(f"{name}: {error}", file=sys.stderr)
    return 1 if failed else 0


def machine() -> str:
    """What it ran on, and how busy that was with other work."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d')} · {model}, {os.cpu_count()} processors, load {load}"
        f" · {platform.system()} {platform.release()} · Python {platform.python_version()}"
        f" · remotes served by {'nginx' if NGINX else 'Python'}"
    )


# --- what is measured with -----------------------------------------------------------------------


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


# --- the rows ------------------------------------------------------------------------------------


def verify(world: Bench) -> Iterator[Row]:
    """One small file, one trusted statement, a large index: the whole process."""
    world.fetched()
    size, file = world.size, world.files[0]
    times = measure.medians(
        measure.in_turns(
            {
                "ours": world.sig("verify", file),
                "click": world.command(PYTHON, "-c", "import click"),
                "nothing": world.command(PYTHON, "-c", "pass"),
                "gpgv": _gpgv(world),
                "requests": world.command(PYTHON, "-c", "import requests"),
            },
            size.runs,
        )
    )
    ratio = times["ours"] / times["click"]
    count = sum(len(site.statements) for site in world.sites)
    yield Row(
        f"`sig verify` of one file, one trusted statement, {count} statements of"
        f" {len(world.sites)} remotes in the index; whole process",
        ms(times["ours"]),
        f"`python -c 'import click'` {ms(times['click'])}",
        f"{ratio:.2f}",
        "≤ 1.5",
        ratio <= 1.5,
    )
    for name, words in (
        ("nothing", "`python -c pass`"),
        ("requests", "`python -c 'import requests'`"),
        ("gpgv", "`gpgv` of that statement"),
    ):
        shown = f"{times['ours'] / times[name]:.2f}"
        yield Row(
            "for orientation", ms(times["ours"]), f"{words} {ms(times[name])}", shown, "", None
        )


def _gpgv(world: Bench) -> Command:
    """The statement about the first file, verified by GnuPG."""
    statement = world.sites[0].statements[0]
    parts = {"gpg": world.sites[0].owner.certificate, "sig": statement.sig, "txt": statement.signed}
    for end, raw in parts.items():
        (world.path / f"one.{end}").write_bytes(raw)
    keyring, *named = (world.path / f"one.{end}" for end in parts)
    return world.command("gpgv", "--keyring", keyring, *named)


def native(world: Bench) -> Iterator[Row]:
    """The same by the native program, which reads the view: processor time of the whole process."""
    root = Path(__file__).resolve().parent.parent
    subprocess.run([root / "tools/setup.sh", "loader"], check=True)
    program = root / "native/target/release/sig-verify"
    if not program.exists():
        yield Row("`sig-verify` of one file", "not built: no cargo", "", "", "≤ 1.0", None)
        return
    world.fetched()
    file, home = world.files[0], world.home
    commands = {
        "ours": world.command(program, "--dir", home, file),
        "gpgv": _gpgv(world),
        "unknown": world.command(program, "--dir", home, f"sha256:{'0' * 64}", status=1),
        "sig": world.sig("verify", file),
    }
    times = measure.medians(measure.in_turns(commands, 2 * world.size.runs, measure.busy))
    count = sum(len(site.statements) for site in world.sites)
    ratio = times["ours"] / times["gpgv"]
    yield Row(
        f"`sig-verify` of one file, one trusted statement, {count} statements of"
        f" {len(world.sites)} remotes in the folder; processor time of the whole process",
        ms(times["ours"]),
        f"`gpgv` of that statement {ms(times['gpgv'])}",
        f"{ratio:.2f}",
        "≤ 1.0",
        ratio <= 1.0,
    )
    for name, words in (
        ("unknown", "the same of a file that nobody spoke of"),
        ("sig", "`sig verify` of that file"),
    ):
        shown = f"{times['ours'] / times[name]:.2f}"
        yield Row(
            "for orientation", ms(times["ours"]), f"{words} {ms(times[name])}", shown, "", None
        )


def many(world: Bench) -> Iterator[Row]:
    """Many files, each with one counted statement, in one command."""
    world.fetched()
    commands = {
        "one": world.sig("verify", world.files[0]),
        "all": world.sig("verify", *world.files),
        "nothing": world.command(PYTHON, "-c", "pass"),
    }
    used: dict[str, list[measure.Used]] = {name: [] for name in commands}
    for _ in range(max(world.size.runs // 2, 2) + 1):
        for name, command in commands.items():
            used[name].append(measure.with_memory(command, interval=60))
    count = len(world.files)
    pairs = list(zip(used["one"], used["all"], strict=True))[1:]  # the first run fills caches
    found = statistics.median((all_.seconds - one.seconds) / (count - 1) for one, all_ in pairs)
    busy = statistics.median((all_.busy - one.busy) / (count - 1) for one, all_ in pairs)
    whole = {name: statistics.median(run.seconds for run in runs) for name, runs in used.items()}
    yield Row(
        f"{count} files of 10 KB, each with one counted statement, in one `sig verify`;"
        " a file, beyond start-up",
        f"{found * 1000:.3f} ms, of processors {busy * 1000:.3f} ms",
        f"one file {ms(whole['one'])}, all {ms(whole['all'])},"
        f" `python -c pass` {ms(whole['nothing'])}",
        "",
        "≤ 0.15 ms",
        found <= 0.00015,
    )


def hashing(world: Bench) -> Iterator[Row]:
    """A large file."""
    file = data.large_file(world.path / "large", world.size.large)
    times = measure.medians(
        measure.in_turns(
            {
                "ours": world.sig("verify", file, status=1),
                "openssl": world.command("openssl", "dgst", "-sha256", file),
            },
            world.size.few,
        )
    )
    file.unlink()
    ratio = times["openssl"] / times["ours"]
    yield Row(
        f"`sig verify` of a file of {world.size.large >> 20} MiB, whole process",
        f"{times['ours']:.3f} s",
        f"`openssl dgst -sha256` {times['openssl']:.3f} s",
        f"{ratio:.2f} of its speed",
        "≥ 0.95",
        ratio >= 0.95,
    )


def tree(world: Bench) -> Iterator[Row]:
    """The manifest of a folder, text included; files are in the page cache."""
    size, folder = 50_000, world.path / "tree"
    for number in range(world.size.tree // 100):
        data.small_files(folder / str(number // 10) / str(number), 100, size)
    other = "find . -type f -print0 | xargs -0 -P2 -n 200 openssl dgst -sha256"
    commands = {
        "ours": world.sig("manifest", folder),
        "openssl": world.command("sh", "-c", f"cd {folder} && {other}"),
    }
    used: dict[str, list[measure.Used]] = {name: [] for name in commands}
    for _ in range(max(world.size.runs // 2, 2)):
        for name, command in commands.items():
            used[name].append(measure.with_memory(command, interval=60))
    shutil.rmtree(folder)
    wall = {name: statistics.median(each.seconds for each in runs) for name, runs in used.items()}
    busy = {name: statistics.median(each.busy for each in runs) for name, runs in used.items()}
    worst = max(wall["ours"] / wall["openssl"], busy["ours"] / busy["openssl"])
    yield Row(
        f"manifest of a tree of {world.size.tree} files of {size // 1000} KB, whole process",
        f"{wall['ours']:.2f} s, of processors {busy['ours']:.2f} s",
        f"`{other.replace('|', chr(92) + '|')}`"
        f" {wall['openssl']:.2f} s, of processors {busy['openssl']:.2f} s",
        f"{worst:.2f} the worse of both",
        "≤ 1.1",
        worst <= 1.1,
    )


def wheel(world: Bench) -> Iterator[Row]:
    """The manifest of a wheel, beside its own test of it; the file is in the page cache."""
    path = world.path / "large.whl"
    size = data.wheel(path, world.size.wheel)
    commands = {
        "ours": world.sig("manifest", path),
        "unzip": world.command("unzip", "-tqq", path),
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(max(world.size.runs // 2, 2)):
        for name, command in commands.items():
            seconds[name].append(measure.once(command))
    path.unlink()
    ours, other = (statistics.median(seconds[name]) for name in ("ours", "unzip"))
    yield Row(
        f"manifest of a wheel of {size / 2**20:.0f} MiB, whole process",
        f"{ours:.2f} s",
        f"`unzip -t` {other:.2f} s",
        f"{ours / other:.2f}",
        "≤ 1.5",
        ours / other <= 1.5,
    )


def first_fetch(world: Bench) -> Iterator[Row]:
    """Everything for the first time."""
    world.fetched()
    tries = world.fetches
    seconds = sorted(each.used.seconds for each in tries)
    best, median = seconds[0], statistics.median(seconds)
    busy = min(each.used.busy for each in tries)
    count = sum(len(site.statements) for site in world.sites)
    what = f"first `sig fetch` of {len(world.sites)} remotes, {count} statements"
    yield Row(
        what,
        f"{best:.1f} s the best of {len(tries)}, {median:.1f} s the median",
        f"{busy:.1f} s of {measure.processors()} processors,"
        f" `python -c pass` {ms(statistics.median(each.nothing for each in tries))}",
        "",
        "≤ 8 s",
        median <= 8,
    )
    most = max(tries, key=lambda each: each.used.resident).used
    yield Row(
        f"{what}: memory of all its processes at the worst moment",
        f"{most.resident / 1e6:.0f} MB (shared pages once: {most.proportional / 1e6:.0f} MB)",
        "",
        "",
        "≤ 400 MB",
        most.resident <= 400e6 if most.resident else None,
    )
    floor = statistics.median(each.floor for each in tries)
    yield Row(
        "for orientation",
        f"{median:.1f} s the median",
        f"the same signatures with `pysequoia` alone, a process for each processor: {floor:.1f} s",
        f"{statistics.median(each.used.seconds / each.floor for each in tries):.2f}",
        "",
        None,
    )
    gpgv = statistics.median(each.gpgv for each in tries)
    ratio = statistics.median(each.gpgv * count / each.used.seconds for each in tries)
    yield Row(
        f"{what}, against a loop over `gpgv`",
        f"{median:.1f} s the median",
        f"`gpgv` {ms(gpgv)} a statement, {gpgv * count:.0f} s for all"
        f" (sample of {world.size.sample}, in turns with the fetches)",
        f"{ratio:.0f}",
        "≥ 35",
        ratio >= 35,
    )


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


def unchanged(world: Bench) -> Iterator[Row]:
    """Nothing new: as the server's own log tells it."""
    world.fetched()
    world.server.requests()
    took = measure.once(world.sig("fetch"))
    seen = world.server.requests()
    remotes = len(world.sites)
    same = sum(request.status == 304 for request in seen)
    sent = sum(request.sent for request in seen)
    yield Row(
        f"`sig fetch` of {remotes} remotes with nothing changed",
        f"{len(seen)} requests, {same} answered 304, {sent} bytes of bodies; {took:.2f} s",
        "the server's log",
        f"{len(seen) / remotes:.0f} a remote",
        "2 conditional requests a remote, no body",
        len(seen) == same == 2 * remotes and sent == 0,
    )


def attest(world: Bench) -> Iterator[Row]:
    """Signing: all that GnuPG does, and what is added to it."""
    files = data.small_files(world.path / "new", world.size.attested, 10 * 1024)
    home = world.path / "own"
    measure.once(world.sig("setup", world.key, home=home))
    empty = world.path / "own-empty"
    shutil.copytree(home, empty)
    texts = []
    for number, file in enumerate(files):
        text = world.path / f"statement-{number}"
        text.write_text(f'{{"id": "sha256:{data.file_digest(file)}", "ok": true}}')
        texts.append(text)
    script = world.path / "sign.sh"
    sign = f"gpg --batch --yes --quiet --local-user {world.key} --detach-sign"
    script.write_text("\n".join(["set -e", *(f"{sign} {text}" for text in texts)]))
    loop = world.command("sh", script)
    ours: list[float] = []
    gpg: list[float] = []
    for run in range(world.size.few + 1):
        shutil.rmtree(home)
        shutil.copytree(empty, home)
        line = world.sig("attest", *files, "--ok", "--reviewed", "-m", "", home=home)
        took = measure.once(line)
        beside = measure.once(loop)
        if run:  # the first starts the agent
            ours.append(took)
            gpg.append(beside)
    ratio = statistics.median(ours) / statistics.median(gpg)
    yield Row(
        f"`sig attest` of {len(files)} files in one command",
        f"{statistics.median(ours):.2f} s",
        f"{len(files)} × `gpg --detach-sign` {statistics.median(gpg):.2f} s",
        f"{ratio:.2f}",
        "≤ 1.5",
        ratio <= 1.5,
    )


def programs(world: Bench) -> Iterator[Row]:
    """What runs under a lock: processor time from the first moment of its own process."""
    from programs import Program

    home = world.path / "programs-home"
    measure.once(world.sig("setup", world.key, home=home))
    environment = {"LANG": "C.UTF-8"}

    def made(name: str, code: str, *requirements: str) -> Program:
        return Program(world.path / "programs" / name, home, world.sig, code, *requirements)

    get = made("get", "import requests", "requests==2.32.3")
    hello = made("hello", "pass", "requests==2.32.3")
    array = made("array", "import numpy", "numpy")
    system = made("system", SYSTEM, "requests==2.32.3")
    commands = {
        "hello": hello.child(environment),
        "plain hello": hello.plain(environment),
        "get": get.child(environment),
        "plain get": get.plain(environment),
        "array": array.child(environment),
        "plain array": array.plain(environment),
        "system": system.child(environment),
        "plain system": system.plain(environment),
        "sources": get.child(environment, pack=False),
        "run hello": world.sig("run", hello.script, home=home),
        "run get": world.sig("run", get.script, home=home),
    }
    times = measure.in_turns(commands, 2 * world.size.runs, measure.busy)
    found = measure.medians(times)

    def beyond(name: str, plain: str) -> tuple[float, float]:
        """What the imports take beyond a start, under the lock and without."""
        return found[name] - found["hello"], found[plain] - found["plain hello"]

    ours, theirs = beyond("get", "plain get")
    yield Row(
        "`import requests` under a lock with a pack, beyond the start of `sig`; processor time",
        ms(ours),
        f"`python -I -S` with bytecode {ms(theirs)}",
        f"{ours / theirs:.3f}",
        "≤ 1.05",
        ours / theirs <= 1.05,
    )
    for what, name, plain in (
        ("for orientation: the same, whole process after `sig`", "get", "plain get"),
        ("for orientation: without the pack, from sources", "sources", "plain get"),
        ("for orientation: whole `sig run`", "run get", "plain get"),
        ("for orientation: a script that does nothing, after `sig`", "hello", "plain hello"),
        ("for orientation: that, whole `sig run`", "run hello", "plain hello"),
    ):
        ratio = f"{found[name] / found[plain]:.3f}"
        beside = f"`python -I -S` {ms(found[plain])}"
        yield Row(what, ms(found[name]), beside, ratio, "", None)
    ours, theirs = beyond("array", "plain array")
    megabytes = array.native() / 1e6
    each = (ours - theirs) * 1000 / megabytes
    yield Row(
        f"`import numpy` under a lock, {megabytes:.0f} MB of libraries in a user's environment",
        ms(ours),
        f"`python -I -S` {ms(theirs)}",
        f"+ {each:.2f} ms a MB",
        "≤ + 1.3 ms a MB",
        each <= 1.3,
    )
    ours, theirs = beyond("system", "plain system")
    yield Row(
        f"`{SYSTEM}` under a lock: libraries of the system",
        ms(ours),
        f"`python -I -S` {ms(theirs)}",
        f"+ {(ours - theirs) * 1000:.1f} ms",
        "nothing (within 5 %)",
        ours <= theirs * 1.05,
    )


SYSTEM = "import ssl, decimal, sqlite3, lzma"


def loaders(world: Bench) -> Iterator[Row]:
    """Programs through their loaders: processor time of the whole process."""
    from programs import Program

    world.fetched()
    home = world.path / "loaders-home"
    shutil.copytree(world.home, home)
    environment = {"LANG": "C.UTF-8"}

    def made(name: str, code: str, *requirements: str) -> Program:
        return Program(world.path / "loaders" / name, home, world.sig, code, *requirements)

    hello, get = made("hello", "pass"), made("get", "import requests", "requests==2.32.3")
    array = made("array", "import numpy, cryptography.x509", "numpy", "cryptography")
    broken = world.path / "loaders/broken"
    programs = {"hello": hello, "get": get, "array": array}
    commands = {}
    for name, program in programs.items():
        commands[name] = Command([str(program.loader())], environment)
        commands[f"plain {name}"] = program.plain(environment)
    shutil.copytree(hello.script.parent, broken, symlinks=True)
    (broken / hello.script.name).write_text("print('evil')\n")
    commands["refused"] = Command([str(broken / "hello")], environment, 111)
    commands["with site"] = Command([str(hello.python), str(hello.script)], environment)
    found = measure.medians(measure.in_turns(commands, 3 * world.size.runs, measure.busy))
    count = sum(len(site.statements) for site in world.sites)
    more = (found["hello"] - found["plain hello"]) * 1000
    yield Row(
        f"a script that does nothing, through its loader, {count} statements in the folder",
        ms(found["hello"]),
        f"`python3 -I -S` {ms(found['plain hello'])}",
        f"+ {more:.1f} ms",
        "≤ + 4 ms",
        more <= 4,
    )
    yield Row(
        "the same, as people start it",
        ms(found["hello"]),
        f"`python3 hello.py` of an empty environment {ms(found['with site'])}",
        f"{found['hello'] / found['with site']:.2f}",
        "≤ 1.3",
        found["hello"] / found["with site"] <= 1.3,
    )
    yield Row(
        "the refusal of a changed script",
        ms(found["refused"]),
        "",
        "",
        "≤ 4 ms",
        found["refused"] <= 0.004,
    )
    ratio = found["get"] / found["plain get"]
    yield Row(
        "`import requests` from a pack, through a loader",
        ms(found["get"]),
        f"`python3 -I -S` with bytecode {ms(found['plain get'])}",
        f"{ratio:.3f}",
        "≤ 1.03",
        ratio <= 1.03,
    )
    megabytes = array.native() / 1e6
    each = (found["array"] - found["plain array"]) * 1000 / megabytes
    yield Row(
        f"`import numpy, cryptography` through a loader, {megabytes:.0f} MB of libraries in a"
        " user's environment",
        ms(found["array"]),
        f"`python3 -I -S` {ms(found['plain array'])}",
        f"+ {each:.2f} ms a MB",
        "≤ + 1.2 ms a MB",
        each <= 1.2,
    )
    size = hello.script.with_suffix("").stat().st_size
    yield Row("a loader", f"{size / 1e6:.1f} MB", "", "", "≤ 5 MB", size <= 5e6)


def verdicts(world: Bench) -> Iterator[Row]:
    """A second signed tree, and each further one."""
    world.fetched()
    home = world.path / "verdicts-home"
    shutil.copytree(world.home, home)
    folders = [world.path / "trees" / str(number) for number in range(21)]
    ids = []
    for number, folder in enumerate(folders):
        data.small_files(folder, 100, 100 + number)
        done = subprocess.run(
            world.sig("--json", "manifest", folder, home=home).words,
            env=world.environment,
            capture_output=True,
            check=True,
        )
        ids.append(json.loads(done.stdout)["id"])
    measure.once(world.sig("attest", "--ok", "--reviewed", "-m", "", *folders, home=home))
    tool = str(Path(__file__).with_name("verdicts.py"))
    told = [
        subprocess.run(
            [PYTHON, tool, str(home), *ids], env=world.environment, capture_output=True, check=True
        ).stdout.split()
        for _ in range(world.size.runs)
    ]
    first, further = (statistics.median(float(each[place]) for each in told) for place in (0, 1))
    count = sum(len(site.statements) for site in world.sites)
    yield Row(
        f"a further signed tree of 100 files beside {count} statements: its verdict, once;"
        " processor time",
        f"{further:.3f} ms",
        f"the first one, with all that is opened for it, {first:.1f} ms",
        "",
        "≤ 0.3 ms",
        further <= 0.3,
    )


ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "verify": verify,
    "native": native,
    "many": many,
    "hash": hashing,
    "tree": tree,
    "wheel": wheel,
    "fetch": first_fetch,
    "unchanged": unchanged,
    "attest": attest,
    "verdicts": verdicts,
    "programs": programs,
    "loaders": loaders,
}

if __name__ == "__main__":
    sys.exit(main())
