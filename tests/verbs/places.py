"""Programs on a disk, beside an environment that is made by hand: nothing of it is ever started.

place = Place(tmp_path)
place.install("requests", "2.32.3", {"requests/api.py": b"1"})
place.write("get.py", b"import requests\n")
place.lock(bob)
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sig.model.closure import Closure
from sig.repo.python import Python, python_of
from sig.verbs import attest
from sig.verbs import lock as locks
from sig.verbs.lock import Plan, Program
from tests import wheels
from tests.verbs.parties import Reader


class Place:
    """A folder with a program in `app`, and an environment in `v` of the system's Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = folder / "app"
        self.app.mkdir(parents=True)
        system = wheels.system()
        self.bin = folder / "v/bin"
        self.bin.mkdir(parents=True)
        (self.bin / "python").symlink_to(system)
        (folder / "v/pyvenv.cfg").write_text(
            f"home = {os.path.dirname(system)}\ninclude-system-site-packages = false\n"
        )
        self.site = folder / f"v/lib/python{wheels.version(system)}/site-packages"
        self.site.mkdir(parents=True)

    @classmethod
    def at(cls, folder: Path) -> Place:
        """One that is there already."""
        found = cls.__new__(cls)
        found.folder, found.app, found.bin = folder, folder / "app", folder / "v/bin"
        (found.site,) = folder.glob("v/lib/*/site-packages")
        return found

    def copy(self, folder: Path) -> Place:
        """The same at another path."""
        return Place.at(wheels.copy(self.folder, folder))

    def write(self, path: str, content: bytes) -> Path:
        """A file of the program."""
        file = self.app / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def install(self, name: str, version: str, files: dict[str, bytes]) -> Path:
        """A distribution, as pip leaves it: its dist-info."""
        info = self.site / f"{name}-{version}.dist-info"
        mine = {
            f"{info.name}/METADATA": f"Name: {name}\nVersion: {version}\n".encode(),
            f"{info.name}/INSTALLER": b"pip\n",
            **files,
        }
        for path, content in mine.items():
            file = self.site / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        rows = [*mine, f"{info.name}/RECORD"]
        (info / "RECORD").write_text("".join(f'"{path}",,\n' for path in rows))
        return info

    def edit(self, name: str, version: str, folder: Path, pth: str, finder: str = "") -> Path:
        """An editable install of what lies in a folder; `pth` is what is in its .pth file."""
        note = {"dir_info": {"editable": True}, "url": f"file://{folder}"}
        plain = name.replace("-", "_")
        files = {
            f"__editable__.{plain}-{version}.pth": pth.encode(),
            f"{name}-{version}.dist-info/direct_url.json": json.dumps(note).encode(),
        }
        if finder:
            files[f"__editable___{plain}_finder.py"] = finder.encode()
        return self.install(name, version, files)

    def uninstall(self, name: str, version: str) -> None:
        """Take a distribution away, but for its modules."""
        shutil.rmtree(self.site / f"{name}-{version}.dist-info")

    def program(self, target: str = "get.py", app: str | None = None) -> Program:
        """What is locked: a script, or "" for a project."""
        return locks.program_of(str(self.app / target), app)

    @property
    def python(self) -> Python:
        """That of the environment."""
        return python_of(str(self.bin / "python"))

    def lock(self, reader: Reader, target: str = "get.py", exclude: Sequence[str] = ()) -> Plan:
        """`sig lock --python v/bin/python TARGET`."""
        return locks.lock(reader.workspace, self.program(target), self.python, exclude)

    def read(self, name: str = "get") -> Closure:
        """What was written."""
        return locks.read(str(self.app / f"{name}.lock"))

    def release(self, reader: Reader, name: str = "get") -> locks.Release:
        """What `sig attest NAME.lock` would say."""
        return locks.release(reader.workspace, str(self.app / f"{name}.lock"))

    def sign(self, reader: Reader, name: str = "get", ok: bool = True) -> locks.Release:
        """`sig attest NAME.lock`, a second later than anything before."""
        reader.clock.at += 1
        found = self.release(reader, name)
        signed = replace(found.claim, ok=ok, reviewed=ok)
        attest.attest(reader.workspace, [signed])
        return found
