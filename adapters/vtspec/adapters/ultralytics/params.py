"""The params that the ultralytics adapter knows, and when each of them has an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from vtspec.adapters.contract import Job, Param, SettingConflict, TaskType
from vtspec.adapters.job import complete_params
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.schedule_params import find_process_conflicts

CLOSED_EPOCHS: Final = 10
"""The last epochs in which Ultralytics mixes no images."""


_CLASSIFYING: Final = (TaskType.IMAGE_CLASSIFICATION,)
_SEGMENTING: Final = (TaskType.INSTANCE_SEGMENTATION,)
_POSING: Final = (TaskType.POSE_ESTIMATION,)
_FINDING: Final = (
    TaskType.OBJECT_DETECTION,
    TaskType.INSTANCE_SEGMENTATION,
    TaskType.POSE_ESTIMATION,
    TaskType.ORIENTED_DETECTION,
)
"""The tasks that find objects."""

_Tasks: TypeAlias = tuple[TaskType, ...] | None


def _share(help_: str, tasks: _Tasks = None) -> Param:
    return Param(type="float", default=None, minimum=0.0, maximum=1.0, help=help_, tasks=tasks)


def _gain(default: float | None, of: str, tasks: _Tasks = _FINDING) -> Param:
    help_ = f"Weight of {of}."
    return Param(
        type="float", default=default, minimum=0.0, maximum=1000.0, help=help_, tasks=tasks
    )


PARAMS: Final[Mapping[str, Param]] = {
    # Augmentation: each changes one part of the preset.
    "mosaic": _share(
        "Probability that four images make one; 1 in standard and strong, else 0.", _FINDING
    ),
    "mixup": _share(
        "Probability that a second image shines through; 0.15 in strong, else 0.", _FINDING
    ),
    "cutmix": _share(
        "Probability that a part of a second image is laid over; 0 if left out.", _FINDING
    ),
    "copyPaste": _share(
        "Share of the objects that are copied to where they would be in a mirror, as far as they "
        "hide little there; 0 if left out.",
        _SEGMENTING,
    ),
    "autoAugment": Param(
        type="str",
        default=None,
        choices=("none", "randaugment", "augmix", "autoaugment"),
        help="A policy that turns, shears and recolours at random, in place of hsv…; randaugment "
        "in standard and strong, else none.",
        tasks=_CLASSIFYING,
    ),
    "erasing": _share(
        "Probability that a part of the image is erased; 0.4 in standard and strong, else 0.",
        _CLASSIFYING,
    ),
    "closeMosaic": Param(
        type="int",
        default=None,
        minimum=0,
        maximum=10000,
        help=f"Last epochs without mosaic, mixup and cutmix; {CLOSED_EPOCHS} if left out.",
        tasks=_FINDING,
    ),
    "hsvHue": _share("Largest change of hue, as a share of the circle; 0.015 but in light."),
    "hsvSaturation": _share("Largest change of saturation, as a share; 0.7 but in light."),
    "hsvValue": _share("Largest change of brightness, as a share; 0.4 but in light."),
    "degrees": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=180.0,
        help="Largest turn either way, in degrees; 0 if left out.",
        tasks=_FINDING,
    ),
    "translate": _share("Largest shift, as a share of the side; 0.1, in light 0.05.", _FINDING),
    "scale": _share(
        "Largest change of size, as a share (of the area, of classifiers); 0.5, in light 0.1, in "
        "strong 0.9."
    ),
    "shear": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=90.0,
        help="Largest shear, in degrees; 0 if left out.",
        tasks=_FINDING,
    ),
    "perspective": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=0.001,
        help="Largest distortion by perspective; 0 if left out.",
        tasks=_FINDING,
    ),
    "hflip": _share(
        "Probability of a left-right flip; 0.5 if left out. Set 0 where left and right differ."
    ),
    "vflip": _share("Probability of an upside-down flip; 0 if left out."),
    "bgr": _share("Probability that red and blue change places; 0 if left out.", _FINDING),
    # The loss.
    "boxLossWeight": _gain(7.5, "the loss of boxes"),
    "classLossWeight": _gain(0.5, "the loss of classes"),
    "dflLossWeight": _gain(
        1.5, "the distribution focal loss of box sides, or of their L1 loss in YOLO26"
    ),
    "angleLossWeight": _gain(1.0, "the loss of angles", (TaskType.ORIENTED_DETECTION,)),
    "poseLossWeight": _gain(12.0, "the loss of where points are", _POSING),
    "visibilityLossWeight": _gain(1.0, "the loss of whether points are labelled", _POSING),
    "likelihoodLossWeight": _gain(
        None,
        "the residual log-likelihood of where points are, in YOLO26; 1 if left out",
        _POSING,
    ),
    "maskRatio": Param(
        type="int",
        default=4,
        minimum=1,
        maximum=16,
        help="Side of the masks that are learnt: that of the image over this.",
        tasks=_SEGMENTING,
    ),
    "overlapMasks": Param(
        type="bool",
        default=True,
        help="Learn of each pixel the smallest object alone, and not all that share it.",
        tasks=_SEGMENTING,
    ),
    "dropout": Param(
        type="float",
        default=0.0,
        minimum=0.0,
        maximum=0.9,
        help="Share of the features that are dropped before the last layer, in training.",
        tasks=_CLASSIFYING,
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
        tasks=_FINDING,
    ),
    "iouThreshold": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=1.0,
        help="Overlap from which the less sure of two boxes of a class is dropped; 0.7 if left "
        "out.",
        tasks=_FINDING,
    ),
    "agnosticNms": Param(
        type="bool",
        default=False,
        help="Drop overlapping boxes whatever their classes.",
        tasks=_FINDING,
    ),
    "endToEnd": Param(
        type="bool",
        default=False,
        help="Ask the head that learnt to find each object once, and drop no boxes behind it; of "
        "YOLO26 and YOLOv10.",
        tasks=_FINDING,
    ),
    "maxDetections": Param(
        type="int",
        default=300,
        minimum=1,
        maximum=3000,
        help="Most detections of an image; COCO's metrics count 100 of a class.",
        tasks=_FINDING,
    ),
}
"""Name: type, range and meaning. A default of None stands for what the help says."""

MIXING: Final = ("mosaic", "mixup", "cutmix")
"""The params that make one image of several."""

AUGMENTING: Final = (
    *MIXING,
    *("hsvHue", "hsvSaturation", "hsvValue", "degrees", "translate", "scale", "shear"),
    *("perspective", "hflip", "vflip", "bgr", "copyPaste", "erasing"),
)
"""The params that change a part of the augmentation preset."""

_HALF_TURN: Final = 0.5

_COLOURING: Final = ("hsvHue", "hsvSaturation", "hsvValue")

_STANDARD: Final[Mapping[str, float]] = {
    **dict.fromkeys(AUGMENTING, 0.0),
    "mosaic": 1.0,
    "hsvHue": 0.015,
    "hsvSaturation": 0.7,
    "hsvValue": 0.4,
    "translate": 0.1,
    "scale": 0.5,
    "hflip": 0.5,
    "erasing": 0.4,
}
"""Ultralytics' own."""

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": dict.fromkeys(AUGMENTING, 0.0),
    "light": {
        **dict.fromkeys(AUGMENTING, 0.0),
        **{"translate": 0.05, "scale": 0.1, "hflip": 0.5},
    },
    "standard": _STANDARD,
    # What Ultralytics takes for its larger networks.
    "strong": {**_STANDARD, "mixup": 0.15, "scale": 0.9},
}
"""What each augmentation preset stands for."""


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
    yield from find_process_conflicts(settings)


