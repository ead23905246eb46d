"""A training that goes on otherwise than planned, where the job allows it: out of memory, at a
loss that is no number, at a time limit. What is undone is exact, and what went on goes on."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from timm_jobs import a_timm_job, a_timm_plan, assert_same_end, weights_of, write_digits
from toy_runs import Listener
from vtspec.adapters.__main__ import main
from vtspec.adapters.contract import (
    Adaptation,
    Interrupted,
    Job,
    MetricsResult,
    TrainingFailure,
)
from vtspec.adapters.timm.adapter import Adapter
from vtspec.adapters.training import checkpoints
from vtspec.adapters.training.loop import fit

pytestmark = pytest.mark.slow

RANDOM: dict[str, Any] = {
    "epochs": 2,
    "gradientAccumulation": 2,
    "augmentation": "strong",
    "ema": {"decay": 0.9, "warmup": True},
    "classWeights": "balanced",
    "onOutOfMemory": "halve",
}
"""60 images in 4 batches of 16 make 2 steps an epoch."""


class Short(Adapter):
    """On a device where no batch of more than `most` images fits, from a forward pass in training
    on (counted from 1); it runs out at the `part` of the network that is named."""

    most, since, part = 8, 1, "fc"
    passes = 0

    def prepare_model(self) -> None:
        super().prepare_model()
        self.model.get_submodule(self.part).register_forward_pre_hook(self._allocate)

    def _allocate(self, module: torch.nn.Module, given: Any) -> None:
        # Measured with the averaged network, which has the hook as well.
        if not self.model.training or module is not self.model.get_submodule(self.part):
            return
        self.passes += 1
        if self.passes >= self.since and len(given[0]) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), train=6, val=2, test=1)


def a_short(**fields: Any) -> type[Short]:
    return type("Short", (Short,), fields)


def train(
    kind: Callable[[Job, Any], Adapter],
    job: Job,
    *,
    stop_after: int | None = None,
    resume: bool = False,
    clock: Callable[[], float] | None = None,
) -> tuple[Adapter, Listener]:
    listener = Listener(stop_after=stop_after)
    adapter = kind(job, listener)
    fit(adapter, job, listener, resume, **({} if clock is None else {"clock": clock}))
    return adapter, listener


@pytest.fixture(scope="module", params=[0, pytest.param(2, marks=pytest.mark.exhaustive)])
def halved(
    request: pytest.FixtureRequest, digits: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Job, Listener]]:
    """Out of memory at the end of the forward pass of the second step's second batch."""
    job = a_random_job(digits, tmp_path_factory.mktemp("halved"), workers=request.param)
    _, listener = train(a_short(since=4), job)
    yield job, listener


def a_random_job(digits: Path, folder: Path, *, workers: int = 0) -> Job:
    training = {**RANDOM, "workers": workers}
    return a_timm_job(digits, folder, training=training, params={"dropRate": 0.2})


def test_step_out_of_memory_is_repeated_in_halves(halved: tuple[Job, Listener]) -> None:
    _, listener = halved
    changes = {"training.batchSize": (16, 8), "training.gradientAccumulation": (2, 4)}
    assert listener.of("adapted") == [
        Adaptation(
            cause="out-of-memory",
            epoch=0,
            step=1,
            changes=changes,
            message="the GPU's memory is full: CUDA out of memory. Tried to allocate 9 GiB.: on "
            "with batches of 8, 4 to a step",
        )
    ]
    assert 0 < listener.waited < 60
    # Two steps an epoch as before.
    assert (listener.steps, len(listener.of("epoch"))) == (4, 2)


def test_step_is_repeated_as_if_it_had_not_been_tried(
    halved: tuple[Job, Listener], digits: Path, tmp_path: Path
) -> None:
    # Here it fails before the step's first batch has moved a batch norm or a gradient.
    job = a_random_job(digits, tmp_path, workers=halved[0].training.workers)
    _, listener = train(a_short(since=3, part="conv1"), job)
    assert len(listener.of("adapted")) == 1
    assert_same_end(job, halved[0])


def test_training_with_halved_batches_goes_on_after_a_stop_to_the_same_bits(
    halved: tuple[Job, Listener], digits: Path, tmp_path: Path
) -> None:
    job = a_random_job(digits, tmp_path, workers=halved[0].training.workers)
    for after, since in ((2, 4), (1, 1)):
        with pytest.raises(Interrupted):
            train(a_short(since=since), job, stop_after=after, resume=after == 1)
    # It knows that no more fits, and fails no more.
    adapter, listener = train(a_short(since=1), job, resume=True)
    assert listener.of("adapted") == []
    assert [one["cause"] for one in listener.of("begin")[0]["adaptations"]] == ["out-of-memory"]
    assert adapter.job.training.batch_size == 8
    assert_same_end(job, halved[0])


