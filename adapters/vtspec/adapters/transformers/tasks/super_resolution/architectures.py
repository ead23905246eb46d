"""The families of super-resolution, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vtspec.adapters.transformers.families import Architecture, Family

_SCALE: Final = {"scale": "upscale"}

FAMILIES: Final[Mapping[str, Family]] = {
    # Both take pixels from 0 to 1, and Swin2SR subtracts a mean of its own.
    "swin2sr": Family(
        auto_class="AutoModelForImageToImage",
        normalization="none",
        size_step=8,
        backbone="swin2sr",
        settings=_SCALE,
    ),
    "rrdbnet": Family(
        auto_class="AutoModelForImageToImage",
        normalization="none",
        size_step=2,
        backbone="body",
        settings=_SCALE,
    ),
}
"""The families that can be trained, by `model_type` of their configurations."""

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # Those of Swin2SR's paper, table 1.
    "vtspec/swin2sr": Architecture(family="swin2sr", settings={}, size=(64, 64)),
    "vtspec/swin2sr-lightweight": Architecture(
        family="swin2sr",
        settings={
            "embed_dim": 60,
            "depths": [6, 6, 6, 6],
            "num_heads": [6, 6, 6, 6],
            "upsampler": "pixelshuffledirect",
        },
        size=(64, 64),
    ),
    # Real-ESRGAN's: x4plus, x2plus (with `params.scale: 2`), and the small one for drawings.
    "vtspec/rrdbnet-23": Architecture(family="rrdbnet", settings={}, size=(64, 64)),
    "vtspec/rrdbnet-6": Architecture(family="rrdbnet", settings={"num_blocks": 6}, size=(64, 64)),
    # Of some 50,000 parameters, to try things with in seconds; both double.
    "vtspec/swin2sr-tiny": Architecture(
        family="swin2sr",
        settings={
            "image_size": 16,
            "embed_dim": 24,
            "depths": [2, 2],
            "num_heads": [2, 2],
            "window_size": 4,
            "upsampler": "pixelshuffledirect",
        },
        size=(16, 16),
    ),
    "vtspec/rrdbnet-tiny": Architecture(
        family="rrdbnet",
        settings={"num_features": 16, "num_blocks": 1, "num_growth": 8, "upscale": 2},
        size=(16, 16),
    ),
}


def find_size_step(config: Any) -> int:
    """What the sides of a network's images are multiples of."""
    if config.model_type == "rrdbnet":
        return 4 // int(config.upscale)
    # Swin2SR fills its windows up by itself, and then breaks down on what it filled.
    return int(config.window_size)
