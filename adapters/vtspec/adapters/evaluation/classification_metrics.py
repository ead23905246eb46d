"""The images of a split with a class each: what a network says of them, held against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import DatasetJob
from vtspec.adapters.json_types import JsonObject

from .class_metrics import pick_class_metrics
from .classification import (
    SplitScores,
    build_details,
    compute_image_values,
    compute_metrics,
    list_class_rows,
)
from .error_samples import collect_errors, name_image
from .sample_records import build_sample_records

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ClassificationMetrics:
    """Logits against classes; pictures of the worst mistakes go to `workdir`."""

    def __init__(self, data: DatasetJob, workdir: Path) -> None:
        self.data, self.workdir = data, workdir
        self.paths: list[Path] = []
        self._logits: list[NDArray[Any]] = []
        self._targets: list[NDArray[Any]] = []
        self._scored: SplitScores | None = None

    def update(self, paths: Sequence[Path], targets: NDArray[Any], logits: NDArray[Any]) -> None:
        """Some images: their files, the indices of their classes `(n,)`, logits `(n, classes)`."""
        self.paths += paths
        self._targets.append(targets)
        self._logits.append(logits)
        self._scored = None

    def compute(self) -> dict[str, float]:
        """The standard metrics, by name."""
        return compute_metrics(self._score())

    def pick_class_metrics(self) -> dict[str, float]:
        """F1 of each class, as an epoch tells it."""
        return pick_class_metrics(list_class_rows(self._score(), self.data.classes), "f1")

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics."""
        scored, data = self._score(), self.data
        return {
            "images": len(self.paths),
            "classes": list(data.classes),
            **build_details(scored, data.classes),
            "errors": collect_errors(scored, self.paths, data, self.workdir),
            "samples": build_sample_records(
                [name_image(path, data) for path in self.paths],
                scored.targets.tolist(),
                scored.predicted.tolist(),
                scored.confidence.tolist(),
                compute_image_values(scored),
            ),
        }

    def _score(self) -> SplitScores:
        import numpy as np

        if self._scored is None:
            self._scored = SplitScores(np.concatenate(self._logits), np.concatenate(self._targets))
        return self._scored


def build_label_record(scores: Sequence[float], classes: Sequence[str]) -> JsonObject:
    """What is said of an image by the scores of its classes: the fields of `InferenceResult`."""
    confidence = max(scores)
    return {
        "predicted_label": classes[scores.index(confidence)],
        "confidence": confidence,
        "scores": dict(zip(classes, scores, strict=True)),
    }
