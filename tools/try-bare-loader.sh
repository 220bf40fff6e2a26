#!/bin/sh
# Try loaders on bare Debian roots, of the built wheels and with Debian's python3 alone, which comes
# without libpython. The roots are those of tools/try-bare.sh.
#
#   tools/try-bare-loader.sh [-s SUITE] [-u USER] [-w WHEELS] [FOLDER [WORD ...]]
#                                                              as root; needs debootstrap
#
#   -s SUITE    and FOLDER are those of tools/try-bare.sh
#   -u USER     who does 1 to 3: root (unless given), or sudo, who is an ordinary user
#   -w WHEELS   a folder with what "make dist" makes; it is made unless given
#   WORD        for pytest, in place of all tests of tests/loader
#
# 1  In one root signet-sig[loader] is installed from the wheels, and nothing else beside it: pytest
#    lies elsewhere. All tests run, not a share of them, with what is installed; a compiler is there
#    for what attacks.
# 2  Then those tests that need a Python which is not Debian's, with a build of this machine that has
#    its own libpython in its home; without one here they are left out, loudly.
# 3  There Alice publishes a program with a baked loader, in two releases.
# 4  In another root, with neither sig nor gpg, a stranger runs what she got, and what was swapped in
#    it meanwhile is refused. Each refusal is shown with what plain Python does.
set -eu
cd "$(dirname "$0")/.."

die() { echo "error: $1" >&2; exit 1; }

usage="usage: tools/try-bare-loader.sh [-s SUITE] [-u USER] [-w WHEELS] [FOLDER [WORD ...]]"

# --- in both roots -------------------------------------------------------------------------------

# expect STATUS SAID COMMAND...: so it ends and so it says, on standard output; stderr goes to ~/told.
expect() {
    status=0 wanted=$1 said=$2
    shift 2
    found=$("$@" 2>~/told) || status=$?
    [ "$status $found" = "$wanted $said" ] ||
        die "$*: $status, '$found', $(cat ~/told); not $wanted, '$said'"
    echo "$*: $status, '$found' $(head -n 1 ~/told)"
}

no_libpython() {
    set -- "$(find /usr /opt /srv "$HOME" -name 'libpython*.so*' ! -path "$HOME/given/*")"
    [ -z "$1" ] || die "this root is not without libpython: $1"
    ! ldd "$(realpath /usr/bin/python3)" | grep libpython || die "Debian's python3 needs libpython"
    echo "no libpython: $(/usr/bin/python3 --version), $(. /etc/os-release && echo "$PRETTY_NAME")"
}

# --- in the root with sig ------------------------------------------------------------------------

install_wheels() {
    tools/setup.sh machine
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get install --no-install-recommends -y -qq gcc libc6-dev procps strace >/dev/null
    set -- ~/given/wheels/signet_sig-*.whl ~/given/wheels/signet_sig_loader-*.whl
    python3 -m venv ~/product
    ~/product/bin/python -m pip install --quiet --disable-pip-version-check "$1[loader]" "$2"
    # That of Debian 12 installs nothing for a newer Python, which is what tests have it do.
    ~/product/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
    ~/product/bin/python -m pip freeze --exclude signet-sig --exclude signet-sig-loader >~/versions
    python3 tools/requirements.py test >~/requirements
    python3 -m venv ~/tested
    ~/tested/bin/python -m pip install --quiet --disable-pip-version-check \
        --requirement ~/requirements --constraint ~/versions
    rm -r sig  # what is tested is what was installed
    echo "installed: $(~/product/bin/sig --version), $(~/product/bin/sig-verify --version)"
}

# pytest finds what lies elsewhere by a variable, and nothing that tests start has it.
try_tests() {
    path=$(echo ~/tested/lib/python3*/site-packages)
    cat >"$path/without_path.py" <<'PYTHON'
import os


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        del os.environ["PYTHONPATH"]
PYTHON
    PATH=$HOME/product/bin:$PATH PYTHONPATH=$path ~/product/bin/python -m pytest -q -rs \
        -p without_path -n auto --maxprocesses 4 --dist worksteal "$@"
}

publish() {
    PATH=$HOME/product/bin:$PATH
    mkdir -m 700 ~/alice && cd ~/alice
    export GNUPGHOME="$PWD/gnupg" HOME="$PWD"
    mkdir -m 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-gen-key 'Alice <alice@example.org>' ed25519 sign 2>&1
    key=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ { print $10; exit }')
    sig setup --yes "$key"
    mkdir app && cd app
    printf 'import sys, words\nprint(words.SAID, *sys.argv[1:])\n' >hello.py
    for release in one two; do
        echo "SAID = '$release'" >words.py
        sig lock --python /usr/bin/python3 hello.py
        printf 'yes\nyes\n\n' | sig attest hello.lock
        number=$((${number:-0} + 1))
        sig loader build --python /usr/bin/python3 --baked --signer "$key" --release $number hello.py
        [ $number = 1 ] || sig loader update hello
        cp -r . "$1/$release"
    done

    echo "--- a loader that only warns"
    for policy in warn enforce; do
        sig loader build --python /usr/bin/python3 --policy $policy --name $policy hello.py
        expect 0 "two" ./$policy
    done
    echo "SAID = 'evil'" >words.py
    expect 0 "evil" python3 hello.py
    expect 111 "" ./enforce
    expect 0 "evil" ./warn
    grep -q "^SECURITY VIOLATION: '.*words.py' has been tampered with!" ~/told
    grep -q "^warning: run all the same: this loader only warns" ~/told
}

