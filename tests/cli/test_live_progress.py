"""The live view of a run in a terminal: what it shows, how wide, and that it leaves no trace."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
from rich.console import Console

from vtspec.cli.views.live_progress import LiveProgress, list_bars, list_figures
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs.events import Event, StepStarted, TrainEpoch, Warned
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.runs.training_state import Epoch, Training


def an_epoch(number: float, **metrics: float) -> Epoch:
    return Epoch(
        epoch=number, train_loss=0.5, val_loss=0.25, lr=None, seconds=1.0, metrics=metrics
    )


AT = Training(
    epoch=2.25,
    epochs=10,
    history=(
        an_epoch(1, top5_accuracy=0.5, accuracy=0.75, rmse=2.0, odd=1.0),
        an_epoch(2, top5_accuracy=0.5, accuracy=0.5, rmse=3.0, odd=2.0),
    ),
    loss=0.125,
    images_per_s=1234.4,
    data_wait=0.04,
    gpu_memory_bytes=2**31,
    progress=0.225,
    remaining_s=80.0,
    best_epoch=1,
    monitor="accuracy",
)


def show_words(at: Training, width: int) -> list[str]:
    return ["".join(text for text, _ in line) for line in list_figures(at, width)]


def test_losses_metrics_and_what_holds_it_up_are_shown_with_the_best_until_now() -> None:
    assert show_words(AT, 80) == [
        "  loss 0.1250  train_loss 0.5000  val_loss 0.2500",
        "  accuracy 0.5000 (best 0.7500, epoch 1)",
        # Of equals the first; of an error the least; of what nobody knows none.
        "  top5_accuracy 0.5000 (best 0.5000, epoch 1)  rmse 3 (best 2, epoch 1)  odd 2",
        "  4% waiting for data  GPU 2.0 GiB",
    ]


@pytest.mark.parametrize("width", [30, 40, 80, 100])
def test_figures_fit_into_the_terminal_and_are_not_too_many(width: int) -> None:
    metrics = {f"metric_{number}": number / 7 for number in range(40)}
    lines = show_words(replace(AT, history=(an_epoch(1, **metrics),)), width)
    assert max(map(len, lines)) <= width
    assert len(lines) <= 3 + 3 + 3
    (told,) = re.findall(r"and (\d+) more", "\n".join(lines))
    assert int(told) == 40 - sum(line.count("metric_") for line in lines)


def test_nothing_is_shown_of_what_is_not_known() -> None:
    assert show_words(Training(), 80) == []
    whole, epoch = list_bars("train", Training())
    assert (whole.share, whole.words.strip()) == (0.0, "0.0 %")
    assert epoch.name == "epoch 1/?"


def test_bars_are_of_the_training_and_of_the_epoch_in_work() -> None:
    whole, epoch = list_bars("train", AT)
    assert (whole.name, whole.share, whole.words) == ("train", 0.225, "22.5 %  1 min 20 s left")
    assert (epoch.name, epoch.share) == ("epoch 3/10", 0.25)
    assert epoch.words == "25.0 %  1,234 images/s"
    _, last = list_bars("train", replace(AT, epoch=10.0))
    assert (last.name, last.share) == ("epoch 10/10", 1.0)
    (other,) = list_bars("evaluate", None)
    assert (other.name, other.share) == ("evaluate", None)


def an_event(body: object, step: str | None = "train") -> Event:
    return Event(seq=1, time="", elapsed=0.0, run="r", attempt=1, step=step, body=body)  # type: ignore[arg-type]


def a_console(stream: io.StringIO, width: int = 80) -> Console:
    return Console(
        file=stream,
        force_terminal=True,
        width=width,
        highlight=False,
        markup=False,
        color_system=None,
    )


def await_words(stream: io.StringIO, words: str, seconds: float) -> None:
    begin = time.monotonic()
    while words not in click.unstyle(stream.getvalue()):
        assert time.monotonic() - begin < seconds, click.unstyle(stream.getvalue())[-500:]
        time.sleep(0.01)


def test_what_an_event_changed_is_seen_without_another_one() -> None:
    stream = io.StringIO()
    state = RunState(training=AT)
    with LiveProgress(a_console(stream)) as view:
        view.show_event(an_event(StepStarted(command=())), state)
        await_words(stream, "epoch 3/10", 20)
        later = replace(state, training=replace(AT, loss=0.0625))
        view.show_event(an_event(object()), later)
        await_words(stream, "loss 0.0625 ", 20)
        # Drawn so often, it is seen within a second.
        assert view._live.refresh_per_second >= 4


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    stream = io.StringIO()
    with LiveProgress(a_console(stream, width)) as view:
        view.show_event(an_event(StepStarted(command=())), RunState(training=AT))
        await_words(stream, "epoch 3/10", 20)
    lines = [
        line for line in re.split(r"[\r\n]+", click.unstyle(stream.getvalue())) if line.strip()
    ]
    assert len(lines) > 4 and max(map(len, lines)) < width


def test_lines_that_stay_say_nothing_that_gets_old_and_fit_80_columns() -> None:
    told = TrainEpoch(
        epoch=2,
        epochs=600,
        train_loss=0.5,
        val_loss=0.25,
        metrics={"accuracy": 0.5},
        seconds=1.0,
        lr=None,
    )
    stream = io.StringIO()
    with LiveProgress(a_console(stream)) as view:
        state = RunState(training=replace(AT, epochs=600))
        view.show_event(an_event(told), state)
        view.show_event(an_event(Warned(message="few [bold]images")), state)
        view.show_event(an_event(Warned(message="few [bold]images")), state)
        view.show_line("hello")
    shown = click.unstyle(stream.getvalue())
    line = "train     epoch   2/600 train_loss 0.5000 val_loss 0.2500 accuracy 0.5000 1.0 s\n"
    assert line in shown and len(line) <= 80
    assert shown.count("warning   few [bold]images") == 1 and "hello" in shown


def read_until(terminal: int, is_enough: Callable[[bytes], bool], seconds: float) -> bytes:
    found, end = b"", time.monotonic() + seconds
    while not is_enough(found) and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                more = os.read(terminal, 65536)
            except OSError:
                break
            if not more:
                break
            found += more
    return found


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{"TERM": "xterm-256color"}, {"NO_COLOR": "1"}])
def test_a_run_that_is_stopped_leaves_the_terminal_as_it_was(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    root = tmp_path / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    before = termios.tcgetattr(follower)
    words = ["run", "shapes", "--set", "training.epochs=5000", "--no-tracking"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from vtspec.cli.main import main; main()", *words],
        cwd=root,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "VTSPEC_CACHE": str(tmp_path / "c"), **variables},
        start_new_session=True,
    )
    try:
        seen = read_until(leader, lambda found: b"images/s" in found, 60)
        assert b"images/s" in seen and b"epoch" in seen
        process.send_signal(signal.SIGINT)
        rest = read_until(leader, lambda found: b"resume with" in found, 60)
        assert process.wait(30) == 75, rest
    finally:
        process.kill()
        process.wait()
    shown = seen + rest
    # What was hidden is shown again, and nothing of the view comes after that.
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h") == 1
    assert b"images/s" not in shown.rpartition(b"\x1b[?25h")[2]
    assert termios.tcgetattr(follower) == before
    colours = re.findall(rb"\x1b\[[0-9;]*3[0-9;]*m", shown)
    assert bool(colours) == ("NO_COLOR" not in variables)
    os.close(leader)
    os.close(follower)
