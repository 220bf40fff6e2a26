"""Ask remotes for what they offer, and have it checked: many at once, within bounds.

Writes nothing. What fails is part of the answer, so that one remote never stops the others.

D1  Two conditional requests a remote: repo.json, then key.asc.
D2  At most `AT_ONCE` remotes are asked at the same time. One that takes long has its turn no
    longer: a server that drips must not keep others waiting.
D3  What is larger than `LARGE` is asked for again, one such after the other: sixteen times 256 MiB
    would not fit into memory.
D4  No more than some batches wait to be taken.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sig.errors import NetworkError, UsageError
from sig.model import limits
from sig.model.configuration import Remote
from sig.repo import layout, remotes
from sig.repo.remotes import Following
from sig.repo.transport import Transport, Validators, check_url
from sig.verbs.checking import Checked, Refusal, check
from sig.verbs.processes import Processes, processors

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

AT_ONCE = 16
# So many seconds a remote is one of those that are asked at once.
TURN = 20.0
THREADS = 256
LARGE = 8 << 20
# Below this many bytes a second process costs more than it saves; above `LARGE` handing them over
# costs more memory than it saves time.
POOL_FROM = 1 << 20
# What waits in memory to be taken.
AHEAD = 32 << 20

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Got:
    """One request: `outcome` is ``done``, ``unchanged`` or ``failed``."""

    url: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Download:
    """What a remote answered. A body is None where it did not change."""

    remote: Remote
    following: Following
    requests: tuple[Got, ...]
    repository: bytes | None = None
    certificate: bytes | None = None
    validators: dict[str, Validators] | None = None
    failure: NetworkError | None = None

    @property
    def size(self) -> int:
        """Bytes that it holds in memory."""
        return len(self.repository or b"") + len(self.certificate or b"")


Answer = tuple[Download, Checked | Refusal | None]
"""What came, and what the check says of it: None where nothing came or nothing changed."""


class Downloads:
    """Asks remotes, each in a thread. To be used as a context; leaving it early asks no more."""

    def __init__(
        self, workspace: Workspace, wanted: Collection[Remote], progress: Progress | None
    ) -> None:
        self._workspace = workspace
        self._transport = workspace.transport()
        self._progress = progress
        self._many = len(wanted)
        self._asked = 0
        self._processes = Processes()
        self._threads = ThreadPoolExecutor(min(THREADS, len(wanted)))
        self._turns = _Turns(AT_ONCE)
        self._large = _Turns(1)
        self._room = _Room(AHEAD)

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        # Nobody gives back any more. Threads are not waited for once something went wrong: Ctrl-C
        # ends a slow fetch.
        self._room.open()
        self._threads.shutdown(wait=kind is None, cancel_futures=True)
        self._processes.__exit__(kind, *error)

    def ask(self, remote: Remote) -> Future[Answer]:
        """Its answer, when it is there and checked."""
        self._asked += 1
        return self._threads.submit(self._ask, remote, self._asked)

    def taken(self, size: int) -> None:
        """So many bytes of answers are needed no more (D4)."""
        self._room.give_back(size)

    def _ask(self, remote: Remote, number: int) -> Answer:
        with self._turns.turn(number):
            self._room.wait()
            limit = LARGE if self._many > 1 else limits.REPOSITORY
            download = _download(self._workspace, self._transport, remote, self._progress, limit)
            if not _too_large(download, limit):
                return self._checked(download)
        with self._large.turn(number):
            self._room.wait()
            download = _download(
                self._workspace, self._transport, remote, self._progress, limits.REPOSITORY
            )
            return self._checked(download)

    def _checked(self, download: Download) -> Answer:
        self._room.take(download.size)
        return download, self._check(download)

    def _check(self, download: Download) -> Checked | Refusal | None:
        raw = download.repository
        if download.failure is not None:
            return None
        if raw is None:
            if download.certificate is None:
                return None
            # The document is the same; its owner's certificate was renewed or revoked.
            name = layout.remote_repository(download.remote.name)
            raw = self._workspace.home.read(name, limits.REPOSITORY)
            if raw is None:
                return None
        pinned = download.remote.key or download.following.key
        folder, now = self._workspace.home.path, self._workspace.now()
        apart = POOL_FROM < len(raw) * self._many and len(raw) <= LARGE
        try:
            if apart and self._many > 1 and processors() > 1:
                return self._processes.run(check, raw, download.certificate, pinned, folder, now)
            return check(raw, download.certificate, pinned, folder, now)
        except Refusal as refusal:
            return refusal


class _Turns:
    """So many at once, of those that have not had their turn for long (D2), in order.

    In order, for what comes is taken in order: who came before its turn would fill the room that
    the first one waits for.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: list[int] = []
        self._started: dict[int, float] = {}
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """The turn of the remote with this number, once it is there."""
        with self._changed:
            heapq.heappush(self._waiting, number)
            while True:
                now = time.monotonic()
                ends = sorted(at + TURN for at in self._started.values() if at + TURN > now)
                full = len(ends) >= self._at_once
                if not full and self._waiting[0] == number:
                    break
                self._changed.wait(ends[-self._at_once] - now if full else None)
            heapq.heappop(self._waiting)
            self._started[number] = now
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                del self._started[number]
                self._changed.notify_all()


