"""JSON, read as strictly as what is signed asks for, and written in the one form that is signed.

Here: text and values. Not here: what a value means (`wire`).

W1  UTF-8 without a byte order mark, one value and nothing after it but white space.
W2  No two names of one object are equal, be it escaped or in other ASCII case; names are within
    U+0021–U+007E (`config` excepted).
W3  Numbers are ``0`` or ``-?[1-9][0-9]*`` within ±(2^53-1): no ``-0``, no fraction, no NaN.
W4  No U+0000 and no lone surrogate.
W5  At most 32 objects and lists within each other, 16 in the data of a statement.

What breaks one of these is refused whole. A large document is read by a `Scanner`, a value at a
time, by the same rules; it never holds more of the text than one value.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sig.errors import FormatError
from sig.model import limits

LARGEST_INTEGER = 2**53 - 1

encode = json.JSONEncoder(sort_keys=True).encode
"""The canonical text of any value, ASCII only."""


def canonical(data: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: ``json.dumps(data, sort_keys=True)`` of Python 3."""
    return encode(data).encode("ascii")


def digest(signed: bytes) -> str:
    """The digest of a document: sha256 of its signed bytes, 64 hex digits, never of the file."""
    return hashlib.sha256(signed).hexdigest()


def fold(name: str) -> str:
    """A name without the case of its ASCII letters: what is equal in this is one name (W2)."""
    return name.lower() if name.isascii() else "".join(c.lower() if c < "\x80" else c for c in name)


# --- values ------------------------------------------------------------------------------------


def _integer(text: str) -> int:
    if len(text) > 17 or text == "-0" or abs(int(text)) > LARGEST_INTEGER:
        raise FormatError(f"the number {text[:24]} is out of range")
    return int(text)


def _no_fraction(text: str) -> Any:
    raise FormatError(f"the number {text[:24]} is not whole")


TWICE = "a name stands twice in one object"


def _name(name: str) -> None:
    # Only U+0021–U+007E: a name that looks like another one must not pass for it.
    if not (name.isascii() and name.isprintable()) or " " in name:
        raise FormatError("a name has characters outside U+0021–U+007E")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    for name in found:
        # `_name`, written out: this runs for every object of every statement.
        if not (name.isascii() and name.isprintable()) or " " in name:
            _name(name)
    if len(found) != len(pairs) or len({name.lower() for name in found}) != len(pairs):
        raise FormatError(TWICE)
    return found


