"""The loop over epochs: what it tells, what it keeps, when it stops, how it goes on."""

import dataclasses
import json
import math
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toy_runs import ADAPTERS, Listener, a_job, a_plan, command_line, unmeasured, write_pictures
from vtspec.adapters.contract import (
    AdapterError,
    EarlyStopping,
    Interrupted,
    Job,
    MetricsResult,
    TaskType,
    TrainingCallbacks,
)
from vtspec.adapters.toy import adapter as toy
from vtspec.adapters.training import checkpoints
from vtspec.adapters.training.early_stopping import (
    get_monitored_value,
    higher_is_better,
    judge_epochs,
    stops_early,
)
from vtspec.adapters.training.loop import fit


class Scripted:
    """An adapter whose epochs measure what a list says; its only state is the epoch."""

    steps = 4

    def __init__(
        self, job: Job, callbacks: TrainingCallbacks, results: Sequence[MetricsResult]
    ) -> None:
        self.job, self.callbacks, self.results = job, callbacks, results
        self.calls: list[str] = []
        self.step = 0

    def prepare_model(self) -> None:
        self.calls.append("prepare_model")

    def prepare_dataset(self) -> None:
        self.calls.append("prepare_dataset")

    def describe(self) -> Mapping[str, Any]:
        return {"device": "paper"}

    def train_epoch(self, epoch: int) -> MetricsResult:
        self.calls.append(f"train {epoch}")
        while self.step < self.steps:
            self.step += 1
            self.callbacks.on_step_end(epoch, self.step, self.steps, None)
            if self.callbacks.should_stop():
                raise Interrupted(epoch - 1, self.step, self._write(epoch - 1, self.step))
        self.step = 0
        return dataclasses.replace(self.results[epoch - 1], metrics={}, val_loss=None)

    def validate(self, epoch: int) -> MetricsResult:
        self.calls.append(f"validate {epoch}")
        return dataclasses.replace(self.results[epoch - 1], train_loss=None)

    def save_checkpoint(self, epoch: int) -> Path:
        return self._write(epoch, 0)

    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        position = checkpoints.parse_name(path.name)
        assert position is not None
        self.step = position[1]
        self.calls.append(f"load {path.name}")
        return position

    def evaluate(self, split: str) -> Any:
        raise NotImplementedError

    def predict(self, images: Any) -> Any:
        raise NotImplementedError

    def export(self, formats: Any, folder: Path) -> Any:
        raise NotImplementedError

    def _write(self, epoch: int, step: int) -> Path:
        def fill(into: Path) -> None:
            (into / "state").write_text("x")

        metrics = self.results[epoch - 1].metrics if epoch and not step else {}
        return checkpoints.write(
            self.job.workdir / "checkpoints",
            checkpoints.format_name(epoch, step),
            {"epoch": epoch, "step": step, "metrics": metrics},
            fill,
        )


def measured(*accuracies: float, loss: float = 1.0) -> list[MetricsResult]:
    return [
        MetricsResult(
            epoch=epoch,
            train_loss=loss,
            val_loss=1 - accuracy,
            metrics={"accuracy": accuracy},
            learning_rate=0.1,
        )
        for epoch, accuracy in enumerate(accuracies, start=1)
    ]


def scripted(
    folder: Path, results: Sequence[MetricsResult], listener: Listener, **training: Any
) -> tuple[Scripted, Job]:
    job = a_job(folder, folder, training={"epochs": len(results), **training})
    return Scripted(job, listener, results), job


def run(
    folder: Path,
    results: Sequence[MetricsResult],
    *,
    resume: bool = False,
    stop_after: int | None = None,
    **training: Any,
) -> tuple[Listener, Scripted, Mapping[str, Any]]:
    listener = Listener(stop_after=stop_after)
    adapter, job = scripted(folder, results, listener, **training)
    return listener, adapter, fit(adapter, job, listener, resume)


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").glob("epoch-*"))


def test_an_epoch_is_trained_validated_kept_and_told(tmp_path: Path) -> None:
    listener, adapter, state = run(tmp_path, measured(0.5, 0.7, 0.6))

    assert adapter.calls == [
        *("prepare_model", "prepare_dataset"),
        *("train 1", "validate 1", "train 2", "validate 2", "train 3", "validate 3"),
    ]
    assert listener.of("begin") == [
        {"device": "paper", "epochs": 3, "fromEpoch": 0, "fromStep": 0}
    ]
    first = listener.of("epoch")[0]
    assert (first.epoch, first.train_loss, first.val_loss) == (1, 1.0, 0.5)
    assert (first.metrics, first.learning_rate) == ({"accuracy": 0.5}, 0.1)
    assert first.seconds >= 0
    assert listener.of("checkpoint") == [
        ("epoch-0001", 1, 0, True),
        ("epoch-0002", 2, 0, True),
        ("epoch-0003", 3, 0, False),
    ]
    (metrics, summary) = listener.of("end")[0]
    assert (metrics, summary.best_epoch, summary.stopped_early) == ({"accuracy": 0.7}, 2, False)
    assert state == {"values": [0.5, 0.7, 0.6], "bestEpoch": 2, "stoppedEarly": False}
    best = checkpoints.find_best(tmp_path / "checkpoints")
    assert best is not None and best.name == "epoch-0002"


