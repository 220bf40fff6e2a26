"""As an interpreter it starts the program itself and what multiprocessing writes, no more."""

from __future__ import annotations

import marshal
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import multiprocessing.spawn
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sig.errors import UsageError
from sig.imports import launcher
from sig.imports.launcher import is_run, mark, wanted
from sig.verbs.lock import Program

SCRIPT = "/nowhere/get.py"
SPAWN = "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)"
FORK = (
    "from multiprocessing.forkserver import main; "
    "main(3, 4, ['__main__', 'os'], **{'sys_path': ['/a b', ''], 'main_path': '/x/ä \\'\"#;.py'})"
)
TRACKER = "from multiprocessing.resource_tracker import main;main(5)"
SPELLINGS = (SPAWN, FORK, TRACKER)


def refused(*words: str) -> bool:
    """Whether this starts nothing."""
    try:
        wanted(words, SCRIPT)
    except UsageError as error:
        assert error.message.startswith("not started: ")
        return True
    return False


@pytest.mark.parametrize("code", SPELLINGS)
@pytest.mark.parametrize("flags", [(), ("-B",), ("-I", "-S", "-B"), ("-Wdefault", "-Xdev", "-OO"),
                                   ("-Werror::DeprecationWarning", "-Xutf8=1", "-bb")])  # fmt: skip
def test_what_multiprocessing_writes_is_started(code: str, flags: tuple[str, ...]) -> None:
    """With the flags that it adds; what follows is for the child."""
    more = ["--multiprocessing-fork", "-c", "x"]
    assert (("code", code), more) == wanted([*flags, "-c", code, *more], SCRIPT)


