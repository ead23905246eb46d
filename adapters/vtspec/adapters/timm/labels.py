"""What images are labelled with, and all that hangs on it: how they are listed and learnt, and
what the network's outputs say and are worth. One class for each image, or any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from vtspec.adapters.contract import InferenceResult, Job, TaskType
from vtspec.adapters.data.image_labels import (
    LabeledImage,
    MultilabelImage,
    list_labeled_images,
    list_multilabel_images,
)
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.evaluation.classification_metrics import (
    ClassificationMetrics,
    build_label_record,
)
from vtspec.adapters.evaluation.error_samples import name_image
from vtspec.adapters.evaluation.multilabel import THRESHOLD, MultilabelMetrics
from vtspec.adapters.json_types import JsonObject

if TYPE_CHECKING:
    import torch

Images: TypeAlias = Sequence[LabeledImage | MultilabelImage]
"""The images of a split, with what they are labelled with."""


class Scores(Protocol):
    """The logits of a split against its truth."""

    def compute(self) -> dict[str, float]:
        """The standard metrics of the task, by name."""
        ...

    def pick_class_metrics(self) -> dict[str, float]:
        """F1 of each class, as an epoch tells it."""
        ...

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics; pictures of mistakes go to the job's folder."""
        ...


class Labels(Protocol):
    """What images are labelled with."""

    def list_images(self, split: str) -> Images:
        """The images of a split. Raises `AdapterError` where one cannot be used."""
        ...

    def encode(self, targets: tuple[int, ...]) -> int | torch.Tensor:
        """The classes of an image, by index, as a loader batches them."""
        ...

    def score(self, logits: torch.Tensor, targets: torch.Tensor, images: Images) -> Scores:
        """What logits `(n, classes)` are worth, which are numbers, against batched labels."""
        ...

    def compute_scores(self, logits: torch.Tensor) -> torch.Tensor:
        """Of each class, 0 to 1."""
        ...

    def say(self, path: Path, scores: Sequence[float], spent_ms: float) -> InferenceResult:
        """What is said of an image by its scores."""
        ...


def choose_labels(job: Job) -> Labels:
    """Those of the job's task."""
    return _Multilabel(job) if has_several_labels(job) else _SingleLabel(job)


def has_several_labels(job: Job) -> bool:
    """Whether an image may show any number of the classes, or shows one of them."""
    return job.task is TaskType.MULTILABEL_CLASSIFICATION


class _SingleLabel:
    def __init__(self, job: Job) -> None:
        self.job = job

    def list_images(self, split: str) -> Images:
        return list_labeled_images(self.job.dataset, split)

    def encode(self, targets: tuple[int, ...]) -> int:
        (target,) = targets
        return target

    def score(self, logits: torch.Tensor, targets: torch.Tensor, images: Images) -> Scores:
        measured = ClassificationMetrics(self.job.dataset, self.job.workdir)
        measured.update([image.path for image in images], targets.numpy(), logits.numpy())
        return measured

    def compute_scores(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.double().softmax(dim=1)

    def say(self, path: Path, scores: Sequence[float], spent_ms: float) -> InferenceResult:
        return InferenceResult(
            image_path=str(path),
            task_type=self.job.task,
            inference_time_ms=spent_ms,
            **build_label_record(scores, self.job.dataset.classes),
        )


class _Multilabel:
    def __init__(self, job: Job) -> None:
        self.job = job

    def list_images(self, split: str) -> Images:
        return list_multilabel_images(self.job.dataset, split)

    def encode(self, targets: tuple[int, ...]) -> torch.Tensor:
        import torch

        encoded = torch.zeros(len(self.job.dataset.classes))
        encoded[list(targets)] = 1.0
        return encoded

    def score(self, logits: torch.Tensor, targets: torch.Tensor, images: Images) -> Scores:
        return _MultilabelScores(logits.double(), targets.double(), images, self.job)

    def compute_scores(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.double().sigmoid()

    def say(self, path: Path, scores: Sequence[float], spent_ms: float) -> InferenceResult:
        told = dict(zip(self.job.dataset.classes, scores, strict=True))
        return InferenceResult(
            image_path=str(path),
            task_type=self.job.task,
            inference_time_ms=spent_ms,
            predicted_labels=[name for name, score in told.items() if score >= THRESHOLD],
            scores=told,
        )


class _MultilabelScores:
    def __init__(
        self, logits: torch.Tensor, targets: torch.Tensor, images: Images, job: Job
    ) -> None:
        from torch.nn.functional import binary_cross_entropy_with_logits

        self.loss = float(binary_cross_entropy_with_logits(logits, targets))
        self.measured = MultilabelMetrics(job.dataset.classes)
        names = [name_image(image.path, job.dataset) for image in images]
        self.measured.update(logits.sigmoid().numpy(), targets.numpy(), names)

    def compute(self) -> dict[str, float]:
        return {**self.measured.compute(), "loss": self.loss}

    def pick_class_metrics(self) -> dict[str, float]:
        return pick_class_metrics(self.measured.list_class_rows(), "f1")

    def build_details(self) -> JsonObject:
        return self.measured.build_details()
