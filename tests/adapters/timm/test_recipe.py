"""Loss, optimizer, schedule, mixing and averaging do what the job says."""

import math
import shutil
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch

from timm_jobs import DIGITS, a_timm_job, prepared, write_digits
from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.pytorch.class_weights import compute_class_weights
from vtspec.adapters.pytorch.epoch_progress import EpochProgress
from vtspec.adapters.pytorch.schedule import PlateauScheduler
from vtspec.adapters.timm.params import complete_job
from vtspec.adapters.timm.recipe import Recipe, build_mixup

pytestmark = pytest.mark.slow

STEPS = 4
COUNTS = (1,) * 10


def a_job(tmp_path: Path, params: Mapping[str, Any] | None = None, **training: Any) -> Job:
    return complete_job(a_timm_job(tmp_path, tmp_path / "work", training=training, params=params))


def a_recipe(tmp_path: Path, params: Mapping[str, Any] | None = None, **training: Any) -> Recipe:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(12, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10)
    )
    job = a_job(tmp_path, params, **{"learningRate": 0.1, "epochs": 3, **training})
    return Recipe(network, None, job, STEPS, COUNTS)


def a_batch(seed: int, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(size, 3, 2, 2, generator=random)
    return images, torch.randint(0, 10, (size,), generator=random)


def rates(recipe: Recipe, steps: int = 12) -> list[float]:
    """The learning rate of each step."""
    found = []
    for step in range(steps):
        recipe.backward(*a_batch(step), share=1)
        recipe.update()
        found.append(recipe.learning_rate)
    return found


def approx(*values: float) -> Any:
    return pytest.approx(values, abs=1e-12)


def test_cosine_falls_from_the_peak_to_the_minimum(tmp_path: Path) -> None:
    expected = [0.01 + 0.045 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]
    assert rates(a_recipe(tmp_path, minLearningRate=0.01)) == approx(*expected)


def test_warm_up_of_a_fraction_of_an_epoch_then_the_whole_cosine(tmp_path: Path) -> None:
    # Half an epoch is 2 steps; the other 10 are the schedule, and begin at the peak.
    expected = [0.0, 0.05] + [0.05 * (1 + math.cos(math.pi * step / 10)) for step in range(10)]
    assert rates(a_recipe(tmp_path, warmupEpochs=0.5)) == approx(*expected)


def test_warm_up_starts_where_the_param_says(tmp_path: Path) -> None:
    recipe = a_recipe(
        tmp_path, {"warmupLearningRate": 0.02}, scheduler="constant", warmupEpochs=1.0
    )
    assert rates(recipe, 6) == approx(0.02, 0.04, 0.06, 0.08, 0.1, 0.1)


def test_linear_and_polynomial_fall_to_the_minimum(tmp_path: Path) -> None:
    linear = rates(a_recipe(tmp_path, scheduler="linear"))
    assert linear == approx(*[0.1 * (1 - step / 12) for step in range(12)])
    quadratic = rates(a_recipe(tmp_path, scheduler="polynomial"))
    assert quadratic == approx(*[0.1 * (1 - step / 12) ** 2 for step in range(12)])
    cubic = rates(a_recipe(tmp_path, {"polynomialPower": 3.0}, scheduler="polynomial"))
    assert cubic == approx(*[0.1 * (1 - step / 12) ** 3 for step in range(12)])


def test_step_falls_every_so_many_epochs(tmp_path: Path) -> None:
    recipe = a_recipe(tmp_path, {"decayEpochs": 1.0, "decayRate": 0.5}, scheduler="step")
    assert rates(recipe) == approx(*[0.1] * 4, *[0.05] * 4, *[0.025] * 4)


def test_plateau_falls_when_the_metric_stalls_and_not_below_the_minimum(tmp_path: Path) -> None:
    params = {"plateauPatience": 0, "decayRate": 0.1}
    recipe = a_recipe(
        tmp_path, params, scheduler="plateau", minLearningRate=0.005, warmupEpochs=0.5
    )
    found = []
    for accuracy in (0.5, 0.6, 0.6, 0.6):
        found += rates(recipe, 4)
        recipe.record_metric(accuracy)
    assert found == approx(0.0, 0.05, *[0.1] * 10, *[0.01] * 4)
    assert rates(recipe, 1) == approx(0.005)


def test_plateau_of_a_loss_wants_it_to_fall(tmp_path: Path) -> None:
    recipe = a_recipe(
        tmp_path,
        {"plateauPatience": 0},
        scheduler="plateau",
        checkpoint={"monitor": "val_loss", "every": None},
    )
    for loss in (1.0, 0.5, 0.2):
        recipe.record_metric(loss)
    assert rates(recipe, 1) == approx(0.1)
    recipe.record_metric(0.9)
    assert rates(recipe, 1) == approx(0.01)


@pytest.mark.parametrize("scheduler", ["step", "constant"])
def test_minimum_without_a_schedule_that_ends_there_is_refused(
    tmp_path: Path, scheduler: str
) -> None:
    with pytest.raises(AdapterError, match="minLearningRate changes nothing"):
        a_recipe(tmp_path, scheduler=scheduler, minLearningRate=0.01)


def test_layer_decay_gives_early_layers_smaller_rates(tmp_path: Path) -> None:
    network = timm.create_model("test_vit", num_classes=10)
    job = a_job(tmp_path, {"layerDecay": 0.5}, learningRate=0.1, scheduler="constant")
    recipe = Recipe(network, None, job, STEPS, COUNTS)
    found = {
        name: group["lr"]
        for group in recipe.optimizer.param_groups
        for name, parameter in network.named_parameters()
        if any(parameter is each for each in group["params"])
    }
    assert found["head.weight"] == pytest.approx(0.1)
    assert found["blocks.1.mlp.fc1.weight"] / found["blocks.0.mlp.fc1.weight"] == pytest.approx(2)
    assert recipe.learning_rate == pytest.approx(0.1)


@pytest.mark.parametrize(
    "optimizer", ["adamw", "adam", "nadam", "radam", "sgd", "rmsprop", "lamb", "lion"]
)
def test_recipe_goes_on_from_its_state_as_if_unbroken(tmp_path: Path, optimizer: str) -> None:
    whole = a_recipe(tmp_path, optimizer=optimizer, momentum=0.5, weightDecay=0.1)
    first = a_recipe(tmp_path, optimizer=optimizer, momentum=0.5, weightDecay=0.1)
    second = a_recipe(tmp_path, optimizer=optimizer, momentum=0.5, weightDecay=0.1)
    for step in range(8):
        if step == 3:
            torch.save(first.get_state(), tmp_path / "state.pt")
            second.model.load_state_dict(first.model.state_dict())
            second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
        for recipe in (whole, first if step < 3 else second):
            recipe.backward(*a_batch(step), share=1)
            recipe.update()
    states = [recipe.model.state_dict() for recipe in (whole, second)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert (second.updates, second.learning_rate) == (8, whole.learning_rate)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_momentum_reaches_the_optimizers_that_have_it(tmp_path: Path, optimizer: str) -> None:
    recipe = a_recipe(tmp_path, optimizer=optimizer, momentum=0.25)
    assert {group["momentum"] for group in recipe.optimizer.param_groups} == {0.25}


def test_weight_decay_spares_biases(tmp_path: Path) -> None:
    groups = a_recipe(tmp_path, weightDecay=0.3).optimizer.param_groups
    found = {group["weight_decay"]: {p.ndim for p in group["params"]} for group in groups}
    assert found == {0.0: {1}, 0.3: {2}}


def test_clipping_bounds_the_gradient_that_is_applied(tmp_path: Path) -> None:
    clipped = a_recipe(tmp_path, optimizer="sgd", momentum=0.0, gradientClipping=0.01)
    before = [p.detach().clone() for p in clipped.model.parameters()]
    clipped.backward(*a_batch(0), share=1)
    clipped.update()
    after = [p.detach() for p in clipped.model.parameters()]
    moved = math.sqrt(sum(float(((a - b) ** 2).sum()) for a, b in zip(after, before, strict=True)))
    assert moved <= 0.1 * (0.01 + 0.001 * 10)


@pytest.mark.parametrize("sizes", [(6, 6), (8, 4), (5, 5, 2), (1,) * 12])
@pytest.mark.parametrize(
    "training",
    [
        {},
        {"labelSmoothing": 0.2},
        {"classWeights": {name: 3.0**index for index, name in enumerate(DIGITS)}},
        {
            "classWeights": {name: 3.0**index for index, name in enumerate(DIGITS)},
            "labelSmoothing": 0.2,
            "gradientClipping": 0.01,
        },
    ],
)
def test_accumulated_batches_move_the_weights_as_one_batch(
    tmp_path: Path, training: dict[str, Any], sizes: tuple[int, ...]
) -> None:
    images, targets = a_batch(0, size=12)
    whole, parts = (a_recipe(tmp_path, optimizer="sgd", **training) for _ in range(2))
    loss = whole.backward(images, targets, share=1)
    course = EpochProgress({})
    cuts = list(accumulate(sizes))[:-1]
    for some, wanted in zip(images.tensor_split(cuts), targets.tensor_split(cuts), strict=True):
        course.add(parts.backward(some, wanted, share=12 / len(wanted)), parts.sum_weights(wanted))
    for recipe in (whole, parts):
        recipe.update()
    for left, right in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-6)
    assert course.compute_mean_loss() == pytest.approx(float(loss), rel=1e-5)


def test_an_epoch_ends_with_the_same_weights_however_its_step_is_cut(tmp_path: Path) -> None:
    data = write_digits(tmp_path / "data", train=3, val=1, test=1)
    shutil.rmtree(data / "train" / "0")
    write_digits(tmp_path / "more", train=9, val=1, test=1)
    shutil.copytree(tmp_path / "more" / "train" / "0", data / "train" / "0")
    # 36 images: 20 + 16 in the second job.
    found = []
    for name, batch, accumulation in (("whole", 36, 1), ("cut", 20, 2)):
        job = a_timm_job(
            data,
            tmp_path / name,
            model="test_vit",
            training={
                "optimizer": "sgd",
                "learningRate": 0.1,
                "classWeights": "balanced",
                "augmentation": "none",
                "batchSize": batch,
                "gradientAccumulation": accumulation,
                "imageSize": [160, 160],
            },
        )
        adapter = prepared(job)
        result = adapter.train_epoch(1)
        found.append((result.train_loss, list(adapter.model.parameters())))
    (loss, whole), (cut_loss, cut) = found
    assert loss == pytest.approx(cut_loss, rel=1e-5)
    for left, right in zip(whole, cut, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-5)


def test_loss_is_smoothed_and_weighted_as_pytorch_does(tmp_path: Path) -> None:
    images, targets = a_batch(0)
    recipe = a_recipe(tmp_path, labelSmoothing=0.2)
    logits = recipe.model(images)
    expected = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.2)
    torch.testing.assert_close(recipe.backward(images, targets, share=1), expected.detach())
    weights = {name: float(index + 1) for index, name in enumerate(DIGITS)}
    recipe = a_recipe(tmp_path, labelSmoothing=0.2, classWeights=weights)
    expected = torch.nn.functional.cross_entropy(
        recipe.model(images),
        targets,
        weight=torch.arange(1.0, 11.0),
        label_smoothing=0.2,
    )
    torch.testing.assert_close(recipe.backward(images, targets, share=1), expected.detach())