def choose_augmentation(job: Job) -> dict[str, float]:
    """The strength of each part of the augmentation, by preset and params."""
    return _choose_augmentation(job.training.augmentation, job.params)


def choose_policy(job: Job) -> str | None:
    """The automatic augmentation of a classifier's images, by preset and params."""
    return _choose_policy(job.training.augmentation, job.params["autoAugment"])


def count_closed_epochs(job: Job) -> int:
    """The last epochs in which no images are mixed; a smoke test shows all there is."""
    return 0 if job.smoke else _get_or_default(job.params["closeMosaic"], CLOSED_EPOCHS)


def _choose_augmentation(preset: str, params: Mapping[str, float | None]) -> dict[str, float]:
    # What another task knows alone has no part in this one.
    return {
        name: usual if (given := params.get(name)) is None else given
        for name, usual in PRESETS[preset].items()
    }


def _choose_policy(preset: str, given: str | None) -> str | None:
    usual = "randaugment" if preset in ("standard", "strong") else "none"
    chosen = usual if given is None else given
    return None if chosen == "none" else chosen


def _find_closed_mixing(settings: JsonObject) -> Iterator[SettingConflict]:
    epochs = settings["training.epochs"]
    closed = _get_or_default(settings.get("params.closeMosaic"), CLOSED_EPOCHS)
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
    given = {name: settings.get(f"params.{name}") for name in AUGMENTING}
    policy = _choose_policy(preset, settings.get("params.autoAugment"))
    if preset == "none":
        every = (*AUGMENTING, "closeMosaic", "autoAugment")
        idle += [(name, "with augmentation 'none'") for name in every]
    elif "params.autoAugment" in settings:
        why = f"beside autoAugment: {policy}, which recolours by itself"
        idle += [(name, why) for name in _COLOURING if policy is not None]
    else:
        mixed = _choose_augmentation(preset, given)
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


def _get_or_default(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
