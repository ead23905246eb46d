"""Sentences about images with GIT, BLIP and what else is an encoder of images with a decoder of
texts, learnt by the cross-entropy of each token after those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.shared_params import find_idle_augmentation
from vtspec.adapters.transformers.writing_params import TOLD, find_writing_conflicts
from vtspec.adapters.transformers.writing_part import WritingPart

from .architectures import ARCHITECTURES, FAMILIES
from .params import AUGMENTING, PARAMS

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_texts import ImageTexts

    from .captioner import Captioner


class ImageCaptioning(WritingPart["ImageTexts"]):
    """The task's part of the adapter."""

    task = TaskType.IMAGE_CAPTIONING
    params = PARAMS
    told = TOLD
    families = FAMILIES
    architectures = ARCHITECTURES

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation, and what concerns no text."""
        yield from find_idle_augmentation(settings, AUGMENTING)
        yield from find_writing_conflicts(settings)

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[ImageTexts]:
        """Images, each with all that people say about it."""
        from vtspec.adapters.data.image_texts import list_image_texts

        return list_image_texts(job.dataset, split, "caption")

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> Captioner:
        """The network as one that says what it sees."""
        from .captioner import Captioner

        return Captioner(network, family, job)


PART = ImageCaptioning()
