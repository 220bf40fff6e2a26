"""`repo.json` read as a stream says what the whole of it says, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import limits, stream, strict, wire
from sig.model.attestation import Malformed
from sig.repo import layout

KEY = "0123456789ABCDEF0123456789ABCDEF01234567"
SIG = "YSBzaWduYXR1cmU="


def file_id(digit: str) -> str:
    """An identifier."""
    return f"sha256:{digit * 64}"


def statement(id: str, **fields: Any) -> dict[str, Any]:
    """An envelope that reads."""
    return {"data": {"id": id, "ok": True, "reviewed": True} | fields, "key": KEY, "sig": SIG}


def document(filed: Any, **fields: Any) -> dict[str, Any]:
    """The value of a repo.json."""
    data = {"attestations": filed, "version": "0.0.1"} | fields
    return {"data": data, "key": KEY, "sig": SIG}


def written(value: Any) -> bytes:
    """As it should be written."""
    return strict.canonical(value)


MIXED = document(
    {
        file_id("a"): [statement(file_id("a")), statement(file_id("a"), comment='ü "}, \\ 👍')],
        file_id("b"): [statement(file_id("a")), 7, None, [], {}, "x", -12],
        "Upper:CASE": {"not": "a list"},
        "upper:case2": "nor this",
        "": [],
        'a"quoted\\name"': [12345],
    },
    sequence=3,
    previous={"1": "a" * 64, "2": "b" * 64},
    expires="2031-01-01T00:00:00Z",
    unknown={"more": [1, {"x": "y"}]},
)


def oracle(raw: bytes) -> tuple[bytes, list[Any], list[Any]]:
    """The same in the plain way: all of it parsed, then walked through."""
    value = strict.read(raw)
    data, key, sig, _ = wire.parts(value, timestamps=False)
    wire.only(data, "attestations")
    if data.get("version") != "0.0.1" or type(data["attestations"]) is not dict:
        raise FormatError("not a repository")
    good: list[Any] = []
    bad: list[Any] = []
    for id, listed in data["attestations"].items():
        if type(listed) is not list:
            bad.append(Malformed(id, None, "not a list of statements"))
            continue
        for item in listed:
            if type(item) is dict and type(item.get("data")) is dict:
                strict.check_depth(item["data"], limits.STATEMENT_DEPTH - 1)
            one = wire.filed_attestation(id, item)
            (bad if isinstance(one, Malformed) else good).append(one)
    return strict.canonical(data), good, bad


def envelope(one: Any) -> bytes:
    """To compare in one order."""
    return wire.envelope(one.key, one.signed, one.sig, one.tst)


def same_as_oracle(raw: bytes) -> bool:
    """Whether it reads; in any case both ways agree."""
    try:
        signed, good, bad = oracle(raw)
    except FormatError:
        with pytest.raises(FormatError):
            stream.whole(raw)
        return False
    found = stream.whole(raw)
    assert (signed, strict.digest(signed)) == (found.signed, found.digest)
    assert sorted(good, key=envelope) == sorted(found.attestations, key=envelope)
    assert sorted(map(repr, bad)) == sorted(map(repr, found.malformed))
    return True


LAYOUTS = {
    "as it should be": written(MIXED),
    "a newline at its end": written(MIXED) + b"\n",
    "a space before": b" " + written(MIXED),
    "indented": json.dumps(MIXED, indent=2).encode(),
    "in the order of making": json.dumps(MIXED).encode(),
    "in reverse": json.dumps(dict(reversed(MIXED.items()))).encode(),
    "its data in reverse": json.dumps(
        MIXED | {"data": dict(reversed(MIXED["data"].items()))}
    ).encode(),
    "identifiers in reverse": json.dumps(
        document(dict(reversed(MIXED["data"]["attestations"].items()))), sort_keys=False
    ).encode(),
    "UTF-8 as it is": json.dumps(MIXED, ensure_ascii=False, sort_keys=True).encode(),
    "no spaces": json.dumps(MIXED, separators=(",", ":"), sort_keys=True).encode(),
    "other escapes": written(MIXED).replace(b'"ok"', b'"\\u006fk"').replace(b"\\u00", b"\\u00"),
    "capital escapes": written(MIXED).replace(b"\\ud83d", b"\\uD83D"),
    "one space more within": written(MIXED).replace(b'{"id"', b'{ "id"', 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("window", [1, 2, 7, 64, 1 << 20])
def test_every_layout_of_a_document_says_the_same(
    layout: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it lies there, and wherever a window of the reader ends."""
    monkeypatch.setattr(strict, "_WINDOW", window)
    assert same_as_oracle(LAYOUTS[layout])
    assert LAYOUTS["as it should be"] == written(MIXED)


