"""PyTorch's own errors into words that say what to type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vtspec.adapters.contract import AdapterError

_MEANINGS = (
    (
        # Before that of a worker: what it lacked stands further down in the same message.
        "Too many open files",
        "the limit of open files is reached",
        "ulimit -n 1024",
    ),
    (
        "out of memory",
        "the GPU's memory is full",
        "halve training.batchSize and double training.gradientAccumulation",
    ),
    (
        "can't allocate memory",
        "the machine's memory is full",
        "halve training.batchSize and double training.gradientAccumulation",
    ),
    (
        "more than 1 value per channel",
        "a batch of one image cannot be normalised",
        "set training.batchSize to 2 or more",
    ),
    (
        "DataLoader worker",
        "a process that loads images died",
        "set training.workers: 0 to see why; it may have run out of memory or of /dev/shm",
    ),
)
"""What stands in PyTorch's message, what it means, and the fix."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn the errors of PyTorch that a person can mend into `AdapterError`; others pass."""
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        # With its number it is told as what the machine refuses; one of a worker has lost it.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        for sign, meaning, fix in _MEANINGS:
            if sign in str(error):
                raise AdapterError(f"{meaning}: {str(error).splitlines()[0]}", fix) from error
        raise
