"""The metrics and details of a classification (`docs/results.md`), in plain Python.

For adapters whose framework brings no NumPy; the definitions, and the figures, are those of
`classification`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from vtspec.adapters.json_types import JsonObject

BINS: Final = 15
"""Equal-width bins of confidence for the calibration error."""

_POINTS: Final = 101


class Prediction(NamedTuple):
    """What a model said of one image: its scores (they add up to 1), and the true class."""

    scores: Sequence[float]
    target: int

    @property
    def predicted(self) -> int:
        """The most likely class; of equals the first."""
        return max(range(len(self.scores)), key=self.scores.__getitem__)

    @property
    def confidence(self) -> float:
        """The score of the predicted class."""
        return max(self.scores)


def compute_metrics(calls: Sequence[Prediction], losses: Sequence[float]) -> dict[str, float]:
    """The standard metrics of image-classification over a split; `losses` are per image.

    Macro averages are over the classes that occur in the truth or in the predictions.
    """
    occur = {call.target for call in calls} | {call.predicted for call in calls}
    classes = len(calls[0].scores)
    rows = compute_class_scores(
        compute_confusion(calls, classes), [str(index) for index in range(classes)]
    )
    table = [row for index, row in enumerate(rows) if index in occur]
    return {
        "accuracy": _mean([float(call.predicted == call.target) for call in calls]),
        "top5_accuracy": _mean([float(is_in_top5(call)) for call in calls]),
        "macro_f1": _mean([row["f1"] for row in table]),
        "macro_precision": _mean([row["precision"] for row in table]),
        "macro_recall": _mean([row["recall"] for row in table]),
        "ece": compute_calibration(calls)["ece"],
        "loss": _mean(losses),
    }


def compute_confusion(calls: Sequence[Prediction], classes: int) -> list[list[int]]:
    """Counts: row is the true class, column the predicted one."""
    table = [[0] * classes for _ in range(classes)]
    for call in calls:
        table[call.target][call.predicted] += 1
    return table


def compute_class_scores(table: Sequence[Sequence[int]], names: Sequence[str]) -> list[JsonObject]:
    """Precision, recall, F1 and support of each class; 0 where there is nothing to divide by."""
    rows: list[JsonObject] = []
    for index, name in enumerate(names):
        hits, support = table[index][index], sum(table[index])
        precision = _divide(hits, sum(row[index] for row in table))
        recall = _divide(hits, support)
        rows.append(
            {
                "class": name,
                "precision": precision,
                "recall": recall,
                "f1": _divide(2 * precision * recall, precision + recall),
                "support": support,
            }
        )
    return rows


def compute_calibration(calls: Sequence[Prediction]) -> JsonObject:
    """Confidence against accuracy in bins `(low, high]`, and the expected calibration error."""
    filled: list[list[Prediction]] = [[] for _ in range(BINS)]
    for call in calls:
        # NaN, of a model that has diverged, counts as no confidence at all.
        height = call.confidence if math.isfinite(call.confidence) else 0.0
        filled[min(BINS - 1, max(0, math.ceil(height * BINS) - 1))].append(call)
    bins, error = [], 0.0
    for index, inside in enumerate(filled):
        confidence = _mean([call.confidence for call in inside]) if inside else None
        accuracy = (
            _mean([float(call.predicted == call.target) for call in inside]) if inside else None
        )
        if confidence is not None and accuracy is not None:
            error += len(inside) / len(calls) * abs(confidence - accuracy)
        bins.append(
            {
                "low": index / BINS,
                "high": (index + 1) / BINS,
                "count": len(inside),
                "confidence": confidence,
                "accuracy": accuracy,
            }
        )
    return {"bins": bins, "ece": error}


def compute_pr_curve(calls: Sequence[Prediction], index: int) -> JsonObject:
    """Precision over recall of one class as its threshold falls, at most 101 points.

    The average precision is the step-wise area under the whole curve; None without positives.
    """
    ordered = sorted(calls, key=lambda call: -call.scores[index])
    positives = sum(call.target == index for call in calls)
    if not positives:
        return {"recall": [], "precision": [], "averagePrecision": None}
    points, hits, area = [(0.0, 1.0)], 0, 0.0
    for place, call in enumerate(ordered, start=1):
        hits += call.target == index
        # Images of the same score fall on the same side of every threshold.
        if place < len(ordered) and ordered[place].scores[index] == call.scores[index]:
            continue
        recall, precision = hits / positives, hits / place
        area += (recall - points[-1][0]) * precision
        points.append((recall, precision))
    shown = _thin_points(points)
    return {
        "recall": [recall for recall, _ in shown],
        "precision": [precision for _, precision in shown],
        "averagePrecision": area,
    }


def _thin_points(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    if len(points) <= _POINTS:
        return points
    return [points[i * (len(points) - 1) // (_POINTS - 1)] for i in range(_POINTS)]


def is_in_top5(call: Prediction) -> bool:
    """Whether the true class is among the five most likely; of equals the first."""
    own = call.scores[call.target]
    before = sum(score == own for score in call.scores[: call.target])
    return not math.isnan(own) and before + sum(score > own for score in call.scores) < 5


def _divide(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
