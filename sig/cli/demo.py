"""`sig demo`: the whole story, with real keys, folders and a real server on loopback.

Every command is run as a user would type it, in a process of its own, and its exit status is what
the story promises; otherwise the demo fails. Nothing outside a temporary folder is touched.

The part with a native loader is told where there is what loaders are made of, and a Python that
they start. Where not, one line says that it is left out, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from sig.cli import Context, options, output
from sig.errors import Refused, SigError, Unavailable

_SHORT = "/tmp"  # noqa: S108  a new folder of 0700 is made in it
_SCRIPT = 'print("hello from the script")\n'
_MORE = 'print("and one line more")\n'
_PYTHON = "/usr/bin/python3"


@click.command()
@options
@click.pass_obj
def command(context: Context) -> int:
    """The whole story on throw-away keys and a loopback server, in under half a minute.

    Touches neither your GnuPG nor your folder, and leaves nothing behind.
    """
    if context.json:
        raise click.UsageError("the demo is for reading; it has no JSON")
    if context.offline:
        raise click.UsageError("--offline: the demo needs its own server on loopback")
    from sig.gpg.agent import program

    program()
    # The agents' sockets lie below it, and the path of a socket has at most 108 bytes.
    long = len(tempfile.gettempdir()) > 40 and os.path.isdir(_SHORT)
    with tempfile.TemporaryDirectory(prefix="sig-demo-", dir=_SHORT if long else None) as folder:
        _Story(Path(folder), context).tell()
    return 0


class FolderHandler(BaseHTTPRequestHandler):
    """Serves the files below one folder, each with an ETag of its bytes.

    Servers that go by the second of the last change call two states of one second unchanged.
    """

    def __init__(self, *arguments: Any, folder: Path) -> None:
        self._folder = folder
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with the file, 304 where it did not change, 404 where there is none."""
        parts = self.path.strip("/").split("/")
        path = self._folder.joinpath(*parts)
        if not {"", ".", ".."}.isdisjoint(parts) or not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        tag = f'"{hashlib.sha256(data).hexdigest()}"'
        same = self.headers.get("If-None-Match") == tag
        self.send_response(304 if same else 200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", "0" if same else str(len(data)))
        self.end_headers()
        if not same:
            self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """The story shows what is asked for; the server need not."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The URL of a server for this folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(FolderHandler, folder=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def lacks(place: Path) -> str:
    """What a loader in this folder needs and is not here; empty where nothing is missing."""
    from sig.imports import building
    from sig.repo.python import python_of

    if building.known() is None:
        return f"no {building.PROGRAM} ({building.PACKAGE}; in a checkout: tools/setup.sh loader)"
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        return output.theirs(f"no program may start in {place} (noexec)")
    try:
        python = python_of(_PYTHON)
    except SigError as error:
        return output.theirs(error.message)
    return "" if python.is_system else output.theirs(f"{_PYTHON}: {python.why_not}")


class _Story:
    """Alice and Bob, each with an own home, key and folder."""

    def __init__(self, folder: Path, context: Context) -> None:
        self._folder = folder
        self._context = context
        self._work = folder / "work"
        self._public = folder / "public"
        self._work.mkdir()
        self._public.mkdir()

    def tell(self) -> None:
        """The story from the first key to the refused fork."""
        script = self._work / "hello.py"
        script.write_text(_SCRIPT, encoding="utf-8")
        for name in ("alice", "bob"):
            for part in (name, f"{name}/.gnupg"):
                (self._folder / part).mkdir(mode=0o700)
        try:
            with _served(self._public) as url:
                self._acts(url)
        finally:
            self._stop_agents()

    def _acts(self, url: str) -> None:
        public = os.fspath(self._public)
        self._say("Two people make a folder each, with throw-away keys.")
        for name in ("bob", "alice"):
            self._run(
                name, "setup", "--new", f"{name} <{name}@example.org>", "--passphrase-fd", "0"
            )
        self._say("Bob reviews a script, signs what he found, and publishes the folder.")
        self._run("bob", "attest", "hello.py", "--ok", "--reviewed", "-m", "I read all of it.")
        self._run("bob", "publish", public)
        older = self._keep()
        self._say("Alice follows Bob. Fetching alone makes nobody count.")
        self._run("alice", "remote", "add", "bob", url)
        self._run("alice", "fetch")
        self._run("alice", "verify", "hello.py", status=1)
        self._run("alice", "run", "hello.py", status=111)
        self._say("Alice decides that Bob counts.")
        key = self._key_of("bob")
        self._run("alice", "trust", "add", key)
        self._run("alice", "verify", "hello.py")
        self._run("alice", "run", "hello.py")
        loader = self._loader()
        self._say("Bob finds a flaw and says so.")
        backup = self._folder / "backup"
        shutil.copytree(self._folder / "bob" / ".signet", backup)
        self._run("bob", "attest", "hello.py", "--not-ok", "--reviewed", "-m", "A back door!")
        self._run("bob", "publish", public)
        self._run("alice", "fetch")
        self._run("alice", "verify", "hello.py", status=3)
        if loader:
            self._program("alice", "hello", status=113)
        self._say("The host serves the older state again. It is ignored, the mark stays.")
        self._put(older)
        self._run("alice", "fetch")
        self._run("alice", "verify", "hello.py", status=3)
        self._say("The host serves another state under the same number: a fork. It is refused.")
        self._fork(backup)
        self._run("alice", "fetch", status=1)
        self._run("alice", "verify", "hello.py", status=3)
        self._run("alice", "show", "hello.py")
        self._say("That is all. Nothing is left behind.")

    def _loader(self) -> bool:
        """A program of the script; False where it is left out."""
        why = lacks(self._work)
        if why:
            self._say(f"LEFT OUT: a native program of the script: {why}")
            return False
        self._say("Alice makes a native program of it. It verifies before any Python starts.")
        python = () if shutil.which("python3") == _PYTHON else ("--python", _PYTHON)
        self._run("alice", "loader", "build", *python, "hello.py")
        self._attest_lock()
        self._program("alice", "hello")
        self._say("Somebody changes the script.")
        with (self._work / "hello.py").open("a", encoding="utf-8") as stream:
            stream.write(_MORE)
        output.say(f"alice$ echo {shlex.quote(_MORE.strip())} >> hello.py")
        self._program("alice", "hello", status=111)
        self._say("It was Alice herself: she lists and signs it anew. The program stays as it is.")
        self._run("alice", "lock", *python, "hello.py")
        self._attest_lock()
        self._program("alice", "hello")
        return True

    def _attest_lock(self) -> None:
        self._run("alice", "attest", "hello.lock", "--ok", "--reviewed", "-m", "")

    def _say(self, text: str) -> None:
        output.say(f"\n# {text}")

    def _environment(self, name: str) -> dict[str, str]:
        home = os.fspath(self._folder / name)
        kept = {
            word: value
            for word, value in os.environ.items()
            if not word.startswith(("SIG_", "GNUPG", "GPG_")) and "proxy" not in word.lower()
        }
        gnupg = os.path.join(home, ".gnupg")
        return kept | {"HOME": home, "GNUPGHOME": gnupg, "SIG_DIR": os.path.join(home, ".signet")}

    def _call(self, name: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return self._process(name, [sys.executable, "-m", "sig", *words])

    def _process(self, name: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            words,
            cwd=self._work,
            env=self._environment(name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding=sys.stdout.encoding,
            errors="replace",
            check=False,
        )

    def _run(self, name: str, *words: str, status: int = 0) -> None:
        typed = " ".join(f'"{word}"' if " " in word or not word else word for word in words)
        nothing = " < /dev/null" if "--passphrase-fd" in words else ""
        output.say(f"{name}$ sig {typed}{nothing}")
        self._told(self._call(name, words), status)

    def _program(self, name: str, program: str, status: int = 0) -> None:
        output.say(f"{name}$ ./{program}")
        self._told(self._process(name, [os.fspath(self._work / program)]), status)

    def _told(self, done: subprocess.CompletedProcess[str], status: int) -> None:
        sys.stdout.write(done.stdout)
        if done.returncode:
            output.say(f"# exit status {done.returncode}")
        sys.stdout.flush()
        if done.returncode != status:
            raise Refused(f"the demo went wrong: exit status {done.returncode}, not {status}")

    def _key_of(self, name: str) -> str:
        told = self._call(name, ["key", "list"]).stdout.split()
        if not told:
            raise Unavailable("the demo went wrong: no key was made")
        return told[0]

    def _keep(self) -> dict[str, bytes]:
        files = [path for path in self._public.rglob("*") if path.is_file()]
        return {str(path.relative_to(self._public)): path.read_bytes() for path in files}

    def _put(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            (self._public / name).write_bytes(data)

    def _fork(self, backup: Path) -> None:
        """Bob's backup signs another state with the number that is taken, and gets published."""
        now = self._folder / "bob" / ".signet"
        real = self._folder / "real"
        now.rename(real)
        backup.rename(now)
        words = ["attest", "hello.py", "--ok", "--reviewed", "-m", "It is fine after all."]
        self._call("bob", words)
        shutil.copytree(now / "repo", self._public, dirs_exist_ok=True)
        now.rename(backup)
        real.rename(now)

    def _stop_agents(self) -> None:
        stop = shutil.which("gpgconf")
        for name in ("alice", "bob"):
            if stop is not None:
                subprocess.run(  # noqa: S603
                    [stop, "--kill", "all"],
                    env=self._environment(name),
                    capture_output=True,
                    check=False,
                )
