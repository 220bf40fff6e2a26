"""What is wrong with this machine or folder, and the one next command.

Looking writes nothing. `repair` mends what can be mended from the files; a file that is damaged
is put aside as ``NAME.damaged``, never thrown away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sig.errors import FormatError, GpgError, SignatureError, StoreError
from sig.gpg import verify
from sig.model import instant, limits, stream
from sig.model.identifier import Identifier
from sig.repo import layout, memory, mirror, objects, remotes
from sig.repo.home import Home
from sig.repo.index import IndexStale, Row, row_line
from sig.verbs import ledger, viewing

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

SOON = 30 * 24 * 60 * 60
# The agent's socket lies below GNUPGHOME, and a socket's path has at most 108 bytes.
LONGEST_GNUPGHOME = 80
SYSTEM_GPG_CONF = "/etc/gnupg/gpg.conf"
FIX = "sig doctor --fix"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: `level` is ``ok``, ``warning`` or ``problem``, `fix` the command that helps."""

    level: str
    message: str
    fix: str | None = None


def examine(workspace: Workspace) -> list[Check]:
    """Every finding about GnuPG, the folder, its keys, files, index and view.

    Raises nothing of ours.
    """
    found = list(_gnupg(workspace))
    if not workspace.home.exists:
        return [*found, Check("warning", "there is no folder yet", "sig setup")]
    for look in (_configuration, _own_key, _signers, _files, _derived, _followed):
        try:
            found += list(look(workspace))
        except StoreError as error:
            # Later checks stand on what this one could not read.
            check = Check(
                "problem", error.message, error.hint if error.hint != "sig doctor" else FIX
            )
            return [*found, check]
    return found


def _gnupg(workspace: Workspace) -> Iterator[Check]:
    from sig.gpg import agent

    try:
        yield Check("ok", f"gpg {agent.version()}")
    except GpgError as error:
        yield Check("problem", error.message, error.hint)
        return
    home = os.environ.get("GNUPGHOME", "")
    if len(os.fsencode(home)) > LONGEST_GNUPGHOME and not os.path.isdir("/run/user"):
        told = f"the path of GNUPGHOME has more than {LONGEST_GNUPGHOME} bytes: no agent can start"
        yield Check("problem", told, "export GNUPGHOME=A/SHORTER/PATH")
    if sys.stdin.isatty() and not os.environ.get("GPG_TTY"):
        told = "GPG_TTY is not set: a passphrase may not be asked for in this terminal"
        yield Check("warning", told, "export GPG_TTY=$(tty)")
    if os.path.exists(SYSTEM_GPG_CONF):
        yield Check("warning", f"{SYSTEM_GPG_CONF} is read when you sign, and can spoil it")


def _configuration(workspace: Workspace) -> Iterator[Check]:
    config = workspace.config
    _ = workspace.policy
    if workspace.is_old:
        told = "an older folder; the first command that writes converts it and keeps its files"
        yield Check("ok", told)
    if config.key is None:
        yield Check("ok", "config reads; the folder has no own key, so it is not signed")
    else:
        yield Check("ok", "config reads and is signed by the own key")


def _own_key(workspace: Workspace) -> Iterator[Check]:
    key = workspace.config.key
    if key is None:
        return
    try:
        secret = workspace.agent.secret_key(key)
    except GpgError:
        return  # told already
    if secret is None:
        told = f"GnuPG has no secret key of {key}: nothing can be signed here"
        yield Check("problem", told, "gpg --import YOUR-SECRET-KEY")
    elif not secret.usable:
        yield Check("problem", f"the own key {key.short} cannot sign", f"gpg --edit-key {key}")
    certificate = workspace.certificate(key)
    if certificate is None:
        yield Check("problem", f"the own certificate {key} is missing", f"sig setup {key}")
        return
    ends = certificate.expires_at if secret is None or not secret.expires else secret.expires
    if certificate.revoked is not None:
        told = f"key {key.short} is revoked: {certificate.revoked.why}"
        yield Check("problem", told, "gpg --full-generate-key")
    elif ends is not None and ends <= workspace.now():
        told = f"key {key.short} expired on {instant.day(ends)}"
        yield Check("problem", told, f"gpg --quick-set-expire {key} 2y")
    elif ends is not None and ends <= workspace.now() + SOON:
        told = f"key {key.short} expires on {instant.day(ends)}"
        yield Check("warning", told, f"gpg --quick-set-expire {key} 2y")


