"""What a terminal shows while a run goes on: the lines that stay, and below them a view of the
training that is drawn over itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import TaskType
from vtspec.adapters.metrics import find_metric
from vtspec.cli.terminal import make_printable
from vtspec.pipelines.formatting import (
    format_duration,
    format_epoch,
    format_number,
    format_share,
    format_size,
)
from vtspec.pipelines.runs.events import Event, StepStarted, Warned
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.runs.training_state import Training

from .progress import format_event, is_repeated
from .styled_text import Line, Span, count_cells, fill_lines

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.progress_bar import ProgressBar

_REFRESH_PER_S: Final = 4

_BAR: Final = 24
_NARROWEST_BAR: Final = 6
_GAPS: Final = re.compile(r"(?<=\S) {2}(?=\S)")
"""Between the figures of a line; what is filled up with spaces has more."""
_INDENT: Final = "  "

_MOST_LINES: Final = 3
"""Of metrics: a detector has more than anybody looks at while it trains."""

_WIDEST: Final = 100


@dataclass(frozen=True, kw_only=True)
class _Bar:
    """A line with a bar: of what, how much of it (None: nobody knows), and words behind it."""

    name: str
    share: float | None
    words: str


class LiveProgress:
    """Shows a run as it goes on; the terminal is left as it was, whatever ends it."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live
        from rich.spinner import Spinner

        self._console = console
        self._warned: set[str | None] = set()
        self._step = "starting"
        self._state = RunState()
        # A terminal that is not UTF-8 has no dots of Braille.
        dots = "dots" if console.encoding.startswith("utf") else "line"
        self._spinner = Spinner(dots, style="cyan")
        self._live = Live(
            self,
            console=console,
            refresh_per_second=_REFRESH_PER_S,
            # It goes when the run is over: the lines above it are the record.
            transient=True,
        )

    def __enter__(self) -> "LiveProgress":
        self._live.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._live.stop()

    def show_event(self, event: Event, state: RunState) -> None:
        """Take up what the event changed, and leave its line above the view."""
        line = None
        if not is_repeated(event, self._warned):
            # What is left stands in the view, and is out of date in a line that stays.
            line = format_event(event, state, with_remaining=False)
        # Drawn by the thread that draws, a quarter of a second later at most.
        self._state = state
        if isinstance(event.body, StepStarted):
            self._step = event.step or ""
        if line is not None:
            self._print(line, "yellow" if isinstance(event.body, Warned) else None)

    def show_line(self, line: str) -> None:
        """Leave the line above the view."""
        self._print(line, "dim")

    def _print(self, line: str, style: str | None) -> None:
        from rich.text import Text

        shown = make_printable(line)
        if count_cells(shown) > self._console.width:
            # An epoch fits into 80 columns then, which it would miss by a word.
            shown = _GAPS.sub(" ", shown)
        self._console.print(Text(shown, style=style or ""), soft_wrap=True)

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.table import Table
        from rich.text import Text

        # One column less, since some terminals go on a line below after the last one.
        width = min(_WIDEST, options.max_width - 1)
        is_training = self._step == "train"
        bars = list_bars(self._step, self._state.training if is_training else None)
        longest = max(count_cells(bar.name) for bar in bars)
        for place, bar in enumerate(bars):
            row = Table.grid(padding=(0, 1))
            mark = self._spinner if not place else Text(" ")
            room = max(_NARROWEST_BAR, min(_BAR, width - longest - count_cells(bar.words) - 5))
            name = Text(make_printable(bar.name).ljust(longest))
            words = Text(make_printable(bar.words), no_wrap=True)
            words.truncate(max(1, width - longest - room - 4), overflow="ellipsis")
            row.add_row(mark, name, _draw_bar(bar.share, room), words)
            yield row
        for line in list_figures(self._state.training, width) if is_training else ():
            yield Text.assemble(
                *((make_printable(text), style) for text, style in line), no_wrap=True
            )


