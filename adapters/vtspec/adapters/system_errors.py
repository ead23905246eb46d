"""What the machine refuses (room, memory, files, rights), in words that say what to do."""

from __future__ import annotations

import errno
import os
import resource
import shlex
from typing import Final

_FULL: Final = (
    "the disk is full",
    "free some space on it and type that again; a run goes on with --resume",
)
_MEMORY: Final = ("the machine's memory is used up", "free memory, or take a larger machine")

_MEANINGS: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: ("the quota of the disk is used up", _FULL[1]),
    errno.EFBIG: ("a file grew to the limit that is set", "ulimit -f unlimited"),
    errno.EROFS: (
        "the file system is read-only",
        "make it writable, or take another place: --runs DIR for runs, --into DIR for a report",
    ),
    errno.EACCES: ("this user may not", "see whose it is: ls -ld {path}"),
    errno.EPERM: ("this user may not", "see whose it is: ls -ld {path}"),
    errno.EMFILE: ("the limit of {limit} open files is reached", "ulimit -n 1024"),
    errno.ENFILE: ("the machine has too many open files", "end what has them open: lsof"),
    errno.EAGAIN: ("no more processes may be started", "end some, or: ulimit -u unlimited"),
    errno.ENOMEM: _MEMORY,
    errno.EIO: ("the disk does not answer", "look at the disk: dmesg"),
    errno.EEXIST: ("something else is there", "take another place, or: mv {path} {path}.old"),
    errno.ENOTDIR: ("it is no folder", "take another place, or: mv {path} {path}.old"),
    errno.ENAMETOOLONG: ("the name is too long", "take a shorter one"),
}
"""By error number: what it means, and the fix. What is not here may be a bug of ours."""

_SHORTAGES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def is_shortage(error: BaseException) -> bool:
    """Whether there was no memory or file descriptor left: what was read may be whole."""
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno in _SHORTAGES
    )


def explain_system_error(error: BaseException | None) -> tuple[str, str] | None:
    """What the machine refused, and the fix; None for what may be a bug.

    An error that was raised from such a one, as an import that ran out of memory, is one too.
    """
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, FileNotFoundError) and not _has_working_folder():
        return "the folder that this command runs in was deleted", "cd ~"
    if isinstance(error, OSError) and error.errno in _MEANINGS:
        meaning, fix = _MEANINGS[error.errno]
        path = None if error.filename is None else os.fspath(error.filename)
        shown = os.fsdecode(path) if isinstance(path, (str, bytes)) else None
        words = {"limit": str(resource.getrlimit(resource.RLIMIT_NOFILE)[0])}
        quoted = shlex.quote(shown) if shown is not None else "PATH"
        return (
            meaning.format(**words) + (f": {shown}" if shown is not None else ""),
            fix.format(path=quoted),
        )
    if isinstance(error, ImportError):
        return explain_system_error(error.__cause__ or error.__context__)
    return None


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
