"""Semantic segmentation: a class for each pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.annotations import Size
from vtspec.adapters.data.class_masks import (
    IGNORED,
    MaskedImage,
    list_masked_images,
)
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.evaluation.semantic_segmentation import (
    SemanticSegmentationMetrics,
    build_mask_record,
)
from vtspec.adapters.pytorch.pixel_classes import find_likeliest, read_classes

from .images import Fitting, Item
from .pixel_task import PixelTask

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from .images import Placement


class SemanticSegmentation(PixelTask):
    """The likeliest class."""

    word = "semantic"
    network_class = "SemanticSegmentationModel"
    class_layers = r"model\.\d+\.(classifier|aux_head)\.1\."
    outputs: tuple[str, ...] = ("logits",)
    """What an exported network gives: `(n, classes, h, w)`, as large as what it is shown."""

    column = "semantic_mask"
    format_class = "SemanticFormat"
    fitting: Fitting = "crop"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        if len(job.dataset.classes) == 1:
            raise AdapterError(
                f"pixels are of '{job.dataset.classes[0]}' or of no class: there is nothing that "
                "it could be told from",
                "give dataset.classes a second one, for what lies around it",
            )

    def set_up(self, network: Any) -> None:
        """Set nothing."""

    def list_told(self) -> tuple[str, ...]:
        """When mixing ends."""
        return ("closeMosaic",)

    def list_images(self, split: str, warn: Callable[[str], None]) -> Sequence[MaskedImage]:
        """The images of a split with their masks."""
        return list_masked_images(self.job.dataset, split, warn)

    def make_unlabelled(self, paths: Iterable[Path]) -> Sequence[MaskedImage]:
        """Images whose pixels are of no class."""
        return [MaskedImage(path, path.name, None, ()) for path in paths]

    def read_truth(self, image: MaskedImage, size: Size) -> NDArray[np.uint8]:
        """The class of each pixel, or `IGNORED`."""
        return read_classes(image, size, self.job.dataset)

    def build_metrics(self) -> LabelledPixels:
        """Those of classes, pixel by pixel."""
        return LabelledPixels(self.job.dataset.classes, IGNORED)

    def decode(self, outputs: Any, items: Sequence[Item]) -> Sequence[NDArray[np.uint8]]:
        """The class of each pixel of each image."""
        return [
            find_classes(logits.float(), item.place())
            for logits, item in zip(outputs, items, strict=True)
        ]

    def measure(
        self, metrics: LabelledPixels, image: MaskedImage, item: Item, answer: NDArray[np.uint8]
    ) -> None:
        """Hold the classes against the mask."""
        metrics.update(image.name, item.truth, answer)

    def pick_class_metrics(self, metrics: LabelledPixels) -> dict[str, float]:
        """IoU."""
        return pick_class_metrics(metrics.list_class_rows(), "iou")

    def tell(self, answer: NDArray[np.uint8]) -> Mapping[str, Any]:
        """`predicted_mask`."""
        return {"predicted_mask": build_mask_record(answer, self.job.dataset.classes)}

    def give_outputs(self, network: Any, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits of each pixel."""
        return (_enlarge(network(images), tuple(images.shape[-2:])),)

    def describe(self) -> Mapping[str, str]:
        """How images are shown to it, and what makes scores of its outputs."""
        return {"resize": "letterbox", "scores": "softmax"}


class LabelledPixels(SemanticSegmentationMetrics):
    """The masks of a split of which some pixel has a class."""

    def compute(self) -> dict[str, float]:
        """The standard metrics. Raises `AdapterError` where no pixel has a class."""
        if not self.confusion.any():
            raise AdapterError(
                "no pixel of the split is of the classes that are learnt",
                "vtspec datasets inspect shows which there are",
            )
        return super().compute()


def find_classes(logits: torch.Tensor, placement: Placement) -> NDArray[np.uint8]:
    """The likeliest class of each of an image's own pixels, `(height, width)`, by logits
    `(classes, h, w)`."""
    side = placement.side

    def restore(some: torch.Tensor) -> torch.Tensor:
        return placement.restore_map(_enlarge(some[None], (side, side))[0])

    width, height = placement.size
    most = max(width * height, side**2)
    return find_likeliest(logits, placement.size, restore, pixels=most)


def _enlarge(logits: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """As the package does before its loss."""
    from torch.nn.functional import interpolate

    return interpolate(logits, size=size, mode="bilinear", align_corners=False)
