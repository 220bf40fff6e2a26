"""People, folders and servers for stories on real parts: real gpg, real HTTP on loopback, the real
command in a process of its own.

    alice = world.person("alice")                 # an own key and a folder that belongs to it
    bob = world.person("bob")
    bob.attests("hello\n")
    url = world.serve(bob.folder / "repo").url
    assert alice.sig("remote", "add", "bob", url, "-f").status == 0

Keys are made once a session and copied. Nothing of the person who runs the tests is touched: HOME,
GNUPGHOME and SIG_DIR are those of the story, and all of it is removed at its end.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent
VECTORS = ROOT / "vectors"
TIMEOUT = 60
BASE = "/tmp"  # the path of an agent's socket must stay short


def command() -> list[str]:
    """The installed command: the script beside this Python, so that a wheel is tested as it is."""
    script = Path(sys.executable).with_name("sig")
    return [str(script)] if script.exists() else [sys.executable, "-m", "sig"]


def id_of(content: bytes | str) -> str:
    """``sha256:…`` of some bytes, computed apart from the program."""
    data = content.encode() if isinstance(content, str) else content
    return "sha256:" + hashlib.sha256(data).hexdigest()


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes | None]]:
    """Every file and folder below `folder`: its mode, the time it was changed, its bytes."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        data = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, data)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below `folder`."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def trusted_state(folder: Path) -> dict[str, bytes]:
    """What verdicts rest on: all of a folder but the index, the lock and when it was asked last."""
    return {
        name: data
        for name, data in contents(folder).items()
        if not name.startswith(("index.sqlite", "view", "lock", "generation", "pending"))
    }


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did: its exit status and what it wrote."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[str]:
        """The lines on standard output."""
        return self.stdout.splitlines()

    @property
    def results(self) -> Any:
        """The results of ``verify --json``."""
        return self.json["results"]


