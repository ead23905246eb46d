"""Short collections of garbage in a process that keeps much for long.

Python's collector of cycles goes through all there is, and nobody runs meanwhile: half a second
among the files of a thousand runs, in the midst of a look.
"""

import gc
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_LONG_S: Final = 0.002


@contextmanager
def short_collections() -> Iterator[None]:
    """Within, what outlives a long collection is not gone through again, nor what is there now.

    What is let go of is freed as ever; kept for good is only what refers to itself in a circle,
    and was at work in just that moment. A look leaves nothing of that kind.
    """
    begun = 0.0

    def note(phase: str, told: Mapping[str, int]) -> None:
        nonlocal begun
        if phase == "start":
            begun = time.thread_time()
        elif told["generation"] == 2 and time.thread_time() - begun > _LONG_S:
            gc.freeze()

    gc.collect()
    gc.freeze()
    gc.callbacks.append(note)
    try:
        yield
    finally:
        gc.callbacks.remove(note)
        gc.unfreeze()
