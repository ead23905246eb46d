"""What a classifier of images with several labels is worth: NumPy in, plain numbers out.

The definitions are those of scikit-learn: average precision is the step-wise sum over thresholds
with ties taken together, its mean is over the classes that occur in the truth, macro F1 is over
those that occur in the truth or in what was said, and a ratio with nothing to divide by is 0.
A label is said where its probability is at least `THRESHOLD`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.json_types import JsonObject

from .classification import compute_pr_curve
from .influence import compute_ap_influence, find_last_of_ties, linearize
from .numbers import divide, round_or_none
from .sample_records import build_value_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

THRESHOLD: Final = 0.5


class MultilabelMetrics:
    """The scores of a split against its labels, batch by batch; what it keeps is 9 bytes for each
    image and class."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.images: list[str] = []
        self._scores: list[Floats] = []
        self._labels: list[Bools] = []

    def update(
        self, probabilities: NDArray[Any], labels: NDArray[Any], images: Sequence[str]
    ) -> None:
        """A batch: both `(n, classes)`, probabilities 0 to 1, labels 0 or 1."""
        import numpy as np

        self._scores.append(probabilities.astype(np.float64))
        self._labels.append(labels.astype(bool))
        self.images += images

    def compute(self) -> dict[str, float]:
        """The standard metrics of multilabel-classification but the loss, by name."""
        scores, labels = self._join()
        counts = _count(scores, labels)
        total = counts.sum(axis=0)
        return {
            "mAP": float(_compute_average_precisions(scores, labels)[labels.any(axis=0)].mean())
            if labels.any()
            else 0.0,
            "micro_f1": float(_compute_micro_f1(total)),
            "macro_f1": float(_compute_macro_f1(total)),
            "subset_accuracy": float(_find_exact(scores, labels).mean()),
        }

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        scores, labels = self._join()
        return {
            "images": len(self.images),
            "classes": list(self.classes),
            "threshold": THRESHOLD,
            "perClass": self.list_class_rows(),
            "prCurves": {
                name: compute_pr_curve(scores[:, place], labels[:, place])
                for place, name in enumerate(self.classes)
                if labels[:, place].any()
            },
            "samples": build_value_records(self.images, self._compute_values(scores, labels)),
        }

    def list_class_rows(self) -> list[JsonObject]:
        """Precision, recall, F1, AP and support of each class with its name, as `perClass`."""
        scores, labels = self._join()
        true, said, hit = _count(scores, labels).sum(axis=0).reshape(3, -1)
        figures = zip(
            divide(hit, said),
            divide(hit, true),
            divide(2 * hit, true + said),
            _compute_average_precisions(scores, labels),
            strict=True,
        )
        return [
            {
                "class": name,
                "precision": round_or_none(precision),
                "recall": round_or_none(recall),
                "f1": round_or_none(f1),
                "ap": round_or_none(average) if true[place] else None,
                "support": int(true[place]),
            }
            for place, (name, (precision, recall, f1, average)) in enumerate(
                zip(self.classes, figures, strict=True)
            )
        ]

    def _join(self) -> tuple[Floats, Bools]:
        import numpy as np

        return np.concatenate(self._scores), np.concatenate(self._labels)

    def _compute_values(self, scores: Floats, labels: Bools) -> dict[str, Floats | None]:
        import numpy as np

        count, occurring = len(scores), np.flatnonzero(labels.any(axis=0))
        influence = np.zeros(count)
        for place in occurring:
            order = np.argsort(-scores[:, place], kind="stable")
            ends = find_last_of_ties(scores[order, place])
            hits, positives = labels[order, place], labels[:, place].astype(np.int64)
            influence += compute_ap_influence(hits, order, positives, ends)
        average = _compute_average_precisions(scores, labels)[occurring]
        counts = _count(scores, labels)
        return {
            "mAP": average.mean() + count * influence / len(occurring) if len(occurring) else None,
            "micro_f1": linearize(counts, _compute_micro_f1),
            "macro_f1": linearize(counts, _compute_macro_f1),
            "subset_accuracy": _find_exact(scores, labels).astype(np.float64),
        }


def _count(scores: Floats, labels: Bools) -> Ints:
    """True, said and rightly said labels of each image, `(n, 3 * classes)`."""
    import numpy as np

    said = scores >= THRESHOLD
    return np.concatenate([labels, said, labels & said], axis=1).astype(np.int64)


def _compute_micro_f1(totals: NDArray[Any]) -> Floats:
    true, said, hit = (each.sum(axis=-1) for each in _split_counts(totals))
    return divide(2 * hit, true + said)


def _compute_macro_f1(totals: NDArray[Any]) -> Floats:
    true, said, hit = _split_counts(totals)
    f1 = divide(2 * hit, true + said)
    return divide(f1.sum(axis=-1), (true + said > 0).sum(axis=-1))


def _split_counts(totals: NDArray[Any]) -> tuple[Any, Any, Any]:
    size = totals.shape[-1] // 3
    return totals[..., :size], totals[..., size : 2 * size], totals[..., 2 * size :]


def _find_exact(scores: Floats, labels: Bools) -> Bools:
    exact: Bools = ((scores >= THRESHOLD) == labels).all(axis=1)
    return exact


def _compute_average_precisions(scores: Floats, labels: Bools) -> Floats:
    """Of each class; 0 of one that does not occur."""
    import numpy as np

    averages = np.zeros(labels.shape[1])
    for place in np.flatnonzero(labels.any(axis=0)):
        order = np.argsort(-scores[:, place], kind="stable")
        ends = find_last_of_ties(scores[order, place])
        hits = np.cumsum(labels[order, place])[ends]
        averages[place] = (np.diff(hits, prepend=0) * hits / (ends + 1)).sum() / hits[-1]
    return averages
