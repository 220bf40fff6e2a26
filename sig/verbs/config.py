"""Read and set what the owner of a folder decides."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from sig.errors import FormatError, UsageError
from sig.model import strict
from sig.model.configuration import Configuration
from sig.repo.transport import check_url
from sig.trust import policy as policies
from sig.verbs import configuring

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

KEYS = ("policy", "publish.target", "publish.url")


def read(workspace: Workspace) -> dict[str, Any]:
    """Every key that is set; `policy` is the folder's own, whatever this machine adds to it."""
    config = workspace.config
    found: dict[str, Any] = {
        "policy": dict(config.policy) or dict(policies.write(policies.Policy()))
    }
    for name in ("target", "url"):
        if name in config.publish:
            found[f"publish.{name}"] = config.publish[name]
    return found


def parse(key: str, text: str) -> Any:
    """The value that `text` means for `key`: JSON, or plain text where a text is wanted.

    Raises UsageError for what the key cannot be.
    """
    try:
        value = strict.read(text.encode("utf-8", "surrogatepass"))
    except FormatError as error:
        if key == "policy":
            raise UsageError(f"the policy is JSON like {json.dumps(_EXAMPLE)}") from error
        value = text
    if key == "policy":
        if type(value) is not dict:
            raise UsageError(f"the policy is JSON like {json.dumps(_EXAMPLE)}")
        try:
            policies.read(value)
        except FormatError as error:
            raise UsageError(f"the policy cannot be followed: {error.message}") from error
        return value
    if key not in KEYS:
        raise UsageError(f"{key} is none of {', '.join(KEYS)}")
    if type(value) is not str or not value:
        raise UsageError(f"{key} is a text")
    if key == "publish.url":
        return check_url(value)
    if "://" in value:
        raise UsageError(f"{value}: only a folder can be published to")
    return os.path.abspath(os.path.expanduser(value))


_EXAMPLE = {"ok": 1, "not-ok": 0}


def change(
    workspace: Workspace, key: str, value: Any, passphrase: str | None = None
) -> dict[str, Any]:
    """Set `key`, or with None go back to its default. Raises UsageError."""
    if key not in KEYS:
        raise UsageError(f"{key} is none of {', '.join(KEYS)}")

    def edit(before: Configuration) -> Configuration:
        if key == "policy":
            return before._replace(policy=dict(_EXAMPLE) if value is None else value)
        name = key.removeprefix("publish.")
        publish = {other: item for other, item in before.publish.items() if other != name}
        if value is not None:
            publish[name] = value
        return before._replace(publish=publish)

    configuring.change(workspace, edit, passphrase=passphrase)
    return read(workspace)
