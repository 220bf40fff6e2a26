"""The strict reader and the one writer: each rule, what must fail, and its positive twin."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import limits, stream, strict, wire
from sig.model.attestation import Malformed, UnverifiedAttestation
from tests import understood, vectors

KEY = "0123456789ABCDEF0123456789ABCDEF01234567"
ID = "sha256:" + "a" * 64
DATA = {"id": ID, "ok": True, "reviewed": True}
SIG = base64.b64encode(b"a signature").decode()
ENVELOPE = {"data": DATA, "key": KEY, "sig": SIG}
ANCESTOR = Path(__file__).parents[2] / "vectors" / "ancestor"


def refused(raw: bytes | str, match: str | None = None, *, config: bool = False) -> None:
    """The reader refuses these bytes, and says why."""
    with pytest.raises(FormatError, match=match):
        strict.read(
            raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw, config=config
        )


# --- W1 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"  ", "not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xc0\x80"', "not UTF-8"),  # an overlong U+0000
        (b'"\xed\xa0\x80"', "not UTF-8"),  # a surrogate
        (b"{} {}", "not JSON"),
        (b"{}x", "not JSON"),
        (b"{}\0", "not JSON"),
        (b"{}\x0b", "not JSON"),
        ("{}\u00a0", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"[1,]", "not JSON"),
        (b'{"a" 1}', "not JSON"),
        (b"{a: 1}", "not JSON"),
        (b'{"a": 1} // comment', "not JSON"),
        (b'"a\nb"', "not JSON"),
        (b'"\\x41"', "not JSON"),
        (b'"\\u12"', "not JSON"),
        (b"True", "not JSON"),
    ],
)
def test_what_is_not_one_json_value_is_refused(raw: bytes | str, why: str) -> None:
    """W1."""
    refused(raw, why)


def test_white_space_around_a_value_is_read() -> None:
    """W1."""
    assert {"a": [1, "ü"]} == strict.read(' \t\r\n{"a" : [ 1 , "ü" ] }\n'.encode())


# --- W2 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"ok": false, "ok": true}',
        '{"ok": true, "ok": true}',
        '{"ok": false, "OK": true}',
        '{"ok": false, "o\\u006b": true}',
        '{"ok": false, "\\u004fk": true}',
        '[{"deep": {"a": 1, "A": 1}}]',
    ],
)
def test_no_two_names_are_equal(text: str) -> None:
    """W2: else two readers would take two different ones."""
    refused(text, "twice")
    refused(text, "twice", config=True)


@pytest.mark.parametrize(
    "name", ["a b", "\\u0000", "\\n", "ü", "\\u212a", "\\u007f", "\u200b", "\u043e\u043a"]
)
def test_names_are_visible_ascii(name: str) -> None:
    """W2: a name that looks like another; U+212A, the Kelvin sign, is k in lower case."""
    refused(f'{{"{name}": 1}}')


def test_every_visible_ascii_character_may_stand_in_a_name() -> None:
    """W2, the twin."""
    name = "".join(map(chr, range(0x21, 0x7F))).replace("a", "").replace("\\", "")
    text = json.dumps({name: 1})
    assert {name: 1} == strict.read(text.encode())


def test_a_configuration_may_have_other_names() -> None:
    """W2: but none that is equal in ASCII case, and none with U+0000 or a lone surrogate."""
    assert {"é b": 1, "É b": 2} == strict.read('{"é b": 1, "É b": 2}'.encode(), config=True)
    refused('{"é B": 1, "é b": 2}', "twice", config=True)
    refused('{"a\\u0000": 1}', "U\\+0000", config=True)
    refused('{"a\\udc00": 1}', "surrogate", config=True)


# --- W3 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        "-0",
        "0.0",
        "1.0",
        "-1.5",
        "1e2",
        "1E400",
        "-0.0",
        "-01",
        "9007199254740992",
        "-9007199254740992",
        "1" * 5000,
        "NaN",
        "Infinity",
        "-Infinity",
    ],
)
def test_numbers_are_whole_and_small(number: str) -> None:
    """W3: what JavaScript, Rust and Python would round or refuse in different ways."""
    refused(number, "the number")
    refused(f'{{"a": [{number}]}}')


@pytest.mark.parametrize("number", ["00", "01", "+1", ".5", "1.", "0x1", "1_000", "١"])
def test_no_other_spelling_of_a_number(number: str) -> None:
    """W3."""
    refused(number, "not JSON")


@pytest.mark.parametrize("number", ["0", "-1", "9007199254740991", "-9007199254740991"])
def test_the_largest_numbers_are_read(number: str) -> None:
    """W3, the twin."""
    assert int(number) == strict.read(number.encode())


# --- W4 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '"\\u0000"',
        '"a\\u0000b"',
        '["\\u0000"]',
        '{"a": {"b": ["\\u0000"]}}',
        '"\\ud800"',
        '"\\uDFFF"',
        '"\\uDC00\\uD800"',
        '["x", "\\ud83d"]',
        '"\\ud83dx\\ude00"',
    ],
)
def test_no_nul_and_no_lone_surrogate(text: str) -> None:
    """W4: wherever it stands, and however it is escaped."""
    refused(text, "U\\+0000|surrogate")


def test_a_pair_of_surrogates_is_a_character() -> None:
    """W4, the twin; and an escaped backslash before u0000 is no U+0000."""
    assert "😀" == strict.read(b'"\\uD83D\\uDE00"')
    assert "\\u0000 \\ud800" == strict.read(b'"\\\\u0000 \\\\ud800"')


# --- W5 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(left: str, right: str) -> None:
    """W5: 32 are read, 33 and any bomb refused."""
    strict.read((left * 31 + "[]" + right * 31).encode())
    for depth in (32, 1000, 10_000, 200_000):
        refused(left * depth + "[]" + right * depth, "deep")
        refused(left * depth, "deep|not JSON")


def nested(depth: int) -> Any:
    """An object with `depth` objects and lists within each other."""
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_the_depth_of_a_statement_is_bounded_by_itself() -> None:
    """W5: 16 in the data."""
    wire.attestation(ENVELOPE | {"data": DATA | {"x": nested(15)}})
    with pytest.raises(FormatError, match="deep"):
        wire.attestation(ENVELOPE | {"data": DATA | {"x": nested(16)}})


def test_a_repository_with_a_bomb_in_a_statement_is_refused_whole() -> None:
    """W5: what breaks W1 to W5 is no neighbour's."""
    with pytest.raises(FormatError, match="deep"):
        repository([ENVELOPE, ENVELOPE | {"data": DATA | {"x": nested(16)}}])


