#!/bin/sh
# Set-up of a checkout: what the machine lacks, then a virtual environment in .venv.
#
#   tools/setup.sh machine              python3, venv and gpg are there, or are installed, or are named
#   tools/setup.sh machine nginx        nginx too: installed in CI only, else a line about what is skipped
#   tools/setup.sh venv [GROUP ...]     .venv with sig (editable) and these dependency groups
#
# apt-get is used only where something is missing and only as root or with a sudo that does not ask.
# Where that is not possible the exact command is printed and nothing is changed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $1"; shift; for line in "$@"; do say "$line"; done; exit 1; }

# The first interpreter that is new enough; $PYTHON is taken at its word.
find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    found=$("${PYTHON:-python3}" --version 2>&1) || found="none was found"
    die "sig needs Python 3.11 or newer ($found)" \
        "hint: make PYTHON=/path/to/python3.11 (or newer)"
}

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
        die "$1 missing" "hint: install with this system's package manager: $2"
    fi
    if [ "$(id -u)" = 0 ]; then
        become=""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        become="sudo -n"
    else
        die "$1 missing, and this user may not install" \
            "Type this, then the same make command again:" \
            "    sudo apt-get update && sudo apt-get install --no-install-recommends -y $2"
    fi
    say "installing with apt-get: $2"
    # shellcheck disable=SC2086  # the words of both are meant to be split
    set -- $become env DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -y -q $2
    # The lists of a fresh machine are empty or old: then once more with new ones.
    # shellcheck disable=SC2086
    "$@" >/dev/null 2>&1 </dev/null || { $become apt-get update -q >&2 && "$@" >&2 </dev/null; } ||
        die "apt-get could not install" "hint: $*"
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

    # A package of nginx starts a server on port 80: not on anybody's machine without being asked.
    if [ "${1:-}" = nginx ] && ! PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then
        if [ -n "${CI:-}" ]; then
            (apt_install nginx nginx-light) || say "NOTE: without nginx its tests are SKIPPED"
        else
            say "NOTE: nginx is not installed, its tests are SKIPPED (sudo apt-get install nginx-light)"
        fi
    fi
}

environment() {
    python=$(find_python)
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv
    fi
    # The groups are read from pyproject.toml here: only pip 25.1 and newer know --group.
    .venv/bin/python tools/requirements.py "$@" >.venv/requirements.txt
    say "installing sig${1:+, and what is needed for: $*}"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --editable . ${1:+--requirement .venv/requirements.txt} ||
        die "pip could not install the packages" "hint: is the network up? (pip config list)"
}

case ${1:-} in
    machine) shift; machine "$@" ;;
    venv) shift; environment "$@" ;;
    *) die "usage: tools/setup.sh machine [nginx] | venv [GROUP ...]" ;;
esac
