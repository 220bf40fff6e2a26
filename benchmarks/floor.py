"""Verify every statement below a folder with pysequoia and nothing else: the least it can cost.

python benchmarks/floor.py FOLDER START STEP      every STEP-th repository, from START on
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pysequoia


def main() -> None:
    root, start, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for folder in sorted(root.iterdir())[start::step]:
        certificate = pysequoia.Cert.from_bytes((folder / "key.asc").read_bytes())
        document = json.loads((folder / "repo.json").read_bytes())
        for listed in document["data"]["attestations"].values():
            for one in listed:
                said = pysequoia.verify(
                    bytes=json.dumps(one["data"], sort_keys=True).encode(),
                    store=lambda ids, known=certificate: [known],
                    signature=pysequoia.Sig.from_bytes(base64.b64decode(one["sig"])),
                )
                assert said.valid_sigs


main()
