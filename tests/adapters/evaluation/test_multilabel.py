"""Multi-label metrics, held against scikit-learn and against what an image's absence changes."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.multilabel import MultilabelMetrics
from vtspec.adapters.metrics import METRICS

NAMES = ("cat", "dog", "owl", "none")


def some_scores(seed: int, count: int = 200) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    random = np.random.default_rng(seed)
    labels = random.random((count, 4)) < np.array([0.5, 0.2, 0.1, 0.0])
    # Coarse scores make ties.
    scores: NDArray[np.float64] = np.round(random.normal(0.3 + 0.3 * labels, 0.3), 1)
    return scores.clip(0, 1), labels


def measure(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> MultilabelMetrics:
    metrics = MultilabelMetrics(NAMES)
    for start in range(0, len(scores), 64):
        batch = slice(start, start + 64)
        names = [f"{place}.png" for place in range(len(scores))[batch]]
        metrics.update(scores[batch], labels[batch], names)
    return metrics


def test_the_metrics_are_those_of_the_task_but_the_loss() -> None:
    names = {metric.name for metric in METRICS[TaskType.MULTILABEL_CLASSIFICATION]}
    assert set(measure(*some_scores(0)).compute()) == names - {"loss"}


@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_those_of_scikit_learn(seed: int) -> None:
    scores, labels = some_scores(seed)
    found, said = measure(scores, labels).compute(), scores >= 0.5
    occurring = (labels | said).any(axis=0)
    assert found["mAP"] == pytest.approx(
        sklearn_metrics.average_precision_score(labels[:, :3], scores[:, :3], average="macro")
    )
    assert found["micro_f1"] == pytest.approx(
        sklearn_metrics.f1_score(labels, said, average="micro")
    )
    assert found["macro_f1"] == pytest.approx(
        sklearn_metrics.f1_score(labels[:, occurring], said[:, occurring], average="macro")
    )
    assert found["subset_accuracy"] == sklearn_metrics.accuracy_score(labels, said)


def test_details_equal_those_of_scikit_learn() -> None:
    scores, labels = some_scores(3)
    details = measure(scores, labels).build_details()
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    # Its annotations know neither the number nor the arrays.
    oracle: Any = sklearn_metrics.precision_recall_fscore_support
    precision, recall, f1, support = oracle(labels, scores >= 0.5, zero_division=0)
    for place, row in enumerate(details["perClass"]):
        assert row["precision"] == pytest.approx(precision[place], abs=1e-6)
        assert row["recall"] == pytest.approx(recall[place], abs=1e-6)
        assert row["f1"] == pytest.approx(f1[place], abs=1e-6)
        assert row["support"] == support[place]
    assert details["perClass"][3]["ap"] is None
    assert list(details["prCurves"]) == ["cat", "dog", "owl"]


def test_the_values_of_images_have_the_metric_as_their_mean_and_its_spread() -> None:
    scores, labels = some_scores(4, 300)
    metrics = measure(scores, labels)
    found, samples = metrics.compute(), metrics.build_details()["samples"]
    assert samples["images"][-1] == "299.png"
    assert set(samples["values"]) == set(found)
    random = np.random.default_rng(0)
    drawn = [random.integers(0, 300, 300) for _ in range(300)]
    anew = [measure(scores[places], labels[places]).compute() for places in drawn]
    for name, column in samples["values"].items():
        assert np.mean(column) == pytest.approx(found[name], abs=1e-5)
        expected = np.std([one[name] for one in anew])
        assert np.std(column) / 300**0.5 == pytest.approx(expected, rel=0.15)
