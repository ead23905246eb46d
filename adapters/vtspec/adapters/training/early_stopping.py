"""Which epoch is best and when to stop early: a pure function of the epochs' values.

Nothing but the list of monitored values has to survive a kill for training to go on as if
nothing had happened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vtspec.adapters.contract import AdapterError, EarlyStopping, MetricsResult, TaskType
from vtspec.adapters.metrics import METRICS, find_metric

_LOSSES = ("val_loss", "train_loss")


@dataclass(frozen=True, kw_only=True)
class MonitorState:
    """`best_epoch` counts from 1, 0 where no value was a number; `stale_epochs` went by since one
    that was better by more than the smallest change that counts."""

    best_epoch: int
    stale_epochs: int


def judge_epochs(
    values: Sequence[float | None], *, higher_is_better: bool, min_delta: float = 0.0
) -> MonitorState:
    """The verdict over the values of epochs 1, 2, …; None and NaN are never best."""
    # One direction from here on: the larger the better.
    sign = 1.0 if higher_is_better else -1.0
    best_epoch, stale_epochs = 0, 0
    # Two marks: the best epoch takes any gain, patience only one of more than `min_delta`.
    best_value = reference = -math.inf
    for epoch, value in enumerate(values, start=1):
        usable = value is not None and math.isfinite(value)
        height = sign * value if value is not None and usable else -math.inf
        if height > best_value:
            best_epoch, best_value = epoch, height
        if height > reference + min_delta or (reference == -math.inf < height):
            reference, stale_epochs = height, 0
        else:
            stale_epochs += 1
    return MonitorState(best_epoch=best_epoch, stale_epochs=stale_epochs)


def stops_early(found: MonitorState, early: EarlyStopping | None) -> bool:
    """Whether patience is over."""
    return early is not None and found.stale_epochs >= early.patience


def higher_is_better(task: TaskType, monitor: str) -> bool:
    """Whether more of the monitored metric is better.

    Raises:
        AdapterError: the task has no metric of that name.
    """
    if monitor in _LOSSES:
        return False
    metric = find_metric(task, monitor)
    if metric is None:
        names = ", ".join(known.name for known in METRICS[task])
        raise AdapterError(
            f"training.checkpoint.monitor: {task.value} has no metric '{monitor}'",
            f"take one of {names}, val_loss",
        )
    return metric.higher_is_better


def get_monitored_value(result: MetricsResult, monitor: str) -> float | None:
    """The monitored value of one epoch; `loss` is the loss on the val split.

    Raises:
        AdapterError: the adapter did not report it; the fix names what it did report.
    """
    reported: dict[str, float | None] = dict(result.metrics)
    for name, loss in (("val_loss", result.val_loss), ("train_loss", result.train_loss)):
        if loss is not None:
            reported[name] = loss
    if result.val_loss is not None:
        reported.setdefault("loss", result.val_loss)
    if monitor not in reported:
        raise AdapterError(
            f"training.checkpoint.monitor: the adapter reports no '{monitor}'",
            f"take one of {', '.join(sorted(reported))}",
        )
    return reported[monitor]