class Person:
    """Someone with a HOME and a GNUPGHOME of their own, who types commands in `place`."""

    def __init__(self, world: World, name: str, home: Path, gnupg: Path) -> None:
        self.world = world
        self.name = name
        self.home = home
        self.gnupg = gnupg
        self.folder = home / ".signet"
        self.place = home / "work"
        self.fingerprint = ""
        for path in (home, gnupg, self.place):
            path.mkdir(exist_ok=True)
        gnupg.chmod(0o700)
        # A passphrase that is quick to try: nobody attacks these keys.
        (gnupg / "gpg-agent.conf").write_text("s2k-count 65536\n")

    @property
    def uid(self) -> str:
        """``Alice <alice@example.org>``."""
        return f"{self.name.capitalize()} <{self.name}@example.org>"

    @property
    def short(self) -> str:
        """The last eight digits of the fingerprint."""
        return self.fingerprint[-8:]

    @property
    def signer(self) -> str:
        """``[D9886717] Alice <alice@example.org>``, as lines show a signer."""
        return f"[{self.short}] {self.uid}"

    @property
    def environment(self) -> dict[str, str]:
        """What the commands of this person inherit, and nothing else."""
        found = {
            "HOME": str(self.home),
            "GNUPGHOME": str(self.gnupg),
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "COLUMNS": "80",
            "TERM": "xterm",
            "no_proxy": "*",
        }
        kept = ("SYSTEMROOT", "TMPDIR", "COVERAGE_PROCESS_START")
        return found | {name: os.environ[name] for name in kept if name in os.environ}

    def sig(
        self,
        *words: str | Path,
        input: str | bytes = b"",
        env: Mapping[str, str | None] = {},
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        prefix: Sequence[str] = (),
    ) -> Ran:
        """Run ``sig WORDS`` with `input` as its standard input. A None in `env` removes a variable.

        In a process of its own; from the start of the interpreter on where the world is `fresh`,
        and wherever that could matter.
        """
        environment = self.environment | {n: v for n, v in env.items() if v is not None}
        for name, value in env.items():
            if value is None:
                environment.pop(name, None)
        given = input.encode() if isinstance(input, str) else input
        place = cwd or self.place
        if (
            hasattr(os, "fork")
            and not self.world.fresh
            and not (pass_fds or prefix)
            and not any(name.startswith(("PYTHON", "LC_")) for name in env)
        ):
            status, stdout, stderr = zygote().run(list(map(str, words)), given, environment, place)
        else:
            done = subprocess.run(
                [*prefix, *command(), *map(str, words)],
                input=given,
                capture_output=True,
                env=environment,
                cwd=place,
                pass_fds=pass_fds,
                timeout=TIMEOUT,
            )
            status, stdout, stderr = done.returncode, done.stdout, done.stderr
        ran = Ran(
            status,
            stdout.decode("utf-8", "surrogateescape"),
            stderr.decode("utf-8", "surrogateescape"),
        )
        # Whatever a test is about: a traceback is never what a user should see.
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran

    def start(self, *words: str | Path, **more: Any) -> subprocess.Popen[bytes]:
        """Start ``sig WORDS`` and let it run, its streams on pipes."""
        settings: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "env": self.environment,
            "cwd": self.place,
        }
        return subprocess.Popen([*command(), *map(str, words)], **(settings | more))

    def gpg(self, *words: str | Path, input: bytes = b"") -> str:
        """Run this person's gpg."""
        ran = subprocess.run(
            ["gpg", "--batch", "--no-options", "--homedir", self.gnupg, *words],
            input=input,
            capture_output=True,
            check=True,
            timeout=TIMEOUT,
        )
        return ran.stdout.decode("utf-8", "replace")

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file into `place` and give its path."""
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def attests(self, content: str | bytes, *words: str, name: str = "attested.txt") -> str:
        """Attest some bytes, ok and reviewed unless `words` say otherwise; gives their id."""
        path = self.write(name, content)
        chosen = words or ("--ok", "--reviewed", "-m", "")
        if "-m" not in chosen:
            chosen += ("-m", "")
        ran = self.sig("attest", *chosen, path)
        assert ran.status == 0, ran
        return id_of(path.read_bytes())

    def read(self, name: str) -> Any:
        """A JSON file of the folder."""
        return json.loads((self.folder / name).read_bytes())


class Zygote:
    """The other side of tests/zygote.py."""

    def __init__(self, python: str | Path) -> None:
        self._line, theirs = socket.socketpair()
        self._line.settimeout(TIMEOUT)
        self._process = subprocess.Popen(
            [python, "-P", ROOT / "tests/zygote.py", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            | {"LANG": "C.UTF-8"},
        )
        theirs.close()
        atexit.register(self.close)

    def run(
        self, words: list[str], input: bytes, environment: Mapping[str, str], place: Path
    ) -> tuple[int, bytes, bytes]:
        """One command: its status, standard output and standard error."""
        asked = {"words": words, "env": dict(environment), "cwd": str(place)}
        text = json.dumps(asked).encode()
        with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
            stdin.write(input)
            stdin.seek(0)
            streams = [stream.fileno() for stream in (stdin, stdout, stderr)]
            try:
                socket.send_fds(self._line, [len(text).to_bytes(4, "big")], streams)
                self._line.sendall(text)
                answer = b""
                while not answer.endswith(b"\n"):
                    more = self._line.recv(64)
                    if not more:
                        raise ConnectionError("the zygote has died")
                    answer += more
            except OSError:
                zygote.cache_clear()
                self.close()
                raise
            stdout.seek(0)
            stderr.seek(0)
            return int(answer), stdout.read(), stderr.read()

    def close(self) -> None:
        """End it."""
        self._line.close()
        self._process.kill()
        self._process.wait()


@cache
def zygote(python: str | Path = sys.executable) -> Zygote:
    """The one of this session and of an environment with sig in it."""
    return Zygote(python)


@dataclass
class Request:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    status: int = 0


class Server:
    """A web server on loopback that offers a folder, with ETag, Last-Modified and 304.

    `answers` replaces what is at a path: a status, or (status, body). While `hold` is set, every
    request waits.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, int | tuple[int, bytes]] = {}
        self.requests: list[Request] = []
        self.held = threading.Event()
        self._go = threading.Event()
        self._go.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # whoever asked has gone

        self._server = Listener(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the folder, with its last slash."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    @property
    def statuses(self) -> list[int]:
        """What was answered, in order."""
        return [one.status for one in self.requests]

    def hold(self) -> None:
        """Let requests wait from now on; `held` is set when one does."""
        self._go.clear()

    def resume(self) -> None:
        """Let them go."""
        self.held.clear()
        self._go.set()

    def close(self) -> None:
        """Stop listening."""
        self._go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, visit: BaseHTTPRequestHandler) -> None:
        path = visit.path.partition("?")[0]
        request = Request(path, {name.lower(): value for name, value in visit.headers.items()})
        self.requests.append(request)
        if not self._go.is_set():
            self.held.set()
            self._go.wait()
        given = self.answers.get(path)
        body: bytes = b""
        if given is not None:
            request.status, body = given if isinstance(given, tuple) else (given, b"")
        else:
            try:
                body = (self.folder / path.lstrip("/")).read_bytes()
                request.status = 200
            except OSError:
                request.status = 404
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.status == 200 and request.headers.get("if-none-match") == etag:
            request.status, body = 304, b""
        visit.send_response(request.status)
        if request.status in (200, 304):
            visit.send_header("ETag", etag)
        visit.send_header("Content-Length", str(len(body)))
        visit.end_headers()
        visit.wfile.write(body)


