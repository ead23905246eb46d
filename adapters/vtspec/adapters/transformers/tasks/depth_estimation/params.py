"""The params of depth estimation, and the parts of its augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Job, Param
from vtspec.adapters.transformers.shared_params import HFLIP, PHOTOMETRIC_DISTORT, make_share

PARAMS: Final[Mapping[str, Param]] = {
    "depthScale": Param(
        type="float",
        default=1000.0,
        minimum=1e-6,
        maximum=1e6,
        help="What the numbers of depth maps are divided by to be metres: 1000 of millimetres, "
        "256 as KITTI has them.",
    ),
    "maxDepth": Param(
        type="int",
        default=None,
        minimum=1,
        maximum=1_000_000,
        help="The farthest that the network tells, in whole metres; what lies beyond is neither "
        "learnt nor measured. The model's own if left out.",
    ),
    "varianceFocus": Param(
        type="float",
        default=0.5,
        minimum=0.0,
        maximum=1.0,
        help="How much of an error that is the same in all of a batch is forgiven: 0 none of it, "
        "0.85 as in BTS. λ of the scale-invariant loss.",
    ),
    # Augmentation: each changes one part of the preset.
    "hflip": HFLIP,
    "photometricDistort": PHOTOMETRIC_DISTORT,
    "cutDepth": make_share(
        "Probability of an upright band that shows distances instead of the image, as of GLPN; "
        "0.25 in standard, 0.5 in strong, else 0."
    ),
}

AUGMENTING: Final = ("hflip", "photometricDistort", "cutDepth")
"""The params that change a part of the augmentation preset."""

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": dict.fromkeys(AUGMENTING, 0.0),
    "light": {"hflip": 0.5, "photometricDistort": 0.0, "cutDepth": 0.0},
    "standard": {"hflip": 0.5, "photometricDistort": 0.0, "cutDepth": 0.25},
    "strong": {"hflip": 0.5, "photometricDistort": 0.5, "cutDepth": 0.5},
}
"""The probabilities of each augmentation preset. None zooms: what is larger is nearer."""


def choose_probabilities(job: Job) -> dict[str, float]:
    """The probability of each part of the augmentation, by preset and params."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name] for name in AUGMENTING
    }
