"""What every adapter on PyTorch must do where training is adapted, whatever it trains."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from timm_jobs import assert_same_end
from toy_runs import Listener
from vtspec.adapters.contract import Job, MetricsResult, TrainingFailure
from vtspec.adapters.training.loop import fit

MakeJob = Callable[[Path, Mapping[str, Any]], Job]
"""A job in a folder, with some of the fields of `training`; two epochs of batches of 4."""


def run_short_of_memory(kind: type[Any], job: Job, *, where: str, since: int) -> Listener:
    """Train where no batch of 4 fits from a forward pass in training on: its memory is full at the
    `begin` or the `end` of that pass."""

    class Short(kind):  # type: ignore[misc]
        passes = 0

        def prepare_model(self) -> None:
            super().prepare_model()
            if where == "begin":
                self.model.register_forward_pre_hook(self._allocate)
            else:
                self.model.register_forward_hook(self._allocate)

        def _allocate(self, module: torch.nn.Module, *_given: object) -> None:
            if module is self.model and module.training:
                self.passes += 1
                if self.passes >= since and self.job.training.batch_size == 4:
                    raise torch.OutOfMemoryError("CUDA out of memory.")

    listener = Listener()
    fit(Short(job, listener), job, listener, False)
    return listener


def check_halving(kind: type[Any], make_job: MakeJob, folder: Path) -> None:
    """A step that was half done and one that was not begun are repeated to the same bits."""
    fields = {"gradientAccumulation": 2, "onOutOfMemory": "halve"}
    late, early = (make_job(folder / name, fields) for name in ("late", "early"))
    told = [
        run_short_of_memory(kind, late, where="end", since=4),
        run_short_of_memory(kind, early, where="begin", since=3),
    ]
    for listener in told:
        assert [(one.epoch, one.step) for one in listener.of("adapted")] == [(0, 1)]
    assert_same_end(late, early, files=("model.safetensors",))


def check_rollback_and_shortening(kind: type[Any], make_job: MakeJob, folder: Path) -> None:
    """A loss that is no number takes the rate to its half, and what is shortened ends where the
    plan's schedule does."""
    steps: dict[str, Listener] = {}
    clock = iter(range(0, 10**6, 10))

    class Diverging(kind):  # type: ignore[misc]
        has_failed = False

        def validate(self, epoch: int) -> MetricsResult:
            if self.job.training.on_nan == "rollback" and not self.has_failed:
                self.has_failed = True
                raise TrainingFailure("not-a-number", "the loss is no number")
            measured: MetricsResult = super().validate(epoch)
            return measured

    whole = {"epochs": 4, "minLearningRate": 1e-5, "scheduler": "linear"}
    for name, more in {
        "planned": {},
        "set back": {"onNan": "rollback"},
        "short": {"onTimeLimit": "shorten"},
    }.items():
        job = replace(make_job(folder / name, {**whole, **more}), seconds_left=150.0)
        steps[name] = Listener()
        fit(Diverging(job, steps[name]), job, steps[name], False, clock=lambda: next(clock))
    rates = {
        name: [one.learning_rate for one in listener.of("epoch")]
        for name, listener in steps.items()
    }
    assert rates["set back"] == pytest.approx([rate / 2 for rate in rates["planned"]])
    (shortened,) = steps["short"].of("adapted")
    assert len(rates["short"]) == shortened.changes["training.epochs"][1] < 4
    assert rates["short"][-1] == pytest.approx(rates["planned"][-1])
