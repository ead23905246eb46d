"""Detection metrics, held against pycocotools to the bit, and against cases by hand."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detections import (
    average,
    evaluate_with_pycocotools,
    list_matches,
    make_detections,
)
from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.coco_evaluation import Kind
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.metrics import METRICS

IOU_TYPES: dict[Kind, str] = {"box": "bbox", "mask": "segm", "keypoints": "keypoints"}
NAMES = ("cat", "dog", "owl", "none")


def measure(rows: list[tuple[str, Objects, Objects]], kind: Kind = "box") -> DetectionMetrics:
    metrics = DetectionMetrics(NAMES, kind)
    for row in rows:
        metrics.update(*row)
    return metrics


def an_object(*boxes: tuple[float, ...], **columns: Any) -> Objects:
    """Objects of the first class where no others are named."""
    corners = np.array(boxes, float).reshape(-1, 4)
    columns = {"classes": [0] * len(corners)} | columns
    return Objects(boxes=corners, **{name: np.array(each) for name, each in columns.items()})


@pytest.mark.parametrize("kind", ["box", "mask", "keypoints"])
@pytest.mark.parametrize("seed", range(3))
def test_the_arrays_are_those_of_pycocotools_to_the_bit(kind: Kind, seed: int) -> None:
    rows = make_detections(seed, 30, 3, kind=kind)
    metrics = measure(rows, kind)
    # Both count the categories that there are, also those that no object has.
    expected = evaluate_with_pycocotools(rows, len(NAMES), IOU_TYPES[kind])
    told = metrics.measured.evaluation.eval
    assert told is not None
    assert (expected.eval["precision"] > 0).any()
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(told[name], expected.eval[name])
    found, precision = metrics.compute(), expected.eval["precision"][:, :, :, :, -1]
    prefix = {"box": "", "mask": "mask_", "keypoints": "pose_"}[kind]
    assert found[f"{prefix}mAP50-95"] == average(precision[..., 0])
    assert found[f"{prefix}mAP50"] == average(precision[0, ..., 0])
    assert found[f"{prefix}mAP75"] == average(precision[5, ..., 0])
    assert found[f"{prefix}mAP_medium"] == average(precision[..., 1 if kind == "keypoints" else 2])
    assert found[f"{prefix}mAP_large"] == average(precision[..., -1])


@pytest.mark.parametrize("kind", ["box", "mask", "keypoints"])
@pytest.mark.parametrize("seed", range(3))
def test_every_detection_has_the_object_that_pycocotools_gives_it(kind: Kind, seed: int) -> None:
    rows = make_detections(seed, 30, 3, kind=kind)
    measured = measure(rows, kind).measured
    told = list_matches(evaluate_with_pycocotools(rows, len(NAMES), IOU_TYPES[kind]), 0)
    ours = []
    for image, one in {(o["image_id"], o["category_id"]): o for o in told}.items():
        chosen = np.flatnonzero(
            (measured.found.images == image[0] - 1) & (measured.found.classes == image[1] - 1)
        )
        order = chosen[np.argsort(-measured.found.scores[chosen], kind="stable")]
        # Numbered from 1 by pycocotools, where 0 is none.
        np.testing.assert_array_equal(measured.matched[:, order] + 1, one["dtMatches"])
        ours.append(len(order))
    assert sum(ours) == len(measured.found.scores)


def test_more_than_a_hundred_detections_of_a_class_are_cut_as_pycocotools_cuts_them() -> None:
    rows = make_detections(7, 4, 1, extra=150)
    metrics = DetectionMetrics(["cat"])
    for row in rows:
        metrics.update(*row)
    expected = evaluate_with_pycocotools(rows, 1, "bbox").eval["precision"]
    told = metrics.measured.evaluation.eval
    assert told is not None
    np.testing.assert_array_equal(told["precision"], expected)
    assert len(metrics.measured.found.scores) == 400


def count_at(told: list[Mapping[str, Any]], one: int, confidence: float) -> tuple[int, int, int]:
    """Right, said and true of one class at a confidence, from what pycocotools matched."""
    right = said = true = 0
    for each in told:
        if each["category_id"] == one + 1:
            sure = np.array(each["dtScores"]) >= confidence
            counted = ~each["dtIgnore"][0].astype(bool) & sure
            said += counted.sum()
            right += (counted & (each["dtMatches"][0] > 0)).sum()
            true += (~each["gtIgnore"].astype(bool)).sum()
    return int(right), int(said), int(true)


def test_precision_and_recall_are_at_the_confidence_of_the_best_f1() -> None:
    rows = make_detections(1, 40, 3)
    metrics = measure(rows)
    found, details = metrics.compute(), metrics.build_details()
    told = list_matches(evaluate_with_pycocotools(rows, len(NAMES), "bbox"), 0)

    def average_f1(confidence: float) -> float:
        counts = [count_at(told, one, confidence) for one in range(3)]
        return float(np.mean([2 * right / (said + true) for right, said, true in counts]))

    best = details["confidence"]
    assert all(average_f1(other) <= average_f1(best) for other in np.linspace(0, 1, 41))
    counts = [count_at(told, one, best) for one in range(3)]
    assert found["precision"] == pytest.approx(np.mean([r / said for r, said, _ in counts]))
    assert found["recall"] == pytest.approx(np.mean([r / true for r, _, true in counts]))
    row = details["perClass"][1]
    assert row["f1"] == pytest.approx(2 * counts[1][0] / (counts[1][1] + counts[1][2]), abs=1e-6)
    assert row["support"] == counts[1][2]
    curves = details["confidenceCurves"]
    place = curves["confidence"].index(0.3)
    right, said, true = count_at(told, 2, 0.3)
    owl = {name: values[place] for name, values in curves["classes"]["owl"].items()}
    assert owl == pytest.approx(
        {"precision": right / said, "recall": right / true, "f1": 2 * right / (said + true)},
        abs=1e-6,
    )


def test_details_are_json_and_leave_out_what_was_not_there() -> None:
    metrics = measure(make_detections(2, 20, 3))
    details = metrics.build_details()
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert details["perClass"][3] == {
        "class": "none",
        "ap50_95": None,
        "ap50": None,
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
    }
    assert list(details["prCurves"]) == ["cat", "dog", "owl"]
    means = [curve["averagePrecision"] for curve in details["prCurves"].values()]
    assert np.mean(means) == pytest.approx(metrics.compute()["mAP50"], abs=1e-6)
    assert set(metrics.compute()) <= {metric.name for metric in METRICS[TaskType.OBJECT_DETECTION]}


CAT, DOG = (0, 0, 100, 100), (200, 0, 300, 100)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (an_object(CAT, classes=[0], scores=[0.9]), "Miss"),
        (an_object(CAT, DOG, classes=[0, 2], scores=[0.9, 0.9]), "Cls"),
        (an_object(CAT, (250, 0, 350, 100), classes=[0, 1], scores=[0.9, 0.9]), "Loc"),
        (an_object(CAT, (250, 0, 350, 100), classes=[0, 2], scores=[0.9, 0.9]), "Both Miss"),
        (an_object(CAT, DOG, DOG, classes=[0, 1, 1], scores=[0.9, 0.8, 0.9]), "Dupe"),
        (an_object(CAT, DOG, (0, 150, 50, 200), classes=[0, 1, 1], scores=[0.9] * 3), "Bkg"),
    ],
)
def test_each_kind_of_error_is_told_from_the_others(found: Objects, kinds: str) -> None:
    metrics = measure([("a.png", an_object(CAT, DOG, classes=[0, 1]), found)])
    errors = metrics.build_details()["errorTypes"]
    assert {name for name, one in errors.items() if one["count"]} == set(kinds.split())


def test_the_confusion_matrix_has_what_was_missed_and_what_was_nothing() -> None:
    truth = an_object(CAT, DOG, (0, 150, 60, 210), classes=[0, 1, 2])
    # The last is less sure than at the best F1, and not looked at.
    nothing, unsure = (200, 150, 260, 210), (100, 150, 160, 210)
    found = an_object(
        *(CAT, DOG, nothing, unsure), classes=[0, 2, 2, 0], scores=[0.9, 0.9, 0.9, 0.1]
    )
    details = measure([("a.png", truth, found)]).build_details()
    assert details["confusionClasses"] == [*NAMES, "background"]
    cells = {
        (details["confusionClasses"][i], details["confusionClasses"][j]): count
        for i, row in enumerate(details["confusion"])
        for j, count in enumerate(row)
        if count
    }
    assert cells == {
        ("cat", "cat"): 1,
        ("dog", "owl"): 1,
        ("owl", "background"): 1,
        ("background", "owl"): 1,
    }


@pytest.mark.parametrize("kind", ["box", "mask", "keypoints"])
def test_a_split_with_nothing_in_it_or_nothing_found_is_measured(kind: Kind) -> None:
    (name, truth, found), *_ = make_detections(0, 1, 3, kind=kind)
    columns: dict[str, Any] = {"masks": [], "keypoints": np.zeros((0, 17, 3))}
    shape = {"mask": ["masks"], "keypoints": ["keypoints"]}.get(kind, [])
    nothing = an_object(**{each: columns[each] for each in shape}, classes=[], scores=[])
    main = {"box": "", "mask": "mask_", "keypoints": "pose_"}[kind] + "mAP50-95"
    for row in ((name, truth, nothing), (name, nothing, found), (name, nothing, nothing)):
        metrics = measure([row], kind)
        assert metrics.compute()[main] == 0.0
        json.dumps(metrics.build_details(), allow_nan=False)


def test_uneven_columns_unknown_classes_and_scores_that_are_none_are_refused() -> None:
    good = an_object(CAT)
    for bad in (
        an_object(CAT, DOG, classes=[0], scores=[0.5, 0.5]),
        an_object(CAT, classes=[4], scores=[0.5]),
        an_object(CAT, classes=[-1], scores=[0.5]),
        an_object(CAT, scores=[float("nan")]),
        an_object((0, 0, float("inf"), 5), scores=[0.5]),
    ):
        with pytest.raises(ValueError, match=r"beside columns|not one of 0 to 3|no numbers"):
            DetectionMetrics(NAMES).update("a.png", good, bad)


@pytest.mark.parametrize(
    ("kind", "what"), [("oriented", "corners"), ("mask", "masks"), ("keypoints", "keypoints")]
)
def test_objects_without_what_they_are_measured_by_are_refused(kind: Kind, what: str) -> None:
    one = an_object(CAT, scores=[0.5])
    with pytest.raises(ValueError, match=rf"a\.png: objects without {what}"):
        DetectionMetrics(NAMES, kind).update("a.png", one, one)


@pytest.mark.parametrize("kind", ["box", "keypoints"])
def test_the_values_of_images_have_the_metric_as_their_mean_and_its_spread(kind: Kind) -> None:
    rows = make_detections(5, 100, 3, kind=kind)
    metrics = measure(rows, kind)
    found, values = metrics.compute(), metrics.compute_values()
    random = np.random.default_rng(0)
    anew: list[dict[str, float]] = []
    for _ in range(80):
        places = random.integers(0, len(rows), len(rows))
        anew.append(measure([rows[place] for place in places], kind).compute())
    prefix = "" if kind == "box" else "pose_"
    for name in (f"{prefix}{each}" for each in ("mAP50-95", "mAP50", "mAP75")):
        column: NDArray[np.float64] | None = values[name]
        assert column is not None
        assert column.mean() == pytest.approx(found[name])
        expected = np.std([one[name] for one in anew])
        assert column.std() / len(rows) ** 0.5 == pytest.approx(expected, rel=0.25)