def test_these_are_the_spellings_of_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caught where it starts them: a new release that writes otherwise shows here."""
    caught: list[list[str]] = []

    def start(path: object, args: list[object], *rest: object) -> int:
        caught.append(
            [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in args]
        )
        raise InterruptedError

    monkeypatch.setattr("multiprocessing.util.spawnv_passfds", start)
    server = multiprocessing.forkserver.ForkServer()
    server.set_forkserver_preload(["__main__", "json"])
    for begin in (multiprocessing.resource_tracker.ResourceTracker().ensure_running,
                  server.ensure_running):  # fmt: skip
        with pytest.raises(InterruptedError):
            begin()
    caught.append(multiprocessing.spawn.get_command_line(tracker_fd=5, pipe_handle=7))
    # A fork server starts a tracker of its own first.
    assert {"main", "spawn_main"} >= {words[words.index("-c") + 1].rpartition("(")[0].split()[-1]
                                      .rpartition(";")[2] for words in caught}  # fmt: skip
    for words in caught:
        entry, rest = wanted(words[1:], SCRIPT)
        assert ("code", words[words.index("-c") + 1]) == entry
        assert words[words.index("-c") + 2 :] == rest


@pytest.mark.parametrize(
    "code",
    [
        "",
        "import os",
        "from multiprocessing.spawn import spawn_main",
        "spawn_main()",
        SPAWN + "; import os",
        "import os; " + SPAWN,
        SPAWN + "\nimport os",
        SPAWN + "\rimport os",
        SPAWN + "\n\x0cimport os",
        SPAWN + ";spawn_main()",
        SPAWN.replace("; ", ";import os;"),
        # other names
        SPAWN.replace("spawn_main", "main"),
        SPAWN.replace("spawn_main", "freeze_support"),
        SPAWN.replace("spawn import spawn_main", "spawn import spawn_main as main"),
        SPAWN.replace("spawn import spawn_main", "spawn import os as spawn_main"),
        SPAWN.replace("spawn import spawn_main", "spawn import spawn_main, os"),
        SPAWN.replace("spawn import spawn_main", "spawn import *"),
        SPAWN.replace("multiprocessing.spawn", "evil"),
        SPAWN.replace("multiprocessing.spawn", "multiprocessing"),
        SPAWN.replace("multiprocessing.spawn", ".multiprocessing.spawn"),
        SPAWN.replace("multiprocessing.spawn", "multiprocessing.forkserver"),
        SPAWN.replace("from multiprocessing.spawn import spawn_main",
                      "import multiprocessing.spawn"),
        "from multiprocessing.util import spawnv_passfds; spawnv_passfds()",
        # other calls
        "from multiprocessing.spawn import spawn_main; spawn_main",
        "from multiprocessing.spawn import spawn_main; spawn_main()()",
        "from multiprocessing.spawn import spawn_main; spawn_main().x()",
        "from multiprocessing.spawn import spawn_main; spawn_main.__globals__['os']()",
        "from multiprocessing.spawn import spawn_main; (spawn_main, eval)[1]('1')",
        "from multiprocessing.spawn import spawn_main; eval('1')",
        "from multiprocessing.spawn import spawn_main; x = spawn_main()",
        "from multiprocessing.spawn import spawn_main; await spawn_main()",
        "from multiprocessing.spawn import spawn_main; lambda: spawn_main()",
        "from multiprocessing.spawn import spawn_main; spawn_main(); ...",
        "from multiprocessing.spawn import spawn_main; [spawn_main()]",
        "from multiprocessing.spawn import spawn_main; not spawn_main()",
        "from multiprocessing.spawn import spawn_main; (spawn_main := eval)('1')",
        "if 1:\n from multiprocessing.spawn import spawn_main; spawn_main()",
        "def f(): from multiprocessing.spawn import spawn_main; spawn_main()",
        "from multiprocessing.spawn import spawn_main\n@spawn_main\ndef f(): pass",
        # arguments that are no literals
        "from multiprocessing.spawn import spawn_main; spawn_main(__import__('os'))",
        "from multiprocessing.spawn import spawn_main; spawn_main(x=__import__('os').system('x'))",
        "from multiprocessing.spawn import spawn_main; spawn_main(*__import__('os'))",
        "from multiprocessing.spawn import spawn_main; spawn_main(*[1])",
        "from multiprocessing.spawn import spawn_main; spawn_main(**eval('1'))",
        "from multiprocessing.spawn import spawn_main; spawn_main(**{eval('1'): 1})",
        "from multiprocessing.spawn import spawn_main; spawn_main([1, [2, {3: eval('1')}]])",
        "from multiprocessing.spawn import spawn_main; spawn_main([x for x in ()])",
        "from multiprocessing.spawn import spawn_main; spawn_main(f'{eval(1)}')",
        "from multiprocessing.spawn import spawn_main; spawn_main(lambda: 1)",
        "from multiprocessing.spawn import spawn_main; spawn_main(x := 1)",
        "from multiprocessing.spawn import spawn_main; spawn_main(1 if 1 else 2)",
        "from multiprocessing.spawn import spawn_main; spawn_main(1 << 1000000000)",
        "from multiprocessing.spawn import spawn_main; spawn_main(2 ** 99)",
        "from multiprocessing.spawn import spawn_main; spawn_main('x' % 1)",
        "from multiprocessing.spawn import spawn_main; spawn_main(__debug__)",
        "from multiprocessing.spawn import spawn_main; spawn_main(spawn_main(1))",
        # what does not parse, or not in reasonable time
        "from multiprocessing.spawn import spawn_main; spawn_main(" + "(" * 100_000,
        "from multiprocessing.spawn import spawn_main; spawn_main(" + "[" * 90 + "x",
        "from multiprocessing.spawn import spawn_main; spawn_main(" + "-" * 100_000 + "1)",
        "from multiprocessing.spawn import spawn_main; spawn_main(" + "1+" * 100_000 + "1)",
        "from multiprocessing.spawn import spawn_main; spawn_main(" + "not " * 50_000 + "1)",
        "from multiprocessing.spawn import spawn_main; spawn_main(" + "1" * 10_000 + ")",
        "from multiprocessing.spawn import spawn_main; spawn_main('" + "x" * (1 << 20) + "')",
        SPAWN + "\0",
        SPAWN + "\ud800",
        SPAWN + "'",
        SPAWN + "\\",
    ],
    ids=lambda code: ascii(code)[:90],
)  # fmt: skip
def test_code_that_does_anything_else_is_refused(code: str) -> None:
    """Whatever it looks like."""
    began = time.process_time()
    assert refused("-c", code)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "code",
    [
        "# coding: utf-7\n" + TRACKER.replace("5", "'+ACc-)+AAo-import os+ACM-'"),
        "#!/usr/bin/python\n# -*- coding: utf-7 -*-\n" + TRACKER,
        "\ufeff" + SPAWN,
        "# coding: latin-1\n" + FORK,
        SPAWN + "  # and a word",
        "\n" + SPAWN,
        SPAWN.replace("; ", "\n"),
        SPAWN.replace("; ", ";\\\n"),
        SPAWN.replace("tracker_fd", "\\\ntracker_fd"),
        SPAWN.replace("5", "'''\n'''"),
        SPAWN + "\n",
    ],
    ids=ascii,
)
def test_code_of_more_than_one_line_is_refused(code: str) -> None:
    """A first line could say how all that follows is read; multiprocessing writes one line."""
    assert refused("-c", code)


def test_a_comment_says_how_bytes_are_read() -> None:
    """The control: the same text is other code then, so it is never compiled from bytes."""
    text = "# coding: utf-7\nx = '+ACc-; y = 1 +ACM-'\n"
    as_text: dict[str, object] = {}
    as_bytes: dict[str, object] = {}
    exec(compile(text, "x", "exec"), as_text)  # noqa: S102 - ours
    exec(compile(text.encode(), "x", "exec"), as_bytes)  # noqa: S102 - the same
    assert ("+ACc-; y = 1 +ACM-", None) == (as_text["x"], as_text.get("y"))
    assert ("", 1) == (as_bytes["x"], as_bytes["y"])


def test_names_that_only_look_alike_are_other_names() -> None:
    """Python takes compatible letters for one: multiprocessing never writes those."""
    for letter in "\N{MATHEMATICAL BOLD SMALL M}", "\N{FULLWIDTH LATIN SMALL LETTER M}":
        assert refused("-c", TRACKER.replace("main", f"{letter}ain"))
        assert refused("-c", TRACKER.replace("multi", f"{letter}ulti"))
    assert refused("-c", SPAWN.replace("spawn_main(", "\N{LATIN SMALL LETTER LONG S}pawn_main("))


_PIECES = ["from", "import", "multiprocessing", ".", "spawn", "forkserver", "main", "spawn_main",
           "resource_tracker", " ", ";", "\n", "(", ")", ",", "=", "**", "*", "{", "}", "[", "]",
           "'", '"', "1", "os", "#", "\\", "eval", "__import__('os')", ":", "ä", "\t"]  # fmt: skip


def _literals(node: object) -> bool:
    return isinstance(node, (int, float, complex, str, bytes, bool, type(None), type(...))) or (
        isinstance(node, (list, tuple, set, dict)) and all(map(_literals, node))
    )


def _harmless(code: str) -> bool:
    """Whether it calls one of the three functions with literals: found by running it."""
    calls: list[tuple[object, ...]] = []

    def module(name: str) -> object:
        def called(*words: object, **more: object) -> None:
            calls.append((name, *words, *more.values()))

        return type("module", (), {"spawn_main": called, "main": called, "__name__": name})

    def importer(name: str, *rest: object) -> object:
        if name not in launcher._CHILDREN:
            raise ImportError(name)
        return module(name)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scope = {"__builtins__": {"__import__": importer}}
        exec(compile(code, "x", "exec"), scope)  # noqa: S102 - what was let through, with nothing
    return 1 == len(calls) and all(map(_literals, calls[0]))


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    """One of the spellings, changed in some places."""
    code = draw(st.sampled_from(SPELLINGS))
    for _ in range(draw(st.integers(1, 3))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(code))] * 2)))
        end = min(end, at + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(_PIECES) | st.text(max_size=2))
        code = code[:at] + piece + code[end:]
    return code


@given(_mutated() | st.lists(st.sampled_from(_PIECES), max_size=20).map("".join))
@example(SPAWN)
@example(TRACKER.replace("5", "5,"))
def test_code_that_is_let_through_calls_one_function_with_literals(code: str) -> None:
    """Whatever was changed in it: it is refused, or does nothing else."""
    if not refused("-c", code):
        assert "\n" not in code
        assert _harmless(code)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-c",),
        ("-m",),
        ("-m", "get"),
        ("-m", "multiprocessing.spawn"),
        ("-mget",),
        ("-mos",),
        ("-cimport os",),
        ("-c" + SPAWN,),
        ("-Bc", SPAWN),
        ("-Bcimport os",),
        ("-Im", "os"),
        ("-I", "-m", "os"),
        ("-W", "ignore", "-c", SPAWN),
        ("-X", "dev", "-c", SPAWN),
        ("-X", SCRIPT),
        ("-W", SCRIPT),
        ("-i", SCRIPT),
        ("-x", SCRIPT),
        ("-E-c", SPAWN),
        ("-Xa b", SCRIPT),
        ("-X", "-c", SPAWN),
        ("-", ),
        ("--", SCRIPT),
        ("--", "-c", SPAWN),
        ("-h",),
        ("-V",),
        ("--version",),
        ("--help",),
        ("--check-hash-based-pycs", "always", SCRIPT),
        ("/nowhere/other.py",),
        ("/nowhere",),
        ("/nowhere/get.py/",  "x", "y"),
        ("get.py",),
        ("",),
        ("/dev/stdin",),
        ("/proc/self/fd/0",),
        (SPAWN,),
        ("-c", "import os", "-c", SPAWN),
        ("-c", "-c", SPAWN),
        ("\n-c", SPAWN),
        ("-I\n", SCRIPT),
    ],
)  # fmt: skip
def test_anything_else_is_refused(words: tuple[str, ...]) -> None:
    """Also what is glued together, which Python would take."""
    if words == ("/nowhere/get.py/", "x", "y"):
        assert not refused(*words)  # the twin: the system's spelling of the same place
        return
    assert refused(*words)


def test_the_programs_own_script_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By any path that leads to it; all that follows is the script's."""
    script = tmp_path / "get.py"
    script.touch()
    (tmp_path / "link").symlink_to(script)
    (tmp_path / "other.py").touch()
    monkeypatch.chdir(tmp_path)
    real = os.path.realpath(script)
    for way in (str(script), "get.py", "./get.py", "link", "../" + tmp_path.name + "/get.py"):
        assert ((), ["-c", "import os"]) == wanted([way, "-c", "import os"], real)
        assert ((), []) == wanted(["-B", "-E", way], real)
    for way in ("other.py", "get", "-get.py", "--get.py"):
        with pytest.raises(UsageError, match="neither this program nor a child of it"):
            wanted([way], real)