def test_balanced_weights_are_those_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.utils.class_weight import compute_class_weight

    counts = (5, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    targets = np.repeat(np.arange(10), counts)
    expected = compute_class_weight("balanced", classes=np.arange(10), y=targets)
    assert compute_class_weights(a_job(tmp_path, classWeights="balanced"), counts) == approx(
        *expected
    )
    assert compute_class_weights(a_job(tmp_path), counts) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (dict.fromkeys(DIGITS[1:], 1.0), "'0' has no weight"),
        (dict.fromkeys((*DIGITS, "x"), 1.0), "'x' is no class"),
        ("balanced", "class '0' has no images"),
    ],
)
def test_class_weights_that_do_not_fit_the_classes_are_refused(
    tmp_path: Path, weights: Any, message: str
) -> None:
    with pytest.raises(AdapterError, match=message):
        compute_class_weights(a_job(tmp_path, classWeights=weights), (0, *COUNTS[1:]))


def test_nothing_is_mixed_unless_the_preset_or_a_param_says_so(tmp_path: Path) -> None:
    assert build_mixup(a_job(tmp_path, augmentation="standard")) is None
    assert build_mixup(a_job(tmp_path, {"mixup": 0.0}, augmentation="strong")) is None
    strong = build_mixup(a_job(tmp_path, augmentation="strong", labelSmoothing=0.1))
    assert strong is not None
    assert (strong.mixup_alpha, strong.cutmix_alpha, strong.mode) == (0.2, 0.0, "batch")
    assert (strong.label_smoothing, strong.num_classes) == (0.1, 10)
    params = {"cutmix": 1.0, "mixup": 0.4, "mixupProb": 0.3, "mixupSwitchProb": 0.9}
    mixed = build_mixup(a_job(tmp_path, {**params, "mixupMode": "elem"}))
    assert mixed is not None
    assert (mixed.mixup_alpha, mixed.cutmix_alpha, mixed.mode) == (0.4, 1.0, "elem")
    assert (mixed.mix_prob, mixed.switch_prob) == (0.3, 0.9)


