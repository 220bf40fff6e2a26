"""One file, opened once; and what is said where it is not the right one."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

import sig.imports.opening as module
from sig.imports.covered import Covered
from sig.imports.opening import Opening, shown
from sig.imports.plan import Plan, Root
from tests.imports.child import manifest, write


class Stopped(Exception):
    """What a refusal is here."""


def refuse(code: int, message: str) -> NoReturn:
    raise Stopped(code, message)


FILES = {"main.py": "", "a.py": "x = 1\n", "data.txt": "data", "empty": ""}


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    write(tmp_path, FILES)
    return of(tmp_path)


def of(folder: Path, **changes: object) -> Opening:
    root = Root("app", str(folder), manifest(FILES))
    plan = Plan(
        "a",
        ("file", "main.py"),
        [root],
        argv0="a",
        stdlib=["/usr/lib"],
        **changes,
    )
    return Opening(Covered(plan), refuse)


def test_a_file_has_the_bytes_that_were_hashed(opening: Opening, tmp_path: Path) -> None:
    """By whatever path that leads to it; what is not covered is not read."""
    (tmp_path / "link").symlink_to(tmp_path)
    write(tmp_path, {"uncovered": "x"})

    assert b"x = 1\n" == opening.read(str(tmp_path / "a.py"))
    assert b"x = 1\n" == opening.read(str(tmp_path / "link/a.py"))
    assert b"" == opening.read(str(tmp_path / "empty"))
    assert opening.read(str(tmp_path / "uncovered")) is None
    assert opening.read("/etc/passwd") is None
    assert opening.read(str(tmp_path)) is None


def test_a_file_that_grows_while_it_is_read_is_refused(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there at first may be right; what is appended all the time is not read for ever."""
    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        with (tmp_path / "a.py").open("a") as stream:
            stream.write("more" * 10)
        return real(descriptor, size)

    monkeypatch.setattr(module, "_read", read)
    with pytest.raises(Stopped, match="is not the file that app has"):
        opening.read(str(tmp_path / "a.py"))
    assert (tmp_path / "a.py").stat().st_size < 200


def test_a_file_that_comes_in_pieces_is_read_to_its_end(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may give less than was asked for."""
    real = os.read
    monkeypatch.setattr(module, "_read", lambda descriptor, size: real(descriptor, min(size, 2)))

    assert b"x = 1\n" == opening.read(str(tmp_path / "a.py"))


def test_no_descriptor_stays(opening: Opening, tmp_path: Path) -> None:
    """Neither after a file, nor after a refusal."""
    before = len(os.listdir("/proc/self/fd"))
    opening.read(str(tmp_path / "a.py"))
    write(tmp_path, {"a.py": "other"})
    (tmp_path / "data.txt").unlink()
    os.mkfifo(tmp_path / "data.txt")
    for name in ("a.py", "data.txt"):
        for call in (opening.read, opening.check):
            with pytest.raises(Stopped):
                call(str(tmp_path / name))

    assert before == len(os.listdir("/proc/self/fd"))


def _raises(error: BaseException) -> Callable[..., NoReturn]:
    def call(*given: object) -> NoReturn:
        raise error

    return call


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("_open", FileNotFoundError(2, "x"), 111),
        ("_open", NotADirectoryError(20, "x"), 111),
        ("_open", OSError(40, "x"), 111),  # ELOOP
        ("_open", OSError(6, "x"), 111),  # ENXIO: a socket
        ("_open", PermissionError(13, "x"), 114),
        ("_open", OSError(24, "x"), 114),  # EMFILE
        ("_fstat", OSError(5, "x"), 114),
        ("_read", OSError(5, "x"), 114),
        ("_read", MemoryError(), 114),
    ],
)
def test_each_failure_has_its_code(
    opening: Opening,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: BaseException,
    code: int,
) -> None:
    """Missing is different; what cannot be told is unreadable."""
    monkeypatch.setattr(module, name, _raises(error))
    with pytest.raises(Stopped) as stopped:
        opening.read(str(tmp_path / "a.py"))

    assert code == stopped.value.args[0]


def test_bad_is_said_before_different(tmp_path: Path) -> None:
    """Of what lies there, whatever should lie there; data too."""
    write(tmp_path, FILES)
    worm = hashlib.sha256(b"worm").hexdigest()
    opening = of(tmp_path, bad={worm: "a worm"})
    assert opening.read(str(tmp_path / "a.py"))
    write(tmp_path, {"a.py": "worm"})
    with pytest.raises(Stopped) as stopped:
        opening.read(str(tmp_path / "a.py"))

    assert (113, f"{tmp_path}/a.py is marked bad: a worm") == stopped.value.args
    opening = of(tmp_path, bad={hashlib.sha256(b"data").hexdigest(): ""})
    with pytest.raises(Stopped, match="data.txt is marked bad'"):
        opening.settle(opening.covered.plan.roots[0])


def test_a_root_is_settled_once_and_by_one(opening: Opening, tmp_path: Path) -> None:
    """Who comes meanwhile waits; a refusal does not count as settled."""
    root = opening.covered.plan.roots[0]
    write(tmp_path, {"data.txt": "other"})
    for _ in range(2):
        with pytest.raises(Stopped):
            opening.settle(root)
    write(tmp_path, FILES)
    opening.settle(root)
    write(tmp_path, {"data.txt": "other"})
    opening.settle(root)

    opening = of(write(tmp_path, FILES))
    hashed = []
    real = opening._digest
    opening._digest = lambda data: (hashed.append(data), real(data))[1]
    threads = [threading.Thread(target=opening.settle, args=(root,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 == len(hashed)


def test_a_forked_child_does_not_wait_for_a_thread_that_is_not_there(opening: Opening) -> None:
    """The lock may be held when the process is doubled."""
    root = opening.covered.plan.roots[0]
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with opening._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    read, write = os.pipe()
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork
        child = os.fork()
    if not child:
        opening.settle(root)
        os.write(write, b"settled")
        os._exit(0)
    os.waitpid(child, 0)
    done.set()
    thread.join()

    assert b"settled" == os.read(read, 10)
    os.close(read)
    os.close(write)


def test_much_is_hashed_by_openssl_and_by_no_module_of_the_program(tmp_path: Path) -> None:
    """It is faster, and its name could be the program's; digests are the same."""
    write(tmp_path, FILES)
    opening = of(tmp_path)
    opening._hashed = module._MUCH
    assert opening.read(str(tmp_path / "a.py"))
    assert "openssl" in opening._sha256.__name__

    root = Root("app", str(tmp_path), manifest({"main.py": "", "_hashlib.py": "evil"}))
    plan = Plan("a", ("file", "main.py"), [root], argv0="a", stdlib=["/usr/lib"])
    opening = Opening(Covered(plan), refuse)
    opening._hashed = module._MUCH
    assert opening.read(str(tmp_path / "main.py")) == b""
    opening._hashed += 1
    assert opening.read(str(tmp_path / "main.py")) == b""
    assert "openssl" not in opening._sha256.__name__


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a b/\xe4\u6f22", "/a b/\xe4\u6f22"),
        ("a\nb\x1b[0m\x9b", "a\\u000ab\\u001b[0m\\u009b"),
        ("\u202e\u2066\u200b\ufeff", "\\u202e\\u2066\\u200b\\ufeff"),
        ("\udcff", "\\udcff"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_a_terminal_would_act_on_is_spelled_out(text: str, expected: str) -> None:
    """Paths come from anybody."""
    assert expected == shown(text)
