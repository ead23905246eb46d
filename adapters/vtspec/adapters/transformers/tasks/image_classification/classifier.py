"""A network that gives each image a class, at work: its loss, what it says, how good that is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_labels import LabeledImage
from vtspec.adapters.evaluation.classification_metrics import (
    ClassificationMetrics,
    build_label_record,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.class_weights import compute_class_weights
from vtspec.adapters.pytorch.export import LOGITS
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.task_network import Shown, TaskNetwork, refuse_no_numbers

from .architectures import ClassifierFamily, list_arguments
from .images import LabeledImages, LabeledItem, build_eval_transform, build_train_transform

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image


class Classifier(TaskNetwork[LabeledImage, LabeledItem]):
    """A network that gives each image a class. What an export gives are logits `(n, classes)`."""

    outputs = LOGITS

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        super().__init__(network, family, job)
        assert isinstance(family, ClassifierFamily)
        self.shown_as = family
        self.arguments = list_arguments(network)
        self.show = build_eval_transform(job, family, self.normalize)
        self.weights: torch.Tensor | None = None

    def make_dataset(
        self, images: Sequence[LabeledImage], *, epoch: int | None = None
    ) -> LabeledImages:
        """The items of images with a class each."""
        transform = self.show
        if epoch is not None:
            transform = build_train_transform(self.job, self.shown_as, self.normalize)
        return LabeledImages(images, self.job, transform, epoch=epoch)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image as one that is measured."""
        return self.show(image)

    def start_training(self, images: Sequence[LabeledImage], warn: Callable[[str], None]) -> None:
        """Weigh the classes."""
        import torch

        found = Counter(image.target for image in images)
        counts = [found[target] for target in range(len(self.job.dataset.classes))]
        weights = compute_class_weights(self.job, counts)
        self.weights = None if weights is None else torch.tensor(weights, device=self.device)

    def compute_loss(self, items: Sequence[LabeledItem]) -> torch.Tensor:
        """The mean cross-entropy: the library's own loss, with weights and smoothing, which that
        knows none of."""
        from torch.nn.functional import cross_entropy

        logits, truth = self._run(items)
        smoothing = self.job.training.label_smoothing
        return cross_entropy(logits, truth, weight=self.weights, label_smoothing=smoothing)

    def start_metrics(self) -> ClassificationMetrics:
        """Those of one class an image."""
        return ClassificationMetrics(self.job.dataset, self.job.workdir)

    def measure_batch(
        self,
        items: Sequence[LabeledItem],
        images: Sequence[LabeledImage],
        metrics: ClassificationMetrics,
    ) -> float:
        """Hold logits against the classes."""
        from torch.nn.functional import cross_entropy

        logits, truth = self._run(items)
        refuse_no_numbers(logits)
        paths = [image.path for image in images]
        metrics.update(paths, truth.cpu().numpy(), logits.cpu().numpy())
        return float(cross_entropy(logits, truth))

    def pick_class_metrics(self, metrics: ClassificationMetrics) -> Mapping[str, float]:
        """F1 of each class."""
        return metrics.pick_class_metrics()

    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """The likeliest class of each image, and the scores of all."""
        logits = self.run([one.pixels for one in shown]).logits
        rows = logits.double().softmax(dim=1).tolist()
        return [build_label_record(row, self.job.dataset.classes) for row in rows]

    def describe(self) -> Mapping[str, str]:
        """How images are shown to it, and what makes scores of the logits."""
        own, asked = self.shown_as.crop_pct, self.job.params["cropPct"]
        return {
            "scores": "softmax",
            "crop_pct": json.dumps(own if asked is None else asked),
            "interpolation": self.shown_as.interpolation,
        }

    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """The logits."""
        return output.logits

    def _run(self, items: Sequence[LabeledItem]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        logits = self.run([one.pixels for one in items]).logits.float()
        return logits, torch.tensor([one.target for one in items], device=self.device)
