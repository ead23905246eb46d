"""The class of each pixel of an image: as its mask tells it, and as a network's logits do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import DatasetJob
from vtspec.adapters.data.class_masks import MaskedImage, read_class_mask
from vtspec.adapters.data.image_decoding import UnreadableImageError

from .batches import UnreadableError
from .loading import UnreadableImage

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from vtspec.adapters.data.annotations import Size

_MOST_VALUES: Final = 2**26
"""Of logits that are made as large as an image at a time."""


def read_classes(image: MaskedImage, size: Size, data: DatasetJob) -> NDArray[np.uint8]:
    """The class of each pixel of an image of this size, or `IGNORED`.

    Raises:
        UnreadableError: its mask cannot be read, or does not fit.
    """
    try:
        return read_class_mask(image, size, data)
    except (ValueError, UnreadableImageError) as error:
        told = "as a mask it " if isinstance(error, ValueError) else ""
        unreadable = UnreadableImage(image.mask or image.path, f"{told}{error}")
        raise UnreadableError(unreadable) from error


def find_likeliest(
    logits: torch.Tensor,
    size: Size,
    enlarge: Callable[[torch.Tensor], torch.Tensor],
    *,
    pixels: int,
) -> NDArray[np.uint8]:
    """The likeliest class of each pixel, `(height, width)`, of an image of this size.

    `enlarge` makes maps of that size of some of the logits `(classes, h, w)`, a few classes at a
    time, since all those of a large image do not fit; on the way each has so many `pixels`.
    """
    import torch

    width, height = size
    step = max(1, _MOST_VALUES // pixels)
    best = torch.full((height, width), -torch.inf, device=logits.device)
    place = torch.zeros_like(best, dtype=torch.uint8)
    for start in range(0, len(logits), step):
        value, index = enlarge(logits[start : start + step]).max(dim=0)
        place = torch.where(value > best, (index + start).to(torch.uint8), place)
        best = torch.maximum(value, best)
    found: NDArray[np.uint8] = place.cpu().numpy()
    return found