def test_what_lies_there_as_it_should_is_not_written_anew() -> None:
    """T1: the signed bytes are a part of the file, and there is one reading."""
    raw = LAYOUTS["as it should be"]
    (only,) = stream.readings(raw)
    assert written(MIXED["data"]) == only.signed
    assert only.signed in raw


def test_what_an_owner_signed_is_found_behind_another_layout() -> None:
    """T3: the last reading is the document as it should be written."""
    for raw in LAYOUTS.values():
        *_, last = stream.readings(raw)
        signed = last.signed
        assert signed == strict.canonical(strict.read(signed))
        stream.skim(last.entries())


NOT_CANONICAL = {
    "two spaces": (b'"ok": true', b'"ok":  true'),
    "no space": (b'"ok": true', b'"ok":true'),
    "an escape too many": (b'"ok"', b'"\\u006fk"'),
    "a slash escaped": (b"version", b"versio\\u006e"),
    "a capital escape": (b"\\u00fc", b"\\u00FC"),
    "raw UTF-8": (b"\\u00fc", "ü".encode()),
    "its fields in another order": (b'{"attestations"', b'{"zzz": 1, "attestations"'),
}


@pytest.mark.parametrize("change", NOT_CANONICAL)
def test_a_slice_that_is_not_in_the_one_form_says_nothing(change: str) -> None:
    """T2: an owner who signs other bytes than the canonical ones did not sign the document."""
    before, after = NOT_CANONICAL[change]
    raw = LAYOUTS["as it should be"].replace(before, after, 1)
    assert raw != LAYOUTS["as it should be"]
    first = next(stream.readings(raw))
    with pytest.raises(FormatError):
        stream.skim(first.entries())
    with pytest.raises(AssertionError):
        first.head  # noqa: B018
    assert same_as_oracle(raw)


