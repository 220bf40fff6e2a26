"""A host's plug-ins: what is covered below its declared folders is loaded, all else is refused.

Here: what is decided about the folders, and the hook that stands before what the host imports from
them. Not here: what is believed of a plug-in (`sig.verbs.plugins`), how a name becomes bytes
(`finder`, `opening`), how those who ask by a path meet the same answers (`gates`).

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
import shlex
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from time import perf_counter_ns
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from sig.errors import FormatError, SigError
from sig.imports import gates
from sig.imports.archives import Archive
from sig.imports.covered import Covered
from sig.imports.entries import Entry, Last
from sig.imports.errors import (
    Differs,
    MarkedBad,
    NotCovered,
    SigImportError,
    SigImportWarning,
    Unreadable,
)
from sig.imports.finder import Finder
from sig.imports.native import Native
from sig.imports.opening import BAD, DIFFERENT, UNREADABLE, Opening, shown
from sig.imports.plan import Root
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.model.verdict import Answer, Reason
from sig.repo.archive import members
from sig.verbs import plugins as judging
from sig.verbs.plugins import Plugin
from sig.verbs.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from sig.verbs.trees import Listed

    Ask = Callable[[Plugin, str], str]

POLICIES = ("warn", "ask", "enforce")
"""From the most lenient to the strictest."""
ONCE, ALWAYS, NO = "once", "always", "no"

_KINDS: dict[int, type[SigImportError]] = {
    DIFFERENT: Differs,
    BAD: MarkedBad,
    UNREADABLE: Unreadable,
}


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
    hook = Hook(roots, policy, Workspace(_folder(folder)), ask, trace)
    hook.refresh()
    hook.begin()
    return hook


def _folder(folder: str | os.PathLike[str] | None) -> Path:
    """As the command line has it."""
    from pathlib import Path

    chosen = folder or os.environ.get("SIG_DIR")
    return Path(chosen) if chosen else Path.home() / ".signet"


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
        # The longest first: a root may lie below another one.
        self.roots = tuple(sorted(set(roots), key=lambda base: (-len(base), base)))
        self.policy = policy
        self._workspace = workspace
        self._ask = ask
        self._trace = trace
        self._lock = threading.RLock()
        self._away: set[int] = set()  # threads that decide (I7)
        self._warned: set[str] = set()
        self._refused: set[str] = set()  # plug-ins to which the answer was no
        self._folders: dict[str, str | None] = {}
        self._prefixes = tuple(
            dict.fromkeys(
                (prefix.rstrip("/"), base.rstrip("/"))
                for base in self.roots
                for prefix in (base, os.path.realpath(base))
            )
        )
        for base in self.roots:
            if os.path.exists(base) and not os.path.isdir(base):
                raise ValueError(f"{shown(base)} is no folder")
        for path in (os.__file__, __file__):
            if self.where(path) is not None:
                raise ValueError(f"{shown(path)} lies below a root, and the host runs by it")
        self.native = _Native(self._read, _refuse)
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
            self._folders.clear()
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

    # --- where something lies --------------------------------------------------------------------

    def where(self, path: str) -> str | None:
        """The path as its root is spelled, if it is that root or lies below it (I1)."""
        try:
            absolute = os.path.abspath(path)
            found = self._spelled(absolute)
            if found is None:
                real = os.path.realpath(path)
                found = self._spelled(real) if real != absolute else None
        except (OSError, ValueError):  # no path at all, or no current folder any more
            return None
        return found

    def file(self, path: str) -> str | None:
        """The same for a file; what was found out about a folder is kept."""
        folder, _, name = path.rpartition("/")
        if not folder.startswith("/") or name in ("", ".", ".."):
            return self.where(path)
        if folder not in self._folders:
            self._folders[folder] = self.where(folder)
        below = self._folders[folder]
        return None if below is None else f"{below}/{name}"

    def _spelled(self, path: str) -> str | None:
        for prefix, base in self._prefixes:
            if path == prefix or path.startswith(prefix + "/"):
                return base + path[len(prefix) :]
        return None

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
            raise _marked(path, bad[digest], path, digest)
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
                answer = self._ask(plugin, _question(plugin, looked_at.manifest))
                if answer == ONCE:
                    self._become(plugin._replace(files=looked_at.manifest))
                elif answer == ALWAYS:
                    judging.attest(self._workspace, plugin, looked_at)
                    self._become(judging.judge(self._workspace, plugin.path))
                else:
                    self._refused.add(plugin.path)
                    return False
            except (SigError, OSError) as error:
                raise _failed(plugin, error) from error
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
                raise _failed(plugin, error) from error
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
                raise _marked(f"{plugin.path}: {path}", bad[digest], plugin.path, digest)

    def marked(self, digests: Iterable[str]) -> dict[str, str]:
        """Those that are marked bad, and in which words. Raises Unreadable."""
        with self.deciding():
            try:
                return judging.marked_bad(self._workspace, digests)
            except SigError as error:
                raise Unreadable(shown(error.message), hint=error.hint) from error

    def _late(self, path: str) -> Plugin | None:
        """A plug-in that came after it was decided; only who is asked may let it in."""
        for base in self.roots:
            if _at_or_below(path, base) and path != base:
                top = f"{base}/{path[len(base) + 1 :].partition('/')[0]}"
                if judging.kind_of(top):
                    return judging.judge(self._workspace, top)
        return None

    def _read(self, path: str) -> bytes | None:
        return self.state.opening.read(path)

    def told(self, name: str, path: str, digest: str, who: str, microseconds: int) -> None:
        """One module that was loaded."""
        if self._trace and sys.stderr is not None:
            text = shown(f"sig: {name} {path} {digest[:12]} {who} {microseconds}")
            sys.stderr.write(text + "\n")


def _question(plugin: Plugin, files: Manifest) -> str:
    many = f"{len(files)} files" if len(files) > 1 else "this file"
    return (
        f"{shown(plugin.path)} is not covered: {shown(plugin.verdict.message)}. Load it once, or "
        f"always, which signs that you reviewed {many} and found no major flaw?"
    )


def _in_archive(path: str) -> bool:
    """Whether a path is a file that starts as a zip, or would lie in one."""
    while path not in ("", "/"):
        if os.path.isfile(path):
            try:
                with open(path, "rb") as stream:
                    return stream.read(2) == b"PK"
            except OSError:
                return False
        if os.path.lexists(path):
            return False
        path = os.path.dirname(path)
    return False


def _marked(what: str, why: str, path: str, digest: str) -> MarkedBad:
    return MarkedBad(
        shown(f"{what} is {why}"),
        path=path,
        digest=digest,
        reason=Reason.MARKED_BAD.value,
        hint=f"sig show sha256:{digest}",
    )


def _failed(plugin: Plugin, error: SigError | OSError) -> SigImportError:
    """Why nobody could be asked, or the answer came to nothing."""
    return NotCovered(
        f"{shown(plugin.path)} is not covered: "
        f"{shown(error.message if isinstance(error, SigError) else str(error))}",
        path=plugin.path,
        verdict=plugin.verdict,
        reason=plugin.verdict.reason.value,
        hint=error.hint if isinstance(error, SigError) else None,
    )


def _refuse(code: int, message: str) -> NoReturn:
    raise _KINDS[code](message)


# --- what was decided ----------------------------------------------------------------------------


class State:
    """What was decided at one time; it does not change, but for what was `loaded`."""

    def __init__(
        self,
        hook: Hook,
        plugins: Iterable[Plugin],
        archives: dict[str, Archive],
        loaded: set[str],
        inner: Mapping[str, Plugin] = MappingProxyType({}),
    ) -> None:
        self.hook = hook
        self.plugins: dict[str, Plugin] = {}
        self.loaded = loaded
        self.archives: dict[str, Archive] = {}
        roots: list[Root] = []
        given = {plugin.path: plugin for plugin in plugins}
        self.inner = inner  # archives that are files of a plug-in
        for plugin in (*given.values(), *inner.values()):
            root = None
            if plugin.files is not None:
                base = next(base for base in hook.roots if _at_or_below(plugin.path, base))
                try:
                    root = _root(plugin, base, given)
                except FormatError as error:
                    wrong = plugin.verdict._replace(
                        answer=Answer.ERROR, reason=Reason.UNREADABLE, message=error.message
                    )
                    plugin = plugin._replace(verdict=wrong, files=None)
            if root is not None:
                roots.append(root)
                if plugin.kind == judging.ARCHIVE:
                    known = archives.get(root.name)
                    self.archives[root.name] = (
                        known
                        if known is not None and known.files == plugin.files
                        else Archive(plugin)
                    )
            if plugin.path not in inner:
                self.plugins[plugin.path] = plugin
        everything = {**inner, **self.plugins}
        self.archive_paths = [
            path for path, one in everything.items() if one.kind == judging.ARCHIVE
        ]
        self.names = {_name(path): plugin for path, plugin in everything.items()}
        self.stopped = {
            path: plugin
            for path, plugin in self.plugins.items()
            if plugin.files is None
            and (
                plugin.verdict.answer in (Answer.BAD, Answer.ERROR)
                or plugin.verdict.reason is Reason.DIFFERS
            )
        }
        self.top_stopped = {
            (os.path.dirname(path), os.path.basename(path).partition(".")[0]): plugin
            for path, plugin in self.stopped.items()
        }
        self.covered = Tables(roots)
        self.opening = HostOpening(self)
        self.finder = HostFinder(self)

    def plugin(self, path: str) -> Plugin | None:
        """The plug-in that a path below the roots belongs to."""
        for base in self.hook.roots:
            if _at_or_below(path, base):
                top = f"{base}/{path[len(base) + 1 :].partition('/')[0]}"
                return self.plugins.get(top) or self.plugins.get(base)
        return None

    def refusal(self, path: str, name: str | None, digest: str = "") -> SigImportError:
        """Why what lies at a path is refused."""
        plugin = self.plugin(path)
        if plugin is None or plugin.files is not None:
            why = (
                "it was not there when that was decided"
                if plugin is None
                else f"{plugin.path} does not list it"
            )
            return NotCovered(
                f"{shown(path)} is not covered: {shown(why)}",
                name=name,
                path=path,
                digest=digest or _hashed(path),
                verdict=None if plugin is None else plugin.verdict,
                reason="not-listed",
                hint=f"sig attest {_quoted(path if plugin is None else plugin.path)}",
            )
        verdict, place = plugin.verdict, _quoted(plugin.path)
        message, hint = verdict.message, verdict.hint
        kind: type[SigImportError] = NotCovered
        told = f"{plugin.path} is not covered: {message}"
        if plugin.told:
            told += f" ({plugin.told})"
        if verdict.answer is Answer.BAD:
            kind, hint = MarkedBad, f"sig show {place}"
            told = f"{plugin.path}: {message}" if plugin.told else f"{plugin.path} is {message}"
        elif verdict.answer is Answer.ERROR:
            kind, told = Unreadable, f"{plugin.path} cannot be looked at: {message}"
        elif verdict.reason is Reason.DIFFERS:
            kind, told, hint = Differs, f"{plugin.path} {message}", f"sig verify {place}"
        else:
            hint = f"sig attest {place}"
        return kind(
            shown(told),
            name=name,
            path=plugin.path,
            digest=digest or (verdict.id or "").removeprefix("sha256:"),
            verdict=verdict,
            reason=verdict.reason.value,
            hint=hint,
        )


def _at_or_below(path: str, base: str) -> bool:
    return path == base or path.startswith(base.rstrip("/") + "/")


def _quoted(path: str) -> str:
    return shown(shlex.quote(path))


def _hashed(path: str) -> str:
    """The digest of a file, for people; nothing where it is none."""
    try:
        if os.path.isfile(path):
            with open(path, "rb") as stream:
                return Identifier.of_stream(stream).removeprefix("sha256:")
    except OSError:
        pass
    return ""


def _name(path: str) -> str:
    """The name of a plug-in's root: its path, without what the name of a root cannot have."""
    return "".join(
        one if one.isprintable() and one not in " %" else f"%{ord(one):02x}" for one in path
    )


