"""The rows about files, trees and archives, and what was said of them."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import data
import measure
from measure import Command
from world import PYTHON, Bench, Row, ms


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
