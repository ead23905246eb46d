"""The params of networks that give each image a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Job, Param
from vtspec.adapters.transformers.shared_params import (
    DROP_PATH_RATE,
    HFLIP,
    VFLIP,
    make_share,
)

AUGMENTATION_PARAMS: Final[Mapping[str, Param]] = {
    "hflip": HFLIP,
    "vflip": VFLIP,
    "cropScaleMin": Param(
        type="float",
        default=None,
        minimum=0.01,
        maximum=1.0,
        help="Smallest share of the area that a random crop keeps; 0.08 in standard and strong, "
        "0.8 in light.",
    ),
    "colorJitter": make_share(
        "Strength of random brightness, contrast and saturation; 0.4 in standard, else 0."
    ),
    "randAugment": Param(
        type="int",
        default=None,
        minimum=0,
        maximum=30,
        help="Magnitude of RandAugment, two random changes of an image, 0 for none; 9 in strong, "
        "else 0.",
    ),
    "reProb": make_share("Probability of random erasing; 0.25 in strong, else 0."),
}
"""Each changes one part of the preset."""

PARAMS: Final[Mapping[str, Param]] = {
    # The network.
    "dropPathRate": DROP_PATH_RATE,
    "dropout": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=0.99,
        help="Dropout of positions and within blocks; the model's own if left out.",
    ),
    # What images go through.
    "cropPct": Param(
        type="float",
        default=None,
        minimum=0.1,
        maximum=1.0,
        help="Share of a val or test image's shorter side that is cut out of its middle; where "
        "it is left out, the family's own: ViT's and Swin's are stretched whole.",
    ),
    **AUGMENTATION_PARAMS,
}

_STILL: Final = {"vflip": 0.0, "colorJitter": 0.0, "randAugment": 0, "reProb": 0.0}

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "light": {**_STILL, "hflip": 0.5, "cropScaleMin": 0.8},
    "standard": {**_STILL, "hflip": 0.5, "cropScaleMin": 0.08, "colorJitter": 0.4},
    "strong": {**_STILL, "hflip": 0.5, "cropScaleMin": 0.08, "randAugment": 9, "reProb": 0.25},
}
"""The parts of each augmentation preset, as timm's adapter has them where both can."""

RATIOS: Final[Mapping[str, tuple[float, float]]] = {
    "light": (0.9, 1 / 0.9),
    "standard": (3 / 4, 4 / 3),
    "strong": (3 / 4, 4 / 3),
}
"""The shapes of a preset's random crops, width by height."""


def choose_augmentation(job: Job) -> dict[str, float]:
    """Each part of the augmentation, by preset and params, where there is some."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name]
        for name in AUGMENTATION_PARAMS
    }
