"""A program as a publisher gives it away, with a baked loader of signers whose every word is put
together here.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sig.gpg import certificate as certificates
from sig.model import baked, closure, loader
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.loader import Signers
from tests.loader.loaded import Loaded
from tests.world import Forger, Ran

FILES = {
    "hello.py": "import sys, words\nprint(words.SAID, *sys.argv[1:])\n",
    "words.py": "SAID = 1\n",
}
EVIL = "print('evil')\n"
DAY = 86400


@dataclass
class Shipped:
    """A program with its loader, as a publisher gives it away: no folder is anywhere near it.

    `statements`, `lists` and `news` are what its file will say; `put` writes that.
    """

    app: Loaded
    signers: list[Forger]
    statements: list[dict[str, Any]] = field(default_factory=list)
    lists: list[bytes] = field(default_factory=list)
    news: dict[str, bytes] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        return self.app.place

    @property
    def file(self) -> Path:
        """What lies beside the loader."""
        return self.place / "hello.sig"

    @property
    def closure(self) -> str:
        """The identifier of the list that is signed."""
        return str(closure.read(self.app.list.read_bytes()).id)

    @property
    def root(self) -> str:
        """That of the list of the app's files."""
        return str(closure.read(self.app.list.read_bytes()).roots["app"])

    def id(self, name: str) -> str:
        """That of a file."""
        return str(Identifier.of_bytes((self.place / name).read_bytes()))

    def goes_by(
        self, threshold: int, release: int = 1, signers: Sequence[Forger] = (), **more: Any
    ) -> None:
        """Make it a loader of these signers."""
        by = {one.fingerprint: reduced(one.certificate) for one in signers or self.signers}
        self.knows(by, threshold, release=release, **more)

    def knows(self, certificates: Mapping[str, bytes], threshold: int = 1, **more: Any) -> None:
        """Make it a loader of these certificates, whatever they are."""
        found = loader.read(self.app.loader.read_bytes())
        assert found is not None
        by = Signers({Fingerprint(key): raw for key, raw in certificates.items()}, threshold)
        self.app.loader.unlink()
        self.app.loader.write_bytes(
            loader.write(found._replace(policy=found.policy._replace(by=by, **more)))
        )
        self.app.loader.chmod(0o755)

    def for_anybody(self) -> None:
        """Others can look at it, and at the Python that it starts."""
        found = loader.read(self.app.loader.read_bytes())
        assert found is not None
        python = found.policy.python
        self.goes_by(1, python=python._replace(asked=python.executable))
        for folder in (self.place, *self.place.parents[:-2]):
            folder.chmod(0o755)

    def ok(self, who: Forger, release: int = 1, *, at: int | None = None, **more: Any) -> None:
        """Who signs the program."""
        app = more.pop("app", "hello")
        criteria = [f"app:{app}", f"release:{release}"]
        self.says(who, more.pop("id", self.closure), at=at, criteria=criteria, **more)

    def says(
        self,
        who: Forger,
        id: str,
        ok: bool = True,
        *,
        at: int | None = None,
        expires_in: int = 0,
        by: Any = None,
        **more: Any,
    ) -> None:
        """One statement more, made by their key or by another that is said to be theirs."""
        data = {"id": id, "ok": ok, "reviewed": True} | more
        signed = json.dumps(data, sort_keys=True).encode()
        words = {"hashed": sub(3, expires_in.to_bytes(4, "big"))} if expires_in else {}
        sig = (by or who.key).sign(signed, int(time.time()) if at is None else at, **words)
        self.statements.append(
            {"data": data, "key": who.fingerprint, "sig": base64.b64encode(sig).decode()}
        )

    def withdraws(self, who: Forger, id: str, *, at: int | None = None) -> None:
        """Takes back."""
        self.says(who, id, False, at=at, reviewed=False, withdrawn=True)

    def put(self, app: str = "hello") -> Path:
        """Write the file."""
        texts = [json.dumps(one, sort_keys=True).encode() for one in self.statements]
        news = {Fingerprint(key): raw for key, raw in self.news.items()}
        raw = baked.write(app, news, texts, self.lists)
        if not self.file.exists() or raw != self.file.read_bytes():
            self.file.write_bytes(raw)
        return self.file

    def run(self, *words: str, **more: Any) -> Ran:
        """Start it, after what it has to say was written."""
        self.put()
        return self.app.run(*words, **more)

    def runs(self) -> None:
        """It does."""
        assert Ran(0, "1 a\n", "") == self.run("a")


def sub(kind: int, content: bytes) -> bytes:
    """A subpacket."""
    return bytes((len(content) + 1, kind)) + content


def reduced(raw: bytes) -> bytes:
    """A certificate as it is stored."""
    (found,) = certificates.read(raw)
    return found.raw


def at_home(
    shipped: Shipped,
    home: Path,
    *words: str,
    env: dict[str, str] | None = None,
    site: str = "",
    write: bool = True,
    user: int | None = None,
) -> Ran:
    """Start it on a machine where this is the home of the account, and `site` its policy."""
    if write:
        shipped.put()
    fields = f"root:x:{os.getuid() if user is None else user}:0::{home}:/bin/sh\n"
    listed = shipped.app.person.home / "passwd"
    listed.write_text(f"x:x:4242:4242::/nowhere:/bin/sh\n{fields}")
    script = 'mount --bind "$0" /etc/passwd && exec "$@"'
    if site:
        policy = listed.with_name("xdg") / "sig/policy.json"
        policy.parent.mkdir(parents=True, exist_ok=True)
        policy.write_text(site)
        script = f"mount --bind {listed.with_name('xdg')} /etc/xdg && {script}"
        if not Path("/etc/xdg").exists():  # as on a small system: here alone it is
            etc = listed.with_name("etc")
            etc.mkdir(exist_ok=True)
            made = f"cp -a /etc/. {etc} && mkdir {etc}/xdg && mount --bind {etc} /etc"
            script = f"mount -t tmpfs none {etc} && {made} && {script}"
    who = [] if user is None else ["setpriv", "--reuid", str(user), "--clear-groups"]
    command = ["unshare", "--mount", "sh", "-c", script, listed, *who, shipped.app.loader, *words]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=shipped.place, env=env or {}, timeout=60
    )
    return Ran(done.returncode, done.stdout, done.stderr)
