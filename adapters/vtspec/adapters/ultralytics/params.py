"""The params that the ultralytics adapter knows, and when each of them has an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vtspec.adapters.contract import Job, Param, SettingConflict
from vtspec.adapters.job import complete_params
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.schedule import get_or_default
from vtspec.adapters.pytorch.schedule_params import find_process_conflicts

from .augmentation import (
    AUGMENTATION_PARAMS,
    CLASSIFYING,
    CLOSED_EPOCHS,
    ESTIMATING,
    FINDING,
    MIXING,
    OUTLINING,
    PARTS,
    POSING,
    SEGMENTING,
    TURNING,
    Tasks,
    mix_presets,
    pick_policy,
)


@dataclass(frozen=True)
class LossPart:
    """What a loss reads of the package's settings: its param, and the package's `own` name."""

    own: str
    param: Param


def _gain(own: str, default: float | None, of: str, tasks: Tasks = FINDING) -> LossPart:
    help_ = f"Weight of {of}."
    return LossPart(
        own,
        Param(type="float", default=default, minimum=0.0, maximum=1000.0, help=help_, tasks=tasks),
    )


LOSS_PARTS: Final[Mapping[str, LossPart]] = {
    "boxLossWeight": _gain("box", 7.5, "the loss of boxes"),
    "classLossWeight": _gain("cls", 0.5, "the loss of classes"),
    "dflLossWeight": _gain(
        "dfl", 1.5, "the distribution focal loss of box sides, or of their L1 loss in YOLO26"
    ),
    "angleLossWeight": _gain("angle", 1.0, "the loss of angles", TURNING),
    "poseLossWeight": _gain("pose", 12.0, "the loss of where points are", POSING),
    "visibilityLossWeight": _gain("kobj", 1.0, "the loss of whether points are labelled", POSING),
    "likelihoodLossWeight": _gain(
        "rle",
        None,
        "the residual log-likelihood of where points are, in YOLO26; 1 if left out",
        POSING,
    ),
    "logLossWeight": _gain("dlog", 1.0, "the loss of distances' logarithms", ESTIMATING),
    "gradientLossWeight": _gain(
        "dgrad", 0.5, "the loss of how distances change from pixel to pixel", ESTIMATING
    ),
    "varianceFocus": LossPart(
        "dlam",
        Param(
            type="float",
            default=0.5,
            minimum=0.0,
            maximum=1.0,
            help="How much of an error that is the same in all of a batch is forgiven: 0 none of "
            "it; 1, Ultralytics' own, all of it, so that no scale is learnt.",
            tasks=ESTIMATING,
        ),
    ),
    "maskRatio": LossPart(
        "mask_ratio",
        Param(
            type="int",
            default=4,
            minimum=1,
            maximum=16,
            help="Side of the masks that are learnt: that of the image over this.",
            tasks=OUTLINING,
        ),
    ),
    "overlapMasks": LossPart(
        "overlap_mask",
        Param(
            type="bool",
            default=True,
            help="Learn of each pixel the smallest object alone, and not all that share it.",
            tasks=OUTLINING,
        ),
    ),
}
"""The losses, by the names of their params."""

PARAMS: Final[Mapping[str, Param]] = {
    **AUGMENTATION_PARAMS,
    **{name: part.param for name, part in LOSS_PARTS.items()},
    "depthScale": Param(
        type="float",
        default=1000.0,
        minimum=1e-6,
        maximum=1e6,
        help="What the numbers of depth maps are divided by to be metres: 1000 of millimetres, "
        "256 as KITTI has them.",
        tasks=ESTIMATING,
    ),
    "maxDepth": Param(
        type="int",
        default=100,
        minimum=1,
        maximum=148,
        help="The farthest distance that is learnt, told and measured, in whole metres; the "
        "networks tell 148 at most.",
        tasks=ESTIMATING,
    ),
    "dropout": Param(
        type="float",
        default=0.0,
        minimum=0.0,
        maximum=0.9,
        help="Share of the features that are dropped before the last layer, in training.",
        tasks=CLASSIFYING,
    ),
    # Optimizer and averages.
    "nominalBatchSize": Param(
        type="int",
        default=None,
        minimum=1,
        maximum=65536,
        help="Batch size that weightDecay is meant for: it is multiplied by the images of an "
        "optimizer step over this. As it stands if left out; Ultralytics' own is 64.",
    ),
    "warmupBiasLearningRate": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=100.0,
        help="Where the warm-up of biases starts; 0 if left out. Ultralytics' own is 0.1, with "
        "sgd.",
    ),
    "warmupMomentum": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=0.999,
        help="Where the warm-up of the momentum of sgd and rmsprop starts; 0.8 if left out.",
    ),
    "emaSteps": Param(
        type="float",
        default=None,
        minimum=1.0,
        maximum=1000000.0,
        help="Optimizer steps in which the decay of averaged weights comes to 63 % of itself, "
        "with ema.warmup; 2000 if left out.",
    ),
    # What is told.
    "confidenceThreshold": Param(
        type="float",
        default=0.001,
        minimum=0.0,
        maximum=1.0,
        help="Least confidence of a detection that is measured and told. Average precision is by "
        "definition over all of them: next to 0.",
        tasks=FINDING,
    ),
    "iouThreshold": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        help="Overlap from which the less sure of two boxes of a class is dropped; 0.7 if left "
        "out.",
        tasks=FINDING,
    ),
    "agnosticNms": Param(
        type="bool",
        default=False,
        help="Drop overlapping boxes whatever their classes.",
        tasks=FINDING,
    ),
    "endToEnd": Param(
        type="bool",
        default=False,
        help="Ask the head that learnt to find each object once, and drop no boxes behind it; of "
        "YOLO26 and YOLOv10.",
        tasks=FINDING,
    ),
    "maxDetections": Param(
        type="int",
        default=300,
        minimum=1,
        maximum=3000,
        help="Most detections of an image; COCO's metrics count 100 of a class.",
        tasks=FINDING,
    ),
}
"""Name: type, range and meaning. A default of None stands for what the help says."""

_HALF_TURN: Final = 0.5

_COLOURING: Final = ("hsvHue", "hsvSaturation", "hsvValue")


def complete_job(job: Job) -> Job:
    """The job with a value for every param.

    Raises:
        AdapterError: a param that there is not, that is out of its range, or that would change
            nothing in this job; a setting that cannot be.
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
    yield from _find_strange_heads(settings)
    yield from _find_closed_mixing(settings)
    hue = settings.get("params.hsvHue")
    # A classifier's colours are changed by torchvision, which turns either way.
    if "params.autoAugment" in settings and hue is not None and hue > _HALF_TURN:
        yield SettingConflict(
            path="params.hsvHue",
            message=f"is at most {_HALF_TURN} in image-classification: half the circle either way",
            fix=f"set params.hsvHue to {_HALF_TURN} or less",
        )
    if settings["training.minLearningRate"] and settings["training.scheduler"] == "constant":
        yield SettingConflict(
            path="training.minLearningRate",
            message="changes nothing with scheduler 'constant'",
            fix="leave it out, or take cosine or linear",
        )
    if settings["training.precision"] == "fp16" and not settings["resources.gpus"]:
        yield SettingConflict(
            path="training.precision",
            message="fp16 needs a GPU",
            fix="set training.precision to fp32 or bf16, or resources.gpus to 1",
        )
    if settings["task"] in (*SEGMENTING, *ESTIMATING) and (settings["resources.gpus"] or 0) > 1:
        yield SettingConflict(
            path="resources.gpus",
            message=f"{settings['resources.gpus']} cannot be in {settings['task']} by "
            "ultralytics, whose loss is of a batch as a whole",
            fix="set resources.gpus to 1",
        )
    yield from find_process_conflicts(settings)


