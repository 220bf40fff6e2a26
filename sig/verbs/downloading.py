"""Ask remotes for what they offer, and have it checked: many at once, within bounds.

Writes nothing. What fails is part of the answer, so that one remote never stops the others.

D1  Two conditional requests a remote: repo.json or signet.json, then key.asc; and of what has a
    tree, what is new of it (`rooted`).
D2  At most `AT_ONCE` remotes are asked at the same time. One that takes long has its turn no
    longer: a server that drips must not keep others waiting.
D3  What is larger than `LARGE` is asked for again, one such after the other: sixteen times 256 MiB
    would not fit into memory.
D4  No more than some batches wait to be taken.
D5  Where a tree is followed only signet.json is asked for, and nothing stands in for it. Where
    nothing was fetched yet, or a root was met, it is asked for first, and repo.json where there is
    no root; else repo.json alone.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from sig.errors import FormatError, NetworkError, StoreError, UsageError
from sig.model import limits, wire
from sig.model.configuration import Remote
from sig.repo import layout, memory, mirror, remotes
from sig.repo.remotes import Following
from sig.repo.transport import Transport, Validators, check_url
from sig.verbs.checking import Checked, Refusal, check, check_root, check_tree
from sig.verbs.processes import Processes, processors

if TYPE_CHECKING:
    from sig.model.root import UnverifiedRoot
    from sig.model.stream import Entry
    from sig.verbs.rooted import Came
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
    """What a remote answered. A body is None where it did not change.

    `repository` is what is to be kept as the remote's document: a repository, or the root where
    `rooted`. `came` is what is new of its tree, compared with the document `base`.
    """

    remote: Remote
    following: Following
    requests: tuple[Got, ...]
    repository: bytes | None = None
    certificate: bytes | None = None
    validators: dict[str, Validators] | None = None
    failure: NetworkError | None = None
    rooted: bool = False
    came: Came | None = None
    base: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes that it holds in memory."""
        held = 0 if self.came is None else sum(map(len, self.came.objects.values()))
        return len(self.repository or b"") + len(self.certificate or b"") + held


Answer = tuple[Download, Checked | Refusal | None]
"""What came, and what the check says of it: None where nothing came or nothing changed."""


