"""How many epochs more fit into a time limit, by how long those took that were trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

_RESERVE: Final = 0.1
"""The share of the time that is left for evaluation, export and report."""

_STEPS: Final = 3
"""How many steps come after training: each is left at least what it took to make ready (a process,
the framework, the network) and to measure the val split."""


@dataclass
class EpochTimes:
    """Times of a training that began now with `limit_s` seconds left, None for no limit. An epoch
    counts with its validation and its checkpoint; the first one, which also makes ready what the
    others find, only until there is another. Times are seconds on any steady `clock`."""

    clock: Callable[[], float]
    limit_s: float | None
    epochs: list[float] = field(default_factory=list)
    preparation_s: float = 0.0
    validation_s: float = 0.0
    checkpoint_s: float = 0.0

    def __post_init__(self) -> None:
        self.began_at = self.epoch_at = self.clock()
        self.is_whole = False

    def end_preparation(self) -> None:
        """All is ready to train."""
        self.preparation_s = self.clock() - self.began_at

    def begin_epoch(self, *, is_whole: bool) -> None:
        """An epoch begins; one that goes on within it says nothing of how long one takes."""
        self.epoch_at, self.is_whole = self.clock(), is_whole

    def restart(self) -> None:
        """The epoch at hand is not finished."""
        self.is_whole = False

    @contextmanager
    def measure_validation(self) -> Iterator[None]:
        """Time a validation."""
        began_at = self.clock()
        yield
        self.validation_s = self.clock() - began_at

    @contextmanager
    def measure_checkpoint(self) -> Iterator[None]:
        """Time the writing of a checkpoint."""
        began_at = self.clock()
        yield
        self.checkpoint_s = self.clock() - began_at

    def count_fitting(self, wanted: int) -> int | None:
        """How many of the `wanted` epochs fit behind the one that was just validated; None where
        there is no limit, or nothing was measured yet."""
        now = self.clock()
        if self.is_whole:
            self.epochs.append(now - self.epoch_at + self.checkpoint_s)
            self.is_whole = False
        if self.limit_s is None or not self.epochs:
            return None
        return count_fitting_epochs(
            self.limit_s - (now - self.began_at) - self.checkpoint_s,
            max(_RESERVE * self.limit_s, _STEPS * (self.preparation_s + self.validation_s)),
            self.epochs[1:] or self.epochs,
            wanted,
        )


def count_fitting_epochs(left_s: float, reserve_s: float, epochs: list[float], wanted: int) -> int:
    """How many of `wanted` epochs, each as long as the mean of those measured, fit into what is
    left without the reserve."""
    each = sum(epochs) / len(epochs)
    free = left_s - reserve_s
    # So short an epoch is none that a limit could be too short for.
    return wanted if each <= 0 or each * wanted <= free else max(0, int(free // each))
