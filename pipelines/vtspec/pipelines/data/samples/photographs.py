"""`photographs`, `motorcycle`, `tissue`: tiles of photographs, each with a second image.

Splits are whole photographs, or bands of one: no two tiles share a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .pixels import Pixels, cut_tiles, halve, read_photograph, write_png

_SPLIT_OF_PHOTOGRAPH: Final[Mapping[str, str]] = {
    "astronaut": "train",
    "coffee": "train",
    "motorcycle_right": "val",
    "chelsea": "test",
}

_FOCAL_LENGTH: Final = 994.978
_BASELINE_MM: Final = 193.001
_PRINCIPAL_POINT_OFFSET: Final = 31.086
"""Pixels; the three figures are those of `skimage.data.stereo_motorcycle`."""

_TISSUE: Final = ("glass", "stroma", "gland")


def write_photographs(folder: Path) -> None:
    """`high/<split>/*.png`, 80 x 80, and `low/<split>/*.png`, the mean of each 2 x 2 of them."""
    for name, split in _SPLIT_OF_PHOTOGRAPH.items():
        for row, column, tile in cut_tiles(read_photograph(name), 80):
            # Every other tile of a chessboard: enough, at half the room.
            if (row + column) % 2 == 0:
                file = f"{split}/{name}-{row}-{column}.png"
                write_png(folder / "high" / file, tile)
                write_png(folder / "low" / file, halve(tile))


def write_motorcycle(folder: Path) -> None:
    """`rgb/<split>/*.png`, 64 x 64, and `depth/<split>/*.png`: 16 bits of millimetres, 0 where
    nothing was measured. The depth is that of Middlebury's structured light."""
    depth = _compute_depth()
    for row, column, tile in cut_tiles(read_photograph("motorcycle_left"), 64):
        # Bands from left to right: all have floor, wall and machine.
        split = {3: "val", 7: "test"}.get(column, "train")
        file = f"{split}/{row}-{column}.png"
        write_png(folder / "rgb" / file, tile)
        ys, xs = slice(row * 64, row * 64 + 64), slice(column * 64, column * 64 + 64)
        write_png(folder / "depth" / file, depth[ys, xs])


def _compute_depth() -> Pixels:
    import numpy as np
    import skimage.data

    path = Path(skimage.data.__file__).with_name("motorcycle_disp.npz")
    with np.load(path, allow_pickle=False) as archive:
        disparity = archive["arr_0"].astype(np.float64)
    known = np.isfinite(disparity)
    shift = np.where(known, disparity, 0) + _PRINCIPAL_POINT_OFFSET
    # One division and one rounding, both exact by IEEE 754: the same everywhere.
    millimetres = np.rint(_FOCAL_LENGTH * _BASELINE_MM / shift)
    return np.where(known, millimetres, 0).astype(np.uint16)


def write_tissue(folder: Path) -> None:
    """`images/<split>/*.png`, 64 x 64, `masks/<split>/*.png` and `classes.txt`.

    The classes are drawn by thresholds on the photograph, smoothed over 9 x 9 pixels: what is
    stained brown is gland, what is nearly white is glass, and the rest lies between glands.
    """
    photograph = read_photograph("ihc")
    mask = _classify_tissue(photograph)
    for row, column, tile in cut_tiles(photograph, 64):
        split = {3: "val", 6: "test"}.get(row, "train")
        file = f"{split}/{row}-{column}.png"
        write_png(folder / "images" / file, tile)
        ys, xs = slice(row * 64, row * 64 + 64), slice(column * 64, column * 64 + 64)
        write_png(folder / "masks" / file, mask[ys, xs])
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in _TISSUE))


def _classify_tissue(photograph: Pixels) -> Pixels:
    import numpy as np

    wide = photograph.astype(np.int64)
    brown = _sum_around(wide[..., 0] - wide[..., 2]) > 81 * 30
    white = _sum_around(wide.min(axis=2)) > 81 * 212
    return np.where(brown, 2, np.where(white, 0, 1)).astype(np.uint8)


def _sum_around(values: Pixels) -> Pixels:
    """The sum of the 9 x 9 values around each, mirrored at the sides."""
    import numpy as np

    padded = np.pad(values, 4, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (9, 9))
    total: Pixels = windows.sum(axis=(2, 3), dtype=np.int64)
    return total
