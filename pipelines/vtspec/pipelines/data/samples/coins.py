"""`coins`: Greek coins on brick, grass and gravel, with boxes and outlines to the pixel.

The 24 coins of scikit-image's photograph (Brooklyn Museum), found by a watershed whose outlines
were looked at, at half their size. Four of six columns of coins are `train`'s, one is `val`'s and
one `test`'s: no coin is in two splits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.data.rasters import Raster
from vtspec.pipelines.data.conversion.outlines import trace_outline

from .pixels import (
    SPLITS,
    TEXTURES,
    Pixels,
    crop_texture,
    halve,
    read_photograph,
    write_coco,
    write_png,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_IMAGES: Final[Mapping[str, int]] = {"train": 100, "val": 30, "test": 30}
_CELL: Final = 48
"""Pixels of a quarter of an image, in which one coin lies whole."""

_SMALLEST_COIN: Final = 1000
"""Pixels of the photograph; what else the watershed finds is a speck."""


def write_coins(folder: Path) -> None:
    """`<split>/<number>.png`, 96 x 96, and `annotations/<split>.json`."""
    coins = cut_coins()
    for split in SPLITS:
        random = Random(f"coins {split}")
        own = [coin for index, coin in enumerate(coins) if _get_split(index) == split]
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for number in range(_IMAGES[split]):
            name = f"{number:03d}.png"
            pixels = crop_texture(random.choice(TEXTURES), split, random, 2 * _CELL, 2 * _CELL)
            images.append({"id": number, "file_name": name, "width": 96, "height": 96})
            for quarter in sorted(random.sample(range(4), random.randint(1, 4))):
                raster = _lay(pixels, random.choice(own), quarter, random)
                annotations.append(_annotate(raster, len(annotations), number))
            write_png(folder / split / name, pixels)
        write_coco(
            folder / "annotations" / f"{split}.json",
            images,
            annotations,
            [{"id": 1, "name": "coin"}],
        )


def _get_split(index: int) -> str:
    return {4: "val", 5: "test"}.get(index % 6, "train")


def cut_coins() -> list[tuple[Pixels, Pixels]]:
    """Each coin at half its size with its mask, in the order of the photograph's rows."""
    import numpy as np
    from scipy import ndimage
    from skimage.segmentation import watershed

    photograph = read_photograph("coins").astype(np.int64)
    markers = np.where(photograph < 30, 1, np.where(photograph > 150, 2, 0))
    is_coin = ndimage.binary_fill_holes(watershed(_measure_edges(photograph), markers) == 2)
    labelled: Any = ndimage.label(is_coin)
    labels = labelled[0]
    found = []
    for label, (ys, xs) in enumerate(ndimage.find_objects(labels), start=1):
        mask = labels[ys, xs] == label
        if mask.sum() >= _SMALLEST_COIN:
            half = halve(np.where(mask, 255, 0)) >= 128
            found.append((ys.start // 75, xs.start, halve(photograph[ys, xs]), half))
    found.sort(key=lambda coin: coin[:2])
    return [(pixels, mask) for _, _, pixels, mask in found]


def _measure_edges(grey: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sobel's |gx| + |gy| in whole numbers, 0 along the border."""
    import numpy as np

    edges = np.zeros_like(grey)
    down = grey[:-2] + 2 * grey[1:-1] + grey[2:]
    across = grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]
    edges[1:-1, 1:-1] = abs(down[:, 2:] - down[:, :-2]) + abs(across[2:] - across[:-2])
    return edges


def _lay(pixels: Pixels, coin: tuple[Pixels, Pixels], quarter: int, random: Random) -> Raster:
    """Put a coin into a quarter of the image, turned by a multiple of 90°; where it lies."""
    import numpy as np

    turns = random.randrange(4)
    face, mask = (np.rot90(part, turns) for part in coin)
    height, width = mask.shape
    y = quarter // 2 * _CELL + random.randrange(_CELL - height + 1)
    x = quarter % 2 * _CELL + random.randrange(_CELL - width + 1)
    pixels[y : y + height, x : x + width][mask] = face[mask]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inside = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Raster(x=x + int(columns[0]), y=y + int(rows[0]), pixels=inside)


def _annotate(raster: Raster, key: int, image: int) -> dict[str, object]:
    height, width = raster.pixels.shape
    return {
        "id": key,
        "image_id": image,
        "category_id": 1,
        "bbox": [raster.x, raster.y, width, height],
        "area": raster.area,
        "iscrowd": 0,
        "segmentation": [[int(v) for v in part.outer] for part in trace_outline(raster)],
    }
