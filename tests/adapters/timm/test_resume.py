"""A training that was interrupted anywhere ends with the bits of one that was not.

That it survives `kill -9` is checked with the other adapters' conformance.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from timm_jobs import a_timm_job, assert_same_end, differing, weights_of, write_digits
from toy_runs import Listener
from vtspec.adapters.contract import Interrupted, Job
from vtspec.adapters.timm.adapter import Adapter
from vtspec.adapters.training.loop import fit

pytestmark = pytest.mark.slow

EVERYTHING: dict[str, Any] = {
    # 100 images in 7 batches make 3 steps, the last of a single batch.
    "training": {
        "epochs": 2,
        "gradientAccumulation": 3,
        "augmentation": "strong",
        "ema": {"decay": 0.9, "warmup": True},
        "gradientClipping": 1.0,
        "labelSmoothing": 0.1,
        "warmupEpochs": 0.5,
    },
    "params": {"dropRate": 0.2, "dropPathRate": 0.1, "cutmix": 0.5},
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), val=2, test=1)


@pytest.fixture(scope="module")
def unbroken(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Job]:
    """Whole trainings, by number of workers."""
    jobs = {}
    for workers in (0, 2):
        jobs[workers] = a_job_with(workers, digits, tmp_path_factory.mktemp("unbroken"))
        train(jobs[workers])
    return jobs


def a_job_with(workers: int, digits: Path, workdir: Path) -> Job:
    training = {**EVERYTHING["training"], "workers": workers}
    return a_timm_job(digits, workdir, training=training, params=EVERYTHING["params"])


def train(job: Job, *, stop_after: int | None = None, resume: bool = False) -> Listener:
    listener = Listener(stop_after=stop_after)
    fit(Adapter(job, listener), job, listener, resume)
    return listener


@pytest.mark.parametrize(
    "case",
    [
        (0, 1, (0, 1)),
        # A training that is stopped at every step is stopped at these.
        pytest.param((0, 2, (0, 2)), marks=pytest.mark.exhaustive),
        pytest.param((0, 3, (0, 3)), marks=pytest.mark.exhaustive),
        (0, 4, (1, 1)),
        (2, 5, (1, 2)),
    ],
    ids="{0[0]} workers, after step {0[1]}".format,
)
def test_resume_after_a_step_equals_an_unbroken_run(
    digits: Path, tmp_path: Path, unbroken: Mapping[int, Job], case: tuple[int, int, Any]
) -> None:
    workers, after, position = case
    job = a_job_with(workers, digits, tmp_path)
    with pytest.raises(Interrupted) as stop:
        train(job, stop_after=after)
    assert (stop.value.epoch, stop.value.step) == position
    train(job, resume=True)
    assert_same_end(job, unbroken[workers])


def test_training_stopped_at_every_step_equals_an_unbroken_run(
    digits: Path, tmp_path: Path, unbroken: Mapping[int, Job]
) -> None:
    job = a_job_with(0, digits, tmp_path)
    stops = 0
    while True:
        try:
            train(job, stop_after=1, resume=stops > 0)
            break
        except Interrupted:
            stops += 1
    assert stops == 6
    assert_same_end(job, unbroken[0])


def test_workers_change_the_random_states_but_not_the_order(
    unbroken: Mapping[int, Job],
) -> None:
    # Otherwise the equalities above would hold for one kind of loading only.
    ends = [job.workdir / "checkpoints" / "epoch-0002" for job in unbroken.values()]
    assert differing(weights_of(ends[0]), weights_of(ends[1])) != []


def test_loss_of_an_epoch_covers_the_steps_before_a_resume(digits: Path, tmp_path: Path) -> None:
    whole = train(a_job_with(0, digits, tmp_path / "whole"))
    broken = a_job_with(0, digits, tmp_path / "broken")
    with pytest.raises(Interrupted):
        train(broken, stop_after=2)
    resumed = train(broken, resume=True)

    def losses(listener: Listener) -> list[tuple[Any, ...]]:
        return [
            (m.train_loss, m.val_loss, m.metrics) for kind, m in listener.told if kind == "epoch"
        ]

    assert losses(resumed) == losses(whole)