def _object_of_config(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or len({fold(name) for name in found}) != len(pairs):
        raise FormatError(TWICE)
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


def check_depth(value: Any, room: int, strings: bool = False) -> None:
    """W5: at most `room` + 1 objects and lists within each other; with `strings`, W4 too."""
    if room < 0:
        raise FormatError("nested too deeply")
    if type(value) is dict:
        for name, item in value.items():
            if type(item) is dict or type(item) is list:
                check_depth(item, room - 1, strings)
            elif strings and type(item) is str:
                _text(item)
            if strings:
                _text(name)
    elif type(value) is list:
        for item in value:
            if type(item) is dict or type(item) is list:
                check_depth(item, room - 1, strings)
            elif strings and type(item) is str:
                _text(item)
    elif strings and type(value) is str:
        _text(value)


def _check_envelope(value: Any, room: int, strings: bool) -> None:
    """W5 and W4 for a statement in its envelope, whose data has less room."""
    if type(value) is not dict:
        check_depth(value, room, strings)
        return
    for name, item in value.items():
        if type(item) is dict or type(item) is list:
            check_depth(item, limits.STATEMENT_DEPTH - 1 if name == "data" else room - 1, strings)
        elif strings and type(item) is str:
            _text(item)


def _text(value: str) -> None:
    if "\0" in value:
        raise FormatError("a text has U+0000")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise FormatError("a text has a lone surrogate") from error


def _suspect(text: str) -> bool:
    """Whether escapes in it could hide what W4 forbids; that is rare, and looking costs time."""
    if "\\u" not in text:
        return False
    lowered = text.lower()
    return "\\u0000" in lowered or "\\ud" in lowered


def read(raw: bytes, *, config: bool = False, envelope: bool = False) -> Any:
    """The JSON value of a document, by rules W1–W5; of a statement's `envelope` with its own W5.

    Raises FormatError.
    """
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
    (_check_envelope if envelope else check_depth)(value, limits.DEPTH - 1, _suspect(text))
    return value


# --- a value at a time ---------------------------------------------------------------------------

_BLANK = re.compile(r"[ \t\n\r]*")
_WINDOW = 1 << 20
_NAMES = 10_000  # of one object whose names are read one by one


def document(line: bytes, version: int) -> dict[str, Any]:
    """An object of ours in canonical form, with `version` in it. Raises FormatError."""
    said = read(line)
    if type(said) is not dict:
        raise FormatError("not an object")
    if canonical(said) != line:
        raise FormatError("not in canonical form")
    known(said.get("version"), "version", version)
    return said


def known(value: Any, name: str, *wanted: int | str) -> None:
    """Raises FormatError for another value, or one of another type."""
    if type(value) is not type(wanted[0]) or value not in wanted:
        named = f" {str(value)[:64]}" if type(value) is type(wanted[0]) else ""
        raise FormatError(f"the {name}{named} is not known")


def check_names(said: Mapping[str, Any], wanted: Iterable[str], of: str = "") -> None:
    """That an object has these fields and no other. Raises FormatError, with `of` before a name."""
    fields = set(wanted)
    for name in sorted(said.keys() - fields):
        raise FormatError(f"unknown field {of}{name[:64]}")
    for name in sorted(fields - said.keys()):
        raise FormatError(f"no {of}{name}")


class Scanner:
    """The text of a large document, read from its beginning, by rules W1–W5.

    Whoever asks knows the outer levels of the document and gives the rest its room (W5): the
    objects and lists that may still be within each other, less one.
    """

    def __init__(self, raw: bytes, start: int = 0, end: int | None = None) -> None:
        self._raw = memoryview(raw)[start:end]
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._taken = 0  # bytes
        self._before = 0  # characters
        self._text = ""
        self._at = 0
        self._suspect = False
        self._fill()
        if self._text.startswith("\ufeff"):
            raise FormatError("starts with a byte order mark")

    @property
    def _ended(self) -> bool:
        return self._taken == len(self._raw)

    def _fill(self) -> None:
        """Read on, by more the longer the value is that did not end yet."""
        chunk = self._raw[self._taken : self._taken + max(_WINDOW, len(self._text) - self._at)]
        self._taken += len(chunk)
        try:
            more = self._decoder.decode(chunk, self._ended)
        except UnicodeDecodeError as error:
            raise FormatError("not UTF-8") from error
        self._before += self._at
        self._text = self._text[self._at :] + more
        self._at = 0
        self._suspect = _suspect(self._text)

    def peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        while True:
            if self._at < len(self._text):
                character = self._text[self._at]
                if character not in " \t\n\r":
                    return character
                self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]
            elif self._ended:
                return ""
            else:
                self._fill()

    def _take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise FormatError(f"not JSON: no {wanted} at character {self._before + self._at}")
        self._at += 1

    def _decode(self) -> Any:
        self.peek()
        while True:
            try:
                value, end = _strict.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    at = self._before + error.pos
                    raise FormatError(f"not JSON: {error.msg} at character {at}") from error
            except RecursionError as error:
                raise FormatError("nested too deeply") from error
            else:
                # A number that ends with the window may go on behind it.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            if len(self._text) - self._at > limits.VALUE:
                raise FormatError(f"one part of it takes more than {limits.VALUE >> 20} MiB")
            self._fill()

    def value(self, room: int) -> Any:
        """The next value, whatever it is."""
        value = self._decode()
        check_depth(value, room, self._suspect)
        return value

    def envelope(self, room: int) -> Any:
        """The next value, which should be a statement in its envelope."""
        value = self._decode()
        _check_envelope(value, room, self._suspect)
        return value

    def members(self, *, ordered: bool = False, most: int = _NAMES) -> Iterator[str]:
        """The names of an object, at most so many. Whoever asks reads the value of each before
        the next.

        `ordered` refuses names that are not in the order of code points, and needs no memory for
        them: of two names that differ in case only, the first has an upper-case letter.
        """
        self._take("{")
        last: str | None = None
        seen: set[str] = set()
        left = most
        if self.peek() != "}":
            while True:
                left -= 1
                if left < 0:
                    raise FormatError(f"one object has more than {most} names")
                if self.peek() != '"':
                    at = self._before + self._at
                    raise FormatError(f"not JSON: no name at character {at}")
                name = self._decode()
                _name(name)
                folded = name.lower()
                if folded in seen:
                    raise FormatError(TWICE)
                if not ordered or folded != name:
                    seen.add(folded)
                if ordered and last is not None and name <= last:
                    raise FormatError(TWICE if name == last else "names are not in order")
                last = name
                self._take(":")
                yield name
                if self.peek() != ",":
                    break
                self._at += 1
        self._take("}")

    def elements(self) -> Iterator[None]:
        """The elements of a list. Whoever asks reads each before the next."""
        self._take("[")
        if self.peek() != "]":
            while True:
                yield
                if self.peek() != ",":
                    break
                self._at += 1
        self._take("]")

    def end(self) -> None:
        """Nothing else follows (W1)."""
        if self.peek():
            raise FormatError(f"not JSON: Extra data at character {self._before + self._at}")
