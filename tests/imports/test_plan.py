"""A plan and its text."""

from __future__ import annotations

import os

import pytest

from sig.imports.plan import Plan, Root, read, write

LINE = b"0" * 64 + b"  "
APP = Root("app", "/srv/my app", LINE + b"get.py\n", ("", "src"))
DIST = Root("dist/requests-2.32.3", "/venv/lib", LINE + b"requests/__init__.py\n", prefix="/venv")


def plan(**changes: object) -> Plan:
    given: dict[str, object] = {
        "app": "get",
        "entry": ("file", "get.py"),
        "roots": (APP, DIST),
        "argv0": "./get.py",
        "stdlib": ("/usr/lib/python3.11",),
    }
    return Plan(**(given | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"entry": ("call", "grün.main", "App.run"), "file": ""},
        {"argv0": "a b\n%20\udcff", "file": "/x/\udcff \n", "report": "/r\tr"},
        {"bad": {"a" * 64: "worm, don't\nrun it · 100 %", "b" * 64: ""}},
        {"environment": {"SIG_CHILD": "1 2=3", "EMPTY": ""}, "trace": True, "marshal": True},
        {"system": ("/usr/lib/python3/dist-packages", "/opt/ä"), "prefix": "/venv"},
        {"roots": (Root("app", "/", LINE + "ä b.py\n".encode(), ("ä b",)),)},
        {"roots": (Root("app", "/a", LINE + b"x.py\n", ()), DIST), "executable": "/usr/bin/get"},
        {
            "roots": (APP, Root("python", "/opt/ä", LINE + b"bin/python3.12\n", ("lib",))),
            "stdlib": (),
            "early": [("fcntl", "/opt/ä/f.so", "/proc/self/.//fd/7"), ("", "/x\udcff", "/y")],
        },
    ],
)
def test_what_is_written_is_read(changes: dict[str, object]) -> None:
    """Whatever stands in it, also bytes that are no text."""
    expected = plan(**changes)

    assert expected == read(write(expected))
    assert hash(expected) == hash(read(write(expected)))


def test_a_manifest_is_kept_byte_by_byte() -> None:
    """Its digest was signed: nothing is decoded on the way."""
    text = LINE + b"a\xff.py\n" + LINE + b"\xc3\xa4.py\n"

    assert text == read(write(plan(roots=(Root("app", "/a", text), DIST)))).roots[0].manifest


TEXT = write(plan(bad={"a" * 64: "worm"}))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        TEXT[:-1],
        TEXT + b"\n",
        TEXT.replace(b"sig-plan 1", b"sig-plan 2"),
        TEXT.replace(b"\napp get", b""),
        TEXT.replace(b"\napp get", b"\napp get\napp get"),
        TEXT.replace(b"\napp get", b"\napp get it"),
        TEXT.replace(b"\napp get", b"\napp get\nmore words"),
        TEXT.replace(b"\ntrace no", b"\ntrace perhaps"),
        TEXT.replace(b"\nmarshal no", b"\nmarshal"),
        TEXT.replace(b"\nmarshal no", b""),
        TEXT.replace(b"entry file", b"entry exec"),
        TEXT.replace(b"worm", b"%zz"),
        TEXT.replace(b"a" * 64, b"a" * 63),
        TEXT.replace(b"root app /srv", b"root app srv"),
        TEXT.replace(b"/usr/lib", b"usr/lib"),
        TEXT.replace(b"\nstdlib /usr/lib/python3.11", b"\nstdlib"),
        TEXT.replace(b"root dist/requests-2.32.3", b"root app"),
        TEXT.replace(b" 73 ", b" 74 "),
        TEXT.replace(b" 73 ", b" x "),
    ],
)
def test_any_other_text_is_a_mistake_of_ours(text: bytes) -> None:
    """Nothing is guessed: it comes from a sealed file."""
    assert read(TEXT)
    with pytest.raises(ValueError):
        read(text)


@pytest.mark.parametrize(
    ("base", "expected"), [("/a/", "/a"), ("//a//b/../c", "/a/c"), ("/", "/"), ("/a/.", "/a")]
)
def test_a_folder_has_one_spelling(base: str, expected: str) -> None:
    """Two roots at one place must be seen to be there."""
    assert expected == Root("app", base, APP.manifest).base


def test_a_search_folder_stays_below_its_root() -> None:
    """What is searched is what the manifest lists."""
    for folder in ("..", "/etc", "a//b", "a/.", "a/"):
        with pytest.raises(ValueError):
            Root("app", "/a", APP.manifest, (folder,))


def test_paths_are_the_bytes_of_the_disk() -> None:
    """A manifest's paths are compared with them."""
    found = read(write(plan(file=os.fsdecode(b"/\xff"))))

    assert b"/\xff" == os.fsencode(found.file)
