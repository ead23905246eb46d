"""Several processes that train one network: what one would train, by what all agree on."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from pair_jobs import ENLARGE, a_pair_job, write_enlargements
from process_groups import train_in_processes
from timm_jobs import a_timm_job, assert_same_end, plain, weights_of, write_digits
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError, Job, MetricsResult, ProcessRank
from vtspec.adapters.pytorch.epoch_progress import plan_batches
from vtspec.adapters.pytorch.process_group import ProcessGroup
from vtspec.adapters.pytorch.state import load_state
from vtspec.adapters.timm.adapter import Adapter
from vtspec.adapters.training.loop import fit
from vtspec.adapters.transformers import Adapter as TransformersAdapter

pytestmark = pytest.mark.slow

# Here once, and not in each process.
import_module("timm.optim")

TOLERANCE = 1e-5
"""Of losses, relative. Sums over processes are in another order than those of one, and an update
hands that on to the next: some 1e-7 of the first epoch are 1e-6 a few later."""

WHOLE: dict[str, Any] = {
    # 60 images in 4 batches of 16, the last of 12, make 2 steps an epoch.
    "epochs": 3,
    "gradientAccumulation": 2,
    "gradientClipping": 0.3,
    "classWeights": {str(digit): 1.0 + digit for digit in range(10)},
    "ema": {"decay": 0.9, "warmup": True},
}

RANDOM: dict[str, Any] = {
    # 5 batches make 3 steps, the last of a single batch.
    "epochs": 2,
    "batchSize": 12,
    "gradientAccumulation": 2,
    "augmentation": "strong",
    "ema": {"decay": 0.9, "warmup": True},
}
DROPPING = {"dropRate": 0.2}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), train=6, val=2, test=1)


def losses(listener: Listener) -> list[tuple[float, float]]:
    epochs: list[MetricsResult] = listener.of("epoch")
    return [(one.train_loss or 0.0, one.val_loss or 0.0) for one in epochs]


def train_alone(kind: Any, job: Job) -> Listener:
    listener = Listener()
    fit(kind(job, listener), job, listener, False)
    return listener


def assert_alike(left: Listener, right: Listener) -> None:
    assert len(losses(left)) > 1
    for one, other in zip(losses(left), losses(right), strict=True):
        assert one == pytest.approx(other, rel=TOLERANCE)


def test_two_processes_train_what_one_does(digits: Path, tmp_path: Path) -> None:
    jobs = [
        # A network without batch norms or dropout.
        a_timm_job(digits, tmp_path / name, model="test_vit", training=WHOLE)
        for name in ("one", "two")
    ]
    alone = train_alone(Adapter, jobs[0])
    together = train_in_processes(Adapter, jobs[1])
    assert_alike(alone, together)
    assert together.of("begin")[0]["processes"] == 2
    assert together.of("code") == [0]
    ends = [weights_of(job.workdir / "checkpoints" / "epoch-0003") for job in jobs]
    assert max(float((ends[0][name] - ends[1][name]).abs().max()) for name in ends[0]) < 1e-4


def test_an_image_is_augmented_alike_whatever_process_has_it(digits: Path, tmp_path: Path) -> None:
    # Not `strong`, which mixes images with those of the same process.
    training = {**WHOLE, "augmentation": "standard", "workers": 1}
    jobs = [
        a_timm_job(
            *(digits, tmp_path / name),
            model="test_vit",
            training=training,
            params={"reProb": 0.5, "autoAugment": "rand-m5"},
        )
        for name in ("one", "two")
    ]
    assert_alike(train_in_processes(Adapter, jobs[0], 1), train_in_processes(Adapter, jobs[1], 2))


def test_two_processes_train_what_one_does_with_transformers(tmp_path: Path) -> None:
    data = write_enlargements(tmp_path / "pairs")
    # Of batch norms Swin2SR has none; augmentation follows from the image.
    training = {"gradientAccumulation": 2, "augmentation": "light"}
    jobs = [a_pair_job(ENLARGE, data, tmp_path / name, training=training) for name in "ab"]
    assert_alike(
        train_alone(TransformersAdapter, jobs[0]),
        train_in_processes(TransformersAdapter, jobs[1]),
    )


@pytest.fixture(scope="module")
def unbroken(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Of two processes, with all that draws: augmentation, mixing, dropout; and batch norms."""
    job = a_random_job(digits, tmp_path_factory.mktemp("unbroken"))
    train_in_processes(Adapter, job)
    return job


def a_random_job(digits: Path, folder: Path, **training: Any) -> Job:
    return a_timm_job(digits, folder, training={**RANDOM, **training}, params=DROPPING)


@pytest.mark.parametrize(
    ("asked_after", "position"),
    [(1, (0, 2)), pytest.param(2, (0, 3), marks=pytest.mark.exhaustive), (4, (1, 2))],
)
def test_two_processes_go_on_to_the_same_bits(
    asked_after: int, position: tuple[int, int], digits: Path, tmp_path: Path, unbroken: Job
) -> None:
    job = a_random_job(digits, tmp_path)
    # It is asked in the midst of a step, which all of them end.
    stopped = train_in_processes(Adapter, job, stop_after=asked_after)
    assert stopped.of("code") == [75]
    assert stopped.of("checkpoint")[-1][1:3] == position
    train_in_processes(Adapter, job, resume=True)
    assert_same_end(job, unbroken)


