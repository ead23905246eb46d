"""The sections of a plan: the fields of a spec's own sections, every default filled in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypedDict

from vtspec.adapters.contract import EarlyStopping, Ema
from vtspec.pipelines.validation.objectives import WITH_MOMENTUM

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]

ParamValue: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, kw_only=True)
class PlannedCheckpoint:
    """The metric that decides which epoch is the best, and which other epochs are kept."""

    monitor: str
    every: int | None


@dataclass(frozen=True, kw_only=True)
class PlannedTraining:
    """How the network learns; `image_size` is (height, width), None where it has no images."""

    epochs: int
    batch_size: int
    learning_rate: float
    image_size: tuple[int, int] | None
    seed: int
    optimizer: str
    momentum: float
    weight_decay: float
    scheduler: str
    min_learning_rate: float
    warmup_epochs: float
    gradient_accumulation: int
    gradient_clipping: float | None
    ema: Ema | None
    label_smoothing: float
    class_weights: Literal["balanced"] | Mapping[str, float] | None
    augmentation: str
    precision: Precision
    # Prefixes of modules, or the word for all or none of the backbone.
    freeze: str | tuple[str, ...]
    early_stopping: EarlyStopping | None
    checkpoint: PlannedCheckpoint
    workers: int
    deterministic: bool
    # Plans of before there were these, and those that stop, have none of them.
    on_out_of_memory: str = "stop"
    on_nan: str = "stop"
    on_time_limit: str = "stop"


@dataclass(frozen=True, kw_only=True)
class PlannedResources:
    """What the run may use, as the spec writes it: `4Gi`, `30m`."""

    gpus: int
    gpu_type: str | None
    cpus: int
    # As typed, for people; digests take bytes and seconds.
    memory: str
    max_duration: str


@dataclass(frozen=True, kw_only=True)
class StepResources:
    """What one step may use of them."""

    gpus: int
    cpus: int
    memory: str


@dataclass(frozen=True, kw_only=True)
class PlannedExport:
    """What is made of the result, safetensors always."""

    formats: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlannedTracking:
    """Where the run is shown; `register_as` is a registered model's name."""

    experiment: str
    register_as: str | None


@dataclass(frozen=True, kw_only=True)
class PlannedReport:
    """How the run is judged: the experiment to compare with, and what must hold.

    `baseline_plan` is the id of that experiment's plan, None where it could not be planned.
    `seeds` are those that are judged together, the plan's own among them; none where it is judged
    alone. With `allow_adapted` adapted runs count, too.
    """

    baseline: str | None
    gates: tuple[str, ...]
    baseline_plan: str | None = None
    # Plans of before there were such fields, and most others, have none.
    seeds: tuple[int, ...] = ()
    allow_adapted: bool = False


class SplitStatistics(TypedDict):
    """How many images one split has, and of each class as far as anybody counted."""

    images: int
    perClass: Mapping[str, int]


class PlannedStatistics(TypedDict):
    """What was counted in the data: as its spec has it, which arithmetic reads as it is."""

    images: int
    bytes: int | None
    splits: Mapping[str, SplitStatistics]


_CONSTANT: Final = "constant"


def find_idle_settings(training: Mapping[str, object]) -> Mapping[str, str]:
    """What of `training`, as `plan.json` has it, another of its settings leaves no effect; why."""
    optimizer, scheduler = training.get("optimizer"), training.get("scheduler")
    idle = {}
    if optimizer is not None and optimizer not in WITH_MOMENTUM:
        idle["momentum"] = f"{optimizer} has none"
    if scheduler == _CONSTANT:
        idle["minLearningRate"] = f"scheduler {scheduler} does not fall"
    return {name: why for name, why in idle.items() if name in training}
