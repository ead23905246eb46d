"""Random changes of whole pictures that leave true what is said about them in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import Job, Param

from .shared_params import PHOTOMETRIC_DISTORT

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_PARAMS: Final[Mapping[str, Param]] = {
    "cropMin": Param(
        type="float",
        default=None,
        minimum=0.05,
        maximum=1.0,
        help="Least share of a picture that a random crop keeps; 0.9 in light, 0.7 in standard "
        "and strong, else 1, which crops nothing.",
    ),
    "photometricDistort": PHOTOMETRIC_DISTORT,
}
"""Each changes one part of the preset."""

AUGMENTING: Final = tuple(PICTURE_PARAMS)

_PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": {"cropMin": 1.0, "photometricDistort": 0.0},
    "light": {"cropMin": 0.9, "photometricDistort": 0.0},
    "standard": {"cropMin": 0.7, "photometricDistort": 0.0},
    "strong": {"cropMin": 0.7, "photometricDistort": 0.5},
}
"""None flips: words tell left from right."""

_RATIOS: Final = (3 / 4, 4 / 3)


def choose_shares(job: Job) -> dict[str, float]:
    """The value of each part of the augmentation, by preset and params."""
    preset = _PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name] for name in AUGMENTING
    }


def augment_picture(image: Image, shares: Mapping[str, float]) -> Image:
    """A picture, changed at random by PyTorch's random state."""
    import torch
    from torchvision.transforms import v2
    from torchvision.transforms.v2 import functional

    changed: Any = image
    if shares["cropMin"] < 1:
        area = (shares["cropMin"], 1.0)
        top, left, height, width = v2.RandomResizedCrop.get_params(changed, area, _RATIOS)
        changed = functional.crop(changed, top, left, height, width)
    if float(torch.rand(())) < shares["photometricDistort"]:
        changed = v2.RandomPhotometricDistort(p=1.0)(changed)
    return changed  # type: ignore[no-any-return]
