"""What an adapter tells goes out as lines, costs little, and never stands in its way."""

import fcntl
import io
import json
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vtspec.adapters.contract import Adaptation, MetricsResult, TrainingSummary
from vtspec.adapters.training.event_stream import JsonLinesCallbacks
from vtspec.pipelines.runs.events import KINDS


class Clock:
    """A clock that goes on only when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Pipe:
    """A pipe whose reader is in this process."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def read(self) -> list[dict[str, Any]]:
        os.set_blocking(self.reader, False)
        data = b""
        while True:
            try:
                block = os.read(self.reader, 1 << 16)
            except BlockingIOError:
                break
            if not block:
                break
            data += block
        return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    for fd in (pipe.reader, pipe.writer):
        try:
            os.close(fd)
        except OSError:
            assert fd == pipe.reader


def lines_to(
    fd: int, clock: Clock | None = None, stdout: io.StringIO | None = None
) -> JsonLinesCallbacks:
    return JsonLinesCallbacks(
        fd=fd,
        stdout=stdout or io.StringIO(),
        workdir=Path("/runs/one"),
        epochs=3,
        images_per_step=8,
        clock=clock or Clock(),
    )


RESULT = MetricsResult(
    epoch=2,
    train_loss=0.5,
    val_loss=math.inf,
    metrics={"accuracy": 0.75, "ece": math.nan},
    learning_rate=0.1,
    seconds=1.5,
    class_metrics={"f1/cat": 0.5},
)


def test_every_kind_has_the_fields_that_its_readers_know(pipe: Pipe) -> None:
    lines = lines_to(pipe.writer)
    lines.on_train_begin({"device": "cpu"})
    lines.on_step_end(1, 1, 1, 0.25)
    lines.on_epoch_end(2, RESULT)
    lines.on_checkpoint(Path("/runs/one/checkpoints/epoch-0002"), 2, 0, best=True)
    lines.on_warning("mind")
    summary = TrainingSummary(best_epoch=2, stopped_early=False, own_seconds=0.1, step_seconds=9.0)
    lines.on_train_end({"accuracy": 0.75}, summary)
    changes = {"training.epochs": (3.0, 2.0)}
    lines.on_adapted(
        Adaptation(cause="time-limit", epoch=1, step=0, changes=changes, message="too long")
    )
    told = pipe.read()

    assert lines.epochs == 2
    assert told[-1]["changes"] == {"training.epochs": [3.0, 2.0]}
    assert [event["kind"] for event in told] == [
        *("train.started", "train.progress", "train.epoch"),
        *("train.checkpoint", "warning", "train.finished", "train.adapted"),
    ]
    for event in told:
        assert set(event) == {"kind", *KINDS[event["kind"]]}
    assert told[2] == {
        "kind": "train.epoch",
        "epoch": 2,
        "epochs": 3,
        "train_loss": 0.5,
        "val_loss": None,
        "metrics": {"accuracy": 0.75, "ece": None},
        "seconds": 1.5,
        "lr": 0.1,
        "class_metrics": {"f1/cat": 0.5},
    }
    assert told[3]["path"] == "checkpoints/epoch-0002"
    assert told[5]["own_seconds"] == 0.1


def test_a_framework_that_owns_its_loop_may_end_without_a_summary(pipe: Pipe) -> None:
    lines_to(pipe.writer).on_train_end({"accuracy": 0.75})
    assert pipe.read()[0]["best_epoch"] is None


def test_people_read_the_metrics_on_stdout(pipe: Pipe) -> None:
    stdout = io.StringIO()
    lines = lines_to(pipe.writer, stdout=stdout)
    lines.on_epoch_end(2, RESULT)
    lines.on_train_end({"accuracy": 0.75})

    assert stdout.getvalue().splitlines() == [
        "[METRICS] epoch=2/3 train_loss=0.5 val_loss=inf accuracy=0.75 ece=nan",
        "[METRICS] best accuracy=0.75",
    ]


def test_a_closed_stdout_is_no_reason_to_fail(pipe: Pipe) -> None:
    stdout = io.StringIO()
    stdout.close()
    lines = lines_to(pipe.writer, stdout=stdout)
    lines.on_epoch_end(1, RESULT)
    lines.on_epoch_end(2, RESULT)

    assert len(pipe.read()) == 2
    assert not lines.should_stop()


