#!/bin/sh
# Set-up of a checkout: what the machine lacks, then a virtual environment in .venv.
#
#   tools/setup.sh machine              python3, venv and gpg are there, or are installed, or are named
#   tools/setup.sh machine nginx        nginx too: installed in CI only, else a line about what is skipped
#   tools/setup.sh machine cargo        a cargo that is new enough too, or a line about what is skipped;
#   tools/setup.sh machine cargo lint   … with its formatter and its linter
#   tools/setup.sh cargo [WORD ...]     cargo with these words in native/; nothing where it is not there
#   tools/setup.sh loader               native/target/release/sig-verify, of which loaders are made
#   tools/setup.sh dist FOLDER          the wheels in FOLDER; after "venv dist"
#   tools/setup.sh venv [GROUP ...]     .venv with sig (editable) and these dependency groups
#
# apt-get is used only where something is missing and only as root or with a sudo that does not ask.
# Where that is not possible the exact command is printed and nothing is changed.
# Nothing that is installed is ever removed for it.
# .venv is made anew where it was made for another folder or another Python.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $1"; shift; for line in "$@"; do say "$line"; done; exit 1; }

# The first interpreter that is new enough; $PYTHON is taken at its word.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.14 python3.13 python3.12 python3.11
    fi
    for candidate; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    found=$("$1" --version 2>&1) || found="not found"
    die "sig needs Python 3.11 or newer, and $1 is ${found#Python }" \
        "hint: install a newer one, then the same make command again; or name it: make PYTHON=/path/to/python3.12"
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none; }

# The package that brings venv to this interpreter: Debian and Ubuntu leave ensurepip out of python3.
venv_package() {
    case $python in
        /usr/bin/python3 | /bin/python3) echo python3-venv ;;
        /usr/bin/python3.* | /bin/python3.*) echo "$(basename "$python")-venv" ;;
        *) die "$python has no ensurepip, so it cannot make a virtual environment" \
            "hint: make PYTHON=/path/to/another/python3" ;;
    esac
}

apt_install() {
    if ! command -v apt-get >/dev/null; then
        die "missing: $1" "hint: install with this system's package manager what Debian calls $2"
    fi
    if [ "$(id -u)" = 0 ]; then
        become=""
    elif ! command -v sudo >/dev/null; then
        die "missing: $1; only root may install it, and there is no sudo" \
            "Type this as root, then the same make command again:" \
            "    apt-get update && apt-get install --no-install-recommends --no-remove -y $2"
    elif sudo -n true </dev/null 2>/dev/null; then
        become="sudo -n"
    else
        die "missing: $1; sudo would ask for a password" \
            "Type this, then the same make command again:" \
            "    sudo apt-get update && sudo apt-get install --no-install-recommends --no-remove -y $2"
    fi
    say "installing with apt-get: $2"
    # A machine that has just started may be busy with its own upgrades: they are waited for.
    # shellcheck disable=SC2086  # the words of both are meant to be split
    set -- $become env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
        install --no-install-recommends --no-remove -y -q $2
    # The lists of a fresh machine are empty or old: then once more with new ones. One source that
    # does not answer fails the update, but may not be the one that is needed.
    # shellcheck disable=SC2086
    "$@" >/dev/null 2>&1 </dev/null || { $become apt-get update -q >&2 </dev/null; "$@" >&2 </dev/null; } ||
        die "apt-get could not install $1" "hint: see why, then the same make command again: $*"
}

machine() {
    python=$(find_python)
    lacks="" packages=""
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=$(venv_package)
        lacks="venv of $python" packages="$package"
    fi
    # gpg and gpg-agent are enough to make keys and to sign; dirmngr and the rest are not needed.
    if ! command -v gpg >/dev/null || ! command -v gpg-agent >/dev/null; then
        lacks="${lacks:+$lacks, }gpg with gpg-agent" packages="${packages:+$packages }gpg gpg-agent"
    fi
    [ -z "$packages" ] || apt_install "$lacks" "$packages"

    for more; do
        case $more in
            nginx) nginx_machine ;;
            cargo) cargo_machine ;;
            lint) cargo_lint_machine ;;
            *) die "no such part of a machine: $more" ;;
        esac
    done
}

# A package of nginx starts a server on port 80: not on anybody's machine without being asked.
nginx_machine() {
    if PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then
        return
    elif [ -n "${CI:-}" ]; then
        (apt_install nginx nginx-light) || say "NOTE: without nginx its tests are SKIPPED"
    else
        say "NOTE: nginx is not installed, its tests are SKIPPED (sudo apt-get install nginx-light)"
    fi
}

