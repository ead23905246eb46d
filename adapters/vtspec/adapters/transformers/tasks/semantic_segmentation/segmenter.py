"""A network that gives each pixel a class, at work: its loss, what it says, how good that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.class_masks import IGNORED, MaskedImage
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.evaluation.semantic_segmentation import (
    SemanticSegmentationMetrics,
    build_mask_record,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.class_weights import compute_class_weights
from vtspec.adapters.pytorch.export import LOGITS
from vtspec.adapters.pytorch.pixel_classes import find_likeliest
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.task_network import (
    Measured,
    Shown,
    TaskNetwork,
    refuse_no_numbers,
)

from .images import MaskImages, MaskItem, count_pixels

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image

    from vtspec.adapters.data.annotations import Size


class Segmenter(TaskNetwork[MaskedImage, MaskItem]):
    """A network that gives each pixel a class.

    What an export gives are logits `(n, classes, h, w)`, as large as what it is shown.
    """

    outputs = LOGITS

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        super().__init__(network, family, job)
        self.weights: torch.Tensor | None = None

    def make_dataset(
        self, images: Sequence[MaskedImage], *, epoch: int | None = None
    ) -> MaskImages:
        """The items of images with their masks."""
        return MaskImages(images, self.job, self.normalize, self.mean, epoch=epoch)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image stretched to the network's size."""
        from torchvision.transforms.v2 import functional

        size = list(self.job.training.image_size)
        pixels = functional.resize(functional.pil_to_tensor(image), size, antialias=True)
        return self.normalize(pixels)

    def start_training(self, images: Sequence[MaskedImage], warn: Callable[[str], None]) -> None:
        """Weigh the classes; where they are to be balanced, by reading every mask."""
        import torch

        training = self.job.training
        counts = count_pixels(images, self.job) if training.class_weights == "balanced" else ()
        weights = compute_class_weights(self.job, counts, "pixels")
        self.weights = None if weights is None else torch.tensor(weights, device=self.device)

    def compute_loss(self, items: Sequence[MaskItem]) -> torch.Tensor:
        """The mean cross-entropy of the pixels that have a class: the library's own loss, with
        weights and smoothing, which that knows none of."""
        from torch.nn.functional import cross_entropy

        logits, truth = self._align(self.run([one.pixels for one in items]).logits, items)
        total = cross_entropy(
            logits,
            truth,
            weight=self.weights,
            ignore_index=IGNORED,
            label_smoothing=self.job.training.label_smoothing,
            reduction="sum",
        )
        labelled = truth[truth != IGNORED]
        weight = labelled.numel() if self.weights is None else float(self.weights[labelled].sum())
        # Where nothing has a class nothing is learnt: a mean of PyTorch's is no number there.
        return total / (weight or 1)

    def start_metrics(self) -> SemanticSegmentationMetrics:
        """Those of classes, pixel by pixel."""
        return SemanticSegmentationMetrics(self.job.dataset.classes, IGNORED)

    def measure_batch(
        self,
        items: Sequence[MaskItem],
        images: Sequence[MaskedImage],
        metrics: SemanticSegmentationMetrics,
    ) -> float:
        """Hold the class of each pixel of the images' own against the truth."""
        from torch.nn.functional import cross_entropy

        logits = self.run([one.pixels for one in items]).logits
        refuse_no_numbers(logits)
        for row, item, image in zip(logits, items, images, strict=True):
            assert item.truth is not None
            metrics.update(image.name, item.truth, find_classes(row, item.size))
        wide, truth = self._align(logits, items)
        total = cross_entropy(wide, truth, ignore_index=IGNORED, reduction="sum")
        return float(total) / max(int((truth != IGNORED).sum()), 1)

    def measure(self, images: Sequence[MaskedImage]) -> Measured:
        """The class of each pixel, held against the truth.

        Raises:
            AdapterError: an image is unreadable, an output is not a number, or there is no pixel
                to measure by.
        """
        measured = super().measure(images)
        assert isinstance(measured.metrics, SemanticSegmentationMetrics)
        if not measured.metrics.confusion.any():
            raise AdapterError(
                "no pixel of the split is of the classes that are learnt",
                "vtspec datasets inspect shows which there are",
            )
        return measured

    def pick_class_metrics(self, metrics: SemanticSegmentationMetrics) -> Mapping[str, float]:
        """The IoU of each class."""
        return pick_class_metrics(metrics.list_class_rows(), "iou")

    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """The area of each class in each image."""
        logits, classes = self.run([one.pixels for one in shown]).logits, self.job.dataset.classes
        return [
            {"predicted_mask": build_mask_record(find_classes(row, one.size), classes)}
            for row, one in zip(logits, shown, strict=True)
        ]

    def describe(self) -> Mapping[str, str]:
        """What makes scores of the logits."""
        return {"scores": "softmax"}

    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """The parts of `outputs`."""
        return enlarge(output.logits, tuple(images.shape[-2:]))

    def _align(
        self, logits: torch.Tensor, items: Sequence[MaskItem]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits as large as the truth of the same items, and that."""
        import torch

        truth = torch.stack([one.classes for one in items]).to(self.device)
        return enlarge(logits.float(), tuple(truth.shape[-2:])), truth


def enlarge(logits: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Logits `(n, classes, …)` of each pixel of an image, height by width."""
    from torch.nn.functional import interpolate

    return interpolate(logits, size=size, mode="bilinear", align_corners=False)


def find_classes(logits: torch.Tensor, size: Size) -> NDArray[np.uint8]:
    """The likeliest class of each pixel, `(height, width)`, of an image of this size, by logits
    `(classes, h, w)`."""
    width, height = size
    return find_likeliest(
        logits,
        size,
        lambda some: enlarge(some[None].float(), (height, width))[0],
        pixels=width * height,
    )
