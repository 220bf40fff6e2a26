"""A host's plug-ins: what is covered below its declared folders is loaded, all else is refused.

Here: the hook that stands before what a host imports from its folders, and when it is decided about
them. Not here: what came of that (`state`), what is believed of a plug-in (`sig.verbs.plugins`),
how a name becomes bytes (`entries`, `hosted`), how those who ask by a path meet the same answers
(`gates`), the words of a refusal (`refusals`).

I1  Only what lies at or below a declared root is looked at. Every other name is the host's own
    affair: its finders are asked as before, in the same order.
I2  A refusal raises one of `sig.imports.errors`, and never ends the process.
I3  What is not covered does not exist: a later entry of sys.path may have the name. Only where
    nothing else has it, the refusal is raised, and says what to type. What is marked bad, differs
    from its list, or could not be looked at, is refused at once.
I4  It is decided when the hook is installed, and again by `refresh`. Of what modules were loaded
    from, the list stays: files of two releases never mix. It may only become worse.
I5  The environment can make the policy stricter, and never more lenient.
I6  Whatever the policy, what is marked bad is refused, and bytecode is never read.
I7  Nothing of our own is looked for below the roots.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sig.errors import SigError
from sig.imports import gates
from sig.imports.asking import ALWAYS, ONCE, Ask, question
from sig.imports.entries import Entry, Last
from sig.imports.errors import MarkedBad, SigImportError, SigImportWarning, Unreadable
from sig.imports.hosted import HostNative
from sig.imports.opening import shown
from sig.imports.refusals import failed, marked, refuse
from sig.imports.roots import Roots
from sig.imports.state import State
from sig.model.identifier import Identifier
from sig.model.verdict import Answer, Reason
from sig.repo.archive import members
from sig.verbs import plugins as judging
from sig.verbs.plugins import Plugin
from sig.verbs.workspace import Workspace, folder_of

if TYPE_CHECKING:
    from sig.verbs.trees import Listed

POLICIES = ("warn", "ask", "enforce")
"""From the most lenient to the strictest."""


def install(
    roots: Iterable[str],
    policy: str,
    folder: str | os.PathLike[str] | None,
    ask: Ask | None,
    trace: bool | None,
) -> Hook:
    """`sig.imports.install`, which looks for this module outside of the roots (I7)."""
    if policy not in POLICIES:
        raise ValueError(f"{policy!r} is not one of {', '.join(POLICIES)}")
    asked = os.environ.get("SIG_IMPORTS", "")
    if asked:  # I5
        asked = asked if asked in POLICIES else "enforce"
        policy = max(policy, asked, key=POLICIES.index)
    if policy == "ask" and ask is None:
        policy = "enforce"
    if trace is None:
        trace = os.environ.get("SIG_IMPORT_TRACE") == "1"
    hook = Hook(roots, policy, Workspace(folder_of(folder)), ask, trace)
    hook.refresh()
    hook.begin()
    return hook


class Hook:
    """One `install`: its roots, what was decided about them, and the way back."""

    def __init__(
        self,
        roots: Iterable[str],
        policy: str,
        workspace: Workspace,
        ask: Ask | None = None,
        trace: bool = False,
    ) -> None:
        self.places = Roots(roots)
        self.roots = self.places.bases
        self.where, self.file = self.places.where, self.places.file
        self.policy = policy
        self._workspace = workspace
        self._ask = ask
        self._trace = trace
        self._lock = threading.RLock()
        self._away: set[int] = set()  # threads that decide (I7)
        self._warned: set[str] = set()
        self._refused: set[str] = set()  # plug-ins to which the answer was no
        for base in self.roots:
            if os.path.exists(base) and not os.path.isdir(base):
                raise ValueError(f"{shown(base)} is no folder")
        for path in (os.__file__, __file__):
            if self.where(path) is not None:
                raise ValueError(f"{shown(path)} lies below a root, and the host runs by it")
        self.native = HostNative(self._read, refuse)
        self.active = True
        self.state = State(self, (), {}, set())
        self._last = Last(self)

    def __repr__(self) -> str:
        return f"<Hook {self.policy} below {', '.join(self.roots)}>"

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """What was decided, one a plug-in."""
        return tuple(self.state.plugins.values())

    # --- beginning and end -----------------------------------------------------------------------

    def begin(self) -> None:
        """Put it in place. Raises ValueError where another hook guards one of the roots."""
        gates.add(self)
        sys.path_hooks.insert(0, self.entry)
        sys.meta_path.append(self._last)
        self._forget()
        before = [name for name in list(sys.modules) if self._is_below(sys.modules.get(name))]
        if before:
            warnings.warn(
                f"imported before, so never looked at: {', '.join(sorted(before))}",
                SigImportWarning,
                stacklevel=4,
            )

    def uninstall(self) -> None:
        """Take it away. What was loaded stays loaded."""
        gates.remove(self)
        if self.entry in sys.path_hooks:
            sys.path_hooks.remove(self.entry)
        if self._last in sys.meta_path:
            sys.meta_path.remove(self._last)
        self.active = False
        self._forget()

    def _forget(self) -> None:
        for path in list(sys.path_importer_cache):
            if self.where(path) is not None:
                sys.path_importer_cache.pop(path, None)

    def _is_below(self, module: object) -> bool:
        path = getattr(getattr(module, "__spec__", None), "origin", None)
        return isinstance(path, str) and os.path.isabs(path) and self.where(path) is not None

    # --- deciding --------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Decide anew, from the folder of attestations and the roots as they are now (I4).

        Raises StoreError; then all stays as it was.
        """
        with self.deciding(), self._lock:
            self.places.forget()
            found: dict[str, Plugin] = {}
            for base in self.roots:
                for judged in judging.judge_all(self._workspace, base):
                    found.setdefault(judged.path, judged)
            old = self.state
            for path in old.loaded:
                one = old.plugins.get(path)
                if one is None or one.files is None:
                    continue
                still = judging.again(self._workspace, one)
                kept = still.answer is one.verdict.answer
                found[path] = one._replace(verdict=still, files=one.files if kept else None)
                if path in self.roots:  # whatever is believed of each plug-in in it by now
                    found = {
                        there: other
                        for there, other in found.items()
                        if there == path or os.path.dirname(there) != path
                    }
            self._refused.clear()
            self.state = State(self, found.values(), old.archives, old.loaded)

    def _become(self, plugin: Plugin) -> None:
        """The same, but for one."""
        old = self.state
        found = {**old.plugins, plugin.path: plugin}
        self.state = State(self, found.values(), old.archives, old.loaded, old.inner)

    def unpacked(self, path: str) -> bool:
        """Whether an archive at or above a path is a covered file, whose members now count too."""
        if os.path.isdir(path):
            return False
        while not os.path.lexists(path) and path != os.path.dirname(path):
            path = os.path.dirname(path)
        found = self.state.opening.find(path)
        if found is None or not path.lower().endswith(judging.ARCHIVES):
            return False
        path, (digest, root) = found
        with self._lock, self.deciding():
            old = self.state
            if path in old.inner or path in old.plugins:
                return True
            owner = old.names[root.name]
            verdict = owner.verdict._replace(id=Identifier(f"sha256:{digest}"))
            try:
                files = members(path).manifest
            except SigError as error:
                raise Unreadable(
                    f"{shown(path)} cannot be looked at: {shown(error.message)}",
                    path=path,
                    digest=digest,
                    verdict=owner.verdict,
                    reason=Reason.UNREADABLE.value,
                ) from error
            name = os.path.basename(path)
            inner = {**old.inner, path: Plugin(name, path, judging.ARCHIVE, verdict, files)}
            self.state = State(self, old.plugins.values(), old.archives, old.loaded, inner)
            return True

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """While this thread works for us, nothing is found below the roots (I7)."""
        thread = threading.get_ident()
        if thread in self._away:
            yield
            return
        self._away.add(thread)
        try:
            yield
        finally:
            self._away.discard(thread)

    @property
    def away(self) -> bool:
        """Whether this thread works for us."""
        return threading.get_ident() in self._away

    def entry(self, path: str) -> Entry:
        """For sys.path_hooks. Raises ImportError for what does not lie below the roots."""
        where = self.where(path) if isinstance(path, str) else None
        if where is None:
            raise ImportError("not below a declared root", path=path)
        if self.state.covered.folder(where) is None and not os.path.isdir(where):
            if not _in_archive(where):
                raise ImportError("neither a folder nor an archive", path=path)
        return Entry(self, where)

    # --- one file --------------------------------------------------------------------------------

    def source(self, path: str, name: str = "-") -> bytes:
        """The bytes of a file below the roots that is to run.

        Raises SigImportError, unless the policy bears what it is.
        """
        state = self.state
        if state.opening.find(path) is not None:
            return state.opening.module(path, name)
        if self.policy != "warn":
            raise self.refusal(path, name)
        began, data = state.opening.unverified(path)
        self.let(path, name, state.opening.digest(data), began)
        return data

    def let(self, path: str, name: str, digest: str, began: int) -> None:
        """Warn of what is not covered, once a file; what is marked bad is refused (I6)."""
        bad = self.marked([digest])
        if bad:
            raise marked(path, bad[digest], path, digest)
        found = self.refusal(path, name, digest)
        if isinstance(found, MarkedBad):
            raise found
        self.warn(found, path)
        self.state.opening.tell(name, path, digest, "nobody", began)

    def warn(self, found: SigImportError, path: str) -> None:
        """Say it, once for a path."""
        with self._lock:
            if path in self._warned:
                return
            self._warned.add(path)
        warnings.warn_explicit(f"loaded all the same: {found}", SigImportWarning, path, 1)

    def refusal(self, path: str, name: str | None = None, digest: str = "") -> SigImportError:
        """Why what lies at a path below the roots is refused."""
        return self.state.refusal(path, name, digest)

    def asked(self, path: str) -> bool:
        """Whether what a path belongs to is covered, now that somebody was asked."""
        if self.policy != "ask" or self._ask is None:
            return False
        with self._lock, self.deciding():
            plugin = self.state.plugin(path) or self._late(path)
            if plugin is None or plugin.files is not None or plugin.path in self._refused:
                return False
            if plugin.verdict.answer not in (Answer.UNKNOWN, Answer.UNVERIFIED):
                return False
            try:
                looked_at = judging.seen(plugin.path)
                self._check(plugin, looked_at)
                answer = self._ask(plugin, question(plugin, looked_at.manifest))
                if answer == ONCE:
                    self._become(plugin._replace(files=looked_at.manifest))
                elif answer == ALWAYS:
                    judging.attest(self._workspace, plugin, looked_at)
                    self._become(judging.judge(self._workspace, plugin.path))
                else:
                    self._refused.add(plugin.path)
                    return False
            except (SigError, OSError) as error:
                raise failed(plugin, error) from error
            return self.state.plugins[plugin.path].files is not None

    def let_in(self, path: str) -> bool:
        """Whether the archive at or above a path is covered, now that the policy bears it."""
        with self._lock, self.deciding():
            plugin = self.state.plugin(path)
            if plugin is None or plugin.files is not None or plugin.kind != judging.ARCHIVE:
                return False
            why = self.refusal(plugin.path)
            try:
                looked_at = judging.seen(plugin.path)
            except (SigError, OSError) as error:
                raise failed(plugin, error) from error
            self._check(plugin, looked_at)
            self._become(plugin._replace(files=looked_at.manifest))
        self.warn(why, plugin.path)
        return True

    def _check(self, plugin: Plugin, looked_at: Listed) -> None:
        """What nobody may let in (I6)."""
        files = looked_at.manifest.files
        bad = self.marked(files.values())
        for path, digest in files.items():
            if digest in bad:
                raise marked(f"{plugin.path}: {path}", bad[digest], plugin.path, digest)

    def marked(self, digests: Iterable[str]) -> dict[str, str]:
        """Those that are marked bad, and in which words. Raises Unreadable."""
        with self.deciding():
            try:
                return judging.marked_bad(self._workspace, digests)
            except SigError as error:
                raise Unreadable(shown(error.message), hint=error.hint) from error

    def _late(self, path: str) -> Plugin | None:
        """A plug-in that came after it was decided; only who is asked may let it in."""
        for base, top in self.places.tops(path):
            if path != base and judging.kind_of(top):
                return judging.judge(self._workspace, top)
        return None

    def _read(self, path: str) -> bytes | None:
        return self.state.opening.read(path)

    def told(self, name: str, path: str, digest: str, who: str, microseconds: int) -> None:
        """One module that was loaded."""
        if self._trace and sys.stderr is not None:
            text = shown(f"sig: {name} {path} {digest[:12]} {who} {microseconds}")
            sys.stderr.write(text + "\n")


def _in_archive(path: str) -> bool:
    """Whether a path is a file that starts as a zip, or would lie in one."""
    while path not in ("", "/"):
        if os.path.isfile(path):
            try:
                with open(path, "rb") as stream:
                    return stream.read(2) == b"PK"
            except OSError:  # so nothing can be loaded from it either
                return False
        if os.path.lexists(path):
            return False
        path = os.path.dirname(path)
    return False
