"""The params of networks that give each pixel a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Param
from vtspec.adapters.transformers.mask_augmentation import AUGMENTATION_PARAMS
from vtspec.adapters.transformers.shared_params import DROP_PATH_RATE, make_share

PARAMS: Final[Mapping[str, Param]] = {
    # The network.
    "dropPathRate": DROP_PATH_RATE,
    "headDropout": make_share("Dropout before the last layer; the model's own if left out."),
    **AUGMENTATION_PARAMS,
}
