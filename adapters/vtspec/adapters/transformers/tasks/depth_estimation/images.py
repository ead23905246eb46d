"""Images with the distances of their pixels: read, augmented, and made into tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import Job
from vtspec.adapters.data.depth_maps import read_depth
from vtspec.adapters.data.image_decoding import UnreadableImageError
from vtspec.adapters.data.image_pairs import ImagePair
from vtspec.adapters.pytorch.batches import UnreadableError, read_stored_image
from vtspec.adapters.pytorch.loading import UnreadableImage
from vtspec.adapters.transformers.task_network import Item, TaskImages

from .params import choose_probabilities

if TYPE_CHECKING:
    import torch

_WIDEST_BAND: Final = 0.75
"""Of what lies right of the start of CutDepth's band; `p` of the paper."""


@dataclass(frozen=True)
class DepthItem(Item):
    """An item with the distances in metres that the network is to tell, `(h, w)`, and as they were
    `measured`, at their own size; 0 where nothing was."""

    depth: torch.Tensor
    measured: torch.Tensor


class DepthImages(TaskImages[ImagePair, DepthItem]):
    """Images with distances, stretched to the job's size, distances by their nearest pixel.
    `normalize` is what becomes of pixels in bytes, `farthest` what a network tells at most."""

    def __init__(
        self,
        images: Sequence[ImagePair],
        job: Job,
        normalize: Callable[[torch.Tensor], torch.Tensor],
        farthest: float,
        *,
        epoch: int | None = None,
    ) -> None:
        super().__init__(images, job, epoch=epoch)
        self.normalize, self.farthest = normalize, farthest
        self.probabilities = choose_probabilities(job)

    def load(self, one: ImagePair, index: int) -> DepthItem:
        """The item of an image."""
        import torch
        from torchvision.transforms.v2 import functional

        image = read_stored_image(one.path)
        try:
            measured = torch.from_numpy(read_depth(one.target, self.job.params["depthScale"]))
        except UnreadableImageError as error:
            raise UnreadableError(UnreadableImage(one.target, str(error))) from error
        size = list(self.job.training.image_size)
        pixels = functional.resize(functional.pil_to_tensor(image), size, antialias=True)
        # The nearest: a mean of what is near and what is far is a distance of neither.
        depth = torch.nn.functional.interpolate(
            measured[None, None], tuple(size), mode="nearest-exact"
        )[0, 0]
        if self.epoch is not None:
            pixels, depth = augment_depth(pixels, depth, self.farthest, self.probabilities)
        return DepthItem(self.normalize(pixels), one.size, index, depth, measured)


def augment_depth(
    pixels: torch.Tensor,
    depth: torch.Tensor,
    farthest: float,
    probabilities: Mapping[str, float],
) -> tuple[torch.Tensor, torch.Tensor]:
    """An image `(3, h, w)` in bytes and its distances, changed at random; drawn from PyTorch's
    random state."""
    import torch
    from torchvision.transforms import v2

    def happens(name: str) -> bool:
        return float(torch.rand(())) < probabilities[name]

    if happens("hflip"):
        pixels, depth = pixels.flip(-1), depth.flip(-1)
    if happens("photometricDistort"):
        pixels = v2.RandomPhotometricDistort(p=1.0)(pixels)
    if happens("cutDepth"):
        pixels = _cut_depth(pixels, depth, farthest)
    return pixels.contiguous(), depth.contiguous()


def _cut_depth(pixels: torch.Tensor, depth: torch.Tensor, farthest: float) -> torch.Tensor:
    """An image with an upright band of its distances in it, as shares of `farthest`: vertical
    CutDepth of GLPN (https://arxiv.org/abs/2201.07436, section 3.4)."""
    import torch

    width = pixels.shape[2]
    start, share = (float(drawn) for drawn in torch.rand(2))
    left = int(start * width)
    right = left + max(int((width - left) * share * _WIDEST_BAND), 1)
    shown = (depth[:, left:right] / farthest).clamp(0, 1) * 255
    made = pixels.clone()
    made[:, :, left:right] = shown.round().to(pixels.dtype)
    return made
