"""Bytes <-> nouns: the only place that knows JSON (docs/spec/envelope, statement, repository).

Reading, before anything is believed:

W1  UTF-8 without a byte order mark, one value and nothing after it but white space.
W2  No two names of one object are equal, be it escaped or in other ASCII case; names are within
    U+0021–U+007E (`config` excepted).
W3  Numbers are ``0`` or ``-?[1-9][0-9]*`` within ±(2^53-1): no ``-0``, no fraction, no NaN.
W4  No U+0000 and no lone surrogate.
W5  At most 32 objects and lists within each other, 16 in the data of a statement.
W6  An envelope is `data`, `key`, `sig`, on a statement perhaps `tst`, and nothing else.
W7  A document is what its one reserved name says, and nothing else is asked for.

What breaks W1–W5 is refused whole. A statement that breaks another rule is `Malformed` by itself.

Writing gives the one form that is signed: ``json.dumps(data, sort_keys=True)``.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sig.errors import FormatError
from sig.model import instant, limits
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.configuration import Configuration, Remote, remote_name
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.statement import Statement

if TYPE_CHECKING:
    from sig.model.repository import UnverifiedRepository

VERSION = "0.0.1"
RESERVED = frozenset({"id", "attestations", "trust", "type"})
LARGEST_INTEGER = 2**53 - 1

_encode = json.JSONEncoder(sort_keys=True).encode


# --- the strict reader -------------------------------------------------------------------------


def _integer(text: str) -> int:
    if len(text) > 17 or text == "-0" or abs(int(text)) > LARGEST_INTEGER:
        raise FormatError(f"the number {text[:24]} is out of range")
    return int(text)


def _no_fraction(text: str) -> Any:
    raise FormatError(f"the number {text[:24]} is not whole")


def _fold(name: str) -> str:
    return name.lower() if name.isascii() else "".join(c.lower() if c < "\x80" else c for c in name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    for name in found:
        # Only U+0021–U+007E: a name that looks like another one must not pass for it.
        if not (name.isascii() and name.isprintable()) or " " in name:
            raise FormatError("a name has characters outside U+0021–U+007E")
    if len(found) != len(pairs) or len({name.lower() for name in found}) != len(pairs):
        raise FormatError("a name stands twice in one object")
    return found


def _object_of_config(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or len({_fold(name) for name in found}) != len(pairs):
        raise FormatError("a name stands twice in one object")
    return found


def _decoder(hook: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=hook,
        parse_int=_integer,
        parse_float=_no_fraction,
        parse_constant=_no_fraction,
    )


_strict = _decoder(_object)
_strict_config = _decoder(_object_of_config)


def _walk(value: Any, room: int, strings: bool) -> None:
    """Check W5 and, where the text has escapes that could hide them, W4."""
    if room < 0:
        raise FormatError("nested too deeply")
    if type(value) is dict:
        for name, item in value.items():
            if type(item) is dict or type(item) is list:
                _walk(item, room - 1, strings)
            elif strings and type(item) is str:
                _text(item)
            if strings:
                _text(name)
    elif type(value) is list:
        for item in value:
            if type(item) is dict or type(item) is list:
                _walk(item, room - 1, strings)
            elif strings and type(item) is str:
                _text(item)
    elif strings and type(value) is str:
        _text(value)


def _text(value: str) -> None:
    if "\0" in value:
        raise FormatError("a text has U+0000")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise FormatError("a text has a lone surrogate") from error


def read(raw: bytes, *, config: bool = False) -> Any:
    """The JSON value of a document, by rules W1–W5. Raises FormatError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
    if text.startswith("\ufeff"):
        raise FormatError("starts with a byte order mark")
    try:
        value = (_strict_config if config else _strict).decode(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise FormatError("nested too deeply") from error
    lowered = text.lower() if "\\u" in text else ""
    _walk(value, limits.DEPTH - 1, "\\u0000" in lowered or "\\ud" in lowered)
    return value


# --- the canonical writer ----------------------------------------------------------------------


def canonical(data: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: ``json.dumps(data, sort_keys=True)`` of Python 3."""
    return _encode(data).encode("ascii")


def digest(signed: bytes) -> str:
    """The digest of a document: sha256 of its signed bytes, 64 hex digits, never of the file."""
    return hashlib.sha256(signed).hexdigest()


def envelope(key: str, signed: bytes, sig: bytes, tst: str | None = None) -> bytes:
    """The canonical text of an envelope, made around the signed bytes as they are."""
    end = b"}" if tst is None else b', "tst": ' + _encode(tst).encode("ascii") + b"}"
    packet = binascii.b2a_base64(sig, newline=False)
    return b'{"data": %s, "key": "%s", "sig": "%s"%s' % (signed, key.encode("ascii"), packet, end)


def repository_data(
    attestations: Iterable[UnverifiedAttestation],
    *,
    sequence: int,
    previous: Mapping[int, str],
    expires: int | None = None,
) -> bytes:
    """The signed bytes of a repository (docs/spec/repository §2)."""
    filed: dict[str, list[bytes]] = {}
    for one in attestations:
        filed.setdefault(one.statement.id, []).append(
            envelope(one.key, one.signed, one.sig, one.tst)
        )
    listed = b", ".join(
        b"%s: [%s]" % (_encode(id).encode("ascii"), b", ".join(sorted(filed[id])))
        for id in sorted(filed)
    )
    # Text "expires" < "previous" < "sequence" < "version": the order of code points.
    optional = b"" if expires is None else b'"expires": "%s", ' % instant.write(expires).encode()
    earlier = _encode({str(at): value for at, value in previous.items()}).encode("ascii")
    return b'{"attestations": {%s}, %s"previous": %s, "sequence": %d, "version": "%s"}' % (
        listed,
        optional,
        earlier,
        sequence,
        VERSION.encode(),
    )


# --- envelopes -----------------------------------------------------------------------------------


def _base64(text: Any, limit: int, what: str) -> bytes:
    if type(text) is not str or len(text) > limit * 4 // 3 + 4:
        raise FormatError(f"{what} is not base64 of at most {limit} bytes")
    try:
        found = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise FormatError(f"{what} is not base64") from error
    if len(found) > limit:
        raise FormatError(f"{what} is not base64 of at most {limit} bytes")
    # Unused bits could be set: only what encodes back to itself is one text for one signature.
    if binascii.b2a_base64(found, newline=False).decode("ascii") != text:
        raise FormatError(f"{what} is not canonical base64")
    return found


def _envelope(value: Any, *, timestamps: bool) -> tuple[dict[str, Any], Fingerprint, bytes, Any]:
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
        _base64(tst, limits.TIMESTAMP, "the time stamp")
    return value["data"], key, _base64(value["sig"], limits.SIGNATURE, "the signature"), tst


def _only(data: Mapping[str, Any], wanted: str) -> None:
    """W7: a signature under one kind of document must never pass for another kind."""
    kinds = sorted(RESERVED & data.keys())
    if kinds != [wanted]:
        raise FormatError(
            f"not a document with {wanted}" + (f" but {', '.join(kinds)}" * bool(kinds))
        )


# --- statements ----------------------------------------------------------------------------------


def _string_list(value: Any, what: str) -> tuple[str, ...]:
    if type(value) is not list or any(type(item) is not str for item in value):
        raise FormatError(f"{what} is not a list of texts")
    return tuple(value)


def _file_id(value: Any, what: str) -> str:
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


def _expiry(value: Any) -> int:
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
    if "manifest" in data:
        _file_id(data["manifest"], "manifest")
    if "exclude" in data:
        if "manifest" not in data:
            raise FormatError("exclude stands without manifest")
        _string_list(data["exclude"], "exclude")
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
    "expires": _expiry,
}


def statement(data: Mapping[str, Any]) -> Statement:
    """The statement that signed data makes. Raises FormatError.

    With a sound id and `ok` false a statement that is not withdrawn is negative whatever else is
    odd in it: it is made all the same, with `odd` set (docs/spec/statement §3).
    """
    _only(data, "id")
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


def attestation(value: Any) -> UnverifiedAttestation:
    """One statement in its envelope, read and not yet verified. Raises FormatError."""
    data, key, sig, tst = _envelope(value, timestamps=True)
    try:
        _walk(data, limits.STATEMENT_DEPTH - 1, False)
    except FormatError as error:
        raise FormatError("the statement is nested too deeply") from error
    signed = canonical(data)
    if len(signed) > limits.STATEMENT:
        raise FormatError("the statement is larger than 1 MiB")
    return UnverifiedAttestation(statement(data), key, signed, sig, tst)


def filed_attestation(id: str, value: Any) -> UnverifiedAttestation | Malformed:
    """A statement as a repository files it. What breaks a rule by itself is named, not raised.

    A statement filed under another identifier than its own says nothing there: the program of
    2016 believed such a one.
    """
    try:
        found = attestation(value)
        if found.statement.id != id:
            raise FormatError("it is about another file than it is filed under")
        return found
    except FormatError as error:
        key = value.get("key") if type(value) is dict else None
        # Whoever wrote it may have put anything there; a fingerprint has at most 64 digits.
        return Malformed(id, key[:64] if type(key) is str else None, error.message)


def read_attestation(raw: bytes) -> UnverifiedAttestation:
    """One statement in its envelope, from bytes. Raises FormatError."""
    return attestation(read(raw))


# --- repositories --------------------------------------------------------------------------------


def _digest(value: Any, what: str) -> str:
    if type(value) is not str or len(value) != 64 or value.strip("0123456789abcdef"):
        raise FormatError(f"{what} is not a digest of 64 hex digits")
    return value


def _sequence(value: Any, what: str = "sequence") -> int:
    if type(value) is not int or value < 1:
        raise FormatError(f"{what} is not a number from 1 on")
    return value


def _previous(value: Any, sequence: int | None) -> dict[int, str]:
    if type(value) is not dict or sequence is None:
        raise FormatError("previous is not a map, or stands without sequence")
    found: dict[int, str] = {}
    for name, item in value.items():
        if not name.isdigit() or len(name) > 16 or name[0] == "0" or int(name) >= sequence:
            raise FormatError("previous names a state that is not an earlier one")
        found[int(name)] = _digest(item, "previous")
    return found


def repository(raw: bytes) -> UnverifiedRepository:
    """A `repo.json`, read and not yet verified. Raises FormatError."""
    from sig.model.repository import UnverifiedRepository  # no verdict from the index needs it

    data, key, sig, _ = _envelope(read(raw), timestamps=False)
    _only(data, "attestations")
    if data.get("version") != VERSION:
        raise FormatError("a repository of another version than 0.0.1")
    if type(data["attestations"]) is not dict:
        raise FormatError("attestations is not an object")
    sequence = _sequence(data["sequence"]) if "sequence" in data else None
    good: list[UnverifiedAttestation] = []
    skipped: list[Malformed] = []
    for id, listed in data["attestations"].items():
        if type(listed) is not list:
            skipped.append(Malformed(id, None, "not a list of statements"))
            continue
        for value in listed:
            # W5 holds for the file: a bomb in one statement is not its neighbour's matter.
            if type(value) is dict and type(value.get("data")) is dict:
                _walk(value["data"], limits.STATEMENT_DEPTH - 1, False)
            one = filed_attestation(id, value)
            if isinstance(one, Malformed):
                skipped.append(one)
            else:
                good.append(one)
    signed = canonical(data)
    return UnverifiedRepository(
        key=key,
        signed=signed,
        sig=sig,
        digest=digest(signed),
        sequence=sequence,
        previous=_previous(data["previous"], sequence) if "previous" in data else {},
        expires=_expiry(data["expires"]) if "expires" in data else None,
        root=_digest(data["root"], "root") if "root" in data else None,
        attestations=tuple(good),
        malformed=tuple(skipped),
    )


# --- the configuration ---------------------------------------------------------------------------


def configuration(raw: bytes) -> tuple[Configuration, bytes, bytes | None]:
    """`config`, its signed bytes and its signature (None where the folder has no own key).

    Raises FormatError. The signature is not verified here.
    """
    value = read(raw, config=True)
    if type(value) is dict and value.keys() == {"data"}:
        data, key, sig = value["data"], None, None
        if type(data) is not dict:
            raise FormatError("the data of an envelope is not an object")
    else:
        data, key, sig, _ = _envelope(value, timestamps=False)
    _only(data, "trust")
    if data.get("version") != VERSION:
        raise FormatError("a configuration of another version than 0.0.1")
    _spelled(data, _CONFIGURATION_FIELDS)
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
        sequence=_sequence(data["sequence"]) if "sequence" in data else None,
        trust=trusted,
        policy=data.get("policy", {}),
        remotes=tuple(_remote(name, item) for name, item in data.get("remotes", {}).items()),
        publish=data.get("publish", {}),
        data=data,
    )
    return found, canonical(data), sig


def _spelled(data: Mapping[str, Any], fields: frozenset[str]) -> None:
    """A field of ours in other letters is no unknown one: beside ours it would stand twice."""
    for name in data:
        if name not in fields and _fold(name) in fields:
            raise FormatError(f"{name} is written {_fold(name)}")


_CONFIGURATION_FIELDS = frozenset(
    {"trust", "policy", "remotes", "publish", "sequence", "version", "repo_dir", "secret_keyring"}
)
_REMOTE_FIELDS = frozenset({"url", "key"})


def _remote(name: str, value: Any) -> Remote:
    try:
        remote_name(name)
        if type(value) is not dict or type(value.get("url")) is not str:
            raise ValueError("no url")
        _spelled(value, _REMOTE_FIELDS)
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
    return canonical(data)


def unsigned(signed: bytes) -> bytes:
    """The text of a configuration that no key signs."""
    return b'{"data": ' + signed + b"}"
