"""Makes vectors/places/places.json: where a file of a wheel lies once it is installed.

    python vectors/make_places.py

What is expected is written here by hand, from what pip does; nothing of `sig` is imported. The
format of the file stands in vectors/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "places"
PREFIX = "/env"
BASE = "/env/lib/python3.11/site-packages"
NOWHERE = None

# path in the manifest, where it lies (+ below the base, = below the prefix), comment
CASES: list[tuple[str, str | None, str]] = [
    ("x/__init__.py", "+x/__init__.py", "an ordinary file"),
    ("x.py", "+x.py", ""),
    ("x.cpython-311-x86_64-linux-gnu.so", "+x.cpython-311-x86_64-linux-gnu.so", ""),
    ("x.libs/liby-0a1b.so.1", "+x.libs/liby-0a1b.so.1", "a library that auditwheel put in"),
    ("x.pth", "+x.pth", "a file like others: nobody obeys it"),
    ("x/y.pyc", "+x/y.pyc", "bytecode that the wheel brought along; no module"),
    ("x/data", "+x/data", "a folder that is called data"),
    ("x/y.data/purelib/z.py", "+x/y.data/purelib/z.py", "only at the top"),
    ("y.data", "+y.data", "a file that is called like it"),
    ("y.DATA/purelib/z.py", "+y.DATA/purelib/z.py", "case counts"),
    ("y.data.py", "+y.data.py", ""),
    ("purelib/z.py", "+purelib/z.py", ""),
    # what is mapped
    ("x-1.0.data/purelib/x/__init__.py", "+x/__init__.py", "mapped into the site folder"),
    ("x-1.0.data/platlib/x/y.so", "+x/y.so", "mapped into the site folder"),
    ("x-1.0.data/purelib/z.py", "+z.py", ""),
    ("x-1.0.data/data/share/man/x.1", "=share/man/x.1", "below the prefix"),
    ("x-1.0.data/data/etc/x.conf", "=etc/x.conf", ""),
    ("x-1.0.data/data/bin/x", "=bin/x", "data, whatever the folder is called"),
    (
        "x-1.0.data/data/lib/python3.11/site-packages/x.txt",
        "=lib/python3.11/site-packages/x.txt",
        "below the prefix may be in the site folder",
    ),
    ("X_y-1.data/purelib/z.py", "+z.py", "of any spelling: pip asks for the ending only"),
    (".data/purelib/z.py", "+z.py", ""),
    ("x-1.0.data/purelib/y.data/purelib/z.py", "+y.data/purelib/z.py", "once, not twice"),
    ("x-1.0.data/purelib/data/z", "+data/z", ""),
    # what is the installer's, or nobody's
    ("x-1.0.data/scripts/x", NOWHERE, "a program: its first line is the installer's"),
    ("x-1.0.data/headers/x.h", NOWHERE, ""),
    ("x-1.0.data/other/x", NOWHERE, "no scheme"),
    ("x-1.0.data/Purelib/x", NOWHERE, "no scheme"),
    ("x-1.0.data/x", NOWHERE, "no scheme"),
    ("x-1.0.data/purelib", NOWHERE, "a file in place of a scheme"),
    ("x-1.0.data/data", NOWHERE, "a file in place of a scheme"),
    ("x-1.0.dist-info/METADATA", "+x-1.0.dist-info/METADATA", ""),
    ("x-1.0.dist-info/entry_points.txt", "+x-1.0.dist-info/entry_points.txt", ""),
    ("x-1.0.dist-info/WHEEL", "+x-1.0.dist-info/WHEEL", ""),
    ("x-1.0.dist-info/licenses/LICENSE", "+x-1.0.dist-info/licenses/LICENSE", ""),
    ("x-1.0.dist-info/RECORD", NOWHERE, "the installer writes its own"),
    ("x-1.0.dist-info/RECORD.jws", NOWHERE, ""),
    ("x-1.0.dist-info/RECORD.p7s", NOWHERE, ""),
    ("x-1.0.dist-info/INSTALLER", NOWHERE, ""),
    ("x-1.0.dist-info/REQUESTED", NOWHERE, ""),
    ("x-1.0.dist-info/direct_url.json", NOWHERE, ""),
    ("x-1.0.dist-info/uv_build.json", NOWHERE, "uv's own, of what it built and of a file by its path"),
    ("x-1.0.dist-info/uv_cache.json", NOWHERE, "the same"),
    ("x-1.0.dist-info/record", "+x-1.0.dist-info/record", "case counts"),
    ("x-1.0.dist-info/licenses/RECORD", "+x-1.0.dist-info/licenses/RECORD", "only directly in it"),
    (
        "x/_vendor/y-1.dist-info/RECORD",
        "+x/_vendor/y-1.dist-info/RECORD",
        "only at the top: setuptools has such ones",
    ),
    ("RECORD", "+RECORD", ""),
    ("x/__pycache__/y.cpython-311.pyc", NOWHERE, "anywhere"),
    ("__pycache__/y.cpython-311.pyc", NOWHERE, ""),
    ("x-1.0.data/purelib/x/__pycache__/y.cpython-311.pyc", NOWHERE, ""),
    ("x-1.0.data/data/share/__pycache__/y", NOWHERE, ""),
    ("x/__pycache__", NOWHERE, "a file of this name too"),
    ("x/__pycache__x/y", "+x/__pycache__x/y", ""),
]


def there(place: str | None, prefix: str) -> str | None:
    if place is None or (place[0] == "=" and not prefix):
        return None
    return f"{BASE if place[0] == '+' else prefix}/{place[1:]}"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made = [
        {
            "base": BASE,
            "comment": comment or ("without a prefix" if not prefix else ""),
            "data": there(place, prefix) is not None and place is not None and place[0] == "=",
            "path": path,
            "place": there(place, prefix),
            "prefix": prefix,
        }
        for prefix in (PREFIX, "")
        for path, place, comment in CASES
        if prefix or (place or "")[:1] == "="
    ]
    lines = ",\n".join(json.dumps(each, sort_keys=True) for each in made)
    (FOLDER / "places.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
