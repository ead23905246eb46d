"""Images with the outlines of their objects: read, augmented, and made into tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_objects import ImageObjects
from vtspec.adapters.data.rasters import rasterize_object
from vtspec.adapters.pytorch.batches import UnreadableError, read_stored_image
from vtspec.adapters.pytorch.loading import UnreadableImage
from vtspec.adapters.transformers.mask_augmentation import choose_augmentation, stretch_masked
from vtspec.adapters.transformers.task_network import Item, TaskImages

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from vtspec.adapters.data.annotations import Size


@dataclass(frozen=True)
class OutlineItem(Item):
    """An item with the pixels of its objects, `(n, h, w)`, 1 inside, and their classes `(n,)`."""

    masks: torch.Tensor
    classes: torch.Tensor


class OutlineImages(TaskImages[ImageObjects, OutlineItem]):
    """Images with outlined objects; `normalize` is what becomes of pixels in bytes, `ground` the
    colour beyond an image's border."""

    def __init__(
        self,
        images: Sequence[ImageObjects],
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

    def load(self, one: ImageObjects, index: int) -> OutlineItem:
        """The item of an image; a crowd is no object that could be found, and one that a cut
        leaves nothing of is none."""
        import torch
        from torchvision.transforms.v2 import functional

        image = read_stored_image(one.path)
        rows = one.list_learnt()
        pixels, masks = stretch_masked(
            functional.pil_to_tensor(image),
            torch.from_numpy(_draw(one, rows, image.size)),
            self.job.training.image_size,
            chosen=self.chosen,
            ground=self.ground,
            beyond=0,
        )
        classes = torch.tensor([one.classes[place] for place in rows], dtype=torch.int64)
        seen = masks.bool().flatten(1).any(dim=1)
        return OutlineItem(self.normalize(pixels), image.size, index, masks[seen], classes[seen])


def _draw(one: ImageObjects, rows: Sequence[int], size: Size) -> NDArray[np.uint8]:
    import numpy as np

    width, height = size
    drawn = np.zeros((len(rows), height, width), np.uint8)
    for mask, place in zip(drawn, rows, strict=True):
        raster = rasterize_object(one.annotations[place], size)
        if raster is None:
            why = "one of its objects has a mask of another size"
            raise UnreadableError(UnreadableImage(one.path, why))
        rows_of, columns_of = raster.pixels.shape
        mask[raster.y : raster.y + rows_of, raster.x : raster.x + columns_of] = raster.pixels
    return drawn
