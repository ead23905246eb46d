"""A wish to stop, as signals bring it: a `select` sees it at once, and so does a step in here."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Literal

Reason = Literal["interrupted", "stopped"]
"""`interrupted`: the machine is needed for something else; `stopped`: a person said so."""

_REASONS: Final[dict[int, Reason]] = {
    signal.SIGTERM: "interrupted",
    signal.SIGHUP: "interrupted",
    signal.SIGINT: "stopped",
}


class StopSignal:
    """Whether, why and how often somebody asked to stop. Its `fileno` is readable once asked."""

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self.times = 0
        self._raises = False
        self._reader, self._writer = os.pipe()
        # A handler must never wait, not even for a full pipe.
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        """A file descriptor to select on."""
        return self._reader

    def request(self, reason: Reason) -> None:
        """Ask to stop; the first reason stays. Safe in a signal handler."""
        # The first wish explains the end; a second one only says that somebody is impatient.
        self.reason = self.reason or reason
        self.times += 1
        try:
            os.write(self._writer, b"!")
        except BlockingIOError:
            return

    def drain(self) -> None:
        """Make `fileno` unreadable until the next request."""
        try:
            while os.read(self._reader, 512):
                continue
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._reader)
        os.close(self._writer)

    @contextmanager
    def handle_signals(self) -> Iterator["StopSignal"]:
        """Turn SIGTERM, SIGHUP and SIGINT into requests; outside the main thread, do nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._handle) for number in _REASONS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def raise_on_request(self) -> Iterator[None]:
        """Within, a request raises KeyboardInterrupt: for work that looks at no `StopSignal`."""
        self._raises = True
        try:
            if self.reason is not None:
                raise KeyboardInterrupt
            yield
        finally:
            self._raises = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.request(_REASONS[number])
        if self._raises:
            self._raises = False
            raise KeyboardInterrupt
