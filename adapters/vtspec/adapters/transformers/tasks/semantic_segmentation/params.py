"""The params of networks that give each pixel a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Param
from vtspec.adapters.transformers.mask_augmentation import AUGMENTATION_PARAMS
from vtspec.adapters.transformers.shared_params import make_share

PARAMS: Final[Mapping[str, Param]] = {
    # The network.
    "dropPathRate": make_share(
        "Probability that a block of the deepest layer is left out in training, less in those "
        "before it; the model's own if left out."
    ),
    "headDropout": make_share("Dropout before the last layer; the model's own if left out."),
    **AUGMENTATION_PARAMS,
}
