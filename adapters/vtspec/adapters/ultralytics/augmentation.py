"""The augmentation of train images, by preset and params, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from vtspec.adapters.contract import Job, Param, TaskType
from vtspec.adapters.pytorch.schedule import get_or_default

CLOSED_EPOCHS: Final = 10
"""The last epochs in which Ultralytics mixes no images."""

Tasks: TypeAlias = tuple[TaskType, ...] | None

CLASSIFYING: Final = (TaskType.IMAGE_CLASSIFICATION,)
OUTLINING: Final = (TaskType.INSTANCE_SEGMENTATION,)
POSING: Final = (TaskType.POSE_ESTIMATION,)
TURNING: Final = (TaskType.ORIENTED_DETECTION,)
FINDING: Final = (TaskType.OBJECT_DETECTION, *OUTLINING, *POSING, *TURNING)
"""The tasks that find objects."""
SEGMENTING: Final = (TaskType.SEMANTIC_SEGMENTATION,)
ESTIMATING: Final = (TaskType.DEPTH_ESTIMATION,)
_MIXING: Final = (*FINDING, *SEGMENTING)
_MOVING: Final = (*_MIXING, *ESTIMATING)
"""The tasks whose images are moved together with what is known of them."""


@dataclass(frozen=True)
class AugmentationPart:
    """A part of the augmentation: its param, the package's `own` name for it, and how strong each
    preset has it, none but 0."""

    own: str
    param: Param
    presets: Mapping[str, float]


def _part(
    own: str,
    help_: str,
    tasks: Tasks = None,
    *,
    at: tuple[float, float, float] = (0.0, 0.0, 0.0),
    maximum: float = 1.0,
) -> AugmentationPart:
    """A part as strong as `at` in light, standard (Ultralytics' own) and strong (as it takes it
    for its larger networks)."""
    light, standard, strong = at
    if light == standard == strong:
        usual = f"{light:g} if left out"
    elif standard == strong:
        usual = f"{standard:g}, in light {light:g}"
    else:
        usual = f"{standard:g}, in light {light:g}, in strong {strong:g}"
    param = Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=maximum,
        help=f"{help_}; {usual}.",
        tasks=tasks,
    )
    return AugmentationPart(
        own, param, {"none": 0.0, "light": light, "standard": standard, "strong": strong}
    )


PARTS: Final[Mapping[str, AugmentationPart]] = {
    "mosaic": _part(
        "mosaic", "Probability that four images make one", _MIXING, at=(0.0, 1.0, 1.0)
    ),
    "mixup": _part(
        "mixup",
        "Probability that a second image shines through",
        _MIXING,
        at=(0.0, 0.0, 0.15),
    ),
    "cutmix": _part("cutmix", "Probability that a part of a second image is laid over", _MIXING),
    "copyPaste": _part(
        "copy_paste",
        "Share of the objects that are copied to where they would be in a mirror, as far as they "
        "hide little there",
        OUTLINING,
    ),
    "erasing": _part(
        "erasing",
        "Probability that a part of the image is erased",
        CLASSIFYING,
        at=(0.0, 0.4, 0.4),
    ),
    "hsvHue": _part(
        "hsv_h", "Largest change of hue, as a share of the circle", at=(0.0, 0.015, 0.015)
    ),
    "hsvSaturation": _part(
        "hsv_s", "Largest change of saturation, as a share", at=(0.0, 0.7, 0.7)
    ),
    "hsvValue": _part("hsv_v", "Largest change of brightness, as a share", at=(0.0, 0.4, 0.4)),
    "degrees": _part("degrees", "Largest turn either way, in degrees", _MOVING, maximum=180.0),
    "translate": _part(
        "translate", "Largest shift, as a share of the side", _MOVING, at=(0.05, 0.1, 0.1)
    ),
    "scale": _part(
        "scale",
        "Largest change of size, as a share (of the area, of classifiers)",
        at=(0.1, 0.5, 0.9),
    ),
    "shear": _part("shear", "Largest shear, in degrees", _MOVING, maximum=90.0),
    "perspective": _part(
        "perspective", "Largest distortion by perspective", _MOVING, maximum=0.001
    ),
    "hflip": _part(
        "fliplr",
        "Probability of a left-right flip, to be 0 where left and right differ",
        at=(0.5, 0.5, 0.5),
    ),
    "vflip": _part("flipud", "Probability of an upside-down flip"),
    "bgr": _part("bgr", "Probability that red and blue change places", _MOVING),
}
"""The augmentation, by the names of its params."""

MIXING: Final = ("mosaic", "mixup", "cutmix")
"""The params that make one image of several."""

AUGMENTATION_PARAMS: Final[Mapping[str, Param]] = {
    **{name: part.param for name, part in PARTS.items()},
    "autoAugment": Param(
        type="str",
        default=None,
        choices=("none", "randaugment", "augmix", "autoaugment"),
        help="A policy that turns, shears and recolours at random, in place of hsv…; randaugment "
        "in standard and strong, else none.",
        tasks=CLASSIFYING,
    ),
    "closeMosaic": Param(
        type="int",
        default=None,
        minimum=0,
        maximum=10000,
        help=f"Last epochs without mosaic, mixup and cutmix; {CLOSED_EPOCHS} if left out.",
        tasks=_MIXING,
    ),
}
"""Those of the parts, and two more. A default of None stands for what the help says."""


def choose_augmentation(job: Job) -> dict[str, float]:
    """The strength of each part for a job."""
    return mix_presets(job.training.augmentation, job.params)


def choose_policy(job: Job) -> str | None:
    """The automatic augmentation of a classifier's images, by preset and params."""
    return pick_policy(job.training.augmentation, job.params["autoAugment"])


def count_closed_epochs(job: Job) -> int:
    """The last epochs in which no images are mixed; a smoke test shows all there is."""
    return 0 if job.smoke else get_or_default(job.params.get("closeMosaic"), CLOSED_EPOCHS)


def mix_presets(preset: str, params: Mapping[str, float | None]) -> dict[str, float]:
    """The strength of each part by a preset and the params of a task; 0 of those that it does not
    know."""
    chosen = dict.fromkeys(PARTS, 0.0)
    for name in params.keys() & PARTS.keys():
        given = params[name]
        chosen[name] = PARTS[name].presets[preset] if given is None else given
    return chosen


def pick_policy(preset: str, given: str | None) -> str | None:
    """The policy that a preset has, or the one that is given in its place; None for none."""
    usual = "randaugment" if preset in ("standard", "strong") else "none"
    chosen = usual if given is None else given
    return None if chosen == "none" else chosen
