"""Copies in memory that nobody can change any more (memfd, Linux).

S1  A copy is sealed and then compared: until it is sealed others could write to it, and a short
    write would leave another file.
S2  Its descriptor is none of the standard streams, and is not inherited unless somebody says so.
S3  It may be mapped, and executed only if that is asked for, as far as the host lets us say so
    (``vm.memfd_noexec``, Linux 6.3).
"""

from __future__ import annotations

import errno
import os
import time

from sig.errors import StoreError

_MFD_CLOEXEC, _MFD_ALLOW_SEALING, _MFD_NOEXEC_SEAL, _MFD_EXEC = 1, 2, 8, 16
_F_DUPFD_CLOEXEC, _F_ADD_SEALS, _SEALS = 1030, 1033, 1 | 2 | 4 | 8  # seal, shrink, grow, write
_TRIES, _WAIT = 100, 0.02  # seconds
_LOWEST = 3  # descriptors below are the standard streams


def sealed(data: bytes | bytearray, name: str, *, execute: bool = False) -> int:
    """A descriptor of a copy, at its start. Raises StoreError where it cannot be made."""
    import fcntl

    flags = _MFD_CLOEXEC | _MFD_ALLOW_SEALING
    first = -1
    for kind in (_MFD_EXEC, _MFD_NOEXEC_SEAL, 0) if execute else (_MFD_NOEXEC_SEAL, 0):
        try:
            first = os.memfd_create(name, flags | kind)
            break
        except OSError as error:  # EINVAL: Linux before 6.3; EACCES: vm.memfd_noexec
            if not kind or error.errno not in (errno.EINVAL, errno.EACCES):
                raise StoreError(f"a sealed copy cannot be made: {error.strerror}") from error
    descriptor = fcntl.fcntl(first, _F_DUPFD_CLOEXEC, _LOWEST)
    os.close(first)
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
        _seal(descriptor)
    except OSError as error:
        raise StoreError(f"a sealed copy cannot be made: {error.strerror}") from error
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", buffering=0, closefd=False) as stream:
        if stream.read() != data:
            raise StoreError("the sealed copy differs from what was made")
    # Whoever reads the descriptor itself, and does not open it anew, starts where we stopped.
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _seal(descriptor: int) -> None:
    """Seals it; waits where the kernel itself holds a page of it for a moment."""
    import fcntl

    for left in reversed(range(_TRIES)):
        try:
            fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEALS)
            return
        except OSError as error:
            if error.errno != errno.EBUSY or not left:
                raise
        time.sleep(_WAIT)
