"""Hosts that load plug-ins, as real interpreters, and what they find below their folders.

host.files({"good.py": "print('good')"})
host.attest("good.py")
assert "good" in host.run("import good").out
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from sig.model.identifier import Identifier
from sig.verbs import plugins
from sig.verbs.attest import Claim, attest
from tests.imports.child import Ended, text, write
from tests.verbs.parties import Party, Reader, Web
from tests.world import ROOT

BEGIN = """\
import sys
sys.path[:0] = [{root!r}]
{install}
def tried(name):
    try:
        __import__(name)
    except ImportError as error:
        print(type(error).__name__, error)
"""
INSTALL = "import sig.imports\nhook = sig.imports.install([{root!r}], **{given!r})\n"


class Host:
    """A program that puts its folder of plug-ins on sys.path, guarded or as plain Python has it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = place / "plug"
        self.root.mkdir(parents=True)
        self.alice = Reader(place / "alice", Web(), owner=Party("alice"))

    # --- what lies there, and what is said of it -------------------------------------------------

    def files(self, files: Mapping[str, bytes | str]) -> Host:
        write(self.root, {name: _dedented(data) for name, data in files.items()})
        return self

    def attest(self, *names: str, ok: bool = True) -> None:
        """Her word about each plug-in, or about the whole folder where none is named."""
        for name in names or (".",):
            path = os.path.normpath(self.root / name)
            found = plugins.seen(path)
            one = Claim(path, found.id, ok, True)
            if plugins.kind_of(path) != plugins.FILE:
                one = Claim.of(path, found, ok, True)
            self._sign(one)

    def warn_of(self, data: bytes | str) -> None:
        """Her warning about some bytes."""
        raw = data if isinstance(data, bytes) else data.encode()
        id = Identifier.of_bytes(raw)
        self._sign(Claim(id, id, False, False))

    def _sign(self, claim: Claim) -> None:
        self.alice.clock.at += 60
        attest(self.alice.workspace, [claim])

    # --- running it ------------------------------------------------------------------------------

    def run(
        self,
        code: str,
        *words: str,
        env: Mapping[str, str] = {},
        guarded: bool = True,
        meanwhile: Callable[[], None] | None = None,
        **given: object,
    ) -> Ended:
        """What becomes of a host with these lines.

        `meanwhile` happens when it has written ``ready``, and waits for a line.
        """
        given.setdefault("folder", str(self.alice.path))
        install = INSTALL.format(root=str(self.root), given=given) if guarded else ""
        script = BEGIN.format(root=str(self.root), install=install) + textwrap.dedent(code)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.place),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        }
        with subprocess.Popen(
            [sys.executable, *words, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.place,
            env=environment,
        ) as child:
            before = b""
            if meanwhile is not None and child.stdout is not None:
                while not before.endswith(b"ready\n"):
                    line = child.stdout.readline()
                    assert line, "it never waited"
                    before += line
                meanwhile()
            out, err = child.communicate(b"go\n", timeout=60)
            return Ended(child.returncode, text(before + out), text(err))

    def plain(self, code: str, **more: object) -> Ended:
        """The control: the same host without the hook."""
        return self.run(code, guarded=False, **more)


def _dedented(data: bytes | str) -> bytes | str:
    return textwrap.dedent(data) if isinstance(data, str) else data
