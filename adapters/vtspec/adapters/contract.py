"""What an adapter is: the types it speaks and the methods it has. Standard library only.

An adapter runs inside a framework's own environment. It is given a `Job` (plain data made from
a plan), tells what happens through `TrainingCallbacks`, and knows nothing of git, MLflow or
Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from .json_types import JsonObject
from .task_types import TaskType as TaskType


@dataclass(frozen=True, kw_only=True)
class MetricsResult:
    """What one epoch measured.

    `epoch` counts finished epochs and may be a fraction; a loss that was not measured is None;
    `metrics` has the standard names of `vtspec.adapters.metrics`. `learning_rate` is the one that
    the epoch ended with; `seconds`, for training and validation together, the loop fills in.
    `class_metrics` has one figure of each class, by `figure/class` (`f1/cat`): what
    `evaluation.class_metrics` makes of the rows of classes.
    """

    epoch: float
    train_loss: float | None
    val_loss: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float | None = None
    seconds: float | None = None
    class_metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What the best checkpoint measured on one split.

    `metrics` has the standard names; `details` is plain JSON data for the report (confusion
    matrix, per-class table, curves, sample errors), described in `docs/results.md`.
    """

    split: str
    metrics: Mapping[str, float]
    # Not typed further: each task has details of its own, and a report reads what it knows.
    details: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class InferenceResult:
    """What the model says of one image; the fields of other tasks are None.

    `error` says why nothing is said of an image that cannot be read; the images after it are
    answered all the same.

    Boxes are `(x_min, y_min, x_max, y_max)` in pixels of the original image; a mask is
    run-length encoded as in COCO. An entry of `predicted_boxes` has `box`, `label` and
    `confidence`, and by its task a `mask`, `corners` (`x0 y0 … x3 y3`, around a turned box) or
    `keypoints` (by name: x, y, and how sure it is to be seen). `predicted_mask` has `size` and,
    of each class that has a pixel, a segment: `label`, `share` of the image, `counts`.
    `predicted_image` is a PNG as base64: the enlarged image, or distances with 16 bits in the
    dataset's unit; `predicted_path` is where somebody wrote it.
    """

    image_path: str
    task_type: TaskType
    inference_time_ms: float
    predicted_label: str | None = None
    confidence: float | None = None
    scores: Mapping[str, float] | None = None
    predicted_labels: Sequence[str] | None = None
    predicted_boxes: Sequence[JsonObject] | None = None
    predicted_mask: JsonObject | None = None
    predicted_text: str | None = None
    # Told and not written: a step that answers may have no folder to write into.
    predicted_image: str | None = None
    predicted_path: str | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """One exported file. `max_difference` is the largest difference between its outputs and the
    model's own over a check batch; None where it holds the weights themselves, bit for bit."""

    path: Path
    # Not a yes or no: what is close enough is for whoever deploys it to say.
    max_difference: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingSummary:
    """How a training went. `best_epoch` counts from 1; `own_seconds` were spent in the
    loop and the callbacks, outside the adapter's own code; `step_seconds` in `train_epoch`."""

    best_epoch: int
    stopped_early: bool
    own_seconds: float
    step_seconds: float


