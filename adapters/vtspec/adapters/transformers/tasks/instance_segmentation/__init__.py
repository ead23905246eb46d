"""Instance segmentation, objects with their outlines, with Mask2Former."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vtspec.adapters.contract import AdapterError, Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.mask_augmentation import find_augmentation_conflicts
from vtspec.adapters.transformers.object_checks import check_objects
from vtspec.adapters.transformers.shared_params import refuse_loss_settings
from vtspec.adapters.transformers.task_part import TaskPart

from .architectures import ARCHITECTURES, FAMILIES
from .params import PARAMS

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_objects import ImageObjects

    from .outliner import Outliner


class InstanceSegmentation(TaskPart["ImageObjects"]):
    """The task's part of the adapter."""

    task = TaskType.INSTANCE_SEGMENTATION
    params = PARAMS
    told = ("confidenceThreshold", "maxDetections", "maskThreshold")
    families = FAMILIES
    architectures = ARCHITECTURES

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What of the augmentation cannot be, and what the losses do not know."""
        yield from find_augmentation_conflicts(settings)
        yield from refuse_loss_settings(settings)

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[ImageObjects]:
        """Images with their objects, each of which has an outline."""
        from vtspec.adapters.data.image_objects import list_image_objects

        listed = list_image_objects(job.dataset, split, warn, rows="polygons")
        for image in listed:
            for each in image.annotations:
                if not (each.mask or each.polygons or each.oriented_box):
                    raise AdapterError(
                        f"{image.name}: an object of class '{each.class_name}' has no outline",
                        "take data with masks or polygons, or the task object-detection",
                    )
        return listed

    def check_images(
        self,
        images: Mapping[str, Sequence[ImageObjects]],
        job: Job,
        warn: Callable[[str], None],
    ) -> None:
        """There are objects to learn; classes that a split lacks are told."""
        check_objects(images, job, warn)

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> Outliner:
        """The network as one that outlines objects."""
        from .outliner import Outliner

        return Outliner(network, family, job)


PART = InstanceSegmentation()
