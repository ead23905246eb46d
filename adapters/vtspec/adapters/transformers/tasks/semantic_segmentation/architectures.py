"""The families that give each pixel a class, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vtspec.adapters.transformers.families import Architecture, Family

FAMILIES: Final[Mapping[str, Family]] = {
    "segformer": Family(
        auto_class="AutoModelForSemanticSegmentation",
        heads=("decode_head.classifier",),
        backbone="segformer",
        settings={"dropPathRate": "drop_path_rate", "headDropout": "classifier_dropout_prob"},
    ),
}
"""The families that can be trained, by `model_type` of their configurations."""


def _describe_segformer(
    depths: tuple[int, ...], widths: tuple[int, ...], head: int
) -> Architecture:
    return Architecture(
        family="segformer",
        settings={
            "depths": list(depths),
            "hidden_sizes": list(widths),
            "decoder_hidden_size": head,
        },
        size=(512, 512),
    )


_WIDE: Final = (64, 128, 320, 512)

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # Mix Transformers B0 to B5, as table 6 of https://arxiv.org/abs/2105.15203 has them.
    "vtspec/segformer-b0": _describe_segformer((2, 2, 2, 2), (32, 64, 160, 256), 256),
    "vtspec/segformer-b1": _describe_segformer((2, 2, 2, 2), _WIDE, 256),
    "vtspec/segformer-b2": _describe_segformer((3, 4, 6, 3), _WIDE, 768),
    "vtspec/segformer-b3": _describe_segformer((3, 4, 18, 3), _WIDE, 768),
    "vtspec/segformer-b4": _describe_segformer((3, 8, 27, 3), _WIDE, 768),
    "vtspec/segformer-b5": _describe_segformer((3, 6, 40, 3), _WIDE, 768),
    # To try things with in seconds.
    "vtspec/segformer-tiny": Architecture(
        family="segformer",
        settings={
            "depths": [1, 1, 1, 1],
            "hidden_sizes": [8, 16, 24, 32],
            "num_attention_heads": [1, 2, 2, 4],
            "mlp_ratios": [2, 2, 2, 2],
            "decoder_hidden_size": 32,
            "drop_path_rate": 0.0,
        },
        size=(64, 64),
    ),
}
