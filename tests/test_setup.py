"""What tools/setup.sh says and does on machines that lack something.

Python, apt-get, sudo and id are played by scripts in a folder that is all of PATH: nothing is
installed, and root is not needed. The same on real systems: tools/try-bare.sh.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = (
    "basename",
    "cat",
    "chmod",
    "cksum",
    "cp",
    "dirname",
    "env",
    "mkdir",
    "rm",
    "sleep",
    "true",
)

# As much of Python as setup.sh asks for. VERSION and VENV are filled in.
PYTHON = """#!/bin/sh
case $* in
    --version) echo "Python VERSION.0" ;;
    *sys.exit*) [ VERSION != 3.9 ] ;;
    *rustc-args*) echo "-C words=for-rustc" ;;
    *print*) echo VERSION ;;
    *ensurepip*) VENV ;;
    "-m venv --clear .venv") rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    "-m pip install "*) echo "pip" >>"$LOG"; [ ! -e "$LOG.offline" ] ;;
    tools/requirements.py*) ;;
    *) exit 99 ;;
esac
"""
# The first attempt finds empty lists.
APT = """#!/bin/sh
echo "apt-get $*" >>"$LOG"
case $* in
    update*) : >"$LOG.updated" ;;
    *gpg-agent*) [ -e "$LOG.updated" ] && cp "$0" "${0%/*}/gpg" && cp "$0" "${0%/*}/gpg-agent" ;;
esac
"""
SUDO = '#!/bin/sh\necho "sudo $*" >>"$LOG"\nshift\nexec "$@"\n'
# What asks on a terminal would wait for ever.
SUDO_THAT_ASKS = '#!/bin/sh\n[ "$1" != -n ] || exit 1\nsleep 600\n'
INSTALLS = "apt-get -o DPkg::Lock::Timeout=120 install --no-install-recommends --no-remove -y -q"
INSTALL = f"{INSTALLS} gpg gpg-agent"
TYPES = "apt-get update && {}apt-get install --no-install-recommends --no-remove -y"
TYPED = f"{TYPES} gpg gpg-agent"
CARGO = """#!/bin/sh
case $* in
    --version) echo "cargo VERSION.0 (0123abcd 2026-01-31)" ;;
    "fmt --version" | "clippy --version") exit 101 ;;
    rustc*) echo "$PWD $CARGO_TARGET_DIR: $*" >>"$LOG"; [ ! -e "$LOG.offline" ] ;;
    *) echo "cargo $*" >>"$LOG" ;;
esac
"""
# The package brings a cargo that is new enough.
APT_CARGO = """#!/bin/sh
echo "apt-get $*" >>"$LOG"
echo '#!/bin/sh
echo "cargo 1.96.0"' >"${0%/*}/cargo"
chmod 755 "${0%/*}/cargo"
"""
NO_CARGO = "NOTE: without cargo 1.85 or newer native/ is LEFT OUT, with loaders (rustup.rs has one)"


class Machine:
    """A checkout, in a folder whose name is not easy, and a PATH with what is put there."""

    def __init__(self, place: Path) -> None:
        self.checkout = place / "zwei Öfen's"
        shutil.copytree(ROOT / "tools", self.checkout / "tools")
        shutil.copy(ROOT / "pyproject.toml", self.checkout)
        self.path = place / "bin"
        self.path.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found
            (self.path / tool).symlink_to(found)
        self.log = place / "log"
        self.has("python3", PYTHON, VERSION="3.11")
        self.has("id", "#!/bin/sh\necho 1000\n")
        self.has("gpg", "")
        self.has("gpg-agent", "")

    def has(self, name: str, script: str, VERSION: str = "", VENV: str = "true") -> None:
        """Put a program on PATH."""
        (self.path / name).write_text(script.replace("VERSION", VERSION).replace("VENV", VENV))
        (self.path / name).chmod(0o755)

    def lacks(self, *names: str) -> None:
        """Take programs away."""
        for name in names:
            (self.path / name).unlink()

    def setup(self, *words: str, **environment: str) -> tuple[int, list[str]]:
        """The exit status of tools/setup.sh, and what it says."""
        done = subprocess.run(
            [self.checkout / "tools/setup.sh", *words],
            env={"PATH": str(self.path), "LOG": str(self.log), "LANG": "C.UTF-8"} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "" == done.stdout
        return done.returncode, done.stderr.splitlines()

    def did(self) -> list[str]:
        """What was called since the last time, if it changes a machine."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that lacks nothing."""
    return Machine(tmp_path)


