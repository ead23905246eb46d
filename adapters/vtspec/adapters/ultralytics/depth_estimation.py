"""Depth estimation: how far away each pixel is, in metres.

The package's trainer teaches what is nearer than what, and fits the scale to the val split behind
the training. Here the loss teaches the scale, too, and nothing is fitted to what is measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.annotations import Size
from vtspec.adapters.data.depth_maps import check_sizes, encode_depth, read_depth
from vtspec.adapters.data.image_decoding import UnreadableImageError
from vtspec.adapters.data.image_pairs import list_image_pairs
from vtspec.adapters.evaluation.depth import DepthMetrics
from vtspec.adapters.pytorch.batches import UnreadableError
from vtspec.adapters.pytorch.loading import UnreadableImage

from .images import Fitting, Item
from .pixel_task import PixelTask

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class DepthImage:
    """An image, and its map where there is one."""

    path: Path
    name: str
    depth: Path | None


class DepthEstimation(PixelTask):
    """Distances."""

    word = "depth"
    network_class = "DepthModel"
    class_layers = "$"
    outputs: tuple[str, ...] = ("depth",)
    """What an exported network gives: metres `(n, h, w)`, as many as it is shown pixels."""

    column = "depth"
    format_class = "DepthFormat"
    fitting: Fitting = "stretch"

    def set_up(self, network: Any) -> None:
        """Have the layers tell the metres that they were scaled to by loaded weights: the loss
        looks at what they tell alone, and a scale on top would be learnt twice."""
        import torch

        head = network.model[-1]
        last = head.head[-1]
        with torch.no_grad():
            last.weight.mul_(head.cal_a)
            last.bias.mul_(head.cal_a).add_(head.cal_b)
            head.cal_a.fill_(1.0)
            head.cal_b.fill_(0.0)

    def list_told(self) -> tuple[str, ...]:
        """What distances are, and how they are judged."""
        return ("depthScale", "maxDepth", "varianceFocus")

    def list_images(self, split: str, warn: Callable[[str], None]) -> Sequence[DepthImage]:
        """The images of a split with their maps."""
        pairs = list_image_pairs(self.job.dataset, split, "depth")
        check_sizes(pairs)
        return [DepthImage(pair.path, pair.name, pair.target) for pair in pairs]

    def make_unlabelled(self, paths: Iterable[Path]) -> Sequence[DepthImage]:
        """Images of which nothing was measured."""
        return [DepthImage(path, path.name, None) for path in paths]

    def read_truth(self, image: DepthImage, size: Size) -> NDArray[np.float32]:
        """Metres, 0 where nothing was measured."""
        import numpy as np

        if image.depth is None:
            return np.zeros(size[::-1], np.float32)
        try:
            return read_depth(image.depth, self.job.params["depthScale"])
        except UnreadableImageError as error:
            raise UnreadableError(UnreadableImage(image.depth, str(error))) from error

    def limit_learnt(self, truth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Nothing beyond the farthest."""
        import numpy as np

        return np.where(truth <= self.job.params["maxDepth"], truth, np.float32(0))

    def build_metrics(self) -> MeasuredPixels:
        """Errors up to the farthest."""
        return MeasuredPixels(float(self.job.params["maxDepth"]))

    def decode(self, outputs: Any, items: Sequence[Item]) -> Sequence[NDArray[np.float32]]:
        """Metres of each pixel of each image."""
        side = self.job.training.image_size[0]
        shown = self._limit(_enlarge(outputs.float(), (side, side)))
        return [
            _enlarge(row[None], item.place().size[::-1])[0, 0].cpu().numpy()
            for row, item in zip(shown, items, strict=True)
        ]

    def measure(
        self, metrics: MeasuredPixels, image: DepthImage, item: Item, answer: NDArray[np.float32]
    ) -> None:
        """Hold what is told against what was measured."""
        metrics.update(image.name, item.truth, answer)

    def pick_class_metrics(self, metrics: MeasuredPixels) -> dict[str, float]:
        """None: nothing has a class."""
        return {}

    def tell(self, answer: NDArray[np.float32]) -> Mapping[str, Any]:
        """The distances in the dataset's unit."""
        return {"predicted_image": encode_depth(answer, self.job.params["depthScale"])}

    def give_outputs(self, network: Any, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Metres of each pixel."""
        return (self._limit(_enlarge(network(images), tuple(images.shape[-2:])))[:, 0],)

    def describe(self) -> Mapping[str, str]:
        """How images are shown to it, and how far it looks, in metres."""
        return {"resize": "stretch", "max_depth": json.dumps(self.job.params["maxDepth"])}

    def _limit(self, told: torch.Tensor) -> torch.Tensor:
        """Nothing beyond the farthest, as the package measures."""
        return told.clamp(max=float(self.job.params["maxDepth"]))


class MeasuredPixels(DepthMetrics):
    """The maps of a split of which some pixel was measured."""

    def compute(self) -> dict[str, float]:
        """The standard metrics. Raises `AdapterError` where there is nothing to measure by."""
        if not self.images:
            raise AdapterError(
                f"no image of a split has a distance of up to {self.farthest:g} m",
                "see that params.depthScale and maxDepth fit the maps",
            )
        return super().compute()


def _enlarge(told: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """As the package does before its loss."""
    from torch.nn.functional import interpolate

    return interpolate(told, size=size, mode="bilinear", align_corners=True)
