"""Image classification, a class for each image, with ViT, DINOv2, Swin, ConvNeXt and ResNet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.shared_params import find_idle_augmentation
from vtspec.adapters.transformers.task_part import TaskPart

from .architectures import ARCHITECTURES, FAMILIES, list_arguments
from .params import AUGMENTATION_PARAMS, PARAMS

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_labels import LabeledImage

    from .classifier import Classifier


class ImageClassification(TaskPart["LabeledImage"]):
    """The task's part of the adapter."""

    task = TaskType.IMAGE_CLASSIFICATION
    params = PARAMS
    families = FAMILIES
    architectures = ARCHITECTURES

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation."""
        return find_idle_augmentation(settings, tuple(AUGMENTATION_PARAMS))

    def configure(self, config: Any, job: Job) -> None:
        """Refuse images that patches do not cover: the library would leave out the rest."""
        if not FAMILIES[config.model_type].has_whole_patches:
            return
        patch = config.patch_size
        if any(side % patch for side in job.training.image_size):
            height, width = job.training.image_size
            raise AdapterError(
                f"{job.model.name} does not take images of {height} by {width} pixels: it sees "
                f"them in patches of {patch}",
                f"set training.imageSize to a multiple of {patch}, such as "
                f"{max(round(height / patch), 1) * patch}",
            )

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[LabeledImage]:
        """Images with a class each."""
        from vtspec.adapters.data.image_labels import list_labeled_images

        return list_labeled_images(job.dataset, split)

    def run_once(self, network: torch.nn.Module, pixels: torch.Tensor) -> object:
        """What a network says of pixels of any size that it takes."""
        return network(pixel_values=pixels, **list_arguments(network))

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> Classifier:
        """The network as one that gives each image a class."""
        from .classifier import Classifier

        return Classifier(network, family, job)


PART = ImageClassification()