def test_mixing_ends_with_the_epoch_that_the_param_names(tmp_path: Path) -> None:
    recipe = a_recipe(tmp_path, {"mixup": 0.4, "mixupOffEpoch": 2})
    mixed = []
    assert recipe.mixup is not None
    for step in range(12):
        recipe.backward(*a_batch(step), share=1)
        recipe.update()
        mixed.append(recipe.mixup.mixup_enabled)
    assert mixed == [True] * 8 + [False] * 4


@pytest.mark.parametrize("weights", [None, "balanced"])
def test_mixed_targets_give_the_soft_cross_entropy(tmp_path: Path, weights: Any) -> None:
    recipe = a_recipe(
        tmp_path, {"mixup": 0.4}, classWeights=weights, labelSmoothing=0.1, augmentation="none"
    )
    images, targets = a_batch(0)
    np.random.seed(3)
    loss = recipe.backward(images.clone(), targets, share=1)
    np.random.seed(3)
    assert recipe.mixup is not None
    mixed, soft = recipe.mixup(images.clone(), targets)
    expected = -(soft * torch.log_softmax(recipe.model(mixed), dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(loss, expected.detach())


def test_bf16_computes_in_bf16_and_keeps_weights_in_float32(tmp_path: Path) -> None:
    exact, rough = a_recipe(tmp_path), a_recipe(tmp_path, precision="bf16")
    losses = [float(recipe.backward(*a_batch(0), share=1)) for recipe in (exact, rough)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    rough.update()
    assert {p.dtype for p in rough.model.parameters()} == {torch.float32}


def test_plateau_keeps_its_counters_in_the_state(tmp_path: Path) -> None:
    recipes = [a_recipe(tmp_path, {"plateauPatience": 2}, scheduler="plateau") for _ in range(2)]
    for accuracy in (0.9, 0.5, 0.5):
        recipes[0].record_metric(accuracy)
    torch.save(recipes[0].get_state(), tmp_path / "state.pt")
    recipes[1].restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert isinstance(recipes[1].schedule, PlateauScheduler)
    for recipe in recipes:
        recipe.record_metric(0.5)
        assert rates(recipe, 1) == approx(0.01)
