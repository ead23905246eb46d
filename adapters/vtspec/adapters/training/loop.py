"""The loop over epochs: train, validate, write a checkpoint, decide, go on.

Its whole state is the list of the monitored metric's values, one an epoch, kept in `last.json`.
The order of effects makes a kill harmless at any point: the epoch's checkpoint is written, `best`
points at it if it is, then `last` does; until then a resume repeats the epoch.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from vtspec.adapters.contract import (
    AdapterError,
    Interrupted,
    Job,
    MetricsResult,
    OwnLoop,
    TrainingAdapter,
    TrainingCallbacks,
    TrainingSummary,
)
from vtspec.adapters.json_types import JsonObject

from . import checkpoints
from .early_stopping import (
    MonitorState,
    get_monitored_value,
    higher_is_better,
    judge_epochs,
    stops_early,
)

_Found = tuple[Path, JsonObject]
"""A checkpoint to go on from, and the loop's state beside it."""


@runtime_checkable
class TimedCallbacks(Protocol):
    """Callbacks that know what they cost: seconds spent in their calls so far."""

    own_seconds: float


def fit(
    adapter: TrainingAdapter | OwnLoop,
    job: Job,
    callbacks: TrainingCallbacks,
    resume: bool,
) -> JsonObject:
    """Train `job` to its end; on `resume` go on from the newest good checkpoint, if there is one.

    Returns what `last.json` keeps, with `bestEpoch` and `stoppedEarly`; empty for an adapter with
    a loop of its own.

    Raises:
        Interrupted: `callbacks.should_stop` said so; `last` points at the checkpoint left.
        AdapterError: something a person can mend, such as a loss that is no longer a number.
    """
    folder = job.workdir / "checkpoints"
    # Safe here and nowhere else: the run's lock lets no second process train in this folder.
    checkpoints.tidy(folder)
    found = checkpoints.find_resumable(folder, callbacks.on_warning)
    # Refused rather than overwritten: hours of training may lie there.
    if found is not None and not resume:
        raise AdapterError(
            f"there is training in {folder} already, up to {found[0].name}",
            "go on with --resume, or remove that folder to start anew",
        )
    if isinstance(adapter, OwnLoop):
        adapter.fit(job, callbacks, found[0] if found else None)
        return {}
    higher = higher_is_better(job.task, job.training.monitor)
    return _Loop(adapter, job, callbacks, folder, higher).run(found)


