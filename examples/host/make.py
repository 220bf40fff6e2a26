"""Make PLACE with a folder of plug-ins of every kind, and the keys and attestations for them.

    python make.py PLACE

Bob signs plug-ins, and Alice trusts him. Mallory signed one as well, and then his key was revoked.
All keys are made anew, below PLACE; nothing of yours is touched. PLACE must not exist, and its path
must be short: GnuPG's agent listens below it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GREET = "from {0} import words\n\n\ndef greet():\n    return words.GREETING\n"
EVIL = "raise SystemExit('evil code ran')\n"


class Person:
    """Someone with a HOME and a key of their own below PLACE."""

    def __init__(self, place: Path, name: str) -> None:
        self.name = name
        self.home = place / name
        self.gnupg = self.home / ".gnupg"
        self.gnupg.mkdir(parents=True, mode=0o700)
        self.environment = os.environ | {"HOME": str(self.home), "GNUPGHOME": str(self.gnupg)}
        self.environment.pop("SIG_DIR", None)
        user = f"{name.capitalize()} <{name}@example.org>"
        self.gpg("--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", "never")
        listed = self.gpg("--with-colons", "--list-secret-keys")
        self.key = next(line.split(":")[9] for line in listed.splitlines() if line[:3] == "fpr")
        self.sig("setup", self.key)

    def run(self, *words: str | Path) -> str:
        """A command; its output, or an exception with what it said."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout

    def gpg(self, *words: str | Path) -> str:
        return self.run("gpg", "--batch", "--quiet", *words)

    def sig(self, *words: str | Path) -> str:
        return self.run(sys.executable, "-m", "sig", *words)

    def attest(self, *files: Path) -> None:
        self.sig("attest", "--ok", "--reviewed", "-m", "", *files)


def package(folder: Path, name: str, greeting: str, **more: str) -> Path:
    """A plug-in: a package of some files."""
    files = {"__init__": GREET.format(name), "words": f"GREETING = {greeting!r}\n", **more}
    (folder / name).mkdir(parents=True)
    for module, content in files.items():
        (folder / name / f"{module}.py").write_text(content)
    return folder / name


def follow(alice: Person, other: Person) -> None:
    """Alice fetches what the other one published, and lets it count."""
    public = partial(SimpleHTTPRequestHandler, directory=str(other.home / ".signet/repo"))
    SimpleHTTPRequestHandler.log_message = lambda *words: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), public)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        alice.sig("remote", "add", other.name, url, "-f", "--key", other.key, "--trust")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    place = Path(sys.argv[1]).absolute()
    place.mkdir(mode=0o700)
    people = []
    try:
        for name in ("alice", "bob", "mallory"):
            people.append(Person(place, name))
        make(place / "plugins", place / "older", *people)
    finally:
        for one in people:
            one.run("gpgconf", "--kill", "all")


def make(plugins: Path, older: Path, alice: Person, bob: Person, mallory: Person) -> None:
    """The five plug-ins."""
    bob.attest(package(plugins, "good", "good morning"))
    package(plugins, "unsigned", "who signed this?")
    tampered = package(plugins, "tampered", "good evening")
    bob.attest(tampered)
    mallory.attest(package(plugins, "revoked", "good night"))
    # Two releases, each signed as a whole; what lies there has files of both.
    first = package(older, "mixed", "hello 1")
    mixed = package(plugins, "mixed", "hello 2", more="")
    bob.attest(first, mixed)
    shutil.copy(first / "words.py", mixed / "words.py")
    (tampered / "words.py").write_text(EVIL)
    for one in (bob, mallory):
        follow(alice, one)
    # What gpg keeps for this: a revocation without a reason. Its first line is disarmed by a colon.
    kept = mallory.gnupg / "openpgp-revocs.d" / f"{mallory.key}.rev"
    revocation = mallory.home / "revocation.asc"
    revocation.write_text(kept.read_text().replace("\n:-----BEGIN", "\n-----BEGIN"))
    mallory.gpg("--import", revocation)
    certificate = mallory.home / "mallory.asc"
    certificate.write_text(mallory.gpg("--armor", "--export", mallory.key))
    alice.sig("key", "import", certificate)


if __name__ == "__main__":
    main()