def test_progress_is_told_on_a_cadence_and_at_the_end_of_an_epoch(pipe: Pipe) -> None:
    clock = Clock()
    lines = lines_to(pipe.writer, clock)
    for epoch in (1, 2):
        for step in range(1, 101):
            clock.now += 0.01
            lines.on_step_end(epoch, step, 100, 1 / step if step % 10 == 0 else None)
    told = pipe.read()

    assert [(event["epoch"], event["step_in_epoch"]) for event in told] == [
        *((1, 1), (1, 51), (1, 100)),
        *((2, 50), (2, 100)),
    ]
    # The newest loss that was given, and images of steps between two lines of the same epoch.
    assert [event["loss"] for event in told] == [None, 0.02, 0.01, 0.02, 0.01]
    assert [event["images_per_s"] for event in told] == [None, 800.0, 800.0, None, 800.0]
    assert {event["data_wait"] for event in told} == {None}


def test_progress_tells_the_share_of_the_time_that_is_waited_for_data(pipe: Pipe) -> None:
    clock = Clock()
    lines = lines_to(pipe.writer, clock)
    held = iter(range(100, 600, 100))
    for step in range(1, 101):
        clock.now += 0.02
        lines.on_data_wait(0.005, lambda: next(held))
        lines.on_step_end(1, step, 100, None)
    lines.close()
    told = pipe.read()
    # Of what the first line covers nobody knows how long it took.
    assert [event["data_wait"] for event in told] == [None, 0.25, 0.25, 0.25, 0.25]
    assert [event["gpu_memory_bytes"] for event in told] == [100, 200, 300, 400, 500]


def test_a_full_pipe_neither_blocks_nor_loses_a_line(pipe: Pipe) -> None:
    fcntl.fcntl(pipe.writer, fcntl.F_SETPIPE_SZ, 4096)
    lines = lines_to(pipe.writer)
    for number in range(2000):
        lines.emit("warning", message=f"{number} {'x' * (number % 700)}")
    assert not lines.should_stop()

    received: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: received.extend(_until_closed(pipe.reader)))
    reader.start()
    lines.close()
    os.close(pipe.writer)
    reader.join()
    pipe.writer = os.open(os.devnull, os.O_WRONLY)
    assert [int(event["message"].split()[0]) for event in received] == list(range(2000))


def _until_closed(fd: int) -> list[dict[str, Any]]:
    with os.fdopen(os.dup(fd), "rb") as file:
        return [json.loads(line) for line in file]


def test_only_progress_is_left_out_while_much_is_waiting(pipe: Pipe) -> None:
    fcntl.fcntl(pipe.writer, fcntl.F_SETPIPE_SZ, 4096)
    lines = lines_to(pipe.writer)
    lines.emit("warning", message="x" * (1 << 21))
    waiting = lines._waiting_bytes
    lines.on_step_end(1, 1, 1, None)
    assert lines._waiting_bytes == waiting
    lines.on_epoch_end(1, RESULT)
    assert lines._waiting_bytes > waiting


def test_a_reader_that_has_gone_means_stop(pipe: Pipe) -> None:
    lines = lines_to(pipe.writer)
    os.close(pipe.reader)
    assert not lines.should_stop()
    lines.on_warning("is anybody there?")
    assert lines.should_stop()
    lines.on_warning("no")
    lines.close()


def test_a_reader_that_goes_while_lines_wait_ends_the_waiting(pipe: Pipe) -> None:
    fcntl.fcntl(pipe.writer, fcntl.F_SETPIPE_SZ, 4096)
    lines = lines_to(pipe.writer)
    lines.emit("warning", message="x" * 100_000)
    os.close(pipe.reader)
    lines.close()
    assert lines.should_stop()


def test_stop_is_heard(pipe: Pipe) -> None:
    lines = lines_to(pipe.writer)
    lines.stop()
    assert lines.should_stop()


def test_a_file_takes_lines_as_well(tmp_path: Path) -> None:
    with (tmp_path / "told.jsonl").open("wb") as file:
        lines = lines_to(file.fileno())
        lines.emit("warning", message="한글 \ud800", path=Path("a"), values=(math.nan, 1))
        lines.close()
    told = json.loads((tmp_path / "told.jsonl").read_text())
    assert told["message"] == "한글 \ud800"
    assert (told["path"], told["values"]) == ("a", [None, 1])


def test_time_spent_telling_is_added_up(pipe: Pipe) -> None:
    class Ticking(Clock):
        def __call__(self) -> float:
            self.now += 1.0
            return self.now

    lines = lines_to(pipe.writer, Ticking())
    lines.on_warning("a second between two looks at the clock")
    assert lines.own_seconds == 1.0
    lines.on_step_end(1, 1, 9, None)
    told = lines.own_seconds
    lines._told_at = math.inf
    lines.on_step_end(1, 2, 9, None)
    assert lines.own_seconds == told + 1.0