class _Room:
    """Bounds the bytes that were downloaded and checked and wait to be taken (D4).

    Who waits here can be waited for; so who takes answers must not wait for one for ever.
    """

    def __init__(self, most: int) -> None:
        self._most: float = most
        self._held = 0
        self._changed = threading.Condition()

    def open(self) -> None:
        """Let everybody in."""
        with self._changed:
            self._most = float("inf")
            self._changed.notify_all()

    def wait(self) -> None:
        """Until there is room for one more."""
        with self._changed:
            self._changed.wait_for(lambda: self._held <= self._most)

    def take(self, size: int) -> None:
        with self._changed:
            self._held += size

    def give_back(self, size: int) -> None:
        with self._changed:
            self._held -= size
            self._changed.notify_all()


def _too_large(download: Download, limit: int) -> bool:
    """Whether more may be asked for than was (D3)."""
    failure = download.failure
    return (
        failure is not None
        and failure.reason == "too-large"
        and limit < limits.REPOSITORY
        and len(download.requests) == 1
    )


def _download(
    workspace: Workspace,
    transport: Transport,
    remote: Remote,
    progress: Progress | None,
    limit: int,
) -> Download:
    """D1, of at most `limit` bytes."""
    home = workspace.home
    following = remotes.read(home.read(layout.remote_state(remote.name)), remote.url)
    requests: list[Got] = []
    bodies: dict[str, bytes | None] = {}
    validators: dict[str, Validators] = {}
    # Without the document there is nothing that an answer "not modified" could be about.
    known = dict(following.validators)
    if home.stat(layout.remote_repository(remote.name)) is None:
        known = {}
    for name, most in (
        (remotes.REPOSITORY, limit),
        (remotes.CERTIFICATE, limits.KEY_FILE),
    ):
        url = remote.url + name
        try:
            check_url(remote.url)
            answer = transport.get(
                url,
                limit=most,
                validators=known.get(name),
                progress=None if progress is None else partial(progress, url),
            )
        except UsageError as error:
            failure = NetworkError(error.message, reason="network")
            return Download(remote, following, (Got(url, "failed"),), failure=failure)
        except NetworkError as error:
            requests.append(Got(url, "failed"))
            return Download(remote, following, tuple(requests), failure=error)
        requests.append(Got(url, "unchanged" if answer.body is None else "done"))
        bodies[name] = answer.body
        validators[name] = answer.validators if answer.body is not None else known[name]
    return Download(
        remote,
        following,
        tuple(requests),
        bodies[remotes.REPOSITORY],
        bodies[remotes.CERTIFICATE],
        validators,
    )
