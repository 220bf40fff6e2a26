"""docs/reference says what the program does: the pages are made again and compared."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from types import ModuleType

import pytest

from tests.cli import loaders
from tests.cli.conftest import Told
from tests.world import ROOT, World


@cache
def reference() -> ModuleType:
    """tools/reference.py."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools/reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", sorted(reference().PAGES))
def test_the_page_is_what_the_program_says_now(
    page: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this fails: look at the difference, and if it is meant, python tools/reference.py."""
    monkeypatch.setenv("COLUMNS", "80")

    made = reference().PAGES[page]()
    kept = (ROOT / "docs/reference" / page).read_text()

    # Where help breaks its lines is for the version of click to say, the words are ours.
    if page == "commands.md":
        assert made.split() == kept.split()
    else:
        assert made.splitlines() == kept.splitlines()


def test_help_is_what_the_page_shows(told: Told) -> None:
    """The real command, through its own words."""
    shown = " ".join((ROOT / "docs/reference/commands.md").read_text().split())

    for words in ((), ("verify",), ("remote",), ("remote", "add"), ("run",)):
        printed = " ".join(told.alice.sig("help", *words).stdout.split())
        assert f"```text {printed} ```" in shown


def test_the_documents_have_the_fields_that_the_page_lists(again: Told) -> None:
    """No more and no fewer, of every document of every command."""
    alice = again.alice
    documents = {
        name.replace("`", ""): set(fields) for name, fields in reference().DOCUMENTS.items()
    }
    optional = {
        "help",
        "release",
        "script",
        "matches",
        "message",
        "disappeared",
        "manifests",
        "closest",
        "differences",
        "error",
        "files",
        "publish.target",
        "publish.url",
    }
    seen: set[str] = set()

    def listed(name: str, value: object) -> None:
        (full,) = [one for one in documents if one == name]
        seen.add(full)
        assert isinstance(value, dict)
        assert documents[full] - optional <= set(value) <= documents[full], (name, set(value))

    def sig(*words: str) -> dict[str, object]:
        document = alice.sig(*words, "--json").json
        assert isinstance(document, dict)
        assert 1 == document.pop("version")
        return document

    results = "results of verify, show and a refusing run"
    for words in (("verify", "bad"), ("show", "bad"), ("verify", "missing")):
        (result,) = sig(*words)["results"]
        listed(results, result)
        for statement in result["statements"]:
            listed("statements of a result", statement)
    listed(results, alice.sig("run", "--json", "bad").json["results"][0])
    for words in (("attest", "unknown", "--ok", "--reviewed", "-m", ""), ("withdraw", "unknown")):
        (one,) = sig(*words)["statements"]
        listed("statements of attest and withdraw", one)
    for words in (("trust", "list"), ("key", "list"), ("setup",), ("key", "show", alice.short)):
        for one in sig(*words)["keys"]:
            listed("keys of setup, trust and key", one)
    for words in (("remote", "list"), ("fetch",), ("remote", "add", "x", "http://example.org/")):
        for one in sig(*words)["remotes"]:
            listed("remotes of remote and fetch", one)
    listed("manifest", sig("manifest", "bad"))
    alice.write("app/hello.py", "print()\n")
    reference()._environment(alice.place / "v")
    locked = sig("lock", "--python", alice.place / "v/bin/python", "app/hello.py")
    for document in (locked, alice.sig("run", "--json", "app/hello.py").json):
        document.pop("version", None)
        listed("lock, and a refusing run of what has a lock", document)
        for line in document["plan"]:
            listed("plan of lock and run", line)
    sig("attest", "app/hello.lock", "--ok", "--reviewed", "-m", "")
    listed("lock --pack", sig("lock", "--pack", "app/hello.py"))
    listed("lock --pack --check", sig("lock", "--pack", "--check", "app/hello.py"))
    tool = loaders.tool(again.world.path / "tool")
    ran = tool.sig(alice, "loader", "build", "--json", "app/hello.py")
    built = {name: value for name, value in ran.json.items() if name != "version"}
    listed("loader build", built)
    for one in built["loaders"]:
        listed("loaders of loader build", one)
    ran = tool.sig(alice, "loader", "inspect", "--json", "app/hello")
    inspected = {name: value for name, value in ran.json.items() if name != "version"}
    listed("loader inspect", inspected)
    listed("loader of loader inspect", inspected["loader"])
    words = ("loader", "build", "--json", "--baked", "--signer", alice.short, "app/hello.py")
    built_again = tool.sig(alice, *words)
    for ran in (built_again, tool.sig(alice, "loader", "update", "--json", "app/hello")):
        made = {name: value for name, value in ran.json.items() if name != "version"}
        listed("loader build" if "loaders" in made else "loader update", made)
        for one in made["files"]:
            listed("files of loader build and loader update", one)
    alice.write("plug/tool.py", "print()\n")
    sig("attest", "plug/tool.py", "--ok", "--reviewed", "-m", "")
    listed("plugin install", sig("plugin", "install", "plug/tool.py", "--into", "plugins"))
    for one in sig("plugin", "list", "plugins")["plugins"]:
        listed("plugins of plugin", one)
    listed("publish", sig("publish", str(again.world.path / "www")))
    found = sig("setup", alice.fingerprint, "--from", str(again.world.path / "www"))
    assert found.pop("keys")
    listed("setup --from, beside keys", found)
    for words in (("help",), ("verify", "--help"), ("--version",), ("completion", "zsh")):
        listed("help, --version and completion", sig(*words))
    url = again.world.serve(again.world.path / "www").url
    listed("publish --check", sig("publish", "--check", url))
    listed("config of config", sig("config")["config"])
    for one in sig("doctor")["checks"]:
        listed("checks of doctor", one)
    listed("status of a bare sig", sig()["status"])
    listed("error of every command", sig("trust", "add", "12345678")["error"])

    assert set(documents) == seen


def test_the_pages_name_nobody_and_no_machine() -> None:
    """Alice and Bob at example.org only."""
    for page in reference().PAGES:
        text = (ROOT / "docs/reference" / page).read_text()
        for private in ("/tmp/", "127.0.0.1", os.path.expanduser("~") + "/"):
            assert private not in text, (page, private)
