"""Bytes <-> nouns: envelopes, statements and the configuration (docs/spec/envelope, statement).

The text is read by `strict` (W1–W5), a repository by `stream`. Here, before anything is believed:

W6  An envelope is `data`, `key`, `sig`, on a statement perhaps `tst`, and nothing else.
W7  A document is what its one reserved name says, and nothing else is asked for.

What breaks W1–W5 is refused whole. A statement that breaks another rule is `Malformed` by itself.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from sig.errors import FormatError
from sig.model import instant, limits, strict
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.configuration import Configuration, Remote, remote_name
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import (
    Identifier,
    filed_by_app,
    filed_by_manifest,
    filed_by_scope,
)
from sig.model.statement import Statement

VERSION = "0.0.1"
RESERVED = frozenset({"id", "attestations", "trust", "type"})
_APP = re.compile(r"app:[A-Za-z0-9._-]{1,64}")

# --- the writer --------------------------------------------------------------------------------


def envelope(key: str, signed: bytes, sig: bytes, tst: str | None = None) -> bytes:
    """The canonical text of an envelope, made around the signed bytes as they are."""
    end = b"}" if tst is None else b', "tst": ' + strict.encode(tst).encode("ascii") + b"}"
    packet = binascii.b2a_base64(sig, newline=False)
    return b'{"data": %s, "key": "%s", "sig": "%s"%s' % (signed, key.encode("ascii"), packet, end)


def claimed_key(text: bytes) -> str:
    """Whose statement the canonical text of an envelope claims to be, without reading it.

    What stands behind the key is base64 and texts, in which a quote is written with a backslash.
    """
    at = text.rfind(b'"key": "')
    return "" if at < 0 else text[at + 8 : text.find(b'"', at + 8)].decode("ascii")


# --- envelopes -----------------------------------------------------------------------------------


def packed(text: Any, limit: int, what: str) -> bytes:
    """The bytes of canonical base64. Raises FormatError."""
    if type(text) is not str or len(text) > limit * 4 // 3 + 4:
        raise FormatError(f"{what} is not base64 of at most {limit} bytes")
    try:
        found = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        # What a version of Python refuses here, another decodes to something else.
        raise FormatError(f"{what} is not canonical base64") from error
    if len(found) > limit:
        raise FormatError(f"{what} is not base64 of at most {limit} bytes")
    # Unused bits could be set: only what encodes back to itself is one text for one signature.
    if binascii.b2a_base64(found, newline=False).decode("ascii") != text:
        raise FormatError(f"{what} is not canonical base64")
    return found


def parts(value: Any, *, timestamps: bool) -> tuple[dict[str, Any], Fingerprint, bytes, Any]:
    """Take an envelope apart (W6). The caller decides what its data must be."""
    if type(value) is not dict:
        raise FormatError("not an envelope")
    names = value.keys() - {"tst"} if timestamps else value.keys()
    if names != {"data", "key", "sig"}:
        raise FormatError("an envelope has data, key and sig, and nothing else")
    if type(value["data"]) is not dict:
        raise FormatError("the data of an envelope is not an object")
    try:
        key = Fingerprint(value["key"])
    except (TypeError, ValueError) as error:
        raise FormatError("the key is not a full fingerprint in upper-case hex") from error
    tst = value.get("tst")
    if tst is not None or "tst" in value:
        packed(tst, limits.TIMESTAMP, "the time stamp")
    return value["data"], key, packed(value["sig"], limits.SIGNATURE, "the signature"), tst


def only(data: Mapping[str, Any], wanted: str) -> None:
    """W7: a signature under one kind of document must never pass for another kind."""
    kinds = sorted(RESERVED & data.keys())
    if kinds != [wanted]:
        if type(data.get("type")) is str:  # the newer kinds say here which they are
            kinds[-1] = f"type {data['type'][:64]!r}"
        raise FormatError(
            f"not a document with {wanted}" + (f" but {', '.join(kinds)}" * bool(kinds))
        )


def version(data: Mapping[str, Any], what: str) -> None:
    """Raises FormatError, which names it, for a version that this program does not know."""
    said = data.get("version")
    if said != VERSION:
        named = f": {said[:64]!r}" if type(said) is str else ""
        raise FormatError(f"{what} of another version than {VERSION}{named}")


# --- statements ----------------------------------------------------------------------------------


def _string_list(value: Any, what: str) -> tuple[str, ...]:
    if type(value) is not list or any(type(item) is not str for item in value):
        raise FormatError(f"{what} is not a list of texts")
    return tuple(value)


def _file_id(value: Any, what: str) -> Identifier:
    try:
        found = Identifier(value)
    except (TypeError, ValueError, AttributeError):
        found = None
    if found is None or not found.names_bytes:
        raise FormatError(f"{what} is not sha256: and 64 hex digits")
    return found


def _method(value: Any) -> str:
    kind, _, name = value.partition(":") if type(value) is str else ("", "", "")
    if value != "human" and (kind not in {"tool", "model"} or not name):
        raise FormatError("method is not human, tool:NAME or model:NAME")
    return str(value)


def _comment(value: Any) -> str:
    if type(value) is not str or len(value.encode()) > limits.COMMENT:
        raise FormatError("comment is not a text of at most 64 KiB")
    return value


def expiry(value: Any) -> int:
    try:
        return instant.parse(value)
    except (TypeError, ValueError) as error:
        raise FormatError("expires is not an instant like 2026-01-31T23:59:59Z") from error


def _alias_list(value: Any) -> tuple[str, ...]:
    for alias in _string_list(value, "aliases"):
        scheme, _, digits = alias.partition(":")
        if not scheme or not digits or digits.strip("0123456789abcdef"):
            raise FormatError("an alias is not SCHEME:HEX")
    return tuple(value)


def _check_unused(data: Mapping[str, Any]) -> None:
    """Fields that this program keeps and does not weigh; their form is checked all the same."""
    if "name" in data and type(data["name"]) is not str:
        raise FormatError("name is not a text")
    if "size" in data and (type(data["size"]) is not int or data["size"] < 0):
        raise FormatError("size is not a length in bytes")
    if "exclude" in data and "manifest" not in data:
        raise FormatError("exclude stands without manifest")
    if "evidence" in data:
        listed = data["evidence"]
        if type(listed) is not list:
            raise FormatError("evidence is not a list")
        for item in listed:
            if type(item) is not dict or not {"id"} <= item.keys() <= {"id", "url"}:
                raise FormatError("evidence is not a list of id and url")
            if any(type(part) is not str for part in item.values()):
                raise FormatError("evidence is not a list of id and url")


_OPTIONAL: dict[str, Callable[[Any], Any]] = {
    "comment": _comment,
    "method": _method,
    "base": lambda value: _file_id(value, "base"),
    "scope": lambda value: _string_list(value, "scope"),
    "criteria": lambda value: _string_list(value, "criteria"),
    "aliases": _alias_list,
    "needs": lambda value: _string_list(value, "needs"),
    "manifest": lambda value: _file_id(value, "manifest"),
    "exclude": lambda value: _string_list(value, "exclude"),
    "expires": expiry,
}


def statement(data: Mapping[str, Any]) -> Statement:
    """The statement that signed data makes. Raises FormatError.

    With a sound id and `ok` false a statement that is not withdrawn is negative whatever else is
    odd in it: it is made all the same, with `odd` set (docs/spec/statement §3).
    """
    only(data, "id")
    try:
        identifier = Identifier(data["id"])
    except (TypeError, ValueError, AttributeError) as error:
        raise FormatError("the id is not sha256: and 64 lower-case hex digits") from error
    negative = data.get("ok") is False and data.get("withdrawn") is not True
    odd: str | None = None
    fields: dict[str, Any] = {}
    for name, parse in _OPTIONAL.items():
        if name in data:
            try:
                fields[name] = parse(data[name])
            except FormatError as error:
                if not negative:
                    raise
                odd = error.message
    try:
        _check_statement(data, fields)
    except FormatError as error:
        if not negative:
            raise
        odd = error.message
    return Statement(
        id=identifier,
        ok=data.get("ok") is True,
        reviewed=data.get("reviewed") is True,
        withdrawn=data.get("withdrawn") is True,
        data=data,
        odd=odd,
        **fields,
    )


def _check_statement(data: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name in ("ok", "reviewed"):
        if type(data.get(name)) is not bool:
            raise FormatError(f"{name} is missing or not true or false")
    if "withdrawn" in data:
        if type(data["withdrawn"]) is not bool:
            raise FormatError("withdrawn is not true or false")
        if data["withdrawn"] and data["ok"]:
            raise FormatError("withdrawn and ok at once")
    # A reader of 2016 would take these for a full review (docs/spec/statement §2).
    partial = "base" in data or "scope" in data or data.get("withdrawn") is True
    if data["reviewed"] and (partial or fields.get("method", "human") != "human"):
        raise FormatError("reviewed beside base, scope, withdrawn or another method")
    _check_unused(data)


def attestation(value: Any, *, depth_checked: bool = False) -> UnverifiedAttestation:
    """One statement in its envelope, read and not yet verified. Raises FormatError."""
    data, key, sig, tst = parts(value, timestamps=True)
    if not depth_checked:
        try:
            strict.check_depth(data, limits.STATEMENT_DEPTH - 1)
        except FormatError as error:
            raise FormatError("the statement is nested too deeply") from error
    signed = strict.canonical(data)
    if len(signed) > limits.STATEMENT:
        raise FormatError("the statement is larger than 1 MiB")
    return UnverifiedAttestation(statement(data), key, signed, sig, tst)


def also_filed(key: str, said: Statement) -> list[str]:
    """Where the index files a statement besides its id, so that it is found by what it names."""
    found = []
    if said.manifest is not None and said.manifest != said.id:
        # A folder has the id of its manifest, and an archive that of its own bytes.
        found.append(filed_by_manifest(said.manifest))
    if said.negative and said.scope:
        found.append(filed_by_scope(key))
    found += [
        filed_by_app(word.removeprefix("app:"), key)
        for word in said.criteria
        if _APP.fullmatch(word)
    ]
    return found


def filed_attestation(
    id: str, value: Any, *, depth_checked: bool = False
) -> UnverifiedAttestation | Malformed:
    """A statement as a repository files it. What breaks a rule by itself is named, not raised.

    A statement filed under another identifier than its own says nothing there: the program of
    2016 believed such a one. The index files it in other places as well (`also_filed`).
    """
    try:
        found = attestation(value, depth_checked=depth_checked)
        if found.statement.id != id and id not in also_filed(found.key, found.statement):
            raise FormatError("it is about another file than it is filed under")
        return found
    except FormatError as error:
        key = value.get("key") if type(value) is dict else None
        # Whoever wrote it may have put anything there; a fingerprint has at most 64 digits.
        return Malformed(id, key[:64] if type(key) is str else None, error.message)


def read_attestation(raw: bytes) -> UnverifiedAttestation:
    """One statement in its envelope, from bytes. Raises FormatError."""
    return attestation(strict.read(raw))


def sequence(value: Any, what: str = "sequence") -> int:
    """The number of a publish or of a configuration. Raises FormatError."""
    if type(value) is not int or value < 1:
        raise FormatError(f"{what} is not a number from 1 on")
    return value


def digest(value: Any, what: str) -> str:
    """The digest of a document, or the name of an object. Raises FormatError."""
    if type(value) is not str or len(value) != 64 or value.strip("0123456789abcdef"):
        raise FormatError(f"{what} is not a digest of 64 hex digits")
    return value


def previous(value: Any, sequence: int | None) -> dict[int, str]:
    """The digests of earlier states by their sequence. Raises FormatError."""
    if type(value) is not dict or sequence is None:
        raise FormatError("previous is not a map, or stands without sequence")
    found: dict[int, str] = {}
    for name, item in value.items():
        if not name.isdigit() or len(name) > 16 or name[0] == "0" or int(name) >= sequence:
            raise FormatError("previous names a state that is not an earlier one")
        found[int(name)] = digest(item, "previous")
    return found


# --- the configuration ---------------------------------------------------------------------------


def configuration(raw: bytes) -> tuple[Configuration, bytes, bytes | None]:
    """`config`, its signed bytes and its signature (None where the folder has no own key).

    Raises FormatError. The signature is not verified here.
    """
    value = strict.read(raw, config=True)
    if type(value) is dict and value.keys() == {"data"}:
        data, key, sig = value["data"], None, None
        if type(data) is not dict:
            raise FormatError("the data of an envelope is not an object")
    else:
        data, key, sig, _ = parts(value, timestamps=False)
    only(data, "trust")
    version(data, "a configuration")
    spelled(data, _CONFIGURATION_FIELDS)
    for name in ("trust", "policy", "remotes", "publish"):
        if type(data.get(name, {})) is not dict:
            raise FormatError(f"{name} is not an object")
    for name in ("target", "url"):
        if type(data.get("publish", {}).get(name, "")) is not str:
            raise FormatError(f"publish.{name} is not a text")
    try:
        trusted = frozenset(
            Fingerprint(name) for name, believed in data["trust"].items() if believed is True
        )
    except ValueError as error:
        raise FormatError("trust names a key that is not a full fingerprint") from error
    found = Configuration(
        key=key,
        sequence=sequence(data["sequence"]) if "sequence" in data else None,
        trust=trusted,
        policy=data.get("policy", {}),
        remotes=tuple(_remote(name, item) for name, item in data.get("remotes", {}).items()),
        publish=data.get("publish", {}),
        data=data,
    )
    return found, strict.canonical(data), sig


def spelled(data: Mapping[str, Any], fields: frozenset[str]) -> None:
    """A field of ours in other letters is no unknown one: beside ours it would stand twice."""
    for name in data:
        if name not in fields and strict.fold(name) in fields:
            raise FormatError(f"{name} is written {strict.fold(name)}")


_CONFIGURATION_FIELDS = frozenset(
    {"trust", "policy", "remotes", "publish", "sequence", "version", "repo_dir", "secret_keyring"}
)
_REMOTE_FIELDS = frozenset({"url", "key"})


def _remote(name: str, value: Any) -> Remote:
    try:
        remote_name(name)
        if type(value) is not dict or type(value.get("url")) is not str:
            raise ValueError("no url")
        spelled(value, _REMOTE_FIELDS)
        key = value.get("key")
        return Remote(name, value["url"], None if key is None else Fingerprint(key))
    except (TypeError, ValueError) as error:
        raise FormatError(f"the remote {name[:64]!r} cannot be read: {error}") from error


def configuration_data(configuration: Configuration) -> bytes:
    """The signed bytes of a configuration. Fields that this program does not know are kept.

    `repo_dir` and `secret_keyring` are written for the program of 2016, which wants them.
    """
    data = dict(configuration.data)
    old = data.get("remotes", {})
    data["trust"] = {key: True for key in configuration.trust}
    data["policy"] = dict(configuration.policy)
    data["remotes"] = {
        remote.name: {
            **{name: item for name, item in old.get(remote.name, {}).items() if name != "key"},
            "url": remote.url,
            **({} if remote.key is None else {"key": remote.key}),
        }
        for remote in configuration.remotes
    }
    if configuration.publish:
        data["publish"] = dict(configuration.publish)
    else:
        data.pop("publish", None)
    if configuration.sequence is not None:
        data["sequence"] = configuration.sequence
    data.setdefault("repo_dir", "repo/")
    data.setdefault("secret_keyring", None)
    data["version"] = VERSION
    return strict.canonical(data)


def unsigned(signed: bytes) -> bytes:
    """The text of a configuration that no key signs."""
    return b'{"data": ' + signed + b"}"