def _signers(workspace: Workspace) -> Iterator[Check]:
    for key in sorted(workspace.config.trust):
        certificate = workspace.certificate(key)
        if certificate is None:
            told = f"{key} is trusted, and its certificate is not known"
            yield Check("warning", told, "sig key import FILE")
        elif certificate.revoked is not None and key != workspace.config.key:
            told = f"{key} is trusted, and revoked: {certificate.revoked.why}"
            yield Check("warning", told, f"sig trust remove {key}")
    known = workspace.known_keys()
    yield Check("ok", f"{len(known)} certificate{'s' * (len(known) != 1)} read")


def _damaged(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """The files of the folder that do not read, and what is wrong with each."""
    home = workspace.home
    readers: dict[str, Callable[[bytes], object]] = {
        layout.REPOSITORY: lambda raw: _own_repository(workspace, raw),
        layout.HISTORY: layout.history,
        memory.KEPT: memory.read_kept,
        memory.MET: memory.read_met,
    }
    for remote in workspace.config.remotes:
        readers[layout.remote_repository(remote.name)] = partial(_offered, home, remote.name)
        readers[layout.remote_state(remote.name)] = lambda raw: remotes.read(raw, "")
        readers[f"remotes/{remote.name}/met"] = memory.read_met
    for name in home.tree("memory"):
        if name.endswith("/state"):
            readers[name] = memory.read_publishes
    for name in (*home.tree("objects"), *home.tree("repo/objects")):
        readers[name] = partial(_object, name)
    for name, read in readers.items():
        try:
            raw = home.read(name, max(limits.REPOSITORY, memory.MET_BYTES))
            if raw is not None:
                read(raw)
        except (FormatError, StoreError, SignatureError) as error:
            yield name, error.message


def _offered(home: Home, remote: str, raw: bytes) -> None:
    mirror.read(raw, remote, home.read, stream.skim)


def _object(name: str, raw: bytes) -> None:
    """A manifest has the digest that it is named by (docs/spec/manifest §4)."""
    if objects.name(Identifier.of_bytes(raw)) != name.removeprefix(objects.PUBLISHED):
        raise FormatError("it has another digest than its name")


def _own_repository(workspace: Workspace, raw: bytes) -> None:
    read, _ = stream.read(raw, stream.skim)
    key = workspace.config.key
    if key is not None and read.key != key:
        raise FormatError(f"signed by {read.key}, which is not the own key")
    verify.check(read.signed, read.sig, read.key, workspace.certificate(read.key))


def _files(workspace: Workspace) -> Iterator[Check]:
    bad = list(_damaged(workspace))
    for name, why in bad:
        yield Check("problem", f"{name} is damaged: {why}", FIX)
    if not bad:
        yield Check("ok", "all files of the folder read")


def _derived(workspace: Workspace) -> Iterator[Check]:
    """What follows from the files: the index and the view."""
    try:
        from_files = ledger.all_rows(workspace)
    except StoreError:  # of a file that was named above
        yield Check("problem", "the index does not match its files", FIX)
        return
    wrong = _index(workspace, from_files)
    for told in wrong:
        yield Check("problem", told, FIX)
    if not wrong:
        yield Check("ok", "the index matches its files")
    if workspace.home.stat("version") is None:
        return  # the first command that writes makes it
    lines = (row_line(row) for rows in from_files.values() for row in rows)
    stale = viewing.check(workspace, lines)
    if stale is None:
        yield Check("ok", "the view matches the files")
    else:
        yield Check("problem", stale, FIX)


def _index(workspace: Workspace, from_files: Mapping[str, list[Row]]) -> list[str]:
    try:
        workspace.index.lookup([], workspace.stamps())
        return workspace.index.check() or _differs(workspace, from_files)
    except IndexStale:
        if workspace.is_old or not workspace.stamps():
            return []
        return ["the index does not match its files"]


def _differs(workspace: Workspace, from_files: Mapping[str, list[Row]]) -> list[str]:
    """Whether the rows are those of the files: who may write here can make the digests fit."""
    found = workspace.index.lookup(list(from_files), workspace.stamps())
    here = {id: {repr(row) for row in rows} for id, rows in from_files.items()}
    there = {id: {repr(row) for row in rows} for id, rows in found.items() if rows}
    counted = sum(workspace.index.counts(workspace.stamps()).values())
    if here == there and counted == sum(map(len, here.values())):
        return []
    return ["the index does not match its files"]


def _followed(workspace: Workspace) -> Iterator[Check]:
    for remote in workspace.config.remotes:
        state = remotes.read(workspace.home.read(layout.remote_state(remote.name)), remote.url)
        if (
            state.fetched is None
            and workspace.home.stat(layout.remote_repository(remote.name)) is None
        ):
            told = f"remote {remote.name} was never fetched"
            yield Check("warning", told, f"sig fetch {remote.name}")
        elif state.fetched is not None and state.fetched < workspace.now() - SOON:
            told = f"remote {remote.name} was last fetched on {instant.day(state.fetched)}"
            yield Check("warning", told, f"sig fetch {remote.name}")
        if state.expires is not None and state.expires < workspace.now():
            told = f"the state of remote {remote.name} expired on {instant.day(state.expires)}"
            yield Check("warning", told, f"sig fetch {remote.name}")
        if remote.url.startswith("http:") and remote.key is None:
            told = f"remote {remote.name} was pinned to what http served first"
            yield Check("ok", told)


def repair(workspace: Workspace) -> list[str]:
    """Mend what the files allow, and say what was done. Raises StoreError, Conflict."""
    done: list[str] = []
    with workspace.writing():
        changes: dict[str, bytes | None] = {}
        for name, _ in _damaged(workspace):
            if "objects" in name.split("/")[:2]:
                # It is named by its digest: what is worth anything comes again.
                changes[name] = None
                done.append(f"removed {name}")
                continue
            raw = _raw(workspace, name)
            if raw is None:
                done.append(f"left {name}, which cannot be read")
                continue
            changes[name] = None
            changes[f"{name}.damaged"] = raw
            done.append(f"put {name} aside as {name}.damaged")
            if name.startswith("remotes/"):
                # Nothing here can be what "not modified" would be about.
                remote = name.split("/")[1]
                changes[layout.remote_state(remote)] = None
                changes |= workspace.home.removal(f"remotes/{remote}/objects")
        if changes:
            workspace.commit(changes)
        _restore_kept(workspace, memory.KEPT in changes, done)
        ledger.rebuild(workspace, workspace.index)
        done.append("made the index anew")
        viewing.make_anew(workspace)
        done.append("made the view anew")
    return done


def _raw(workspace: Workspace, name: str) -> bytes | None:
    try:
        return workspace.home.read(name, sys.maxsize)
    except StoreError:
        return None


def _restore_kept(workspace: Workspace, lost: bool, done: list[str]) -> None:
    """What is still served of the remembered warnings is remembered again."""
    if not lost:
        return
    from sig.verbs.remembering import kept_file

    rows = [row for listed in ledger.all_rows(workspace).values() for row in listed]
    found = [one.attestation for one in workspace.weigh(rows) if one.attestation is not None]
    files = kept_file(workspace, found)
    if files:
        workspace.commit(files)
    done.append("remembered the warnings that are still served")
