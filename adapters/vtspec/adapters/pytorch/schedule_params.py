"""The params of schedules, and what does not go together in a PyTorch training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from vtspec.adapters.contract import Param, SettingConflict
from vtspec.adapters.json_types import JsonObject

from .epoch_progress import count_smallest_batch

SCHEDULE_PARAMS: Final[Mapping[str, Param]] = {
    "warmupLearningRate": Param(
        type="float",
        default=None,
        minimum=0.0,
        maximum=100.0,
        help="Where the warm-up starts; 0 if left out.",
    ),
    "decayEpochs": Param(
        type="float",
        default=None,
        minimum=0.001,
        maximum=10000.0,
        help="Epochs between the falls of scheduler step; 30 if left out.",
    ),
    "decayRate": Param(
        type="float",
        default=None,
        minimum=0.001,
        maximum=0.999,
        help="Factor at each fall of schedulers step and plateau; 0.1 if left out.",
    ),
    "plateauPatience": Param(
        type="int",
        default=None,
        minimum=0,
        maximum=10000,
        help="Epochs without improvement before scheduler plateau falls; 10 if left out.",
    ),
    "polynomialPower": Param(
        type="float",
        default=None,
        minimum=0.01,
        maximum=10.0,
        help="Power of scheduler polynomial; 2 if left out.",
    ),
}

_ONLY_WITH_SCHEDULER: Final = {
    "decayEpochs": ("step",),
    "decayRate": ("step", "plateau"),
    "plateauPatience": ("plateau",),
    "polynomialPower": ("polynomial",),
}


def list_idle_schedule_params(settings: JsonObject) -> list[tuple[str, str]]:
    """Every param of a schedule that would change nothing beside these settings, and why."""
    scheduler = settings["training.scheduler"]
    idle = [
        (name, f"with scheduler '{scheduler}'")
        for name, schedulers in _ONLY_WITH_SCHEDULER.items()
        if scheduler not in schedulers
    ]
    if not settings["training.warmupEpochs"]:
        idle.insert(0, ("warmupLearningRate", "without a warm-up: training.warmupEpochs is 0"))
    return idle


def find_process_conflicts(
    settings: JsonObject, *, mixed: bool = False
) -> Iterator[SettingConflict]:
    """A batch that cannot be divided among the GPUs; of images that are `mixed` in pairs, in
    pairs."""
    processes, size = max(settings["resources.gpus"] or 1, 1), settings["training.batchSize"]
    smallest = count_smallest_batch(processes, even=mixed)
    if processes > 1 and size and size % smallest:
        yield SettingConflict(
            path="training.batchSize",
            message=f"{size} cannot be divided among {processes} GPUs"
            + " in pairs, as mixup needs" * mixed,
            fix=f"set training.batchSize to {-(-size // smallest) * smallest}",
        )


def find_training_conflicts(settings: JsonObject) -> Iterator[SettingConflict]:
    """The fields of `training` that change nothing or cannot be, beside the others."""
    scheduler = settings["training.scheduler"]
    if settings["training.minLearningRate"] and scheduler in ("step", "constant"):
        yield SettingConflict(
            path="training.minLearningRate",
            message=f"changes nothing with scheduler '{scheduler}'",
            fix="leave it out, or take cosine, linear, polynomial or plateau",
        )
    if settings["training.precision"] == "fp16" and not settings["resources.gpus"]:
        yield SettingConflict(
            path="training.precision",
            message="fp16 needs a GPU",
            fix="set training.precision to fp32 or bf16, or resources.gpus to 1",
        )