# --- W6 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {},
        {"data": DATA, "key": KEY},
        {"data": DATA, "sig": SIG},
        {"key": KEY, "sig": SIG},
        ENVELOPE | {"extra": 1},
        ENVELOPE | {"data": []},
        ENVELOPE | {"data": json.dumps(DATA)},
        ENVELOPE | {"key": KEY.lower()},
        ENVELOPE | {"key": KEY[:-1]},
        ENVELOPE | {"key": KEY[-8:]},
        ENVELOPE | {"key": "0x" + KEY},
        ENVELOPE | {"key": KEY + "\n"},
        ENVELOPE | {"key": None},
        ENVELOPE | {"key": [KEY]},
        ENVELOPE | {"key": 7},
        ENVELOPE | {"key": "0" * 48},
        ENVELOPE | {"tst": None},
        ENVELOPE | {"tst": 1},
        ENVELOPE | {"tst": "!"},
        ENVELOPE | {"tst": base64.b64encode(bytes(17_000)).decode()},
    ],
)
def test_an_envelope_is_data_key_and_sig(value: Any) -> None:
    """W6."""
    with pytest.raises(FormatError):
        wire.attestation(value)


@pytest.mark.parametrize(
    "sig",
    [
        None,
        7,
        "a",
        "YQ",
        "YQ=",
        "YQ===",
        "YR==",  # the unused bits are set
        "YQ==\n",
        " YQ==",
        "Y Q==",
        "YQ==YQ==",
        "_-A=",
        "YQ=é",
        "=",
        base64.b64encode(bytes(70_000)).decode(),
    ],
)
def test_a_signature_is_canonical_base64(sig: Any) -> None:
    """W6: one text for one signature."""
    with pytest.raises(FormatError):
        wire.attestation(ENVELOPE | {"sig": sig})


