"""What a detector is worth, by boxes (upright or turned), masks or keypoints.

Average precision is COCO's (`coco_evaluation`); precision and recall are at the confidence of the
best F1 (`matched_detections`). At most 100 detections of an image and class count. Errors are
those of TIDE (Bolya et al. 2020, https://arxiv.org/abs/2008.08115): by how much AP at 0.5 would
rise without each kind, by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.json_types import JsonObject

from .classification import MATRIX_CLASSES
from .coco_evaluation import SIZES, Kind
from .matched_detections import MatchedDetections, find_place
from .matching import get_thresholds
from .numbers import round_or_none
from .objects import Objects, ObjectTable
from .sample_records import MOST_RECORDS, build_value_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PREFIXES: Final[dict[Kind, str]] = {
    "box": "",
    "oriented": "",
    "mask": "mask_",
    "keypoints": "pose_",
}
_NEEDED: Final = {"oriented": "corners", "mask": "masks", "keypoints": "keypoints"}
_BACKGROUND: Final = "background"


class DetectionMetrics:
    """The detections of a split against its objects, image by image.

    It keeps the objects, not the images: some 80 bytes each, and the runs of a mask.
    """

    def __init__(self, classes: Sequence[str], kind: Kind = "box") -> None:
        self.classes = tuple(classes)
        self.kind: Kind = kind
        self.images: list[str] = []
        self._truth, self._found = ObjectTable(), ObjectTable()

    def update(self, image: str, truth: Objects, found: Objects) -> None:
        """One image, by its name; `found` may hold more than count.

        Raises `ValueError` where what this kind is measured by is not there, columns are uneven, a
        class is none of ours, or a number is none.
        """
        place, needed = len(self.images), _NEEDED.get(self.kind)
        for table, objects in ((self._truth, truth), (self._found, found)):
            if needed is not None and getattr(objects, needed) is None:
                raise ValueError(f"{image}: objects without {needed}")
            table.add(place, objects, len(self.classes))
        self.images.append(image)
        # What was measured no longer holds.
        self.__dict__.pop("measured", None)

    @cached_property
    def measured(self) -> MatchedDetections:
        """All that follows from the objects seen so far."""
        return MatchedDetections(
            self._truth.join(), self._found.join(), len(self.classes), len(self.images), self.kind
        )

    def compute(self) -> dict[str, float]:
        """The standard metrics by name, without those that nothing was there for: of a size that
        no object has. Those of masks and keypoints have a prefix."""
        prefix, measured = _PREFIXES[self.kind], self.measured
        precision = measured.precision[:, :, :, :, -1]
        overlaps = get_thresholds()
        figures: dict[str, float | None] = {
            "mAP50-95": _average(precision[..., 0]),
            "mAP50": _average(precision[0, ..., 0]),
            "mAP75": _average(precision[find_place(overlaps, 0.75), ..., 0]),
        }
        for place, size in enumerate(SIZES[self.kind], start=1):
            figures[f"mAP_{size}"] = _average(precision[..., place])
        if self.kind in ("box", "oriented"):
            figures |= {
                "precision": measured.average(measured.best_precision),
                "recall": measured.average(measured.best_recall),
            }
        if self.kind == "mask":
            figures["iou"] = measured.compute_matched_overlap()
        # With nothing to find there is nothing to be right about.
        figures["mAP50-95"] = figures["mAP50-95"] or 0.0
        return {prefix + name: value for name, value in figures.items() if value is not None}

    def compute_class_figures(self) -> dict[str, Floats]:
        """AP, precision, recall and F1 of each class, NaN of one that the truth lacks, by
        name, with the prefix."""
        import numpy as np

        measured = self.measured
        precision = measured.precision[:, :, :, 0, -1]
        absent = measured.support == 0
        figures = {
            "ap50_95": precision.mean(axis=(0, 1)),
            "ap50": precision[0].mean(axis=0),
            "precision": measured.best_precision,
            "recall": measured.best_recall,
            "f1": measured.f1[:, measured.best],
        }
        prefix = _PREFIXES[self.kind]
        return {prefix + name: np.where(absent, np.nan, each) for name, each in figures.items()}

    def list_class_rows(self) -> list[JsonObject]:
        """The figures of each class with its name and the number of its objects, as `perClass`."""
        support, figures = self.measured.support, self.compute_class_figures()
        return [
            {
                "class": name,
                **{key: round_or_none(column[place]) for key, column in figures.items()},
                "support": int(support[place]),
            }
            for place, name in enumerate(self.classes)
        ]

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        return {
            "images": len(self.images),
            "classes": list(self.classes),
            "confidence": self.measured.confidence,
            "perClass": self.list_class_rows(),
            **(self._build_curves() if len(self.classes) <= MATRIX_CLASSES else {}),
            **(self._build_errors() if self.kind != "keypoints" else {}),
            "samples": build_value_records(self.images, self.compute_values()),
        }

    def compute_values(self) -> dict[str, Floats | None]:
        """What each image adds to the metrics (`influence`).

        Not to precision and recall: where F1 is flat, other images make another confidence the
        best one, which moves both by more than what is measured at it, and says nothing.
        """
        measured, prefix = self.measured, _PREFIXES[self.kind]
        if not measured.support.any() or len(self.images) > MOST_RECORDS:
            return {}
        found: dict[str, Floats | None] = {**measured.compute_ap_values(self.compute(), prefix)}
        if self.kind == "mask":
            found["mask_iou"] = measured.compute_overlap_values()
        return found

    def _build_curves(self) -> JsonObject:
        import numpy as np

        measured = self.measured
        recall = [round_or_none(value) for value in np.linspace(0, 1, 101)]
        present = [place for place in range(len(self.classes)) if measured.support[place]]
        precision = measured.precision[0, :, :, 0, -1]
        shown = slice(None, None, 10)
        by_confidence = {
            "precision": measured.precision_at,
            "recall": measured.recall_at,
            "f1": measured.f1,
        }
        return {
            "prCurves": {
                self.classes[place]: {
                    "recall": recall,
                    "precision": [round_or_none(value) for value in precision[:, place]],
                    "averagePrecision": round_or_none(precision[:, place].mean()),
                }
                for place in present
            },
            "confidenceCurves": {
                "confidence": [round_or_none(value) for value in measured.grid[shown]],
                "classes": {
                    self.classes[place]: {
                        name: [round_or_none(value) for value in curves[place, shown]]
                        for name, curves in by_confidence.items()
                    }
                    for place in present
                },
            },
        }

    def _build_errors(self) -> JsonObject:
        measured = self.measured
        tide = measured.evaluation.tide_errors()
        details: JsonObject = {
            "errorTypes": {
                name: {"deltaAp": round_or_none(delta), "count": tide["counts"].get(name)}
                for name, delta in tide["delta_ap"].items()
            }
        }
        if len(self.classes) < MATRIX_CLASSES:
            matrix = measured.evaluation.confusion_matrix(min_score=measured.confidence)
            details = {
                **details,
                "confusion": matrix["matrix"].tolist(),
                "confusionClasses": [*self.classes, _BACKGROUND],
                "confusionUnit": "object",
            }
        return details


def _average(precision: NDArray[Any]) -> float | None:
    told = precision[precision > -1]
    return float(told.mean()) if told.size else None
