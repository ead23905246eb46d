"""What is said at once to who types Ctrl-C: to stop what was started takes a while."""

import os
import signal
from types import FrameType


def announce_interruption(text: str) -> None:
    """Have SIGINT and SIGTERM say this before anything is stopped, and end what runs as Ctrl-C
    does; whoever types it again is told once more."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        # Not printed: what is interrupted may be in the middle of printing.
        os.write(1, f"{text}\n".encode())
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
