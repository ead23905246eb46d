"""The families of captioning, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vtspec.adapters.transformers.families import Architecture, Family
from vtspec.adapters.transformers.text_writing import BYTE_MARKS
from vtspec.adapters.transformers.tokenizers import BYTE_END

FAMILIES: Final[Mapping[str, Family]] = {
    "git": Family(
        auto_class="AutoModelForImageTextToText",
        normalization="clip",
        size_step=16,
        backbone="image_encoder",
    ),
    "blip": Family(
        auto_class="AutoModelForImageTextToText",
        normalization="clip",
        size_step=16,
        backbone="vision_model",
    ),
    "vision-encoder-decoder": Family(
        auto_class="AutoModelForImageTextToText",
        normalization="inception",
        size_step=16,
        backbone="encoder",
    ),
}
"""The families that can be trained, by `model_type` of their configurations."""

_SIDE: Final = 64

_TINY: Final[Mapping[str, Any]] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    # Larger than the library's, from which so narrow a network learns nothing.
    "initializer_range": 0.1,
}

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # The sizes of their base models, with bytes for tokens.
    "vtspec/git-base": Architecture(family="git", settings=BYTE_MARKS, size=(224, 224)),
    "vtspec/blip-captioning-base": Architecture(
        family="blip",
        settings={
            "text_config": {**BYTE_MARKS, "sep_token_id": BYTE_END, "num_attention_heads": 12},
            "vision_config": {"initializer_range": 0.02},
        },
        size=(384, 384),
    ),
    # Of some 150,000 parameters, to try things with in seconds.
    "vtspec/git-tiny": Architecture(
        family="git",
        settings={
            **BYTE_MARKS,
            **_TINY,
            "max_position_embeddings": 128,
            "vision_config": {**_TINY, "image_size": _SIDE, "patch_size": 8},
        },
        size=(_SIDE, _SIDE),
        size_step=8,
    ),
    "vtspec/blip-captioning-tiny": Architecture(
        family="blip",
        settings={
            "text_config": {
                **BYTE_MARKS,
                "sep_token_id": BYTE_END,
                **_TINY,
                "num_hidden_layers": 1,
                "max_position_embeddings": 128,
            },
            "vision_config": {**_TINY, "image_size": _SIDE, "patch_size": 8},
        },
        size=(_SIDE, _SIDE),
        size_step=8,
    ),
}
"""Networks that write bytes."""
