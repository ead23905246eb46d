"""Where the pixels of samples come from, how they are put together, and how they are stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[Any]"

SPLITS: Final = ("train", "val", "test")

TEXTURES: Final = ("brick", "grass", "gravel")

_BANDS: Final[Mapping[str, tuple[int, int]]] = {
    "train": (0, 300),
    "val": (300, 406),
    "test": (406, 512),
}
"""The rows of a texture that a split may show: what is learnt is not what is asked about."""


def read_photograph(name: str) -> Pixels:
    """A PNG that scikit-image ships, as `(height, width)` grey or `(height, width, 3)` RGB."""
    import numpy as np
    import skimage.data
    from skimage.io import imread

    return np.asarray(imread(Path(skimage.data.__file__).with_name(f"{name}.png")))


def read_digits(split: str) -> dict[int, list[Pixels]]:
    """scikit-learn's digits of a split by what they are: 8 x 8, ink 0…255 on 0. Every fifth one
    is of `val`, the one after it of `test`."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    ink = (digits.images.astype("int64") * 255 // 16).astype("uint8")
    found: dict[int, list[Pixels]] = {digit: [] for digit in range(10)}
    for index, digit in enumerate(digits.target.tolist()):
        if {0: "val", 1: "test"}.get(index % 5, "train") == split:
            found[digit].append(ink[index])
    return found


def crop_texture(texture: str, split: str, random: Random, height: int, width: int) -> Pixels:
    """A part of a texture, of the rows that are the split's; a copy to draw on."""
    top, bottom = _BANDS[split]
    y = random.randrange(top, bottom - height + 1)
    x = random.randrange(512 - width + 1)
    return read_photograph(texture)[y : y + height, x : x + width].copy()


def cut_tiles(pixels: Pixels, side: int) -> list[tuple[int, int, Pixels]]:
    """Square tiles side by side, each with its row and column; what is left over is dropped."""
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    return [
        (row, column, pixels[row * side : (row + 1) * side, column * side : (column + 1) * side])
        for row in range(rows)
        for column in range(columns)
    ]


def halve(pixels: Pixels) -> Pixels:
    """Half the size: the mean of each 2 x 2, rounded half up."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    wide = pixels[:height, :width].astype("int64")
    total = wide[::2, ::2] + wide[::2, 1::2] + wide[1::2, ::2] + wide[1::2, 1::2]
    mean: Pixels = ((total + 2) // 4).astype("uint8")
    return mean


def write_png(path: Path, pixels: Pixels) -> None:
    """A PNG without compression: zlib and zlib-ng compress to different bytes."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=0)


def write_coco(
    path: Path, images: Sequence[object], annotations: Sequence[object], categories: object
) -> None:
    """A COCO file of one split."""
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
