"""The params of networks that outline objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Param
from vtspec.adapters.transformers.mask_augmentation import AUGMENTATION_PARAMS
from vtspec.adapters.transformers.shared_params import (
    CLASS_LOSS_WEIGHT,
    DETECTION_PARAMS,
    QUERIES,
    make_weight,
)

PARAMS: Final[Mapping[str, Param]] = {
    "queries": QUERIES,
    **AUGMENTATION_PARAMS,
    # The loss.
    "classLossWeight": CLASS_LOSS_WEIGHT,
    "maskLossWeight": make_weight(
        "Weight of the cross-entropy of the masks' pixels; the model's own if left out."
    ),
    "diceLossWeight": make_weight("Weight of the masks' Dice loss; the model's own if left out."),
    "noObjectWeight": make_weight(
        "Weight of queries that are to find nothing, within the loss of classes; the model's own "
        "if left out."
    ),
    "lossPoints": Param(
        type="int",
        default=None,
        minimum=16,
        maximum=1000000,
        help="Random points of each mask that the loss looks at; the model's own if left out.",
    ),
    # What is told.
    **DETECTION_PARAMS,
    "maskThreshold": Param(
        type="float",
        default=0.5,
        minimum=0.01,
        maximum=0.99,
        help="Least probability of a pixel that belongs to an object.",
    ),
}
