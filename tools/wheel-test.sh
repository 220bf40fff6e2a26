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
# Attacks on a run are those of the checkout: its rooms in the wheel are the same files.
python -m pytest -q tests/cli --ignore=tests/cli/test_run_attacked.py \
    --ignore=tests/cli/test_run_django.py --ignore=tests/cli/test_run_environment.py \
    --ignore=tests/cli/test_run_native.py
