"""Random changes of an image and of masks that lie over it: a stretch, a cut, flips, colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import Job, Param, SettingConflict
from vtspec.adapters.json_types import JsonObject

from .shared_params import HFLIP, PHOTOMETRIC_DISTORT, VFLIP, find_idle_augmentation

if TYPE_CHECKING:
    import torch


def _make_scale(help_: str) -> Param:
    return Param(type="float", default=None, minimum=0.1, maximum=10.0, help=help_)


AUGMENTATION_PARAMS: Final[Mapping[str, Param]] = {
    "hflip": HFLIP,
    "vflip": VFLIP,
    "photometricDistort": PHOTOMETRIC_DISTORT,
    "scaleMin": _make_scale(
        "Least size, as a multiple of training.imageSize, that an image is stretched to before "
        "that much is cut out at random; 0.5 in standard and strong, else 1."
    ),
    "scaleMax": _make_scale("The largest such size; 2 in standard and strong, else 1."),
}
"""Each changes one part of the preset."""

_STILL: Final = {"vflip": 0.0, "photometricDistort": 0.0, "scaleMin": 1.0, "scaleMax": 1.0}

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": {**_STILL, "hflip": 0.0},
    "light": {**_STILL, "hflip": 0.5},
    # SegFormer's own recipe (section 4.1 of https://arxiv.org/abs/2105.15203).
    "standard": {**_STILL, "hflip": 0.5, "scaleMin": 0.5, "scaleMax": 2.0},
    "strong": {
        **_STILL,
        "hflip": 0.5,
        "scaleMin": 0.5,
        "scaleMax": 2.0,
        "photometricDistort": 0.5,
    },
}
"""The parts of each augmentation preset."""


def find_augmentation_conflicts(settings: JsonObject) -> Iterator[SettingConflict]:
    """What changes nothing without augmentation, and scales the wrong way round."""
    yield from find_idle_augmentation(settings, tuple(AUGMENTATION_PARAMS))
    preset = PRESETS[settings["training.augmentation"]]
    low, high = (
        preset[name] if settings[f"params.{name}"] is None else settings[f"params.{name}"]
        for name in ("scaleMin", "scaleMax")
    )
    if low > high:
        yield SettingConflict(
            path="params.scaleMin",
            message=f"is {low:g}, and params.scaleMax {high:g}",
            fix=f"set params.scaleMax to {low:g} or more",
        )


def choose_augmentation(job: Job) -> dict[str, float]:
    """Each part of the augmentation, by preset and params."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name]
        for name in AUGMENTATION_PARAMS
    }


def stretch_masked(  # noqa: PLR0913 - by keyword, but for what is changed
    pixels: torch.Tensor,
    masks: torch.Tensor,
    size: tuple[int, int],
    *,
    chosen: Mapping[str, float] | None,
    ground: Sequence[int],
    beyond: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """An image `(3, height, width)` in bytes and masks `(n, height, width)` over it, both of this
    size, changed by PyTorch's random state where something is `chosen`. Where nothing of the image
    is left they are `ground` and `beyond`."""
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2
    from torchvision.transforms.v2 import functional

    sides = list(size)
    if chosen is not None:
        low, high = chosen["scaleMin"], chosen["scaleMax"]
        scale = low + (high - low) * float(torch.rand(()))
        # As large as it is to be cut, so that pixels are made anew only once.
        sides = [max(1, round(side * scale)) for side in size]
    pixels = functional.resize(pixels, sides, antialias=True)
    nearest = functional.InterpolationMode.NEAREST_EXACT
    masks = functional.resize(masks, sides, interpolation=nearest)
    if chosen is None:
        return pixels, masks
    fill = {tv_tensors.Image: list(ground), tv_tensors.Mask: beyond}
    steps = [
        v2.RandomCrop(size, pad_if_needed=True, fill=fill),
        v2.RandomHorizontalFlip(p=chosen["hflip"]),
        v2.RandomVerticalFlip(p=chosen["vflip"]),
    ]
    if chosen["photometricDistort"]:
        steps.append(v2.RandomPhotometricDistort(p=chosen["photometricDistort"]))
    shown, moved = v2.Compose(steps)(tv_tensors.Image(pixels), tv_tensors.Mask(masks))
    return shown.as_subclass(torch.Tensor), moved.as_subclass(torch.Tensor)