class Downloads:
    """Asks remotes, each in a thread. To be used as a context; leaving it early asks no more."""

    def __init__(
        self,
        workspace: Workspace,
        wanted: Collection[Remote],
        progress: Progress | None,
        accept: bool = False,
    ) -> None:
        self._accept = accept
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
            answer = self._checked(download, limit)
            if answer is not None:
                return answer
        with self._large.turn(number):
            self._room.wait()
            download = _download(
                self._workspace, self._transport, remote, self._progress, limits.REPOSITORY
            )
            answer = self._checked(download, limits.REPOSITORY)
            if answer is None:
                raise AssertionError("nothing more may be asked for")
            return answer

    def _checked(self, download: Download, limit: int) -> Answer | None:
        """None where more than `limit` may be asked for (D3)."""
        if not download.rooted or download.failure is not None:
            if _too_large(download, limit):
                return None
            self._room.take(download.size)
            return download, self._check(download)
        answer = self._check_root(download, limit)
        if _too_large(answer[0], limit):
            return None
        self._room.take(answer[0].size)
        return answer

    def _check_root(self, download: Download, limit: int) -> Answer:
        """What is new of a remote that has a tree. Only of a root that its owner signed, and that
        is not one that is refused for being older or another anyway.
        """
        from sig.verbs import rooted

        home, remote = self._workspace.home, download.remote
        base = home.read(layout.remote_repository(remote.name), limits.REPOSITORY)
        raw = download.repository
        if raw is None:
            if download.certificate is None or base is None:
                return download, None
            raw = base
        pinned = remote.key or download.following.key
        now = self._workspace.now()
        progress = self._progress

        def ask(path: str, most: int) -> bytes:
            url = remote.url + path
            watch = None if progress is None else partial(progress, url)
            return self._transport.get(url, limit=most, progress=watch).body or b""

        asking = rooted.Following(remote.url, ask, limit)
        try:
            top, certificate, expires = check_root(
                raw, download.certificate, pinned, home.path, now
            )
            here = mirror.root_of(base)
            get = mirror.objects_of(home.read, remote.name)
            came = rooted.Came(top, get)
            if here is not None and here.digest == top.digest:
                download = replace(download, repository=None)
                entries: Iterable[tuple[Entry, bool]] = ()
            elif not self._accept and self._is_refused(top):
                entries = ()
            else:
                came = asking.follow(top, here, get)
                entries = came.entries()
                written = wire.envelope(top.key, top.signed, top.sig)
                download = replace(download, repository=written, came=came, base=base)
            checked = check_tree(top, certificate, expires, entries, home.path)
            return replace(download, requests=(*download.requests, *asking.requests)), checked
        except Refusal as refusal:
            return download, refusal
        except FormatError as error:
            told = f"its tree cannot be taken: {error.message}"
            failed = replace(download, requests=(*download.requests, *asking.requests))
            return failed, Refusal("failed", "format", told)
        except StoreError as error:  # what is here: another remote must not suffer from it
            return download, Refusal("failed", "format", error.message, hint=error.hint)
        except NetworkError as error:
            requests = (*download.requests, *asking.requests)
            return replace(download, requests=requests, failure=error), None

    def _is_refused(self, top: UnverifiedRoot) -> bool:
        """Whether what was met under the key makes this root one that is not taken."""
        try:
            met = memory.read_publishes(self._workspace.home.read(memory.state_file(top.key)))
        except StoreError:
            return True  # nothing of it is taken
        if met is None:
            return False
        named = top.digest if top.sequence == met.sequence else top.previous.get(met.sequence)
        return top.sequence < met.sequence or named not in (None, met.digest)

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
        and (len(download.requests) == 1 or download.rooted)
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
    stored = layout.remote_repository(remote.name)
    length = home.length(stored)
    if length is None:
        known = {}
    followed = remotes.ROOT in known or (
        length is not None
        and length <= limits.ROOT
        and mirror.root_of(home.read(stored, limits.ROOT)) is not None
    )
    if followed or _may_have_root(workspace, remote, following):
        names = [(remotes.ROOT, limits.ROOT), (remotes.CERTIFICATE, limits.KEY_FILE)]
    else:
        names = [(remotes.REPOSITORY, limit), (remotes.CERTIFICATE, limits.KEY_FILE)]
    while names:
        name, most = names.pop(0)
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
            if name == remotes.ROOT and not followed and error.reason != "network":
                names.insert(0, (remotes.REPOSITORY, limit))
                continue
            requests.append(Got(url, "failed"))
            return Download(remote, following, tuple(requests), failure=error)
        if name == remotes.ROOT and not followed and mirror.root_of(answer.body) is None:
            names.insert(0, (remotes.REPOSITORY, limit))  # a page for whatever is not there
            continue
        requests.append(Got(url, "unchanged" if answer.body is None else "done"))
        bodies[name] = answer.body
        validators[name] = answer.validators if answer.body is not None else known[name]
    rooted = remotes.ROOT in bodies
    return Download(
        remote,
        following,
        tuple(requests),
        bodies[remotes.ROOT if rooted else remotes.REPOSITORY],
        bodies[remotes.CERTIFICATE],
        validators,
        rooted=rooted,
    )


def _may_have_root(workspace: Workspace, remote: Remote, following: Following) -> bool:
    """D5, where no tree is followed yet."""
    key = remote.key or following.key
    if following.fetched is None or key is None:
        return True
    try:
        met = memory.read_publishes(workspace.home.read(memory.state_file(key)))
    except StoreError:
        return True  # whoever takes what comes says what is damaged
    return met is not None and met.rooted
