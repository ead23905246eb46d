"""Checks of going on: after an interruption, after SIGTERM, after `kill -9` at bad moments."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from vtspec.adapters.training import checkpoints

from .adapter_process import Process
from .harness import Nonconformance, RecordingCallbacks, Subject, TrainingRun, demand

_INTERRUPTED = 75


def it_resumes_after_an_epoch_as_if_unbroken(subject: Subject) -> None:
    """Stopped between two epochs and resumed, it ends with the same weights, bit for bit."""
    _check_resume(subject, "after-epoch", (1, 0))


def it_resumes_within_an_epoch_as_if_unbroken(subject: Subject) -> None:
    """Stopped at a step in the middle of an epoch and resumed, it ends with the same weights, and
    the epoch with the same figures, bit for bit."""
    steps = subject.unbroken.count_epoch_steps()
    _check_resume(subject, "within-epoch", (2, max(1, steps // 2)))


def it_leaves_a_checkpoint_on_sigterm(subject: Subject) -> None:
    """On SIGTERM the process writes a checkpoint, tells it, and exits with 75."""
    # Long enough that the signal cannot come too late.
    plan = subject.with_training(epochs=10_000, earlyStopping=None)
    folder = subject.folder / "sigterm"
    with Process(subject, folder, plan) as process:
        process.wait_until(lambda: bool(process.get_events("train.progress")))
        process.signal(signal.SIGTERM)
        code = process.wait_for_exit()
    demand(
        code == _INTERRUPTED,
        f"on SIGTERM it exits with {code}, not 75: {process.describe_failure()}",
    )
    demand(bool(process.get_events("train.checkpoint")), "on SIGTERM it tells of no checkpoint")
    told = process.get_events("train.checkpoint")[-1]
    found = checkpoints.find_resumable(folder / "checkpoints")
    demand(found is not None, "on SIGTERM it leaves no checkpoint to go on from")
    assert found is not None
    manifest = checkpoints.verify(found[0])
    demand(
        (manifest.epoch, manifest.step) == (told["epoch"], told["step_in_epoch"]),
        f"it tells of a checkpoint at {told}, but leaves {found[0].name}",
    )


def it_survives_kill_9(subject: Subject) -> None:
    """Killed while it writes its second checkpoint, and again just after telling of an epoch, it
    goes on each time from what it had, to the weights of an unbroken run."""
    name = "killed"
    folder = subject.folder / name
    _kill_at(subject, folder, _make_write_detector(folder / "checkpoints"))
    second = _kill_at(subject, folder, lambda process: bool(process.get_events("train.epoch")))
    demand(
        _get_start_epoch(second) >= 1,
        "killed while it wrote its second checkpoint, it lost its first",
    )
    last = subject.train(name, resume=True)
    config = last.heard.configs[0]
    demand(config["fromEpoch"] >= 1, "killed after telling of an epoch, it lost the one before")
    demand(
        last.read_weights() == subject.unbroken.read_weights(),
        "after a kill -9 it ends with other weights than an unbroken run",
    )


Moment = Callable[[Process], bool]


def _kill_at(subject: Subject, folder: Path, moment: Moment) -> Process:
    with Process(subject, folder, subject.plan, "--resume") as process:
        process.wait_until(lambda: moment(process))
        process.signal(signal.SIGKILL)
        process.wait_for_exit()
    return process


def _make_write_detector(place: Path) -> Moment:
    """There is a checkpoint to go on from, and then a folder of one, hidden or not, comes or goes:
    somebody is writing one just now."""
    before: list[set[str]] = []

    def moment(_: Process) -> bool:
        # Not before there is one to lose: a kill during the first checkpoint proves nothing.
        if not before and _read_last(place) is not None:
            before.append(_list_checkpoints(place))
        return bool(before) and _list_checkpoints(place) != before[0]

    return moment


def _get_start_epoch(process: Process) -> int:
    started = process.get_events("train.started")
    demand(bool(started), f"after a kill -9 it does not start again: {process.describe_failure()}")
    return int(started[0]["config"]["fromEpoch"])


def _list_checkpoints(place: Path) -> set[str]:
    try:
        return {name for name in os.listdir(place) if "epoch-" in name}
    except FileNotFoundError:
        return set()


def _read_last(place: Path) -> str | None:
    try:
        return _get_text_or_none(json.loads((place / "last.json").read_bytes())["checkpoint"])
    except FileNotFoundError:
        return None


def _get_text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _check_resume(subject: Subject, name: str, stop_at: tuple[int, int]) -> None:
    unbroken = subject.unbroken
    first = subject.train(name, stop_at=stop_at)
    stop = first.interrupted
    if stop is None:
        raise Nonconformance(
            f"asked to stop at {_format_position(stop_at)}, it went on to the end"
        )
    epoch, step = stop_at
    expected = (epoch, 0) if step == 0 else (epoch - 1, step)
    demand(
        (stop.epoch, stop.step) == expected,
        f"asked to stop at {_format_position(stop_at)}, it stopped after {stop.epoch} epochs "
        f"and {stop.step} steps",
    )
    _check_checkpoint(subject, first, expected)
    second = subject.train(name, resume=True)
    demand(
        first.heard.steps + second.heard.steps == unbroken.heard.steps,
        f"stopped at {_format_position(stop_at)}, it repeats or leaves out steps when it goes on",
    )
    demand(
        first.list_epoch_metrics() + second.list_epoch_metrics() == unbroken.list_epoch_metrics(),
        f"stopped at {_format_position(stop_at)} and resumed, it measures other figures "
        "than unbroken",
    )
    demand(
        second.read_weights() == unbroken.read_weights(),
        f"stopped at {_format_position(stop_at)} and resumed, it ends with other weights "
        "than unbroken",
    )


def _check_checkpoint(subject: Subject, run: TrainingRun, position: tuple[int, int]) -> None:
    stop = run.interrupted
    if stop is None or stop.path is None:
        raise Nonconformance("it was interrupted in training and names no checkpoint")
    manifest = checkpoints.verify(stop.path)
    demand(
        (manifest.epoch, manifest.step) == position,
        f"the checkpoint left at {position} says that it is at {manifest.epoch}, {manifest.step}",
    )
    adapter = subject.module.Adapter(run.job, RecordingCallbacks())
    adapter.prepare_model()
    adapter.prepare_dataset()
    loaded = adapter.load_checkpoint(stop.path)
    demand(loaded == position, f"load_checkpoint of one left at {position} gives {loaded}")


def _format_position(stop_at: tuple[int, int]) -> str:
    epoch, step = stop_at
    return f"step {step} of epoch {epoch}" if step else f"the end of epoch {epoch}"
