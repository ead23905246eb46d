"""Classification metrics from scores, held against scikit-learn and against cases by hand."""

import json
import warnings
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn_metrics

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.classification import (
    CURVE_POINTS,
    SplitScores,
    build_details,
    compute_confusion,
    compute_metrics,
    find_worst_errors,
)
from vtspec.adapters.metrics import METRICS

# scikit-learn's parameter says "warn" or a number, its default only the first.
ZERO: Final[dict[str, Any]] = {"zero_division": 0}
NAMES = ("cat", "dog", "owl")


def scored_of(probabilities: list[list[float]], targets: list[int]) -> SplitScores:
    with np.errstate(divide="ignore"):
        logits = np.log(np.array(probabilities))
    return SplitScores(np.maximum(logits, -1e9), np.array(targets))


def random_scores(seed: int, images: int = 300, classes: int = 7) -> SplitScores:
    random = np.random.default_rng(seed)
    targets = random.integers(0, classes, images)
    logits = random.normal(size=(images, classes)).astype(np.float32)
    logits[np.arange(images), targets] += 1.0
    # Coarse scores make ties, which are where implementations differ.
    return SplitScores(np.round(logits, 1), targets)


def test_the_metrics_are_those_of_the_task() -> None:
    names = {metric.name for metric in METRICS[TaskType.IMAGE_CLASSIFICATION]}
    assert set(compute_metrics(random_scores(0))) == names