def test_where_nothing_is_missing_nothing_is_said_or_installed(machine: Machine) -> None:
    """The twin of all that follow."""
    machine.has("apt-get", APT)
    machine.has("sudo", SUDO)

    assert (0, []) == machine.setup("machine")
    assert [] == machine.did()


def test_root_installs_what_is_missing(machine: Machine) -> None:
    """Once with the lists that are there, once with new ones."""
    machine.lacks("gpg", "gpg-agent")
    machine.has("id", "#!/bin/sh\necho 0\n")
    machine.has("apt-get", APT)

    assert (0, ["installing with apt-get: gpg gpg-agent"]) == machine.setup("machine")
    assert [INSTALL, "apt-get update -q", INSTALL] == machine.did()


def test_a_source_that_does_not_answer_may_not_be_the_one_that_is_needed(machine: Machine) -> None:
    """Where the lists are new but for one, the packages are asked for all the same."""
    machine.lacks("gpg", "gpg-agent")
    machine.has("id", "#!/bin/sh\necho 0\n")
    machine.has("apt-get", APT.replace('"$LOG.updated" ;;', '"$LOG.updated"; exit 100 ;;'))

    assert 0 == machine.setup("machine")[0]
    assert [INSTALL, "apt-get update -q", INSTALL] == machine.did()


def test_a_sudo_that_does_not_ask_is_used(machine: Machine) -> None:
    """Each apt-get runs with it, and nothing else does."""
    machine.lacks("gpg", "gpg-agent")
    machine.has("apt-get", APT)
    machine.has("sudo", SUDO)

    assert 0 == machine.setup("machine")[0]
    assert [
        "sudo -n true",
        f"sudo -n env DEBIAN_FRONTEND=noninteractive {INSTALL}",
        INSTALL,
        "sudo -n apt-get update -q",
        "apt-get update -q",
        f"sudo -n env DEBIAN_FRONTEND=noninteractive {INSTALL}",
        INSTALL,
    ] == machine.did()


def test_a_sudo_that_asks_is_left_to_the_user(machine: Machine) -> None:
    """It is not waited for; the line to type is shown, and nothing is changed."""
    machine.lacks("gpg", "gpg-agent")
    machine.has("apt-get", APT)
    machine.has("sudo", SUDO_THAT_ASKS)

    assert (
        1,
        [
            "error: missing: gpg with gpg-agent; sudo would ask for a password",
            "Type this, then the same make command again:",
            f"    sudo {TYPED.format('sudo ')}",
        ],
    ) == machine.setup("machine")
    assert [] == machine.did()


def test_without_sudo_the_line_to_type_has_none(machine: Machine) -> None:
    """What is shown is what works there."""
    machine.lacks("gpg", "gpg-agent")
    machine.has("apt-get", APT)

    assert (
        1,
        [
            "error: missing: gpg with gpg-agent; only root may install it, and there is no sudo",
            "Type this as root, then the same make command again:",
            f"    {TYPED.format('')}",
        ],
    ) == machine.setup("machine")
    assert [] == machine.did()


def test_another_system_is_told_what_to_install(machine: Machine) -> None:
    """Without apt-get the names are Debian's, and it says so."""
    machine.lacks("gpg")

    assert (
        1,
        [
            "error: missing: gpg with gpg-agent",
            "hint: install with this system's package manager what Debian calls gpg gpg-agent",
        ],
    ) == machine.setup("machine")


