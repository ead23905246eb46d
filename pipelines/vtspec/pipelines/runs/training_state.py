"""How far the training of a run has come, from what its adapter tells. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from .events import (
    TrainAdapted,
    TrainCheckpoint,
    TrainEpoch,
    TrainEvent,
    TrainFinished,
    TrainProgress,
    TrainStarted,
    read_body,
)
from .frozen_copy import replace
from .json_values import to_int, to_mapping, to_number, to_text

Row: TypeAlias = dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch measured; `seconds` is its length, `metrics` are of the val split."""

    epoch: float
    train_loss: float | None
    val_loss: float | None
    lr: float | None
    seconds: float | None
    metrics: Mapping[str, float]

    def to_row(self) -> Row:
        """The epoch as `metrics.json` has it."""
        return {
            "epoch": _shorten_epoch(self.epoch),
            "train_loss": self.train_loss,
            "val_loss": self.val_loss,
            "lr": self.lr,
            "seconds": self.seconds,
            **self.metrics,
        }

    def find_value(self, monitor: str | None) -> float | None:
        """What the epoch measured under the name that epochs are judged by; a loss is val's."""
        # The final figures call it loss, epochs call it val_loss.
        value = self.to_row().get(monitor or "")
        return self.val_loss if monitor == "loss" and value is None else value