@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_those_of_scikit_learn(seed: int) -> None:
    scored = random_scores(seed)
    found = compute_metrics(scored)
    truth, called = scored.targets, scored.predicted
    assert found["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(truth, called))
    for name, average in (
        ("macro_precision", sklearn_metrics.precision_score),
        ("macro_recall", sklearn_metrics.recall_score),
        ("macro_f1", sklearn_metrics.f1_score),
    ):
        expected = average(truth, called, average="macro", **ZERO)
        assert found[name] == pytest.approx(expected)
    assert found["loss"] == pytest.approx(
        sklearn_metrics.log_loss(truth, scored.probabilities, labels=range(7))
    )


@pytest.mark.parametrize("seed", range(5))
def test_details_equal_those_of_scikit_learn(seed: int) -> None:
    scored = random_scores(seed)
    names = [f"class {index}" for index in range(7)]
    details = build_details(scored, names)
    matrix = sklearn_metrics.confusion_matrix(scored.targets, scored.predicted)
    assert details["confusion"] == matrix.tolist()
    table = sklearn_metrics.classification_report(
        scored.targets, scored.predicted, target_names=names, output_dict=True, **ZERO
    )
    assert isinstance(table, dict)
    for row in details["perClass"]:
        expected = table[row["class"]]
        assert row["precision"] == pytest.approx(expected["precision"], abs=1e-6)
        assert row["recall"] == pytest.approx(expected["recall"], abs=1e-6)
        assert row["f1"] == pytest.approx(expected["f1-score"], abs=1e-6)
        assert row["support"] == expected["support"]
    for index, name in enumerate(names):
        expected = sklearn_metrics.average_precision_score(
            scored.targets == index, scored.probabilities[:, index]
        )
        assert details["prCurves"][name]["averagePrecision"] == pytest.approx(expected, abs=1e-6)


def test_curve_points_are_those_of_scikit_learn() -> None:
    scored = random_scores(3, images=40)
    curve = build_details(scored, [str(index) for index in range(7)])["prCurves"]["2"]
    precision, recall, _ = sklearn_metrics.precision_recall_curve(
        scored.targets == 2, scored.probabilities[:, 2]
    )
    points = set(zip(recall.round(6).tolist(), precision.round(6).tolist(), strict=True))
    assert set(zip(curve["recall"], curve["precision"], strict=True)) <= points
    assert (curve["recall"][0], curve["precision"][0]) == (0.0, 1.0)
    assert curve["recall"] == sorted(curve["recall"])
    assert curve["recall"][-1] == 1.0


def test_a_long_curve_keeps_its_ends_and_at_most_so_many_points() -> None:
    random = np.random.default_rng(0)
    scored = SplitScores(random.normal(size=(5000, 3)), random.integers(0, 3, 5000))
    curve = build_details(scored, NAMES)["prCurves"]["cat"]
    assert len(curve["recall"]) == CURVE_POINTS
    assert (curve["recall"][0], curve["recall"][-1]) == (0.0, 1.0)


def test_a_case_by_hand() -> None:
    scored = scored_of(
        [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]], [0, 1, 1, 2]
    )
    assert compute_confusion(scored).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    found = compute_metrics(scored)
    assert found["accuracy"] == 0.75
    assert found["macro_precision"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found["macro_recall"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found["loss"] == pytest.approx(-np.log([0.7, 0.8, 0.3, 0.6]).mean())
    # Bins of 1/15: 0.7 and 0.8 each alone and right; 0.6 twice, on a bin's upper edge, half right.
    assert found["ece"] == pytest.approx((0.3 + 0.2 + 2 * 0.1) / 4)


def test_top5_counts_the_five_best_and_all_where_there_are_fewer() -> None:
    logits = np.arange(8, dtype=float)[None].repeat(3, axis=0)
    assert compute_metrics(SplitScores(logits, np.array([7, 3, 2])))[
        "top5_accuracy"
    ] == pytest.approx(2 / 3)
    assert compute_metrics(SplitScores(logits[:, :4], np.array([3, 1, 0])))["top5_accuracy"] == 1.0


def test_equal_scores_are_no_free_hits() -> None:
    scored = SplitScores(np.zeros((10, 10)), np.arange(10))
    assert compute_metrics(scored)["accuracy"] == pytest.approx(0.1)
    assert compute_metrics(scored)["top5_accuracy"] == pytest.approx(0.5)


def test_a_class_that_never_occurs_does_not_pull_the_average_down() -> None:
    scored = scored_of([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05]], [0, 1])
    assert compute_metrics(scored)["macro_f1"] == 1.0
    details = build_details(scored, NAMES)
    assert details["perClass"][2] == {
        "class": "owl",
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 0,
    }
    assert details["prCurves"]["owl"] == {"recall": [], "precision": [], "averagePrecision": None}


def test_calibration_bins_hold_every_image_once() -> None:
    scored = random_scores(1)
    calibration = build_details(scored, [str(index) for index in range(7)])["calibration"]
    bins = calibration["bins"]
    assert len(bins) == 15
    assert sum(each["count"] for each in bins) == 300
    assert (bins[0]["low"], bins[-1]["high"]) == (0.0, 1.0)
    assert [each["confidence"] is None for each in bins] == [not each["count"] for each in bins]
    weighted = sum(
        each["count"] / 300 * abs(each["confidence"] - each["accuracy"])
        for each in bins
        if each["count"]
    )
    assert calibration["ece"] == pytest.approx(weighted, abs=1e-5)


def test_a_certain_and_right_classifier_is_calibrated() -> None:
    scored = scored_of([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0, 1])
    assert compute_metrics(scored)["ece"] == 0.0
    assert build_details(scored, NAMES)["calibration"]["bins"][-1]["count"] == 2


def test_worst_errors_are_the_most_confident_mistakes() -> None:
    scored = scored_of(
        [[0.6, 0.3, 0.1], [0.9, 0.05, 0.05], [0.95, 0.03, 0.02], [0.1, 0.7, 0.2]], [1, 1, 0, 2]
    )
    assert find_worst_errors(scored, 10) == [1, 3, 0]
    assert find_worst_errors(scored, 2) == [1, 3]


def test_with_very_many_classes_matrix_and_curves_are_left_out() -> None:
    scored = SplitScores(np.eye(1001), np.arange(1001))
    details = build_details(scored, [str(index) for index in range(1001)])
    assert details["confusion"] is None
    assert details["prCurves"] == {}
    assert len(details["perClass"]) == 1001


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_metrics_are_numbers_in_range_and_details_are_json(data: st.DataObject) -> None:
    images, classes = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 6))
    finite = st.floats(-1e4, 1e4, width=32)
    logits = data.draw(hnp.arrays(np.float32, (images, classes), elements=finite))
    targets = data.draw(hnp.arrays(np.int64, images, elements=st.integers(0, classes - 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scored = SplitScores(logits, targets)
        found = compute_metrics(scored)
        details = build_details(scored, [str(index) for index in range(classes)])
    loss = found.pop("loss")
    assert loss >= -1e-9
    assert all(0.0 <= value <= 1.0 for value in found.values())
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert sum(map(sum, details["confusion"])) == images