def test_a_newer_python_beside_an_old_one_is_found(machine: Machine) -> None:
    """python3 is asked first; where it is too old, python3.12 makes the environment."""
    machine.has("python3", PYTHON, VERSION="3.9")
    machine.has("python3.12", PYTHON, VERSION="3.12")

    assert (0, []) == machine.setup("machine")
    assert (0, ["making .venv with Python 3.12.0", "installing sig"]) == machine.setup("venv")


def test_a_python_that_is_too_old_is_named(machine: Machine) -> None:
    """With the next step; so is one that was asked for by name and is not there."""
    machine.has("python3", PYTHON, VERSION="3.9")
    hint = (
        "hint: install a newer one, then the same make command again; "
        "or name it: make PYTHON=/path/to/python3.12"
    )
    for step in ("machine", "venv"):
        wrong = "error: sig needs Python 3.11 or newer, and "
        assert (1, [wrong + "python3 is 3.9.0", hint]) == machine.setup(step)
        missing = machine.setup(step, PYTHON="/a b/python3.14")
        assert (1, [wrong + "/a b/python3.14 is not found", hint]) == missing


def test_a_python_without_venv_from_elsewhere_is_named(machine: Machine) -> None:
    """No package of the system brings venv to a Python that is not the system's."""
    machine.has("python3", PYTHON, VERSION="3.12", VENV="exit 1")
    machine.has("apt-get", APT)

    assert (
        1,
        [
            f"error: {machine.path}/python3 has no ensurepip, "
            "so it cannot make a virtual environment",
            "hint: make PYTHON=/path/to/another/python3",
        ],
    ) == machine.setup("machine")
    assert [] == machine.did()