@dataclass(frozen=True, kw_only=True)
class LastCheckpoint:
    """The newest checkpoint: `epoch` finished epochs and `step` steps of the next one."""

    path: str | None
    epoch: float
    step: float


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What training changed of its plan, after what: `changes` have the values of before and after
    by dotted path."""

    cause: str
    changes: Mapping[str, tuple[object, object]]
    message: str


@dataclass(frozen=True, kw_only=True)
class Training:
    """How far training has come: `epoch` of `epochs` (2.5: two and a half), and each that is done.

    `progress` (0 to 1) and `remaining_s` are those of training; the rate behind `remaining_s` is
    that of the present part of the run alone.
    """

    epoch: float = 0.0
    epochs: int | None = None
    history: tuple[Epoch, ...] = ()
    loss: float | None = None
    images_per_s: float | None = None
    data_wait: float | None = None
    gpu_memory_bytes: float | None = None
    progress: float = 0.0
    remaining_s: float | None = None
    best_epoch: float | None = None
    monitor: str | None = None
    checkpoint: LastCheckpoint | None = None
    adaptations: tuple[Adaptation, ...] = ()
    _anchor: tuple[float, float] | None = None

    @property
    def best(self) -> Epoch | None:
        """The epoch whose checkpoint is the best one."""
        return next((one for one in self.history if one.epoch == self.best_epoch), None)


def apply_training(before: Training, told: TrainEvent, now: float | None) -> Training:
    """The training after one more event, told at `now` (seconds on any clock, None if unknown)."""
    match told:
        case TrainStarted():
            return _begin(before, told)
        case TrainProgress():
            return _apply_progress(before, told, now)
        case TrainEpoch():
            return _apply_epoch(before, told, now)
        case TrainAdapted():
            return replace(before, adaptations=(*before.adaptations, _read_adaptation(told)))
        case TrainCheckpoint():
            return _apply_checkpoint(before, told)
        case TrainFinished():
            best = before.best_epoch if told.best_epoch is None else told.best_epoch
            return replace(before, best_epoch=best, progress=1.0, remaining_s=None)
        case _:
            assert_never(told)


def pause_training(before: Training) -> Training:
    """The training while nothing works on it: a rate of before says nothing of what comes."""
    return replace(before, remaining_s=None, _anchor=None)


def _begin(before: Training, told: TrainStarted) -> Training:
    config = told.config
    epochs = to_int(config.get("epochs")) or before.epochs
    done, steps = to_number(config.get("fromEpoch")) or 0.0, to_number(config.get("fromStep"))
    # What came after the checkpoint is trained again, and may stop at another epoch.
    history = tuple(one for one in before.history if one.epoch <= done)
    is_kept = any(one.epoch == before.best_epoch for one in history)
    return replace(
        before,
        epochs=epochs,
        monitor=before.monitor or to_text(config.get("monitor")),
        epoch=done,
        progress=min(1.0, max(0.0, done / epochs)) if epochs and not steps else before.progress,
        remaining_s=None,
        _anchor=None,
        history=history,
        best_epoch=before.best_epoch if is_kept else None,
        # What came after the checkpoint may not come again.
        adaptations=_read_adaptations(config.get("adaptations")),
    )


def _read_adaptations(told: object) -> tuple[Adaptation, ...]:
    listed = told if isinstance(told, list) else []
    events = (read_body(TrainAdapted.kind, to_mapping(one)) for one in listed)
    return tuple(_read_adaptation(one) for one in events if isinstance(one, TrainAdapted))


def _read_adaptation(told: TrainAdapted) -> Adaptation:
    return Adaptation(
        cause=told.cause or "",
        changes={
            path: (pair[0], pair[1])
            for path, pair in told.changes.items()
            if isinstance(pair, list | tuple) and len(pair) == 2
        },
        message=told.message or "",
    )


def _apply_progress(before: Training, told: TrainProgress, now: float | None) -> Training:
    epoch, step, steps = told.epoch, told.step_in_epoch, told.steps_per_epoch
    training = replace(
        before,
        loss=told.loss if told.loss is not None else before.loss,
        images_per_s=told.images_per_s or before.images_per_s,
        data_wait=before.data_wait if told.data_wait is None else told.data_wait,
        gpu_memory_bytes=told.gpu_memory_bytes or before.gpu_memory_bytes,
    )
    if epoch is None or step is None or not steps or steps <= 0:
        return training
    # Epochs count from 1, and the one that is told of is not finished.
    reached = max(0.0, epoch - 1) + min(1.0, max(0.0, step / steps))
    return _advance(training, reached, now)


def _apply_epoch(before: Training, told: TrainEpoch, now: float | None) -> Training:
    epoch = told.epoch
    if epoch is None:
        return before
    one = Epoch(
        epoch=epoch,
        train_loss=told.train_loss,
        val_loss=told.val_loss,
        lr=told.lr,
        seconds=told.seconds,
        metrics=told.metrics,
    )
    history = (*before.history, one)
    if before.history and before.history[-1].epoch >= epoch:
        # Only then: a sort each epoch would cost minutes over ten thousand of them.
        kept = (other for other in before.history if other.epoch != epoch)
        history = tuple(sorted((*kept, one), key=lambda other: other.epoch))
    training = replace(before, history=history, epochs=told.epochs or before.epochs)
    return _advance(training, epoch, now)


def _apply_checkpoint(before: Training, told: TrainCheckpoint) -> Training:
    if told.epoch is None:
        return before
    checkpoint = LastCheckpoint(path=told.path, epoch=told.epoch, step=told.step_in_epoch or 0.0)
    # Which checkpoint is best is the adapter's to decide: it knows the metric's direction.
    best = told.epoch if told.best else before.best_epoch
    return replace(before, checkpoint=checkpoint, best_epoch=best)


def _advance(training: Training, epoch: float, now: float | None) -> Training:
    if not training.epochs:
        return replace(training, epoch=epoch)
    # A third party's numbers may lie outside of the range that a bar can show.
    progress = min(1.0, max(0.0, epoch / training.epochs))
    anchor, remaining = training._anchor, training.remaining_s
    if now is not None and anchor is None:
        # The first point of a part: what a resume took up must not count as speed.
        anchor = (now, progress)
    elif now is not None and anchor is not None and progress > anchor[1] and now > anchor[0]:
        remaining = (now - anchor[0]) / (progress - anchor[1]) * (1.0 - progress)
    return replace(training, epoch=epoch, progress=progress, remaining_s=remaining, _anchor=anchor)


def _shorten_epoch(epoch: float) -> float | int:
    return int(epoch) if epoch.is_integer() else epoch
