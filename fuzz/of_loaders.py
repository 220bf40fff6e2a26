"""Fuzzers of what is said of native loaders."""

from __future__ import annotations

import base64
import hashlib

from fuzzer import VECTORS, Target


def loader(raw: bytes) -> None:
    """No loader, a sentence, or one that is written as it was read."""
    from sig.errors import FormatError
    from sig.model import loader as loaders

    try:
        found = loaders.read(raw)
    except FormatError as error:
        assert loaders.is_loader(raw) and len(error.message) < 400
        return
    assert (found is not None) is loaders.is_loader(raw)
    assert found is None or loaders.write(found) == raw


def baked(raw: bytes) -> None:
    """What lies beside a loader is refused with a sentence, or written as it was read; also with
    the digest that its first line has.
    """
    from sig.errors import FormatError
    from sig.model import baked as files

    line, newline, rest = raw.partition(b"\n")
    seal = f"sha256 {hashlib.sha256(line + newline).hexdigest()}\n".encode()
    for one in (raw, line + newline + seal + rest[len(seal) :]):
        try:
            found = files.read(one)
        except FormatError as error:
            assert len(error.message) < 400
            continue
        lists = list(found.lists.values())
        assert one == files.write(found.app, found.certificates, found.statements, lists)


def settings(raw: bytes) -> None:
    """A project's file says what each loader is to be, or is refused with a sentence."""
    from sig.errors import FormatError, UsageError
    from sig.repo.project import read_project
    from sig.verbs.settings import Settings, wanted

    try:
        found = wanted("", read_project(raw), Settings())
    except (FormatError, UsageError) as error:
        assert error.message
        return
    for one in found:
        assert one.name and "/" not in one.name and not one.name.startswith((".", "-"))
        assert one.output is None or ".." not in one.output.split("/")
        assert one.policy != "strict" or not (one.env or one.allow)


def _of(folder: str) -> list[bytes]:
    """The files in the vectors of a folder that are not long."""
    found = []
    for path in sorted((VECTORS / folder).glob("*.txt")):
        text = path.read_text(encoding="utf-8").partition("\nfile: ")[2].partition("\n")[0]
        found.append(base64.b64decode(text))
    return [raw for raw in found if len(raw) < 4096]


def _settings() -> list[bytes]:
    head = b'[project]\nname = "site"\n[project.scripts]\nwork = "a:b"\nmore = "a.b:c.d"\n'
    return [
        head,
        head + b'[tool.sig.loader]\nenv = ["PATH"]\npython-option = ["-u", "-Xdev"]\nallow = []\n',
        head + b'[[tool.sig.loader]]\nscript = "work"\noutput = "bin/"\npolicy = "strict"\n'
        b'[[tool.sig.loader]]\nscript = "more"\nname = "x"\n',
        head + b'[tool.sig.loader]\noutput = "../x"\n',
    ]


TARGETS = {
    "loader": Target(loader, lambda: _of("loader")),
    "baked": Target(baked, lambda: _of("baked")),
    "settings": Target(settings, _settings),
}