def _draw_bar(share: float | None, width: int) -> "ProgressBar":
    from rich.progress_bar import ProgressBar

    if share is None:
        # It moves, so that a person sees that the step lives.
        return ProgressBar(total=None, width=width, pulse=True)
    return ProgressBar(total=1.0, completed=share, width=width)


def list_bars(step: str, at: Training | None) -> list[_Bar]:
    """The bar of the step, and in training that of the epoch in work below it."""
    if at is None:
        return [_Bar(name=step, share=None, words="")]
    left = "" if at.remaining_s is None else f"{format_duration(at.remaining_s)} left"
    whole = _Bar(name=step, share=at.progress, words=f"{format_share(at.progress, 1)}  {left}")
    # What is done counts, so the one in work is the next; after the last there is none.
    done = int(at.epoch)
    number = min(at.epochs or done + 1, done + 1)
    within = 1.0 if at.epochs is not None and done >= at.epochs else at.epoch - done
    speed = f"{format_number(round(at.images_per_s))} images/s" if at.images_per_s else ""
    epoch = _Bar(
        name=f"epoch {number}/{at.epochs or '?'}",
        share=within,
        words=f"{format_share(within, 1)}  {speed}",
    )
    return [whole, epoch]


def list_figures(at: Training, width: int) -> Iterator[Line]:
    """Losses, then the metrics of the last epoch with the best until now, the one that decides
    first; then what says whether data or the GPU hold it up."""
    yield from fill_lines(list(_list_losses(at)), width, _INDENT)
    yield from _fill_some(list(_list_metrics(at)), width)
    yield from fill_lines(list(_list_machine(at)), width, _INDENT)


def _fill_some(figures: list[Span], width: int) -> list[Line]:
    """As many of the figures as there is room for, and how many there are more."""
    for count in range(len(figures), -1, -1):
        left = len(figures) - count
        more: list[Span] = [(f"and {left} more", "dim")] if left else []
        lines = list(fill_lines([*figures[:count], *more], width, _INDENT))
        if len(lines) <= _MOST_LINES:
            return lines
    return []


def _list_losses(at: Training) -> Iterator[Span]:
    if at.loss is not None:
        yield f"loss {format_number(at.loss)}", ""
    last = at.history[-1] if at.history else None
    for name in ("train_loss", "val_loss"):
        value = None if last is None else getattr(last, name)
        if value is not None:
            yield f"{name} {format_number(value)}", ""


def _list_metrics(at: Training) -> Iterator[Span]:
    if not at.history:
        return
    told = at.history[-1].metrics
    for name in sorted(told, key=lambda one: one != at.monitor):
        best = _find_best(at, name)
        words = f"{name} {format_number(told[name])}"
        if best is not None:
            words += f" (best {format_number(best[0])}, epoch {format_epoch(best[1])})"
        yield words, "bold" if name == at.monitor else ""


def _find_best(at: Training, name: str) -> tuple[float, float] | None:
    """The best value until now of a metric, and its epoch; None where nobody knows what is better.

    Of the one that decides, the epoch is the adapter's word: it knows what is no improvement.
    """
    if name == at.monitor and at.best is not None and name in at.best.metrics:
        return at.best.metrics[name], at.best.epoch
    known = next((one for task in TaskType if (one := find_metric(task, name))), None)
    values = [(one.metrics[name], one.epoch) for one in at.history if name in one.metrics]
    if known is None or not values:
        return None
    # Of equals the first: what came after it was no better.
    return (max if known.higher_is_better else min)(values, key=lambda pair: pair[0])


def _list_machine(at: Training) -> Iterator[Span]:
    if at.data_wait is not None:
        yield f"{at.data_wait:.0%} waiting for data", "dim"
    if at.gpu_memory_bytes:
        yield f"GPU {format_size(int(at.gpu_memory_bytes))}", "dim"
