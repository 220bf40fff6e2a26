"""What is shown is run: the README's story and the examples of the library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sig

ROOT = Path(__file__).resolve().parent.parent
KEY = "38012069C685C670ECBFF55EC8A35A4E7DC1304D"


def examples() -> list[dict[str, object]]:
    """The examples of the guide, each in a namespace of its own."""
    text = (ROOT / "docs" / "guides" / "library.md").read_text(encoding="utf-8")
    found = []
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        scope: dict[str, object] = {"__name__": "example"}
        exec(compile(code, "library.md", "exec"), scope)  # noqa: S102  our own docs
        found.append(scope)
    return found


@pytest.fixture
def alice(tmp_path_factory, monkeypatch):
    """Alice's folder of 2016 in a home of her own, and her secret key in its GnuPG."""
    home = tmp_path_factory.mktemp("h")
    gnupg = Path("/tmp") / f"sig-{os.getpid()}-{home.name}"
    gnupg.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GNUPGHOME", str(gnupg))
    secret = ROOT / "vectors" / "ancestor" / "alice.secret.asc"
    subprocess.run(["gpg", "--batch", "--quiet", "--import", secret], check=True)
    folder = home / ".signet"
    workspace = sig.Workspace(folder)
    sig.setup(workspace, workspace.agent.secret_keys()[0].fingerprint)
    yield folder
    subprocess.run(["gpgconf", "--kill", "all"], check=False)
    subprocess.run(["rm", "-rf", gnupg], check=True)


def test_the_readme_shows_what_is_printed():
    """The story in README.md and its picture are what the commands print."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "story.py", "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_library_loads_what_is_trusted_and_nothing_else(alice, tmp_path):
    """The first example returns attested bytes, and refuses others with the reason."""
    load, warn = examples()[0]["load"], examples()[1]["warn"]
    good, other = tmp_path / "good.py", tmp_path / "other.py"
    good.write_bytes(b"good\n")
    other.write_bytes(b"other\n")
    claim = sig.Claim(str(good), sig.identify(str(good)), ok=True, reviewed=True)
    sig.attest(sig.Workspace(alice), [claim])
    assert load(alice, str(good)) == b"good\n"
    with pytest.raises(PermissionError, match="nobody has attested it"):
        load(alice, str(other))
    assert warn(alice, str(good), "a flaw") == sig.identify(str(good))
    with pytest.raises(PermissionError, match="marked bad by 1 trusted signer"):
        load(alice, str(good))


def test_the_library_says_which_remote_could_not_be_had(alice):
    """The third example names the failing remote and keeps the decision to follow it."""
    follow = examples()[2]["follow"]
    assert follow(alice, "bob", "http://127.0.0.1:9/", KEY) == ["bob: connection refused"]
    workspace = sig.Workspace(alice)
    assert [one.name for one in sig.remotes(workspace)] == ["bob"]
    assert KEY in workspace.config.trust


def test_every_public_name_is_there():
    """What `import sig` promises can be had."""
    for name in sig.__all__:
        assert getattr(sig, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = sig.nothing