# The first cargo that is new enough for native/; nothing where there is none.
find_cargo() {
    for candidate in cargo "${HOME:-}/.cargo/bin/cargo"; do
        # shellcheck disable=SC2046  # "cargo 1.85.0 (…)"
        set -- $("$candidate" --version 2>/dev/null || :)
        case ${2:-} in
            1.?.* | 1.[1-7]?.* | 1.8[0-4].* | "") ;;
            *) command -v "$candidate"; return ;;
        esac
    done
}

# Debian 12 has a new Rust under other names, beside its old one.
rust_packages() {
    case $(cat "${OS_RELEASE:-/etc/os-release}" 2>/dev/null) in
        *VERSION_CODENAME=bookworm*) echo "$1" ;;
        *) echo "$2" ;;
    esac
}

cargo_machine() {
    [ -z "$(find_cargo)" ] || return 0
    (apt_install "cargo 1.85 or newer" "$(rust_packages "cargo-web rustc-web" "cargo rustc")") || :
    [ -n "$(find_cargo)" ] ||
        say "NOTE: without cargo 1.85 or newer native/ is LEFT OUT, with loaders (rustup.rs has one)"
}

cargo_lint_machine() {
    cargo=$(find_cargo)
    if [ -z "$cargo" ] || { "$cargo" fmt --version && "$cargo" clippy --version; } >/dev/null 2>&1; then
        return
    fi
    (apt_install "rustfmt and clippy" "$(rust_packages "rustfmt-web rust-web-clippy" "rustfmt rust-clippy")") ||
        say "NOTE: without rustfmt and clippy native/ is NOT LINTED (rustup component add rustfmt clippy)"
}

# What is missing was said when the machine was looked at.
cargo_run() {
    cargo=$(find_cargo)
    [ -n "$cargo" ] || return 0
    case $1 in fmt | clippy | fuzz) "$cargo" "$1" --version >/dev/null 2>&1 || return 0 ;; esac
    cd native
    exec "$cargo" "$@"
}

# As the wheel is built, and into the same folder: who has one compiles nothing for the other.
loader_program() {
    cargo=$(find_cargo)
    [ -n "$cargo" ] || return 0
    python=$(find_python)
    static=$("$python" -c 'import tomllib
print(*tomllib.load(open("native/verify/pyproject.toml", "rb"))["tool"]["maturin"]["rustc-args"])')
    quiet=--quiet
    if [ ! -e native/target/release/sig-verify ]; then
        say "building native/target/release/sig-verify, once: this takes some minutes"
        [ ! -t 2 ] || quiet=
    fi
    # shellcheck disable=SC2086  # one word or none; words of rustc
    (cd native && CARGO_TARGET_DIR=target "$cargo" rustc $quiet --locked --release \
        --package sig-verify --bin sig-verify -- $static) ||
        die "native/ could not be built" "hint: is the network up, and is there a C compiler to link with?"
}

wheels_for_others() {
    say "building the wheel of signet-sig"
    .venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$1" .
    cargo=$(find_cargo)
    [ -n "$cargo" ] || { say "NOTE: without cargo 1.85 or newer NO WHEEL of signet-sig-loader"; return; }
    loader_program
    say "building the wheel of signet-sig-loader"
    PATH=$(dirname "$cargo"):$PATH CARGO_TARGET_DIR=$PWD/native/target \
        .venv/bin/maturin build --manifest-path native/verify/Cargo.toml --out "$1"
}

environment() {
    python=$(find_python)
    # An environment's scripts hold its path, and its packages belong to one version of Python: of
    # its own, unless $PYTHON asks for another.
    wanted="Python $(version_of "${PYTHON:-.venv/bin/python}") in $PWD"
    if [ "$(cat .venv/made-for 2>/dev/null)" != "$wanted" ]; then
        say "making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv
        echo "Python $(version_of .venv/bin/python) in $PWD" >.venv/made-for
    fi
    done=.venv/for-${*:-use}
    state=$(cat pyproject.toml tools/setup.sh tools/requirements.py | cksum)
    [ "$(cat "$done" 2>/dev/null)" != "$state" ] || return 0

    # The groups are read from pyproject.toml here: only pip 25.1 and newer know --group.
    .venv/bin/python tools/requirements.py "$@" >.venv/requirements.txt
    say "installing sig${1:+, and what is needed for: $*}"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --editable . ${1:+--requirement .venv/requirements.txt} ||
        die "pip could not install the packages" "hint: is the network up? (pip config list)"
    echo "$state" >"$done"
}

case ${1:-} in
    machine) shift; machine "$@" ;;
    venv) shift; environment "$@" ;;
    cargo) shift; cargo_run "$@" ;;
    loader) loader_program ;;
    dist) wheels_for_others "$2" ;;
    *) die "usage: tools/setup.sh machine [nginx] [cargo] [lint] | venv [GROUP ...] | cargo WORD ... |" \
        "       loader | dist FOLDER" ;;
esac
