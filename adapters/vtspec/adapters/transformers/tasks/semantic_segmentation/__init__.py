"""Semantic segmentation, a class for each pixel, with SegFormer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.mask_augmentation import find_augmentation_conflicts
from vtspec.adapters.transformers.task_part import TaskPart

from .architectures import ARCHITECTURES, FAMILIES
from .params import PARAMS

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
        """What of the augmentation changes nothing or cannot be."""
        return find_augmentation_conflicts(settings)

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


PART = SemanticSegmentation()
