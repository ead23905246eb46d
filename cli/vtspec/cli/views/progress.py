"""What a person sees while a run goes on: a bar with live figures in a terminal, else lines."""

import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from vtspec.pipelines.formatting import format_duration, format_number, format_size
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH: Final = 9


class RunProgress(Protocol):
    """Shows a run as it goes on; a context manager, so that a terminal is left as it was."""

    def __enter__(self) -> "RunProgress": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show_event(self, event: Event, state: RunState) -> None:
        """Show what the event changed."""

    def show_line(self, line: str) -> None:
        """Show a line that is not about an event."""


def make_progress(stream: TextIO) -> RunProgress:
    """A bar where `stream` is a terminal that can draw one, plain lines elsewhere."""
    if not stream.isatty():
        return PlainProgress(stream)
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    return (
        BarProgress(console)
        if console.is_terminal and not console.is_dumb_terminal
        else PlainProgress(stream)
    )


class PlainProgress:
    """One line an epoch and one for each thing that a step finds."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.flush()

    def show_event(self, event: Event, state: RunState) -> None:
        """Write the event's line, where it has one."""
        line = format_event(event, state)
        if line is not None:
            self.show_line(line)

    def show_line(self, line: str) -> None:
        """Write the line at once."""
        print(line, file=self._stream, flush=True)


class BarProgress:
    """The same lines, and below them a bar of the training with its figures."""

    def __init__(self, console: "Console") -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._console = console
        self._bar = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None, figures="")

    def __enter__(self) -> "BarProgress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show_event(self, event: Event, state: RunState) -> None:
        """Move the bar, and leave the event's line above it."""
        line = format_event(event, state)
        if line is not None:
            self._print(line, "yellow" if event.kind == "warning" else None)
        if event.kind == "step.started":
            total = 1.0 if event.step == "train" else None
            self._bar.reset(self._task, total=total, description=event.step or "", figures="")
        elif event.kind.startswith("train.") and event.kind != "train.finished":
            self._bar.update(self._task, completed=state.progress, figures=format_figures(state))

    def show_line(self, line: str) -> None:
        """Leave the line above the bar."""
        self._print(line, "dim")

    def _print(self, line: str, style: str | None) -> None:
        from rich.text import Text

        self._console.print(Text(line, style=style or ""), soft_wrap=True)


def format_figures(state: RunState) -> str:
    """What stands beside the bar: where training is, its loss, its speed and what remains."""
    parts = [f"epoch {min(state.epochs or 1, int(state.epoch) + 1)}/{state.epochs or '?'}"]
    if state.loss is not None:
        parts.append(f"loss {format_number(state.loss)}")
    if state.history:
        parts += _format_main_metric(state, state.history[-1].metrics)
    if state.images_per_s:
        parts.append(f"{format_number(round(state.images_per_s))} images/s")
    if state.remaining_s is not None:
        parts.append(f"{format_duration(state.remaining_s)} left")
    return "  ".join(parts)


def format_event(event: Event, state: RunState) -> str | None:
    """The line that an event leaves for people, or None where it leaves none."""
    words = _WORDS.get(event.kind)
    if words is None:
        return None
    told = words(event.data, state)
    name = "warning" if event.kind == "warning" else event.step or "run"
    return None if told is None else f"{name:<{_WIDTH}} {told}"


def _format_run_started(data: Mapping[str, Any], state: RunState) -> str:
    return f"{state.run} in {data.get('environment') or 'an environment that it does not name'}"


def _format_run_resumed(data: Mapping[str, Any], state: RunState) -> str:
    if state.has_done("train"):
        return f"{state.run} resumed after its training"
    if state.checkpoint is None:
        return f"{state.run} resumed; it had left no checkpoint yet"
    return f"{state.run} resumed"


def _format_data_verified(data: Mapping[str, Any], state: RunState) -> str:
    files, size = format_number(data.get("files")), format_size(data.get("bytes"))
    return f"{files} files, {size}, as the plan pins them"


def _format_train_started(data: Mapping[str, Any], state: RunState) -> str:
    config = state.config
    parts = [f"on {config['device']}"] if config.get("device") else []
    if isinstance(config.get("parameters"), int):
        parts.append(f"{config['parameters']:,} parameters")
    done, steps = config.get("fromEpoch"), config.get("fromStep")
    if done or steps:
        parts.append(f"going on after epoch {done}" + (f" and {steps} steps" if steps else ""))
    return ", ".join(parts) or "started"


def _format_train_epoch(data: Mapping[str, Any], state: RunState) -> str | None:
    done = next((one for one in state.history if one.epoch == data.get("epoch")), None)
    if done is None:
        return None
    total = state.epochs or "?"
    parts = [f"epoch {_format_epoch_number(done.epoch):>3}/{total}"]
    for name, value in (("train_loss", done.train_loss), ("val_loss", done.val_loss)):
        if value is not None:
            parts.append(f"{name} {format_number(value)}")
    parts += _format_main_metric(state, done.metrics)
    if done.seconds is not None:
        parts.append(format_duration(done.seconds))
    if state.remaining_s and state.progress < 1:
        parts.append(f"{format_duration(state.remaining_s)} left")
    return "  ".join(parts)


def _format_train_finished(data: Mapping[str, Any], state: RunState) -> str:
    best, monitor = state.best, state.monitor
    value = best.metrics.get(monitor) if best is not None and monitor is not None else None
    figure = f", {monitor} {format_number(value)}" if value is not None else ""
    early = "; stopped early" if data.get("stopped_early") else ""
    return f"best epoch {_format_epoch_number(state.best_epoch)}{figure}{early}"


def _format_evaluated(data: Mapping[str, Any], state: RunState) -> str:
    loss = state.final.get("loss")
    figures = _format_main_metric(state, state.final) + (
        [f"loss {format_number(loss)}"] if loss is not None else []
    )
    return f"{state.final_split}: {'  '.join(figures)}"


def _format_exported(data: Mapping[str, Any], state: RunState) -> str:
    difference = data.get("max_difference")
    told = (
        f", outputs differ by at most {format_number(difference)}"
        if difference is not None
        else ""
    )
    return f"{data.get('path')}{told}"


def _format_report_written(data: Mapping[str, Any], state: RunState) -> str:
    return str(data.get("path"))


def _format_warning(data: Mapping[str, Any], state: RunState) -> str:
    return str(data.get("message"))


def _format_main_metric(state: RunState, metrics: Mapping[str, float]) -> list[str]:
    """The metric that decides, or the first one where none is known to."""
    name = state.monitor if state.monitor in metrics else next(iter(metrics), None)
    return [] if name is None else [f"{name} {format_number(metrics[name])}"]


def _format_epoch_number(epoch: float | None) -> str:
    """An epoch; half of one is 0.5."""
    return "?" if epoch is None else f"{epoch:.4g}"


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any], RunState], str | None]]] = {
    "run.started": _format_run_started,
    "run.resumed": _format_run_resumed,
    "data.verified": _format_data_verified,
    "train.started": _format_train_started,
    "train.epoch": _format_train_epoch,
    "train.finished": _format_train_finished,
    "evaluated": _format_evaluated,
    "exported": _format_exported,
    "report.written": _format_report_written,
    "warning": _format_warning,
}
