"""How the learning rate moves: timm's schedules, and one that follows a metric; number formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from vtspec.adapters.contract import Job
from vtspec.adapters.metrics import find_metric

from .state import StateDict

if TYPE_CHECKING:
    import torch

_T = TypeVar("_T")

SCHEDULERS: Final[Mapping[str, str]] = {
    "cosine": "cosine",
    "linear": "poly",
    "polynomial": "poly",
    "step": "step",
    "constant": "constant",
}
"""timm's name of each schedule that is a function of the step alone."""


class Schedule(Protocol):
    """What moves the learning rate: one of timm's schedules, or `PlateauScheduler`."""

    def step_update(self, updates: float, /) -> None:
        """Set the learning rate for the step after `updates` of them; a part of one where the
        schedule is compressed."""
        ...


class PlateauScheduler:
    """A learning rate that falls when the monitored metric stalls, after a linear warm-up.

    PyTorch's own; timm's loses its counters in a checkpoint.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, job: Job, warmup: Schedule, steps: int
    ) -> None:
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        metric = find_metric(job.task, job.training.monitor)
        higher = metric is not None and metric.higher_is_better
        self.warmup = warmup
        self.warmup_updates = job.training.warmup_epochs * steps
        self.reduce = ReduceLROnPlateau(
            optimizer,
            mode="max" if higher else "min",
            factor=get_or_default(job.params["decayRate"], 0.1),
            patience=get_or_default(job.params["plateauPatience"], 10),
            min_lr=job.training.min_learning_rate,
        )

    def step_update(self, updates: float) -> None:
        """Move the warm-up on; after it only measurements move the learning rate."""
        if updates < self.warmup_updates + 1:
            self.warmup.step_update(updates)

    def record_metric(self, value: float | None, updates: float) -> None:
        """Count one epoch's metric, once the warm-up is over."""
        if value is not None and updates >= self.warmup_updates:
            self.reduce.step(value)

    def get_state(self) -> StateDict:
        """The counters and the best value so far."""
        return dict(self.reduce.state_dict())

    def restore(self, state: StateDict) -> None:
        """Take up what `get_state` gave."""
        self.reduce.load_state_dict(dict(state))


def build_schedule(optimizer: torch.optim.Optimizer, job: Job, steps: int) -> Schedule:
    """timm's schedule of the job's name, of `steps` optimizer steps an epoch, with its params."""
    from timm.scheduler import create_scheduler_v2

    training, params = job.training, job.params
    name = training.scheduler
    # timm's polynomial takes its power for the rate of decay.
    rate = {"linear": 1.0, "polynomial": get_or_default(params["polynomialPower"], 2.0)}
    # A warm-up that never ends leaves the schedule behind it nothing to do, but a length.
    behind = max(training.epochs - training.warmup_epochs, 1 / steps)
    # timm says int of both, and takes parts of epochs.
    made, _ = create_scheduler_v2(
        optimizer,
        sched=SCHEDULERS.get(name, "constant"),
        num_epochs=cast("int", behind),
        decay_epochs=get_or_default(params["decayEpochs"], 30.0),
        decay_rate=rate.get(name, get_or_default(params["decayRate"], 0.1)),
        min_lr=training.min_learning_rate,
        warmup_epochs=cast("int", training.warmup_epochs),
        warmup_lr=get_or_default(params["warmupLearningRate"], 0.0),
        warmup_prefix=True,
        step_on_epochs=False,
        updates_per_epoch=steps,
    )
    # timm gives none for a name that it does not know, and `SCHEDULERS` has none of those.
    assert made is not None
    # A schedule of its kind takes parts of a step too, whatever timm's types say.
    schedule = cast("Schedule", made)
    return PlateauScheduler(optimizer, job, schedule, steps) if name == "plateau" else schedule


def get_or_default(value: _T | None, otherwise: _T) -> _T:
    """A param, or what stands for it where it is left out."""
    return otherwise if value is None else value


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """The number format of a forward pass."""
    import torch

    formats = {"bf16": torch.bfloat16, "fp16": torch.float16}
    with torch.autocast(device.type, dtype=formats.get(precision), enabled=precision in formats):
        yield
