"""Images with a class each: read, augmented, and made into tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_labels import LabeledImage
from vtspec.adapters.pytorch.batches import UnreadableError
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image
from vtspec.adapters.transformers.task_network import Item, TaskImages

from .architectures import ClassifierFamily
from .params import RATIOS, choose_augmentation

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    Transform = Callable[[Image], torch.Tensor]


@dataclass(frozen=True)
class LabeledItem(Item):
    """An item with the index of its class."""

    target: int


class LabeledImages(TaskImages[LabeledImage, LabeledItem]):
    """Images with a class each, through a transform."""

    def __init__(
        self,
        images: Sequence[LabeledImage],
        job: Job,
        transform: Transform,
        *,
        epoch: int | None = None,
    ) -> None:
        super().__init__(images, job, epoch=epoch)
        self.transform = transform

    def load(self, one: LabeledImage, index: int) -> LabeledItem:
        """The item of an image and its class."""
        image = decode_image(one.path)
        if isinstance(image, UnreadableImage):
            raise UnreadableError(image)
        return LabeledItem(self.transform(image), image.size, index, one.target)


def build_eval_transform(
    job: Job, family: ClassifierFamily, normalize: Callable[[torch.Tensor], torch.Tensor]
) -> Transform:
    """The fixed transform of images that are not trained on."""
    from torchvision.transforms import v2
    from torchvision.transforms.v2 import functional

    size = list(job.training.image_size)
    interpolation = functional.InterpolationMode(family.interpolation)
    crop_pct = family.crop_pct if job.params["cropPct"] is None else job.params["cropPct"]

    def resize(pixels: torch.Tensor) -> torch.Tensor:
        sides = size
        if crop_pct is not None:
            # The smallest that covers what is cut out, in the image's own shape.
            height, width = pixels.shape[-2:]
            factor = max(size[0] / height, size[1] / width) / crop_pct
            sides = [max(round(height * factor), size[0]), max(round(width * factor), size[1])]
        resized = functional.resize(pixels, sides, interpolation=interpolation, antialias=True)
        cut: torch.Tensor = functional.center_crop(resized, size)
        return cut

    return _chain(v2.PILToTensor(), resize, normalize)


def build_train_transform(
    job: Job, family: ClassifierFamily, normalize: Callable[[torch.Tensor], torch.Tensor]
) -> Transform:
    """The transform of train images, random by PyTorch's random state."""
    if job.training.augmentation == "none":
        return build_eval_transform(job, family, normalize)
    from torchvision.transforms import v2

    chosen = choose_augmentation(job)
    interpolation = v2.functional.InterpolationMode(family.interpolation)
    steps: list[Callable[[Any], Any]] = [
        v2.PILToTensor(),
        v2.RandomResizedCrop(
            job.training.image_size,
            scale=(chosen["cropScaleMin"], 1.0),
            ratio=RATIOS[job.training.augmentation],
            interpolation=interpolation,
            antialias=True,
        ),
        v2.RandomHorizontalFlip(chosen["hflip"]),
        v2.RandomVerticalFlip(chosen["vflip"]),
    ]
    if strength := chosen["colorJitter"]:
        steps.append(v2.ColorJitter(strength, strength, strength))
    if magnitude := chosen["randAugment"]:
        steps.append(v2.RandAugment(num_ops=2, magnitude=int(magnitude)))
    # Erased is what is nothing to the network: the mean.
    return _chain(*steps, normalize, v2.RandomErasing(chosen["reProb"], value=0))


def _chain(*steps: Callable[[Any], Any]) -> Transform:
    def transform(image: Any) -> torch.Tensor:
        for step in steps:
            image = step(image)
        shown: torch.Tensor = image
        return shown

    return transform
