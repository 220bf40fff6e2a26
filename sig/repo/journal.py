"""The journal (``pending/``): several files change together, or none does.

Here: what a commit writes, in which order, and how one that was cut short is read and finished.
Not here: which files are refused (`disk`), and who may write when (`home`).

H5  The rename of ``pending/commit`` is the commit. Before it nothing has changed. After it all
    has: readers look into `pending` first, and the next writer puts the files in place.
H6  Bytes and names are on disk before what makes them count is renamed.
H7  The generation changes with every commit, at the moment of the commit.

``pending/commit`` is text: the version and the generation, for each file a line with the name of
its bytes in `pending` (``-``: it is removed) and its own, and ``end``. A commit of one file is one
rename and needs no journal. `pending` holds all temporary files, so that ``repo/`` may be copied
to a host at any time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

from sig.errors import StoreError
from sig.repo import disk

VERSION = 1  # of the folder, and of a journal in it
LIMIT = 64 * 1024 * 1024
PENDING = "pending"
GENERATION = "generation"

_COMMIT = "pending/commit"


class Unfinished(NamedTuple):
    """A commit that counts but is not in place: its generation, and what it changes.

    To each name the place of its bytes within the folder, or None if it is removed.
    """

    generation: str = ""
    changes: Mapping[str, str | None] = MappingProxyType({})


_NOTHING = Unfinished()


class Journal:
    """That of a folder. Whoever lets it write has the folder's lock."""

    def __init__(self, folder: disk.Folder) -> None:
        self._folder = folder
        self.committed = False
        """Set once a commit counts; for who wants to know whether one did."""

    def unfinished(self) -> Unfinished:
        """What counts and is not in place. Raises StoreError if the journal is damaged."""
        folder = self._folder
        place = folder.place(_COMMIT)
        if folder.status(_COMMIT) is None or (data := folder.read(_COMMIT, LIMIT)) is None:
            return _NOTHING
        head, *lines = data.decode("utf-8", "replace").split("\n")
        version, _, generation = head.partition(" ")
        if _is_word(version) and version.isdigit() and int(version[:99]) > VERSION:
            disk.newer(folder.root)
        if version != str(VERSION) or not _is_word(generation) or lines[-2:] != ["end", ""]:
            disk.damaged(place)
        changes: dict[str, str | None] = {}
        for line in lines[:-2]:
            temporary, _, name = line.partition(" ")
            if not disk.is_name(name):
                disk.damaged(place)
            start, _, number = temporary.rpartition(".")
            if temporary != "-" and (start != generation or not _is_word(number)):
                disk.damaged(place)
            changes[name] = None if temporary == "-" else f"{PENDING}/{temporary}"
        return Unfinished(generation, changes)

    def generation(self) -> str:
        """H7; ``""`` before the first commit. That of an unfinished one comes before it."""
        data = self._folder.read(GENERATION, 4096)
        token, _, name = (data or b"").decode("utf-8", "replace").strip().partition(" ")
        # A commit of one file writes `generation` first. It happens when that file is replaced,
        # so the file's stamp is part of the answer: no two steps, and nothing if it never happens.
        return f"{token} {self._folder.stamp(name)}" if name else token

    def last(self) -> str:
        """Names the last commit that began; ``""`` before the first.

        Unlike a generation it does not tell whether a commit of one file was cut short, and it is
        the same in a copy of the folder. Only for what is written after a commit is over.
        """
        data = self._folder.read(GENERATION, 4096)
        return (data or b"").decode("utf-8", "replace").strip().partition(" ")[0]

    def tidy(self) -> None:
        """Finishes the commit of a killed writer, and removes what it did not commit."""
        unfinished = self.unfinished()
        if unfinished.generation:
            self._put_in_place(unfinished)
        if self._folder.reaches(f"{PENDING}/x"):
            pending = self._folder.place(PENDING)
            for name in os.listdir(pending):
                with suppress(OSError):
                    os.unlink(os.path.join(pending, name))

    def commit(self, changes: Mapping[str, bytes | None]) -> None:
        """Writes all these files, and removes those with None, which are there (H5).

        Raises StoreError or OSError, and then nothing has changed, unless it was the disk that
        failed while it flushed what had been renamed.
        """
        wanted = dict(changes)
        generation = os.urandom(8).hex()
        pending = self._folder.place(PENDING)
        temporaries: list[str] = []
        made: list[str] = []

        def write(number: str, data: bytes) -> str:
            temporaries.append(os.path.join(pending, f"{generation}.{number}"))
            disk.write(temporaries[-1], [data])
            return temporaries[-1]

        try:
            # Whatever can fail comes before the commit; after it nothing is left but renames.
            for name, data in wanted.items():
                self._folder.stamp(name)  # what H2 refuses is not replaced either
                if data is not None:
                    made += disk.make_folders(os.path.dirname(self._folder.place(name)))
            made += disk.make_folders(pending)
            if len(wanted) == 1:
                [(name, data)] = wanted.items()
                place = self._folder.place(name)
                if data is not None:
                    source = write("0", data)
                # H7: see generation(). Flushed (H6): the view of before must not look like that of
                # what comes now.
                note = f"{generation} {name}\n".encode()
                disk.replace(write("generation", note), self._folder.place(GENERATION))
                disk.flush_folder(self._folder.root)
                if data is not None:
                    disk.replace(source, place)
                else:
                    os.unlink(place)
                disk.flush_folder(os.path.dirname(place))
                if data is None:
                    self._prune(name)
                self.committed = True
                return
            lines = [f"{VERSION} {generation}"]
            wanted[GENERATION] = generation.encode()
            for number, (name, data) in enumerate(wanted.items()):
                if data is None:
                    lines.append(f"- {name}")
                else:
                    write(str(number), data)
                    lines.append(f"{generation}.{number} {name}")
            manifest = write("commit", "\n".join([*lines, "end", ""]).encode())
            disk.flush_folder(pending)  # H6: the temporary files' names, before the one that counts
            disk.replace(manifest, self._folder.place(_COMMIT))  # H5
        except BaseException:
            for temporary in temporaries:
                with suppress(OSError):
                    os.unlink(temporary)
            for folder in reversed(made):
                with suppress(OSError):
                    os.rmdir(folder)
            raise
        self.committed = True
        disk.flush_folder(pending)
        # H5: it stands, and readers see it. What fails from here on is the next writer's to do.
        with suppress(OSError, StoreError):
            self._put_in_place(self.unfinished())

    def _put_in_place(self, unfinished: Unfinished) -> None:
        """Repeatable at every step, by whoever comes next."""
        touched: set[str] = set()
        # Removals first: on a disk that folds case they may be the old spelling of what follows.
        for name, temporary in unfinished.changes.items():
            if temporary is None:
                place = self._folder.place(name)
                with suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(place)
                    touched.add(os.path.dirname(place))
                touched |= self._prune(name)
        for name, temporary in unfinished.changes.items():
            if temporary is not None:
                place = self._folder.place(name)
                # Else a missing folder would look like a file that is in place already.
                disk.make_folders(os.path.dirname(place))
                with suppress(FileNotFoundError):
                    disk.replace(self._folder.place(temporary), place)
                touched.add(os.path.dirname(place))
        for folder in touched:
            if os.path.isdir(folder):
                disk.flush_folder(folder)
        os.unlink(self._folder.place(_COMMIT))
        # Were the journal to come back after a loss of power, it would undo a later commit.
        disk.flush_folder(self._folder.place(PENDING))

    def _prune(self, name: str) -> set[str]:
        """Removes the folders above a removed file that are empty now; those changed by that."""
        touched: set[str] = set()
        folder = os.path.dirname(self._folder.place(name))
        while folder != self._folder.root:
            try:
                os.rmdir(folder)
            except OSError:
                break  # something is in it
            touched.discard(folder)
            folder = os.path.dirname(folder)
            touched.add(folder)
        return touched


def _is_word(text: str) -> bool:
    # It becomes a part of a file's name: nothing that leads elsewhere.
    return text.isascii() and text.isalnum()
