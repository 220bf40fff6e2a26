"""Run the README's stories on real keys, files and a real server, and write down what was printed.

    tools/story.py           write the blocks in README.md, and docs/terminal.svg
    tools/story.py --check   say what differs, and fail

The keys are the throw-away test keys below vectors/ancestor, so that the same words come out
each time; what differs from run to run (folders, the port, the day) and from machine to machine
(its Python) is written as a reader would have it. The story of a native program is left as it
stands where none can be made.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from functools import partial
from html import escape
from http.server import ThreadingHTTPServer
from pathlib import Path

from sig.cli.demo import FolderHandler, lacks

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "terminal.svg"
MARKS = "<!-- {}: begin -->\n", "<!-- {}: end -->\n"
ALICE = "2BFAEC78CA0748860DD021404DDF9A42E3F2AA1B"
BOB = "38012069C685C670ECBFF55EC8A35A4E7DC1304D"

# Who types what; "" is a line of thought, and a tuple gives what is typed at the questions.
STORY = (
    ("", "Alice makes a folder for her GPG key, and signs what she found in a file."),
    ("alice", f"sig setup {ALICE[-8:]}"),
    ("alice", "sig attest signet.py", "yes\nyes\nMy first attestation!\n"),
    ("alice", "sig verify signet.py"),
    ("", "Bob has published a folder; she follows it. What he says does not count yet."),
    ("alice", "sig remote add hello-world http://example.org/signet/"),
    ("alice", "sig fetch"),
    ("alice", "sig verify test.txt"),
    ("", "She decides that it does."),
    ("alice", f"sig trust add {BOB[-8:]}"),
    ("alice", "sig verify test.txt"),
    ("alice", "sig run hello.sh"),
    ("", "Bob finds a flaw and publishes that."),
    ("bob", "sig attest hello.sh --not-ok --reviewed -m 'It sends your mail away.'"),
    ("bob", "sig publish signet"),
    ("alice", "sig fetch"),
    ("alice", "sig run hello.sh"),
)
PROGRAM = (
    ("", "Alice makes a native program of her script, and signs the list of all that it loads."),
    ("alice", "sig loader build hello.py"),
    ("alice", "sig attest -q hello.lock --ok --reviewed -m ''"),
    ("alice", "./hello"),
    ("", "Somebody changes the script. No Python is started."),
    ("alice", "echo 'print(\"and more\")' >> hello.py"),
    ("alice", "./hello"),
    ("", "It was Alice herself: she signs it anew, and the program stays as it is."),
    ("alice", "sig lock -q hello.py && sig attest -q hello.lock --ok --reviewed -m ''"),
    ("alice", "./hello"),
)


class Story:
    """Two homes below one short temporary folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def person(self, name: str) -> None:
        """A home with the secret key of that name in its GnuPG."""
        home = self.folder / name
        gnupg = home / ".gnupg"
        gnupg.mkdir(parents=True, mode=0o700)
        secret = ROOT / "vectors" / "ancestor" / f"{name}.secret.asc"
        self.call(name, ["gpg", "--batch", "--quiet", "--import", os.fspath(secret)])

    def environment(self, name: str) -> dict[str, str]:
        home = os.fspath(self.folder / name)
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SIG_", "GNUPG", "GPG")) and "proxy" not in key.lower()
        }
        # Of our environment the command alone: python3 is the system's.
        first = [os.fspath(self.folder / "bin"), "/usr/bin", "/bin"]
        path = os.pathsep.join([*first, kept.get("PATH", os.defpath)])
        return kept | {
            "HOME": home,
            "GNUPGHOME": f"{home}/.gnupg",
            "PATH": path,
            "PYTHONIOENCODING": "utf-8",
        }

    def call(self, name: str, words: list[str], stdin: str = "", place: str = "") -> str:
        done = subprocess.run(
            words,
            cwd=self.folder / name / place,
            env=self.environment(name),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        return done.stdout

    def shell(self, name: str, line: str, stdin: str = "", place: str = "") -> str:
        """What a line prints, with the answers where a terminal would echo them."""
        typed = line.replace("http://example.org/signet/", self.url)
        told = self.call(name, ["sh", "-c", typed], stdin, place)
        if stdin:
            answers = iter(stdin.splitlines())
            asked = r"\(yes/no\): |Comment: "
            told = re.sub(asked, lambda found: f"{found[0]}{next(answers)}\n", told)
        told = told.replace(self.url, "http://example.org/signet/")
        told = told.replace(os.fspath(self.folder / name), f"/home/{name}")
        return re.sub(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", "2026-11-21", told)

    def stop(self) -> None:
        for name in ("alice", "bob"):
            if shutil.which("gpgconf"):
                self.call(name, ["gpgconf", "--kill", "all"])


def told() -> dict[str, str]:
    """The stories as they were printed, by the names of their blocks."""
    with tempfile.TemporaryDirectory(prefix="sig-") as temporary:
        folder = Path(temporary)
        public = folder / "bob" / "signet"
        public.mkdir(parents=True)
        (folder / "bin").mkdir()
        (folder / "bin/sig").symlink_to(Path(sys.executable).with_name("sig"))
        handler = partial(FolderHandler, folder=public)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        story = Story(folder, f"http://127.0.0.1:{server.server_address[1]}/")
        try:
            found = {"story": _tell(story, folder)}
            if not lacks(folder):
                found["program"] = _tell_program(story, folder / "alice" / "work")
            return found
        finally:
            story.stop()
            server.shutdown()
            thread.join()
            server.server_close()


def _tell(story: Story, folder: Path) -> str:
    for name in ("alice", "bob"):
        story.person(name)
    (folder / "alice" / "signet.py").write_text("print('reviewed')\n", encoding="utf-8")
    for name in ("alice", "bob"):
        (folder / name / "test.txt").write_text("a file\n", encoding="utf-8")
        script = "#!/bin/sh\necho hello\n"
        (folder / name / "hello.sh").write_text(script, encoding="utf-8")
    story.shell("bob", f"sig setup {BOB}")
    story.shell("bob", "sig attest test.txt hello.sh --ok --reviewed -m works --yes")
    story.shell("bob", "sig publish signet")
    return _lines(story, STORY)


def _tell_program(story: Story, place: Path) -> str:
    place.mkdir()
    (place / "hello.py").write_text('print("hello")\n', encoding="utf-8")
    shown = _lines(story, PROGRAM, "work")
    # What differs between machines: the version of Python, what else is installed, and the size.
    shown = re.sub(r"^python \S+ system$", "python 3.11.2 system", shown, flags=re.MULTILINE)
    shown = re.sub(r"^pth .*\n", "", shown, flags=re.MULTILINE)
    return re.sub(r"^(loader hello) \S+ MB", r"\1 3.8 MB", shown, flags=re.MULTILINE)


def _lines(story: Story, typed: Iterable[tuple[str, ...]], place: str = "") -> str:
    lines = []
    for name, line, *stdin in typed:
        if not name:
            lines.append(f"\n# {line}\n")
            continue
        prompt = "$" if name == "alice" else f"{name}$"
        lines.append(f"{prompt} {line}\n{story.shell(name, line, ''.join(stdin), place)}")
    return "".join(lines).strip() + "\n"


def put(page: str, name: str, text: str) -> str:
    """The page with a story in its block. Raises ValueError where there is no place for it."""
    begin, end = (mark.format(name) for mark in MARKS)
    head, found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"README.md has no place for the {name}")
    return f"{head}{begin}\n```text\n{text}```\n\n{end}{tail}"


def picture(text: str) -> str:
    """The story on a terminal, as SVG without anything from elsewhere."""
    lines = text.rstrip().split("\n")
    width = max(len(line) for line in lines) * 8 + 40
    height = len(lines) * 18 + 56
    colors = (
        (r"^(bob)?\$ ", "#e6edf3"),
        (r"^# ", "#8b949e"),
        (r"^ok |is ok\.$", "#56d364"),
        (r"^not-ok |marked bad|^error", "#ff7b72"),
        (r"^untrusted |not verified|^note|^hint", "#e3b341"),
    )
    rows = []
    for number, line in enumerate(lines):
        color = next((c for pattern, c in colors if re.search(pattern, line)), "#c9d1d9")
        weight = ' font-weight="bold"' if re.match(r"(bob)?\$ ", line) else ""
        rows.append(
            f'<text x="20" y="{52 + number * 18}" fill="{color}"{weight} xml:space="preserve">'
            f"{escape(line)}</text>\n"
        )
    dots = "".join(
        f'<circle cx="{22 + place * 18}" cy="18" r="5" fill="{color}"/>'
        for place, color in enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        ' aria-label="A session with sig in a terminal"'
        ' font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n{dots}\n'
        f"{''.join(rows)}</svg>\n"
    )


def main() -> int:
    stories = told()
    before = after = README.read_text(encoding="utf-8")
    for name, text in stories.items():
        after = put(after, name, text)
    drawn = picture(stories["story"])
    if "--check" in sys.argv:
        same = before == after and PICTURE.read_text(encoding="utf-8") == drawn
        if not same:
            sys.stderr.write("\n".join(stories.values()))
            sys.stderr.write("README.md or docs/terminal.svg differ: run tools/story.py\n")
        return 0 if same else 1
    README.write_text(after, encoding="utf-8")
    PICTURE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
