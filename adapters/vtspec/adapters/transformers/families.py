"""What the adapter knows of families of networks, and how it describes single architectures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Normalization: TypeAlias = Literal["none", "imagenet", "inception", "clip"]

NORMALIZATIONS: Final[Mapping[Normalization, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # Named as timm names them.
    "inception": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
}
"""Mean and deviation that are taken from pixels of 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """What Transformers' class of a family does not say of itself.

    `auto_class` is the automatic class that builds its network for the task. `normalization` is
    what it was published with; sides of images are multiples of `size_step`. `heads` are parts of
    the names of layers that have something for each class, `backbone` is what the network calls
    the part before all heads. `settings` are the settings of its configuration that the params of
    these names stand for.
    """

    auto_class: str
    normalization: Normalization = "imagenet"
    size_step: int = 1
    heads: tuple[str, ...] = ()
    backbone: str = "backbone"
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A family and the settings that differ from its defaults; a `backbone_config` is a mapping
    with its own `model_type`. `size` is that of its images, height and width; their sides are
    multiples of `size_step`, of the family's where it is None."""

    family: str
    settings: Mapping[str, Any]
    size: tuple[int, int]
    size_step: int | None = None
