#!/bin/sh
# Build the wheel, install it in a fresh environment, and run the tests of the command against it
# from a folder that has everything but sig/: what is tested is what others will install.
set -eu
cd "$(dirname "$0")/.."

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

echo "building the wheel" >&2
.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$room/wheel" .
.venv/bin/python tools/requirements.py test >"$room/requirements.txt"
.venv/bin/python -m venv "$room/venv"
"$room/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "$room"/wheel/*.whl --requirement "$room/requirements.txt"

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
# A run under a lock is one file of tests here: its attacks are those of the checkout, and its rooms
# in the wheel are the same files.
set --
for file in tests/cli/test_run_*.py tests/cli/test_other_python.py tests/cli/test_packs.py; do
    set -- "$@" "--ignore=$file"
done
python -m pytest -q -n auto --maxprocesses 4 --dist worksteal tests/cli "$@"
