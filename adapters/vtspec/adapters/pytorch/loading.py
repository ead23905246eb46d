"""Images on their way into batches: those that cannot be read, and what workers need."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.image_decoding import UnreadableImageError, read_image

from .errors import translate_errors

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    Batch: TypeAlias = Sequence[torch.Tensor] | "UnreadableImage"
    """Images `(n, 3, h, w)` and targets `(n,)`; or the image that keeps the batch from being."""

_T = TypeVar("_T")

_DESCRIPTORS_PER_WORKER: Final = 8
"""Its pipe and its process have two each; two batches of two tensors wait in shared memory."""

SPARE_DESCRIPTORS: Final = 16
"""For the pipe of all workers, the batch in use, and the ten that PyTorch wants to find free."""


@dataclass(frozen=True)
class UnreadableImage:
    """An image that could not be decoded, and why; it travels to the training process in place
    of a batch, since an exception loses its type on the way."""

    path: Path
    reason: str

    def to_error(self) -> AdapterError:
        """The error that names the image, and says how to find all that are broken."""
        return AdapterError(
            f"{self.path} cannot be read as an image: {self.reason}",
            "repair or remove it; 'vtspec datasets inspect' on the dataset lists all like it",
        )


def decode_image(path: Path) -> Image | UnreadableImage:
    """What the image shows, as 8-bit RGB; or why it shows nothing."""
    try:
        return read_image(path)
    except UnreadableImageError as error:
        return UnreadableImage(path, str(error))


def collate(items: Sequence[tuple[torch.Tensor, int] | UnreadableImage]) -> Batch:
    """PyTorch's batch of the items, or the first one that is unreadable."""
    from torch.utils.data import default_collate

    for item in items:
        if isinstance(item, UnreadableImage):
            return item
    return cast("Batch", default_collate(list(items)))


def iter_batches(batches: Iterator[Batch]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches `(n, 3, h, w)` and `(n,)`, one by one.

    Raises:
        AdapterError: an image of the batch is unreadable.
    """
    # Raised here and not in a worker, where an exception loses its type on the way.
    with translate_errors():
        for batch in batches:
            if isinstance(batch, UnreadableImage):
                raise batch.to_error()
            yield batch[0], batch[1]


class TimedIterator(Iterator[_T]):
    """An iterator, and how long was waited for it."""

    def __init__(self, inner: Iterator[_T]) -> None:
        self._inner = inner
        self._seconds = 0.0

    def __next__(self) -> _T:
        began_at = perf_counter()
        try:
            return next(self._inner)
        finally:
            self._seconds += perf_counter() - began_at

    def take_seconds(self) -> float:
        """Those since the last call."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds


def check_descriptors(workers: int, spare: int = SPARE_DESCRIPTORS) -> None:
    """Raise `AdapterError` where the workers need more open files than this process may have."""
    # A worker that runs out of them while it starts is waited for without end.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = len(os.listdir("/dev/fd")) + _DESCRIPTORS_PER_WORKER * workers + spare
    if workers and limit != resource.RLIM_INFINITY and limit < needed:
        raise AdapterError(
            f"the limit of {limit} open files is too low for training.workers: {workers}, which "
            f"need {needed}",
            f"ulimit -n {max(needed, 1024)}",
        )