@pytest.mark.parametrize(("name", "limit"), [("sig", limits.SIGNATURE), ("tst", limits.TIMESTAMP)])
def test_base64_is_bounded_to_the_byte(name: str, limit: int) -> None:
    """W6: the limit is of bytes, not of the next group of three."""
    wire.attestation(ENVELOPE | {name: base64.b64encode(bytes(limit)).decode()})
    with pytest.raises(FormatError):
        wire.attestation(ENVELOPE | {name: base64.b64encode(bytes(limit + 1)).decode()})


def test_an_envelope_is_read() -> None:
    """W6, the twin: the key of either version, and with a time stamp."""
    for key in (KEY, "AB" * 32):
        found = wire.attestation(ENVELOPE | {"key": key, "tst": "YQ=="})
        assert (key, b"a signature", "YQ==") == (found.key, found.sig, found.tst)
        assert json.dumps(DATA, sort_keys=True).encode() == found.signed


def test_a_statement_is_at_most_a_mebibyte() -> None:
    """The limit is of the signed bytes, whatever the file's spacing."""
    room = limits.STATEMENT - len(strict.canonical(DATA | {"x": ""}))
    wire.attestation(ENVELOPE | {"data": DATA | {"x": "a" * room}})
    for x in ("a" * (room + 1), "ü" * (room // 6 + 1)):
        with pytest.raises(FormatError, match="1 MiB"):
            wire.attestation(ENVELOPE | {"data": DATA | {"x": x}})


# --- W7 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["attestations", "trust", "type"])
def test_a_document_with_two_reserved_names_is_refused(other: str) -> None:
    """W7: also a warning. One signature must never stand for two kinds of document."""
    for ok in (True, False):
        with pytest.raises(FormatError, match="not a document with id"):
            wire.attestation(ENVELOPE | {"data": DATA | {"ok": ok, other: None}})
    with pytest.raises(FormatError, match="not a document with"):
        repository([], id=ID)
    for name in {"trust", "attestations"} - {other}:
        raw = wire.unsigned(strict.canonical({"version": "0.0.1", name: {}, other: {}}))
        with pytest.raises(FormatError, match="not a document with trust"):
            wire.configuration(raw)


@pytest.mark.parametrize(
    "data",
    [
        {"ok": True, "reviewed": True},
        {"trust": {}, "version": "0.0.1"},
        {"attestations": {}, "version": "0.0.1"},
        {"type": "root", "version": "1"},
        {},
    ],
)
def test_another_kind_of_document_is_no_statement(data: dict[str, Any]) -> None:
    """W7: a configuration, a repository or a root offered as an attestation."""
    with pytest.raises(FormatError, match="not a document with id"):
        wire.attestation(ENVELOPE | {"data": data})


def test_a_statement_is_no_repository_and_no_configuration() -> None:
    """W7: and the other way round."""
    raw = json.dumps(ENVELOPE).encode()
    for read in (stream.whole, wire.configuration):
        with pytest.raises(FormatError, match="not a document with"):
            read(raw)


# --- repositories ---------------------------------------------------------------------------------


def repository(listed: Any, filed: str = ID, **fields: Any) -> Any:
    """What is read of a repository with these statements under one id."""
    data = {"attestations": {filed: listed}, "version": "0.0.1"} | fields
    return stream.whole(json.dumps({"data": data, "key": KEY, "sig": SIG}).encode())


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        "x",
        [],
        {},
        ENVELOPE | {"sig": "?"},
        ENVELOPE | {"key": "short"},
        ENVELOPE | {"extra": 1},
        ENVELOPE | {"data": DATA | {"ok": 1}},
        ENVELOPE | {"data": DATA | {"id": "sha256:" + "b" * 64}},
        ENVELOPE | {"data": DATA | {"trust": {}}},
        ENVELOPE | {"data": DATA | {"scope": ["a"]}},
        ENVELOPE | {"data": DATA | {"x": "a" * (1024 * 1024)}},
        ENVELOPE | {"data": {"ok": True, "reviewed": True}},
    ],
)
def test_a_malformed_statement_is_named_and_its_neighbours_stand(broken: Any) -> None:
    """The rest of the repository is worth what it was."""
    found = repository([ENVELOPE, broken, ENVELOPE | {"sig": "YQ=="}])
    assert [b"a signature", b"a"] == [each.sig for each in found.attestations]
    (named,) = found.malformed
    assert (ID, True) == (named.id, bool(named.why))


