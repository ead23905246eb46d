"""Reading lines of text with TrOCR and what else is an encoder of images with a decoder of texts.

Learnt by the cross-entropy of each token after those before it, as TrOCR is
(https://arxiv.org/abs/2109.10282).
"""

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

    from .line_reader import LineReader


class Ocr(WritingPart["ImageTexts"]):
    """The task's part of the adapter."""

    task = TaskType.OCR
    params = PARAMS
    told = (*TOLD, "keepAspect")
    families = FAMILIES
    architectures = ARCHITECTURES

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """What changes nothing without augmentation, and what concerns no text."""
        yield from find_idle_augmentation(settings, AUGMENTING)
        yield from find_writing_conflicts(settings)

    def list_images(
        self, job: Job, split: str, warn: Callable[[str], None]
    ) -> Sequence[ImageTexts]:
        """Images, each with what is written in it."""
        from vtspec.adapters.data.image_texts import list_image_texts

        return list_image_texts(job.dataset, split, "text")

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> LineReader:
        """The network as one that reads."""
        from .line_reader import LineReader

        return LineReader(network, family, job)


PART = Ocr()
