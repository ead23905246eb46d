"""The queue of this machine: runs wait for a GPU, or for the CPU, in the order in which they came.

Each `run --queue` has a ticket: a file that it holds locked from its coming until its end. So the
kernel tells who is still there; the file of one that was killed means nothing, and whoever looks
next removes it. The adapter's process inherits the lock, so that a GPU is not handed out while
the training of a killed vtspec still works on it.
"""

import fcntl
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.execution.steps import StopSignal
from vtspec.pipelines.runs.lock import hold_lock, is_held

from .queue_turns import Ticket, Turn, find_turns

POLL_S: Final = 0.3

_SUFFIX: Final = ".ticket"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What was waited for: the devices, and the descriptor that keeps them, which processes that
    go on using them have to inherit."""

    devices: tuple[str, ...]
    fd: int


@dataclass(frozen=True, kw_only=True)
class RunQueue:
    """The queue whose tickets lie in `folder`."""

    folder: Path

    @classmethod
    def of(cls, cache: Path) -> "RunQueue":
        """This machine's; the cache may be on a disk that others share."""
        return cls(folder=cache / "queue" / socket.gethostname())

    def list_tickets(self) -> list[Ticket]:
        """Those who have or wait for a device, in the order in which they came."""
        if not self.folder.is_dir():
            return []
        with self._lock():
            return self._read_tickets()

    def dismiss(self, ticket: Ticket, timeout_s: float) -> None:
        """Ask the process of a ticket to stop, as a Ctrl-C in its terminal does, and wait until it
        has left.

        Raises `Permanent` where it is another user's, `Temporary` where it has not in time.
        """
        try:
            os.kill(ticket.pid, signal.SIGINT)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise Permanent(
                f"{ticket.run} is in the queue by another user's process {ticket.pid}",
                fix="ask them to stop it",
            ) from error
        deadline = time.monotonic() + timeout_s
        while any(one.number == ticket.number for one in self.list_tickets()):
            if time.monotonic() >= deadline:
                raise Temporary(
                    f"{ticket.run} was asked to leave the queue and has not in {timeout_s:g} s",
                    fix=f"wait, or end its process: kill {ticket.pid}",
                )
            time.sleep(POLL_S)

    @contextmanager
    def take_turn(
        self, wish: Ticket, stop: StopSignal, on_wait: Callable[[Turn], None]
    ) -> Iterator[Grant]:
        """Wait until the wish can be granted, and keep what was given until this is left.

        The wish's number is not yet known. `on_wait` hears each time that what it waits for is
        another. Raises KeyboardInterrupt or `Temporary` where somebody asked to `stop` before.
        """
        with self._join(wish) as (ticket, fd):
            devices = self._wait(ticket, fd, stop, on_wait)
            yield Grant(devices=devices, fd=fd)

    @contextmanager
    def _join(self, wish: Ticket) -> Iterator[tuple[Ticket, int]]:
        with self._lock():
            last = max((one.number for one in self._read_tickets()), default=0)
            ticket = replace(wish, number=last + 1)
            path = self._get_path(ticket.number)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            # Nobody looks before it is whole: they need the lock of the queue for that.
            fcntl.flock(fd, fcntl.LOCK_EX)
            _write(fd, ticket)
        try:
            yield ticket, fd
        finally:
            path.unlink(missing_ok=True)
            os.close(fd)

    def _wait(
        self, ticket: Ticket, fd: int, stop: StopSignal, on_wait: Callable[[Turn], None]
    ) -> tuple[str, ...]:
        told = None
        with selectors.DefaultSelector() as selector:
            selector.register(stop, selectors.EVENT_READ)
            while stop.reason is None:
                with self._lock():
                    turn = find_turns(self._read_tickets())[ticket.number]
                    if turn.devices:
                        _write(fd, replace(ticket, held=turn.devices))
                        return turn.devices
                if turn != told:
                    told = turn
                    on_wait(turn)
                selector.select(POLL_S)
        if stop.reason == "stopped":
            raise KeyboardInterrupt
        raise Temporary("left the queue before its turn, and nothing was begun", fix="try again")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with hold_lock(self.folder / "lock"):
            yield

    def _get_path(self, number: int) -> Path:
        return self.folder / f"{number:08d}{_SUFFIX}"

    def _read_tickets(self) -> list[Ticket]:
        found = []
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            if is_held(path):
                with suppress(FileNotFoundError):
                    found.append(_parse(path.read_bytes()))
            else:
                # Its process was killed.
                path.unlink(missing_ok=True)
        return found


def _write(fd: int, ticket: Ticket) -> None:
    text = json.dumps(asdict(ticket)).encode()
    os.pwrite(fd, text, 0)
    os.ftruncate(fd, len(text))


def _parse(text: bytes) -> Ticket:
    raw = json.loads(text)
    return Ticket(**{**raw, "among": tuple(raw["among"]), "held": tuple(raw["held"])})
