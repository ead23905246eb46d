"""Detections held against objects: what is right, at which overlap and confidence.

Precision, recall and F1 are at an overlap of 0.5 and at one confidence for all classes: that of 0,
0.001 … 1 at which the F1 averaged over the classes that occur in the truth is highest, the lowest
of equals.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from .coco_evaluation import (
    MOST_DETECTIONS,
    Kind,
    evaluate,
    find_ignored,
    find_oriented_matches,
    find_pairs,
)
from .influence import compute_ap_influence, find_envelope, linearize
from .matching import Pairs, get_thresholds, keep_best, match_pairs
from .numbers import divide
from .objects import Columns

if TYPE_CHECKING:
    import numpy as np
    from hotcoco import COCOeval
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_CONFIDENCES: Final = 1001


class MatchedDetections:
    """What follows from the objects of a split, each part made when it is first asked for.

    Arrays by class have a row a class; `grid` are the confidences that precision and recall are
    taken at, `best` the place of the best one.
    """

    def __init__(
        self, truth: Columns, found: Columns, classes: int, images: int, kind: Kind
    ) -> None:
        import numpy as np

        groups = found.images * classes + found.classes
        self.found = found.pick(keep_best(groups, found.scores, MOST_DETECTIONS[kind]))
        self.truth, self.classes, self.images = truth, classes, images
        self.kind: Kind = kind
        self.ignored = find_ignored(truth, kind)
        self.support = np.bincount(truth.classes[~self.ignored], minlength=classes)
        self.grid = np.linspace(0, 1, _CONFIDENCES)

    @cached_property
    def evaluation(self) -> COCOeval:
        """hotcoco's, accumulated."""
        return evaluate(self.truth, self.found, self.classes, self.images, self.kind)

    @cached_property
    def precision(self) -> Floats:
        """COCO's array over overlap, recall, class, size and most detections; -1 where nothing was
        to find."""
        import numpy as np

        told = self.evaluation.eval
        assert told is not None
        return np.asarray(told["precision"])

    @cached_property
    def matched(self) -> Ints:
        """The object of each detection at each overlap, -1 where it has none."""
        if self.kind == "oriented":
            return find_oriented_matches(self.truth, self.found, self.classes, self.images)
        return match_pairs(
            self._pairs, self.found.scores, self.truth.crowd, self.ignored, get_thresholds()
        )

    @cached_property
    def _pairs(self) -> Pairs:
        return find_pairs(self.truth, self.found, self.classes, self.kind)

    @cached_property
    def _at_half(self) -> tuple[NDArray[Any], NDArray[Any]]:
        return self._judge(0)

    def _judge(self, place: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Whether each detection is right, and whether it counts, at one of the overlaps."""
        matched = self.matched[place]
        has = matched >= 0
        ignored = has.copy()
        ignored[has] = self.ignored[matched[has]]
        return has & ~ignored, ~ignored

    @cached_property
    def _counts(self) -> tuple[Floats, Floats]:
        """Detections at or above each confidence, and those of them that are right."""
        import numpy as np

        hits, counted = self._at_half
        # The place of the highest confidence that a detection still reaches.
        reached = np.searchsorted(self.grid, self.found.scores, side="right") - 1
        cells = self.found.classes * _CONFIDENCES + reached.clip(0)
        told = []
        for chosen in (counted, hits):
            table = np.bincount(cells[chosen], minlength=self.classes * _CONFIDENCES)
            rows = table.reshape(self.classes, _CONFIDENCES)
            told.append(rows[:, ::-1].cumsum(axis=1)[:, ::-1].astype(np.float64))
        return told[0], told[1]

    @cached_property
    def precision_at(self) -> Floats:
        """Precision of each class at each confidence; 0 where nothing was found."""
        found, right = self._counts
        return divide(right, found)

    @cached_property
    def recall_at(self) -> Floats:
        """Recall of each class at each confidence."""
        return divide(self._counts[1], self.support[:, None])

    @cached_property
    def f1(self) -> Floats:
        """F1 of each class at each confidence."""
        found, right = self._counts
        return divide(2 * right, found + self.support[:, None])

    @cached_property
    def best(self) -> int:
        """The place of the confidence with the highest mean F1."""
        occurring = self.support > 0
        return int(self.f1[occurring].mean(axis=0).argmax()) if occurring.any() else 0

    @property
    def confidence(self) -> float:
        """The confidence with the highest mean F1."""
        return float(self.grid[self.best])

    @property
    def best_precision(self) -> Floats:
        """Precision of each class at that confidence."""
        return self.precision_at[:, self.best]

    @property
    def best_recall(self) -> Floats:
        """Recall of each class at that confidence."""
        return self.recall_at[:, self.best]

    def average(self, figures: Floats) -> float:
        """The mean over the classes that the truth has; 0 without any."""
        occurring = self.support > 0
        return float(figures[occurring].mean()) if occurring.any() else 0.0

    def compute_matched_overlap(self) -> float | None:
        """The mean overlap of right detections with their objects; None where none is right."""
        totals = self._sum_overlaps().sum(axis=0)
        return float(totals[0] / totals[1]) if totals[1] else None

    def compute_overlap_values(self) -> Floats | None:
        """What each image adds to that mean."""
        sums = self._sum_overlaps()
        if not sums[:, 1].any():
            return None
        return linearize(sums, lambda totals: divide(totals[..., 0], totals[..., 1], float("nan")))

    def _sum_overlaps(self) -> Floats:
        """The overlaps of each image's right detections added up, and their number; `(n, 2)`."""
        import numpy as np

        hits, _ = self._at_half
        pairs = self._pairs
        chosen = hits[pairs.detections] & (self.matched[0][pairs.detections] == pairs.objects)
        images = self.found.images[pairs.detections[chosen]]
        overlaps = np.bincount(images, pairs.overlaps[chosen], minlength=self.images)
        numbers = np.bincount(images, minlength=self.images)
        return np.stack([overlaps, numbers], axis=1).astype(np.float64)

    def compute_ap_values(self, metrics: Mapping[str, float], prefix: str) -> dict[str, Floats]:
        """What each image adds to the average precisions."""
        import numpy as np

        overlaps = get_thresholds()
        influence = np.zeros((len(overlaps), self.images))
        classes = np.flatnonzero(self.support)
        by_class = np.argsort(self.found.classes, kind="stable")
        edges = np.searchsorted(self.found.classes[by_class], np.arange(self.classes + 1))
        counted_truth = ~self.ignored
        judged = [self._judge(place) for place in range(len(overlaps))]
        for one in classes:
            of_class = by_class[edges[one] : edges[one + 1]]
            order = of_class[np.argsort(-self.found.scores[of_class], kind="stable")]
            positives = np.bincount(
                self.truth.images[counted_truth & (self.truth.classes == one)],
                minlength=self.images,
            )
            for place, (hits, counted) in enumerate(judged):
                kept = order[counted[order]]
                right = hits[kept]
                precision = np.cumsum(right) / np.arange(1, len(kept) + 1)
                influence[place] += compute_ap_influence(
                    right, self.found.images[kept], positives, find_envelope(precision)
                )
        influence *= self.images / len(classes)
        moved = {
            "mAP50-95": influence.mean(axis=0),
            "mAP50": influence[0],
            "mAP75": influence[find_place(overlaps, 0.75)],
        }
        return {prefix + name: metrics[prefix + name] + each for name, each in moved.items()}


def find_place(grid: Floats, value: float) -> int:
    """The place of a value in a grid that holds it, but for its last bits."""
    return int(abs(grid - value).argmin())
