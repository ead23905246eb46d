"""The params of super-resolution, and the parts of its augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Job, Param
from vtspec.adapters.transformers.shared_params import HFLIP, make_share

PARAMS: Final[Mapping[str, Param]] = {
    "scale": Param(
        type="int",
        default=None,
        minimum=2,
        maximum=8,
        help="How many times larger the sides become; the model's own if left out. Of Swin2SR 2, "
        "3, 4 or 8, of RRDBNet 2 or 4. Not beside weights that were trained with another one.",
    ),
    "pixelLoss": Param(
        type="str",
        default="l1",
        choices=("l1", "l2", "charbonnier"),
        help="What is learnt from: the mean absolute or square error of pixels from 0 to 1, or "
        "Charbonnier's, which is between them.",
    ),
    # Augmentation: each changes one part of the preset.
    "hflip": HFLIP,
    "vflip": make_share("Probability of a flip upside down; 0.5 in standard and strong, else 0."),
    "quarterTurn": make_share(
        "Probability of rows and columns changed; 0.5 in standard and strong, else 0."
    ),
    "channelShuffle": make_share(
        "Probability of red, green and blue in another order; 0.5 in strong, else 0."
    ),
    # What is measured.
    "metricChannel": Param(
        type="str",
        default="y",
        choices=("y", "rgb"),
        help="What PSNR and SSIM are of: the luma of ITU-R BT.601, as papers report them, or all "
        "three colours.",
    ),
    "metricBorder": Param(
        type="int",
        default=None,
        minimum=0,
        maximum=256,
        help="Pixels of the large image that are not measured on each side; the scale if left "
        "out, as papers do it.",
    ),
    "tile": Param(
        type="int",
        default=None,
        minimum=8,
        maximum=65536,
        help="Pixels a side of the small image that are measured and predicted at a time, with 16 "
        "around them, where memory is short; whole images if left out.",
    ),
}

AUGMENTING: Final = ("hflip", "vflip", "quarterTurn", "channelShuffle")
"""The params that change a part of the augmentation preset."""

_TURNS: Final = {"hflip": 0.5, "vflip": 0.5, "quarterTurn": 0.5}

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": dict.fromkeys(AUGMENTING, 0.0),
    "light": {**dict.fromkeys(AUGMENTING, 0.0), "hflip": 0.5},
    # EDSR's, and of most after it (https://arxiv.org/abs/1707.02921).
    "standard": {**_TURNS, "channelShuffle": 0.0},
    # With "RGB permutation" of Yoo et al., 2020 (https://arxiv.org/abs/2004.00448).
    "strong": {**_TURNS, "channelShuffle": 0.5},
}
"""The probabilities of each augmentation preset. Crops are at random in all of them."""


def choose_probabilities(job: Job) -> dict[str, float]:
    """The probability of each part of the augmentation, by preset and params."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name] for name in AUGMENTING
    }
