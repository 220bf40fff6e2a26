"""The bytes of a native loader: what is read of them, and what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import limits, loader, strict
from sig.model.fingerprint import Fingerprint
from sig.model.loader import (
    Editable,
    Folder,
    Home,
    Interpreter,
    Loader,
    Modules,
    Policy,
    Signers,
)
from tests import vectors

PYTHON = Interpreter(
    asked=".venv/bin/python",
    executable="/usr/bin/python3.11",
    version="3.11.2",
    base="",
    prefix=".venv",
    stdlib=("/usr/lib/python3.11",),
    system=(),
    site=(".venv/lib/python3.11/site-packages",),
    state="6831736 1732060800123456789",
)
KEY = Fingerprint("0123456789ABCDEF" * 2 + "01234567")
POLICY = Policy(
    app="hello",
    release=0,
    program=".",
    script="hello.py",
    call="",
    by=Folder(
        folder="/home/alice/.signet",
        key=KEY,
        sequence=4,
        remotes={"bob": 7},
        home=Home(1000, "/home/alice"),
    ),
    python=PYTHON,
    editable={"dist/own-1.0": Editable("../own", ("", "src"))},
    policy=loader.ENFORCE,
    marshal=False,
    env=("DJANGO_*",),
    options=("-u",),
)
MODULES = Modules("a70d0d0a", {"bootstrap": b"1\n", "a": b"2"}, {"bootstrap": b"3", "a": b"\n"})
LOADER = Loader(b"\x7fELF", POLICY, MODULES)
BAKED = POLICY._replace(by=Signers({KEY: b"x", Fingerprint("AB" * 32): b"y"}, 2))
FILES = vectors.files("loader")


def policy(**changed: Any) -> Policy:
    """`POLICY` with other values, of its folder too."""
    by = {name: changed.pop(name) for name in Folder._fields if name in changed}
    return POLICY._replace(**changed, by=POLICY.by._replace(**by))


# --- vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vector_is_read_or_refused_as_it_says(path: Path) -> None:
    """Each file of vectors/loader, with the words of a refusal."""
    vector = vectors.read(path)
    raw = vector.one("file")
    if vector.head["expect"] == "none":
        assert loader.read(raw) is None
    elif vector.head["expect"] == "refused":
        with pytest.raises(FormatError) as caught:
            loader.read(raw)
        assert caught.value.message.startswith(vector.why)
    else:
        found = loader.read(raw)
        assert found is not None
        assert vector.one("program") == found.program
        for kind, modules in (
            ("compiled", found.modules.compiled),
            ("source", found.modules.sources),
        ):
            said = {
                name.removeprefix(f"{kind} "): vector.one(name)
                for name in vector.data
                if name.startswith(f"{kind} ")
            }
            assert said == modules
        assert raw == loader.write(found)
        assert vector.one("policy") + b"\n" in raw


def test_the_vectors_name_every_field_of_the_policy() -> None:
    """A field that is added to the policy is in them, missing and of another form."""
    names = {path.stem for path in FILES}
    of_modes = (*Folder._fields, *Signers._fields)
    for name in (*Policy._fields, *of_modes, "modules"):
        if name == "by":
            continue
        assert f"gone-{name}" in names
        assert any(one.startswith(f"{name}-") for one in names)
    for outer, part in (("python", Interpreter), ("home", Home), ("modules", Modules)):
        for name in part._fields:
            assert {f"gone-{outer}-{name}", f"{outer}-{name}-null"} <= names


# --- writing -------------------------------------------------------------------------------------


def test_what_is_written_is_read_as_the_same() -> None:
    """Program, policy and modules; and one loader has one text."""
    raw = loader.write(LOADER)
    assert loader.read(raw) == LOADER
    assert raw == loader.write(loader.read(raw) or LOADER)
    assert raw.startswith(LOADER.program)


@pytest.mark.parametrize(
    "changed",
    [
        {"program": "a/../b"},
        {"script": "\udcff.py"},
        {"script": "a\nb.py"},
        {"script": ""},
        {"call": "hello"},
        {"sequence": 0},
        {"release": 2**53},
        {"release": True},
        {"policy": "off"},
        {"policy": loader.STRICT},
        {"env": ("B", "A")},
        {"options": ("-c",)},
        {"folder": "relative"},
        {"remotes": {"bob": 0}},
        {"editable": {"app": Editable("/own", ("",))}},
        {"editable": {"dist/own-1.0": Editable("/own", ())}},
        {"home": Home(-1, "/")},
        {"python": PYTHON._replace(stdlib=())},
    ],
    ids=repr,
)
def test_what_could_not_be_read_is_not_written(changed: dict[str, Any]) -> None:
    """Whatever made the value: the reader's rules hold for the writer."""
    with pytest.raises(FormatError, match="policy: "):
        loader.write(LOADER._replace(policy=policy(**changed)))


