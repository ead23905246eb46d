"""Reading lines of text with TrOCR and what else is an encoder of images with a decoder of texts.

Learnt by the cross-entropy of each token after those before it, as TrOCR is
(https://arxiv.org/abs/2109.10282).
"""

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

    from .line_reader import LineReader


class Ocr(WritingPart):
    """The task's part of the adapter."""

    task = TaskType.OCR
    params = PARAMS
    told = (*TOLD, "keepAspect")
    families = FAMILIES
    architectures = ARCHITECTURES
    column = "text"
    augmenting = AUGMENTING

    def set_up(self, network: torch.nn.Module, family: Family, job: Job) -> LineReader:
        """The network as one that reads."""
        from .line_reader import LineReader

        return LineReader(network, family, job)


PART = Ocr()
