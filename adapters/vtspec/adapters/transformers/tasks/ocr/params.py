"""The params of reading text, and the parts of its augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Job, Param
from vtspec.adapters.transformers.shared_params import PHOTOMETRIC_DISTORT, make_share
from vtspec.adapters.transformers.writing_params import WRITING_PARAMS

PARAMS: Final[Mapping[str, Param]] = {
    **WRITING_PARAMS,
    "keepAspect": Param(
        type="bool",
        default=False,
        help="Whether lines keep their shape, with their border's colour to the right or below, "
        "instead of being stretched to imageSize, as TrOCR's are.",
    ),
    # Augmentation: each changes one part of the preset.
    "affine": make_share(
        "Probability of a small turn, shift, shear and change of size; 0.5 in light, 0.9 in "
        "standard and strong, else 0."
    ),
    "photometricDistort": PHOTOMETRIC_DISTORT,
    "blur": make_share("Probability of a Gaussian blur; 0.25 in strong, else 0."),
}

AUGMENTING: Final = ("affine", "photometricDistort", "blur")
"""The params that change a part of the augmentation preset."""

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": dict.fromkeys(AUGMENTING, 0.0),
    "light": {"affine": 0.5, "photometricDistort": 0.0, "blur": 0.0},
    "standard": {"affine": 0.9, "photometricDistort": 0.0, "blur": 0.0},
    "strong": {"affine": 0.9, "photometricDistort": 0.5, "blur": 0.25},
}
"""The probabilities of each augmentation preset. None flips: no script reads so."""


def choose_probabilities(job: Job) -> dict[str, float]:
    """The probability of each part of the augmentation, by preset and params."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name] for name in AUGMENTING
    }
