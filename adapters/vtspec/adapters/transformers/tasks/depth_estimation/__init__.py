"""Depth estimation with GLPN and Depth Anything: how far away each pixel is, in metres.

Learnt by the scale-invariant logarithmic loss of Eigen et al., "Depth Map Prediction from a Single
Image using a Multi-Scale Deep Network", 2014 (https://arxiv.org/abs/1406.2283), with a square root
over it, as GLPN, BTS and Depth Anything's metric models are. Pixels whose distance nobody measured
are neither learnt nor measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.shared_params import find_idle_augmentation, refuse_loss_settings
from vtspec.adapters.transformers.task_part import TaskPart

from .architectures import ARCHITECTURES, FAMILIES
from .params import AUGMENTING, PARAMS

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_pairs import ImagePair

    from .depth_estimator import DepthEstimator


class DepthEstimation(TaskPart["ImagePair"]):
    """The task's part of the adapter."""

    task = TaskType.DEPTH_ESTIMATION
    params = PARAMS
    told = ("depthScale", "maxDepth", "varianceFocus")
    families = FAMILIES
    architectures = ARCHITECTURES
    has_classes = False

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation, and what the loss does not know."""
        yield from find_idle_augmentation(settings, AUGMENTING)
        yield from refuse_loss_settings(settings)

    def configure(self, config: Any, job: Job) -> None:
        """Metres, where a model of Depth Anything told what is nearer than what.

        Raises:
            AdapterError: it is not known how far such a model shall see.
        """
        if getattr(config, "depth_estimation_type", "metric") == "metric":
            return
        if job.params["maxDepth"] is None:
            raise AdapterError(
                f"{job.model.name} tells no distances but an order, and has no farthest one",
                "set params.maxDepth to the farthest distance to learn, in metres",
            )
        config.depth_estimation_type = "metric"

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[ImagePair]:
        """Images, each with its depth map."""
        from vtspec.adapters.data.image_pairs import list_image_pairs

        return list_image_pairs(job.dataset, split, "depth")

    def check_images(
        self,
        images: Mapping[str, Sequence[ImagePair]],
        job: Job,
        warn: Callable[[str], None],
    ) -> None:
        """Maps are of their images' size."""
        from vtspec.adapters.data.depth_maps import check_sizes

        for pairs in images.values():
            check_sizes(pairs)

    def run_once(self, network: torch.nn.Module, pixels: torch.Tensor) -> object:
        """What a network tells of pixels. Raises `ValueError` where it is not of their size, as of
        Depth Anything, which leaves out what fills no patch."""
        told = super().run_once(network, pixels)
        size, wanted = told.predicted_depth.shape[1:], pixels.shape[2:]  # type: ignore[attr-defined]
        if size != wanted:
            raise ValueError(f"it tells {size[0]} by {size[1]} distances")
        return told

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> DepthEstimator:
        """The network as one that tells distances."""
        from .depth_estimator import DepthEstimator

        return DepthEstimator(network, family, job)


PART = DepthEstimation()
