"""Semantic segmentation, a class for each pixel, with SegFormer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.shared_params import find_idle_augmentation
from vtspec.adapters.transformers.task_part import TaskPart

from .architectures import ARCHITECTURES, FAMILIES
from .params import AUGMENTING, PARAMS, PRESETS

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.class_masks import MaskedImage

    from .segmenter import Segmenter


class SemanticSegmentation(TaskPart["MaskedImage"]):
    """The task's part of the adapter."""

    task = TaskType.SEMANTIC_SEGMENTATION
    params = PARAMS
    families = FAMILIES
    architectures = ARCHITECTURES

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation, and scales the wrong way round."""
        yield from find_idle_augmentation(settings, AUGMENTING)
        yield from _find_crossed_scales(settings)

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[MaskedImage]:
        """Images with their masks."""
        from vtspec.adapters.data.class_masks import list_masked_images

        return list_masked_images(job.dataset, split, warn)

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> Segmenter:
        """The network as one that gives each pixel a class."""
        from .segmenter import Segmenter

        return Segmenter(network, family, job)


def _find_crossed_scales(settings: JsonObject) -> Iterator[SettingConflict]:
    preset = PRESETS[settings["training.augmentation"]]
    low, high = (
        preset[name] if settings[f"params.{name}"] is None else settings[f"params.{name}"]
        for name in ("scaleMin", "scaleMax")
    )
    if low > high:
        yield SettingConflict(
            path="params.scaleMin",
            message=f"is {low:g}, and params.scaleMax {high:g}",
            fix=f"set params.scaleMax to {low:g} or more",
        )


PART = SemanticSegmentation()
