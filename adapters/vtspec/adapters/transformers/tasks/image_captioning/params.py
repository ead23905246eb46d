"""The params of captioning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.contract import Param
from vtspec.adapters.transformers.picture_augmentation import AUGMENTING, PICTURE_PARAMS
from vtspec.adapters.transformers.writing_params import WRITING_PARAMS

__all__ = ["AUGMENTING", "PARAMS"]

PARAMS: Final[Mapping[str, Param]] = {**WRITING_PARAMS, **PICTURE_PARAMS}
