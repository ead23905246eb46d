"""Object detection with RT-DETR, D-FINE, DETR and its kin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.object_checks import check_objects
from vtspec.adapters.transformers.shared_params import find_idle_augmentation, refuse_loss_settings
from vtspec.adapters.transformers.task_part import TaskPart

from .architectures import ARCHITECTURES, FAMILIES, DetectorFamily
from .params import AUGMENTING, PARAMS

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_objects import ImageObjects

    from .detector import Detector


class ObjectDetection(TaskPart["ImageObjects"]):
    """The task's part of the adapter."""

    task = TaskType.OBJECT_DETECTION
    params = PARAMS
    told = ("confidenceThreshold", "maxDetections")
    families = FAMILIES
    architectures = ARCHITECTURES

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation, and what the losses do not know."""
        yield from find_idle_augmentation(settings, AUGMENTING)
        yield from refuse_loss_settings(settings)

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[ImageObjects]:
        """Images with their objects."""
        from vtspec.adapters.data.image_objects import list_image_objects

        return list_image_objects(job.dataset, split, warn)

    def check_images(
        self,
        images: Mapping[str, Sequence[ImageObjects]],
        job: Job,
        warn: Callable[[str], None],
    ) -> None:
        """There are objects to learn; classes that a split lacks are told."""
        check_objects(images, job, warn)

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> Detector:
        """The network as a detector."""
        from .detector import Detector

        assert isinstance(family, DetectorFamily)
        return Detector(network, family, job)


PART = ObjectDetection()