def test_an_environment_is_made_once(machine: Machine) -> None:
    """A second run changes nothing; another use adds to it; a new list of packages is installed."""
    assert (0, ["making .venv with Python 3.11.0", "installing sig"]) == machine.setup("venv")
    assert (0, []) == machine.setup("venv")
    says = "installing sig, and what is needed for: test"
    assert (0, [says]) == machine.setup("venv", "test")
    assert (0, []) == machine.setup("venv")
    with (machine.checkout / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert (0, [says]) == machine.setup("venv", "test")
    assert ["pip"] * 3 == machine.did()


def test_an_environment_that_was_made_elsewhere_is_made_anew(machine: Machine) -> None:
    """Its scripts hold the path of the checkout; its packages belong to one version of Python."""
    new = "making .venv with Python {}.0"
    assert (0, [new.format("3.11"), "installing sig"]) == machine.setup("venv")

    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved"))
    assert (0, [new.format("3.11"), "installing sig"]) == machine.setup("venv")

    asked = machine.path / "python3.13"
    machine.has(asked.name, PYTHON, VERSION="3.13")
    says = (0, [new.format("3.13"), "installing sig"])
    assert says == machine.setup("venv", PYTHON=str(asked))
    assert (0, []) == machine.setup("venv", PYTHON=str(asked))
    assert (0, []) == machine.setup("venv")

    machine.has("python3", PYTHON, VERSION="3.14")
    (machine.checkout / ".venv/bin/python").unlink()
    assert (0, [new.format("3.14"), "installing sig"]) == machine.setup("venv")


def test_what_could_not_be_installed_is_tried_again(machine: Machine) -> None:
    """A run without a network fails with the next step, and the one after it goes on."""
    offline = machine.log.with_name("log.offline")
    offline.touch()
    error = "error: pip could not install the packages"
    hint = "hint: is the network up? (pip config list)"
    status, said = machine.setup("venv")
    assert (1, [error, hint]) == (status, said[-2:])

    offline.unlink()
    assert (0, ["installing sig"]) == machine.setup("venv")


@pytest.mark.parametrize("version", ["1.85", "1.99", "1.100", "2.0"])
def test_a_cargo_that_is_new_enough_runs_in_native(machine: Machine, version: str) -> None:
    """Nothing is said and nothing installed; its words go on as they are."""
    (machine.checkout / "native").mkdir()
    machine.has("cargo", CARGO, VERSION=version)
    machine.has("apt-get", APT)

    assert (0, []) == machine.setup("machine", "cargo")
    assert [] == machine.did()
    assert (0, []) == machine.setup("cargo", "test", "--locked")
    assert ["cargo test --locked"] == machine.did()


@pytest.mark.parametrize(
    "system, packages", [("bookworm", "cargo-web rustc-web"), ("trixie", "cargo rustc")]
)
def test_a_cargo_is_installed_where_it_is_too_old(
    machine: Machine, tmp_path: Path, system: str, packages: str
) -> None:
    """Debian 12 has a new one under another name; the old one is never removed for it."""
    release = tmp_path / "os-release"
    release.write_text(f'ID=debian\nVERSION_CODENAME={system}\nPRETTY_NAME="Debian"\n')
    machine.has("cargo", CARGO, VERSION="1.63")
    machine.has("id", "#!/bin/sh\necho 0\n")
    machine.has("apt-get", APT_CARGO)

    said = machine.setup("machine", "cargo", OS_RELEASE=str(release))
    assert (0, [f"installing with apt-get: {packages}"]) == said
    assert [f"{INSTALLS} {packages}"] == machine.did()


def test_without_cargo_the_rest_goes_on(machine: Machine) -> None:
    """The line to type is shown, and in one more what is skipped."""
    machine.has("apt-get", APT)
    machine.has("sudo", SUDO_THAT_ASKS)

    assert (
        0,
        [
            "error: missing: cargo 1.85 or newer; sudo would ask for a password",
            "Type this, then the same make command again:",
            f"    sudo {TYPES.format('sudo ')} cargo rustc",
            NO_CARGO,
        ],
    ) == machine.setup("machine", "cargo", OS_RELEASE="/nonexistent")
    assert (0, []) == machine.setup("cargo", "test")
    assert [] == machine.did()


def test_the_program_of_loaders_is_built_as_its_wheel_is(machine: Machine) -> None:
    """With the words that stand in its pyproject.toml; what takes long is said before."""
    native = machine.checkout / "native"
    native.mkdir()
    machine.has("cargo", CARGO, VERSION="1.85")
    says = "building native/target/release/sig-verify, once: this takes some minutes"
    what = "rustc --quiet --locked --release --package sig-verify --bin sig-verify"
    builds = [f"{native} target: {what} -- -C words=for-rustc"]

    assert (0, [says]) == machine.setup("loader")
    assert builds == machine.did()
    (native / "target/release").mkdir(parents=True)
    (native / "target/release/sig-verify").touch()
    assert (0, []) == machine.setup("loader")
    assert builds == machine.did()

    machine.log.with_name("log.offline").touch()
    error = "error: native/ could not be built"
    hint = "hint: is the network up, and is there a C compiler to link with?"
    assert (1, [error, hint]) == machine.setup("loader")
    machine.did()
    machine.lacks("cargo")
    assert (0, []) == machine.setup("loader")
    assert [] == machine.did()


def test_without_clippy_native_is_not_linted_and_that_is_said(machine: Machine) -> None:
    """A cargo without its formatter and its linter still tests."""
    machine.has("cargo", CARGO, VERSION="1.85")

    assert (
        0,
        [
            "error: missing: rustfmt and clippy",
            "hint: install with this system's package manager what Debian calls "
            "rustfmt rust-clippy",
            "NOTE: without rustfmt and clippy native/ is NOT LINTED "
            "(rustup component add rustfmt clippy)",
        ],
    ) == machine.setup("machine", "cargo", "lint", OS_RELEASE="/nonexistent")
    assert (0, []) == machine.setup("cargo", "clippy", "--workspace")
    assert [] == machine.did()


@pytest.mark.parametrize("group", ["test", "lint", "docs", "fuzz", "dist"])
def test_the_groups_of_the_makefile_have_requirements(group: str) -> None:
    """Each line is one requirement, for any pip."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools/requirements.py", group],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.strip()
    assert f".venv/for-{group}" in (ROOT / "Makefile").read_text()
