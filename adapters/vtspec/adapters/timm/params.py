"""The params that the timm adapter knows, and when each of them has an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from vtspec.adapters.contract import Job, Param, SettingConflict, TaskType
from vtspec.adapters.job import complete_params
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.schedule_params import (
    SCHEDULE_PARAMS,
    find_process_conflicts,
    find_training_conflicts,
    list_idle_schedule_params,
)

_MIXING: Final = (TaskType.IMAGE_CLASSIFICATION,)
"""timm mixes labels that are one class."""

PARAMS: Final[Mapping[str, Param]] = {
    # The network.
    "dropRate": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=0.99,
        help="Dropout before the classifier; the model's own if left out.",
    ),
    "dropPathRate": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=0.99,
        help="Stochastic depth: share of residual branches dropped in training.",
    ),
    "globalPool": Param(
        type="str",
        default=None,
        help="Pooling before the classifier, by timm's name (avg, max, catavgmax, token, …); the "
        "model's own if left out.",
    ),
    "gradientCheckpointing": Param(
        type="bool",
        default=False,
        help="Trade time for memory: compute activations twice; batch norms then count each "
        "batch twice.",
    ),
    "channelsLast": Param(
        type="bool", default=False, help="Keep images as NHWC, often faster on GPUs with bf16."
    ),
    # What images go through.
    "interpolation": Param(
        type="str",
        default=None,
        choices=("nearest", "bilinear", "bicubic", "lanczos"),
        help="Resampling of images; the model's own if left out.",
    ),
    "cropPct": Param(
        type="float",
        default=None,
        minimum=0.1,
        maximum=1.0,
        help="Share of a val or test image's side that the crop keeps; the model's own if left "
        "out.",
    ),
    "cropMode": Param(
        type="str",
        default=None,
        choices=("center", "squash", "border"),
        help="How a val or test image becomes the input: cut, squashed or padded; the model's own "
        "if left out.",
    ),
    # Augmentation: each changes one part of the preset.
    "trainInterpolation": Param(
        type="str",
        default=None,
        choices=("nearest", "bilinear", "bicubic", "lanczos", "random"),
        help="Resampling of train images where it is not that of the others; random is bilinear "
        "or bicubic.",
    ),
    "cropScaleMin": Param(
        type="float",
        default=None,
        minimum=0.01,
        maximum=1.0,
        help="Smallest share of the area that a random crop keeps; 0.08 in standard and strong, "
        "0.8 in light.",
    ),
    "hflip": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        help="Probability of a left-right flip; 0.5 if left out. Set 0 where left and right "
        "differ, as in digits and text.",
    ),
    "vflip": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        help="Probability of an upside-down flip; 0 if left out.",
    ),
    "colorJitter": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        help="Strength of random brightness, contrast and saturation; 0.4 in standard, none in "
        "light. Not beside autoAugment.",
    ),
    "autoAugment": Param(
        type="str",
        default=None,
        help="Automatic augmentation as timm writes it, such as rand-m9-mstd0.5-inc1, augmix-m5 "
        "or 3a; RandAugment in strong.",
    ),
    "reProb": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        help="Probability of random erasing; 0.25 in strong.",
    ),
    "reMode": Param(
        type="str",
        default=None,
        choices=("const", "rand", "pixel"),
        help="What erased pixels become: zero, one colour, noise.",
    ),
    "reCount": Param(
        type="int", default=None, minimum=1, maximum=20, help="Most rectangles erased; 1."
    ),
    # Mixing of images in a batch.
    "mixup": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=10.0,
        tasks=_MIXING,
        help="Alpha of mixup, 0 for none; 0.2 in strong.",
    ),
    "cutmix": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=10.0,
        tasks=_MIXING,
        help="Alpha of CutMix, 0 for none; none if left out.",
    ),
    "mixupProb": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        tasks=_MIXING,
        help="Probability that a batch is mixed; 1 if left out.",
    ),
    "mixupSwitchProb": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        tasks=_MIXING,
        help="Probability of CutMix where both are on; 0.5 if left out.",
    ),
    "mixupMode": Param(
        type="str",
        default=None,
        choices=("batch", "pair", "elem"),
        tasks=_MIXING,
        help="One mix for a batch, for each pair, or for each image; batch if left out.",
    ),
    "mixupOffEpoch": Param(
        type="int",
        default=None,
        minimum=1,
        maximum=10000,
        tasks=_MIXING,
        help="Mix in this many first epochs only; in all if left out.",
    ),
    # Optimizer and schedule.
    "layerDecay": Param(
        type="float",
        default=None,
        minimum=0.01,
        maximum=1.0,
        help="Learning rate of each layer as a share of the next one's; for fine-tuning.",
    ),
    **SCHEDULE_PARAMS,
}
"""Name: type, range and meaning. A default of None stands for what the help says."""

AUGMENTING: Final = (
    "trainInterpolation",
    "cropScaleMin",
    "hflip",
    "vflip",
    "colorJitter",
    "autoAugment",
    "reProb",
    "reMode",
    "reCount",
)
"""The params that change a part of the augmentation preset."""


def complete_job(job: Job) -> Job:
    """The job with a value for every param.

    Raises:
        AdapterError: a param that there is not, that is out of its range, or that would change
            nothing in this job; a setting that does not go with another.
    """
    return complete_params(job, PARAMS, find_conflicts)


def find_conflicts(settings: JsonObject) -> Iterator[SettingConflict]:
    """The settings that change nothing or cannot be, beside the others: `training`, `params` and
    `resources` by dotted path, each with its value."""
    for name, why in _list_idle_params(settings):
        # Of another task it is none that there is.
        if settings.get(f"params.{name}") is not None:
            yield SettingConflict(
                path=f"params.{name}",
                message=f"changes nothing {why}",
                fix=f"leave out params.{name}",
            )
    if _rotates(settings):
        own = settings["params.trainInterpolation"]
        name = "interpolation" if own is None else "trainInterpolation"
        if settings[f"params.{name}"] == "lanczos":
            yield SettingConflict(
                path=f"params.{name}",
                message="cannot be lanczos beside an automatic augmentation, as Pillow turns no "
                "image so",
                fix="set params.trainInterpolation: bicubic",
            )
    yield from find_training_conflicts(settings)
    given = settings.get("params.mixup"), settings.get("params.cutmix")
    mixed = TaskType(settings["task"]) in _MIXING and any(
        _choose_alphas(settings["training.augmentation"], *given)
    )
    yield from find_process_conflicts(settings, mixed=mixed)


def get_mixing_alphas(job: Job) -> tuple[float, float]:
    """Alphas of mixup and CutMix, by preset and params; 0 where off."""
    if job.task not in _MIXING:
        return 0.0, 0.0
    return _choose_alphas(job.training.augmentation, job.params["mixup"], job.params["cutmix"])


def _choose_alphas(
    augmentation: str, mixup: float | None, cutmix: float | None
) -> tuple[float, float]:
    preset = 0.2 if augmentation == "strong" else 0.0
    return preset if mixup is None else mixup, 0.0 if cutmix is None else cutmix


def _rotates(settings: JsonObject) -> bool:
    """Whether there is an automatic augmentation, save for the policy called 3a, which neither
    turns images nor changes their colours alone."""
    preset = settings["training.augmentation"]
    automatic = settings["params.autoAugment"] or ("rand" if preset == "strong" else "")
    return preset != "none" and automatic != "" and "3a" not in automatic


def _list_idle_params(settings: JsonObject) -> list[tuple[str, str]]:
    """Every param that would change nothing beside these settings, and why."""
    augmentation = settings["training.augmentation"]
    idle: list[tuple[str, str]] = []
    if augmentation == "none":
        idle += [(name, "with augmentation 'none'") for name in AUGMENTING]
    erasing = settings["params.reProb"]
    if not (erasing or (erasing is None and augmentation == "strong")):
        idle += [(name, "while nothing is erased: reProb is 0") for name in ("reMode", "reCount")]
    # timm leaves colour to the automatic augmentation.
    if _rotates(settings):
        idle.append(("colorJitter", "beside an automatic augmentation"))
    given = settings.get("params.mixup"), settings.get("params.cutmix")
    alphas = _choose_alphas(augmentation, *given)
    if not any(alphas):
        why = "while nothing is mixed: mixup and cutmix are 0"
        idle += [(name, why) for name in ("mixupProb", "mixupMode", "mixupOffEpoch")]
    if not all(alphas):
        idle.append(("mixupSwitchProb", "without both mixup and cutmix"))
    return idle + list_idle_schedule_params(settings)
