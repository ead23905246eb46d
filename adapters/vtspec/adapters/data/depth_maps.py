"""How far away each pixel of an image is: maps of distances, read in metres and written."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError

from .image_decoding import UnreadableImageError, open_image, read_orientation
from .image_pairs import ImagePair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NUMBERS: Final = ("L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's modes of one channel that is no index of a palette."""

_MOST_OF_FILE: Final = 65535
"""The largest number of a PNG with 16 bits."""


def check_sizes(pairs: Sequence[ImagePair]) -> None:
    """Raise `AdapterError` where a map is not of its image's size."""
    for pair in pairs:
        if pair.size != pair.target_size:
            own, wanted = (
                f"{width} x {height}" for width, height in (pair.target_size, pair.size)
            )
            raise AdapterError(
                f"{pair.target} is {own}, and its image {pair.name} is {wanted}",
                "make the maps of their images' size",
            )


def read_depth(path: Path, per_metre: float) -> NDArray[np.float32]:
    """A file's distances in metres, `(h, w)`; 0 where nothing was measured.

    Raises:
        UnreadableImageError: it is no image with one channel of numbers.
    """
    import numpy as np

    with open_image(path) as image:
        image.load()
        if read_orientation(image) != 1:
            raise UnreadableImageError(
                "its EXIF turns it, and nobody knows whether its image was turned, too"
            )
        if image.mode not in _NUMBERS:
            raise UnreadableImageError(
                f"distances are numbers of one channel, such as a PNG with 16 bits ({image.mode})"
            )
        told = np.asarray(image, np.float64)
    return np.where(np.isfinite(told) & (told > 0), told / per_metre, 0).astype(np.float32)


def encode_depth(metres: Any, per_metre: float) -> str:
    """Distances `(h, w)` as a PNG with 16 bits in the dataset's unit, in base64; what is farther
    than it can hold is as far as it can hold, and 1 is the least, as 0 is not measured."""
    import numpy as np
    from PIL import Image

    numbers = np.rint(np.asarray(metres, np.float64) * per_metre).clip(1, _MOST_OF_FILE)
    file = io.BytesIO()
    Image.fromarray(numbers.astype(np.uint16)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
