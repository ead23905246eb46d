"""The families that give each image a class, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vtspec.adapters.transformers.families import Architecture, Family


@dataclass(frozen=True, kw_only=True)
class ClassifierFamily(Family):
    """A family with a classifier. `crop_pct` is the share of a side that is cut out of an image
    that is not trained on, None where it is stretched; `interpolation` is how it is resized.
    `has_whole_patches` is whether what patches do not cover is not seen, `has_places` whether the
    network has to be asked to fit its positions to the size of images."""

    auto_class: str = "AutoModelForImageClassification"
    heads: tuple[str, ...] = ("classifier",)
    crop_pct: float | None = 0.875
    interpolation: str = "bicubic"
    has_whole_patches: bool = False
    has_places: bool = False


_DROPOUT: Final = {"dropout": "hidden_dropout_prob"}
_DROP_PATH: Final = {"dropPathRate": "drop_path_rate"}

FAMILIES: Final[Mapping[str, ClassifierFamily]] = {
    "vit": ClassifierFamily(
        backbone="vit",
        normalization="inception",
        size_step=16,
        settings=_DROPOUT,
        crop_pct=None,
        interpolation="bilinear",
        has_whole_patches=True,
        has_places=True,
    ),
    "dinov2": ClassifierFamily(
        backbone="dinov2",
        size_step=14,
        settings={**_DROPOUT, **_DROP_PATH},
        has_whole_patches=True,
    ),
    "dinov2_with_registers": ClassifierFamily(
        backbone="dinov2_with_registers",
        size_step=14,
        settings={**_DROPOUT, **_DROP_PATH},
        has_whole_patches=True,
    ),
    "swin": ClassifierFamily(
        backbone="swin",
        settings={**_DROPOUT, **_DROP_PATH},
        crop_pct=None,
        has_places=True,
    ),
    "swinv2": ClassifierFamily(
        backbone="swinv2",
        settings={**_DROPOUT, **_DROP_PATH},
        crop_pct=None,
        has_places=True,
    ),
    "convnext": ClassifierFamily(backbone="convnext", settings=_DROP_PATH),
    "convnextv2": ClassifierFamily(backbone="convnextv2", settings=_DROP_PATH),
    "resnet": ClassifierFamily(backbone="resnet"),
}
"""The families that can be trained, by `model_type` of their configurations. How images are shown
to each is what the processors say that its makers published beside their weights."""


def list_arguments(network: Any) -> Mapping[str, Any]:
    """What a network is given beside pixels."""
    family = FAMILIES[network.config.model_type]
    return {"interpolate_pos_encoding": True} if family.has_places else {}


def _describe_transformer(family: str, width: int, depth: int, heads: int) -> Architecture:
    patch = FAMILIES[family].size_step
    return Architecture(
        family=family,
        settings={
            "hidden_size": width,
            "num_hidden_layers": depth,
            "num_attention_heads": heads,
            "patch_size": patch,
            "image_size": 224,
            **({"intermediate_size": 4 * width} if family == "vit" else {}),
        },
        size=(224, 224),
    )


def _describe_tiny(family: str, **settings: object) -> Architecture:
    return Architecture(
        family=family,
        settings={
            "hidden_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "image_size": 32,
            **settings,
        },
        size=(32, 32),
    )


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # Of 16 and 14 pixels a patch: table 1 of https://arxiv.org/abs/2010.11929, its S of
    # https://arxiv.org/abs/2012.12877; table 17 of https://arxiv.org/abs/2304.07193.
    "vtspec/vit-s16": _describe_transformer("vit", 384, 12, 6),
    "vtspec/vit-b16": _describe_transformer("vit", 768, 12, 12),
    "vtspec/vit-l16": _describe_transformer("vit", 1024, 24, 16),
    "vtspec/dinov2-s14": _describe_transformer("dinov2", 384, 12, 6),
    "vtspec/dinov2-b14": _describe_transformer("dinov2", 768, 12, 12),
    "vtspec/dinov2-l14": _describe_transformer("dinov2", 1024, 24, 16),
    # To try things with in seconds.
    "vtspec/vit-tiny": _describe_tiny("vit", intermediate_size=96, patch_size=8),
    "vtspec/dinov2-tiny": _describe_tiny("dinov2", mlp_ratio=2, patch_size=8),
}
