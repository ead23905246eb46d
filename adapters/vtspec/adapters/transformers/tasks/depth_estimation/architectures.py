"""The families of depth estimation, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vtspec.adapters.transformers.families import Architecture, Family

_FARTHEST: Final = {"maxDepth": "max_depth"}

FAMILIES: Final[Mapping[str, Family]] = {
    "glpn": Family(
        auto_class="AutoModelForDepthEstimation",
        normalization="none",
        size_step=32,
        backbone="encoder",
        settings=_FARTHEST,
    ),
    "depth_anything": Family(
        auto_class="AutoModelForDepthEstimation",
        size_step=14,
        settings=_FARTHEST,
    ),
}
"""The families that can be trained, by `model_type` of their configurations."""


def _describe_dinov2(width: int, layers: int, heads: int, taken: list[int]) -> Mapping[str, Any]:
    return {
        "model_type": "dinov2",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "image_size": 518,
        "patch_size": 14,
        "out_indices": taken,
        "apply_layernorm": True,
        "reshape_hidden_states": False,
    }


def _describe_depth_anything(
    backbone: Mapping[str, Any], neck: list[int], fusion: int
) -> Architecture:
    return Architecture(
        family="depth_anything",
        settings={
            "backbone_config": backbone,
            "reassemble_hidden_size": backbone["hidden_size"],
            "neck_hidden_sizes": neck,
            "fusion_hidden_size": fusion,
            # As those of its makers that tell metres indoors.
            "depth_estimation_type": "metric",
            "max_depth": 20,
        },
        size=(518, 518),
    )


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # On SegFormer's encoders MiT-B0, and MiT-B4 as in GLPN's paper.
    "vtspec/glpn-b0": Architecture(family="glpn", settings={}, size=(480, 640)),
    "vtspec/glpn-b4": Architecture(
        family="glpn",
        settings={"hidden_sizes": [64, 128, 320, 512], "depths": [3, 8, 27, 3]},
        size=(480, 640),
    ),
    # Depth Anything V2's sizes (https://arxiv.org/abs/2406.09414).
    "vtspec/depth-anything-v2-small": _describe_depth_anything(
        _describe_dinov2(384, 12, 6, [3, 6, 9, 12]), [48, 96, 192, 384], 64
    ),
    "vtspec/depth-anything-v2-base": _describe_depth_anything(
        _describe_dinov2(768, 12, 12, [3, 6, 9, 12]), [96, 192, 384, 768], 128
    ),
    # Of some 100,000 parameters, to try things with in seconds.
    "vtspec/glpn-tiny": Architecture(
        family="glpn",
        settings={
            "hidden_sizes": [8, 16, 24, 32],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 2, 4],
            "sr_ratios": [4, 2, 1, 1],
            "decoder_hidden_size": 16,
        },
        size=(64, 64),
    ),
    "vtspec/depth-anything-tiny": Architecture(
        family="depth_anything",
        settings={
            "backbone_config": {
                **_describe_dinov2(32, 4, 2, [1, 2, 3, 4]),
                "image_size": 56,
            },
            "reassemble_hidden_size": 32,
            "neck_hidden_sizes": [8, 16, 24, 32],
            "fusion_hidden_size": 16,
            "head_hidden_size": 8,
            "depth_estimation_type": "metric",
            "max_depth": 10,
        },
        size=(56, 56),
    ),
}
