"""What a person sees while a run goes on: a live view in a terminal, else lines."""

from collections.abc import Mapping
from typing import Final, Protocol, TextIO

from vtspec.cli.terminal import get_styled_stream
from vtspec.pipelines.formatting import (
    format_duration,
    format_epoch,
    format_number,
    format_size,
    pluralize,
)
from vtspec.pipelines.runs.events import (
    Body,
    DataVerified,
    Evaluated,
    Event,
    Exported,
    ReportWritten,
    RunResumed,
    RunStarted,
    TrainEpoch,
    TrainFinished,
    TrainStarted,
    Warned,
)
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.runs.state_phrases import format_main_metric
from vtspec.pipelines.runs.training_state import Epoch, Training

_WIDTH: Final = 9


class RunProgress(Protocol):
    """Shows a run as it goes on; a context manager, so that a terminal is left as it was."""

    def __enter__(self) -> "RunProgress": ...

    def __exit__(self, *raised: object) -> None: ...

    def show_event(self, event: Event, state: RunState) -> None:
        """Show what the event changed."""

    def show_line(self, line: str) -> None:
        """Show a line that is not about an event."""


def make_progress(stream: TextIO) -> RunProgress:
    """A live view where `stream` is a terminal that can draw one, plain lines elsewhere."""
    if not stream.isatty():
        return PlainProgress(stream)
    from rich.console import Console

    # Names and warnings are not ours: `[x]` and `:cat:` in them stay as they are.
    console = Console(file=get_styled_stream(stream), highlight=False, markup=False, emoji=False)
    # A dumb terminal cannot go back in a line: every look would be new lines.
    if not console.is_terminal or console.is_dumb_terminal:
        return PlainProgress(stream)
    from .live_progress import LiveProgress

    return LiveProgress(console)


class PlainProgress:
    """One line an epoch and one for each thing that a step finds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._warned: set[str | None] = set()

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *raised: object) -> None:
        self._stream.flush()

    def show_event(self, event: Event, state: RunState) -> None:
        """Write the event's line, where it has one."""
        line = None if is_repeated(event, self._warned) else format_event(event, state)
        if line is not None:
            self.show_line(line)

    def show_line(self, line: str) -> None:
        """Write the line at once."""
        print(line, file=self._stream, flush=True)


def is_repeated(event: Event, warned: set[str | None]) -> bool:
    """Whether the event warns of what was warned of before, which is then in `warned`."""
    if not isinstance(event.body, Warned):
        return False
    # Training and evaluation each look at the data, and epochs at their losses.
    repeated = event.body.message in warned
    warned.add(event.body.message)
    return repeated


def format_event(event: Event, state: RunState, *, with_remaining: bool = True) -> str | None:
    """The line that an event leaves for people, or None where it leaves none; that of an epoch
    says how long training will still take where it is `with_remaining`."""
    words = _describe(event.body, state, with_remaining)
    name = "warning" if isinstance(event.body, Warned) else event.step or "run"
    return None if words is None else f"{name:<{_WIDTH}} {words}"


def _describe(told: Body, state: RunState, with_remaining: bool) -> str | None:
    match told:
        case RunStarted():
            where = told.environment or "an environment that it does not name"
            return f"{state.run} in {where}"
        case RunResumed():
            return _describe_resumption(state)
        case TrainStarted() | TrainEpoch() | TrainFinished():
            return _describe_training(told, state.training, with_remaining)
        case Evaluated():
            return _describe_evaluation(state)
        case Exported(path=path, max_difference=None):
            return str(path)
        case Exported(path=path, max_difference=difference):
            return f"{path}, outputs differ by at most {format_number(difference)}"
        case DataVerified():
            files = pluralize(told.files or 0, "file")
            return f"{files}, {format_size(told.bytes)}, as the plan pins them"
        case ReportWritten(path=words) | Warned(message=words):
            return str(words)
        # Output is for `vtspec logs`; how a run ended or failed is told by its result.
        case _:
            return None


def _describe_resumption(state: RunState) -> str:
    if state.has_done("train"):
        return f"{state.run} resumed after its training"
    # Else a person would wonder why the epochs begin at 1 again.
    if state.training.checkpoint is None:
        return f"{state.run} resumed; it had left no checkpoint yet"
    return f"{state.run} resumed"


def _describe_training(
    told: TrainStarted | TrainEpoch | TrainFinished, at: Training, with_remaining: bool
) -> str | None:
    match told:
        case TrainStarted(config=config):
            return _describe_start(config)
        case TrainEpoch(epoch=epoch):
            done = next((one for one in at.history if one.epoch == epoch), None)
            return None if done is None else _describe_epoch(done, at, with_remaining)
        case TrainFinished(stopped_early=stopped_early):
            best, monitor = at.best, at.monitor
            value = best.metrics.get(monitor) if best is not None and monitor is not None else None
            figure = f", {monitor} {format_number(value)}" if value is not None else ""
            early = "; stopped early" if stopped_early else ""
            return f"best epoch {_format_epoch_number(at.best_epoch)}{figure}{early}"


def _describe_start(config: Mapping[str, object]) -> str:
    parts = [f"on {config['device']}"] if config.get("device") else []
    parameters = config.get("parameters")
    if isinstance(parameters, int):
        parts.append(pluralize(parameters, "parameter"))
    done, steps = config.get("fromEpoch"), config.get("fromStep")
    if done or steps:
        more = f" and {pluralize(steps, 'step')}" if isinstance(steps, int) and steps else ""
        parts.append(f"going on after epoch {done}{more}")
    return ", ".join(parts) or "started"


def _describe_epoch(done: Epoch, at: Training, with_remaining: bool) -> str:
    parts = [f"epoch {_format_epoch_number(done.epoch):>3}/{at.epochs or '?'}"]
    for name, value in (("train_loss", done.train_loss), ("val_loss", done.val_loss)):
        if value is not None:
            parts.append(f"{name} {format_number(value)}")
    parts += format_main_metric(at.monitor, done.metrics)
    if done.seconds is not None:
        parts.append(format_duration(done.seconds))
    if with_remaining and at.remaining_s and at.progress < 1:
        parts.append(f"{format_duration(at.remaining_s)} left")
    return "  ".join(parts)


def _describe_evaluation(state: RunState) -> str:
    figures = format_main_metric(state.training.monitor, state.final.metrics)
    loss = state.final.metrics.get("loss")
    figures += [f"loss {format_number(loss)}"] if loss is not None else []
    return f"{state.final.split}: {'  '.join(figures)}"


def _format_epoch_number(epoch: float | None) -> str:
    return "?" if epoch is None else format_epoch(epoch)
