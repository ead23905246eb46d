"""What the loop takes over from Ultralytics' trainer is what the trainer does."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from detector_jobs import write_shapes
from toy_runs import Listener
from vtspec.adapters.contract import Job
from vtspec.adapters.ultralytics.adapter import Adapter
from vtspec.adapters.ultralytics.recipe import Recipe, compute_share
from yolo_jobs import a_yolo_job

pytestmark = pytest.mark.framework


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"))


def a_recipe(
    shapes: Path, tmp_path: Path, steps: int, **changes: Any
) -> tuple[Recipe, torch.nn.Module]:
    adapter = Adapter(a_yolo_job(shapes, tmp_path, **changes), Listener())
    adapter.prepare_model()
    return Recipe(adapter.model, None, adapter.job, steps), adapter.model


def group_by_kind(optimizer: torch.optim.Optimizer, key: str) -> Mapping[Any, Mapping[str, Any]]:
    names: dict[Any, str] = {"bn": "norm"}
    return {
        names.get(group[key], group[key]): {
            "parameters": {id(one) for one in group["params"] if one.requires_grad},
            **{name: group.get(name) for name in ("lr", "weight_decay", "momentum", "nesterov")},
        }
        for group in optimizer.param_groups
    }


@pytest.mark.parametrize("model", ["yolo11n", "yolo26n"])
def test_parameters_are_grouped_as_the_trainer_groups_them(
    shapes: Path, tmp_path: Path, model: str
) -> None:
    from ultralytics.engine.trainer import BaseTrainer

    recipe, network = a_recipe(
        shapes,
        tmp_path,
        4,
        model=model,
        training={"optimizer": "sgd", "momentum": 0.937, "weightDecay": 0.0005},
    )
    told: Any = SimpleNamespace(args=SimpleNamespace(warmup_bias_lr=0.1))
    theirs = BaseTrainer.build_optimizer(
        told, network, name="SGD", lr=0.001, momentum=0.937, decay=0.0005
    )
    assert group_by_kind(recipe.optimizer, "kind") == group_by_kind(theirs, "param_group")


@pytest.mark.parametrize("scheduler", ["cosine", "linear"])
def test_the_learning_rate_falls_as_the_trainers_does(
    shapes: Path, tmp_path: Path, scheduler: str
) -> None:
    from ultralytics.engine.trainer import BaseTrainer

    job: Job = a_yolo_job(
        shapes,
        tmp_path,
        training={
            "epochs": 9,
            "learningRate": 0.01,
            "minLearningRate": 0.0001,
            "scheduler": scheduler,
        },
    )
    told: Any = SimpleNamespace(
        args=SimpleNamespace(cos_lr=scheduler == "cosine", lrf=0.01),
        epochs=9,
        optimizer=torch.optim.SGD([torch.zeros(1)], lr=0.01),
    )
    BaseTrainer._setup_scheduler(told)
    ours = [compute_share(job, epoch) for epoch in range(10)]
    assert ours == pytest.approx([told.lf(epoch) for epoch in range(10)])


def test_the_warm_up_raises_rates_and_momentum_and_lowers_those_of_biases(
    shapes: Path, tmp_path: Path
) -> None:
    recipe, _ = a_recipe(
        shapes,
        tmp_path,
        4,
        training={
            "epochs": 4,
            "warmupEpochs": 1.0,
            "optimizer": "sgd",
            "momentum": 0.9,
            "learningRate": 0.01,
            "scheduler": "constant",
        },
        params={"warmupBiasLearningRate": 0.1, "warmupMomentum": 0.5},
    )
    seen = []
    for _ in range(6):
        recipe.update()
        groups = {group["kind"]: group for group in recipe.optimizer.param_groups}
        rates = [groups[kind]["lr"] for kind in ("weight", "bias")]
        seen.append((*rates, groups["weight"]["momentum"]))
    assert [rate for rate, _, _ in seen] == pytest.approx([0, 0.0025, 0.005, 0.0075, 0.01, 0.01])
    assert [rate for _, rate, _ in seen] == pytest.approx([0.1, 0.0775, 0.055, 0.0325, 0.01, 0.01])
    assert [one for _, _, one in seen] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 0.9])


def test_decay_is_scaled_to_the_images_of_a_step(shapes: Path, tmp_path: Path) -> None:
    recipe, _ = a_recipe(
        shapes,
        tmp_path,
        4,
        training={"weightDecay": 0.1, "batchSize": 4, "gradientAccumulation": 2},
        params={"nominalBatchSize": 64},
    )
    decays = {group["kind"]: group["weight_decay"] for group in recipe.optimizer.param_groups}
    assert decays == pytest.approx({"weight": 0.1 * 8 / 64, "norm": 0.0, "bias": 0.0})


def test_the_head_that_finds_each_object_once_weighs_ever_more(
    shapes: Path, tmp_path: Path
) -> None:
    from ultralytics.utils.loss import E2ELoss

    recipe, network = a_recipe(shapes, tmp_path, 4, model="yolo26n", training={"epochs": 5})
    theirs = E2ELoss(network)
    for epoch in range(1, 6):
        recipe.begin_epoch(epoch)
        assert recipe.criterion.o2m == pytest.approx(theirs.o2m)
        assert recipe.criterion.o2o == pytest.approx(theirs.o2o)
        theirs.update()
    assert math.isclose(theirs.o2m, 0.1)


@pytest.mark.parametrize("kind", ["adamw", "adam", "nadam", "radam", "sgd", "rmsprop"])
def test_every_optimizer_that_is_told_of_moves_the_weights(
    shapes: Path, tmp_path: Path, kind: str
) -> None:
    adapter = Adapter(
        a_yolo_job(shapes, tmp_path, training={"optimizer": kind, "gradientClipping": 10.0}),
        Listener(),
    )
    adapter.prepare_model()
    adapter.prepare_dataset()
    before = [one.detach().clone() for one in adapter.model.parameters()]
    adapter.train_epoch(1)
    moved = [
        not torch.equal(one, now)
        for one, now in zip(before, adapter.model.parameters(), strict=True)
    ]
    assert sum(moved) > 100
