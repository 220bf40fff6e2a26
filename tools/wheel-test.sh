#!/bin/sh
# Build the wheels, install them in a fresh environment, and run the tests of the command and of
# loaders against them from a folder that has everything but sig/: what is tested is what others will
# install.
set -eu
cd "$(dirname "$0")/.."

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

tools/setup.sh dist "$room/wheel"
.venv/bin/python tools/requirements.py test >"$room/requirements.txt"
.venv/bin/python -m venv "$room/venv"
# The extra takes the one that lies beside: it is of the version that the extra wants.
set -- "$room"/wheel/signet_sig-*.whl "$room"/wheel/signet_sig_loader-*.whl
loader=
if [ -e "$2" ]; then
    loader=1
    set -- "$1[loader]" "$2"
else
    set -- "$1"
fi
"$room/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "$@" --requirement "$room/requirements.txt"

mkdir "$room/away"
git ls-files -z --cached --others --exclude-standard -- . ':!sig' |
    tar --create --null --ignore-failed-read --files-from - | tar --extract --directory "$room/away"
cd "$room/away"

PATH=$room/venv/bin:$PATH:/usr/sbin:/sbin
unset PYTHONPATH VIRTUAL_ENV
python - <<'PYTHON'
import importlib.metadata
import importlib.resources
import sys

import sig

assert sig.__file__.startswith(sys.prefix), sig.__file__
assert importlib.resources.files("sig").joinpath("py.typed").is_file()
strangers = {
    str(file).split("/")[0]
    for file in importlib.metadata.files("signet-sig")
    if not str(file).startswith(("sig/", "signet_sig-", "../"))
}
assert not strangers, f"the wheel installs more than sig: {strangers}"
PYTHON
echo "testing $(sig --version), installed from the wheel" >&2
sig --help >/dev/null
SIG_DIR=$room/folder sig verify README.md >/dev/null && exit 1 || [ $? = 1 ]  # unknown: 1
[ ! -e "$room/folder" ]
if [ -n "$loader" ]; then
    echo "testing loaders of $(sig-verify --version), installed from its wheel" >&2
    python - <<'PYTHON'
import importlib.metadata
import pathlib
import sys

(program,) = (
    file.locate().resolve()
    for file in importlib.metadata.files("signet-sig-loader")
    if ".dist-info/" not in str(file)
)
assert program == pathlib.Path(sys.prefix, "bin/sig-verify").resolve(), program
(tag,) = {
    line.rpartition("-")[0]
    for line in importlib.metadata.distribution("signet-sig-loader").read_text("WHEEL").splitlines()
    if line.startswith("Tag: ")
}
assert tag == "Tag: py3-none", tag
PYTHON
else
    echo "NOTE: there is no wheel of signet-sig-loader here: its tests are SKIPPED" >&2
fi
# A run under a lock is one file of tests here: its attacks are those of the checkout, and its rooms
# in the wheel are the same files.
set --
for file in tests/cli/test_run_*.py tests/cli/test_other_python.py tests/cli/test_packs.py; do
    set -- "$@" "--ignore=$file"
done
# Of a loader: what it is, and what it refuses.
[ -z "$loader" ] || set -- "$@" tests/loader/test_wheel.py tests/loader/test_hello.py
python -m pytest -q -n auto --maxprocesses 4 --dist worksteal tests/cli "$@"