@given(st.lists(st.sampled_from(["-c", "-m", "-B", "-I", "--", "-X", "-W", "-Xdev", "-Wx", "-cx",
                                 "-mx", "x", SCRIPT, SPAWN, "-", "-BI", "-i"]) | st.text(max_size=4)
                .filter(lambda word: "\0" not in word), max_size=6))  # fmt: skip
def test_of_any_words_only_these_are_let_through(words: list[str]) -> None:
    """After flags without a meaning: the script, or ``-c`` and a spelling. No word is lost."""
    try:
        entry, rest = wanted(words, SCRIPT)
    except UsageError:
        return
    flags = words[: len(words) - len(rest) - (2 if entry else 1)]
    assert all(len(flag) > 1 and flag[0] == "-" and flag[1] not in "cm-i" for flag in flags)
    after = words[len(flags) :]
    if entry:
        assert ["-c", entry[1]] == after[:2] and entry[1] in SPELLINGS
    else:
        assert os.path.realpath(after[0]) == SCRIPT
    assert words[len(words) - len(rest) :] == rest


def test_the_message_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever started it could have said anything."""
    with pytest.raises(UsageError) as caught:
        wanted(["-c", "x" * 100_000], SCRIPT)
    assert len(caught.value.message) < 400
    with pytest.raises(UsageError, match="'nothing'"):
        wanted([], SCRIPT)


# --- whose child it is ---------------------------------------------------------------------------

LINES = {
    "source": "import posix;d=%d;exec(posix.pread(d,8192,4096))",
    "compiled": "import posix,marshal;d=%d;exec(marshal.loads(posix.pread(d,8192,4096)))",
}
WAIT = "import sys\nsys.stdout.write('x')\nsys.stdout.flush()\nsys.stdin.read()\n"
REAL = os.path.realpath(sys.executable)
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A Python with these words, that waits until its input ends."""
    given = {"source": WAIT.encode(), "compiled": marshal.dumps(compile(WAIT, "", "exec"))}
    for form, lines in given.items():
        (tmp_path / form).write_bytes(bytes(4096) + lines.ljust(8192, b"\n"))

    def started(*words: str, executable: str = REAL) -> subprocess.Popen[bytes]:
        form = next((form for form, lines in LINES.items() if lines in words), "source")
        page = os.open(tmp_path / form, os.O_RDONLY)
        every = [word % page if word == LINES[form] else word for word in words]
        made = subprocess.Popen(every, executable=executable, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, pass_fds=[page])  # fmt: skip
        os.close(page)
        return made

    return started