def test_halved_batches_train_what_whole_ones_do(digits: Path, tmp_path: Path) -> None:
    # Adam makes much of what is rounding where a gradient is none.
    plain = {"optimizer": "sgd", "learningRate": 0.05, "augmentation": "none", "workers": 0}
    training = {**plain, "epochs": 2, "onOutOfMemory": "halve"}
    ends = []
    for kind, name in ((Adapter, "whole"), (a_short(since=2, part="head"), "halved")):
        # Without batch norm a step in parts has the gradient of one as a whole.
        job = a_timm_job(digits, tmp_path / name, model="test_vit", training=training)
        _, listener = train(kind, job)
        assert len(listener.of("adapted")) == (name == "halved")
        ends.append(weights_of(job.workdir / "checkpoints" / "epoch-0002"))
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-6)


def test_batch_that_cannot_be_halved_stops_with_its_class(digits: Path, tmp_path: Path) -> None:
    training = {"batchSize": 6, "workers": 0, "onOutOfMemory": "halve"}
    job = a_timm_job(digits, tmp_path, model="test_vit", training=training)
    with pytest.raises(TrainingFailure, match=r"batches of 1, which cannot be halved") as told:
        train(a_short(most=0, since=12, part="head"), job)
    assert told.value.cause == "out-of-memory"
    assert checkpoints.find_resumable(job.workdir / "checkpoints") is not None


