"""How a remote is followed: its pinned key, what makes requests conditional, its last fetch.

Whether the key counts is not decided here: a remote's own key grants nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import FormatError, StoreError
from sig.model import instant, strict
from sig.model.fingerprint import Fingerprint

if TYPE_CHECKING:
    from sig.repo.transport import Validators

REPOSITORY = "repo.json"
ROOT = "signet.json"
CERTIFICATE = "key.asc"


class Following(NamedTuple):
    """`remotes/NAME/state`.

    `key` is the key pinned on first use; None before the first fetch. `validators` belong to `url`
    only. Times are seconds since 1970: `fetched` of the last good fetch, `expires` the repository's
    own, `behind_since` when an older state than the remembered one was first served.
    """

    url: str
    key: Fingerprint | None = None
    fetched: int | None = None
    expires: int | None = None
    sequence: int | None = None
    behind_since: int | None = None
    validators: Mapping[str, Validators] = MappingProxyType({})


def read(raw: bytes | None, url: str) -> Following:
    """The file's meaning. A remote that moved to another `url` keeps its pin, no validators."""
    from sig.repo.transport import Validators

    if raw is None:
        return Following(url)
    try:
        value = strict.read(raw)
        validators = {
            name: Validators(etag=item["etag"], last_modified=item["last-modified"])
            for name, item in value["validators"].items()
        }
        return Following(
            url=url,
            key=None if value["key"] is None else Fingerprint(value["key"]),
            fetched=_instant(value["fetched"]),
            expires=_instant(value["expires"]),
            sequence=value["sequence"],
            behind_since=_instant(value["behind-since"]),
            validators=validators if value["url"] == url else {},
        )
    except (FormatError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError("the state of a remote is damaged", hint="sig doctor") from error


def expires(raw: bytes | None) -> int | None:
    """When the state of a remote ends, by the same file, without what only a fetch needs."""
    if raw is None:
        return None
    try:
        return _instant(strict.read(raw)["expires"])
    except (FormatError, KeyError, TypeError, ValueError) as error:
        raise StoreError("the state of a remote is damaged", hint="sig doctor") from error


def write(following: Following) -> bytes:
    """The text of the file."""
    value = {
        "url": following.url,
        "key": following.key,
        "fetched": _written(following.fetched),
        "expires": _written(following.expires),
        "behind-since": _written(following.behind_since),
        "sequence": following.sequence,
        "validators": {
            name: {"etag": item.etag, "last-modified": item.last_modified}
            for name, item in following.validators.items()
        },
    }
    return json.dumps(value, sort_keys=True).encode("ascii") + b"\n"


def _instant(value: object) -> int | None:
    return None if value is None else instant.parse(str(value))


def _written(seconds: int | None) -> str | None:
    return None if seconds is None else instant.write(seconds)
