"""What a model that finds bodies and their points is worth.

`pose_mAP…` are COCO's average precisions over object keypoint similarity. `pck` is PCK@0.2 of the
box: the share of labelled points that lie within 0.2 of the longer side of their body's true box,
on the detection that has that box (IoU 0.5); the points of a body that nothing has are missed.
(Yang and Ramanan, "Articulated human detection with flexible mixtures of parts", 2013.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from vtspec.adapters.json_types import JsonObject

from .detection import DetectionMetrics
from .influence import linearize
from .numbers import divide, round_or_none
from .objects import Objects
from .sample_records import build_value_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PCK_SHARE: Final = 0.2


class PoseMetrics:
    """The bodies of a split against its truth, image by image; see `DetectionMetrics`.

    `points` are the names of a body's points, in order.
    """

    def __init__(self, classes: Sequence[str], points: Sequence[str]) -> None:
        self.points = tuple(points)
        self.bodies = DetectionMetrics(classes, "keypoints")
        self.boxes = DetectionMetrics(classes)

    def update(self, image: str, truth: Objects, found: Objects) -> None:
        """One image, by its name; both have `keypoints` `(n, points, 3)`."""
        for objects in (truth, found):
            if objects.keypoints is None or objects.keypoints.shape[1:] != (len(self.points), 3):
                raise ValueError(f"{image}: bodies without their {len(self.points)} points")
        self.bodies.update(image, truth, found)
        self.boxes.update(image, truth, found)

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name."""
        sums = self._count_points().sum(axis=0)
        metrics = {**self.bodies.compute(), **self.boxes.compute()}
        labelled = sums[len(self.points) :].sum()
        if labelled:
            metrics["pck"] = float(sums[: len(self.points)].sum() / labelled)
        return metrics

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics; confusion, curves and errors are by box."""
        details, sums = self.boxes.build_details(), self._count_points()
        right, labelled = sums.sum(axis=0).reshape(2, -1)
        rows = zip(details["perClass"], self.bodies.list_class_rows(), strict=True)
        values = {**self.bodies.compute_values(), **self.boxes.compute_values()}
        if labelled.any():
            values["pck"] = linearize(sums, _share_right)
        return {
            **details,
            # Of the boxes how many there are; of the bodies only those that can be measured.
            "perClass": [{**other, **row} for row, other in rows],
            "perKeypoint": [
                {
                    "keypoint": name,
                    "pck": round_or_none(share) if count else None,
                    "support": int(count),
                }
                for name, share, count in zip(
                    self.points, divide(right, labelled), labelled, strict=True
                )
            ],
            "samples": build_value_records(self.bodies.images, values),
        }

    def _count_points(self) -> Floats:
        """Of each image how many of each point are right, then how many are labelled."""
        import numpy as np

        measured = self.boxes.measured
        truth, found, matched = measured.truth, measured.found, measured.matched[0]
        count = len(self.points)
        if not len(truth.keypoints):
            return np.zeros((measured.images, 2 * count))
        has = np.flatnonzero(matched >= 0)
        right = np.zeros((len(truth.keypoints), count), bool)
        bodies = matched[has]
        if len(has):
            apart = found.keypoints[has, :, :2] - truth.keypoints[bodies, :, :2]
            reach = PCK_SHARE * truth.boxes[bodies, 2:].max(axis=1)
            right[bodies] = np.sqrt((apart**2).sum(axis=2)) <= reach[:, None]
        labelled = (truth.keypoints[:, :, 2] > 0) & ~truth.crowd[:, None]
        rows = np.concatenate([right & labelled, labelled], axis=1).astype(np.float64)
        sums = np.zeros((measured.images, 2 * count))
        np.add.at(sums, truth.images, rows)
        return sums


def _share_right(totals: Floats) -> Floats:
    size = totals.shape[-1] // 2
    right, labelled = totals[..., :size].sum(axis=-1), totals[..., size:].sum(axis=-1)
    return divide(right, labelled, float("nan"))
