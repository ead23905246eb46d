"""The default `TrainingCallbacks`: JSON lines to a file descriptor, `[METRICS]` on stdout.

Each line is `{"kind": …, …}` with a kind and the fields of `vtspec.pipelines.runs.events`; the
reader stamps it with run, sequence and time. The descriptor is written to without blocking: what a
full pipe does not take waits in memory and goes out with later lines or at `close`, so that a slow
reader slows nothing down. Only progress, which the next one replaces, is left out while more than
a mebibyte waits. When the reader has gone, `should_stop` says so.
"""

from __future__ import annotations

import collections
import json
import math
import os
import select
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from vtspec.adapters.contract import Adaptation, MetricsResult, TrainingSummary
from vtspec.adapters.json_types import JsonObject

PROGRESS_S: Final = 0.5
"""Least seconds between two progress lines of one epoch."""

_BACKLOG_BYTES: Final = 1 << 20


@dataclass(kw_only=True)
class JsonLinesCallbacks:
    """Tells a reader on the descriptor `fd` what happens; None of its calls blocks or raises.

    `epochs` and `images_per_step` complete what the lines say; paths are told relative to
    `workdir`. `own_seconds` adds up the time spent in here. A `stop_file` that is there asks to
    stop as well.
    """

    fd: int
    stdout: TextIO
    workdir: Path
    epochs: int = 0
    images_per_step: int = 0
    clock: Callable[[], float] = time.monotonic
    own_seconds: float = 0.0
    stop_file: Path | None = None
    _stop: bool = False
    _reader_has_gone: bool = False
    _stdout_is_open: bool = True
    _told_at: float = -math.inf
    _measured_from: tuple[int, int, float] = (0, 0, 0.0)
    _loss: float | None = None
    _waited: float | None = None
    _measure_gpu_memory: Callable[[], int] | None = None
    _waiting: collections.deque[bytes] = field(default_factory=collections.deque)
    _waiting_bytes: int = 0
    _parent: int = field(default_factory=os.getppid)

    def __post_init__(self) -> None:
        mode = os.fstat(self.fd).st_mode
        # A terminal is shared with others, who would meet the flag too.
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            os.set_blocking(self.fd, False)

    def on_train_begin(self, config: JsonObject) -> None:
        """Emit `train.started`."""
        epochs = config.get("epochs")
        # As it was shortened before.
        self.epochs = epochs if isinstance(epochs, int) else self.epochs
        self.emit("train.started", config=dict(config))

    def on_data_wait(
        self, seconds: float, measure_gpu_memory: Callable[[], int] | None = None
    ) -> None:
        """Add it up for the next progress line."""
        self._waited = (self._waited or 0.0) + seconds
        self._measure_gpu_memory = measure_gpu_memory

    def on_step_end(self, epoch: int, step: int, steps: int, loss: float | None) -> None:
        """Emit `train.progress`, at most every `PROGRESS_S` seconds, and at the epoch's end."""
        now = self.clock()
        if loss is not None:
            self._loss = loss
        if now - self._told_at < PROGRESS_S and step < steps:
            self.own_seconds += self.clock() - now
            return
        # Only progress is dropped for a slow reader: every other event happens once and counts.
        if self._waiting_bytes < _BACKLOG_BYTES:
            self.emit(
                "train.progress",
                epoch=epoch,
                step_in_epoch=step,
                steps_per_epoch=steps,
                loss=self._loss,
                images_per_s=self._compute_speed(epoch, step, now),
                **self._describe_usage(epoch, now),
            )
        self._told_at, self._measured_from = now, (epoch, step, now)
        self._waited = None

    def on_epoch_end(self, epoch: int, metrics: MetricsResult) -> None:
        """Emit `train.epoch`, and the same for people on stdout."""
        self.emit(
            "train.epoch",
            epoch=metrics.epoch,
            epochs=self.epochs,
            train_loss=metrics.train_loss,
            val_loss=metrics.val_loss,
            metrics=dict(metrics.metrics),
            seconds=metrics.seconds,
            lr=metrics.learning_rate,
            class_metrics=dict(metrics.class_metrics),
        )
        losses = {"train_loss": metrics.train_loss, "val_loss": metrics.val_loss}
        self._print(f"epoch={epoch}/{self.epochs}", {**losses, **metrics.metrics})

    def on_checkpoint(self, path: Path, epoch: int, step: int, *, best: bool) -> None:
        """Emit `train.checkpoint`."""
        self.emit(
            "train.checkpoint",
            path=self._format_path(path),
            epoch=epoch,
            step_in_epoch=step,
            best=best,
        )

    def on_train_end(
        self, final_metrics: Mapping[str, float], summary: TrainingSummary | None = None
    ) -> None:
        """Emit `train.finished`; the seconds are None where the framework owns its loop."""
        self.emit(
            "train.finished",
            metrics=dict(final_metrics),
            best_epoch=summary.best_epoch if summary else None,
            stopped_early=summary.stopped_early if summary else None,
            own_seconds=summary.own_seconds if summary else None,
            step_seconds=summary.step_seconds if summary else None,
        )
        self._print("best", final_metrics)

    def on_warning(self, message: str) -> None:
        """Emit `warning`."""
        self.emit("warning", message=message)

    def on_adapted(self, adaptation: Adaptation) -> None:
        """Emit `train.adapted`."""
        if "training.epochs" in adaptation.changes:
            self.epochs = int(adaptation.changes["training.epochs"][1])
        self.emit("train.adapted", **describe_adaptation(adaptation))

    def should_stop(self) -> bool:
        """Whether `stop` was called, nobody listens any more, or the parent process was killed."""
        # An orphan stops too: without its parent nobody would resume or report what it does.
        if self._stop or self._reader_has_gone or os.getppid() != self._parent:
            return True
        return self.stop_file is not None and self.stop_file.exists()

    def stop(self) -> None:
        """Make `should_stop` true; may be called from a signal handler."""
        self._stop = True

    def emit(self, kind: str, **fields: object) -> None:
        """Write one line; numbers that are not finite become null."""
        started_at = self.clock()
        if not self._reader_has_gone:
            told = replace_nonfinite({"kind": kind, **fields})
            # `default=str`: telling must never be what ends a training.
            line = json.dumps(told, separators=(",", ":"), default=str)
            self._waiting.append(line.encode() + b"\n")
            self._waiting_bytes += len(self._waiting[-1])
            self._write_pending()
        self.own_seconds += self.clock() - started_at

    def close(self) -> None:
        """Write all that still waits, waiting for the reader as long as there is one."""
        writable = select.poll()
        writable.register(self.fd, select.POLLOUT)
        while self._waiting:
            # An error on the descriptor wakes this too; the write then finds it.
            writable.poll()
            self._write_pending()

    def _write_pending(self) -> None:
        try:
            while self._waiting:
                line = self._waiting.popleft()
                written = self._write(line)
                self._waiting_bytes -= written
                if written < len(line):
                    self._waiting.appendleft(line[written:])
                    return
        except OSError:
            # EPIPE, or the descriptor was closed: there is nobody left to tell.
            self._reader_has_gone = True
            self._waiting.clear()
            self._waiting_bytes = 0

    def _write(self, line: bytes) -> int:
        try:
            return os.write(self.fd, line)
        except BlockingIOError:
            return 0

    def _compute_speed(self, epoch: int, step: int, now: float) -> float | None:
        # Between two lines of one epoch: validation and checkpoints are not training.
        from_epoch, from_step, since = self._measured_from
        if from_epoch != epoch or now <= since:
            return None
        return round((step - from_step) * self.images_per_step / (now - since), 1)

    def _describe_usage(self, epoch: int, now: float) -> JsonObject:
        from_epoch, _, since = self._measured_from
        is_known = self._waited is not None and from_epoch == epoch and now > since
        share = min(1.0, (self._waited or 0.0) / (now - since)) if is_known else None
        measure = self._measure_gpu_memory
        return {
            "data_wait": None if share is None else round(share, 4),
            "gpu_memory_bytes": None if measure is None else measure(),
        }

    def _format_path(self, path: Path) -> str:
        return os.path.relpath(path, self.workdir)

    def _print(self, what: str, values: Mapping[str, float | None]) -> None:
        numbers = " ".join(
            f"{name}={value:.6g}" for name, value in values.items() if value is not None
        )
        started_at = self.clock()
        if self._stdout_is_open:
            try:
                print(f"[METRICS] {what} {numbers}", file=self.stdout, flush=True)
            except (OSError, ValueError):
                # Closed by its reader (a pager, a terminal); the lines on `fd` go on.
                self._stdout_is_open = False
        self.own_seconds += self.clock() - started_at


def describe_adaptation(adaptation: Adaptation) -> JsonObject:
    """An adaptation as events tell it and checkpoints keep it."""
    return {
        "cause": adaptation.cause,
        "epoch": adaptation.epoch,
        "step_in_epoch": adaptation.step,
        "changes": {path: list(values) for path, values in adaptation.changes.items()},
        "message": adaptation.message,
    }


def replace_nonfinite(value: object) -> object:
    """The value with None for NaN and infinities, which JSON has no word for, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): replace_nonfinite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_nonfinite(item) for item in value]
    return value
