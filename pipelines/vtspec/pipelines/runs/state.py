"""Events added up to the state of a run. Pure: no clock, no file; no event can make it raise."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Any, Final, Literal

from .events import Ending, Event

Status = Literal[
    "queued",
    "running",
    "succeeded",
    "failed",
    "interrupted",
    "stopped",
    "refused",
    "crashed",
]
"""`queued`: nothing happened yet; `running`: no terminal event (its process may be dead all the
same, which only a lock tells); the rest is the ending of the terminal event."""

_ENDINGS: Final[Mapping[str, Status]] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "interrupted": "interrupted",
    "stopped": "stopped",
    "refused": "refused",
    "crashed": "crashed",
}


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch measured; `seconds` is its length, `metrics` are of the val split."""

    epoch: float
    train_loss: float | None
    val_loss: float | None
    lr: float | None
    seconds: float | None
    metrics: Mapping[str, float]

    def to_row(self) -> dict[str, Any]:
        """The epoch as `metrics.json` has it."""
        return {
            "epoch": _shorten_epoch(self.epoch),
            "train_loss": self.train_loss,
            "val_loss": self.val_loss,
            "lr": self.lr,
            "seconds": self.seconds,
            **self.metrics,
        }


@dataclass(frozen=True, kw_only=True)
class StepState:
    """One step of a run: `ending` is None while it works."""

    ending: str | None = None
    exit_code: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a run did not succeed, as a person should read it."""

    message: str
    fix: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, kw_only=True)
class LastCheckpoint:
    """The newest checkpoint: `epoch` finished epochs and `step` steps of the next one."""

    path: str | None
    epoch: float
    step: float


@dataclass(frozen=True, kw_only=True)
class RunState:
    """All that is known of a run from its events.

    `seconds` adds up the time of its parts (first start to interruption, resume to end), without
    the pauses between them. `told` numbers the last line of the present step's adapter.
    `progress` (0 to 1) and `remaining_s` are those of training; the rate behind `remaining_s` is
    that of the present part alone.
    """

    seq: int = -1
    run: str | None = None
    attempt: int = 1
    plan_id: str | None = None
    status: Status = "queued"
    step: str | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    epoch: float = 0.0
    epochs: int | None = None
    history: tuple[Epoch, ...] = ()
    loss: float | None = None
    images_per_s: float | None = None
    progress: float = 0.0
    remaining_s: float | None = None
    best_epoch: float | None = None
    monitor: str | None = None
    final: Mapping[str, float] = field(default_factory=dict)
    final_split: str | None = None
    checkpoint: LastCheckpoint | None = None
    exports: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    data: str | None = None
    verdict: str | None = None
    report: str | None = None
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    exit_code: int | None = None
    backend: str | None = None
    environment: str | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    own_seconds: float | None = None
    step_seconds: float | None = None
    started: str | None = None
    updated: str | None = None
    seconds: float = 0.0
    told: int = 0
    _at: float | None = None
    _anchor: tuple[float, float] | None = None

    @property
    def best(self) -> Epoch | None:
        """The epoch whose checkpoint is the best one."""
        return next((one for one in self.history if one.epoch == self.best_epoch), None)

    @property
    def ending(self) -> Ending | None:
        """How the run ended, or None where it has no terminal event."""
        status = self.status
        return None if status == "queued" or status == "running" else status

    @property
    def is_over(self) -> bool:
        """Whether the last thing that happened to the run is its end."""
        return self.status not in ("queued", "running")

    def has_done(self, step: str) -> bool:
        """Whether the step has finished well, in this part of the run or an earlier one."""
        found = self.steps.get(step)
        return found is not None and found.ending == "succeeded"


def fold_events(events: Iterable[Event]) -> RunState:
    """The state after the events, whatever their order and however often each is repeated."""
    return reduce(apply_event, sorted(events, key=lambda event: event.seq), RunState())


def apply_event(state: RunState, event: Event) -> RunState:
    """The state after one more event; one that was seen already changes nothing.

    A kind that is not known moves the clock and nothing else.
    """
    if event.seq <= state.seq:
        return state
    state = _advance_clock(state, event)
    if event.kind in ("step.started", "step.finished"):
        return _apply_step(state, event)
    change = _CHANGES.get(event.kind)
    return state if change is None else change(state, event.data)


def build_metrics(state: RunState) -> dict[str, Any]:
    """`metrics.json`: the final figures, the best epoch and every epoch."""
    best = state.best
    return {
        "final": {"split": state.final_split, **state.final} if state.final else {},
        "best": {} if best is None else _build_best_row(best, state.monitor),
        "epochs": [one.to_row() for one in state.history],
    }


def _build_best_row(best: Epoch, monitor: str | None) -> dict[str, Any]:
    row = best.to_row()
    value = row.get(monitor) if monitor is not None else None
    if monitor == "loss" and value is None:
        value = best.val_loss
    shown = {key: row[key] for key in row if key not in ("epoch", "lr", "seconds")}
    return {"epoch": row["epoch"], "monitor": monitor, "value": value, **shown}


def _advance_clock(state: RunState, event: Event) -> RunState:
    at = _parse_timestamp(event.time)
    told = _to_int(event.data.get("n")) if event.kind != "step.started" else 0
    begins = event.kind in ("run.started", "run.resumed")
    spent = 0.0 if begins or at is None or state._at is None else max(0.0, at - state._at)
    return replace(
        state,
        seq=event.seq,
        run=state.run or _to_text(event.run),
        attempt=event.attempt if _is_int(event.attempt) else state.attempt,
        updated=event.time if at is not None else state.updated,
        seconds=state.seconds + spent,
        told=told if told is not None else state.told,
        _at=at if at is not None else state._at,
    )


def _apply_run_started(state: RunState, data: Mapping[str, Any]) -> RunState:
    return replace(
        state,
        status="running",
        started=state.updated,
        plan_id=_to_text(data.get("plan_id")),
        backend=_to_text(data.get("backend")),
        environment=_to_text(data.get("environment")),
        machine=_to_mapping(data.get("machine")),
        versions=_to_mapping(data.get("versions")),
        epochs=_to_int(data.get("epochs")) or state.epochs,
        monitor=_to_text(data.get("monitor")) or state.monitor,
    )


def _apply_run_resumed(state: RunState, data: Mapping[str, Any]) -> RunState:
    return replace(
        state,
        status="running",
        step=None,
        failure=None,
        exit_code=None,
        remaining_s=None,
        _anchor=None,
    )


def _apply_run_finished(state: RunState, data: Mapping[str, Any]) -> RunState:
    ending = _ENDINGS.get(_to_text(data.get("ending")) or "", "crashed")
    message = _to_text(data.get("message"))
    failure = state.failure
    if ending == "succeeded":
        failure = None
    elif message is not None:
        trace = failure.traceback if failure is not None else None
        failure = Failure(message=message, fix=_to_text(data.get("fix")), traceback=trace)
    return replace(
        state,
        status=ending,
        step=None,
        exit_code=_to_int(data.get("exit_code")),
        failure=failure,
        artifacts=_to_texts(data.get("artifacts")),
        remaining_s=None,
    )


def _apply_step(state: RunState, event: Event) -> RunState:
    name = _to_text(event.step)
    if name is None:
        return state
    if event.kind == "step.started":
        return replace(state, step=name, steps={**state.steps, name: StepState()})
    done = StepState(
        ending=_to_text(event.data.get("ending")) or "crashed",
        exit_code=_to_int(event.data.get("exit_code")),
        seconds=_to_number(event.data.get("seconds")),
    )
    return replace(state, step=None, steps={**state.steps, name: done})


def _apply_train_started(state: RunState, data: Mapping[str, Any]) -> RunState:
    config = _to_mapping(data.get("config"))
    epochs = _to_int(config.get("epochs")) or state.epochs
    done, steps = _to_number(config.get("fromEpoch")) or 0.0, _to_number(config.get("fromStep"))
    state = replace(
        state,
        config=config,
        epochs=epochs,
        monitor=state.monitor or _to_text(config.get("monitor")),
        epoch=done,
        progress=min(1.0, max(0.0, done / epochs)) if epochs and not steps else state.progress,
        remaining_s=None,
        _anchor=None,
        # What came after the checkpoint is trained again, and may stop at another epoch.
        history=tuple(one for one in state.history if one.epoch <= done),
    )
    if not any(one.epoch == state.best_epoch for one in state.history):
        return replace(state, best_epoch=None)
    return state


def _apply_train_progress(state: RunState, data: Mapping[str, Any]) -> RunState:
    epoch, step = _to_number(data.get("epoch")), _to_number(data.get("step_in_epoch"))
    steps = _to_number(data.get("steps_per_epoch"))
    loss = _to_number(data.get("loss"))
    state = replace(
        state,
        loss=loss if loss is not None else state.loss,
        images_per_s=_to_number(data.get("images_per_s")) or state.images_per_s,
    )
    if epoch is None or step is None or not steps or steps <= 0:
        return state
    return _update_progress(state, max(0.0, epoch - 1) + min(1.0, max(0.0, step / steps)))


def _apply_train_epoch(state: RunState, data: Mapping[str, Any]) -> RunState:
    epoch = _to_number(data.get("epoch"))
    if epoch is None:
        return state
    one = Epoch(
        epoch=epoch,
        train_loss=_to_number(data.get("train_loss")),
        val_loss=_to_number(data.get("val_loss")),
        lr=_to_number(data.get("lr")),
        seconds=_to_number(data.get("seconds")),
        metrics=_to_numbers(data.get("metrics")),
    )
    history = (*state.history, one)
    if state.history and state.history[-1].epoch >= epoch:
        # Only then: a sort each epoch would cost minutes over ten thousand of them.
        kept = (other for other in state.history if other.epoch != epoch)
        history = tuple(sorted((*kept, one), key=lambda other: other.epoch))
    epochs = _to_int(data.get("epochs")) or state.epochs
    return _update_progress(replace(state, history=history, epochs=epochs), epoch)


def _update_progress(state: RunState, epoch: float) -> RunState:
    """Training has come to `epoch` (2.5: two epochs and a half)."""
    if not state.epochs:
        return replace(state, epoch=epoch)
    progress = min(1.0, max(0.0, epoch / state.epochs))
    now, anchor = state._at, state._anchor
    remaining = state.remaining_s
    if now is not None and anchor is None:
        anchor = (now, progress)
    elif now is not None and anchor is not None and progress > anchor[1] and now > anchor[0]:
        remaining = (now - anchor[0]) / (progress - anchor[1]) * (1.0 - progress)
    return replace(state, epoch=epoch, progress=progress, remaining_s=remaining, _anchor=anchor)


def _apply_train_checkpoint(state: RunState, data: Mapping[str, Any]) -> RunState:
    epoch = _to_number(data.get("epoch"))
    if epoch is None:
        return state
    checkpoint = LastCheckpoint(
        path=_to_text(data.get("path")),
        epoch=epoch,
        step=_to_number(data.get("step_in_epoch")) or 0.0,
    )
    best = epoch if data.get("best") is True else state.best_epoch
    return replace(state, checkpoint=checkpoint, best_epoch=best)


def _apply_train_finished(state: RunState, data: Mapping[str, Any]) -> RunState:
    best = _to_number(data.get("best_epoch"))
    return replace(
        state,
        best_epoch=best if best is not None else state.best_epoch,
        own_seconds=_to_number(data.get("own_seconds")),
        step_seconds=_to_number(data.get("step_seconds")),
        progress=1.0,
        remaining_s=None,
    )


def _apply_evaluated(state: RunState, data: Mapping[str, Any]) -> RunState:
    best = _to_number(data.get("checkpoint_epoch"))
    return replace(
        state,
        final=_to_numbers(data.get("metrics")),
        final_split=_to_text(data.get("split")),
        best_epoch=best if best is not None else state.best_epoch,
    )


def _apply_exported(state: RunState, data: Mapping[str, Any]) -> RunState:
    name, path = _to_text(data.get("format")), _to_text(data.get("path"))
    if name is None or path is None:
        return state
    return replace(state, exports={**state.exports, name: path})


def _apply_data_verified(state: RunState, data: Mapping[str, Any]) -> RunState:
    return replace(state, data=_to_text(data.get("path")) or state.data)


def _apply_report_written(state: RunState, data: Mapping[str, Any]) -> RunState:
    return replace(state, report=_to_text(data.get("path")), verdict=_to_text(data.get("verdict")))


def _apply_warning(state: RunState, data: Mapping[str, Any]) -> RunState:
    message = _to_text(data.get("message"))
    if message is None or message in state.warnings:
        return state
    return replace(state, warnings=(*state.warnings, message))


def _apply_failed(state: RunState, data: Mapping[str, Any]) -> RunState:
    failure = Failure(
        message=_to_text(data.get("message")) or "the step failed and did not say why",
        fix=_to_text(data.get("fix")),
        traceback=_to_text(data.get("traceback")),
    )
    return replace(state, failure=failure)


_CHANGES: Final[Mapping[str, Callable[[RunState, Mapping[str, Any]], RunState]]] = {
    "run.started": _apply_run_started,
    "run.resumed": _apply_run_resumed,
    "run.finished": _apply_run_finished,
    "train.started": _apply_train_started,
    "train.progress": _apply_train_progress,
    "train.epoch": _apply_train_epoch,
    "train.checkpoint": _apply_train_checkpoint,
    "train.finished": _apply_train_finished,
    "evaluated": _apply_evaluated,
    "exported": _apply_exported,
    "data.verified": _apply_data_verified,
    "report.written": _apply_report_written,
    "warning": _apply_warning,
    "failed": _apply_failed,
}


def _parse_timestamp(time: Any) -> float | None:
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _to_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _to_int(value: Any) -> int | None:
    number = _to_number(value)
    return int(number) if number is not None and number.is_integer() else None


def _to_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _to_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _to_numbers(value: Any) -> dict[str, float]:
    found = ((str(name), _to_number(item)) for name, item in _to_mapping(value).items())
    return {name: number for name, number in found if number is not None}


def _to_texts(value: Any) -> dict[str, str]:
    return {str(key): item for key, item in _to_mapping(value).items() if isinstance(item, str)}


def _shorten_epoch(epoch: float) -> float | int:
    return int(epoch) if float(epoch).is_integer() else epoch
