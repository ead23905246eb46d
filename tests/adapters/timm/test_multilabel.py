"""Images of several labels: what is learnt of them, and what is said."""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, log_loss

from timm_jobs import PAIRED, a_timm_job, on_pairs, prepared, trained, write_pairs
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.image_labels import list_multilabel_images
from vtspec.adapters.timm.adapter import Adapter
from vtspec.adapters.timm.params import complete_job
from vtspec.adapters.timm.recipe import Recipe

pytestmark = pytest.mark.slow

COUNTS = (5, 1, 2, 3, 4)
WEIGHTS = {name: 3.0**index for index, name in enumerate(PAIRED)}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), train=300)


@pytest.fixture(scope="module")
def adapter(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    changes = on_pairs({"epochs": 4, "learningRate": 0.01, "augmentation": "none"})
    return trained(a_timm_job(pairs, tmp_path_factory.mktemp("work"), **changes))


def a_recipe(tmp_path: Path, **training: Any) -> Recipe:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, len(PAIRED)))
    given = on_pairs({"learningRate": 0.1, "optimizer": "sgd", **training})
    job = complete_job(a_timm_job(tmp_path, tmp_path / "work", **given))
    return Recipe(network, None, job, 4, COUNTS)


def a_batch(size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    images = torch.randn(size, 3, 2, 2, generator=random)
    return images, torch.randint(0, 2, (size, len(PAIRED)), generator=random).float()


def score_truth(adapter: Adapter, split: str) -> tuple[Any, Any]:
    """(scores, truth) of a split, `(n, classes)`, by what `predict` says of its files."""
    images = list_multilabel_images(adapter.job.dataset, split)
    told = list(adapter.predict(image.path for image in images))
    truth = np.zeros((len(images), len(PAIRED)), int)
    for row, image in enumerate(images):
        truth[row, list(image.targets)] = 1
    return np.array([list((result.scores or {}).values()) for result in told]), truth


def test_it_learns_which_digits_there_are(adapter: Adapter) -> None:
    _, truth = score_truth(adapter, "test")
    # Chance ranks a class as often right as it occurs.
    assert adapter.evaluate("test").metrics["mAP"] > truth.mean() + 0.2


def test_figures_are_those_of_scikit_learn_over_what_predict_says(adapter: Adapter) -> None:
    scores, truth = score_truth(adapter, "test")
    metrics = adapter.evaluate("test").metrics
    assert metrics["mAP"] == pytest.approx(average_precision_score(truth, scores, average="macro"))
    losses = [log_loss(truth[:, place], scores[:, place]) for place in range(len(PAIRED))]
    assert metrics["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    exact = ((scores >= 0.5) == truth).all(axis=1).mean()
    assert metrics["subset_accuracy"] == pytest.approx(exact)


def test_each_class_is_said_that_is_as_likely_as_not(adapter: Adapter) -> None:
    images = [image.path for image in adapter.images["test"]]
    told = list(adapter.predict(images))
    said = [result.predicted_labels for result in told]
    assert said == [
        [name for name, score in (result.scores or {}).items() if score >= 0.5] for result in told
    ]
    assert {len(labels or ()) for labels in said} >= {0, 1, 2}
    assert all(result.predicted_label is None and result.confidence is None for result in told)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, WEIGHTS, "balanced"])