BROKEN = {
    "nothing": b"",
    "a word": b"captive",
    "no end": written(MIXED)[:-1],
    "an end too many": written(MIXED) + b"}",
    "a second document": written(MIXED) * 2,
    "a comma too many": written(MIXED).replace(b"}, ]", b"}]").replace(b"-12]", b"-12,]"),
    "a comma before a brace": written(MIXED).replace(b'"0.0.1"}', b'"0.0.1",}'),
    "no colon": written(MIXED).replace(b'"version": ', b'"version" '),
    "a number as a name": written(MIXED).replace(b'"version": ', b"1: "),
    "an id twice": written(MIXED).replace(file_id("b").encode() + b'": [', b'": [', 1),
    "an id in another case": written(
        document({file_id("a"): [], file_id("a").upper(): [], "x:1": []})
    ),
    "an id twice, apart": b'{"data": {"attestations": {"a:1": [], "b:1": [], "a:1": []}, "version":'
    b' "0.0.1"}, "key": "%s", "sig": "%s"}' % (KEY.encode(), SIG.encode()),
    "an id twice, together": b'{"data": {"attestations": {"a:1": [], "a:1": []}, "version":'
    b' "0.0.1"}, "key": "%s", "sig": "%s"}' % (KEY.encode(), SIG.encode()),
    "attestations twice": b'{"data": {"attestations": {}, "attestations": {}, "version": "0.0.1"},'
    b' "key": "%s", "sig": "%s"}' % (KEY.encode(), SIG.encode()),
    "data twice": b'{"data": {"attestations": {}, "version": "0.0.1"}, "data": {"attestations":'
    b' {}, "version": "0.0.1"}, "key": "%s", "sig": "%s"}' % (KEY.encode(), SIG.encode()),
    "a fraction": written(MIXED).replace(b"-12", b"-1.2"),
    "a number out of range": written(MIXED).replace(b"-12", b"-9007199254740992"),
    "minus nought": written(MIXED).replace(b"-12", b"-0"),
    "not UTF-8": written(MIXED).replace(b"sha256", b"sha2\xff6", 1),
    "half a character at the end": written(MIXED) + b"\xc3",
    "a byte order mark": b"\xef\xbb\xbf" + written(MIXED),
    "a lone surrogate": written(MIXED).replace(b"\\ud83d\\udc4d", b"\\ud83d"),
    "U+0000": written(MIXED).replace(b"\\ud83d\\udc4d", b"\\u0000"),
    "a blank in a name": written(MIXED).replace(b'"version"', b'"ver sion"'),
    "no attestations": written({"data": {"version": "0.0.1"}, "key": KEY, "sig": SIG}),
    "a list": b"[]",
    "data that is none": written({"data": [], "key": KEY, "sig": SIG}),
    "another version": written(document({}, version="0.0.2")),
    "a statement's id too": written(document({}, id=file_id("a"))),
    "a deep statement": written(document({"a:1": [statement("a:1", x=eval("[" * 16 + "]" * 16))]})),  # noqa: S307
    "a deep list": written(document({"a:1": [eval("[" * 29 + "]" * 29)]})),  # noqa: S307
    "a bomb": b'{"data": {"attestations": {"a:1": [' + b"[" * 100_000,
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("window", [3, 1 << 20])
def test_what_is_refused_whole_is_refused_as_a_stream(
    broken: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules are those of a document that is parsed at once."""
    monkeypatch.setattr(strict, "_WINDOW", window)
    assert not same_as_oracle(BROKEN[broken])


def test_depth_is_counted_from_the_outside() -> None:
    """W5: twins of what is refused."""
    deep = eval("[" * 15 + "]" * 15)  # noqa: S307
    assert same_as_oracle(written(document({"a:1": [statement("a:1", x=deep)]})))
    assert same_as_oracle(written(document({"a:1": [eval("[" * 28 + "]" * 28)]})))  # noqa: S307
    assert same_as_oracle(written(document({}, more=eval("[" * 30 + "]" * 30))))  # noqa: S307
    assert not same_as_oracle(written(document({}, more=eval("[" * 31 + "]" * 31))))  # noqa: S307


def test_one_value_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is read at once may be as large as the file."""
    monkeypatch.setattr(strict, "_WINDOW", 64)
    monkeypatch.setattr(limits, "VALUE", 4096)
    small = document({"a:1": [statement("a:1", comment="c" * 3000)] * 100})
    assert 100 == len(stream.whole(written(small)).attestations)
    large = document({"a:1": [statement("a:1", comment="c" * 9000)]})
    with pytest.raises(FormatError, match="one part of it takes more than"):
        stream.whole(written(large))


def test_identifiers_are_bounded() -> None:
    """Empty lists cost a sender ten bytes each, and a reader far more."""
    few = document({f"x:{number}": [] for number in range(50_000)})
    assert () == stream.whole(written(few)).attestations
    many = document({f"x:{number}": [] for number in range(120_000)})
    for raw in (written(many), json.dumps(many, indent=0).encode()):
        with pytest.raises(FormatError, match="names"):
            stream.whole(raw)


def test_a_document_that_grows_by_being_written_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte of U+007F is six as it should be written."""
    value = document({"a:1": [statement("a:1", comment="\x7f" * 1000)]})
    raw = json.dumps(value, ensure_ascii=False).encode()
    monkeypatch.setattr(limits, "REPOSITORY", len(raw) + 1000)
    with pytest.raises(FormatError, match="as it should be written"):
        stream.whole(raw)
    monkeypatch.setattr(limits, "REPOSITORY", len(written(value)))
    assert 1 == len(stream.whole(raw).attestations)


def test_what_is_spooled_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Format §7: above a size what is not in order goes through the disk."""
    monkeypatch.setattr(limits, "SPOOL", 16)
    used = []

    def spool() -> IO[bytes]:
        used.append(layout.spool())
        return used[-1]

    _, entries = stream.read(written(MIXED), list)
    for raw in LAYOUTS.values():
        _, found = stream.read(raw, list, spool)
        assert {one.text for one in entries} == {one.text for one in found}
        assert len(entries) == len(found)
    assert len(LAYOUTS) > len(used) > 5
    assert all(one.closed and one._rolled for one in used)


def test_the_tail_is_not_found_within_the_data() -> None:
    """A comment that looks like the end of the file is a comment."""
    comment = f'"}}}}, "key": "{KEY}", "sig": "{SIG}"}}'
    value = document({"a:1": [statement("a:1", comment=comment)]})
    assert same_as_oracle(written(value))
    assert same_as_oracle(written(value)[:-1] + b' , "x": 1}') is False
    cut = written(value)
    at = cut.index(b', \\"key\\"')
    assert not same_as_oracle(
        cut[:at] + b', "key": "%s", "sig": "%s"}' % (KEY.encode(), SIG.encode())
    )


def test_a_half_read_document_has_no_head() -> None:
    """Whoever stops early knows nothing of the state."""
    (only,) = stream.readings(LAYOUTS["as it should be"])
    entries: Iterator[stream.Entry] = only.entries()
    next(entries)
    with pytest.raises(AssertionError):
        only.head  # noqa: B018
    stream.skim(entries)
    assert 3 == only.head.sequence


ids = st.one_of(
    st.sampled_from([file_id(digit) for digit in "0aF"]), st.text(max_size=6), st.just("x:1")
)
scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
envelopes = st.builds(
    lambda id, comment, extra: statement(id, comment=comment) | extra,
    ids,
    st.text(max_size=10),
    st.dictionaries(st.sampled_from(["tst", "sig", "key", "more"]), st.just("YQ=="), max_size=1),
)
repositories = st.builds(
    lambda filed, fields: document(filed) | {"data": document(filed)["data"] | fields},
    st.dictionaries(ids, st.lists(envelopes | anything, max_size=3) | anything, max_size=4),
    st.dictionaries(
        st.sampled_from(["sequence", "previous", "root", "expires", "zz", "a", "type"]),
        anything,
        max_size=2,
    ),
)


@settings(deadline=None)
@given(
    value=repositories,
    indent=st.sampled_from([None, 0, 3]),
    ordered=st.booleans(),
    ascii=st.booleans(),
    window=st.integers(1, 40),
)
@example(value=MIXED, indent=None, ordered=True, ascii=True, window=5)
def test_both_ways_to_read_agree(
    value: Any, indent: int | None, ordered: bool, ascii: bool, window: int
) -> None:
    """Whatever stands in a repository, and however it lies there."""
    text = json.dumps(value, indent=indent, sort_keys=ordered, ensure_ascii=ascii)
    raw = text.encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict, "_WINDOW", window)
        try:
            same_as_oracle(raw)
        except FormatError:
            # The heads of both are the same code; the oracle above leaves them out.
            assert {"sequence", "previous", "root", "expires"} & value["data"].keys()


@settings(deadline=None)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    at=st.integers(0, 4000),
    piece=st.binary(max_size=2) | st.sampled_from([b'"', b",", b"{", b"}", b"]", b"\\", b"0"]),
    cut=st.integers(0, 3),
    window=st.integers(1, 90),
)
def test_both_ways_agree_on_damage(
    layout: str, at: int, piece: bytes, cut: int, window: int
) -> None:
    """A byte here, a byte there."""
    raw = LAYOUTS[layout]
    at %= len(raw)
    raw = raw[:at] + piece + raw[at + cut :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict, "_WINDOW", window)
        try:
            same_as_oracle(raw)
        except FormatError as error:
            heads = ("sequence", "previous", "expires", "root")
            assert any(name in error.message for name in heads), error