# --- in the root of a stranger -------------------------------------------------------------------

stranger() {
    cd && rm -rf sig
    for program in sig sig-verify gpg; do
        ! command -v $program || die "there is $program"
    done
    [ ! -e ~/.signet ] || die "there is a folder"
    no_libpython

    cp -r given/away/one given/away/two .
    echo "--- each of them runs, and nothing is written"
    expect 0 "one a" one/hello a
    expect 0 "one a" python3 one/hello.py a
    expect 0 "two a" two/hello a
    expect 0 "two -c print(1)" two/hello -c 'print(1)'
    expect 0 "two" env LD_PRELOAD=/nowhere PYTHONHOME=/nowhere PYTHONPATH=/nowhere SIG_DIR=/nowhere two/hello
    [ ! -e ~/.signet ] || die "a run made a folder"

    echo "--- another module, another script: 111"
    cp -r two other
    echo "SAID = 'evil'" >other/words.py
    expect 0 "evil" python3 other/hello.py
    expect 111 "" other/hello
    cp two/words.py other
    echo "print('evil')" >other/hello.py
    expect 0 "evil" python3 other/hello.py
    expect 111 "" other/hello

    echo "--- the files of the older release, without what was said of it, and with that: 111"
    rm -r other && cp -r two other
    cp one/hello.lock one/words.py other
    expect 0 "one" python3 other/hello.py
    expect 111 "" other/hello
    cp one/hello.sig other
    expect 0 "one" python3 other/hello.py
    expect 111 "" other/hello
    grep -q "it is release 1, and release 2 is known" told || die "for another reason: $(cat told)"

    echo "--- nothing beside it, or less than all: 111 or 114"
    rm -r other && cp -r two other && rm other/hello.sig
    expect 0 "two" python3 other/hello.py
    expect 114 "" other/hello
    head -c 200 two/hello.sig >other/hello.sig
    expect 114 "" other/hello
    cp two/hello.sig other
    expect 0 "two" other/hello
    echo "all as it should be"
}

there() {
    install_wheels
    no_libpython
    export SIG_TEST_CACHE="$HOME/given/sig-tests" PYTHONDONTWRITEBYTECODE=1
    ~/tested/bin/python tools/wheels.py
    failed=
    [ $# != 0 ] || set -- tests/loader -k test  # a word: all of them, not a share
    try_tests "$@" || failed=1
    if [ -e ~/given/pyenv ]; then
        echo "--- with a Python that has a libpython of its own"
        export PYENV_ROOT="$HOME/given/pyenv"
        export SIG_TEST_PYTHONS="$PYENV_ROOT/versions/*/bin/python3.*"
        ~/tested/bin/python tools/wheels.py
        try_tests tests/loader/test_other_python.py tests/loader/test_first_files.py \
            tests/loader/test_hosts.py -k test || failed=1
    fi
    mkdir ~/given/away
    publish ~/given/away
    [ -z "$failed" ] || die "tests failed"
}

case ${1:-} in
    --there) shift; there "$@"; exit ;;
    --stranger) stranger; exit ;;
esac

# --- here ----------------------------------------------------------------------------------------

suite='' user=root wheels=''
while getopts s:u:w: option; do
    case $option in
        s) suite=$OPTARG ;;
        u) user=$OPTARG ;;
        w) wheels=$(realpath "$OPTARG") ;;
        *) die "$usage" ;;
    esac
done
shift $((OPTIND - 1))

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
bare=${1:-$room/bare}
[ $# = 0 ] || shift
mkdir "$room/given"
if [ -n "$wheels" ]; then
    mkdir "$room/given/wheels"
    cp "$wheels"/*.whl "$room/given/wheels"
else
    tools/setup.sh machine cargo
    tools/setup.sh venv dist
    tools/setup.sh dist "$room/given/wheels"
fi
tools/setup.sh venv test
.venv/bin/python - "$room/given" <<'PYTHON'
import pathlib
import shutil
import sys

from tests import builds
from tests.imports.child import pythons
from tools import wheels

given = pathlib.Path(sys.argv[1])
(given / "sig-tests").mkdir()
if wheels.folder().exists():
    shutil.copytree(wheels.folder(), given / "sig-tests", dirs_exist_ok=True)
found = {one.path for one in pythons() if not one.path.startswith("/usr/bin/")}
if (other := wheels.other()) is not None:
    found.add(str(other.program))
for program in {pathlib.Path(one).resolve() for one in found}:
    builds.build(given / "pyenv/versions" / program.name, str(program))
if not found:
    print("NOTE: there is no Python here but the system's: ITS TESTS ARE LEFT OUT", file=sys.stderr)
PYTHON

# Nobody else of this machine comes past the folder that they are in.
chmod a+rwx "$room/given" "$room/given/sig-tests"
words=
for word; do words="$words '$word'"; done
set -- ${suite:+-s "$suite"} -g "$room/given"
failed=
tools/try-bare.sh "$@" -u "$user" "$bare" "tools/try-bare-loader.sh --there$words" || failed=1
rm -rf "$room/given/pyenv"
tools/try-bare.sh "$@" -u alone "$bare" "sh tools/try-bare-loader.sh --stranger"
[ -z "$failed" ] || die "see above"
