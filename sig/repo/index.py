"""All statements by identifier, in SQLite: a view that may be deleted or damaged at any time.

Here: which rows the sources hold for an identifier. Not here: what a row means or who signed it.
The files of the sources are the truth; whoever gets `IndexStale` reads those.

I1  An answer is exact or there is none: a row that damage lost must not look like a row that was
    never there. So all rows are spread over a fixed number of buckets, each of which exists even
    if empty. A *knot* holds the digests of 128 buckets, the one row of `meta` the digests of the
    knots, the sources with their stamps, and its own digest. A bucket or knot of another moment
    (a page that was never written, half a transaction) does not fit either.
I2  An answer is about these very sources: their names and stamps are compared first.
I3  A reader writes nothing and leaves no file behind: read-only, a rollback journal and no WAL.
    Where a killed writer left its journal there is no answer until the next write.
I4  A writer holds the lock of the folder (`Home.writing`).

What changes little is changed in place, in a transaction; what changes much is written anew beside
it and takes its place. Nothing is flushed to the disk: after a loss of power I1 notices, and the
index is made anew. This is against accidents. Whoever may write here could write the files as well;
what is found here is verified like what is found there.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import StoreError

if TYPE_CHECKING:
    import sqlite3

VERSION = 3
ROWS = 8  # in a bucket, on average, when the file is new; at four times as many it has outgrown it
LEAST = 16  # buckets
FEW = 256  # buckets; up to so many are always changed in place
FAN = 128  # buckets in a knot
WAIT = 5.0  # seconds for a writer's commit

_DIGEST = 32
_SCHEMA = """
CREATE TABLE meta (one INTEGER PRIMARY KEY, head BLOB, knots BLOB, digest BLOB);
CREATE TABLE knot (number INTEGER PRIMARY KEY, digests BLOB);
CREATE TABLE bucket (number INTEGER PRIMARY KEY, rows BLOB);
CREATE TABLE source (name TEXT PRIMARY KEY, buckets BLOB) WITHOUT ROWID;
"""


class IndexStale(Exception):
    """Missing, damaged, of another version, or not of these sources: read the files."""


class _Row(NamedTuple):
    id: str
    text: bytes
    source: str
    first_met: int | None
    malformed: bool = False


class Row(_Row):
    """One statement as a source holds it.

    `id` is what it is filed under, `text` one line of ASCII JSON: the envelope in canonical form,
    or what stands there instead of one (`malformed`). `first_met` is in seconds since 1970.
    """

    __slots__ = ()

    def __new__(
        cls, id: str, text: bytes, source: str, first_met: int | None, malformed: bool = False
    ) -> Row:
        if not text.isascii() or b"\n" in text or b"\t" in text:
            raise ValueError("the text of a row is one line of ASCII without a tab")
        if not source or not id:
            raise ValueError("a row has an identifier and a source")
        # `_one_line`, written out: this runs for every statement of every fetch.
        if "\n" in id or "\t" in id or "\n" in source or "\t" in source:
            _one_line(id, source)
        return tuple.__new__(cls, (id, text, source, first_met, malformed))


class Delta(NamedTuple):
    """What changed in one source between two stamps, where that is all that changed."""

    before: str
    stamp: str
    added: Iterable[Row] = ()
    removed: Iterable[Row] = ()


class _Source:
    __slots__ = ("stamp", "rows", "digest")

    def __init__(self, stamp: str, rows: int, digest: bytes) -> None:
        self.stamp = stamp
        self.rows = rows
        self.digest = digest  # of the bitmap of its buckets


class _Meta:
    __slots__ = ("buckets", "salt", "sources", "knots", "shift")

    def __init__(
        self, buckets: int, salt: bytes, sources: dict[str, _Source], knots: bytearray
    ) -> None:
        self.buckets = buckets  # a power of two
        self.salt = salt
        self.sources = sources
        self.knots = knots
        self.shift = 65 - buckets.bit_length()

    @property
    def rows(self) -> int:
        return sum(source.rows for source in self.sources.values())

    def bucket(self, identifier: bytes) -> int:
        # Salted: nobody can choose identifiers that all fall into one bucket. The upper bits: of
        # twice as many buckets, two that follow each other hold what is in one.
        digest = hashlib.sha256(self.salt + identifier).digest()
        return int.from_bytes(digest[:8], "big") >> self.shift


class _Edits:
    """What becomes of the buckets, by number. `bitmaps` are those of the sources that change.

    `watch` is given every line that comes or goes.
    """

    __slots__ = ("meta", "bitmaps", "watch", "without", "removed", "added", "_names")

    def __init__(
        self,
        meta: _Meta,
        bitmaps: dict[str, bytearray],
        watch: Callable[[bytes], None] | None = None,
    ) -> None:
        self.meta = meta
        self.bitmaps = bitmaps
        self.watch = watch
        self.without: defaultdict[int, set[bytes]] = defaultdict(set)  # sources
        self.removed: defaultdict[int, set[bytes]] = defaultdict(set)  # lines
        self.added: defaultdict[int, list[Row]] = defaultdict(list)
        self._names = {_encode(name): name for name in bitmaps}

    @property
    def buckets(self) -> set[int]:
        """Those that may become different."""
        return {*self.without, *self.removed, *self.added}

    def forget(self, name: str) -> None:
        """Take all rows of this source away."""
        for number in _bits(self.bitmaps[name]):
            self.without[number].add(_encode(name))

    def remove(self, rows: Iterable[Row]) -> None:
        """Take these rows away."""
        for row in rows:
            self.removed[self.meta.bucket(_encode(row.id))].add(row_line(row))

    def add(self, rows: Iterable[Row]) -> None:
        """Put these rows in. They become lines when it is their bucket's turn: until then their
        texts are not held twice."""
        added, salt, shift = self.added, self.meta.salt, self.meta.shift
        for row in rows:
            # `_Meta.bucket`, written out: this runs for every statement of every fetch.
            digest = hashlib.sha256(salt + row[0].encode("utf-8", "surrogatepass")).digest()
            added[int.from_bytes(digest[:8], "big") >> shift].append(row)

    def lines(self, number: int, before: bytes) -> list[bytes]:
        """The lines of a bucket from now on, sorted. Counts and maps what is in it; once."""
        lines = before.split(b"\n")
        lines.pop()  # after the last newline
        here = set(lines)
        after = here.difference(self.removed.get(number, ()))
        without = self.without.get(number)
        if without:
            after = {line for line in after if _source(line) not in without}
        sources, bitmaps = self.meta.sources, self.bitmaps
        byte, bit = number >> 3, 1 << (number & 7)
        for row in self.added.get(number, ()):
            line = row_line(row)
            if line not in after:  # the same row twice is one
                after.add(line)
                if line not in here:
                    sources[row.source].rows += 1
                    bitmaps[row.source][byte] |= bit
        lost = here - after
        if lost:
            held = set(map(_source, after))
            for encoded in map(_source, lost):
                name = self._names[encoded]
                sources[name].rows -= 1
                if encoded not in held:
                    bitmaps[name][byte] &= ~bit
        if after == here:
            return lines
        if self.watch is not None:
            for line in after ^ here:
                self.watch(line)
        return sorted(after)


class Index:
    """The index in the file `path`, which need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._path = os.path.abspath(path)
        self._new = f"{self._path}.new"

    # --- reading -------------------------------------------------------------------------------

    def lookup(self, ids: Collection[str], stamps: Mapping[str, str]) -> dict[str, list[Row]]:
        """All rows of each of these identifiers, [] where there are none.

        `stamps` are the sources as their files are now. Raises IndexStale, and nothing else.
        """
        wanted: dict[int, list[str]] = {}
        with self._reading() as connection:
            meta = self._meta_of(connection, stamps)
            for identifier in ids:
                wanted.setdefault(meta.bucket(_encode(identifier)), []).append(identifier)
            found: dict[str, list[Row]] = {}
            for number, rows in self._buckets(connection, meta, sorted(wanted)):
                for identifier in wanted[number]:
                    found[identifier] = _select(rows, identifier)
            return found

    def stamps(self) -> dict[str, str]:
        """The sources that are in the index and their stamps. Raises IndexStale."""
        with self._reading() as connection:
            meta = self._meta_of(connection)
            return {name: source.stamp for name, source in meta.sources.items()}

    def counts(self, stamps: Mapping[str, str]) -> dict[str, int]:
        """The number of rows of each source. Raises IndexStale."""
        with self._reading() as connection:
            meta = self._meta_of(connection, stamps)
            return {name: source.rows for name, source in meta.sources.items()}

    def lines(self, stamps: Mapping[str, str]) -> Iterator[bytes]:
        """The line of every row (`read_line`), those of one identifier together.

        Raises IndexStale, also after it gave some.
        """
        with self._reading() as connection:
            meta = self._meta_of(connection, stamps)
            for rows in self._every_bucket(connection, meta):
                yield from rows.split(b"\n")[:-1]

    def check(self) -> list[str]:
        """What is wrong with the file, after reading all of it; [] if nothing is."""
        try:
            with self._reading() as connection:
                wrong = [text for (text,) in connection.execute("PRAGMA integrity_check(3)")]
                if wrong != ["ok"]:
                    return [f"the index is damaged: {text}" for text in wrong]
                return self._check(connection)
        except IndexStale as error:
            return [f"the index cannot be used: {error}"]

    # --- writing -------------------------------------------------------------------------------

    def replace(
        self,
        changed: Mapping[str, tuple[str, Iterable[Row]]],
        gone: Collection[str] = (),
        delta: Mapping[str, Delta] | None = None,
        watch: Callable[[bytes], None] | None = None,
    ) -> None:
        """Brings sources up to date, in one transaction.

        `changed` gives the new stamp and all rows of a source, `gone` has no more, `delta` says
        what is different (the quick way for one row more in a large source). `watch` is given the
        line of every row that comes or goes (`read_line`). Only within `Home.writing`. Raises
        IndexStale, and then nothing has changed: rebuild.
        """
        # All from the caller comes before the connection: its errors are not the index's.
        for name, (stamp, _) in changed.items():
            _one_line(name, stamp)
        deltas = delta or {}
        _one_line(*(each.stamp for each in deltas.values()))
        filled = {name: (stamp, _of(name, rows)) for name, (stamp, rows) in changed.items()}
        added = {name: _of(name, each.added) for name, each in deltas.items()}
        removed = {name: _of(name, each.removed) for name, each in deltas.items()}
        with self._connected("rw") as connection:
            # No flush (see above). The journal is for readers, and for a writer that is killed.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            connection.execute("BEGIN IMMEDIATE")
            meta = self._meta_of(connection)
            for name, each in deltas.items():
                # Else what a killed process did not get to tell would be missing for good.
                if name not in meta.sources or meta.sources[name].stamp != each.before:
                    raise IndexStale(f"it is not of the {name} that changed")
            most = sum(map(len, added.values())) + sum(len(rows) for _, rows in filled.values())
            most += sum(
                source.rows
                for name, source in meta.sources.items()
                if name not in filled and name not in gone
            )
            edits = _Edits(
                meta,
                {name: self._bitmap(connection, meta, name) for name in {*filled, *gone, *added}},
                watch,
            )
            for name in {*filled, *gone}:
                edits.forget(name)
            for name, (stamp, rows) in filled.items():
                known = meta.sources.get(name)
                meta.sources[name] = _Source(stamp, known.rows if known else 0, b"")
                edits.add(rows)
            for name, each in deltas.items():
                meta.sources[name].stamp = each.stamp
                edits.remove(removed[name])
                edits.add(added[name])
            outgrown = most > 4 * ROWS * meta.buckets
            much = meta.buckets > FEW and 4 * len(edits.buckets) > meta.buckets
            # Windows does not replace a file while somebody reads it.
            if not outgrown and (not much or sys.platform == "win32"):
                self._change(connection, edits, gone)
                return
            full = most > 2 * ROWS * meta.buckets
            buckets = _enough(most, meta.buckets) if full else meta.buckets
            self._write_new(buckets, edits, self._copied(connection, edits, buckets), gone)
        try:
            self._take_place()
        except OSError as error:
            raise IndexStale(str(error)) from error

    def rebuild(self, sources: Mapping[str, tuple[str, Iterable[Row]]]) -> None:
        """Makes the index anew, whatever was there.

        `sources` are the stamp and all rows of each source. Only within `Home.writing`. Raises
        StoreError if it cannot be written; then there is none, or the one that was.
        """
        for name, (stamp, _) in sources.items():
            _one_line(name, stamp)
        listed = {name: _of(name, rows) for name, (_, rows) in sources.items()}
        buckets = _enough(sum(map(len, listed.values())), LEAST)
        known = {name: _Source(stamp, 0, b"") for name, (stamp, _) in sources.items()}
        meta = _Meta(buckets, os.urandom(16), known, bytearray())
        edits = _Edits(meta, {name: bytearray(buckets // 8) for name in sources})
        for rows in listed.values():
            edits.add(rows)
        contents = (_join(edits.lines(number, b"")) for number in range(buckets))
        try:
            self._write_new(buckets, edits, contents)
            self._take_place()
        except OSError as error:
            words = os.strerror(error.errno).lower() if error.errno else str(error)
            raise StoreError(f"the index cannot be written: {words}") from error

    # --- connections ---------------------------------------------------------------------------

    @contextmanager
    def _connected(self, mode: str) -> Iterator[sqlite3.Connection]:
        """A short connection; whatever goes wrong with the file is IndexStale."""
        # Not at the top of the module: 2 ms that most commands need and some do not.
        import sqlite3

        try:
            status = os.lstat(self._path)
        except OSError as error:
            raise IndexStale("there is none") from error
        if not stat.S_ISREG(status.st_mode):
            raise IndexStale("not a regular file")
        if sys.platform != "win32" and (
            status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022
        ):
            raise IndexStale("others can write it")
        path = self._path if sys.platform != "win32" else "/" + self._path.replace("\\", "/")
        # Never immutable=1: it would read past what a writer has just committed.
        uri = f"file:{_quoted(os.fsencode(path))}?mode={mode}"
        connection = None
        try:
            connection = sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None)
            yield connection
        except IndexStale:
            raise
        # Damage shows as any of these: a length of 2^31, text that is none, a column of another
        # type, a source that is none.
        except (sqlite3.Error, OSError, MemoryError, LookupError) as error:
            raise IndexStale(str(error) or type(error).__name__) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise IndexStale(str(error) or type(error).__name__) from error
        finally:
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()  # rolls back what was not committed

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._connected("ro") as connection:
            # Hardly any page is read twice: more of them in memory would only be made and dropped.
            connection.execute("PRAGMA cache_size=-256")
            connection.execute("BEGIN")  # one moment for all that is read
            yield connection

    # --- what is in the tables -------------------------------------------------------------------

    def _meta_of(
        self, connection: sqlite3.Connection, stamps: Mapping[str, str] | None = None
    ) -> _Meta:
        row = connection.execute("SELECT head, knots, digest FROM meta WHERE one = 1").fetchone()
        if row is None:
            raise IndexStale("it is empty")
        head, knots, digest = row
        if digest != _digest("meta", head, knots):
            raise IndexStale("its head is damaged")
        first, *lines = head.decode("utf-8", "surrogatepass").split("\n")[:-1]
        version, buckets, salt = first.split("\t")
        if version != str(VERSION):
            raise IndexStale("it is of another version")
        sources: dict[str, _Source] = {}
        for line in lines:
            name, stamp, rows, bitmap = line.split("\t")
            sources[name] = _Source(stamp, int(rows), bytes.fromhex(bitmap))
        if stamps is not None:  # I2
            if len(stamps) != len(sources):
                raise IndexStale("it has other sources")
            for name, stamp in stamps.items():
                if name not in sources or sources[name].stamp != stamp:
                    raise IndexStale(f"it is not of this {name}")
        return _Meta(int(buckets), bytes.fromhex(salt), sources, bytearray(knots))

    def _knot(self, connection: sqlite3.Connection, meta: _Meta, number: int) -> bytes:
        row = connection.execute("SELECT digests FROM knot WHERE number = ?", (number,)).fetchone()
        expected = meta.knots[number * _DIGEST : (number + 1) * _DIGEST]
        if row is None or _digest(f"knot {number}", row[0]) != expected:
            raise IndexStale(f"its knot {number} is damaged")
        return bytes(row[0])

    def _buckets(
        self, connection: sqlite3.Connection, meta: _Meta, numbers: Iterable[int]
    ) -> Iterator[tuple[int, bytes]]:
        """The buckets of these ascending numbers, each exactly as it was written (I1)."""
        knot, digests = -1, b""
        query = "SELECT rows FROM bucket WHERE number = ?"
        for number in numbers:
            if number // FAN != knot:
                knot = number // FAN
                digests = self._knot(connection, meta, knot)
            row = connection.execute(query, (number,)).fetchone()
            at = number % FAN * _DIGEST
            if row is None or _digest(f"bucket {number}", row[0]) != digests[at : at + _DIGEST]:
                raise IndexStale(f"its bucket {number} is damaged")
            yield number, row[0]

    def _every_bucket(self, connection: sqlite3.Connection, meta: _Meta) -> Iterator[bytes]:
        """All buckets in their order, by one question for each knot."""
        query = "SELECT number, rows FROM bucket WHERE number >= ? AND number < ? ORDER BY number"
        for knot in range(meta.buckets // FAN or 1):
            digests = self._knot(connection, meta, knot)
            expected = knot * FAN
            for number, rows in connection.execute(query, (expected, expected + FAN)):
                at = number % FAN * _DIGEST
                digest = _digest(f"bucket {number}", rows)
                if number != expected or digest != digests[at : at + _DIGEST]:
                    raise IndexStale(f"its bucket {expected} is damaged")
                expected += 1
                yield rows
            if expected != min((knot + 1) * FAN, meta.buckets):
                raise IndexStale(f"its bucket {expected} is damaged")

    def _bitmap(self, connection: sqlite3.Connection, meta: _Meta, name: str) -> bytearray:
        """The buckets that hold rows of a source."""
        if name not in meta.sources:
            return bytearray(meta.buckets // 8)
        row = connection.execute("SELECT buckets FROM source WHERE name = ?", (name,)).fetchone()
        if row is None or _digest(name, row[0]) != meta.sources[name].digest:
            raise IndexStale(f"its map of {name} is damaged")
        return bytearray(row[0])

    def _change(self, connection: sqlite3.Connection, edits: _Edits, gone: Collection[str]) -> None:
        """Writes what becomes different, and commits."""
        meta = edits.meta
        fresh: dict[int, bytes] = {}
        for number, rows in self._buckets(connection, meta, sorted(edits.buckets)):
            content = _join(edits.lines(number, rows))
            if content != rows:
                fresh[number] = _digest(f"bucket {number}", content)
                query = "UPDATE bucket SET rows = ? WHERE number = ?"
                connection.execute(query, (content, number))
        for knot in sorted({number // FAN for number in fresh}):
            digests = bytearray(self._knot(connection, meta, knot))
            for number, digest in fresh.items():
                if number // FAN == knot:
                    at = number % FAN * _DIGEST
                    digests[at : at + _DIGEST] = digest
            query = "UPDATE knot SET digests = ? WHERE number = ?"
            connection.execute(query, (bytes(digests), knot))
            at = knot * _DIGEST
            meta.knots[at : at + _DIGEST] = _digest(f"knot {knot}", bytes(digests))
        for name in gone:
            meta.sources.pop(name, None)
            connection.execute("DELETE FROM source WHERE name = ?", (name,))
        for name in edits.bitmaps.keys() & meta.sources.keys():
            self._write_source(connection, meta, name, edits.bitmaps[name])
        self._write_meta(connection, meta)
        connection.execute("COMMIT")

    def _write_source(
        self, connection: sqlite3.Connection, meta: _Meta, name: str, bitmap: bytearray
    ) -> None:
        meta.sources[name].digest = _digest(name, bitmap)
        connection.execute("INSERT OR REPLACE INTO source VALUES (?, ?)", (name, bytes(bitmap)))

    def _write_meta(self, connection: sqlite3.Connection, meta: _Meta) -> None:
        lines = [f"{VERSION}\t{meta.buckets}\t{meta.salt.hex()}"]
        for name, source in sorted(meta.sources.items()):
            lines.append(f"{name}\t{source.stamp}\t{source.rows}\t{source.digest.hex()}")
        head = _encode("\n".join([*lines, ""]))
        knots = bytes(meta.knots)
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (1, ?, ?, ?)",
            (head, knots, _digest("meta", head, knots)),
        )

    # --- a new file ------------------------------------------------------------------------------

    def _copied(
        self, connection: sqlite3.Connection, edits: _Edits, buckets: int
    ) -> Iterator[bytes]:
        """Every bucket as it is from now on, of so many; at the end `edits` has all bitmaps."""
        meta = edits.meta
        touched = edits.buckets
        parts = buckets // meta.buckets
        more = _Meta(buckets, meta.salt, meta.sources, bytearray())
        bitmaps = {_encode(name): bytearray(buckets // 8) for name in meta.sources}
        for number, rows in enumerate(self._every_bucket(connection, meta)):
            if parts == 1:
                yield _join(edits.lines(number, rows)) if number in touched else rows
                continue
            divided: list[list[bytes]] = [[] for _ in range(parts)]
            for line in edits.lines(number, rows):
                identifier, source, _ = line.split(b"\t", 2)
                place = more.bucket(identifier)
                divided[place % parts].append(line)
                bitmaps[source][place >> 3] |= 1 << (place & 7)
            yield from map(_join, divided)
        for name in meta.sources:
            if parts > 1:
                edits.bitmaps[name] = bitmaps[_encode(name)]
            elif name not in edits.bitmaps:
                edits.bitmaps[name] = self._bitmap(connection, meta, name)

    def _write_new(
        self, buckets: int, edits: _Edits, contents: Iterable[bytes], gone: Collection[str] = ()
    ) -> None:
        """A new file beside the old one. Raises OSError, and what `contents` raises."""
        import sqlite3

        meta = _Meta(buckets, edits.meta.salt, edits.meta.sources, bytearray())
        digests: list[bytes] = []

        def numbered() -> Iterator[tuple[int, bytes]]:
            for number, content in enumerate(contents):
                digests.append(_digest(f"bucket {number}", content))
                yield number, content

        try:
            for left in (self._new, f"{self._new}-journal"):
                with suppress(FileNotFoundError):
                    os.unlink(left)
            os.close(os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            if sys.platform != "win32":
                os.chmod(self._new, 0o600)
            connection = sqlite3.connect(self._new, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode=OFF").fetchone()
                connection.execute("PRAGMA synchronous=OFF")
                connection.execute("BEGIN")
                for statement in _SCHEMA.strip().split("\n"):
                    connection.execute(statement)
                connection.executemany("INSERT INTO bucket VALUES (?, ?)", numbered())
                for knot in range(0, len(digests), FAN):
                    content = b"".join(digests[knot : knot + FAN])
                    meta.knots += _digest(f"knot {knot // FAN}", content)
                    connection.execute("INSERT INTO knot VALUES (?, ?)", (knot // FAN, content))
                for name in gone:
                    meta.sources.pop(name, None)
                for name in meta.sources:
                    self._write_source(connection, meta, name, edits.bitmaps[name])
                self._write_meta(connection, meta)
                connection.execute("COMMIT")
            finally:
                connection.close()
        except BaseException as error:
            with suppress(OSError):
                os.unlink(self._new)
            if isinstance(error, sqlite3.Error):
                raise OSError(str(error)) from error
            raise

    def _take_place(self) -> None:
        """The new file instead of the old one. Raises OSError."""
        journal = f"{self._path}-journal"
        try:
            if os.path.lexists(journal):
                # Left by a killed writer. SQLite would roll it back into the new file; and without
                # it the old file is half a transaction. So the old file goes first.
                with suppress(FileNotFoundError):
                    os.unlink(self._path)
                os.unlink(journal)
            os.replace(self._new, self._path)
        except BaseException:
            with suppress(OSError):
                os.unlink(self._new)
            raise

    # --- the full check --------------------------------------------------------------------------

    def _check(self, connection: sqlite3.Connection) -> list[str]:
        meta = self._meta_of(connection)
        wrong: list[str] = []
        counted = dict.fromkeys(meta.sources, 0)
        bitmaps = {name: bytearray(meta.buckets // 8) for name in meta.sources}
        for number, rows in enumerate(self._every_bucket(connection, meta)):
            for line in rows.split(b"\n")[:-1]:
                row = read_line(line)
                if meta.bucket(_encode(row.id)) != number:
                    wrong.append(f"a row of {row.id} is in the wrong bucket")
                if row.source not in counted:
                    wrong.append(f"a row is of {row.source}, which is no source")
                    continue
                counted[row.source] += 1
                bitmaps[row.source][number >> 3] |= 1 << (number & 7)
        for name, source in meta.sources.items():
            if source.rows != counted[name]:
                wrong.append(f"{counted[name]} rows are of {name}, and {source.rows} should be")
            if bitmaps[name] != self._bitmap(connection, meta, name):
                wrong.append(f"the map of {name} does not fit its rows")
        return wrong


# --- rows and bytes ------------------------------------------------------------------------------


def _one_line(*words: str) -> None:
    for word in words:
        if "\n" in word or "\t" in word:
            raise ValueError("no tab and no newline in an identifier, a source or a stamp")


def _quoted(path: bytes) -> str:
    """A path within a URI, as urllib.parse has it, which takes 3 ms to load."""
    plain = b"/-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in path)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(what: str, part: bytes | bytearray, more: bytes = b"") -> bytes:
    """Bound to its place: a bucket that lies where another belongs does not fit."""
    digest = hashlib.sha256(_encode(f"{what}\0{len(part)}\0{len(more)}\0"))
    digest.update(part)
    digest.update(more)
    return digest.digest()


def _enough(rows: int, buckets: int) -> int:
    """How many buckets a new file for so many rows has, and at least so many."""
    # Half as full as they may be on average: most sources only grow.
    while buckets * ROWS < 2 * rows:
        buckets *= 2
    return buckets


def _of(name: str, rows: Iterable[Row]) -> list[Row]:
    """The rows of one source."""
    listed = rows if isinstance(rows, list) else list(rows)
    for row in listed:
        if row.source != name:
            raise ValueError(f"a row of {row.source} among those of {name}")
    return listed


def row_line(row: Row) -> bytes:
    """A row as one line, without its end: what it is filed under, a tab, and the rest."""
    id, text, source, first_met, malformed = row
    met = "" if first_met is None else first_met
    return _encode(f"{id}\t{source}\t{met}\t{malformed:d}\t") + text


def read_line(line: bytes) -> Row:
    """The row of a line. Raises ValueError."""
    identifier, source, first_met, malformed, text = line.split(b"\t")
    return Row(
        identifier.decode("utf-8", "surrogatepass"),
        text,
        source.decode("utf-8", "surrogatepass"),
        int(first_met) if first_met else None,
        malformed == b"1",
    )


def _source(line: bytes) -> bytes:
    return line.split(b"\t", 2)[1]


def _join(lines: Iterable[bytes]) -> bytes:
    return b"\n".join([*lines, b""])


def _select(rows: bytes, identifier: str) -> list[Row]:
    """The rows of one identifier. The lines are sorted, so they follow each other."""
    start = _encode(identifier) + b"\t"
    at = rows.find(start)
    while at > 0 and rows[at - 1] != 10:  # another identifier ends like this one
        at = rows.find(start, at + 1)
    found = []
    while at >= 0 and rows.startswith(start, at):
        end = rows.index(b"\n", at)
        found.append(read_line(rows[at:end]))
        at = end + 1
    return found


def _bits(bitmap: bytes | bytearray) -> Iterator[int]:
    for at, byte in enumerate(bitmap):
        if byte:
            for bit in range(8):
                if byte >> bit & 1:
                    yield at * 8 + bit