def test_a_statement_filed_under_another_id_is_malformed() -> None:
    """The hole of the 2016 program; an id in upper case is another one too."""
    for filed in ("sha256:" + "b" * 64, ID.upper(), ID[:-1], "x"):
        found = repository([ENVELOPE], filed)
        assert () == found.attestations
        assert Malformed(filed, KEY, "it is about another file than it is filed under") in (
            found.malformed
        )


def test_a_list_that_is_none_is_named() -> None:
    """Beside lists that are."""
    for listed in (None, {}, ENVELOPE, "x"):
        (named,) = repository(listed).malformed
        assert Malformed(ID, None, "not a list of statements") == named


@pytest.mark.parametrize(
    "fields",
    [
        {"version": "0.0.2"},
        {"version": None},
        {"version": 1},
        {"attestations": []},
        {"attestations": None},
        {"sequence": 0},
        {"sequence": -1},
        {"sequence": True},
        {"sequence": "1"},
        {"sequence": None},
        {"previous": {}},  # without a sequence
        {"sequence": 2, "previous": []},
        {"sequence": 2, "previous": {"2": "a" * 64}},
        {"sequence": 2, "previous": {"3": "a" * 64}},
        {"sequence": 2, "previous": {"0": "a" * 64}},
        {"sequence": 12, "previous": {"01": "a" * 64}},
        {"sequence": 12, "previous": {"+1": "a" * 64}},
        {"sequence": 12, "previous": {"": "a" * 64}},
        {"sequence": 12, "previous": {"1" * 17: "a" * 64}},
        {"sequence": 2, "previous": {"1": "A" * 64}},
        {"sequence": 2, "previous": {"1": "a" * 63}},
        {"sequence": 2, "previous": {"1": None}},
        {"expires": "2026-01-31"},
        {"expires": "2026-02-30T00:00:00Z"},
        {"expires": 7},
        {"root": "a" * 63},
        {"root": None},
    ],
)
def test_a_repository_that_breaks_a_rule_is_refused(fields: dict[str, Any]) -> None:
    """By itself: these are the words of its owner."""
    with pytest.raises(FormatError):
        repository([], **fields)


def test_a_repository_is_read() -> None:
    """The twin."""
    found = repository(
        [ENVELOPE],
        sequence=3,
        previous={"2": "a" * 64, "1": "b" * 64},
        expires="2026-01-31T23:59:59Z",
        root="c" * 64,
    )
    assert (3, {2: "a" * 64, 1: "b" * 64}, 1769903999, "c" * 64) == (
        found.sequence,
        found.previous,
        found.expires,
        found.root,
    )
    assert (KEY, 1, ()) == (found.key, len(found.attestations), found.malformed)
    assert strict.digest(found.signed) == found.digest


def test_the_digest_of_a_repository_is_that_of_its_signed_bytes() -> None:
    """Spacing and order of the file can be changed by anyone, and change nothing."""
    data = {"version": "0.0.1", "attestations": {ID: [ENVELOPE]}}
    one = json.dumps({"data": data, "key": KEY, "sig": SIG}).encode()
    two = json.dumps({"sig": SIG, "key": KEY, "data": data}, indent=3, sort_keys=True).encode()
    assert stream.whole(one) == stream.whole(two)


