"""What a person sees while a run goes on: a bar with live figures in a terminal, else lines."""

import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from vtspec.pipelines.reporting.figures import duration, number, size
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH: Final = 9


class Progress(Protocol):
    """Shows a run as it goes on; a context manager, so that a terminal is left as it was."""

    def __enter__(self) -> "Progress": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def told(self, event: Event, state: RunState) -> None:
        """Show what the event changed."""

    def say(self, line: str) -> None:
        """Show a line that is not about an event."""


def progress_on(stream: TextIO) -> Progress:
    """A bar where `stream` is a terminal that can draw one, plain lines elsewhere."""
    if not stream.isatty():
        return Lines(stream)
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    return Bar(console) if console.is_terminal and not console.is_dumb_terminal else Lines(stream)


class Lines:
    """One line an epoch and one for each thing that a step finds."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.flush()

    def told(self, event: Event, state: RunState) -> None:
        """Write the event's line, where it has one."""
        line = line_of(event, state)
        if line is not None:
            self.say(line)

    def say(self, line: str) -> None:
        """Write the line at once."""
        print(line, file=self._stream, flush=True)


class Bar:
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

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def told(self, event: Event, state: RunState) -> None:
        """Move the bar, and leave the event's line above it."""
        line = line_of(event, state)
        if line is not None:
            self._print(line, "yellow" if event.kind == "warning" else None)
        if event.kind == "step.started":
            total = 1.0 if event.step == "train" else None
            self._bar.reset(self._task, total=total, description=event.step or "", figures="")
        elif event.kind.startswith("train.") and event.kind != "train.finished":
            self._bar.update(self._task, completed=state.progress, figures=figures_of(state))

    def say(self, line: str) -> None:
        """Leave the line above the bar."""
        self._print(line, "dim")

    def _print(self, line: str, style: str | None) -> None:
        from rich.text import Text

        self._console.print(Text(line, style=style or ""), soft_wrap=True)


def figures_of(state: RunState) -> str:
    """What stands beside the bar: where training is, its loss, its speed and what remains."""
    parts = [f"epoch {min(state.epochs or 1, int(state.epoch) + 1)}/{state.epochs or '?'}"]
    if state.loss is not None:
        parts.append(f"loss {number(state.loss)}")
    if state.history:
        parts += _metrics(state, state.history[-1].metrics)
    if state.images_per_s:
        parts.append(f"{number(round(state.images_per_s))} images/s")
    if state.remaining_s is not None:
        parts.append(f"{duration(state.remaining_s)} left")
    return "  ".join(parts)


def line_of(event: Event, state: RunState) -> str | None:
    """The line that an event leaves for people, or None where it leaves none."""
    words = _WORDS.get(event.kind)
    if words is None:
        return None
    told = words(event.data, state)
    name = "warning" if event.kind == "warning" else event.step or "run"
    return None if told is None else f"{name:<{_WIDTH}} {told}"


def _started(data: Mapping[str, Any], state: RunState) -> str:
    return f"{state.run} in {data.get('environment') or 'an environment that it does not name'}"


def _resumed(data: Mapping[str, Any], state: RunState) -> str:
    if state.has_done("train"):
        return f"{state.run} resumed after its training"
    if state.checkpoint is None:
        return f"{state.run} resumed; it had left no checkpoint yet"
    return f"{state.run} resumed"


def _verified(data: Mapping[str, Any], state: RunState) -> str:
    return f"{number(data.get('files'))} files, {size(data.get('bytes'))}, as the plan pins them"


def _train_started(data: Mapping[str, Any], state: RunState) -> str:
    config = state.config
    parts = [f"on {config['device']}"] if config.get("device") else []
    if isinstance(config.get("parameters"), int):
        parts.append(f"{config['parameters']:,} parameters")
    done, steps = config.get("fromEpoch"), config.get("fromStep")
    if done or steps:
        parts.append(f"going on after epoch {done}" + (f" and {steps} steps" if steps else ""))
    return ", ".join(parts) or "started"


def _epoch(data: Mapping[str, Any], state: RunState) -> str | None:
    done = next((one for one in state.history if one.epoch == data.get("epoch")), None)
    if done is None:
        return None
    total = state.epochs or "?"
    parts = [f"epoch {_count(done.epoch):>3}/{total}"]
    for name, value in (("train_loss", done.train_loss), ("val_loss", done.val_loss)):
        if value is not None:
            parts.append(f"{name} {number(value)}")
    parts += _metrics(state, done.metrics)
    if done.seconds is not None:
        parts.append(duration(done.seconds))
    if state.remaining_s and state.progress < 1:
        parts.append(f"{duration(state.remaining_s)} left")
    return "  ".join(parts)


def _trained(data: Mapping[str, Any], state: RunState) -> str:
    best, monitor = state.best, state.monitor
    value = best.metrics.get(monitor) if best is not None and monitor is not None else None
    figure = f", {monitor} {number(value)}" if value is not None else ""
    early = "; stopped early" if data.get("stopped_early") else ""
    return f"best epoch {_count(state.best_epoch)}{figure}{early}"


def _evaluated(data: Mapping[str, Any], state: RunState) -> str:
    loss = state.final.get("loss")
    figures = _metrics(state, state.final) + ([f"loss {number(loss)}"] if loss is not None else [])
    return f"{state.final_split}: {'  '.join(figures)}"


def _exported(data: Mapping[str, Any], state: RunState) -> str:
    difference = data.get("max_difference")
    told = f", outputs differ by at most {number(difference)}" if difference is not None else ""
    return f"{data.get('path')}{told}"


def _written(data: Mapping[str, Any], state: RunState) -> str:
    return str(data.get("path"))


def _warning(data: Mapping[str, Any], state: RunState) -> str:
    return str(data.get("message"))


def _metrics(state: RunState, metrics: Mapping[str, float]) -> list[str]:
    """The metric that decides, or the first one where none is known to."""
    name = state.monitor if state.monitor in metrics else next(iter(metrics), None)
    return [] if name is None else [f"{name} {number(metrics[name])}"]


def _count(epoch: float | None) -> str:
    """An epoch; half of one is 0.5."""
    return "?" if epoch is None else f"{epoch:.4g}"


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any], RunState], str | None]]] = {
    "run.started": _started,
    "run.resumed": _resumed,
    "data.verified": _verified,
    "train.started": _train_started,
    "train.epoch": _epoch,
    "train.finished": _trained,
    "evaluated": _evaluated,
    "exported": _exported,
    "report.written": _written,
    "warning": _warning,
}