def test_memory_that_is_full_at_the_update_stops(digits: Path, tmp_path: Path) -> None:
    class Full(Adapter):
        def prepare_dataset(self) -> None:
            super().prepare_dataset()
            optimizer = self._require_training().recipe.optimizer  # type: ignore[attr-defined]
            optimizer.register_step_pre_hook(self._allocate)

        def _allocate(self, *_given: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    job = a_random_job(digits, tmp_path)
    with pytest.raises(TrainingFailure, match="full at the update of the weights"):
        train(Full, job)


def test_measuring_that_does_not_fit_is_repeated_in_halves(digits: Path, tmp_path: Path) -> None:
    class Narrow(Adapter):
        def validate(self, epoch: int) -> MetricsResult:
            if self.job.training.batch_size > 4:
                raise TrainingFailure("out-of-memory", "the GPU's memory is full")
            return super().validate(epoch)

    training = {"epochs": 1, "workers": 0, "onOutOfMemory": "halve"}
    _, listener = train(Narrow, a_timm_job(digits, tmp_path, training=training))
    assert [one.changes["training.batchSize"] for one in listener.of("adapted")] == [
        (16, 8),
        (8, 4),
    ]
    assert len(listener.of("end")) == 1


def test_by_default_a_step_out_of_memory_stops_and_the_last_checkpoint_is_kept(
    digits: Path, tmp_path: Path
) -> None:
    job = a_timm_job(digits, tmp_path, training={"epochs": 2, "workers": 0})
    with pytest.raises(TrainingFailure, match=r"epoch-0001 is kept") as told:
        train(a_short(since=6), job)
    assert told.value.cause == "out-of-memory"


DIVERGING = {"epochs": 1, "optimizer": "sgd", "scheduler": "constant", "augmentation": "none"}


def a_diverging_job(digits: Path, folder: Path, **training: Any) -> Job:
    training = {**DIVERGING, "workers": 0, "learningRate": 64.0, **training}
    return a_timm_job(digits, folder, model="test_vit", training=training)


def test_loss_that_is_no_number_takes_training_back_and_on_at_half_the_rate(
    digits: Path, tmp_path: Path
) -> None:
    job = a_diverging_job(digits, tmp_path / "one", onNan="rollback")
    _, listener = train(Adapter, job)
    adapted = listener.of("adapted")
    assert {one.cause for one in adapted} == {"not-a-number"}
    rates = [one.changes["training.learningRate"] for one in adapted]
    assert rates == [(64 / 2**n, 32 / 2**n) for n in range(len(rates))]
    assert listener.of("epoch")[-1].learning_rate == rates[-1][1]
    # The first one came before there was an epoch's checkpoint.
    assert "back to epoch-0000" in adapted[0].message

    again = a_diverging_job(digits, tmp_path / "two", onNan="rollback")
    with pytest.raises(Interrupted):
        train(Adapter, again, stop_after=listener.steps - 2)
    train(Adapter, again, resume=True)
    assert_same_end(again, job, files=("model.safetensors",))


def test_rollbacks_have_an_end(digits: Path, tmp_path: Path) -> None:
    job = a_diverging_job(digits, tmp_path, onNan="rollback", learningRate=1e30)
    with pytest.raises(TrainingFailure, match="after 3 rollbacks") as told:
        train(Adapter, job)
    assert told.value.cause == "not-a-number"


def test_by_default_a_loss_that_is_no_number_stops(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailure) as told:
        train(Adapter, a_diverging_job(digits, tmp_path))
    assert told.value.cause == "not-a-number"


def test_command_ends_as_a_failure_with_its_cause(digits: Path, tmp_path: Path) -> None:
    training = {**DIVERGING, "workers": 0, "learningRate": 64.0}
    plan = a_timm_plan(model="test_vit", training=training)
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    places = ["--plan", str(tmp_path / "plan.json"), "--workdir", str(tmp_path)]
    run = ["--data", str(digits), "--run", "digits-0123456789", "--attempt", "1"]
    with (tmp_path / "told.jsonl").open("wb") as events:
        code = main(["train", *places, *run, "--events-fd", str(events.fileno())])
    told = json.loads((tmp_path / "told.jsonl").read_text().splitlines()[-1])
    assert (code, told["kind"], told["cause"]) == (3, "failed", "not-a-number")


class Clock:
    """A clock that training moves: ten seconds an epoch."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def make_adapter(self) -> type[Adapter]:
        clock = self

        class Slow(Adapter):
            def train_epoch(self, epoch: int) -> MetricsResult:
                trained = super().train_epoch(epoch)
                clock.now += 10
                return trained

        return Slow


def a_limited_job(digits: Path, folder: Path, left: float | None, **training: Any) -> Job:
    from dataclasses import replace

    fields = {"epochs": 8, "warmupEpochs": 2.0, "workers": 0, "augmentation": "none", **training}
    return replace(a_timm_job(digits, folder, training=fields), seconds_left=left)


def test_schedule_is_compressed_to_the_epochs_that_fit_and_reaches_its_end(
    digits: Path, tmp_path: Path
) -> None:
    planned, _ = train(Adapter, a_limited_job(digits, tmp_path / "whole", None, epochs=8))
    clock, job = Clock(), a_limited_job(digits, tmp_path / "short", 47.0, onTimeLimit="shorten")
    _, listener = train(clock.make_adapter(), job, clock=clock)
    [adapted] = listener.of("adapted")
    # 47 s less a tenth are four epochs, of which one was trained.
    assert (adapted.cause, adapted.epoch) == ("time-limit", 1)
    assert adapted.changes == {"training.epochs": (8, 4)}
    rates = [one.learning_rate for one in listener.of("epoch")]
    assert len(rates) == 4
    whole = planned._require_training().recipe.learning_rate
    assert rates[-1] == pytest.approx(whole, rel=1e-6)
    # Its peak is passed as well, sooner.
    assert max(rates[1:]) > rates[0] > rates[-1]
    assert listener.of("end")[0][1].stopped_early is False

    # A resume goes on with it, wherever the clock stands by then.
    other = a_limited_job(digits, tmp_path / "resumed", 47.0, onTimeLimit="shorten")
    late = Clock()
    with pytest.raises(Interrupted):
        train(late.make_adapter(), other, stop_after=11, clock=late)
    other = a_limited_job(digits, tmp_path / "resumed", 1e6, onTimeLimit="shorten")
    _, resumed = train(late.make_adapter(), other, resume=True, clock=late)
    assert resumed.of("begin")[0]["epochs"] == 4
    assert_same_end(other, job, epochs=4, files=("model.safetensors",))


def test_enough_time_changes_nothing(digits: Path, tmp_path: Path) -> None:
    clock, job = Clock(), a_limited_job(digits, tmp_path, 90.0, onTimeLimit="shorten", epochs=2)
    _, listener = train(clock.make_adapter(), job, clock=clock)
    assert listener.of("adapted") == []
    assert len(listener.of("epoch")) == 2


def test_training_ends_where_not_one_epoch_more_fits(digits: Path, tmp_path: Path) -> None:
    clock, job = Clock(), a_limited_job(digits, tmp_path, 15.0, onTimeLimit="shorten")
    _, listener = train(clock.make_adapter(), job, clock=clock)
    assert listener.of("adapted")[0].changes == {"training.epochs": (8, 1)}
    assert "in the midst" in listener.of("adapted")[0].message
    assert len(listener.of("epoch")) == 1