class World:
    """One story: its people and servers, below a short folder of its own."""

    def __init__(self, seeds: Seeds) -> None:
        self.fresh = False
        self.path = Path(tempfile.mkdtemp(prefix="sig-", dir=BASE))
        self._seeds = seeds
        self._people: list[Person] = []
        self._servers: list[Server] = []

    def person(self, name: str, *, folder: bool = True) -> Person:
        """Someone with an Ed25519 key; with `folder` also ``sig setup`` is done."""
        person = self.newcomer(name, key_of=name)
        if folder:
            shutil.copytree(self._seeds.folder(name), person.folder)
        return person

    def newcomer(self, name: str, *, key_of: str | None = None) -> Person:
        """Someone without a folder, and without a key unless they have that of `key_of`.

        With the key of another: that person's second machine.
        """
        while (self.path / name).exists():
            name += "2"
        person = Person(self, name, self.path / name, self.path / f"{name}.g")
        self._people.append(person)
        if key_of is not None:
            seed = self._seeds.gnupg(key_of)
            shutil.copytree(seed, person.gnupg, dirs_exist_ok=True)
            person.fingerprint = self._seeds.fingerprint(key_of)
            person.name = key_of
        return person

    def ancestor(self, *, secret: bool = True) -> Person:
        """Alice in 2016: the folder that the old program left her, and her key of then."""
        person = self.newcomer("ancestor")
        person.name = "alice"
        shutil.copytree(VECTORS / "ancestor/home", person.folder)
        for path in [person.folder, *person.folder.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        for path in (VECTORS / "ancestor/files").iterdir():
            shutil.copyfile(path, person.place / path.name)
        person.fingerprint = json.loads((person.folder / "config").read_bytes())["key"]
        if secret:
            person.gpg("--import", VECTORS / "ancestor/alice.secret.asc")
        return person

    def serve(self, folder: Path) -> Server:
        """A web server for a folder, which need not exist yet."""
        server = Server(folder)
        self._servers.append(server)
        return server

    def close(self) -> None:
        """End what was started and remove what was written."""
        for server in self._servers:
            server.close()
        for person in self._people:
            stop_agent(person.gnupg)
        for path in self.path.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)
        shutil.rmtree(self.path, ignore_errors=True)


class Seeds:
    """GNUPGHOMEs and folders that are made once and copied into every story."""

    def __init__(self) -> None:
        self.fresh = False
        self.path = Path(tempfile.mkdtemp(prefix="sig-", dir=BASE))
        self._people: dict[str, Person] = {}

    def _person(self, name: str) -> Person:
        if name not in self._people:
            world: Any = self
            person = Person(world, name, self.path / name, self.path / f"{name}.g")
            person.fingerprint = make_key(person, person.uid)
            stop_agent(person.gnupg)
            self._people[name] = person
        return self._people[name]

    def gnupg(self, name: str) -> Path:
        """The GNUPGHOME of a person."""
        return self._person(name).gnupg

    def fingerprint(self, name: str) -> str:
        """The fingerprint of a person's key."""
        return self._person(name).fingerprint

    def folder(self, name: str) -> Path:
        """The folder of a person, as ``sig setup`` made it."""
        person = self._person(name)
        if not person.folder.exists():
            ran = person.sig("setup", person.fingerprint)
            assert ran.status == 0, ran
            stop_agent(person.gnupg)
        return person.folder

    def close(self) -> None:
        """Remove them."""
        for person in self._people.values():
            stop_agent(person.gnupg)
        shutil.rmtree(self.path, ignore_errors=True)


