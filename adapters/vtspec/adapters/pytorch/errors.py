"""PyTorch's own errors into words that say what to type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vtspec.adapters.contract import AdapterError, FailureCause, TrainingFailure

_SMALLER = "halve training.batchSize and double training.gradientAccumulation"
_LOWER = "lower training.learningRate, or set training.gradientClipping: 1.0"

_MEANINGS: tuple[tuple[str, str, str, FailureCause | None], ...] = (
    (
        # Before that of a worker: what it lacked stands further down in the same message.
        "Too many open files",
        "the limit of open files is reached",
        "ulimit -n 1024",
        None,
    ),
    (
        "out of memory",
        "the GPU's memory is full",
        _SMALLER,
        "out-of-memory",
    ),
    (
        "can't allocate memory",
        "the machine's memory is full",
        _SMALLER,
        "out-of-memory",
    ),
    (
        "more than 1 value per channel",
        "a batch of one image cannot be normalised",
        "set training.batchSize to 2 or more",
        None,
    ),
    (
        "DataLoader worker",
        "a process that loads images died",
        "set training.workers: 0 to see why; it may have run out of memory or of /dev/shm",
        None,
    ),
    # What matches objects with answers stops at a cost, or at a box, that is no number.
    (
        "matrix contains invalid numeric entries",
        "the network's outputs are no longer numbers",
        _LOWER,
        "not-a-number",
    ),
    (
        "boxes1 must be in [x0, y0, x1, y1]",
        "the network's outputs are no longer numbers",
        _LOWER,
        "not-a-number",
    ),
)
"""What stands in PyTorch's message, what it means, the fix, and what training met by it."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn the errors of PyTorch that a person can mend into `AdapterError`; others pass."""
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        # With its number it is told as what the machine refuses; one of a worker has lost it.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        for sign, meaning, fix, cause in _MEANINGS:
            if sign in str(error):
                said = f"{meaning}: {str(error).splitlines()[0]}"
                if cause is not None:
                    raise TrainingFailure(cause, said, fix) from error
                raise AdapterError(said, fix) from error
        raise
