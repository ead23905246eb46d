"""Locks that the kernel tells of, so that no `kill -9` leaves one behind.

A run's is a `flock` on the file `lock` in its folder. The adapter's process inherits it: while
either lives, nobody else works there. What the file says (which process) is only a note.
"""

import fcntl
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = "lock"

_PROBE_S = 0.5


@dataclass(frozen=True, kw_only=True)
class LockHolder:
    """Who holds a lock: the process of vtspec, and the adapter's while a step has one.

    A pid is None where its process is gone or is another one by now.
    """

    host: str | None = None
    pid: int | None = None
    adapter: int | None = None

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that a pid means something."""
        return self.host in (None, socket.gethostname())


class RunLock:
    """A lock that this process holds until `release`, or until it and its heirs are gone."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._note: dict[str, object] = {
            "host": socket.gethostname(),
            **_build_note("pid", os.getpid()),
        }
        self._write()

    @classmethod
    def acquire(cls, run_dir: Path, wait_s: float = _PROBE_S) -> "RunLock | None":
        """Take the run's lock; None where somebody else still holds it after `wait_s`.

        The default wait outlasts somebody who only looks whether it is held.
        """
        fd = os.open(run_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        deadline = time.monotonic() + wait_s
        while True:
            if _try_flock(fd, fcntl.LOCK_EX):
                return cls(fd)
            if time.monotonic() >= deadline:
                os.close(fd)
                return None
            time.sleep(0.02)

    def note_adapter(self, pid: int | None) -> None:
        """Note which process an heir of the lock is; None once it is gone."""
        for key in ("adapter", "adapter_started"):
            self._note.pop(key, None)
        if pid is not None:
            self._note |= _build_note("adapter", pid)
        self._write()

    def release(self) -> None:
        """Let go; an adapter that still lives holds on to it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _write(self) -> None:
        note = json.dumps(self._note).encode()
        # Padded rather than cut first: a reader never meets an empty file.
        size = os.fstat(self.fd).st_size
        os.pwrite(self.fd, note.ljust(size), 0)
        os.ftruncate(self.fd, len(note))


def find_holder(run_dir: Path) -> LockHolder | None:
    """Who works on the run now, or None where nobody does."""
    try:
        fd = os.open(run_dir / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Shared: two that only look at the same time do not take each other for a holder.
        free = _try_flock(fd, fcntl.LOCK_SH)
        return None if free else _parse_note(os.pread(fd, 4096, 0))
    finally:
        os.close(fd)


def is_held(path: Path, *, or_shared: bool = False) -> bool:
    """Whether a process holds the lock file `path`, this one too, for itself alone or, with
    `or_shared`, at all; none where there is no file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_flock(fd, fcntl.LOCK_EX if or_shared else fcntl.LOCK_SH)
    finally:
        os.close(fd)


def is_left_here(run_dir: Path) -> bool:
    """Whether a process of this machine worked on the run last, and is gone.

    Of another machine's a shared disk may tell no lock.
    """
    try:
        fd = os.open(run_dir / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        holder = _parse_note(os.pread(fd, 4096, 0))
        is_free = _try_flock(fd, fcntl.LOCK_SH)
        return is_free and holder.host == socket.gethostname() and holder.pid is None
    finally:
        os.close(fd)


@contextmanager
def hold_lock(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold the lock file `path`, made where it is missing; `on_wait` is called before waiting.

    Gives its descriptor: a child that inherits it keeps the lock for as long as it lives.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if not _try_flock(file.fileno(), fcntl.LOCK_EX):
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock file `path` now; False at once where another does."""
    with path.open("ab") as file:
        yield _try_flock(file.fileno(), fcntl.LOCK_EX)


def _try_flock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse_note(note: bytes) -> LockHolder:
    try:
        raw = json.loads(note)
        host = raw.get("host")
    except (ValueError, AttributeError, RecursionError):
        return LockHolder()
    if host != socket.gethostname():
        return LockHolder(host=host if isinstance(host, str) else None)
    return LockHolder(
        host=host, pid=_find_live_pid(raw, "pid"), adapter=_find_live_pid(raw, "adapter")
    )


def _build_note(key: str, pid: int) -> dict[str, object]:
    return {key: pid, f"{key}_started": _read_start_time(pid)}


def _find_live_pid(raw: Mapping[str, object], key: str) -> int | None:
    pid = raw.get(key)
    if not isinstance(pid, int) or pid <= 0:
        return None
    mark = _read_start_time(pid)
    return pid if mark is not None and mark == raw.get(f"{key}_started") else None


def _read_start_time(pid: int) -> str | None:
    """What tells a process from a later one with the same pid: when it started.

    None where there is no such process, or only the remains that its parent has not yet buried.
    """
    try:
        # The name before the last ')' may hold anything; field 3 is the state, 22 the start.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    found = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None
