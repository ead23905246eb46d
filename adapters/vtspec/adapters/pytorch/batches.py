"""Items of a split in batches: their order, what is drawn for each, and how they are loaded."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vtspec.adapters.data.image_decoding import (
    UnreadableImageError,
    convert_to_rgb,
    open_image,
    read_orientation,
)

from .errors import translate_errors
from .loading import UnreadableImage, check_descriptors

if TYPE_CHECKING:
    from PIL.Image import Image

ItemT_co = TypeVar("ItemT_co", covariant=True)
_Item = TypeVar("_Item")


class ItemDataset(Protocol[ItemT_co]):
    """A map-style dataset; an image that cannot be read is an item of its own."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> ItemT_co | UnreadableImage: ...


class UnreadableError(Exception):
    """An image that cannot be read, on its way up to the item that stands for it."""

    def __init__(self, image: UnreadableImage) -> None:
        super().__init__(image.reason)
        self.image = image


def read_stored_image(path: Path) -> Image:
    """The stored pixels in RGB, of an image that lies as it is stored.

    Raises:
        UnreadableError: it cannot be decoded, or its EXIF turns it, and nobody knows whether what
            was noted of its pixels is of those that are stored.
    """
    try:
        with open_image(path) as image:
            image.load()
            if read_orientation(image) != 1:
                raise UnreadableImageError(
                    "its EXIF turns it, and its annotations are of the pixels as they are stored"
                )
            return convert_to_rgb(image)
    except UnreadableImageError as error:
        raise UnreadableError(UnreadableImage(path, str(error))) from error


def order_batches(count: int, size: int, seed: int, epoch: int) -> list[list[int]]:
    """The indexes of each batch of an epoch of `count` images, shuffled by (seed, epoch) alone."""
    import torch

    generator = torch.Generator().manual_seed(derive_seed(seed, epoch, -1))
    return cut_batches(torch.randperm(count, generator=generator).tolist(), size)


def cut_batches(order: Sequence[int], size: int) -> list[list[int]]:
    """Indexes in batches of `size`; the last may be smaller."""
    return [list(order[start : start + size]) for start in range(0, len(order), size)]


def derive_seed(seed: int, epoch: int, index: int) -> int:
    """A seed for one item of one epoch."""
    digest = hashlib.blake2b(f"{seed} {epoch} {index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@contextmanager
def draw_everything_from(seed: int) -> Iterator[None]:
    """Draw from a seed what is drawn from the states that Python, NumPy and PyTorch have for all;
    what they were is put back."""
    import numpy as np
    import torch

    python, numpy, drawn = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # That of the CPU alone: `manual_seed` would seed GPUs, too.
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(drawn)


@contextmanager
def draw_from(seed: int) -> Iterator[None]:
    """Draw from a seed what is drawn from PyTorch's random state, which is then as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def iter_item_batches(
    items: ItemDataset[_Item], batches: Sequence[Sequence[int]], workers: int
) -> Iterator[list[_Item]]:
    """The items of each batch of indexes, loaded by so many workers.

    Raises:
        AdapterError: an image is unreadable, or workers need more open files than there may be.
    """
    import torch
    from torch.utils.data import DataLoader

    check_descriptors(workers)
    loader: Any = DataLoader(
        items,  # type: ignore[arg-type]  # any map-style object will do
        batch_sampler=[list(batch) for batch in batches],
        num_workers=workers,
        collate_fn=_collate,
        # One of its own: what is drawn for workers must not disturb training.
        generator=torch.Generator(),
    )
    with translate_errors():
        for batch in loader:
            if isinstance(batch, UnreadableImage):
                raise batch.to_error()
            yield batch


def _collate(items: Sequence[Any]) -> list[Any] | UnreadableImage:
    for item in items:
        if isinstance(item, UnreadableImage):
            return item
    return list(items)
