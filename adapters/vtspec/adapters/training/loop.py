"""The loop over epochs: train, validate, write a checkpoint, decide, go on.

Its whole state is the list of the monitored metric's values, one an epoch, kept in `last.json`.
Where the job says so it goes on after a loss that is no number, from an earlier checkpoint, and
ends early so that its schedule ends within the time limit; `shortening` decides that. The order of
effects makes a kill harmless at any point: the epoch's checkpoint is written, `best`
points at it if it is, then `last` does; until then a resume repeats the epoch.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from vtspec.adapters.contract import (
    AdaptableTraining,
    AdapterError,
    Interrupted,
    Job,
    MetricsResult,
    OwnLoop,
    TrainingAdapter,
    TrainingCallbacks,
    TrainingFailure,
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
from .event_stream import describe_adaptation
from .shortening import EpochTimes

ROLLBACKS: Final = 3
"""How often a training is set back for a loss that is no number."""

_LOWER: Final = "lower training.learningRate, or set training.gradientClipping: 1.0"

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
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> JsonObject:
    """Train `job` to its end; on `resume` go on from the newest good checkpoint, if there is one.

    Returns what `last.json` keeps, with `bestEpoch` and `stoppedEarly`; empty for an adapter with
    a loop of its own.

    Raises:
        Interrupted: `callbacks.should_stop` said so; `last` points at the checkpoint left.
        AdapterError: something a person can mend, such as a loss that is no longer a number.
    """
    adaptable = job.training.list_adaptable()
    if adaptable and not isinstance(adapter, AdaptableTraining):
        raise AdapterError(
            f"{adaptable[0]}: this adapter cannot go on otherwise than planned",
            f"leave out {', '.join(adaptable)}",
        )
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
    times = EpochTimes(clock, job.seconds_left)
    return _Loop(adapter, job, callbacks, folder, higher, times).run(found)


@dataclass
class _Loop:
    adapter: TrainingAdapter
    job: Job
    callbacks: TrainingCallbacks
    folder: Path
    higher: bool
    times: EpochTimes
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
        self.times.end_preparation()
        # Only now: `load_checkpoint` fills in a network that stands.
        epoch, step = self._resume(found) if found else self._begin()
        with self._time_adapter():
            config = dict(self.adapter.describe())
        self.callbacks.on_train_begin(
            {
                **config,
                "epochs": self._count_epochs(),
                "fromEpoch": epoch,
                "fromStep": step,
                **self._describe_adaptations(),
            }
        )
        while not self._is_complete(epoch):
            if self.callbacks.should_stop():
                raise Interrupted(epoch, step, self.folder / self.last if self.last else None)
            try:
                self._run_epoch(epoch + 1, is_whole=step == 0)
                epoch, step = epoch + 1, 0
            except TrainingFailure as failure:
                epoch, step = self._recover(failure)
        own_seconds = time.perf_counter() - started_at - self.adapter_seconds
        return self._finish(epoch, own_seconds)

    def _begin(self) -> tuple[int, int]:
        # Says that there is nothing to resume from, whatever a kill leaves in the folder.
        checkpoints.write_pointer(self.folder, "last", None, {"values": []})
        if self.job.training.on_nan == "rollback":
            # The first epoch needs something to be set back to as well.
            with self._time_adapter():
                path = self.adapter.save_checkpoint(0)
            self.callbacks.on_checkpoint(path, 0, 0, best=False)
            self._mark_last(path)
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

    def _recover(self, failure: TrainingFailure) -> tuple[int, int]:
        """Go on after what the job allows; the position. Raises what it does not."""
        adapter = self.adapter
        if failure.cause != "not-a-number" or self.job.training.on_nan == "stop":
            kept = f"; {self.last} is kept" if self.last else ""
            raise TrainingFailure(failure.cause, f"{failure}{kept}", failure.fix) from failure
        assert isinstance(adapter, AdaptableTraining)
        found = checkpoints.find_resumable(self.folder, self.callbacks.on_warning)
        if adapter.rollbacks >= ROLLBACKS or found is None:
            why = "no checkpoint is left" if found is None else f"after {ROLLBACKS} rollbacks"
            raise TrainingFailure(failure.cause, f"{failure}, {why}", failure.fix) from failure
        with self._time_adapter():
            epoch, step = adapter.roll_back(found[0], failure)
        self.last = found[0].name
        self.values = self.values[:epoch]
        self.times.restart()
        return epoch, step

    def _measure(self, epoch: int) -> MetricsResult:
        adapter = self.adapter
        while True:
            try:
                with self._time_adapter(), self.times.measure_validation():
                    measured = adapter.validate(epoch)
                break
            except TrainingFailure as failure:
                halves = self.job.training.on_out_of_memory == "halve"
                if failure.cause != "out-of-memory" or not halves:
                    raise
                assert isinstance(adapter, AdaptableTraining)
                adapter.halve_batch(epoch, failure)
        loss = measured.val_loss
        if self.job.training.on_nan != "stop" and loss is not None and not math.isfinite(loss):
            # Before it is in a checkpoint, which would be what is gone back to.
            raise TrainingFailure(
                "not-a-number", f"the loss on the val split became {loss} in epoch {epoch}", _LOWER
            )
        return measured

    def _run_epoch(self, epoch: int, *, is_whole: bool) -> None:
        started_at = time.perf_counter()
        self.times.begin_epoch(is_whole=is_whole)
        trained = self._train(epoch)
        measured = self._measure(epoch)
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
        self._shorten(epoch)
        with self._time_adapter(), self.times.measure_checkpoint():
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
            raise TrainingFailure(
                "not-a-number",
                f"the training loss became {trained.train_loss} in epoch {epoch}",
                f"lower training.learningRate, now {self.job.training.learning_rate:g}, "
                "or set training.gradientClipping: 1.0",
            )
        return trained

    def _shorten(self, epoch: int) -> None:
        """Before the epoch's checkpoint, which a resume then goes on from as from any other."""
        adapter = self.adapter
        if self.job.training.on_time_limit == "stop" or not isinstance(adapter, AdaptableTraining):
            return
        before = adapter.epochs
        fitting = self.times.count_fitting(before - epoch)
        if fitting is None or fitting >= before - epoch:
            return
        left = f"what is left of the time limit is too short for epoch {before}"
        how = "with its whole schedule" if fitting else "in the midst of its schedule"
        message = f"{left}: training ends with epoch {epoch + fitting}, {how}"
        adapter.shorten(epoch, epoch + fitting, message)

    def _describe_adaptations(self) -> JsonObject:
        adapter = self.adapter
        told = adapter.adaptations if isinstance(adapter, AdaptableTraining) else ()
        return {"adaptations": [describe_adaptation(one) for one in told]} if told else {}

    def _count_epochs(self) -> int:
        adapter = self.adapter
        if isinstance(adapter, AdaptableTraining):
            return adapter.epochs
        return self.job.training.epochs

    def _finish(self, epoch: int, own_seconds: float) -> JsonObject:
        best_epoch = self._judge_epochs().best_epoch
        if not best_epoch:
            raise AdapterError(
                f"{self.job.training.monitor} was a number in no epoch ({epoch} done)",
                "set training.checkpoint.monitor: val_loss, or look at the data of the val split",
            )
        # From the disk, since the best epoch may have been measured by an earlier process.
        manifest = checkpoints.read_manifest(self.folder / checkpoints.format_name(best_epoch))
        stopped_early = epoch < self._count_epochs()
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
        return epoch >= self._count_epochs() or stops_early(self._judge_epochs(), early)

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
