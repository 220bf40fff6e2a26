"""How what is covered below a host's roots is opened and found: as in a run, but for a host.

Here: what a host makes different of `opening`, `finder` and `native`. Not here: what is covered
(`state`), and what else opens a path (`gates`). The rules that are cited are those of `hosting`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from sig.imports import gates
from sig.imports.errors import Differs, SigImportError, Unreadable
from sig.imports.finder import Finder
from sig.imports.native import Native
from sig.imports.opening import Opening, shown
from sig.imports.refusals import marked, quoted, refuse
from sig.imports.roots import at_or_below
from sig.model.verdict import Answer, Reason

if TYPE_CHECKING:
    from sig.imports.state import State


class HostOpening(Opening):
    """Refusals are raised, with all that is known; archives are files of their own bytes."""

    def __init__(self, state: State) -> None:
        super().__init__(state.covered, refuse, self._loaded)
        self._state = state

    def _loaded(self, name: str, path: str, digest: str, root: str, microseconds: int) -> None:
        plugin = self._state.names[root]
        owner = self._state.plugin(plugin.path)
        self._state.loaded.add(plugin.path if owner is None else owner.path)
        with self._state.hook.deciding():
            gates.libraries()
        keys = [key[-8:] for key in plugin.verdict.counted_keys]
        ok = plugin.verdict.answer is Answer.OK
        who = ",".join(keys) if ok else "nobody"
        self._state.hook.told(name, path, digest, who, microseconds)

    def tell(self, name: str, path: str, digest: str, who: str, began: int) -> None:
        """Of a module that is not covered."""
        self._state.hook.told(name, path, digest, who, (perf_counter_ns() - began) // 1000)

    def _event(self, event: str, args: tuple[Any, ...]) -> None:
        if self._state.hook.active:
            super()._event(event, args)

    # --- refusals --------------------------------------------------------------------------------

    def verified(self, path: str, name: str) -> tuple[bytes, str]:
        with self._about(path, name):
            return super().verified(path, name)

    def extension(self, path: str, name: str, create: Callable[[], Any]) -> Any:
        with self._about(path, name):
            return super().extension(path, name, create)

    def read(self, path: str) -> bytes | None:
        with self._about(path):
            return super().read(path)

    def check(self, path: str) -> None:
        with self._about(path):
            super().check(path)

    @contextmanager
    def _about(self, path: str, name: str | None = None) -> Iterator[None]:
        """What a refusal does not know itself."""
        try:
            yield
        except SigImportError as error:
            plugin = self._state.plugin(os.path.abspath(path))
            if error.path is None:
                error.path = path
            if error.name is None:
                error.name = name
            if error.verdict is None and plugin is not None:
                error.verdict = plugin.verdict
            if not error.reason:
                error.reason = (
                    Reason.UNREADABLE if isinstance(error, Unreadable) else Reason.DIFFERS
                ).value
            if error.hint is None and plugin is not None:
                error.hint = f"sig verify {quoted(plugin.path)}"
            raise

    # --- bytes -----------------------------------------------------------------------------------

    def unverified(self, path: str) -> tuple[int, bytes]:
        """The bytes of a file that is not covered, and when that began."""
        began = perf_counter_ns()
        with self._about(path):
            descriptor, size = self._opening(path, path)
            return began, self._all(descriptor, path, size)

    def digest(self, data: bytes) -> str:
        """Of some bytes, in hex."""
        return self._digest(data)

    def _compare(self, found: str, digest: str, path: str, root: str) -> None:
        if found == digest:
            return
        plugin = self._state.names[root]
        error = Differs(
            f"{shown(path)} is not the file that {shown(plugin.path)} has",
            path=path,
            digest=found,
            verdict=plugin.verdict,
            reason=Reason.DIFFERS.value,
            hint=f"sig verify {quoted(plugin.path)}",
        )
        hook = self._state.hook
        if hook.policy != "warn":
            raise error
        bad = hook.marked([found])
        if bad:
            raise marked(path, bad[found], path, found)
        hook.warn(error, path)

    def _bytes(self, path: str, digest: str, root: str) -> bytes:
        archive = self._state.archives.get(root)
        if archive is None:
            return super()._bytes(path, digest, root)
        return archive.member(path, digest)

    def _data(self, path: str, digest: str, root: str, *, later: bool = False) -> bool:
        if root in self._state.archives:  # its own digest is that of all of it
            return True
        return super()._data(path, digest, root, later=later)

    def on_disk(self, path: str) -> bool:
        found = self.find(path)
        if found is not None:
            return found[1][1].name not in self._state.archives
        return not any(at_or_below(path, one) for one in self._state.archive_paths)

    def _check(self, path: str, digest: str, root: str) -> None:
        if root in self._state.archives:
            raise FileNotFoundError(2, "in an archive: read it, or use as_file", path)
        super()._check(path, digest, root)


class HostFinder(Finder):
    """Specs for what is covered; the entries ask it."""

    def __init__(self, state: State) -> None:
        super().__init__(state.opening)
        self._state = state

    def find_spec(
        self, fullname: str, path: Iterable[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        return None

    def native(self) -> Native:
        return self._state.hook.native


class HostNative(Native):
    """As in a run, but what the host does with `ctypes` is its own affair (`gates`)."""

    def guard(self) -> None:
        if self._real is None:
            self._real = gates.plain_dlopen()