_TWICE: Final = ("yolov3", "yolov5", "yolov6", "yolov8", "yolov9", "yolo11", "yolo12")
"""How the names of networks begin that find objects more than once, and whose losses of points
have no likelihood; others are looked at once they are built."""


def _find_strange_heads(settings: JsonObject) -> Iterator[SettingConflict]:
    if not (settings["model.name"] or "").startswith(_TWICE):
        return
    if settings.get("params.endToEnd"):
        yield SettingConflict(
            path="params.endToEnd",
            message=f"{settings['model.name']} has no head that finds each object once",
            fix="leave it out, or take one of yolo26 or yolov10",
        )
    if settings.get("params.likelihoodLossWeight") is not None:
        yield SettingConflict(
            path="params.likelihoodLossWeight",
            message=f"changes nothing: the loss of {settings['model.name']} has no such part",
            fix="leave it out, or take one of yolo26",
        )


def name_loss_settings(job: Job) -> dict[str, Any]:
    """What losses read, by the package's own names; what has no value is left to it."""
    given = ((part.own, job.params.get(name)) for name, part in LOSS_PARTS.items())
    return {own: value for own, value in given if value is not None}


def _find_closed_mixing(settings: JsonObject) -> Iterator[SettingConflict]:
    epochs = settings["training.epochs"]
    closed = get_or_default(settings.get("params.closeMosaic"), CLOSED_EPOCHS)
    if epochs is None or closed < epochs:
        return
    for name in MIXING:
        if settings.get(f"params.{name}"):
            yield SettingConflict(
                path=f"params.{name}",
                message=f"changes nothing: params.closeMosaic is {closed}, and training.epochs "
                f"{epochs}",
                fix=f"set params.closeMosaic to less than {epochs}",
            )


def _list_idle_params(settings: JsonObject) -> list[tuple[str, str]]:
    """Every param that would change nothing beside these settings, and why."""
    preset = settings["training.augmentation"]
    idle: list[tuple[str, str]] = []
    given = {name: settings[f"params.{name}"] for name in PARTS if f"params.{name}" in settings}
    policy = pick_policy(preset, settings.get("params.autoAugment"))
    if preset == "none":
        every = (*PARTS, "closeMosaic", "autoAugment")
        idle += [(name, "with augmentation 'none'") for name in every]
    elif "params.autoAugment" in settings:
        why = f"beside autoAugment: {policy}, which recolours by itself"
        idle += [(name, why) for name in _COLOURING if policy is not None]
    else:
        mixed = mix_presets(preset, given)
        if not any(mixed[name] for name in MIXING):
            idle.append(("closeMosaic", "while no images are mixed: mosaic and the like are 0"))
    if not settings["training.warmupEpochs"]:
        why = "without a warm-up: training.warmupEpochs is 0"
        idle += [("warmupBiasLearningRate", why), ("warmupMomentum", why)]
    elif settings["training.optimizer"] not in ("sgd", "rmsprop"):
        idle.append(("warmupMomentum", f"with optimizer '{settings['training.optimizer']}'"))
    if not settings["training.weightDecay"]:
        idle.append(("nominalBatchSize", "without training.weightDecay"))
    if settings.get("params.endToEnd"):
        idle.append(("iouThreshold", "with params.endToEnd, which drops no boxes"))
    if settings["training.ema"] is None:
        idle.append(("emaSteps", "without training.ema"))
    elif not settings["training.ema.warmup"]:
        idle.append(("emaSteps", "without training.ema.warmup"))
    return idle
