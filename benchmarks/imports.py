"""The rows about programs that run under a lock."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping

import measure
from measure import Command
from programs import Program, megabytes
from world import Bench, Row, ms


def programs(world: Bench) -> Iterator[Row]:
    """What runs under a lock: processor time from the first moment of its own process."""
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
        **_copied(array, environment),
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
    size = megabytes(array.libraries())
    each = (ours - theirs) * 1000 / size
    yield Row(
        f"`import numpy` under a lock, {size:.0f} MB of libraries in a user's environment",
        ms(ours),
        f"`python -I -S` {ms(theirs)}",
        f"+ {each:.2f} ms a MB",
        "≤ + 1.3 ms a MB",
        each <= 1.3,
    )
    yield _floor(found, size)
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
    world.fetched()
    home = world.path / "loaders-home"
    shutil.copytree(world.home, home)
    environment = {"LANG": "C.UTF-8"}

    def made(name: str, code: str, *requirements: str) -> Program:
        return Program(world.path / "loaders" / name, home, world.sig, code, *requirements)

    hello, get = made("hello", "pass"), made("get", "import requests", "requests==2.32.3")
    system = made("system", "import os")
    array = made("array", "import numpy, cryptography.x509", "numpy", "cryptography")
    broken = world.path / "loaders/broken"
    programs = {"hello": hello, "system": system, "get": get, "array": array}
    commands = {}
    for name, program in programs.items():
        commands[name] = Command([str(program.loader())], environment)
        commands[f"plain {name}"] = program.plain(environment)
    shutil.copytree(hello.script.parent, broken, symlinks=True)
    (broken / hello.script.name).write_text("print('evil')\n")
    commands |= _copied(array, environment)
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
    more = (found["system"] - found["plain system"]) * 1000
    yield Row(
        "for orientation: a script that imports `os`",
        ms(found["system"]),
        f"`python3 -I -S` {ms(found['plain system'])}",
        f"+ {more:.1f} ms",
        "",
        None,
    )
    yield Row(
        "the script that does nothing, as people start it",
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
    size = megabytes(array.libraries())
    each = (found["array"] - found["plain array"]) * 1000 / size
    yield Row(
        f"`import numpy, cryptography` through a loader, {size:.0f} MB of libraries in a"
        " user's environment",
        ms(found["array"]),
        f"`python3 -I -S` {ms(found['plain array'])}",
        f"+ {each:.2f} ms a MB",
        "≤ + 1.2 ms a MB",
        each <= 1.2,
    )
    yield _floor(found, size)
    size = megabytes([hello.script.with_suffix("")])
    yield Row("a loader", f"{size:.1f} MB", "", "", "≤ 5 MB", size <= 5)


def _copied(program: Program, environment: Mapping[str, str]) -> dict[str, Command]:
    return {
        "copied": program.copied(environment),
        "not copied": program.copied(environment, nothing=True),
    }


def _floor(found: Mapping[str, float], size: float) -> Row:
    took = found["copied"] - found["not copied"]
    return Row(
        "for orientation: to copy those libraries to memory and hash them, and nothing else",
        ms(took),
        "",
        f"{took * 1000 / size:.2f} ms a MB",
        "",
        None,
    )
