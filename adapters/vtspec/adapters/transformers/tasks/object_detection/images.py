"""Images with their objects: read, augmented, and made into tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_objects import ImageObjects
from vtspec.adapters.pytorch.batches import read_stored_image
from vtspec.adapters.transformers.task_network import Item, TaskImages

from .params import choose_probabilities

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image


@dataclass(frozen=True)
class DetectionItem(Item):
    """An item with its boxes as shares of the image, `(n, 4)` by centre and size, and their
    classes `(n,)`."""

    boxes: torch.Tensor
    classes: torch.Tensor


class DetectionImages(TaskImages[ImageObjects, DetectionItem]):
    """Images with objects; `normalize` is what becomes of pixels in bytes."""

    def __init__(
        self,
        images: Sequence[ImageObjects],
        job: Job,
        normalize: Callable[[torch.Tensor], torch.Tensor],
        *,
        epoch: int | None = None,
    ) -> None:
        super().__init__(images, job, epoch=epoch)
        self.normalize = normalize
        augmented = epoch is not None
        self.augment = build_augmentation(choose_probabilities(job)) if augmented else None

    def load(self, one: ImageObjects, index: int) -> DetectionItem:
        """The item of an image; a crowd is no object that could be found."""
        import torch

        image = read_stored_image(one.path)
        rows = one.list_learnt()
        boxes = torch.tensor([one.boxes[place] for place in rows], dtype=torch.float32)
        classes = torch.tensor([one.classes[place] for place in rows], dtype=torch.int64)
        pixels, boxes, shown = self._transform(image, boxes.reshape(-1, 4), classes)
        return DetectionItem(pixels, image.size, index, boxes, shown)

    def _transform(
        self, image: Image, boxes: torch.Tensor, classes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        import torch
        from torchvision import tv_tensors
        from torchvision.transforms.v2 import functional

        held: Any = tv_tensors.Image(functional.pil_to_tensor(image))
        width, height = image.size
        wrap: Any = tv_tensors.BoundingBoxes
        around = wrap(boxes, format="XYXY", canvas_size=(height, width))
        if self.augment is not None:
            held, around, classes = self.augment(held, around, classes)
        around = functional.clamp_bounding_boxes(around)
        height, width = held.shape[-2:]
        inside = around.as_subclass(torch.Tensor) / torch.tensor([width, height, width, height])
        pixels = functional.resize(held, list(self.job.training.image_size), antialias=True)
        low, high = inside[:, :2], inside[:, 2:]
        shares = torch.cat([(low + high) / 2, high - low], dim=1)
        return self.normalize(pixels).as_subclass(torch.Tensor), shares, classes


def build_augmentation(probabilities: dict[str, float]) -> Callable[..., Any]:
    """A random transform of (image, boxes, classes) by torchvision."""
    from torchvision.transforms import v2

    steps: list[Any] = []
    if probabilities["photometricDistort"]:
        steps.append(v2.RandomPhotometricDistort(p=probabilities["photometricDistort"]))
    if probabilities["zoomOut"]:
        steps.append(v2.RandomZoomOut(p=probabilities["zoomOut"]))
    if probabilities["iouCrop"]:
        steps.append(v2.RandomApply([v2.RandomIoUCrop()], p=probabilities["iouCrop"]))
    steps.append(v2.RandomHorizontalFlip(p=probabilities["hflip"]))
    # What a crop leaves of a box may be nothing.
    steps.append(v2.ClampBoundingBoxes())
    clean = v2.SanitizeBoundingBoxes(labels_getter=lambda sample: sample[2])
    moves = v2.Compose(steps)

    def augment(image: Any, boxes: Any, classes: torch.Tensor) -> Any:
        if not len(boxes):
            # A crop by overlap asks for something to overlap with.
            plain = [step for step in steps if not isinstance(step, v2.RandomApply)]
            return v2.Compose(plain)(image, boxes, classes)
        return clean(*moves(image, boxes, classes))

    return augment