def test_each_process_draws_for_itself(unbroken: Job) -> None:
    # Otherwise the equality above would hold with the random states of one.
    state = load_state(unbroken.workdir / "checkpoints" / "epoch-0002" / "state.pt")
    assert plain(state["others"][0]) != plain(state["random"])


@pytest.mark.parametrize("count", [None, 1, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_a_checkpoint_is_gone_on_with_by_as_many_processes(
    count: int | None, digits: Path, tmp_path: Path
) -> None:
    job = a_random_job(digits, tmp_path, augmentation="light")
    train_in_processes(Adapter, job, stop_after=1)
    verb = "train" if count == 3 else "trains"
    wanted = f"the checkpoint is of 2 processes, and {count or 1} {verb} here"
    if count is None:
        listener = Listener()
        with pytest.raises(AdapterError, match=wanted):
            fit(Adapter(job, listener), job, listener, True)
        return
    with pytest.raises(RuntimeError, match=wanted):
        train_in_processes(Adapter, job, count, resume=True)


class Troubled(Adapter):
    """What a test makes fail is on the process `where` alone, at its forward pass `at`."""

    where, at, passes = 1, 3, 0
    message = "CUDA out of memory. Tried to allocate 9 GiB."

    def prepare_model(self) -> None:
        super().prepare_model()
        if self.group.rank == self.where:
            self.model.get_submodule("fc").register_forward_pre_hook(self._fail)

    def _fail(self, module: torch.nn.Module, given: Any) -> None:
        if not self.model.training or module is not self.model.get_submodule("fc"):
            return
        self.passes += 1
        if self.passes == self.at:
            raise RuntimeError(self.message)


def troubled(**fields: Any) -> type[Troubled]:
    return type("Troubled", (Troubled,), fields)


def test_memory_that_is_full_in_one_process_halves_the_batch_of_all(
    digits: Path, tmp_path: Path
) -> None:
    jobs = [
        a_random_job(digits, tmp_path / name, onOutOfMemory="halve", augmentation="light")
        for name in ("second", "first")
    ]
    for rank, job in zip((1, 0), jobs, strict=True):
        told = train_in_processes(troubled(where=rank), job)
        (adapted,) = told.of("adapted")
        assert (adapted.epoch, adapted.step) == (0, 1)
        assert adapted.changes["training.batchSize"] == (12, 6)
        assert losses(told)[-1][0] > 0
    # Whoever failed, the step is repeated as if nobody had tried it.
    assert_same_end(*jobs)


@pytest.mark.exhaustive
def test_what_is_no_number_in_one_process_sets_all_back(digits: Path, tmp_path: Path) -> None:
    job = a_random_job(digits, tmp_path, onNan="rollback", augmentation="light", batchSize=16)
    failing = troubled(message="matrix contains invalid numeric entries", at=5)
    told = train_in_processes(failing, job)
    (adapted,) = told.of("adapted")
    assert (adapted.cause, adapted.epoch, adapted.step) == ("not-a-number", 1, 0)
    assert len(losses(told)) == 2


def spoil(adapter: Any, rank: int) -> None:
    """Make the loss of one process no number in its third step."""
    prepare = adapter.prepare_dataset

    def prepare_and_spoil() -> None:
        prepare()
        recipe = adapter._training.recipe
        backward = recipe.backward

        def backward_once(images: torch.Tensor, targets: torch.Tensor, share: float) -> Any:
            bad = rank == 1 and recipe.updates == 2 and not adapter.adaptations
            return backward(images * (float("nan") if bad else 1.0), targets, share)

        recipe.backward = backward_once

    adapter.prepare_dataset = prepare_and_spoil


def test_a_loss_of_one_process_that_is_no_number_sets_all_back(
    digits: Path, tmp_path: Path
) -> None:
    job = a_random_job(digits, tmp_path, onNan="rollback", augmentation="light", batchSize=16)
    told = train_in_processes(Adapter, job, change=spoil)
    (adapted,) = told.of("adapted")
    assert (adapted.cause, adapted.epoch) == ("not-a-number", 1)
    assert len(losses(told)) == 2


def test_a_loss_of_one_process_that_is_no_number_ends_the_training(
    digits: Path, tmp_path: Path
) -> None:
    job = a_random_job(digits, tmp_path, augmentation="light")
    with pytest.raises(RuntimeError, match="the training loss is no longer a number in epoch 1"):
        train_in_processes(Adapter, job, change=spoil)


def test_a_rate_falls_in_all_by_what_one_has_measured(digits: Path, tmp_path: Path) -> None:
    # So slow that its accuracy stays.
    slow = {"scheduler": "plateau", "learningRate": 1e-6, "augmentation": "none", "epochs": 3}
    job = a_timm_job(
        *(digits, tmp_path),
        training={**RANDOM, **slow},
        params={"plateauPatience": 0},
    )
    rates = [one.learning_rate for one in train_in_processes(Adapter, job).of("epoch")]
    assert rates[-1] < rates[0]


def test_a_schedule_is_shortened_in_all(digits: Path, tmp_path: Path) -> None:
    job = a_random_job(digits, tmp_path, epochs=6, onTimeLimit="shorten", augmentation="light")

    def hurry(adapter: Any, rank: int) -> None:
        validate = adapter.validate

        def validate_and_hurry(epoch: int) -> Any:
            measured = validate(epoch)
            if epoch == 1:
                adapter.shorten(1, 3, "it is late")
            return measured

        adapter.validate = validate_and_hurry

    told = train_in_processes(Adapter, job, change=hurry)
    rates = [one.learning_rate for one in told.of("epoch")]
    assert len(rates) == 3
    assert rates[-1] < rates[0] / 10


def test_statistics_of_batch_norms_are_the_mean_over_processes(
    digits: Path, tmp_path: Path
) -> None:
    """Without GPUs each process normalises by its own images."""
    job = a_random_job(digits, tmp_path, epochs=1, batchSize=60, augmentation="none", ema=None)
    job = replace(job, training=replace(job.training, gradient_accumulation=1))
    seen = tmp_path / "seen"
    seen.mkdir()

    def keep(adapter: Any, rank: int) -> None:
        def note(module: Any, given: Any, output: Any) -> None:
            # Measuring on rank 0 comes later.
            if module.training:
                torch.save(module.running_mean.clone(), seen / f"{rank}.pt")

        prepare = adapter.prepare_model

        def prepare_and_note() -> None:
            prepare()
            adapter.model.get_submodule("bn1").register_forward_hook(note)

        adapter.prepare_model = prepare_and_note

    train_in_processes(Adapter, job, change=keep)
    own = [torch.load(seen / f"{rank}.pt") for rank in (0, 1)]
    assert not torch.equal(*own)
    kept = weights_of(job.workdir / "checkpoints" / "epoch-0001")["bn1.running_mean"]
    assert torch.allclose(kept, (own[0] + own[1]) / 2)


def test_an_image_that_one_process_cannot_read_ends_the_training(
    digits: Path, tmp_path: Path
) -> None:
    import shutil

    spoilt = tmp_path / "digits"
    shutil.copytree(digits, spoilt)
    (spoilt / "train" / "3" / "0000.png").write_bytes(b"none")
    job = a_random_job(spoilt, tmp_path / "run")
    with pytest.raises(RuntimeError, match=r"0000\.png cannot be read as an image"):
        train_in_processes(Adapter, job)


@pytest.mark.parametrize(
    ("case", "left_out"),
    [
        # images, batch size, processes, mixed
        ((60, 16, 2, False), 0),
        ((49, 16, 2, False), 1),
        ((51, 16, 2, False), 3),
        ((51, 16, 8, False), 3),
        ((3, 2, 2, False), 1),
        ((54, 16, 2, True), 6),
        ((52, 16, 2, True), 0),
    ],
)
def test_each_process_has_images_of_each_batch(
    case: tuple[int, int, int, bool], left_out: int
) -> None:
    images, size, processes, mixed = case
    cut = plan_batches(images, a_training(size), mixed=mixed, processes=processes)
    assert (cut.left_out, cut.images) == (left_out, images - left_out)
    groups = [ProcessGroup(ProcessRank(rank=r, count=processes, local=1), bool) for r in range(8)]
    for start in range(0, cut.images, size):
        batch = list(range(start, min(start + size, cut.images)))
        parts = [group.split(batch) for group in groups[:processes]]
        assert sorted(index for part in parts for index in part) == batch
        assert all(parts)
        assert not mixed or all(len(part) % 2 == 0 for part in parts)


@pytest.mark.parametrize(
    ("case", "message", "fix"),
    [
        ((60, 15, 2, False), "training.batchSize 15 cannot be divided among 2 processes", 16),
        (
            (60, 18, 2, True),
            "training.batchSize 18 cannot be divided among 2 processes in pairs, as mixup needs",
            20,
        ),
    ],
)
def test_a_batch_is_divided_among_processes_or_refused(
    case: tuple[int, int, int, bool], message: str, fix: int
) -> None:
    images, size, processes, mixed = case
    with pytest.raises(AdapterError, match=message) as refused:
        plan_batches(images, a_training(size), mixed=mixed, processes=processes)
    assert refused.value.fix == f"set training.batchSize to {fix}"


def test_a_divided_batch_stays_divisible() -> None:
    cut = plan_batches(120, a_training(24), mixed=False, processes=4)
    sizes = []
    while (smaller := cut.divide()) is not None:
        cut = smaller
        sizes.append(cut.size)
    assert sizes == [12, 4]


def a_training(size: int) -> Any:
    job = a_timm_job(Path(), Path(), training={"batchSize": size})
    return job.training