def _is_run(process: subprocess.Popen[bytes], executable: str) -> bool:
    """Asked when it is the program that it was started as."""
    assert process.stdout is not None and process.stdin is not None
    process.stdout.read(1)
    found = is_run(process.pid, executable)
    process.stdin.close()
    process.stdout.close()
    process.wait(30)
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks /proc")
@pytest.mark.parametrize("form", LINES)
def test_a_run_is_known_by_its_words_and_its_file(start: Start, form: str) -> None:
    """Of exactly this interpreter, with exactly the words that a run has."""
    lines = LINES[form]
    run = (REAL, "-I", "-S", "-B", "-c", lines)
    assert _is_run(start(*run), REAL)
    assert _is_run(start(*run, "its", "words", ""), REAL)
    assert not _is_run(start(*run), REAL + "x")
    assert not _is_run(start(*run), "/usr/bin/true")
    wait = "import sys; print('x', flush=True); sys.stdin.read()"
    assert not _is_run(start(*run[:-1], wait), REAL)
    assert not _is_run(start(REAL, "-I", "-S", "-c", lines), REAL)
    assert not _is_run(start(REAL, "-I", "-S", "-B", "-u", "-c", lines), REAL)
    assert not _is_run(start("python3", *run[1:]), REAL)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks /proc")
