"""What a classifier's scores are worth: NumPy in, plain numbers out.

The definitions are those of scikit-learn: macro averages are over the classes that occur in the
truth or in the predictions, a ratio with nothing to divide by is 0, and average precision is the
step-wise sum over thresholds with ties taken together. The calibration error is that of Guo et
al. 2017 (https://arxiv.org/abs/1706.04599) with 15 bins of equal width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.json_types import JsonObject

from .influence import find_last_of_ties
from .numbers import divide, round_or_none

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CURVE_POINTS: Final = 101
"""The most points that a precision-recall curve is given with."""

CALIBRATION_BINS: Final = 15

MATRIX_CLASSES: Final = 1000
"""Beyond this many classes a confusion matrix and the curves are left out of the details: they
would be larger than anyone reads."""


class SplitScores:
    """A split's logits and truth, with what is derived from them once.

    `logits` is `(n, classes)`, `targets` is `(n,)` with class indices; n is at least 1. Ties go
    to the class with the lower index. Costs a few times the logits' size in memory.
    """

    def __init__(self, logits: NDArray[Any], targets: NDArray[Any]) -> None:
        import numpy as np

        wide = logits.astype(np.float64)
        shifted = wide - wide.max(axis=1, keepdims=True)
        exponents = np.exp(shifted)
        totals = exponents.sum(axis=1, keepdims=True)
        rows = np.arange(len(targets))
        self.targets: Ints = targets.astype(np.int64)
        self.probabilities: Floats = exponents / totals
        self.predicted: Ints = wide.argmax(axis=1)
        self.confidence: Floats = self.probabilities[rows, self.predicted]
        self.losses: Floats = np.log(totals[:, 0]) - shifted[rows, self.targets]
        self.ranks: Ints = _rank_targets(wide, self.targets)
        self.right = self.predicted == self.targets
        self.classes = logits.shape[1]


def compute_metrics(scored: SplitScores) -> dict[str, float]:
    """The standard metrics of image classification, by name."""
    confusion = compute_confusion(scored)
    precision, recall, f1 = _compute_class_scores(confusion)
    occurs = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    return {
        "accuracy": float(scored.right.mean()),
        "top5_accuracy": float(_find_top5(scored).mean()),
        "macro_f1": float(f1[occurs].mean()),
        "macro_precision": float(precision[occurs].mean()),
        "macro_recall": float(recall[occurs].mean()),
        "ece": _compute_calibration(scored)[1],
        "loss": float(scored.losses.mean()),
    }


def compute_image_values(scored: SplitScores) -> dict[str, list[float]]:
    """The metrics that are means over images, image by image."""
    return {
        "top5_accuracy": _find_top5(scored).astype(float).tolist(),
        "loss": scored.losses.tolist(),
    }


def _find_top5(scored: SplitScores) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = scored.ranks < min(5, scored.classes)
    return found


def list_class_rows(scored: SplitScores, classes: Sequence[str]) -> list[JsonObject]:
    """Precision, recall, F1 and support of each class with its name, as `perClass`."""
    confusion = compute_confusion(scored)
    support = confusion.sum(axis=1)
    precision, recall, f1 = _compute_class_scores(confusion)
    return [
        {
            "class": name,
            "precision": round_or_none(precision[index]),
            "recall": round_or_none(recall[index]),
            "f1": round_or_none(f1[index]),
            "support": int(support[index]),
        }
        for index, name in enumerate(classes)
    ]


def build_details(scored: SplitScores, classes: Sequence[str]) -> JsonObject:
    """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`.

    With more than `MATRIX_CLASSES` classes, `confusion` is None and `prCurves` is empty.
    """
    confusion = compute_confusion(scored)
    bins, ece = _compute_calibration(scored)
    small = scored.classes <= MATRIX_CLASSES
    return {
        "confusion": confusion.tolist() if small else None,
        "perClass": list_class_rows(scored, classes),
        "prCurves": (
            {
                name: compute_pr_curve(scored.probabilities[:, index], scored.targets == index)
                for index, name in enumerate(classes)
            }
            if small
            else {}
        ),
        "calibration": {"bins": bins, "ece": round_or_none(ece)},
    }


def find_worst_errors(scored: SplitScores, limit: int) -> list[int]:
    """The places of the most confident mistakes, the worst first; at most `limit`."""
    import numpy as np

    wrong = np.flatnonzero(~scored.right)
    order = np.argsort(-scored.confidence[wrong], kind="stable")
    return [int(place) for place in wrong[order][:limit]]


def compute_confusion(scored: SplitScores) -> Ints:
    """How many images of true class `i` were called `j`, at `[i, j]`; `(classes, classes)`."""
    import numpy as np

    flat = scored.targets * scored.classes + scored.predicted
    counts = np.bincount(flat, minlength=scored.classes**2)
    return counts.reshape(scored.classes, scored.classes)


def _rank_targets(logits: Floats, targets: Ints) -> Ints:
    import numpy as np

    own = logits[np.arange(len(targets)), targets][:, None]
    before = np.arange(logits.shape[1])[None, :] < targets[:, None]
    ranks: Ints = ((logits > own) | ((logits == own) & before)).sum(axis=1)
    return ranks


def _compute_class_scores(confusion: Ints) -> tuple[Floats, Floats, Floats]:
    hits = confusion.diagonal().astype(float)
    called, true = confusion.sum(axis=0), confusion.sum(axis=1)
    return divide(hits, called), divide(hits, true), divide(2 * hits, called + true)


def _compute_calibration(scored: SplitScores) -> tuple[list[dict[str, Any]], float]:
    import numpy as np

    edges = np.linspace(0.0, 1.0, CALIBRATION_BINS + 1)
    # A bin holds its upper edge: a confidence of exactly 1 belongs to the last.
    places = np.clip(np.searchsorted(edges, scored.confidence, side="left") - 1, 0, None)
    bins, ece = [], 0.0
    for place in range(CALIBRATION_BINS):
        inside = places == place
        count = int(inside.sum())
        confidence = float(scored.confidence[inside].mean()) if count else None
        accuracy = float(scored.right[inside].mean()) if count else None
        if confidence is not None and accuracy is not None:
            ece += count / len(places) * abs(accuracy - confidence)
        bins.append(
            {
                "low": round_or_none(edges[place]),
                "high": round_or_none(edges[place + 1]),
                "count": count,
                "confidence": round_or_none(confidence),
                "accuracy": round_or_none(accuracy),
            }
        )
    return bins, ece


def compute_pr_curve(scores: Floats, positive: NDArray[np.bool_]) -> JsonObject:
    """Precision over recall of one class as its threshold falls, and the average precision: None
    without positives. Both `(n,)`, an entry an image."""
    import numpy as np

    if not positive.any():
        return {"recall": [], "precision": [], "averagePrecision": None}
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    # Images with one score are one threshold: only the last of them is a point.
    ends = find_last_of_ties(scores[order])
    hits = hits[ends]
    recall, precision = hits / positive.sum(), hits / (ends + 1)
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    # What follows the first point of full recall says nothing more.
    last = int(np.argmax(recall >= 1.0)) + 1
    recall = np.concatenate([[0.0], recall[:last]])
    precision = np.concatenate([[1.0], precision[:last]])
    kept = np.unique(np.linspace(0, last, CURVE_POINTS).round().astype(int))
    return {
        "recall": [round_or_none(value) for value in recall[kept]],
        "precision": [round_or_none(value) for value in precision[kept]],
        "averagePrecision": round_or_none(average),
    }
