"""How close distances come to measured ones: NumPy in, plain numbers out.

As Eigen et al., "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network", 2014,
define them: AbsRel, RMSE, and the share of pixels whose ratio to the truth, whichever way it is
above 1, is below 1.25, 1.25² and 1.25³. Each is taken over the measured pixels of an image, those
with a truth above 0 (and up to `farthest`), and averaged over images. Nothing is scaled to fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtspec.adapters.json_types import JsonObject

from .sample_records import build_value_records

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DepthMetrics:
    """The depth maps of a split, image by image: it keeps five numbers each.

    `farthest` is the largest true distance that counts, in the maps' unit; None for all. Images
    without any measured pixel are counted in `unmeasured`, and in nothing else.
    """

    def __init__(self, farthest: float | None = None) -> None:
        self.farthest = farthest
        self.images: list[str] = []
        self.unmeasured: list[str] = []
        self._values: dict[str, list[float]] = {}

    def update(self, image: str, truth: NDArray[Any], predicted: NDArray[Any]) -> None:
        """One image, by its name; distances in one unit and shape, the truth 0 (or no number)
        where nothing was measured.

        Raises `ValueError` where the shapes differ or a prediction is no number.
        """
        import numpy as np

        if truth.shape != predicted.shape:
            raise ValueError(f"{image}: {predicted.shape} distances instead of {truth.shape}")
        measured = np.isfinite(truth) & (truth > 0)
        if self.farthest is not None:
            measured &= truth <= self.farthest
        if not measured.any():
            self.unmeasured.append(image)
            return
        true = truth[measured].astype(np.float64)
        told = predicted[measured].astype(np.float64)
        if not np.isfinite(told).all():
            raise ValueError(f"{image}: a predicted distance is no number")
        # What lies behind the camera is within no factor of anything.
        ratio = np.full(len(true), np.inf)
        ahead = told > 0
        ratio[ahead] = np.maximum(told[ahead] / true[ahead], true[ahead] / told[ahead])
        figures = {
            "abs_rel": (np.abs(told - true) / true).mean(),
            "rmse": np.sqrt(((told - true) ** 2).mean()),
            **{f"delta{power}": (ratio < 1.25**power).mean() for power in (1, 2, 3)},
        }
        self.images.append(image)
        for name, value in figures.items():
            self._values.setdefault(name, []).append(float(value))

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name.

        Raises `ValueError` where no image has a measured pixel.
        """
        import numpy as np

        if not self.images:
            raise ValueError("no image has a pixel whose distance was measured")
        return {name: float(np.mean(each)) for name, each in self._values.items()}

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        return {
            "images": len(self.images),
            "classes": [],
            "farthest": self.farthest,
            "unmeasured": len(self.unmeasured),
            "samples": build_value_records(self.images, self._values),
        }
