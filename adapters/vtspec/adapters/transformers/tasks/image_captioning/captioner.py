"""A network that captions at work: what it is shown of images, how like people it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_texts import ImageTexts
from vtspec.adapters.evaluation.captioning import CaptioningMetrics
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.picture_augmentation import augment_picture, choose_shares
from vtspec.adapters.transformers.text_writer import TextWriter

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image


class Captioner(TextWriter):
    """A network that says what is seen in an image."""

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        super().__init__(network, family, job)
        self.shares = choose_shares(job)

    def change(self, image: Image) -> Image:
        """The picture cut and coloured a little otherwise."""
        return augment_picture(image, self.shares)

    def start_metrics(self) -> CaptioningMetrics:
        """Likeness to what people say."""
        return CaptioningMetrics()

    def add(self, metrics: CaptioningMetrics, image: ImageTexts, written: str) -> None:
        """Hold what was said against all that people say."""
        metrics.update(image.name, image.texts, written)