def test_the_best_the_last_the_one_before_and_every_nth_are_kept(tmp_path: Path) -> None:
    run(tmp_path / "plain", measured(0.1, 0.9, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert kept(tmp_path / "plain") == ["epoch-0002", "epoch-0006", "epoch-0007"]

    every: dict[str, Any] = {"checkpoint": {"monitor": "accuracy", "every": 3}}
    run(tmp_path / "every", measured(0.1, 0.9, 0.2, 0.3, 0.4, 0.5, 0.6), **every)
    assert kept(tmp_path / "every") == ["epoch-0002", "epoch-0003", "epoch-0006", "epoch-0007"]


def test_what_was_best_before_stays_until_the_new_best_has_a_successor(tmp_path: Path) -> None:
    run(tmp_path, measured(0.8, 0.1, 0.2, 0.9))
    assert kept(tmp_path) == ["epoch-0001", "epoch-0003", "epoch-0004"]


@pytest.mark.parametrize(
    ("monitor", "best"), [("accuracy", 2), ("val_loss", 2), ("loss", 2), ("train_loss", 1)]
)
def test_the_monitor_decides_what_is_best(tmp_path: Path, monitor: str, best: int) -> None:
    _, _, state = run(
        tmp_path, measured(0.5, 0.7, 0.6), checkpoint={"monitor": monitor, "every": None}
    )
    assert state["bestEpoch"] == best


def test_an_unknown_monitor_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="no metric 'acuracy'") as raised:
        run(tmp_path, measured(0.5), checkpoint={"monitor": "acuracy", "every": None})
    assert "accuracy, top5_accuracy" in str(raised.value.fix)


def test_a_monitor_that_is_not_reported_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="reports no 'macro_f1'") as raised:
        run(tmp_path, measured(0.5), checkpoint={"monitor": "macro_f1", "every": None})
    assert raised.value.fix == "take one of accuracy, loss, train_loss, val_loss"


def test_a_value_that_is_no_number_is_never_best(tmp_path: Path) -> None:
    listener, _, state = run(tmp_path, measured(math.nan, 0.2, math.inf))

    assert state["values"] == [None, 0.2, None]
    assert state["bestEpoch"] == 2
    assert listener.of("warning") == [
        "accuracy is not a number in epoch 1: it cannot be best",
        "accuracy is not a number in epoch 3: it cannot be best",
    ]


def test_no_number_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"accuracy was a number in no epoch \(2 done\)"):
        run(tmp_path, measured(math.nan, math.nan))


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_diverges_ends_training_and_keeps_the_checkpoint(
    tmp_path: Path, loss: float
) -> None:
    results = [*measured(0.5), *measured(0.6, loss=loss)]
    with pytest.raises(AdapterError, match="in epoch 2; epoch-0001 is kept") as raised:
        run(tmp_path, results)
    assert raised.value.fix == (
        "lower training.learningRate, now 0.2, or set training.gradientClipping: 1.0"
    )
    assert kept(tmp_path) == ["epoch-0001"]


def test_training_stops_early_without_improvement(tmp_path: Path) -> None:
    early = {"patience": 2, "minDelta": 0.05}
    listener, _, state = run(tmp_path, measured(0.5, 0.54, 0.53, 0.9, 0.9), earlyStopping=early)

    # 0.54 is best, but is no improvement that counts.
    assert state == {"values": [0.5, 0.54, 0.53], "bestEpoch": 2, "stoppedEarly": True}
    assert listener.of("end")[0][1].stopped_early


def test_an_interruption_points_last_at_its_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Interrupted) as raised:
        run(tmp_path, measured(0.5, 0.7, 0.6), stop_after=6)

    folder = tmp_path / "checkpoints"
    assert (raised.value.epoch, raised.value.step) == (1, 2)
    assert str(raised.value) == "stopped after 1 epoch and 2 steps of the next"
    assert raised.value.path == folder / "epoch-0001-step-00002"
    assert checkpoints.read_pointer(folder, "last") == ("epoch-0001-step-00002", {"values": [0.5]})