def test_loss_is_the_weighted_mean_of_each_classs_cross_entropy(
    tmp_path: Path, weights: Any, smoothing: float
) -> None:
    images, targets = a_batch()
    recipe = a_recipe(tmp_path, labelSmoothing=smoothing, classWeights=weights)
    by_class = {"balanced": [1 / count for count in COUNTS], None: [1.0] * len(PAIRED)}
    shares = np.array(list(weights.values()) if isinstance(weights, dict) else by_class[weights])
    wanted = np.abs(targets.numpy() - smoothing / 2)
    yes = torch.sigmoid(recipe.model(images)).detach().double().numpy()
    each = -(wanted * np.log(yes) + (1 - wanted) * np.log(1 - yes))
    expected = np.average(each, axis=1, weights=shares).mean()
    assert float(recipe.backward(images, targets, share=1)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sizes", [(6, 6), (8, 4), (1,) * 12])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_accumulated_batches_move_the_weights_as_one_batch(
    tmp_path: Path, weights: Mapping[str, float] | None, sizes: tuple[int, ...]
) -> None:
    images, targets = a_batch(12)
    whole, parts = (a_recipe(tmp_path, classWeights=weights, labelSmoothing=0.2) for _ in range(2))
    whole.backward(images, targets, share=1)
    cuts = list(accumulate(sizes))[:-1]
    for some, wanted in zip(images.tensor_split(cuts), targets.tensor_split(cuts), strict=True):
        parts.backward(some, wanted, share=12 / len(wanted))
    for recipe in (whole, parts):
        recipe.update()
    for left, right in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-6)


def test_balanced_weights_follow_from_the_train_images_of_each_class(
    pairs: Path, tmp_path: Path
) -> None:
    adapter = prepared(a_timm_job(pairs, tmp_path, **on_pairs({"classWeights": "balanced"})))
    counts = np.zeros(len(PAIRED))
    for line in (pairs / "train.csv").read_text().splitlines()[1:]:
        for name in line.partition(",")[2].split():
            counts[PAIRED.index(name)] += 1
    assert adapter._training is not None
    recipe = adapter._training.recipe
    assert isinstance(recipe, Recipe)
    found = recipe.loss.weight
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found.numpy(), 1 / counts / (1 / counts).mean(), rtol=1e-5)


def test_half_precision_learns_from_the_same_labels(tmp_path: Path) -> None:
    exact, rough = (a_recipe(tmp_path, precision=each) for each in ("fp32", "bf16"))
    losses = [float(recipe.backward(*a_batch(), share=1)) for recipe in (exact, rough)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_strong_augmentation_mixes_nothing_and_params_of_mixing_are_refused(
    tmp_path: Path,
) -> None:
    assert a_recipe(tmp_path, augmentation="strong").mixup is None
    job = a_timm_job(tmp_path, tmp_path / "work", **on_pairs(), params={"mixup": 0.2})
    with pytest.raises(AdapterError, match=r"params\.mixup"):
        complete_job(job)


def test_an_image_without_the_chosen_classes_is_one_of_none(pairs: Path, tmp_path: Path) -> None:
    adapter = prepared(a_timm_job(pairs, tmp_path, **on_pairs(classes=("3", "0"))))
    assert {name: len(images) for name, images in adapter.images.items()} == {
        "train": 300,
        "val": 20,
        "test": 20,
    }
    assert {image.targets for image in adapter.images["train"]} == {(), (0,), (1,), (0, 1)}


def test_onnx_runtime_says_the_labels_that_the_adapter_says(
    adapter: Adapter, tmp_path: Path
) -> None:
    import onnx
    import onnxruntime

    path = adapter.export(("onnx",), tmp_path)["onnx"].path
    properties = {each.key: each.value for each in onnx.load(path).metadata_props}
    assert json.loads(properties["classes"]) == list(PAIRED)
    assert properties["task"] == "multilabel-classification"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = adapter._build_classifier()._sample_images()
    (logits,) = session.run(["logits"], {"images": inputs.numpy()})
    assert isinstance(logits, np.ndarray)
    images = adapter.images["val"]
    step = len(images) // len(inputs)
    told = adapter.predict(image.path for image in images[::step][: len(inputs)])
    for row, result in zip(1 / (1 + np.exp(-logits)), told, strict=True):
        assert list((result.scores or {}).values()) == pytest.approx(row.tolist(), abs=1e-5)
        named = [name for name, score in zip(PAIRED, row, strict=True) if score >= 0.5]
        assert result.predicted_labels == named


def test_an_export_needs_no_data(adapter: Adapter, tmp_path: Path) -> None:
    job: Job = replace(adapter.job, dataset=replace(adapter.job.dataset, root=tmp_path / "gone"))
    away = Adapter(job, Listener())
    away.prepare_model()
    assert away.export(("onnx",), tmp_path)["onnx"].path.is_file()
