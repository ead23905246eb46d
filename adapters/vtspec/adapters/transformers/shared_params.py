"""Params that several tasks have, and how others of their kind are declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vtspec.adapters.contract import Param, SettingConflict
from vtspec.adapters.json_types import JsonObject

from .families import NORMALIZATIONS


def make_share(help_: str) -> Param:
    """A share or probability that the task has a value for where it is left out."""
    return Param(type="float", default=None, minimum=0.0, maximum=1.0, help=help_)


def make_weight(help_: str) -> Param:
    """A weight of a part of the loss that the model has a value for where it is left out."""
    return Param(type="float", default=None, minimum=0.0, maximum=1000.0, help=help_)


COMMON_PARAMS: Final[Mapping[str, Param]] = {
    "freezeBatchNorm": Param(
        type="bool",
        default=False,
        help="Keep the statistics of batch norms as they were loaded: for fine-tuning with small "
        "batches.",
    ),
    "normalize": Param(
        type="str",
        default=None,
        choices=tuple(NORMALIZATIONS),
        help="Which mean and deviation are taken from the pixels: ImageNet's, CLIP's, or, as "
        "Inception's were, 0.5 each; as the family was published if left out.",
    ),
}
"""Those of every task. A default of None stands for what the help says."""

HFLIP: Final = make_share(
    "Probability of a left-right flip; 0.5 if left out. Set 0 where left and right differ."
)

VFLIP: Final = make_share(
    "Probability of an upside-down flip; 0 if left out. Set 0.5 where there is no up."
)

DROP_PATH_RATE: Final = make_share(
    "Probability that a block of the deepest layer is left out in training, less in those "
    "before it; the model's own if left out."
)

PHOTOMETRIC_DISTORT: Final = make_share(
    "Probability of a random change of brightness, contrast, hue and saturation; 0.5 in "
    "strong, else 0."
)


QUERIES: Final = Param(
    type="int",
    default=None,
    minimum=1,
    maximum=10000,
    help="How many objects the network can find in an image; the model's own if left out. "
    "Not beside weights that were trained with another number.",
)

CLASS_LOSS_WEIGHT: Final = make_weight(
    "Weight of the loss of classes; the model's own if left out."
)

DETECTION_PARAMS: Final[Mapping[str, Param]] = {
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
}
"""What is told of the objects that are found."""


def find_idle_augmentation(
    settings: JsonObject, names: Sequence[str]
) -> Iterator[SettingConflict]:
    """A conflict for each param of these names that is set where nothing is augmented."""
    if settings["training.augmentation"] != "none":
        return
    for name in names:
        if settings[f"params.{name}"] is not None:
            yield SettingConflict(
                path=f"params.{name}",
                message="changes nothing with augmentation 'none'",
                fix=f"leave out params.{name}",
            )


def refuse_loss_settings(settings: JsonObject) -> Iterator[SettingConflict]:
    """A conflict for each setting of `training` that the library's own losses do not know."""
    task = settings["task"]
    if settings.get("training.labelSmoothing"):
        yield SettingConflict(
            path="training.labelSmoothing",
            message=f"cannot be in {task} by transformers",
            fix="leave it out, or set it to 0",
        )
    if settings.get("training.classWeights") is not None:
        yield SettingConflict(
            path="training.classWeights",
            message=f"cannot be in {task} by transformers",
            fix="leave it out",
        )
