"""Polygons and masks as pixels, cut to where they are. Pure.

A pixel is inside a ring where its centre is, by the even-odd rule; the parts of an object are laid
over each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .annotations import Annotation, Polygon, RleMask, Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Raster:
    """Pixels `(height, width)` of a part of an image, whose first one lies at `x`, `y`."""

    x: int
    y: int
    pixels: Pixels

    @property
    def area(self) -> int:
        """How many pixels are inside."""
        return int(self.pixels.sum())


def rasterize_object(found: Annotation, size: Size) -> Raster | None:
    """The pixels of an object's mask, polygons or turned box; None where it has none of them, or
    a mask of another size than the image's."""
    if found.mask is not None:
        return rasterize_mask(found.mask) if _fits(found.mask, size) else None
    if found.polygons:
        return rasterize_polygons(found.polygons, size)
    if found.oriented_box is not None:
        return rasterize_polygons([Polygon(outer=found.oriented_box.corners)], size)
    return None


def rasterize_mask(mask: RleMask) -> Raster:
    """The pixels of a mask, as many as its image has."""
    import numpy as np

    inside = np.arange(len(mask.counts)) % 2 == 1
    flat = np.repeat(inside, np.array(mask.counts, dtype=np.int64))
    return _crop(0, 0, flat.reshape(mask.width, mask.height).T)


def rasterize_polygons(polygons: Iterable[Polygon], size: Size) -> Raster:
    """The pixels of an image of this size that lie in any of the polygons and in no hole of it."""
    import numpy as np

    parts = [_rasterize_rings([polygon.outer, *polygon.holes], size) for polygon in polygons]
    x, y = min(part.x for part in parts), min(part.y for part in parts)
    width = max(part.x + part.pixels.shape[1] for part in parts) - x
    height = max(part.y + part.pixels.shape[0] for part in parts) - y
    pixels = np.zeros((height, width), dtype=bool)
    for part in parts:
        pixels[_place(part, x, y)] |= part.pixels
    return Raster(x=x, y=y, pixels=pixels)


def encode_pixels(raster: Raster, size: Size) -> RleMask:
    """The runs of a raster in an image of this size."""
    import numpy as np

    width, height = size
    whole = np.zeros((height, width), dtype=bool)
    whole[_place(raster, 0, 0)] = raster.pixels
    flat = whole.T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate(([0], changes, [flat.size]))).tolist()
    # The first run is one outside.
    counts = [0, *counts] if flat.size and flat[0] else counts
    return RleMask(width=width, height=height, counts=tuple(counts))


def compute_iou(first: Raster, second: Raster) -> float:
    """The share of the pixels of either that both have; 1 where neither has any."""
    both = count_common(first, second)
    either = first.area + second.area - both
    return both / either if either else 1.0


def count_common(first: Raster, second: Raster) -> int:
    """How many pixels both have."""
    left, top = max(first.x, second.x), max(first.y, second.y)
    right = min(first.x + first.pixels.shape[1], second.x + second.pixels.shape[1])
    bottom = min(first.y + first.pixels.shape[0], second.y + second.pixels.shape[0])
    if left >= right or top >= bottom:
        return 0
    one, other = (
        raster.pixels[top - raster.y : bottom - raster.y, left - raster.x : right - raster.x]
        for raster in (first, second)
    )
    return int((one & other).sum())


def _rasterize_rings(rings: Sequence[Sequence[float]], size: Size) -> Raster:
    import numpy as np

    width, height = size
    xs, ys = rings[0][::2], rings[0][1::2]
    # What lies outside of the image is seen of no pixel, however far it reaches.
    left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    right, bottom = min(width, math.ceil(max(xs))), min(height, math.ceil(max(ys)))
    if left >= right or top >= bottom:
        return Raster(x=0, y=0, pixels=np.zeros((0, 0), dtype=bool))
    edges = np.concatenate([_list_edges(ring) for ring in rings])
    x_from, y_from, x_to, y_to = edges.T
    # The rows whose centre lies between the two ends, each counted once where edges meet.
    first = np.clip(np.ceil(np.minimum(y_from, y_to) - 0.5), top, bottom).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(y_from, y_to) - 0.5), top, bottom).astype(np.int64)
    counts = last - first
    edge = np.repeat(np.arange(len(edges)), counts)
    rows = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    along = (rows + 0.5 - y_from[edge]) / (y_to[edge] - y_from[edge])
    crossings = x_from[edge] + along * (x_to[edge] - x_from[edge])
    columns = np.clip(np.ceil(crossings - 0.5), left, right).astype(np.int64) - left
    # A byte a pixel is enough: where it overflows, odd stays odd.
    toggles = np.zeros((bottom - top, right - left + 1), dtype=np.uint8)
    np.add.at(toggles, (rows - top, columns), 1)
    inside = toggles.cumsum(axis=1, dtype=np.uint8)[:, :-1] & 1
    return Raster(x=left, y=top, pixels=inside.view(bool))


def _list_edges(ring: Sequence[float]) -> NDArray[np.float64]:
    """Rows of `x y x y`: from each point of a ring to the next."""
    import numpy as np

    points = np.array(ring, dtype=np.float64).reshape(-1, 2)
    return np.concatenate([points, np.roll(points, -1, axis=0)], axis=1)


def _crop(x: int, y: int, pixels: Pixels) -> Raster:
    import numpy as np

    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return Raster(x=0, y=0, pixels=pixels[:0, :0])
    top, left = int(rows[0]), int(columns[0])
    cut = pixels[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    return Raster(x=x + left, y=y + top, pixels=cut)


def _place(raster: Raster, x: int, y: int) -> tuple[slice, slice]:
    """Where a raster lies in pixels whose first one is at `x`, `y`."""
    height, width = raster.pixels.shape
    return (
        slice(raster.y - y, raster.y - y + height),
        slice(raster.x - x, raster.x - x + width),
    )


def _fits(mask: RleMask, size: Size) -> bool:
    return (mask.width, mask.height) == size
