"""A network of super-resolution at work: its loss, what it makes of images, how good that is."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.image_pairs import ImagePair
from vtspec.adapters.evaluation.super_resolution import SuperResolutionMetrics
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.batches import iter_item_batches
from vtspec.adapters.pytorch.export import Outputs
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.task_network import Shown, TaskNetwork, refuse_no_numbers

from .architectures import find_size_step
from .images import EnlargementImages, EnlargementItem, find_scale, get_border, to_tensor

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

OUTPUTS: Final = ("enlarged",)
"""What an exported network gives: `(n, 3, height * scale, width * scale)` of 0 to 1."""

_CHECKED_IMAGES: Final = 2

_CHARBONNIER_EPSILON: Final = 1e-3
"""Of pixels from 0 to 1: Lai et al., "LapSRN", 2017 (https://arxiv.org/abs/1710.01992)."""

_TILE_OVERLAP: Final = 16
"""Pixels of the small image that a tile sees beyond its own on each side."""


class Enlarger(TaskNetwork[ImagePair, EnlargementItem]):
    """A network that enlarges images: learnt on crops, asked about whole ones, one at a time, as
    they differ in size."""

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        super().__init__(network, family, job)
        config: Any = network.config
        self.scale, self.step = int(config.upscale), find_size_step(config)
        self.outputs = Outputs(OUTPUTS, size_step=self.step)

    def make_dataset(
        self, images: Sequence[ImagePair], *, epoch: int | None = None
    ) -> EnlargementImages:
        """The items of pairs.

        Raises:
            AdapterError: the network enlarges by another scale than theirs.
        """
        wanted = find_scale(images[0])
        if wanted != self.scale:
            raise AdapterError(
                f"{self.job.model.name} makes images {self.scale} times as large, and those of "
                f"the dataset are {wanted} times as large",
                f"set params.scale: {wanted}",
            )
        return EnlargementImages(images, self.job, self.scale, epoch=epoch)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image as it is."""
        return to_tensor(image)

    def compute_loss(self, items: Sequence[EnlargementItem]) -> torch.Tensor:
        """`params.pixelLoss`; Transformers has no loss of the task."""
        import torch

        made = self._make([one.pixels for one in items])
        return self._judge(made, torch.stack([one.target for one in items]))

    def start_metrics(self) -> SuperResolutionMetrics:
        """PSNR and SSIM."""
        border = get_border(self.job, self.scale)
        return SuperResolutionMetrics(border, self.job.params["metricChannel"])

    def measure_batch(
        self,
        items: Sequence[EnlargementItem],
        images: Sequence[ImagePair],
        metrics: SuperResolutionMetrics,
    ) -> float:
        """Hold each enlarged image against the large one."""
        total = 0.0
        for item, one in zip(items, images, strict=True):
            made = self._enlarge(item.pixels)
            refuse_no_numbers(made)
            total += float(self._judge(made, item.target))
            metrics.update(one.name, to_values(item.target), to_values(made))
        return total / len(items)

    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """The enlarged images."""
        made = (to_values(self._enlarge(one.pixels)) for one in shown)
        return [{"predicted_image": encode_picture(values)} for values in made]

    def describe(self) -> Mapping[str, str]:
        """How much larger images become, and what their sides are multiples of."""
        return {"scale": json.dumps(self.scale), "size_step": json.dumps(self.step)}

    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """The parts of `outputs`."""
        return output.reconstruction

    def sample_pixels(self, images: Sequence[ImagePair]) -> torch.Tensor:
        """Corners of images, of one size that the network takes."""
        import torch

        height, width = self.job.training.image_size
        if not images:
            generator = torch.Generator().manual_seed(self.job.training.seed)
            return torch.rand((_CHECKED_IMAGES, 3, height, width), generator=generator)
        batches = [[place] for place in range(min(_CHECKED_IMAGES, len(images)))]
        data, workers = self.make_dataset(images), self.job.training.workers
        whole = (one.pixels for (one,) in iter_item_batches(data, batches, workers))
        return torch.stack([_mirror(each, height, width) for each in whole])

    def _make(self, pixels: Sequence[torch.Tensor]) -> torch.Tensor:
        made: torch.Tensor = self.run(pixels).reconstruction.float()
        return made

    def _enlarge(self, pixels: torch.Tensor) -> torch.Tensor:
        def network(image: torch.Tensor) -> torch.Tensor:
            return self._make([image])[0]

        return enlarge(network, pixels, self.scale, self.step, self.job.params["tile"])

    def _judge(self, made: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return compute_pixel_loss(made, target.to(made.device), self.job.params["pixelLoss"])


def compute_pixel_loss(told: torch.Tensor, true: torch.Tensor, kind: str) -> torch.Tensor:
    """The mean over all values: `l1`, `l2` or `charbonnier`."""
    difference = told - true
    if kind == "l1":
        return difference.abs().mean()
    if kind == "l2":
        return difference.square().mean()
    return (difference.square() + _CHARBONNIER_EPSILON**2).sqrt().mean()


def enlarge(
    network: Callable[[torch.Tensor], torch.Tensor],
    pixels: torch.Tensor,
    scale: int,
    step: int,
    tile: int | None,
) -> torch.Tensor:
    """A whole image `(3, h, w)` as the network enlarges it, `(3, h * scale, w * scale)`.

    `network` takes images whose sides are multiples of `step`; what is missing is mirrored, at the
    right and at the bottom. A `tile` bounds memory: that many pixels a side are enlarged at a
    time, with those around them.
    """
    import torch

    height, width = pixels.shape[1:]
    if tile is None:
        return _enlarge_whole(network, pixels, scale, step)
    rows = []
    for top in range(0, height, tile):
        above, below = max(top - _TILE_OVERLAP, 0), top + tile + _TILE_OVERLAP
        row = []
        for left in range(0, width, tile):
            before, behind = max(left - _TILE_OVERLAP, 0), left + tile + _TILE_OVERLAP
            made = _enlarge_whole(network, pixels[:, above:below, before:behind], scale, step)
            y, x = (top - above) * scale, (left - before) * scale
            row.append(made[:, y : y + tile * scale, x : x + tile * scale].cpu())
        rows.append(torch.cat(row, dim=2))
    return torch.cat(rows, dim=1)


def _enlarge_whole(
    network: Callable[[torch.Tensor], torch.Tensor], pixels: torch.Tensor, scale: int, step: int
) -> torch.Tensor:
    height, width = pixels.shape[1:]
    made = network(_mirror(pixels, height + -height % step, width + -width % step))
    return made[:, : height * scale, : width * scale]


def _mirror(pixels: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The upper left of an image; rows and columns that it lacks mirror those before them."""
    import torch

    for side, wanted in ((1, height), (2, width)):
        # Again and again where the image has fewer than are missing.
        while (lacking := wanted - pixels.shape[side]) > 0:
            mirrored = pixels.flip(side).narrow(side, 0, min(lacking, pixels.shape[side]))
            pixels = torch.cat([pixels, mirrored], dim=side)
    return pixels[:, :height, :width]


def to_values(made: torch.Tensor) -> Any:
    """An enlarged image `(3, h, w)` as numbers of 0 to 255, `(h, w, 3)`; not yet rounded."""
    return (made.float().clamp(0, 1) * 255).permute(1, 2, 0).cpu().numpy()


def encode_picture(values: Any) -> str:
    """Numbers `(h, w, 3)` of 0 to 255 as a PNG, in base64."""
    import numpy as np
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.rint(values).astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
