"""The families of detectors, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vtspec.adapters.transformers.families import Architecture, Family, Normalization


@dataclass(frozen=True, kw_only=True)
class DetectorFamily(Family):
    """What Transformers' class of a family of detectors does not say of itself.

    `softmax` families score one class more, for no object; the others score each class by itself.
    A `two_stage` family chooses its queries from the image: they have no order, and an export
    takes one image.
    """

    auto_class: str = "AutoModelForObjectDetection"
    normalization: Normalization = "none"
    heads: tuple[str, ...] = (
        "class_embed",
        "class_labels_classifier",
        "enc_score_head",
        "denoising_class_embed",
    )
    softmax: bool = False
    two_stage: bool = False


_RT_DETR: Final = DetectorFamily(
    two_stage=True,
    size_step=32,
    settings={
        "queries": "num_queries",
        "denoisingQueries": "num_denoising",
        "classLossWeight": "weight_loss_vfl",
        "boxLossWeight": "weight_loss_bbox",
        "giouLossWeight": "weight_loss_giou",
    },
)

_DETR_LOSSES: Final = {
    "boxLossWeight": "bbox_loss_coefficient",
    "giouLossWeight": "giou_loss_coefficient",
}

FAMILIES: Final[Mapping[str, DetectorFamily]] = {
    "rt_detr_v2": _RT_DETR,
    "rt_detr": _RT_DETR,
    "d_fine": _RT_DETR,
    "detr": DetectorFamily(
        softmax=True,
        normalization="imagenet",
        settings={"queries": "num_queries", **_DETR_LOSSES},
    ),
    "conditional_detr": DetectorFamily(
        normalization="imagenet",
        settings={
            "queries": "num_queries",
            "classLossWeight": "cls_loss_coefficient",
            **_DETR_LOSSES,
        },
    ),
    "yolos": DetectorFamily(
        softmax=True,
        normalization="imagenet",
        settings={"queries": "num_detection_tokens", **_DETR_LOSSES},
    ),
}
"""The families that can be trained, by `model_type` of their configurations."""


def _describe_resnet(kind: str, widths: tuple[int, ...], depths: tuple[int, ...]) -> Any:
    return {
        "model_type": kind,
        "embedding_size": widths[0],
        "hidden_sizes": list(widths),
        "depths": list(depths),
        "layer_type": "basic",
        "out_features": ["stage2", "stage3", "stage4"],
    }


_NARROW: Final = (8, 16, 24, 32)

_TINY_RT_DETR: Final[Mapping[str, Any]] = {
    "encoder_in_channels": [16, 24, 32],
    "d_model": 32,
    "encoder_hidden_dim": 32,
    "encoder_ffn_dim": 64,
    "encoder_attention_heads": 2,
    "decoder_in_channels": [32, 32, 32],
    "decoder_layers": 2,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 64,
    "decoder_n_points": 2,
    "num_queries": 20,
    "num_denoising": 8,
    "hidden_expansion": 0.5,
}

_TINY_HGNET: Final[Mapping[str, Any]] = {
    "model_type": "hgnet_v2",
    "stem_channels": [3, 8, 8],
    "stage_in_channels": [8, 16, 24, 32],
    "stage_mid_channels": [8, 8, 8, 8],
    "stage_out_channels": [16, 24, 32, 32],
    "stage_num_blocks": [1, 1, 1, 1],
    "stage_downsample": [False, True, True, True],
    "stage_light_block": [False, False, True, True],
    "stage_kernel_size": [3, 3, 3, 3],
    "stage_numb_of_layers": [1, 1, 1, 1],
    "hidden_sizes": [16, 24, 32, 32],
    "depths": [1, 1, 1, 1],
    "out_features": ["stage2", "stage3", "stage4"],
}

_TINY_DETR: Final[Mapping[str, Any]] = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "num_queries": 20,
    "auxiliary_loss": True,
    "backbone_config": {
        **_describe_resnet("resnet", _NARROW, (1, 1, 1, 1)),
        "out_features": ["stage4"],
    },
}

_RT_DETR_R18: Final[Mapping[str, Any]] = {
    "encoder_in_channels": [128, 256, 512],
    "hidden_expansion": 0.5,
    "decoder_layers": 3,
    "backbone_config": _describe_resnet("rt_detr_resnet", (64, 128, 256, 512), (2, 2, 2, 2)),
}

_TINY_BACKBONE: Final = {
    "backbone_config": _describe_resnet("rt_detr_resnet", _NARROW, (1, 1, 1, 1))
}

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # R18 has three layers of decoder, as its authors have it; the others are defaults.
    "vtspec/rt-detr-v2-r18": Architecture(
        family="rt_detr_v2", settings=_RT_DETR_R18, size=(640, 640)
    ),
    "vtspec/rt-detr-v2-r50": Architecture(family="rt_detr_v2", settings={}, size=(640, 640)),
    "vtspec/rt-detr-r18": Architecture(family="rt_detr", settings=_RT_DETR_R18, size=(640, 640)),
    "vtspec/rt-detr-r50": Architecture(family="rt_detr", settings={}, size=(640, 640)),
    "vtspec/d-fine-l": Architecture(family="d_fine", settings={}, size=(640, 640)),
    # Of some 100,000 parameters, to try things with in seconds.
    "vtspec/rt-detr-v2-tiny": Architecture(
        family="rt_detr_v2", settings={**_TINY_RT_DETR, **_TINY_BACKBONE}, size=(64, 64)
    ),
    "vtspec/rt-detr-tiny": Architecture(
        family="rt_detr", settings={**_TINY_RT_DETR, **_TINY_BACKBONE}, size=(64, 64)
    ),
    "vtspec/d-fine-tiny": Architecture(
        family="d_fine",
        settings={
            **_TINY_RT_DETR,
            "encoder_in_channels": [24, 32, 32],
            "decoder_n_points": [2, 2, 2],
            "backbone_config": _TINY_HGNET,
        },
        size=(64, 64),
    ),
    "vtspec/detr-tiny": Architecture(family="detr", settings=_TINY_DETR, size=(64, 64)),
    "vtspec/conditional-detr-tiny": Architecture(
        family="conditional_detr", settings=_TINY_DETR, size=(64, 64)
    ),
    "vtspec/yolos-tiny": Architecture(
        family="yolos",
        settings={
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "image_size": [64, 64],
            "patch_size": 8,
            "num_detection_tokens": 20,
            "use_mid_position_embeddings": False,
        },
        size=(64, 64),
    ),
}