def test_a_resume_goes_on_where_it_stopped_and_ends_the_same(tmp_path: Path) -> None:
    accuracies = (0.5, 0.7, 0.6, 0.4)
    early = {"patience": 2, "minDelta": 0.0}
    _, _, unbroken = run(tmp_path / "unbroken", measured(*accuracies), earlyStopping=early)
    for stop_after in range(1, 16):
        folder = tmp_path / str(stop_after)
        with pytest.raises(Interrupted):
            run(folder, measured(*accuracies), earlyStopping=early, stop_after=stop_after)
        listener, _, state = run(folder, measured(*accuracies), earlyStopping=early, resume=True)

        assert state == unbroken
        assert listener.steps == 16 - stop_after
        assert kept(folder)[-1] == "epoch-0004"
        begin = listener.of("begin")[0]
        assert begin["fromEpoch"] * 4 + begin["fromStep"] == stop_after


def test_asked_to_stop_before_the_first_step_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(Interrupted) as raised:
        run(tmp_path, measured(0.5), stop_after=0)
    assert (raised.value.epoch, raised.value.step, raised.value.path) == (0, 0, None)
    assert kept(tmp_path) == []

    _, adapter, _ = run(tmp_path, measured(0.5), resume=True)
    assert adapter.calls[2:] == ["train 1", "validate 1"]


def test_asked_to_stop_after_the_last_epoch_it_is_simply_done(tmp_path: Path) -> None:
    class StopsAtTheEnd(Listener):
        def should_stop(self) -> bool:
            return bool(self.of("epoch"))

    listener = StopsAtTheEnd()
    adapter, job = scripted(tmp_path, measured(0.5), listener)
    assert fit(adapter, job, listener, resume=False)["bestEpoch"] == 1


def test_a_finished_training_that_is_resumed_only_says_so_again(tmp_path: Path) -> None:
    first, _, state = run(tmp_path, measured(0.5, 0.7))
    again, adapter, same = run(tmp_path, measured(0.5, 0.7), resume=True)

    assert same == state
    assert adapter.calls == ["prepare_model", "prepare_dataset", "load epoch-0002"]
    assert again.of("end")[0][0] == first.of("end")[0][0]


def test_training_that_is_there_is_not_overwritten_unasked(tmp_path: Path) -> None:
    run(tmp_path, measured(0.5))
    with pytest.raises(AdapterError, match="up to epoch-0001") as raised:
        run(tmp_path, measured(0.5))
    assert "--resume" in str(raised.value.fix)


def test_a_damaged_last_checkpoint_costs_its_epoch_and_no_more(tmp_path: Path) -> None:
    accuracies = (0.8, 0.1, 0.9, 0.2)
    _, _, unbroken = run(tmp_path, measured(*accuracies))
    (tmp_path / "checkpoints" / "epoch-0004" / "state").write_text("torn")

    listener, adapter, state = run(tmp_path, measured(*accuracies), resume=True)
    assert adapter.calls[2:] == ["load epoch-0003", "train 4", "validate 4"]
    assert len(listener.of("warning")) == 1
    assert state == unbroken


def test_a_damaged_best_that_was_last_gives_way_to_the_best_before_it(tmp_path: Path) -> None:
    run(tmp_path, measured(0.8, 0.1, 0.9))
    (tmp_path / "checkpoints" / "epoch-0003" / "state").write_text("torn")

    _, _, state = run(tmp_path, measured(0.8, 0.1, 0.7), resume=True)
    best = checkpoints.find_best(tmp_path / "checkpoints")
    assert best is not None and best.name == "epoch-0001"
    assert state["bestEpoch"] == 1


def test_where_what_was_measured_is_lost_it_says_so_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, measured(0.9, 0.7, 0.8), stop_after=9)
    for name in ("last.json", "best.json"):
        (tmp_path / "checkpoints" / name).write_text("torn")

    listener, _, state = run(tmp_path, measured(0.9, 0.7, 0.8), resume=True)
    assert state["values"] == [None, None, 0.8]
    assert state["bestEpoch"] == 3
    assert "what epochs 1 to 2 measured is lost" in listener.of("warning")[-1]


def test_time_in_the_callbacks_is_own_time_and_time_in_steps_is_not(tmp_path: Path) -> None:
    class Slow(Listener):
        def on_step_end(self, epoch: int, step: int, steps: int, loss: float | None) -> None:
            super().on_step_end(epoch, step, steps, loss)
            self.own_seconds += 1000.0

    listener = Slow()
    adapter, job = scripted(tmp_path, measured(0.5, 0.6), listener)
    fit(adapter, job, listener, resume=False)
    summary = listener.of("end")[0][1]

    # Eight steps, whose callbacks claim 1,000 s each: taken out of the steps, added to our own.
    assert summary.step_seconds < -7000
    assert summary.own_seconds > 7000


