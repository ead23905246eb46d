"""A network of depth estimation at work: its loss, what it tells, how good that is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.annotations import Size
from vtspec.adapters.data.depth_maps import encode_depth
from vtspec.adapters.data.image_pairs import ImagePair
from vtspec.adapters.evaluation.depth import DepthMetrics
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.export import Outputs
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.task_network import (
    Measured,
    Shown,
    TaskNetwork,
    refuse_no_numbers,
)

from .images import DepthImages, DepthItem

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

OUTPUTS: Final = ("depth",)
"""What an exported network gives: metres, `(n, height, width)`."""

_NEAREST: Final = 1e-3
"""Metres: a network that ends in a sigmoid may tell 0, which has no logarithm."""

_UNDER_ROOT: Final = 1e-8
"""The slope of a square root is without end at 0."""


class DepthEstimator(TaskNetwork[ImagePair, DepthItem]):
    """A network that tells distances, which are measured at their maps' own size."""

    outputs = Outputs(OUTPUTS)

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        super().__init__(network, family, job)
        config: Any = network.config
        self.farthest = float(config.max_depth)

    def make_dataset(
        self, images: Sequence[ImagePair], *, epoch: int | None = None
    ) -> DepthImages:
        """The items of images with their distances."""
        return DepthImages(images, self.job, self.normalize, self.farthest, epoch=epoch)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image stretched to the network's size."""
        from torchvision.transforms.v2 import functional

        size = list(self.job.training.image_size)
        pixels = functional.resize(functional.pil_to_tensor(image), size, antialias=True)
        return self.normalize(pixels)

    def compute_loss(self, items: Sequence[DepthItem]) -> torch.Tensor:
        """The scale-invariant loss, of all families alike; Transformers has it of GLPN alone."""
        return self._judge(self._tell([one.pixels for one in items]), items)

    def start_metrics(self) -> DepthMetrics:
        """Errors up to the farthest that the network tells."""
        return DepthMetrics(self.farthest)

    def measure_batch(
        self, items: Sequence[DepthItem], images: Sequence[ImagePair], metrics: DepthMetrics
    ) -> float:
        """Hold what is told against what was measured."""
        told = self._tell([one.pixels for one in items])
        refuse_no_numbers(told)
        for row, item, one in zip(told, items, images, strict=True):
            metrics.update(one.name, item.measured.numpy(), _stretch(row, item.size))
        return float(self._judge(told, items))

    def measure(self, images: Sequence[ImagePair]) -> Measured:
        """What it tells of images, held against the truth.

        Raises:
            AdapterError: an image is unreadable, an output is not a number, or no image has a
                distance.
        """
        measured = super().measure(images)
        assert isinstance(measured.metrics, DepthMetrics)
        if not measured.metrics.images:
            raise AdapterError(
                f"no image of a split has a distance of up to {self.farthest:g} m",
                "see that params.depthScale and maxDepth fit the maps",
            )
        return measured

    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """The distances in the dataset's unit."""
        told = self._tell([one.pixels for one in shown])
        maps = (_stretch(row, one.size) for row, one in zip(told, shown, strict=True))
        per_metre = self.job.params["depthScale"]
        return [{"predicted_image": encode_depth(each, per_metre)} for each in maps]

    def describe(self) -> Mapping[str, str]:
        """What the network tells at most, in metres."""
        return {"max_depth": json.dumps(self.farthest)}

    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """The parts of `outputs`."""
        return output.predicted_depth

    def _tell(self, pixels: Sequence[torch.Tensor]) -> torch.Tensor:
        told: torch.Tensor = self.run(pixels).predicted_depth.float()
        return told

    def _judge(self, told: torch.Tensor, items: Sequence[DepthItem]) -> torch.Tensor:
        import torch

        true = torch.stack([one.depth for one in items]).to(told.device)
        return compute_log_loss(told, true, self.farthest, self.job.params["varianceFocus"])


def compute_log_loss(
    told: torch.Tensor, true: torch.Tensor, farthest: float, focus: float
) -> torch.Tensor:
    """The loss of distances of one shape, over the pixels that were measured up to `farthest`
    metres: the root of the mean square of logarithms' differences, less `focus` times the square
    of their mean. Of a batch without any such pixel it is 0.

    A `focus` of 0 judges the scale in full, of 1 not at all.
    """
    known = (true > 0) & (true <= farthest)
    if not known.any():
        # With a gradient, of zeros: a step is a step.
        return told.sum() * 0
    apart = told[known].clamp(min=_NEAREST).log() - true[known].log()
    return (apart.square().mean() - focus * apart.mean().square() + _UNDER_ROOT).sqrt()


def _stretch(told: torch.Tensor, size: Size) -> Any:
    """Distances `(h, w)` at an image's own width and height, as an array."""
    import torch

    width, height = size
    wide = torch.nn.functional.interpolate(
        told[None, None], (height, width), mode="bilinear", align_corners=False
    )
    return wide[0, 0].cpu().numpy()
