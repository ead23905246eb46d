"""The pause between two changes that a forge is sent.

GitHub asks for at least a second between requests that create content, whoever sends them with one
credential: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import threading
import time
from collections.abc import Callable
from typing import Final

WRITE_PAUSE_S: Final = 1.0


class WritePace:
    """Lets one change through each `pause_s`, in the order in which threads ask."""

    def __init__(
        self,
        pause_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause_s, self._clock, self._sleep = pause_s, clock, sleep
        self._free_at = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return once it is the caller's turn."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._free_at)
            self._free_at = turn + self._pause_s
        if turn > now:
            self._sleep(turn - now)
