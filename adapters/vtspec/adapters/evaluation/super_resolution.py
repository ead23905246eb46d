"""How close enlarged images come to the true ones: NumPy in, plain numbers out.

As papers on super-resolution report it: on 8-bit values (predictions are rounded and cut, as a
file of them would be), without `border` pixels on each side, on the luma of ITU-R BT.601 in its
range of 16 to 235 (MATLAB's `rgb2ycbcr`), or on R, G and B, of which SSIM is averaged. SSIM has
the Gaussian window of 11 x 11 and deviation 1.5, K1 = 0.01, K2 = 0.03, and is averaged where the
window fits: Wang et al., "Image Quality Assessment: From Error Visibility to Structural
Similarity", 2004. Both metrics are means over images.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

from vtspec.adapters.json_types import JsonObject

from .numbers import round_or_none
from .sample_records import build_value_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_PSNR: Final = 100.0
"""Decibels given to an image without any error, whose ratio is infinite."""

_LUMA: Final = (65.481, 128.553, 24.966)
_WINDOW: Final = 11
_DEVIATION: Final = 1.5
_PEAK: Final = 255.0


class SuperResolutionMetrics:
    """The images of a split, one by one: it keeps two numbers each.

    `border` is usually the factor of enlargement; `channel` is the luma `y`, or `rgb`.
    """

    def __init__(self, border: int, channel: Literal["y", "rgb"] = "y") -> None:
        self.border: int = border
        self.channel: Literal["y", "rgb"] = channel
        self.images: list[str] = []
        self._values: dict[str, list[float]] = {"psnr": [], "ssim": []}

    def update(self, image: str, truth: NDArray[Any], predicted: NDArray[Any]) -> None:
        """One image, by its name; both `(height, width, 3)`, R, G and B of 0 to 255.

        Raises `ValueError` where the shapes differ or too little is left inside the border.
        """
        if truth.shape != predicted.shape:
            raise ValueError(f"{image}: {predicted.shape} values instead of {truth.shape}")
        planes = [self._prepare(each) for each in (truth, predicted)]
        height, width = planes[0].shape[:2]
        if min(height, width) < _WINDOW:
            raise ValueError(
                f"{image}: {width} x {height} pixels without its border of {self.border}; SSIM "
                f"needs {_WINDOW} x {_WINDOW}"
            )
        self.images.append(image)
        self._values["psnr"].append(compute_psnr(*planes))
        self._values["ssim"].append(compute_ssim(*planes))

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name."""
        return {name: math.fsum(each) / len(each) for name, each in self._values.items()}

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        return {
            "images": len(self.images),
            "classes": [],
            "channel": self.channel,
            "border": self.border,
            "worst": _list_worst(self.images, self._values),
            "samples": build_value_records(self.images, self._values),
        }

    def _prepare(self, pixels: NDArray[Any]) -> Floats:
        import numpy as np

        wide = np.rint(np.asarray(pixels, np.float64)).clip(0, _PEAK)
        height, width = wide.shape[:2]
        edge = self.border
        inside = wide[edge : height - edge, edge : width - edge]
        if self.channel == "rgb":
            return inside
        luma: Floats = (16 + inside @ np.array(_LUMA) / _PEAK)[:, :, None]
        return luma


def compute_psnr(truth: Floats, predicted: Floats) -> float:
    """Decibels of the peak 255 over the error's root mean square; at most `MOST_PSNR`."""
    error = float(((truth - predicted) ** 2).mean())
    return min(10 * math.log10(_PEAK**2 / error), MOST_PSNR) if error else MOST_PSNR


def compute_ssim(truth: Floats, predicted: Floats) -> float:
    """The mean structural similarity of two images `(height, width, channels)` of 0 to 255."""
    mean, other = _blur(truth), _blur(predicted)
    # With the window's weights, not those of a sample: as in the paper.
    variance = _blur(truth * truth) - mean * mean
    other_variance = _blur(predicted * predicted) - other * other
    covariance = _blur(truth * predicted) - mean * other
    c1, c2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
    above = (2 * mean * other + c1) * (2 * covariance + c2)
    below = (mean * mean + other * other + c1) * (variance + other_variance + c2)
    return float((above / below).mean())


def _blur(planes: Floats) -> Floats:
    """Weighted by the Gaussian window, where all of it fits."""
    import numpy as np

    places = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-(places**2) / (2 * _DEVIATION**2))
    weights /= weights.sum()
    blurred = planes
    for axis in (0, 1):
        length = blurred.shape[axis] - _WINDOW + 1
        parts = (
            weight * np.take(blurred, np.arange(start, start + length), axis=axis)
            for start, weight in enumerate(weights)
        )
        blurred = np.sum(list(parts), axis=0)
    return blurred


def _list_worst(images: list[str], values: dict[str, list[float]]) -> list[JsonObject]:
    """The images with the lowest PSNR, the lowest first."""
    order = sorted(range(len(images)), key=lambda place: (values["psnr"][place], place))
    return [
        {
            "image": images[place],
            **{name: round_or_none(each[place]) for name, each in values.items()},
        }
        for place in order[:24]
    ]