@dataclass(frozen=True, kw_only=True)
class Param:
    """One setting of the framework's own: what may stand under `params` in a spec.

    Limits are inclusive. A default of None leaves the choice to the framework. `tasks` are those
    that know it; all the adapter's tasks where None.
    """

    # A name and not a Python type: params are shown and checked where Python may be another.
    type: Literal["bool", "int", "float", "str"]
    default: bool | int | float | str | None
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    tasks: tuple[TaskType, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Split:
    """Where one split lies: paths below the dataset's root."""

    path: str
    annotations: str | None = None
    targets: str | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetJob:
    """The data of a job. `classes` are those used, in index order; `all_classes` those it has;
    `keypoints` are the names of a body's points, in the order of its labels."""

    root: Path
    format: str
    classes: tuple[str, ...]
    # Both are needed: labels are written in the dataset's classes and learnt in the job's.
    all_classes: tuple[str, ...]
    splits: Mapping[str, Split]
    final_split: str
    keypoints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelJob:
    """The network of a job. `weights` is a local `.safetensors` file that the step provided.

    `configuration` is the hub id and the commit whose configuration describes the architecture;
    None where the name alone does.
    """

    name: str
    pretrained: bool
    # Fetched before by the step, which knows where earlier runs and registered models lie.
    weights: Path | None
    hub_id: str | None = None
    hub_revision: str | None = None
    configuration: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Ema:
    """An average of the weights: `decay` in (0, 1), ramped up over the first steps on `warmup`."""

    decay: float
    warmup: bool


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stop after `patience` epochs without a change of more than `min_delta`."""

    patience: int
    min_delta: float


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """How to learn; the fields of `spec.training`, every default filled in."""

    epochs: int
    batch_size: int
    learning_rate: float
    image_size: tuple[int, int]
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
    class_weights: Mapping[str, float] | Literal["balanced"] | None
    augmentation: str
    precision: Literal["fp32", "bf16", "fp16"]
    freeze: Literal["none", "backbone"] | tuple[str, ...]
    early_stopping: EarlyStopping | None
    monitor: str
    keep_every: int | None
    # Part of the job, since it decides random states: other workers give other weights.
    workers: int
    deterministic: bool
    # Plans of before there were these leave them out, and so does one that stops.
    on_out_of_memory: Literal["stop", "halve"] = "stop"
    on_nan: Literal["stop", "rollback"] = "stop"
    on_time_limit: Literal["stop", "shorten"] = "stop"

    def list_adaptable(self) -> tuple[str, ...]:
        """The fields that ask to go on otherwise than planned where something goes wrong."""
        asked = {
            "training.onOutOfMemory": self.on_out_of_memory,
            "training.onNan": self.on_nan,
            "training.onTimeLimit": self.on_time_limit,
        }
        return tuple(path for path, word in asked.items() if word != "stop")


@dataclass(frozen=True, kw_only=True)
class ProcessRank:
    """Which of the processes that train one network together this is: rank 0 decides, measures and
    writes. `local` of the `count` work on this machine."""

    rank: int
    count: int
    local: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that an adapter is told: plain data, made from a plan by `vtspec.adapters.job`."""

    run: str
    attempt: int
    task: TaskType
    model: ModelJob
    dataset: DatasetJob
    training: TrainingJob
    params: JsonObject
    export_formats: tuple[str, ...]
    gpus: int
    cpus: int
    workdir: Path
    smoke: bool = False
    # What of the run's time limit was left when the step began; told where it is asked for.
    seconds_left: float | None = None
    # None of a process that trains alone; an adapter that says `is_distributed` is given one.
    process: ProcessRank | None = None


FailureCause: TypeAlias = Literal["out-of-memory", "not-a-number", "time-limit"]
"""What a training that cannot go on as planned met."""


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What a training changed of its plan to go on after `cause`, from `epoch` finished epochs and
    `step` steps of the next one on. `changes` are by dotted path, each the value of before and of
    after; `message` says it to people."""

    cause: FailureCause
    epoch: int
    step: int
    changes: Mapping[str, tuple[float, float]]
    message: str


class TrainingCallbacks(Protocol):
    """What an adapter tells while it works. Calls are cheap; none of them raises."""

    def on_train_begin(self, config: JsonObject) -> None:
        """Training starts (or goes on); `config` says on what: device, parameters, images."""
        ...

    def on_data_wait(
        self, seconds: float, measure_gpu_memory: Callable[[], int] | None = None
    ) -> None:
        """The step that `on_step_end` tells of next has waited so long for its data. How many
        bytes of a GPU it holds may be asked. An adapter that knows neither need not call it."""
        ...

    def on_step_end(self, epoch: int, step: int, steps: int, loss: float | None) -> None:
        """Optimizer step `step` of `steps` in epoch `epoch` is done; a loss only on a cadence."""
        ...

    def on_epoch_end(self, epoch: int, metrics: MetricsResult) -> None:
        """Epoch `epoch` (from 1) was trained and validated."""
        ...

    def on_checkpoint(self, path: Path, epoch: int, step: int, *, best: bool) -> None:
        """A checkpoint is safely on disk."""
        ...

    def on_train_end(
        self, final_metrics: Mapping[str, float], summary: TrainingSummary | None = None
    ) -> None:
        """Training is complete; the metrics are those of the best epoch."""
        ...

    def on_warning(self, message: str) -> None:
        """Something a person should know."""
        ...

    def on_adapted(self, adaptation: Adaptation) -> None:
        """Training goes on otherwise than planned, as the job allows."""
        ...

    def should_stop(self) -> bool:
        """Whether to write a checkpoint and leave; asked at every optimizer step."""
        ...


class Interrupted(Exception):
    """Training stopped because `should_stop` said so.

    `path` is the checkpoint that was left after `epoch` finished epochs and `step` optimizer
    steps of the next; None where nothing had been trained yet.
    """

    def __init__(self, epoch: int, step: int, path: Path | None) -> None:
        super().__init__(
            f"stopped after {epoch} epoch{'s' * (epoch != 1)} and {step} step{'s' * (step != 1)} "
            "of the next"
        )
        self.epoch = epoch
        self.step = step
        self.path = path


@dataclass(frozen=True, kw_only=True)
class SettingConflict:
    """A field of a spec, as a dotted path below `spec`, that does not go with the others."""

    path: str
    message: str
    fix: str


class AdapterError(Exception):
    """Something a person can mend; `fix` says what to type."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


class TrainingFailure(AdapterError):
    """Training cannot go on as planned; a checkpoint of before stays."""

    def __init__(self, cause: FailureCause, message: str, fix: str | None = None) -> None:
        super().__init__(message, fix)
        self.cause: FailureCause = cause

    def __reduce__(self) -> tuple[type[TrainingFailure], tuple[object, ...]]:
        # By default an exception is made again from its message alone.
        return type(self), (self.cause, str(self), self.fix)


@runtime_checkable
class TrainingAdapter(Protocol):
    """A framework behind a few methods, called in this order. Made as `Adapter(job, callbacks)`.

    To train: `prepare_model`, `prepare_dataset`, on resume `load_checkpoint`, `describe`, then for
    each epoch `train_epoch`, `validate`, `save_checkpoint`. To evaluate: `prepare_model`,
    `prepare_dataset`, `load_checkpoint` of the best one, `evaluate`. To predict or export:
    `prepare_model`, `load_checkpoint`, `predict` or `export`, with no data at hand. A framework
    that owns its loop has `fit` instead of the epoch methods (see `OwnLoop`).

    Checkpoints go into `job.workdir / "checkpoints"` through `write` of
    `vtspec.adapters.training.checkpoints`.
    The position of one is a pair, everywhere: finished epochs, and optimizer steps done in the
    next one.
    """

    def prepare_model(self) -> None:
        """Build the network, with its start weights, for the job's classes."""
        ...

    def prepare_dataset(self) -> None:
        """Open the splits; `AdapterError` where an image or label cannot be used."""
        ...

    def describe(self) -> JsonObject:
        """What is trained and on what: device, parameters, images; plain JSON data."""
        ...

    def train_epoch(self, epoch: int) -> MetricsResult:
        """Train epoch `epoch` (from 1), or the rest of it after a resume.

        After every optimizer step it calls `on_step_end` and then asks `should_stop`: when that
        says so it writes a checkpoint (also after the epoch's last step) and raises
        `Interrupted(epoch - 1, step, path)`. `train_loss` covers the whole epoch, also after a
        resume in its middle.
        """
        ...

    def validate(self, epoch: int) -> MetricsResult:
        """Measure the val split, with the averaged weights where there are some."""
        ...

    def save_checkpoint(self, epoch: int) -> Path:
        """Write the whole state (weights, optimizer, schedule, random states) after `epoch`.

        The same state is written under the same name however often it is called.
        """
        ...

    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        """Take up a state; (epoch, step): finished epochs, and steps done in the next one.

        Without `prepare_dataset` before it, only what `predict` and `export` need.
        """
        ...

    def evaluate(self, split: str) -> Evaluation:
        """Measure one split in full."""
        ...

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        """What the model says of each image, in order, preprocessed as in `validate`; of one that
        cannot be read, a result with `error`."""
        ...

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write the model into `folder`: `model.safetensors`, `model.onnx`; each one checked.

        The keys are the formats; `safetensors` is always written.
        """
        ...


@runtime_checkable
class AdaptableTraining(Protocol):
    """What a `TrainingAdapter` has beside where it does `training.onOutOfMemory: halve`, `onNan:
    rollback` and `onTimeLimit: shorten`; the job of one that has it not is refused.

    `adaptations` are those of the state at hand, part of each checkpoint. A step that runs out of
    memory `train_epoch` repeats by itself, with smaller batches.
    """

    adaptations: list[Adaptation]

    @property
    def epochs(self) -> int:
        """How many epochs the training has, as it was shortened."""
        ...

    @property
    def rollbacks(self) -> int:
        """How often it was set back."""
        ...

    def halve_batch(self, epoch: int, failure: TrainingFailure) -> None:
        """Smaller batches from now on, for measuring after `epoch` too; raises `failure`, or one
        that says more, where there is none smaller."""
        ...

    def roll_back(self, path: Path, failure: TrainingFailure) -> tuple[int, int]:
        """Take up the checkpoint and train on at a lower learning rate; its position."""
        ...

    def shorten(self, epoch: int, epochs: int, message: str) -> None:
        """Have the schedule that is left after `epoch` end with epoch `epochs`."""
        ...


@runtime_checkable
class OwnLoop(Protocol):
    """A framework that owns its loop: `fit` stands for the epoch methods.

    It prepares itself, writes its checkpoints with `vtspec.adapters.training.checkpoints`
    (`write`, then `write_pointer` for "best" and "last") and tells the callbacks what the loop
    would have told them.
    """

    def fit(self, job: Job, callbacks: TrainingCallbacks, resume: Path | None) -> None:
        """Train from the start, or on from a checkpoint; raise `Interrupted` as above."""
        ...