@dataclass
class _Loop:
    adapter: TrainingAdapter
    job: Job
    callbacks: TrainingCallbacks
    folder: Path
    higher: bool
    values: list[float | None] = field(default_factory=list)
    previous: str | None = None
    last: str | None = None
    adapter_seconds: float = 0.0
    step_seconds: float = 0.0

    def run(self, found: _Found | None) -> JsonObject:
        started_at = time.perf_counter()
        with self._time_adapter():
            self.adapter.prepare_model()
            self.adapter.prepare_dataset()
        # Only now: `load_checkpoint` fills in a network that stands.
        epoch, step = self._resume(found) if found else self._begin()
        with self._time_adapter():
            config = dict(self.adapter.describe())
        self.callbacks.on_train_begin(
            {**config, "epochs": self.job.training.epochs, "fromEpoch": epoch, "fromStep": step}
        )
        while not self._is_complete(epoch):
            if self.callbacks.should_stop():
                raise Interrupted(epoch, step, self.folder / self.last if self.last else None)
            self._run_epoch(epoch + 1)
            epoch, step = epoch + 1, 0
        own_seconds = time.perf_counter() - started_at - self.adapter_seconds
        return self._finish(epoch, own_seconds)

    def _begin(self) -> tuple[int, int]:
        # Says that there is nothing to resume from, whatever a kill leaves in the folder.
        checkpoints.write_pointer(self.folder, "last", None, {"values": []})
        return 0, 0

    def _resume(self, found: _Found) -> tuple[int, int]:
        path, state = found
        with self._time_adapter():
            epoch, step = self.adapter.load_checkpoint(path)
        self.last = path.name
        self.values = list(state.get("values", ()))[:epoch]
        if len(self.values) < epoch:
            self.callbacks.on_warning(
                f"what epochs {len(self.values) + 1} to {epoch} measured is lost: "
                "best epoch and early stopping are decided without them"
            )
            # None keeps the list as long as the epochs, so that an index stays an epoch.
            self.values += [None] * (epoch - len(self.values))
        best_epoch = self._judge_epochs().best_epoch
        # A kill between the two pointers leaves `best` ahead of `last`: it is set back.
        if best_epoch and (self.folder / checkpoints.format_name(best_epoch)).exists():
            self._mark_best(best_epoch)
        return epoch, step

    def _run_epoch(self, epoch: int) -> None:
        started_at = time.perf_counter()
        trained = self._train(epoch)
        with self._time_adapter():
            measured = self.adapter.validate(epoch)
        result = dataclasses.replace(
            measured,
            epoch=epoch,
            train_loss=trained.train_loss,
            learning_rate=trained.learning_rate,
            seconds=time.perf_counter() - started_at,
        )
        value = get_monitored_value(result, self.job.training.monitor)
        if value is None or not math.isfinite(value):
            self.callbacks.on_warning(
                f"{self.job.training.monitor} is not a number in epoch {epoch}: it cannot be best"
            )
            # Kept all the same: a broken metric of one epoch must not end a training.
            value = None
        with self._time_adapter():
            path = self.adapter.save_checkpoint(epoch)
        self.values.append(value)
        is_best = self._judge_epochs().best_epoch == epoch
        if is_best:
            self._mark_best(epoch)
        # Told before `last` points here: a kill in between repeats the epoch and its event,
        # where the other order would lose the event.
        self.callbacks.on_epoch_end(epoch, result)
        self.callbacks.on_checkpoint(path, epoch, 0, best=is_best)
        self._mark_last(path)

    def _train(self, epoch: int) -> MetricsResult:
        before = self.adapter_seconds
        try:
            with self._time_adapter():
                trained = self.adapter.train_epoch(epoch)
        except Interrupted as stop:
            if stop.path is not None:
                self.callbacks.on_checkpoint(stop.path, stop.epoch, stop.step, best=False)
                self._mark_last(stop.path)
            raise
        finally:
            self.step_seconds += self.adapter_seconds - before
        # Weights behind such a loss are lost; going on would only prune the good checkpoints.
        if trained.train_loss is not None and not math.isfinite(trained.train_loss):
            kept = f"; {self.last} is kept" if self.last else ""
            raise AdapterError(
                f"the training loss became {trained.train_loss} in epoch {epoch}{kept}",
                f"lower training.learningRate, now {self.job.training.learning_rate:g}, "
                "or set training.gradientClipping: 1.0",
            )
        return trained

    def _finish(self, epoch: int, own_seconds: float) -> JsonObject:
        best_epoch = self._judge_epochs().best_epoch
        if not best_epoch:
            raise AdapterError(
                f"{self.job.training.monitor} was a number in no epoch ({epoch} done)",
                "set training.checkpoint.monitor: val_loss, or look at the data of the val split",
            )
        # From the disk, since the best epoch may have been measured by an earlier process.
        manifest = checkpoints.read_manifest(self.folder / checkpoints.format_name(best_epoch))
        stopped_early = epoch < self.job.training.epochs
        self.callbacks.on_train_end(
            {name: value for name, value in manifest.metrics.items() if value is not None},
            TrainingSummary(
                best_epoch=best_epoch,
                stopped_early=stopped_early,
                own_seconds=own_seconds,
                step_seconds=self.step_seconds,
            ),
        )
        return {"values": self.values, "bestEpoch": best_epoch, "stoppedEarly": stopped_early}

    def _is_complete(self, epoch: int) -> bool:
        early = self.job.training.early_stopping
        return epoch >= self.job.training.epochs or stops_early(self._judge_epochs(), early)

    def _judge_epochs(self, values: Sequence[float | None] | None = None) -> MonitorState:
        early = self.job.training.early_stopping
        return judge_epochs(
            self.values if values is None else values,
            higher_is_better=self.higher,
            min_delta=early.min_delta if early else 0.0,
        )

    def _mark_best(self, epoch: int) -> None:
        state = {
            "epoch": epoch,
            "monitor": self.job.training.monitor,
            "value": self.values[epoch - 1],
            # Not what came after it: a resume that sets `best` back writes what was there.
            "values": self.values[:epoch],
        }
        checkpoints.write_pointer(self.folder, "best", checkpoints.format_name(epoch), state)

    def _mark_last(self, path: Path) -> None:
        checkpoints.write_pointer(self.folder, "last", path.name, {"values": self.values})
        self.previous, self.last = self.last, path.name
        # The one before stays, with what was best then: the last may turn out to be damaged.
        best_epochs = {
            self._judge_epochs().best_epoch,
            self._judge_epochs(self.values[:-1]).best_epoch,
        }
        every = self.job.training.keep_every
        kept = range(every, len(self.values) + 1, every) if every else ()
        names = {checkpoints.format_name(epoch) for epoch in (*best_epochs, *kept)}
        checkpoints.prune(self.folder, names | {self.last, self.previous or ""})

    @contextmanager
    def _time_adapter(self) -> Iterator[None]:
        started_at, called_before = time.perf_counter(), self._get_callback_seconds()
        try:
            yield
        finally:
            called = self._get_callback_seconds() - called_before
            # The adapter calls back from within: that time is not the framework's.
            self.adapter_seconds += time.perf_counter() - started_at - called

    def _get_callback_seconds(self) -> float:
        return self.callbacks.own_seconds if isinstance(self.callbacks, TimedCallbacks) else 0.0
