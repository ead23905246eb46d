"""The params of networks that give each pixel a class, and the parts of their augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Job, Param
from vtspec.adapters.transformers.shared_params import HFLIP, PHOTOMETRIC_DISTORT, make_share


def _make_scale(help_: str) -> Param:
    return Param(type="float", default=None, minimum=0.1, maximum=10.0, help=help_)


PARAMS: Final[Mapping[str, Param]] = {
    # The network.
    "dropPathRate": make_share(
        "Probability that a block of the deepest layer is left out in training, less in those "
        "before it; the model's own if left out."
    ),
    "headDropout": make_share("Dropout before the last layer; the model's own if left out."),
    # Augmentation: each changes one part of the preset.
    "hflip": HFLIP,
    "vflip": make_share(
        "Probability of an upside-down flip; 0 if left out. Set 0.5 where there is no up."
    ),
    "photometricDistort": PHOTOMETRIC_DISTORT,
    "scaleMin": _make_scale(
        "Least size, as a multiple of training.imageSize, that an image is stretched to before "
        "that much is cut out at random; 0.5 in standard and strong, else 1."
    ),
    "scaleMax": _make_scale("The largest such size; 2 in standard and strong, else 1."),
}

AUGMENTING: Final = ("hflip", "vflip", "photometricDistort", "scaleMin", "scaleMax")
"""The params that change a part of the augmentation preset."""

_STILL: Final = {"vflip": 0.0, "photometricDistort": 0.0, "scaleMin": 1.0, "scaleMax": 1.0}

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": {**_STILL, "hflip": 0.0},
    "light": {**_STILL, "hflip": 0.5},
    # SegFormer's own recipe (section 4.1 of https://arxiv.org/abs/2105.15203).
    "standard": {**_STILL, "hflip": 0.5, "scaleMin": 0.5, "scaleMax": 2.0},
    "strong": {
        **_STILL,
        "hflip": 0.5,
        "scaleMin": 0.5,
        "scaleMax": 2.0,
        "photometricDistort": 0.5,
    },
}
"""The parts of each augmentation preset."""


def choose_augmentation(job: Job) -> dict[str, float]:
    """Each part of the augmentation, by preset and params."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name] for name in AUGMENTING
    }
