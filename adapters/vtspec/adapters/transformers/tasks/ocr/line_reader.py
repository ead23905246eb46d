"""A network that reads at work: what it is shown of lines, how well it reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_texts import ImageTexts
from vtspec.adapters.evaluation.ocr import OcrMetrics
from vtspec.adapters.transformers.families import Family
from vtspec.adapters.transformers.text_writer import TextWriter

from .params import choose_probabilities

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

_DEGREES: Final = 8.0
_SHEAR: Final = 5.0
_SHIFT: Final = 0.1
_RESIZE: Final = (0.8, 1.2)
_BLUR: Final = (0.1, 1.5)
_KERNEL: Final = 5


class LineReader(TextWriter):
    """A network that reads the text of an image."""

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        super().__init__(network, family, job)
        self.probabilities = choose_probabilities(job)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image in the network's size: stretched, or as it is with a border."""
        from torchvision.transforms.v2 import functional

        if not self.job.params["keepAspect"]:
            return super().prepare(image)
        size = self.job.training.image_size
        return self.normalize(fit_inside(functional.pil_to_tensor(image), size))

    def change(self, image: Image) -> Image:
        """The image with its line a little elsewhere."""
        return augment_line(image, self.probabilities)

    def start_metrics(self) -> OcrMetrics:
        """Errors of characters and of words."""
        return OcrMetrics()

    def add(self, metrics: OcrMetrics, image: ImageTexts, written: str) -> None:
        """Hold what was read against what stands there."""
        metrics.update(image.name, image.texts[0], written)


def augment_line(image: Image, probabilities: Mapping[str, float]) -> Image:
    """An image, changed at random by PyTorch's random state; what comes in from outside has its
    border's colour."""
    import torch
    from torchvision.transforms import v2
    from torchvision.transforms.v2 import functional

    def happens(name: str) -> bool:
        return float(torch.rand(())) < probabilities[name]

    changed: Any = image
    if happens("affine"):
        fill = measure_border(functional.pil_to_tensor(image))
        changed = v2.RandomAffine(
            degrees=(-_DEGREES, _DEGREES),
            translate=(_SHIFT, _SHIFT),
            scale=_RESIZE,
            shear=_SHEAR,
            interpolation=v2.InterpolationMode.BILINEAR,
            fill=fill,
        )(changed)
    if happens("photometricDistort"):
        changed = v2.RandomPhotometricDistort(p=1.0)(changed)
    if happens("blur"):
        changed = v2.GaussianBlur(_KERNEL, _BLUR)(changed)
    return changed  # type: ignore[no-any-return]


def fit_inside(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """An image `(3, h, w)` in bytes as large as it fits into a height and width, at their left
    top; the rest has its border's colour."""
    import torch
    from torchvision.transforms.v2 import functional

    height, width = pixels.shape[1:]
    scale = min(size[0] / height, size[1] / width)
    own = [max(round(height * scale), 1), max(round(width * scale), 1)]
    fitted = functional.resize(
        pixels, [min(own[0], size[0]), min(own[1], size[1])], antialias=True
    )
    border = torch.tensor(measure_border(pixels), dtype=pixels.dtype)
    made = border[:, None, None].repeat(1, *size)
    made[:, : fitted.shape[1], : fitted.shape[2]] = fitted
    return made


def measure_border(pixels: torch.Tensor) -> list[int]:
    """The median of each channel over the outermost pixels of an image `(3, h, w)` in bytes."""
    import torch

    sides = (pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1])
    median = torch.cat(sides, dim=1).median(dim=1).values
    return [int(value) for value in median]