def _root(plugin: Plugin, base: str, others: Mapping[str, Plugin]) -> Root | None:
    """A plug-in as a root whose paths are relative to the declared folder. Raises FormatError."""
    assert plugin.files is not None  # noqa: S101
    below = plugin.path[len(base) + 1 :]
    files = plugin.files
    if not below:  # of a plug-in in it whose list stays, that one holds (I4)
        kept = {os.path.basename(path) for path in others if os.path.dirname(path) == base}
        left = {path: one for path, one in files.files.items() if path.split("/")[0] not in kept}
        if not left:
            return None
        files = Manifest(left)
    elif plugin.kind != judging.FILE:
        # Checked again: a folder may have a name that would make two lines of one.
        files = Manifest({f"{below}/{path}": one for path, one in files.files.items()})
    return Root(_name(plugin.path), base, files.text)


class Tables(Covered):
    """A place for each declared folder, with all plug-ins in it that are covered."""

    __slots__ = ()

    def __init__(self, roots: Iterable[Root]) -> None:
        # What a plan has, but for what only a run has: there may be no root at all.
        plan: Any = SimpleNamespace(
            roots=tuple(roots), stdlib=(), system=(), bad={}, file="", entry=("code", "")
        )
        super().__init__(plan)


class HostOpening(Opening):
    """Refusals are raised, with all that is known; archives are files of their own bytes."""

    def __init__(self, state: State) -> None:
        super().__init__(state.covered, _refuse, self._loaded)
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
                error.hint = f"sig verify {_quoted(plugin.path)}"
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
            hint=f"sig verify {_quoted(plugin.path)}",
        )
        hook = self._state.hook
        if hook.policy != "warn":
            raise error
        bad = hook.marked([found])
        if bad:
            raise _marked(path, bad[found], path, found)
        hook.warn(error, path)

    def _bytes(self, path: str, digest: str, root: str) -> bytes:
        archive = self._state.archives.get(root)
        if archive is None:
            return super()._bytes(path, digest, root)
        return archive.member(path, digest)

    def _data(self, path: str, digest: str, root: str) -> None:
        if root not in self._state.archives:  # its own digest is that of all of it
            super()._data(path, digest, root)

    def on_disk(self, path: str) -> bool:
        found = self.find(path)
        if found is not None:
            return found[1][1].name not in self._state.archives
        return not any(_at_or_below(path, one) for one in self._state.archive_paths)

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


class _Native(Native):
    """As in a run, but what the host does with `ctypes` is its own affair (`gates`)."""

    def guard(self) -> None:
        if self._real is None:
            self._real = gates.plain_dlopen()
