"""Super-resolution with Swin2SR and with RRDBNet, the network of Real-ESRGAN.

Learnt on random crops of `training.imageSize` of the small images, measured and predicted on whole
ones, as the field does it (EDSR, https://arxiv.org/abs/1707.02921; Swin2SR,
https://arxiv.org/abs/2209.11345).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.shared_params import find_idle_augmentation, refuse_loss_settings
from vtspec.adapters.transformers.task_part import TaskPart

from .architectures import ARCHITECTURES, FAMILIES
from .params import AUGMENTING, PARAMS, choose_probabilities

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_pairs import ImagePair

    from .enlarger import Enlarger


class SuperResolution(TaskPart["ImagePair"]):
    """The task's part of the adapter."""

    task = TaskType.SUPER_RESOLUTION
    params = PARAMS
    told = ("pixelLoss", "metricChannel", "metricBorder", "tile")
    families = FAMILIES
    architectures = ARCHITECTURES
    has_classes = False

    def register_classes(self) -> None:
        """RRDBNet, which Transformers does not have."""
        from .rrdbnet import register_rrdbnet

        register_rrdbnet()

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation, and what networks of the task do not know."""
        yield from find_idle_augmentation(settings, AUGMENTING)
        yield from refuse_loss_settings(settings)
        if settings["params.normalize"] is not None:
            yield SettingConflict(
                path="params.normalize",
                message="cannot be in super-resolution, whose networks take pixels as they are",
                fix="leave out params.normalize",
            )

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[ImagePair]:
        """Small images, each with the large one."""
        from vtspec.adapters.data.image_pairs import list_image_pairs

        return list_image_pairs(job.dataset, split, "high-resolution")

    def check_images(
        self,
        images: Mapping[str, Sequence[ImagePair]],
        job: Job,
        warn: Callable[[str], None],
    ) -> None:
        """Large images are all as many times larger as the first, and crops fit."""
        from vtspec.adapters.transformers.tasks.super_resolution.images import (
            check_crops,
            check_pairs,
            find_scale,
            get_border,
        )

        scale = find_scale(images["train"][0])
        for pairs in images.values():
            check_pairs(pairs, scale, get_border(job, scale))
        turned = choose_probabilities(job)["quarterTurn"] > 0
        check_crops(images["train"], job.training.image_size, turned=turned)

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> Enlarger:
        """The network as one that enlarges."""
        from .enlarger import Enlarger

        return Enlarger(network, family, job)


PART = SuperResolution()
