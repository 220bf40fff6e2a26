"""Makes vectors/wire: documents that are read, their canonical bytes, and documents that are refused.

    python vectors/make_wire.py           writes all of them anew

What is expected is written here by hand, from docs/spec/envelope and statement; nothing of `sig` is
imported. The format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from make_manifest import remove_others, write

FOLDER = Path(__file__).parent / "wire"
KEY = "0123456789ABCDEF0123456789ABCDEF01234567"
LONG_KEY = "AB" * 32
ID, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SIG = base64.b64encode(b"a signature").decode()
DATA: dict[str, Any] = {"id": ID, "ok": True, "reviewed": True}
BAD: dict[str, Any] = {"id": ID, "ok": False, "reviewed": True}
BACK: dict[str, Any] = {"id": ID, "ok": False, "reviewed": False, "withdrawn": True}
PART: dict[str, Any] = {"id": ID, "ok": True, "reviewed": False}
KIB = 1024

Raw = bytes | str


def raw_of(text: Raw) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def vector(name: str, kind: str, comment: str, text: Raw, canonical: Raw, /, **more: Any) -> None:
    """One that is read; `more` is what is understood of it."""
    head = {"comment": comment, "as": kind, "expect": "read"}
    data = {"text": raw_of(text), "canonical": raw_of(canonical)}
    write(FOLDER, name, head, data, json.dumps(more, sort_keys=True) if more else "")


def refused(name: str, kind: str, comment: str, text: Raw, why: str, filed: str = "") -> None:
    head = {"comment": comment, "as": kind, "expect": "refused", "why": json.dumps(why)}
    if filed:
        head["filed"] = filed
    write(FOLDER, name, head, {"text": raw_of(text)})


# --- text and values -----------------------------------------------------------------------------


def read(name: str, comment: str, text: Raw, canonical: Raw) -> None:
    vector(name, "document", comment, text, canonical)


def no(name: str, comment: str, text: Raw, why: str) -> None:
    refused(name, "document", comment, text, why)


def nested(depth: int, inner: str = "[]") -> str:
    return "[" * (depth - 1) + inner + "]" * (depth - 1)


def w1() -> None:
    read("w1-spaces", "white space of JSON around and within", ' \t\r\n{"b" : [ 1 , "ü" ] ,\n"a":{}}\n', '{"a": {}, "b": [1, "\\u00fc"]}')
    read("w1-scalar", "any value is a document", "true", "true")
    read("w1-null", "any value is a document", " null ", "null")
    json_ = "not JSON"
    for name, comment, text, why in [
        ("empty", "no byte", b"", json_),
        ("blank", "white space alone", b"  ", json_),
        ("mark", "a byte order mark", b"\xef\xbb\xbf{}", "starts with a byte order mark"),
        ("mark-behind-space", "a mark is no white space", b" \xef\xbb\xbf{}", json_),
        ("utf-16", "another encoding", "{}".encode("utf-16"), "not UTF-8"),
        ("byte", "a byte that starts no character", b'"\xff"', "not UTF-8"),
        ("overlong", "U+0000 in two bytes", b'"\xc0\x80"', "not UTF-8"),
        ("surrogate", "a surrogate in three bytes", b'"\xed\xa0\x80"', "not UTF-8"),
        ("beyond", "above U+10FFFF", b'"\xf4\x90\x80\x80"', "not UTF-8"),
        ("cut-off", "a character without its end", b'{"a": "\xc3', "not UTF-8"),
        ("two", "two values", b"{} {}", json_),
        ("letter-behind", "a letter behind", b"{}x", json_),
        ("nul-behind", "U+0000 behind", b"{}\0", json_),
        ("tab-behind", "no white space of JSON", b"{}\x0b", json_),
        ("space-behind", "no white space of JSON", "{}\u00a0", json_),
        ("quotes", "other quotes", b"{'a': 1}", json_),
        ("comma", "a comma too much", b'{"a": 1,}', json_),
        ("comma-list", "a comma too much", b"[1,]", json_),
        ("no-colon", "no colon", b'{"a" 1}', json_),
        ("bare-name", "a name without quotes", b"{a: 1}", json_),
        ("number-name", "a name that is a number", b"{1: 1}", json_),
        ("comment", "a comment", b'{"a": 1} // comment', json_),
        ("line-feed", "a line feed within a text", b'"a\nb"', json_),
        ("tabulator", "a tabulator within a text", b'"a\tb"', json_),
        ("escape", "an escape that JSON has not", b'"\\x41"', json_),
        ("escape-quote", "an escape that JSON has not", b'"\\\'"', json_),
        ("escape-short", "two digits of four", b'"\\u12"', json_),
        ("escape-plus", "a sign in place of a digit", b'"\\u+041"', json_),
        ("capital", "true as Python writes it", b"True", json_),
        ("open", "no end", b'{"a": [1', json_),
        ("open-text", "no end", b'"abc', json_),
    ]:
        no(f"w1-{name}", comment, text, why)


def w2() -> None:
    every = "".join(map(chr, range(0x21, 0x7F))).replace("a", "").replace("\\", "").replace('"', "")
    read("w2-names", "all visible characters of ASCII", json.dumps({every: 1}), json.dumps({every: 1}))
    read("w2-name-escaped", "a name may be escaped", '{"\\u006fk": 1}', '{"ok": 1}')
    read("w2-empty", "a name may be empty", '{"": 1}', '{"": 1}')
    read("w2-order", "by code points", '{"b": 1, "a": 2, "B": 3, "_": 4, "1": 5}'.replace('"B": 3, ', '"C": 3, '), '{"1": 5, "C": 3, "_": 4, "a": 2, "b": 1}')
    twice, odd = "a name stands twice in one object", "a name has characters outside U+0021"
    for name, text in {
        "twice": '{"ok": false, "ok": true}',
        "twice-same": '{"ok": true, "ok": true}',
        "case": '{"ok": false, "OK": true}',
        "escaped": '{"ok": false, "o\\u006b": true}',
        "escaped-case": '{"ok": false, "\\u004fk": true}',
        "inner": '[{"deep": {"a": 1, "A": 1}}]',
        "objects": '{"a": {}, "a": {}}',
    }.items():
        no(f"w2-{name}", "two readers would take two different ones", text, twice)
        refused(f"w2-config-{name}", "configuration", "also in a configuration", text, twice)
    for name, character in {
        "space": "a b", "nul": "\\u0000", "line-feed": "\\n", "letter": "ü", "kelvin": "\\u212a",
        "delete": "\\u007f", "no-width": "\u200b", "cyrillic": "\u043e\u043a",
    }.items():  # fmt: skip
        no(f"w2-name-{name}", "a name that looks like another one", f'{{"{character}": 1}}', odd)


def w3() -> None:
    for name, number in {
        "zero": "0", "one": "1", "minus": "-1", "ten": "10",
        "largest": "9007199254740991", "smallest": "-9007199254740991",
    }.items():  # fmt: skip
        read(f"w3-{name}", "a number", f"[{number}]", f"[{number}]")
    for name, number in {
        "minus-zero": "-0", "fraction": "0.0", "one-fraction": "1.0", "half": "-1.5", "exponent": "1e2",
        "exponent-minus": "1e-2", "exponent-plus": "1E+2", "huge": "1E400", "huge-fraction": "1.5e999",
        "minus-zero-fraction": "-0.0", "too-large": "9007199254740992",
        "too-small": "-9007199254740992", "long": "18446744073709551616", "longer": "1" * 5000,
        "two-to-63": "9223372036854775808", "minus-two-to-63": "-9223372036854775808",
    }.items():  # fmt: skip
        no(f"w3-{name}", "readers would round or refuse it in different ways", f'{{"a": {number}}}', "the number")
    for name, number in {
        "nan": "NaN", "infinity": "Infinity", "minus-infinity": "-Infinity",
    }.items():  # fmt: skip
        # Some take it for a number that is refused, others for no JSON.
        no(f"w3-{name}", "no number of JSON", f"[{number}]", "")
    for name, number in {
        "zeros": "00", "leading": "01", "minus-leading": "-01", "plus": "+1", "point": ".5",
        "point-last": "1.", "hex": "0x1", "separator": "1_000", "arabic": "١", "minus-alone": "-",
        "exponent-alone": "1e",
    }.items():  # fmt: skip
        no(f"w3-{name}", "no number of JSON", number, "")


def w4() -> None:
    read("w4-pair", "a pair of surrogates is a character", '"\\uD83D\\uDE00"', '"\\ud83d\\ude00"')
    read("w4-raw", "the same as it is", '"😀"', '"\\ud83d\\ude00"')
    read("w4-escaped", "an escaped backslash before u0000", '"\\\\u0000 \\\\ud800"', '"\\\\u0000 \\\\ud800"')
    read("w4-last", "characters that are no letters", '"\uffff\U0010ffff\ufeff\x7f\x80"', '"\\uffff\\udbff\\udfff\\ufeff\\u007f\\u0080"')
    read(
        "w4-controls",
        "short escapes where there are any",
        '"\\u0001\\b\\f\\n\\r\\t\\u000b\\u001f\\/\\"\\\\\\u0008\\u000A\\u0022\\u005c\\u002f"',
        '"\\u0001\\b\\f\\n\\r\\t\\u000b\\u001f/\\"\\\\\\b\\n\\"\\\\/"',
    )
    for name, text in {
        "nul": '"\\u0000"', "nul-within": '"a\\u0000b"', "nul-list": '["\\u0000"]',
        "nul-deep": '{"a": {"b": ["\\u0000"]}}',
    }.items():  # fmt: skip
        no(f"w4-{name}", "it ends a text of C", text, "a text has U+0000")
    for name, text in {
        "first": '"\\ud800"', "second": '"\\uDFFF"', "turned": '"\\uDC00\\uD800"',
        "list": '["x", "\\ud83d"]', "apart": '"\\ud83dx\\ude00"', "two-first": '"\\ud83d\\ud83d\\ude00"',
        "name": '{"a\\ud800": 1}',
    }.items():  # fmt: skip
        # Some take it for no JSON.
        no(f"w4-lone-{name}", "half a character", text, "")
    refused("w4-config-nul", "configuration", "a name too", '{"a\\u0000": 1}', "a text has U+0000")


def w5() -> None:
    for kind, left, right in (("lists", "[", "]"), ("objects", '{"a":', "}")):
        inner = "[]" if kind == "lists" else "{}"
        text = left * 31 + inner + right * 31
        read(f"w5-{kind}", "32 within each other", text, text.replace(":", ": "))
        for depth in (32, 126, 127, 128, 10_000):
            text = left * depth + inner + right * depth
            no(f"w5-{kind}-{depth + 1}", f"{depth + 1} within each other", text, "nested too deeply")


# --- envelopes -----------------------------------------------------------------------------------


def text_of(data: Any = DATA, **more: Any) -> str:
    """An envelope around this data; `more` are fields of it, None leaves one out."""
    found = {"data": data, "key": KEY, "sig": SIG} | more
    return json.dumps({name: value for name, value in found.items() if value is not ...})


def envelope(name: str, comment: str, text: Raw, why: str) -> None:
    refused(name, "statement", comment, text, why)


def w6() -> None:
    said = {"id": ID, "key": KEY, "ok": True, "reviewed": True, "negative": False}
    signed = f'{{"id": "{ID}", "ok": true, "reviewed": true}}'
    vector("w6-envelope", "statement", "a statement", text_of(), signed, **said)
    laid_out = json.dumps({"sig": SIG, "data": dict(reversed(DATA.items())), "key": KEY}, indent=7)
    vector("w6-laid-out", "statement", "in any order, with any space", laid_out, signed, **said)
    vector("w6-long-key", "statement", "a key of version 6", text_of(key=LONG_KEY), signed, **said | {"key": LONG_KEY})
    vector("w6-time-stamp", "statement", "with a time stamp", text_of(tst="YQ=="), signed, **said | {"tst": "YQ=="})
    vector("w6-empty-sig", "statement", "whether it is a signature is asked later", text_of(sig=""), signed, **said)
    for name, limit in (("sig", 64 * KIB), ("tst", 16 * KIB)):
        what = {"sig": "the signature", "tst": "the time stamp"}[name]
        fits = base64.b64encode(bytes(limit)).decode()
        more = base64.b64encode(bytes(limit + 1)).decode()
        vector(f"w6-{name}-largest", "statement", "at the limit", text_of(**{name: fits}), signed, **said | ({"tst": fits} if name == "tst" else {}))
        envelope(f"w6-{name}-too-large", "a byte more", text_of(**{name: more}), f"{what} is not base64 of at most {limit} bytes")
        for other, value, why in [
            ("null", None, f"base64 of at most {limit} bytes"),
            ("number", 7, f"base64 of at most {limit} bytes"),
            ("list", ["YQ=="], f"base64 of at most {limit} bytes"),
            ("letters", "a", "canonical base64"),
            ("no-padding", "YQ", "canonical base64"),
            ("short-padding", "YQ=", "canonical base64"),
            ("long-padding", "YQ===", "canonical base64"),
            ("bits", "YR==", "canonical base64"),
            ("bits-one", "YWF=", "canonical base64"),
            ("line-feed", "YQ==\n", "canonical base64"),
            ("space", " YQ==", "canonical base64"),
            ("space-within", "Y Q==", "canonical base64"),
            ("two", "YQ==YQ==", "canonical base64"),
            ("url", "_-A=", "canonical base64"),
            ("letter", "YQ=é", "canonical base64"),
            ("padding", "=", "canonical base64"),
            ("padding-first", "=YQ=", "canonical base64"),
            ("wide", "é", "canonical base64"),
        ]:  # fmt: skip
            envelope(f"w6-{name}-{other}", "one text for one signature", text_of(**{name: value}), f"{what} is not {why}")
    for name, text in [("null", "null"), ("list", "[]"), ("text", '"x"'), ("number", "1")]:
        envelope(f"w6-{name}", "no object", text, "not an envelope")
    fields = "an envelope has data, key and sig, and nothing else"
    for name, text in {
        "nothing": "{}", "no-sig": text_of(sig=...), "no-key": text_of(key=...), "no-data": text_of(data=...),
        "extra": text_of(extra=1), "extra-null": text_of(uid=None), "bare": json.dumps(DATA),
    }.items():  # fmt: skip
        envelope(f"w6-{name}", "other fields than it has", text, fields)
    for name, data in {"data-list": [], "data-text": json.dumps(DATA), "data-null": None}.items():
        envelope(f"w6-{name}", "no object", text_of(data), "the data of an envelope is not an object")
    for name, key in {
        "lower": KEY.lower(), "short": KEY[:-1], "id": KEY[-8:], "prefix": "0x" + KEY, "line-feed": KEY + "\n",
        "null": None, "list": [KEY], "letters": list(KEY), "number": 7, "48": "0" * 48, "empty": "",
        "arabic": "\u0661" * 40, "fields": dict.fromkeys(map(str, range(40))), "letter": "é" * 20,
    }.items():  # fmt: skip
        envelope(f"w6-key-{name}", "no full fingerprint", text_of(key=key), "the key is not a full fingerprint in upper-case hex")
    deep = DATA | {"x": json.loads(nested(15))}
    vector("w6-deep", "statement", "16 within each other", text_of(deep), json.dumps(deep, sort_keys=True), **said)
    envelope("w6-too-deep", "17 within each other", text_of(DATA | {"x": json.loads(nested(16))}), "the statement is nested too deeply")


def w7() -> None:
    wanted = "not a document with id"
    for name, data, but in [
        ("none", {"ok": True, "reviewed": True}, ""),
        ("empty", {}, ""),
        ("configuration", {"trust": {}, "version": "0.0.1"}, " but trust"),
        ("repository", {"attestations": {}, "version": "0.0.1"}, " but attestations"),
        ("root", {"type": "root", "version": "1"}, " but type 'root'"),
        ("type", {"type": ["root"]}, " but type"),
        ("quotes", {"type": "it's"}, " but type \"it's\""),
        ("two", DATA | {"trust": {}}, " but id, trust"),
        ("two-null", DATA | {"attestations": None}, " but attestations, id"),
        ("two-type", DATA | {"type": "statement"}, " but id, type 'statement'"),
        ("warning", BAD | {"type": None}, " but id, type"),
        ("all", BAD | {"type": "", "trust": 1, "attestations": 2}, " but attestations, id, trust, type ''"),
    ]:
        envelope(f"w7-{name}", "a signature under one kind never passes for another", text_of(data), wanted + but)


# --- statements ----------------------------------------------------------------------------------


def statement(name: str, comment: str, data: dict[str, Any], /, **understood: Any) -> None:
    """One that is read; `understood` is what is not so by default."""
    ok, back = data.get("ok") is True, data.get("withdrawn") is True
    default = {"id": data["id"], "key": KEY, "ok": ok, "reviewed": data.get("reviewed") is True}
    more = default | {"negative": not ok and not back} | understood
    canonical = json.dumps(data, sort_keys=True)
    vector(f"statement-{name}", "statement", comment, text_of(data), canonical, **more)


def odd(name: str, comment: str, field: dict[str, Any], why: str) -> None:
    """A field that is odd: in an ok and a withdrawal it is refused, a warning stands."""
    for kind, data in (("ok", PART), ("withdrawal", BACK)):
        found = data | field
        if kind == "withdrawal" and "withdrawn" in field:
            continue
        refused(f"statement-{name}-{kind}", "statement", comment, text_of(found), why)
    statement(f"{name}-warning", f"{comment}: a warning stands", BAD | {"reviewed": False} | field, odd=why)


def fields() -> None:
    statement("ok", "reviewed, ok", DATA)
    statement("warning", "reviewed, not ok", BAD)
    statement("withdrawal", "taken back", BACK, withdrawn=True)
    statement("unknown", "fields of a later version are kept", DATA | {"later": [1, {"x": None}]})
    statement("not-withdrawn", "said to stand", DATA | {"withdrawn": False})
    full = {
        "id": ID, "ok": True, "reviewed": False, "comment": "ü\n", "name": "pkg:pypi/x@1", "size": 0,
        "aliases": ["sha512:" + "c" * 128, "x:0"], "manifest": OTHER, "base": OTHER, "scope": ["a/b", ""],
        "method": "tool:lint", "criteria": ["app:x", "safe-to-run", "app:" + "y" * 65], "needs": ["base", "later"],
        "evidence": [{"id": OTHER}, {"id": "", "url": "https://example.org/"}],
        "expires": "2026-01-31T23:59:59Z", "exclude": [".git", "*"], "withdrawn": False,
    }  # fmt: skip
    statement(
        "all-fields", "all that there are", full,
        comment="ü\n", aliases=full["aliases"], manifest=OTHER, base=OTHER, scope=["a/b", ""],
        method="tool:lint", criteria=full["criteria"], needs=["base", "later"],
        expires="2026-01-31T23:59:59Z", exclude=[".git", "*"],
        **{"unknown-needs": ["later"], "also-filed": [f"manifest {OTHER}", f"app x {KEY}"]},
    )  # fmt: skip
    statement("model", "by a model", PART | {"method": "model:x:y"}, method="model:x:y")
    statement("human", "said to be by a human", DATA | {"method": "human"})
    statement("tree", "a tree has the id of its list", DATA | {"manifest": ID}, manifest=ID)
    statement(
        "archive", "an archive has another", DATA | {"manifest": OTHER}, manifest=OTHER,
        **{"also-filed": [f"manifest {OTHER}"]},
    )  # fmt: skip
    statement(
        "scope-warning", "of two files of a tree", BAD | {"reviewed": False, "manifest": ID, "scope": ["a", "b"]},
        manifest=ID, scope=["a", "b"], **{"also-filed": [f"scope {KEY}"]},
    )  # fmt: skip
    statement("scope-empty", "of no file of a tree", BAD | {"reviewed": False, "manifest": ID, "scope": []}, manifest=ID, scope=[])
    statement("empty-lists", "lists may be empty", DATA | {"aliases": [], "criteria": [], "needs": [], "evidence": []})
    statement("empty-base", "only the change", PART | {"base": ID}, base=ID)
    for name, other in {
        "fingerprint": "openpgp4fpr:" + KEY, "short-scheme": "a:b", "visible": "x+.-9:" + "".join(map(chr, range(0x21, 0x7F))),
        "longest": "a" * 32 + ":" + "b" * 256, "sha512": "sha512:ABC",
    }.items():  # fmt: skip
        statement(f"scheme-{name}", "another scheme is kept", DATA | {"id": other})
    for name, other in {
        "null": None, "number": 1, "true": True, "list": [ID], "empty": "", "upper": ID.upper(),
        "upper-digits": "sha256:" + "A" * 64, "short": ID[:-1], "long": ID + "a", "sha1": "sha1:" + "a" * 40,
        "md5": "md5:" + "a" * 32, "bare": "a" * 64, "space": " " + ID, "line-feed": ID + "\n", "no-scheme": ":a",
        "no-rest": "a:", "long-scheme": "a" * 33 + ":b", "long-rest": "a:" + "b" * 257, "capital-scheme": "A:b",
        "dash-first": "-a:b", "space-within": "a:b c", "letter": "a:é", "letter-scheme": "é:a",
    }.items():  # fmt: skip
        for kind, data in (("ok", DATA), ("warning", BAD)):
            refused(f"statement-id-{name}-{kind}", "statement", "no identifier", text_of(data | {"id": other}), "the id is not sha256: and 64 lower-case hex digits")
    missing = "is missing or not true or false"
    for name, data, why in [
        ("no-ok", {"id": ID, "reviewed": True}, f"ok {missing}"),
        ("ok-one", DATA | {"ok": 1}, f"ok {missing}"),
        ("ok-zero", DATA | {"ok": 0}, f"ok {missing}"),
        ("ok-null", DATA | {"ok": None}, f"ok {missing}"),
        ("ok-text", DATA | {"ok": "true"}, f"ok {missing}"),
        ("no-reviewed", {"id": ID, "ok": True}, f"reviewed {missing}"),
        ("reviewed-one", DATA | {"reviewed": 1}, f"reviewed {missing}"),
        ("reviewed-null", DATA | {"reviewed": None}, f"reviewed {missing}"),
        ("withdrawn-ok", PART | {"withdrawn": True}, "withdrawn and ok at once"),
    ]:
        refused(f"statement-{name}", "statement", "no positive statement", text_of(data), why)
    statement("warning-no-reviewed", "a warning stands", {"id": ID, "ok": False}, odd=f"reviewed {missing}")
    statement("warning-reviewed-one", "a warning stands", BAD | {"reviewed": 1}, odd=f"reviewed {missing}")
    beside = "reviewed beside base, scope, withdrawn or another method"
    for name, field, understood in [
        ("base", {"base": OTHER}, {"base": OTHER}),
        ("scope", {"scope": []}, {"scope": []}),
        ("tool", {"method": "tool:x"}, {"method": "tool:x"}),
    ]:
        refused(f"statement-reviewed-{name}", "statement", "a reader of 2016 would take it for a full review", text_of(DATA | field), beside)
        statement(f"reviewed-{name}-warning", "a warning stands", BAD | field, odd=beside, **understood)
    refused("statement-reviewed-withdrawn", "statement", "a reader of 2016 would take it for a warning", text_of(BACK | {"reviewed": True}), beside)
    instant = "expires is not an instant like 2026-01-31T23:59:59Z"
    for name, field, why in [
        ("withdrawn-one", {"withdrawn": 1}, "withdrawn is not true or false"),
        ("withdrawn-null", {"withdrawn": None}, "withdrawn is not true or false"),
        ("comment-number", {"comment": 7}, "comment is not a text of at most 64 KiB"),
        ("comment-long", {"comment": "a" * (64 * KIB - 1) + "ü"}, "comment is not a text of at most 64 KiB"),
        ("method-other", {"method": "robot"}, "method is not human, tool:NAME or model:NAME"),
        ("method-empty", {"method": "tool:"}, "method is not human, tool:NAME or model:NAME"),
        ("method-kind", {"method": "human:x"}, "method is not human, tool:NAME or model:NAME"),
        ("method-list", {"method": ["human"]}, "method is not human, tool:NAME or model:NAME"),
        ("base-other", {"base": "openpgp4fpr:00"}, "base is not sha256: and 64 hex digits"),
        ("base-null", {"base": None}, "base is not sha256: and 64 hex digits"),
        ("scope-text", {"scope": "a"}, "scope is not a list of texts"),
        ("scope-number", {"scope": [1]}, "scope is not a list of texts"),
        ("criteria-null", {"criteria": None}, "criteria is not a list of texts"),
        ("criteria-object", {"criteria": {}}, "criteria is not a list of texts"),
        ("aliases-list", {"aliases": [["a"]]}, "aliases is not a list of texts"),
        ("aliases-digits", {"aliases": ["sha512:"]}, "an alias is not SCHEME:HEX"),
        ("aliases-scheme", {"aliases": [":00"]}, "an alias is not SCHEME:HEX"),
        ("aliases-capitals", {"aliases": ["sha512:AB"]}, "an alias is not SCHEME:HEX"),
        ("aliases-bare", {"aliases": ["00"]}, "an alias is not SCHEME:HEX"),
        ("aliases-two", {"aliases": ["a:b:0"]}, "an alias is not SCHEME:HEX"),
        ("needs-text", {"needs": "x"}, "needs is not a list of texts"),
        ("manifest-short", {"manifest": ID[:-1]}, "manifest is not sha256: and 64 hex digits"),
        ("exclude-text", {"manifest": ID, "exclude": "x"}, "exclude is not a list of texts"),
        ("exclude-alone", {"exclude": []}, "exclude stands without manifest"),
        ("name-null", {"name": None}, "name is not a text"),
        ("size-minus", {"size": -1}, "size is not a length in bytes"),
        ("size-true", {"size": True}, "size is not a length in bytes"),
        ("size-text", {"size": "1"}, "size is not a length in bytes"),
        ("evidence-object", {"evidence": {}}, "evidence is not a list"),
        ("evidence-text", {"evidence": ["x"]}, "evidence is not a list of id and url"),
        ("evidence-no-id", {"evidence": [{"url": "x"}]}, "evidence is not a list of id and url"),
        ("evidence-more", {"evidence": [{"id": "x", "x": "y"}]}, "evidence is not a list of id and url"),
        ("evidence-null", {"evidence": [{"id": "x", "url": None}]}, "evidence is not a list of id and url"),
        *(
            (f"expires-{name}", {"expires": text}, instant)
            for name, text in {
                "null": None, "number": 0, "empty": "", "day": "2026-01-31", "no-z": "2026-01-31T23:59:59",
                "space": "2026-01-31 23:59:59Z", "small": "2026-01-31t23:59:59z", "zone": "2026-01-31T23:59:59+00:00",
                "fraction": "2026-01-31T23:59:59.0Z", "february": "2026-02-29T00:00:00Z", "1900": "1900-02-29T00:00:00Z",
                "month": "2026-13-01T00:00:00Z", "month-zero": "2026-00-01T00:00:00Z", "day-zero": "2026-01-00T00:00:00Z",
                "day-32": "2026-01-32T00:00:00Z", "april": "2026-04-31T00:00:00Z", "24": "2026-01-31T24:00:00Z",
                "minute": "2026-01-31T23:60:00Z", "leap": "2026-06-30T23:59:60Z", "year-zero": "0000-01-01T00:00:00Z",
                "year-five": "10000-01-01T00:00:00Z", "arabic": "٢026-01-31T23:59:59Z", "line-feed": "2026-01-31T23:59:59Z\n",
            }.items()
        ),
    ]:  # fmt: skip
        understood = {"manifest": ID} if "manifest" in field and name != "manifest-short" else {}
        if "withdrawn" in field:
            refused(f"statement-{name}-ok", "statement", "odd", text_of(PART | field), why)
            statement(f"{name}-warning", "odd: a warning stands", BAD | field, odd=why)
            continue
        for kind, data in (("ok", PART), ("withdrawal", BACK)):
            refused(f"statement-{name}-{kind}", "statement", "odd", text_of(data | field), why)
        warning = BAD | {"reviewed": False} | field
        statement(f"{name}-warning", "odd: a warning stands", warning, odd=why, **understood)
    for name, text in {
        "leap-day": "2024-02-29T00:00:00Z", "2000": "2000-02-29T12:00:00Z", "first": "0001-01-01T00:00:00Z",
        "last": "9999-12-31T23:59:59Z", "before-1970": "1969-12-31T23:59:59Z",
    }.items():  # fmt: skip
        statement(f"expires-{name}", "an instant", DATA | {"expires": text}, expires=text)
    longest = "a" * (64 * KIB - 2) + "ü"
    statement("comment-longest", "64 KiB", DATA | {"comment": longest}, comment=longest)
    statement("last-word", "of two rules that a warning breaks the later is told", BAD | {"comment": 7, "size": -1}, odd="size is not a length in bytes")
    elsewhere = "it is about another file than it is filed under"
    for name, filed in {"other": OTHER, "upper": ID.upper(), "short": ID[:-1], "x": "x", "app": f"app x {KEY}"}.items():
        refused(f"filed-{name}", "statement", "a stranger filed it there", text_of(), elsewhere, filed)


# --- configurations ------------------------------------------------------------------------------

CONFIG: dict[str, Any] = {"version": "0.0.1", "trust": {KEY: True}}


def config(name: str, comment: str, data: dict[str, Any], text: str = "", /, **understood: Any) -> None:
    default = {"key": None, "sequence": None, "trust": [KEY], "policy": {}, "remotes": {}}
    canonical = json.dumps(data, sort_keys=True)
    text = text or json.dumps({"data": data})
    vector(f"config-{name}", "configuration", comment, text, canonical, **default | understood)


def no_config(name: str, comment: str, data: Any, why: str, **more: Any) -> None:
    text = json.dumps({"data": data, **more})
    refused(f"config-{name}", "configuration", comment, text, why)


def configurations() -> None:
    config("unsigned", "without an own key", CONFIG)
    config("signed", "with one", CONFIG, text_of(CONFIG), key=KEY)
    full = CONFIG | {
        "trust": {KEY: True, LONG_KEY: True, "B" * 40: False, "C" * 40: 1, "short": None},
        "policy": {"ok": 2, "later": 1}, "sequence": 7, "repo_dir": "repo/", "secret_keyring": None,
        "remotes": {"bob": {"url": "https://example.org/", "key": LONG_KEY}, "c.d-e_f": {"url": "", "key": None, "x": 1}},
        "publish": {"target": "x", "url": "y", "z": 1}, "ß Label": {"Ä": 1},
    }  # fmt: skip
    config(
        "full", "all fields, and others", full, sequence=7, trust=[KEY, LONG_KEY], policy={"ok": 2, "later": 1},
        remotes={"bob": ["https://example.org/", LONG_KEY], "c.d-e_f": ["", None]},
    )  # fmt: skip
    config("nobody", "whom it trusts: nobody", CONFIG | {"trust": {}}, trust=[])
    kind = "not a document with trust"
    for name, data, but in [
        ("statement", DATA, " but id"),
        ("repository", {"attestations": {}, "version": "0.0.1"}, " but attestations"),
        ("root", {"type": "root", "version": "0.0.1"}, " but type 'root'"),
        ("two", CONFIG | {"type": "config"}, " but trust, type 'config'"),
        ("none", {"version": "0.0.1"}, ""),
    ]:
        no_config(name, "another kind of document", data, kind + but)
    another = "a configuration of another version than 0.0.1"
    for name, version, named in [
        ("version", "0.0.2", ": '0.0.2'"), ("version-one", 1, ""), ("version-null", None, ""),
        ("version-list", ["0.0.1"], ""), ("version-long", "1" * 70, f": '{'1' * 64}'"),
    ]:  # fmt: skip
        no_config(name, "a version that nobody knows yet", CONFIG | {"version": version}, another + named)
    no_config("no-version", "without a version", {"trust": {}}, another)
    for name in ("trust", "policy", "remotes", "publish"):
        for value in (None, [], "x", True):
            told = f"{name}-{type(value).__name__.lower()}"
            no_config(told, "no object", CONFIG | {name: value}, f"{name} is not an object")
    for name, value in {"zero": 0, "minus": -1, "true": True, "text": "1", "null": None}.items():
        no_config(f"sequence-{name}", "no number from 1", CONFIG | {"sequence": value}, "sequence is not a number from 1 on")
    for name in ("Trust", "POLICY", "Version", "sEquence", "Remotes"):
        data = {"trust": {}, "version": "0.0.1", name: 1}
        if name.lower() in data:
            continue  # then it stands twice
        no_config(f"spelled-{name}", "beside ours it would stand twice", data, f"{name} is written {name.lower()}")
    trust = "trust names a key that is not a full fingerprint"
    for name, key in {"short": KEY[-8:], "lower": KEY.lower(), "empty": ""}.items():
        no_config(f"trust-{name}", "no full fingerprint", CONFIG | {"trust": {key: True}}, trust)
    for name in ("target", "url"):
        no_config(f"publish-{name}", "no text", CONFIG | {"publish": {name: None}}, f"publish.{name} is not a text")
    letters = "use letters, digits and . _ -, at most 64, the first a letter or digit"
    device = "the name means a device or another file on Windows"
    for at, (remote, why) in enumerate([
        ("", letters), ("-a", letters), (".a", letters), ("a/b", letters), ("../x", letters), ("a b", letters),
        ("é", letters), ("a" * 65, letters), ("a\n", letters), ("con", device), ("NUL.txt", device), ("Com1", device),
        ("lpt9.a.b", device), ("a.", device),
    ]):  # fmt: skip
        told = f'"{remote}"' if "'" in remote else "'" + remote.replace("\n", "\\n")[:64] + "'"
        remotes = {remote: {"url": "x"}}
        no_config(f"remote-{at:02}", "no name of a remote", CONFIG | {"remotes": remotes}, f"the remote {told} cannot be read: {why}")
    for name, value, why in [
        ("null", None, "no url"), ("no-url", {}, "no url"), ("url-number", {"url": 1}, "no url"),
        ("key-short", {"url": "x", "key": "AB"}, "not a full fingerprint in upper-case hex"),
        ("key-lower", {"url": "x", "key": KEY.lower()}, "not a full fingerprint in upper-case hex"),
        ("key-list", {"url": "x", "key": list(KEY)}, "not a full fingerprint in upper-case hex"),
        ("key-number", {"url": "x", "key": 7}, "not a full fingerprint in upper-case hex"),
    ]:  # fmt: skip
        no_config(f"remote-{name}", "what is there of it", CONFIG | {"remotes": {"bob": value}}, f"the remote 'bob' cannot be read: {why}")
    no_config("remote-spelled", "beside ours it would stand twice", CONFIG | {"remotes": {"bob": {"url": "x", "Key": KEY}}}, "Key is written key")
    for name in ("com10", "console", "a.con", "lpt"):
        config(f"remote-name-{name}", "nearly a device", CONFIG | {"remotes": {name: {"url": "x"}}}, remotes={name: ["x", None]})
    no_config("data-list", "no object", [], "the data of an envelope is not an object")
    no_config("half-signed", "a key without a signature", CONFIG, "an envelope has data, key and sig, and nothing else", key=KEY)
    no_config("time-stamp", "only a statement has one", CONFIG, "an envelope has data, key and sig, and nothing else", key=KEY, sig=SIG, tst="YQ==")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for make in (w1, w2, w3, w4, w5, w6, w7, fields, configurations):
        make()
    remove_others(FOLDER)


if __name__ == "__main__":
    main()