def test_a_framework_with_its_own_loop_is_left_to_it(tmp_path: Path) -> None:
    class Own:
        resumed: list[Path | None] = []  # noqa: RUF012 - a test's record

        def fit(self, job: Job, callbacks: TrainingCallbacks, resume: Path | None) -> None:
            self.resumed.append(resume)

    job, listener = a_job(tmp_path, tmp_path), Listener()
    assert fit(Own(), job, listener, resume=False) == {}
    scripted_adapter, _ = scripted(tmp_path, measured(0.5, 0.6, 0.7), listener)
    fit(scripted_adapter, job, listener, resume=False)
    fit(Own(), job, listener, resume=True)
    assert Own.resumed == [None, tmp_path / "checkpoints" / "epoch-0003"]


values = st.lists(st.one_of(st.none(), st.floats(allow_nan=True, width=16)), max_size=12)


@given(values, st.booleans())
def test_the_best_epoch_is_the_first_of_the_highest(
    history: list[float | None], higher: bool
) -> None:
    found = judge_epochs(history, higher_is_better=higher)
    numbers = [value for value in history if value is not None and math.isfinite(value)]
    if not numbers:
        assert found.best_epoch == 0
        return
    best = max(numbers) if higher else min(numbers)
    assert found.best_epoch == history.index(best) + 1
    assert found.stale_epochs == len(history) - found.best_epoch


def test_losses_are_better_lower_and_only_known_metrics_have_a_direction() -> None:
    task = TaskType.IMAGE_CLASSIFICATION
    assert higher_is_better(task, "accuracy")
    assert not higher_is_better(task, "ece")
    assert not higher_is_better(task, "val_loss")
    assert get_monitored_value(measured(0.75)[0], "loss") == 0.25
    found = judge_epochs([0.1, 0.1, 0.1], higher_is_better=True)
    assert not stops_early(found, None)
    assert stops_early(found, EarlyStopping(patience=2, min_delta=0.0))
    assert not stops_early(found, EarlyStopping(patience=3, min_delta=0.0))


_KILLED = """
import os, signal, sys
at, count = int(sys.argv.pop(1)), 0

def step(event, arguments):
    global count
    opens = event == "open" and "checkpoints" in str(arguments)
    if opens or event.startswith(("os.", "shutil.")):
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(step)
from vtspec.adapters.__main__ import main
code = main(sys.argv[1:])
print(count)
sys.exit(code)
"""


@pytest.mark.slow
def test_kill_9_anywhere_in_a_training_and_a_resume_give_the_unbroken_weights(
    tmp_path: Path,
) -> None:
    """A real training process, killed at every seventh of its file operations."""
    data = write_pictures(tmp_path / "data")
    early = {"patience": 2, "minDelta": 0.0}
    plan = a_plan(training={"epochs": 4, "earlyStopping": early})
    unbroken = _trained(tmp_path / "unbroken", data, plan, 0)
    operations = int(unbroken.stdout.splitlines()[-1])
    expected = _weights(tmp_path / "unbroken")
    began = set()
    for at in range(1, operations, 7):
        folder = tmp_path / str(at)
        assert _trained(folder, data, plan, at).returncode == -signal.SIGKILL
        job = a_job(folder, data, training={"epochs": 4, "earlyStopping": early})
        listener = Listener()
        fit(toy.Adapter(job, listener), job, listener, resume=True)

        assert _weights(folder) == expected
        assert listener.of("warning") == []
        began.add(listener.of("begin")[0]["fromEpoch"])
    assert began >= {0, 1, 2, 3}


def _trained(
    folder: Path, data: Path, plan: Mapping[str, Any], at: int
) -> "subprocess.CompletedProcess[str]":
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(plan))
    with (folder / "told.jsonl").open("wb") as events:
        _, _, _, *arguments = command_line("train", folder, data, events.fileno())
        return subprocess.run(
            [sys.executable, "-c", _KILLED, str(at), *arguments],
            env={**unmeasured(), "PYTHONPATH": str(ADAPTERS)},
            pass_fds=[events.fileno()],
            capture_output=True,
            text=True,
            check=False,
        )


def _weights(folder: Path) -> dict[str, bytes]:
    last = checkpoints.find_resumable(folder / "checkpoints")
    best = checkpoints.find_best(folder / "checkpoints")
    assert last is not None and best is not None
    return {
        f"{path.name} {file}": (path / file).read_bytes()
        for path in (last[0], best)
        for file in ("model.safetensors", "momentum.safetensors")
    }
