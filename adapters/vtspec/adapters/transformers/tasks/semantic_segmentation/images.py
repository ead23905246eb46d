"""Images with the class of each pixel: read, augmented, and made into tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job
from vtspec.adapters.data.class_masks import IGNORED, MaskedImage
from vtspec.adapters.pytorch.batches import UnreadableError, read_stored_image
from vtspec.adapters.pytorch.pixel_classes import read_classes
from vtspec.adapters.transformers.mask_augmentation import choose_augmentation, stretch_masked
from vtspec.adapters.transformers.task_network import Item, TaskImages

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MaskItem(Item):
    """An item with the class of each of its pixels, `(h, w)`, and, where it is not augmented, of
    each of the image's own, `(height, width)`; `IGNORED` where there is none."""

    classes: torch.Tensor
    truth: NDArray[np.uint8] | None


class MaskImages(TaskImages[MaskedImage, MaskItem]):
    """Images with masks; `normalize` is what becomes of pixels in bytes, `ground` the colour
    beyond an image's border."""

    def __init__(
        self,
        images: Sequence[MaskedImage],
        job: Job,
        normalize: Callable[[torch.Tensor], torch.Tensor],
        ground: Sequence[float],
        *,
        epoch: int | None = None,
    ) -> None:
        super().__init__(images, job, epoch=epoch)
        self.normalize = normalize
        self.ground = [round(255 * value) for value in ground]
        self.chosen = None if epoch is None else choose_augmentation(job)

    def load(self, one: MaskedImage, index: int) -> MaskItem:
        """The item of an image and its mask."""
        import torch
        from torchvision.transforms.v2 import functional

        image = read_stored_image(one.path)
        truth = read_classes(one, image.size, self.job.dataset)
        pixels, classes = stretch_masked(
            functional.pil_to_tensor(image),
            torch.from_numpy(truth)[None],
            self.job.training.image_size,
            chosen=self.chosen,
            ground=self.ground,
            beyond=IGNORED,
        )
        kept = truth if self.epoch is None else None
        return MaskItem(self.normalize(pixels), image.size, index, classes[0].long(), kept)


def count_pixels(images: Sequence[MaskedImage], job: Job) -> list[int]:
    """Pixels of each class in all these images. Reads every mask.

    Raises:
        AdapterError: an image or its mask cannot be used.
    """
    import numpy as np

    classes = len(job.dataset.classes)
    counts = np.zeros(IGNORED + 1, np.int64)
    try:
        for one in images:
            truth = read_classes(one, read_stored_image(one.path).size, job.dataset)
            counts += np.bincount(truth.ravel(), minlength=IGNORED + 1)
    except UnreadableError as error:
        raise error.image.to_error() from error
    # A smoke test sees a few images, which need not show every class.
    return [int(max(count, job.smoke)) for count in counts[:classes]]
