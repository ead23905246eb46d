"""Classes of pixels, held against scikit-learn and cases by hand."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.semantic_segmentation import SemanticSegmentationMetrics
from vtspec.adapters.metrics import METRICS

NAMES = ("sky", "road", "tree", "none")


def some_masks(seed: int, count: int) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        truth = random.integers(0, 3, (12, 10)).astype(np.uint8)
        right = random.random(truth.shape) < random.uniform(0.4, 0.9)
        predicted = np.where(right, truth, random.integers(0, 3, truth.shape)).astype(np.uint8)
        truth[random.random(truth.shape) < 0.1] = 255
        made.append((truth, predicted))
    return made


def measure(
    masks: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
) -> SemanticSegmentationMetrics:
    metrics = SemanticSegmentationMetrics(NAMES)
    for n, pair in enumerate(masks):
        metrics.update(f"{n}.png", *pair)
    return metrics


@pytest.mark.parametrize("seed", range(3))
def test_metrics_and_classes_equal_those_of_scikit_learn(seed: int) -> None:
    masks = some_masks(seed, 6)
    metrics = measure(masks)
    found, details = metrics.compute(), metrics.build_details()
    assert set(found) == {metric.name for metric in METRICS[TaskType.SEMANTIC_SEGMENTATION]} - {
        "loss"
    }
    truth = np.concatenate([pair[0].reshape(-1) for pair in masks])
    said = np.concatenate([pair[1].reshape(-1) for pair in masks])[truth != 255]
    truth = truth[truth != 255]
    # Without the class that occurs nowhere.
    assert found["mIoU"] == pytest.approx(
        sklearn_metrics.jaccard_score(truth, said, average="macro")
    )
    assert found["mean_dice"] == pytest.approx(
        sklearn_metrics.f1_score(truth, said, average="macro")
    )
    assert found["pixel_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(truth, said))
    oracle: Any = sklearn_metrics.jaccard_score
    each = oracle(truth, said, average=None, labels=[0, 1, 2])
    assert [row["iou"] for row in details["perClass"][:3]] == pytest.approx(each, abs=1e-6)
    assert details["perClass"][3]["iou"] is None
    matrix = sklearn_metrics.confusion_matrix(truth, said, labels=range(4))
    assert details["confusion"] == matrix.tolist()
    assert json.loads(json.dumps(details, allow_nan=False)) == details


def test_a_case_by_hand() -> None:
    metrics = SemanticSegmentationMetrics(("a", "b"))
    metrics.update("a.png", np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 0]]))
    metrics.update("b.png", np.array([[1, 1, 1, 1]]), np.array([[1, 1, 1, 0]]))
    assert metrics.compute() == pytest.approx(
        {"mIoU": (1 / 3 + 4 / 6) / 2, "mean_dice": (2 / 4 + 8 / 10) / 2, "pixel_accuracy": 5 / 7}
    )


def test_the_values_of_images_have_the_metric_as_their_mean_and_its_spread() -> None:
    masks = some_masks(1, 150)
    metrics = measure(masks)
    found, samples = metrics.compute(), metrics.build_details()["samples"]
    random = np.random.default_rng(0)
    drawn = [[masks[n] for n in random.integers(0, 150, 150)] for _ in range(150)]
    anew = [measure(each).compute() for each in drawn]
    for name, column in samples["values"].items():
        assert np.mean(column) == pytest.approx(found[name], abs=1e-5)
        expected = np.std([one[name] for one in anew])
        assert np.std(column) / 150**0.5 == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize(
    ("truth", "predicted", "why"),
    [
        ([[0, 1]], [[0]], "masks of"),
        ([[0, 4]], [[0, 0]], "not one of 0 to 3"),
        ([[0, 1]], [[0, 255]], "not one of 0 to 3"),
    ],
)
def test_masks_that_do_not_belong_together_are_refused(
    truth: list[list[int]], predicted: list[list[int]], why: str
) -> None:
    with pytest.raises(ValueError, match=rf"a\.png: .*{why}"):
        SemanticSegmentationMetrics(NAMES).update("a.png", np.array(truth), np.array(predicted))
