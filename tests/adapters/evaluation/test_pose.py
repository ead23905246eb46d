"""Bodies and their points, held against pycocotools and cases by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from detections import POINTS, average, evaluate_with_pycocotools, make_detections
from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.evaluation.pose import PoseMetrics
from vtspec.adapters.metrics import METRICS

NAMES, COCO_POINTS = ("person",), tuple(f"point {n}" for n in range(POINTS))


def test_bodies_and_boxes_are_measured_as_pycocotools_measures_each() -> None:
    rows = make_detections(3, 25, 1, kind="keypoints")
    metrics = PoseMetrics(NAMES, COCO_POINTS)
    for row in rows:
        metrics.update(*row)
    found, details = metrics.compute(), metrics.build_details()
    assert set(found) <= {one.name for one in METRICS[TaskType.POSE_ESTIMATION]}
    for prefix, iou_type in (("pose_", "keypoints"), ("", "bbox")):
        told = evaluate_with_pycocotools(rows, 1, iou_type).eval["precision"][..., -1]
        assert found[f"{prefix}mAP50-95"] == average(told[..., 0])
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert {"pose_mAP50-95", "pck", "mAP50"} <= set(details["samples"]["values"])
    for name, column in details["samples"]["values"].items():
        assert np.mean(column) == pytest.approx(found[name], abs=1e-5)
    support = [row["support"] for row in details["perKeypoint"]]
    weighted = [row["pck"] * row["support"] for row in details["perKeypoint"]]
    assert sum(weighted) / sum(support) == pytest.approx(found["pck"], abs=1e-6)


def test_another_skeleton_has_sigmas_of_its_own_that_pycocotools_is_given_too() -> None:
    def cut(objects: Objects) -> Objects:
        return replace(objects, keypoints=np.asarray(objects.keypoints)[:, :5])

    made = make_detections(4, 25, 1, kind="keypoints")
    rows = [(name, cut(truth), cut(found)) for name, truth, found in made]
    metrics = PoseMetrics(NAMES, COCO_POINTS[:5])
    for row in rows:
        metrics.update(*row)
    told = evaluate_with_pycocotools(rows, 1, "keypoints", sigmas=[0.2] * 5)
    expected = average(told.eval["precision"][..., 0, -1])
    assert 0 < metrics.compute()["pose_mAP50-95"] == expected


def bodies(
    points: list[list[tuple[float, float, int]]], **columns: list[float] | list[bool]
) -> Objects:
    count = len(points)
    return Objects(
        boxes=np.array([[200.0 * n, 0, 200.0 * n + 50, 100] for n in range(count)]),
        classes=np.zeros(count, int),
        keypoints=np.array(points, float).reshape(count, 2, 3),
        **{name: np.array(column) for name, column in columns.items()},
    )


def test_pck_counts_labelled_points_within_a_fifth_of_the_longer_side() -> None:
    # The reach is 20 pixels: a fifth of 100.
    truth = bodies([[(10, 10, 2), (40, 90, 1)], [(210, 10, 2), (0, 0, 0)]])
    found = bodies([[(10, 30, 2), (40, 69, 2)], [(210, 10, 2), (500, 500, 2)]], scores=[0.9, 0.8])
    metrics = PoseMetrics(NAMES, ("head", "foot"))
    metrics.update("a.png", truth, found)
    assert metrics.compute()["pck"] == pytest.approx(2 / 3)
    assert metrics.build_details()["perKeypoint"] == [
        {"keypoint": "head", "pck": 1.0, "support": 2},
        {"keypoint": "foot", "pck": 0.0, "support": 1},
    ]


def test_the_points_of_a_body_that_nothing_found_are_missed() -> None:
    truth = bodies([[(10, 10, 2), (40, 90, 2)], [(210, 10, 2), (240, 90, 2)]])
    found = bodies([[(10, 10, 2), (40, 90, 2)]], scores=[0.9])
    metrics = PoseMetrics(NAMES, ("head", "foot"))
    metrics.update("a.png", truth, found)
    assert metrics.compute()["pck"] == 0.5


def test_the_points_of_a_crowd_need_not_be_found() -> None:
    truth = bodies([[(10, 10, 2), (40, 90, 2)], [(210, 10, 2), (240, 90, 2)]], crowd=[False, True])
    found = bodies([[(10, 10, 2), (40, 90, 2)]], scores=[0.9])
    metrics = PoseMetrics(NAMES, ("head", "foot"))
    metrics.update("a.png", truth, found)
    assert metrics.compute()["pck"] == 1.0


def test_bodies_with_other_points_are_refused() -> None:
    one = bodies([[(10, 10, 2), (40, 90, 2)]])
    with pytest.raises(ValueError, match=r"a\.png: bodies without their 3 points"):
        PoseMetrics(NAMES, ("head", "hand", "foot")).update("a.png", one, one)
