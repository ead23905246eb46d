"""The params that the transformers adapter knows, and when each of them has an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from vtspec.adapters.contract import AdapterError, Job, Param, SettingConflict
from vtspec.adapters.job import resolve_params
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.schedule_params import (
    SCHEDULE_PARAMS,
    find_training_conflicts,
    list_idle_schedule_params,
)


def _share(help_: str) -> Param:
    return Param(type="float", default=None, minimum=0.0, maximum=1.0, help=help_)


def _weight(help_: str) -> Param:
    return Param(type="float", default=None, minimum=0.0, maximum=1000.0, help=help_)


PARAMS: Final[Mapping[str, Param]] = {
    # The network.
    "queries": Param(
        type="int",
        default=None,
        minimum=1,
        maximum=10000,
        help="How many objects the network can find in an image; the model's own if left out. "
        "Not beside weights that were trained with another number.",
    ),
    "denoisingQueries": Param(
        type="int",
        default=None,
        minimum=0,
        maximum=10000,
        help="Queries made of noisy true boxes in training, 0 for none; the model's own if left "
        "out. Of RT-DETR and D-FINE.",
    ),
    "freezeBatchNorm": Param(
        type="bool",
        default=False,
        help="Keep the statistics of batch norms as they were loaded: for fine-tuning with small "
        "batches.",
    ),
    # What images go through.
    "normalize": Param(
        type="str",
        default=None,
        choices=("none", "imagenet"),
        help="Whether ImageNet's mean and deviation are taken from the pixels; as the family was "
        "published if left out.",
    ),
    # Augmentation: each changes one part of the preset.
    "hflip": _share(
        "Probability of a left-right flip; 0.5 if left out. Set 0 where left and right differ."
    ),
    "photometricDistort": _share(
        "Probability of a random change of brightness, contrast, hue and saturation; 0.5 in "
        "strong, else 0."
    ),
    "zoomOut": _share("Probability of a smaller image on a black ground; 0.5 in strong, else 0."),
    "iouCrop": _share(
        "Probability of a random crop that keeps boxes (as of SSD); 0.5 in standard, 0.8 in "
        "strong, else 0."
    ),
    # The loss.
    "classLossWeight": _weight("Weight of the loss of classes; the model's own if left out."),
    "boxLossWeight": _weight("Weight of the L1 loss of boxes; the model's own if left out."),
    "giouLossWeight": _weight(
        "Weight of the loss of the boxes' generalised IoU; the model's own if left out."
    ),
    # What is told.
    "confidenceThreshold": Param(
        type="float",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        help="Least confidence of a detection that is measured and told. Average precision is by "
        "definition over all of them: 0.",
    ),
    "maxDetections": Param(
        type="int",
        default=100,
        minimum=1,
        maximum=1000,
        help="Most detections of an image; COCO's metrics count 100.",
    ),
    **SCHEDULE_PARAMS,
}
"""Name: type, range and meaning. A default of None stands for what the help says."""

AUGMENTING: Final = ("hflip", "photometricDistort", "zoomOut", "iouCrop")
"""The params that change a part of the augmentation preset."""

PRESETS: Final[Mapping[str, Mapping[str, float]]] = {
    "none": dict.fromkeys(AUGMENTING, 0.0),
    "light": {"hflip": 0.5, "photometricDistort": 0.0, "zoomOut": 0.0, "iouCrop": 0.0},
    "standard": {"hflip": 0.5, "photometricDistort": 0.0, "zoomOut": 0.0, "iouCrop": 0.5},
    # RT-DETR's own recipe (https://arxiv.org/abs/2304.08069).
    "strong": {"hflip": 0.5, "photometricDistort": 0.5, "zoomOut": 0.5, "iouCrop": 0.8},
}
"""The probabilities of each augmentation preset."""


def complete_job(job: Job) -> Job:
    """The job with a value for every param.

    Raises:
        AdapterError: a param that there is not, that is out of its range, or that would change
            nothing in this job; a setting that cannot be.
    """
    params = resolve_params(job.params, PARAMS, job.task)
    training = job.training
    told = {f"params.{name}": value for name, value in params.items()} | {
        "training.augmentation": training.augmentation,
        "training.scheduler": training.scheduler,
        "training.warmupEpochs": training.warmup_epochs,
        "training.minLearningRate": training.min_learning_rate,
        "training.precision": training.precision,
        "training.labelSmoothing": training.label_smoothing,
        "training.classWeights": training.class_weights,
        "resources.gpus": job.gpus,
    }
    for found in find_conflicts(told):
        raise AdapterError(f"{found.path} {found.message}", found.fix)
    return replace(job, params=params)


def find_conflicts(settings: JsonObject) -> Iterator[SettingConflict]:
    """The settings that change nothing or cannot be, beside the others: `training`, `params` and
    `resources` by dotted path, each with its value."""
    idle = list_idle_schedule_params(settings)
    if settings["training.augmentation"] == "none":
        idle += [(name, "with augmentation 'none'") for name in AUGMENTING]
    for name, why in idle:
        if settings[f"params.{name}"] is not None:
            yield SettingConflict(
                path=f"params.{name}",
                message=f"changes nothing {why}",
                fix=f"leave out params.{name}",
            )
    # The losses of detectors in Transformers know neither.
    if settings.get("training.labelSmoothing"):
        yield SettingConflict(
            path="training.labelSmoothing",
            message="cannot be in object-detection by transformers",
            fix="leave it out, or set it to 0",
        )
    if settings.get("training.classWeights") is not None:
        yield SettingConflict(
            path="training.classWeights",
            message="cannot be in object-detection by transformers",
            fix="leave it out",
        )
    yield from find_training_conflicts(settings)


def choose_probabilities(job: Job) -> dict[str, float]:
    """The probability of each part of the augmentation, by preset and params."""
    preset = PRESETS[job.training.augmentation]
    return {
        name: preset[name] if job.params[name] is None else job.params[name] for name in AUGMENTING
    }
