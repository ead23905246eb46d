"""Sentences about images with GIT, BLIP and what else is an encoder of images with a decoder of
texts, learnt by the cross-entropy of each token after those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job, TaskType
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.writing_params import TOLD
from vtspec.adapters.transformers.writing_part import WritingPart

from .architectures import ARCHITECTURES, FAMILIES
from .params import AUGMENTING, PARAMS

if TYPE_CHECKING:
    import torch

    from .captioner import Captioner


class ImageCaptioning(WritingPart):
    """The task's part of the adapter."""

    task = TaskType.IMAGE_CAPTIONING
    params = PARAMS
    told = TOLD
    families = FAMILIES
    architectures = ARCHITECTURES
    column = "caption"
    augmenting = AUGMENTING

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> Captioner:
        """The network as one that says what it sees."""
        from .captioner import Captioner

        return Captioner(network, family, job)


PART = ImageCaptioning()
