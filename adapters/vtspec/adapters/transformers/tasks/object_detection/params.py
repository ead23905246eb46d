"""The params of detectors, and the parts of their augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Job, Param
from vtspec.adapters.transformers.shared_params import (
    CLASS_LOSS_WEIGHT,
    DETECTION_PARAMS,
    HFLIP,
    PHOTOMETRIC_DISTORT,
    QUERIES,
    make_share,
    make_weight,
)

PARAMS: Final[Mapping[str, Param]] = {
    "queries": QUERIES,
    "denoisingQueries": Param(
        type="int",
        default=None,
        minimum=0,
        maximum=10000,
        help="Queries made of noisy true boxes in training, 0 for none; the model's own if left "
        "out. Of RT-DETR and D-FINE.",
    ),
    # Augmentation: each changes one part of the preset.
    "hflip": HFLIP,
    "photometricDistort": PHOTOMETRIC_DISTORT,
    "zoomOut": make_share(
        "Probability of a smaller image on a black ground; 0.5 in strong, else 0."
    ),
    "iouCrop": make_share(
        "Probability of a random crop that keeps boxes (as of SSD); 0.5 in standard, 0.8 in "
        "strong, else 0."
    ),
    # The loss.
    "classLossWeight": CLASS_LOSS_WEIGHT,
    "boxLossWeight": make_weight("Weight of the L1 loss of boxes; the model's own if left out."),
    "giouLossWeight": make_weight(
        "Weight of the loss of the boxes' generalised IoU; the model's own if left out."
    ),
    # What is told.
    **DETECTION_PARAMS,
}

AUGMENTING: Final = ("hflip", "photometricDistort", "zoomOut", "iouCrop")
"""The params that change a part of the augmentation preset."""

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": dict.fromkeys(AUGMENTING, 0.0),
    "light": {"hflip": 0.5, "photometricDistort": 0.0, "zoomOut": 0.0, "iouCrop": 0.0},
    "standard": {"hflip": 0.5, "photometricDistort": 0.0, "zoomOut": 0.0, "iouCrop": 0.5},
    # RT-DETR's own recipe (https://arxiv.org/abs/2304.08069).
    "strong": {"hflip": 0.5, "photometricDistort": 0.5, "zoomOut": 0.5, "iouCrop": 0.8},
}
"""The probabilities of each augmentation preset."""


def choose_probabilities(job: Job) -> dict[str, float]:
    """The probability of each part of the augmentation, by preset and params."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name] for name in AUGMENTING
    }
