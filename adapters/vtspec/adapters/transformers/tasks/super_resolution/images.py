"""Pairs of a small image and a large one: listed, cropped at random, and made into tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.image_pairs import ImagePair
from vtspec.adapters.pytorch.batches import UnreadableError
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image
from vtspec.adapters.transformers.task_network import Item, TaskImages

from .params import choose_probabilities

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

_SSIM_WINDOW: Final = 11


@dataclass(frozen=True)
class EnlargementItem(Item):
    """An item with the large image, `(3, h * scale, w * scale)`; both of 0 to 1."""

    target: torch.Tensor


class EnlargementImages(TaskImages[ImagePair, EnlargementItem]):
    """Whole pairs, or with `epoch` crops of them of the job's image size."""

    def __init__(
        self, images: Sequence[ImagePair], job: Job, scale: int, *, epoch: int | None = None
    ) -> None:
        super().__init__(images, job, epoch=epoch)
        self.scale, self.probabilities = scale, choose_probabilities(job)

    def load(self, one: ImagePair, index: int) -> EnlargementItem:
        """The item of a pair."""
        low, high = (read_pixels(path) for path in (one.path, one.target))
        if self.epoch is not None:
            crop = self.job.training.image_size
            low, high = augment_pair(low, high, crop, self.scale, self.probabilities)
        return EnlargementItem(low, one.size, index, high)


def read_pixels(path: Path) -> torch.Tensor:
    """What an image file shows, as `to_tensor` has it. Raises `UnreadableError`."""
    image = decode_image(path)
    if isinstance(image, UnreadableImage):
        raise UnreadableError(image)
    return to_tensor(image)


def to_tensor(image: Image) -> torch.Tensor:
    """`(3, h, w)` of 0 to 1."""
    from torchvision.transforms.v2 import functional

    pixels: torch.Tensor = functional.pil_to_tensor(image)
    return pixels.float() / 255


def augment_pair(
    low: torch.Tensor,
    high: torch.Tensor,
    crop: tuple[int, int],
    scale: int,
    probabilities: Mapping[str, float],
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same random crop of both, `crop` of `low`, turned and flipped alike; drawn from
    PyTorch's random state."""
    import torch

    def happens(name: str) -> bool:
        # Drawn whatever the probability: one param does not move what the others draw.
        return float(torch.rand(())) < probabilities[name]

    turned = happens("quarterTurn")
    height, width = reversed(crop) if turned else crop
    top = int(torch.randint(low.shape[1] - height + 1, ()))
    left = int(torch.randint(low.shape[2] - width + 1, ()))
    both = [
        image[:, top * by : (top + height) * by, left * by : (left + width) * by]
        for image, by in ((low, 1), (high, scale))
    ]
    if turned:
        both = [image.transpose(1, 2) for image in both]
    for name, side in (("hflip", 2), ("vflip", 1)):
        if happens(name):
            both = [image.flip(side) for image in both]
    order = torch.randperm(3)
    if happens("channelShuffle"):
        both = [image[order] for image in both]
    return both[0].contiguous(), both[1].contiguous()


def get_border(job: Job, scale: int) -> int:
    """Pixels of a large image that are not measured on each side."""
    wanted: int | None = job.params["metricBorder"]
    return scale if wanted is None else wanted


def find_scale(pair: ImagePair) -> int:
    """How many times larger than the small image the large one is.

    Raises:
        AdapterError: no whole number of times, the same both ways.
    """
    (width, height), (wide, high) = pair.size, pair.target_size
    scale = wide // width
    if not scale or (wide, high) != (width * scale, height * scale):
        raise AdapterError(
            f"{pair.target} is {wide} x {high}, which is no multiple of the {width} x {height} of "
            f"{pair.name}",
            "make the small images anew of the large ones",
        )
    return scale


def check_pairs(pairs: Sequence[ImagePair], scale: int, border: int) -> None:
    """Raise `AdapterError` where a large image is not `scale` times the small one, or too little
    of it is measured without its `border`."""
    for pair in pairs:
        wide, high = pair.target_size
        if (own := find_scale(pair)) != scale:
            raise AdapterError(
                f"{pair.target} is {own} times as large as {pair.name}, and others are {scale} "
                "times as large",
                "make a dataset of each",
            )
        if min(wide, high) - 2 * border < _SSIM_WINDOW:
            raise AdapterError(
                f"{pair.target} is {wide} x {high}: without the border of {border} less than the "
                f"{_SSIM_WINDOW} x {_SSIM_WINDOW} that SSIM needs is left",
                "set params.metricBorder: 0, or leave out such images",
            )


def check_crops(pairs: Sequence[ImagePair], crop: tuple[int, int], *, turned: bool) -> None:
    """Raise `AdapterError` where a crop of this height and width does not fit into a small image,
    or where it may be `turned` does not fit either way."""
    needed = (max(crop), max(crop)) if turned else crop
    for pair in pairs:
        width, height = pair.size
        if height < needed[0] or width < needed[1]:
            raise AdapterError(
                f"{pair.path} is {width} x {height}, and crops of {needed[1]} x {needed[0]} are "
                "learnt from",
                f"set training.imageSize to {min(width, height)} or less",
            )