@pytest.mark.parametrize(
    "modules",
    [
        MODULES._replace(magic="A70D0D0A"),
        MODULES._replace(compiled={}),
        MODULES._replace(sources={"bootstrap": b"3"}),
        MODULES._replace(sources={"bootstrap": b"3", "a": b""}),
        MODULES._replace(sources={"bootstrap": b"3", "sig.a": b"1"}),
        Modules("a70d0d0a", {"a": b"1"}, {"a": b"1"}),
    ],
    ids=range(6),
)
def test_modules_that_could_not_be_read_are_not_written(modules: Modules) -> None:
    """Nor a loader without its bootstrap."""
    with pytest.raises(FormatError, match="policy: "):
        loader.write(LOADER._replace(modules=modules))


def test_a_loader_is_not_the_program_of_another() -> None:
    """Two ends would be two answers."""
    with pytest.raises(FormatError, match="behind another one"):
        loader.write(LOADER._replace(program=loader.write(LOADER)))


def test_a_long_policy_is_refused_with_its_limit() -> None:
    """A thousand editable installs fit, ten thousand long paths do not."""

    def many(count: int) -> Loader:
        editable = {
            f"dist/own{number}-1.0": Editable("/" + "x" * 200, ("src",)) for number in range(count)
        }
        return LOADER._replace(policy=POLICY._replace(editable=editable))

    assert loader.read(loader.write(many(1000))) == many(1000)
    with pytest.raises(FormatError, match="policy: longer than 1 MiB"):
        loader.write(many(10_000))


def test_large_modules_are_refused() -> None:
    """What a start would read each time has a limit."""
    large = MODULES._replace(sources={"bootstrap": b"x" * limits.LOADER_DATA, "a": b"1"})
    with pytest.raises(FormatError, match="does not fit"):
        loader.write(LOADER._replace(modules=large))


def test_one_of_signers_is_written_and_read_too() -> None:
    """And refused without any, or with fewer than it asks for."""
    one = LOADER._replace(policy=BAKED)
    assert one == loader.read(loader.write(one))
    for by in (
        Signers({}, 1),
        Signers({KEY: b"x"}, 2),
        Signers({KEY: b"x"}, 0),
        Signers({KEY: b""}, 1),
    ):
        with pytest.raises(FormatError, match="policy: "):
            loader.write(LOADER._replace(policy=POLICY._replace(by=by)))


# --- reading anything ----------------------------------------------------------------------------


def test_every_cut_of_a_loader_is_none_or_refused() -> None:
    """No part of one is another one."""
    raw = loader.write(LOADER)
    assert all(loader.read(raw[:end]) is None for end in range(len(raw)))


def test_a_changed_byte_of_what_is_behind_the_program_is_noticed_or_is_another_value() -> None:
    """Never a crash, and never the same loader; in the modules another module."""
    raw = loader.write(LOADER)
    for place in range(len(LOADER.program), len(raw)):
        for bit in (1, 32, 128):
            changed = bytearray(raw)
            changed[place] ^= bit
            try:
                found = loader.read(bytes(changed))
            except FormatError:
                continue
            assert found != LOADER
            assert found is None or bytes(changed) == loader.write(found)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_before_a_trailer_are_refused(behind: bytes, length: int) -> None:
    """With a sentence, whatever the length says."""
    with pytest.raises(FormatError) as caught:
        loader.read(behind + length.to_bytes(8, "little") + b"sig loader 1\0\0\0\0")
    assert caught.value.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def _said() -> dict[str, Any]:
    line = loader.write(LOADER)[len(LOADER.program) :].split(b"\n")[0]
    found: dict[str, Any] = json.loads(line)
    return found


@given(st.sampled_from(sorted(_said())), json_values)
def test_any_value_of_a_field_is_read_or_refused_with_a_sentence(name: str, value: Any) -> None:
    """What is read is written as it was."""
    line = strict.canonical(_said() | {name: value})
    behind = line + b"\n" + b"21\n\n3"
    raw = behind + len(behind).to_bytes(8, "little") + b"sig loader 1\0\0\0\0"
    try:
        found = loader.read(raw)
    except FormatError as error:
        assert error.message.startswith(("policy: ", "its modules "))
        assert len(error.message) < 300
    else:
        assert found is not None
        assert raw == loader.write(found)


def test_reading_takes_the_time_of_its_bytes() -> None:
    """No field makes a reader look at another for each of its items."""
    began = time.process_time()
    for value in (
        {"env": tuple(f"A{number:05}" for number in range(50_000))},
        {"options": tuple(f"-X{number}" for number in range(50_000))},
        {"python": PYTHON._replace(site=("/a",) * 100_000)},
        {"script": "/".join(["a"] * 2000)},
        {"remotes": {f"r{number}": 1 for number in range(50_000)}},
    ):
        loader.read(loader.write(LOADER._replace(policy=policy(**value))))
    assert time.process_time() - began < 10


def test_the_example_of_the_specification_is_a_policy() -> None:
    """With modules of the lengths that it says."""
    text = (vectors.VECTORS.parent / "docs/spec/loader.md").read_text()
    said = json.loads(text.partition("```json\n")[2].partition("```")[0])
    length = sum(size for of in ("compiled", "sources") for _, size in said["modules"][of])
    behind = strict.canonical(said) + b"\n" + bytes(length)
    found = loader.read(behind + len(behind).to_bytes(8, "little") + b"sig loader 1\0\0\0\0")
    assert found is not None
    assert ("hello", "hello.py") == (found.policy.app, found.policy.script)