def make_key(
    person: Person, uid: str, *words: str, passphrase: str = "", expires: str = "never"
) -> str:
    """Make an Ed25519 signing key in a person's GnuPG and give its fingerprint."""
    told = person.gpg(
        *words,
        *("--status-fd", "1", "--pinentry-mode", "loopback", "--passphrase", passphrase),
        *("--quick-gen-key", uid, "ed25519", "sign", expires),
    )
    found = re.search(r"KEY_CREATED \S+ ([0-9A-F]{40})", told)
    assert found is not None, told
    return found[1]


def stop_agent(gnupg: Path) -> None:
    """End what gpg started for a GNUPGHOME."""
    elsewhere = Path(f"/run/user/{os.getuid()}") if hasattr(os, "getuid") else gnupg
    if not elsewhere.is_dir() and not any(gnupg.glob("S.*")):
        return  # gpg puts its sockets there or here, and here is none: it started nothing
    subprocess.run(
        ["gpgconf", "--homedir", gnupg, "--kill", "all"], capture_output=True, check=False
    )
    for path in gnupg.glob("S.*"):
        path.unlink(missing_ok=True)


@cache
def smith() -> ModuleType:
    """vectors/make_openpgp.py: keys that sign whatever they are told, put together by hand."""
    name = "make_openpgp"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, VECTORS / "make_openpgp.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Forger:
    """Someone whose key, name and words are put together by hand: what no program would make."""

    def __init__(
        self, uid: bytes = b"Mallory <mallory@example.org>", *, created: int | None = None
    ):
        forge = smith()
        self._key = forge.Key("eddsa", created or int(time.time()) - 86400)
        self.uid = uid

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key."""
        return str(self._key.fingerprint)

    @property
    def certificate(self) -> bytes:
        """The certificate, binary."""
        return bytes(self._key.public + self._key.named(self.uid))

    def born(self, second: int) -> None:
        """Make it the same key of another birth, with another fingerprint."""
        self._key.created = second

    @property
    def key(self) -> Any:
        """The smith's own, for what is stranger still."""
        return self._key

    def envelope(self, data: object) -> dict[str, object]:
        """`data`, signed."""
        signed = json.dumps(data, sort_keys=True).replace("\x7f", "\\u007f").encode()
        sig = self._key.sign(signed, int(time.time()))
        return {
            "data": data,
            "key": self.fingerprint,
            "sig": base64.b64encode(sig).decode(),
        }

    def says(self, content: bytes | str, ok: bool = True, **fields: object) -> dict[str, object]:
        """A statement about some bytes, signed; ok and reviewed unless told otherwise."""
        return self.envelope({"id": id_of(content), "ok": ok, "reviewed": True} | fields)

    def publishes(
        self, folder: Path, statements: Sequence[dict[str, Any]], sequence: int | None = 1
    ) -> Path:
        """Write a repository of these statements into `folder`."""
        filed: dict[str, list[object]] = {}
        for one in statements:
            filed.setdefault(one["data"]["id"], []).append(one)
        data: dict[str, object] = {"attestations": filed, "version": "0.0.1"}
        if sequence is not None:
            data |= {"sequence": sequence, "previous": {}}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "repo.json").write_text(json.dumps(self.envelope(data), sort_keys=True))
        (folder / "key.asc").write_bytes(self.certificate)
        return folder


@contextmanager
def terminal(person: Person, *words: str | Path, **more: Any) -> Iterator[tuple[int, Any]]:
    """Start ``sig WORDS`` on a terminal: the descriptor of its other end, and the process."""
    import pty

    master, slave = pty.openpty()
    settings = {"stdin": slave, "stdout": slave, "stderr": slave, "start_new_session": True}
    process = person.start(*words, **(settings | more))
    os.close(slave)
    try:
        yield master, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)


def read_all(master: int) -> str:
    """What a terminal showed until the process let go of it."""
    shown = b""
    with suppress(OSError):  # that is how it ends
        while data := os.read(master, 4096):
            shown += data
    return shown.decode().replace("\r\n", "\n")


def typed(person: Person, *words: str | Path, keys: str = "", **more: Any) -> tuple[int, str]:
    """Run ``sig WORDS`` on a terminal where `keys` are typed: its status and what was shown."""
    with terminal(person, *words, **more) as (master, process):
        if keys:
            os.write(master, keys.encode())
        shown = read_all(master)
        return process.wait(TIMEOUT), shown