def test_another_program_that_says_the_same_words_is_no_run(start: Start, tmp_path: Path) -> None:
    """Its words are its own to choose; which file it is, is not."""
    run = (REAL, "-I", "-S", "-B", "-c", LINES["source"])
    shutil.copy(REAL, tmp_path / "python")
    assert not _is_run(start(*run, executable=str(tmp_path / "python")), REAL)
    assert _is_run(start(*run), REAL)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks /proc")
def test_what_is_gone_or_is_no_process_is_no_run() -> None:
    """Nothing is raised."""
    gone = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    gone.wait()
    for process in (gone.pid, 0, -1, 1 << 40, os.getpid()):
        assert not is_run(process, REAL)
    with pytest.raises(ValueError, match="not the path of an interpreter"):
        is_run(os.getpid(), "python3")


@pytest.mark.parametrize("lacks", ["DIR", "LOCK", "FILE", "PYTHON"])
def test_without_a_whole_mark_nothing_is_started(lacks: str, tmp_path: Path) -> None:
    """It is no command for people."""
    program = Program(str(tmp_path), "get.py", "get", str(tmp_path / "get.lock"))
    whole = mark(str(tmp_path), program, "/usr/bin/python3", None)
    left = {name: value for name, value in whole.items() if name != f"SIG_RUN_{lacks}"}
    with pytest.raises(UsageError, match="by programs that sig runs, not by hand"):
        launcher.start(["get.py"], left)


def test_a_whole_mark_alone_starts_nothing(tmp_path: Path) -> None:
    """Who starts it must be a run; a test is none."""
    (tmp_path / "get.py").touch()
    program = Program(str(tmp_path), "get.py", "get", str(tmp_path / "get.lock"))
    whole = mark(str(tmp_path), program, REAL, None)
    with pytest.raises(UsageError, match="and this one is not"):
        launcher.start([str(tmp_path / "get.py")], whole)
