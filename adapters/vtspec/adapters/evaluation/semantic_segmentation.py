"""What a model that gives each pixel a class is worth: NumPy in, plain numbers out.

All follows from pixels counted over the whole split (Everingham et al., "The PASCAL Visual Object
Classes Challenge", 2015, section 4.2.3): IoU is `right / (true + said - right)`, Dice
`2 right / (true + said)`. Means are over the classes that occur in the truth or in what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.json_types import JsonObject

from .classification import MATRIX_CLASSES
from .influence import linearize
from .numbers import divide, round_or_none
from .sample_records import MOST_RECORDS, build_value_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

IGNORED: Final = 255
"""The value of pixels that nobody labelled, where it is no class."""


class SemanticSegmentationMetrics:
    """The masks of a split, image by image: it keeps a matrix of counts, and of each image of the
    first `MOST_RECORDS` three counts a class."""

    def __init__(self, classes: Sequence[str], ignored: int = IGNORED) -> None:
        import numpy as np

        self.classes, self.ignored = tuple(classes), ignored
        self.images: list[str] = []
        self.confusion: Ints = np.zeros((len(self.classes), len(self.classes)), np.int64)
        self._sums: list[Ints] = []

    def update(self, image: str, truth: NDArray[Any], predicted: NDArray[Any]) -> None:
        """One image, by its name; both are class indices in one shape.

        Raises `ValueError` where the shapes differ, or where a pixel that is not ignored has no
        class.
        """
        import numpy as np

        size = len(self.classes)
        if truth.shape != predicted.shape:
            raise ValueError(f"{image}: masks of {truth.shape} and {predicted.shape} pixels")
        labelled = truth != self.ignored
        pairs = [np.asarray(each)[labelled].astype(np.int64) for each in (truth, predicted)]
        for each in pairs:
            if each.size and not 0 <= each.min() <= each.max() < size:
                raise ValueError(f"{image}: a pixel's class is not one of 0 to {size - 1}")
        counts = np.bincount(pairs[0] * size + pairs[1], minlength=size * size)
        matrix = counts.reshape(size, size)
        self.confusion += matrix
        self.images.append(image)
        if len(self.images) <= MOST_RECORDS:
            self._sums.append(_sum_up(matrix))

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name."""
        total = _sum_up(self.confusion)
        return {name: float(measure(total)) for name, measure in _MEASURES.items()}

    def list_class_rows(self) -> list[JsonObject]:
        """IoU, Dice, precision and recall of each class, None of one that occurs nowhere; the
        support is in pixels."""
        right, true, said = _split(_sum_up(self.confusion))
        figures = {
            "iou": divide(right, true + said - right, float("nan")),
            "dice": divide(2 * right, true + said, float("nan")),
            "precision": divide(right, said, float("nan")),
            "recall": divide(right, true, float("nan")),
        }
        return [
            {
                "class": name,
                **{key: round_or_none(column[place]) for key, column in figures.items()},
                "support": int(true[place]),
            }
            for place, name in enumerate(self.classes)
        ]

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        import numpy as np

        kept = len(self.images) <= MOST_RECORDS and len(self._sums)
        sums = np.stack(self._sums) if kept else None
        values = {
            name: None if sums is None else linearize(sums, measure)
            for name, measure in _MEASURES.items()
        }
        small = len(self.classes) <= MATRIX_CLASSES
        return {
            "images": len(self.images),
            "classes": list(self.classes),
            "confusion": self.confusion.tolist() if small else None,
            "confusionUnit": "pixel",
            "perClass": self.list_class_rows(),
            "samples": build_value_records(self.images, values),
        }


def build_mask_record(mask: NDArray[Any], classes: Sequence[str]) -> JsonObject:
    """What is said of each pixel, `(height, width)` class indices, as `predicted_mask` of a result
    has it: each class that has one, the largest first, with its share of the image and its runs as
    COCO compresses them."""
    import numpy as np
    from hotcoco import mask as runs

    found, counts = np.unique(mask, return_counts=True)
    size = [int(side) for side in mask.shape]
    segments = []
    for place in np.argsort(-counts, kind="stable"):
        coded = runs.encode(np.asfortranarray(mask == found[place], np.uint8))
        segments.append(
            {
                "label": classes[int(found[place])],
                "share": float(counts[place]) / mask.size,
                "counts": coded["counts"].decode("ascii"),
            }
        )
    return {"size": size, "segments": segments}


def _sum_up(matrix: Ints) -> Ints:
    """Right, true and said pixels of each class; `(3 * classes,)`."""
    import numpy as np

    return np.concatenate([matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)])


def _split(totals: NDArray[Any]) -> tuple[Any, Any, Any]:
    size = totals.shape[-1] // 3
    return totals[..., :size], totals[..., size : 2 * size], totals[..., 2 * size :]


def _measure_mean_iou(totals: NDArray[Any]) -> Floats:
    right, true, said = _split(totals)
    union = true + said - right
    return divide(divide(right, union).sum(axis=-1), (union > 0).sum(axis=-1))


def _measure_mean_dice(totals: NDArray[Any]) -> Floats:
    right, true, said = _split(totals)
    return divide(divide(2 * right, true + said).sum(axis=-1), (true + said > 0).sum(axis=-1))


def _measure_pixel_accuracy(totals: NDArray[Any]) -> Floats:
    right, true, _ = _split(totals)
    return divide(right.sum(axis=-1), true.sum(axis=-1))


_MEASURES: Final = {
    "mIoU": _measure_mean_iou,
    "pixel_accuracy": _measure_pixel_accuracy,
    "mean_dice": _measure_mean_dice,
}
