"""The families that outline objects, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vtspec.adapters.transformers.families import Architecture, Family

FAMILIES: Final[Mapping[str, Family]] = {
    "mask2former": Family(
        auto_class="AutoModelForUniversalSegmentation",
        size_step=32,
        heads=("class_predictor", "criterion.empty_weight"),
        backbone="encoder",
        settings={
            "queries": "num_queries",
            "classLossWeight": "class_weight",
            "maskLossWeight": "mask_weight",
            "diceLossWeight": "dice_weight",
            "noObjectWeight": "no_object_weight",
            "lossPoints": "train_num_points",
        },
    ),
}
"""The families that can be trained, by `model_type` of their configurations."""


def _describe_swin(depths: tuple[int, ...], width: int, heads: tuple[int, ...]) -> Any:
    return {
        "model_type": "swin",
        "image_size": 384,
        "depths": list(depths),
        "embed_dim": width,
        "num_heads": list(heads),
        "drop_path_rate": 0.3,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
    }


def _describe_mask2former(
    depths: tuple[int, ...], width: int, heads: tuple[int, ...]
) -> Architecture:
    return Architecture(
        family="mask2former",
        settings={"backbone_config": _describe_swin(depths, width, heads)},
        size=(384, 384),
    )


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # With the Swin T, S and B of https://arxiv.org/abs/2103.14030.
    "vtspec/mask2former-swin-t": _describe_mask2former((2, 2, 6, 2), 96, (3, 6, 12, 24)),
    "vtspec/mask2former-swin-s": _describe_mask2former((2, 2, 18, 2), 96, (3, 6, 12, 24)),
    "vtspec/mask2former-swin-b": _describe_mask2former((2, 2, 18, 2), 128, (4, 8, 16, 32)),
    # To try things with in seconds.
    "vtspec/mask2former-tiny": Architecture(
        family="mask2former",
        settings={
            "feature_size": 32,
            "mask_feature_size": 32,
            "hidden_dim": 32,
            "encoder_feedforward_dim": 64,
            "dim_feedforward": 64,
            "encoder_layers": 1,
            "decoder_layers": 4,
            "num_attention_heads": 2,
            "num_queries": 10,
            "train_num_points": 512,
            "backbone_config": {
                **_describe_swin((1, 1, 1, 1), 16, (1, 2, 2, 4)),
                "image_size": 64,
                "window_size": 4,
                "mlp_ratio": 2.0,
                "drop_path_rate": 0.0,
            },
        },
        size=(64, 64),
    ),
}