# --- the canonical writer -------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=6)
NUMBERS = st.integers(-(2**53 - 1), 2**53 - 1)


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that W2 allows."""
    return st.dictionaries(NAMES, values, max_size=4).map(
        lambda found: {name: item for name, item in found.items() if name == name.lower()}
    )


VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | objects(inner),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES)
@example({"a": '\x7f\u0080\uffff😀/\\"\b\f\n\r\t\x1f '})
def test_what_is_written_is_what_python_3_writes_and_reads_back(value: Any) -> None:
    """docs/spec/envelope §1: every implementation writes these bytes."""
    data = {"value": value}
    written = strict.canonical(data)
    assert json.dumps(data, sort_keys=True).encode("ascii") == written
    assert data == strict.read(written)
    assert written == strict.canonical(strict.read(written))
    loose = json.dumps(data, ensure_ascii=False, indent=2).encode()
    assert written == strict.canonical(strict.read(loose))


def test_escapes_are_those_of_the_specification() -> None:
    """docs/spec/envelope §1, to the byte."""
    assert (
        b'{"a": "\\" \\\\ \\b \\f \\n \\r \\t \\u001f ~ \\u007f \\u0080 \\ud83d\\ude00 /"}'
        == strict.canonical({"a": '" \\ \b \f \n \r \t \x1f ~ \x7f \x80 😀 /'})
    )


def test_names_are_sorted_by_code_point() -> None:
    """docs/spec/envelope §1: upper case before lower, punctuation around."""
    assert b'{"!": 1, "A": 1, "_": 1, "a": 1, "~": 1}' == strict.canonical(
        dict.fromkeys(["~", "a", "_", "A", "!"], 1)
    )


@settings(deadline=None)
@given(objects(VALUES), TEXT, st.binary(max_size=40), st.none() | st.just("YQ=="))
def test_an_envelope_reads_back(
    more: dict[str, Any], comment: str, sig: bytes, tst: str | None
) -> None:
    """Unknown fields too, and the signed bytes stay what they were however the file is spaced."""
    data = {f"x-{name}": item for name, item in more.items()} | DATA | {"comment": comment}
    signed = strict.canonical(data)
    raw = wire.envelope(KEY, signed, sig, tst)
    found = wire.read_attestation(raw)
    assert (data, KEY, signed, sig, tst) == (
        found.statement.data,
        found.key,
        found.signed,
        found.sig,
        found.tst,
    )
    assert json.dumps(json.loads(raw), sort_keys=True).encode() == raw
    assert found == wire.read_attestation(json.dumps(json.loads(raw), indent=1).encode())


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), TEXT, st.binary(min_size=1, max_size=9)), max_size=6
    ),
    st.integers(1, 2**53 - 1),
    st.dictionaries(st.integers(1, 2**53 - 2), st.sampled_from(["a" * 64, "b" * 64]), max_size=4),
    st.none() | st.integers(0, 253402300799),
)
def test_a_repository_is_written_as_python_3_would(
    listed: list[tuple[str, str, bytes]],
    sequence: int,
    previous: dict[int, str],
    expires: int | None,
) -> None:
    """Put together from bytes that are at hand, and yet the same bytes as `json.dumps`."""
    previous = {at: value for at, value in previous.items() if at < sequence}
    statements = [
        wire.attestation(
            {
                "data": DATA | {"id": "sha256:" + which * 64, "comment": text},
                "key": KEY,
                "sig": base64.b64encode(sig).decode(),
            }
        )
        for which, text, sig in listed
    ]
    data = stream.data(statements, sequence=sequence, previous=previous, expires=expires)
    assert json.dumps(json.loads(data), sort_keys=True).encode("ascii") == data
    found = stream.whole(wire.envelope(KEY, data, b"x"))
    assert (data, sequence, previous, expires, ()) == (
        found.signed,
        found.sequence,
        found.previous,
        found.expires,
        found.malformed,
    )

    def by_bytes(one: UnverifiedAttestation) -> tuple[str, bytes]:
        return one.statement.id, wire.envelope(one.key, one.signed, one.sig)

    assert sorted(statements, key=by_bytes) == list(found.attestations)
    assert data == stream.data(
        reversed(statements), sequence=sequence, previous=previous, expires=expires
    )


@settings(deadline=None)
@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
@example(b'{"a":1e5}')
@example(b"[" * 50)
def test_the_reader_reads_or_refuses(raw: bytes) -> None:
    """Whatever the bytes: FormatError and nothing else, and never more than `json` itself reads."""
    try:
        found = strict.read(raw)
    except FormatError:
        return
    assert json.loads(raw) == found


@settings(deadline=None)
@given(VALUES, VALUES)
def test_an_attestation_reads_or_refuses(data: Any, field: Any) -> None:
    """Whatever stands in the place of anything."""
    for name in ("id", "ok", "reviewed", "comment", "aliases", "evidence", "expires", "size"):
        for value in (
            ENVELOPE | {"data": data},
            ENVELOPE | {"data": DATA | {name: field}},
            ENVELOPE | {"data": DATA | {"ok": False, name: field}},
            ENVELOPE | {"sig": field},
            ENVELOPE | {"key": field},
            data,
        ):
            try:
                wire.attestation(value)
            except FormatError:
                continue


# --- what was written before ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "owner", "count"),
    [
        ("home/repo/repo.json", "2BFAEC78CA0748860DD021404DDF9A42E3F2AA1B", 3),
        ("home/remotes/bob/repo.json", "38012069C685C670ECBFF55EC8A35A4E7DC1304D", 2),
        ("bob-published/repo.json", "38012069C685C670ECBFF55EC8A35A4E7DC1304D", 2),
    ],
)
def test_a_repository_of_2016_is_read(name: str, owner: str, count: int) -> None:
    """For ever."""
    found = stream.whole((ANCESTOR / name).read_bytes())
    assert (owner, count, (), None, {}) == (
        found.key,
        len(found.attestations),
        found.malformed,
        found.sequence,
        found.previous,
    )


@pytest.mark.parametrize("name", ["target", "url"])
def test_a_publish_target_is_a_text(name: str) -> None:
    """W7: what cannot be a folder or a URL is damage, and no bug later."""
    data = {"trust": {}, "version": "0.0.1", "publish": {name: 7}}
    with pytest.raises(FormatError, match=f"publish.{name}"):
        wire.configuration(json.dumps({"data": data}).encode())
    data["publish"] = {name: "a"}
    assert wire.configuration(json.dumps({"data": data}).encode())[0].publish == {name: "a"}


# --- vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", vectors.files("wire"), ids=lambda path: path.stem)
def test_a_vector_is_read_or_refused_as_it_says(path: Path) -> None:
    """Each file of vectors/wire: its canonical bytes, what is understood, or why it is refused."""
    vector = vectors.read(path)
    understand = {
        "document": understood.document,
        "statement": understood.statement,
        "configuration": understood.configuration,
    }[vector.head["as"]]
    if vector.head["expect"] == "refused":
        if "filed" not in vector.head:
            with pytest.raises(FormatError) as caught:
                understand(vector.one("text"))
            assert caught.value.message.startswith(vector.why)
        if vector.head["as"] == "statement":
            # In a repository it is named, and its neighbours stand.
            value = strict.read(vector.one("text"))
            found = wire.filed_attestation(vector.head.get("filed", ID), value)
            assert isinstance(found, Malformed)
            assert vector.why == found.why
        return
    canonical, said = understand(vector.one("text"))
    assert (vector.one("canonical"), vector.lines) == (canonical, [said] if said else [])
    if vector.head["as"] == "document":
        # What was written is read as the same, and is one text.
        assert (canonical, None) == understood.document(canonical)
