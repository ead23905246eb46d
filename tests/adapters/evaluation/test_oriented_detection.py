"""Turned boxes, held against upright ones, against the same scene turned, and a case by hand."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detections import Row, make_detections
from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.coco_evaluation import Kind
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.metrics import METRICS

NAMES = ("ship", "plane", "car")


def turn(objects: Objects, angle: float) -> Objects:
    """The same rectangles around another point and by an angle, with the boxes around them."""
    low, high = objects.boxes[:, :2], objects.boxes[:, 2:]
    corners = np.stack(
        [low, np.stack([high[:, 0], low[:, 1]], 1), high, np.stack([low[:, 0], high[:, 1]], 1)],
        axis=1,
    )
    cosine, sine = math.cos(angle), math.sin(angle)
    turned: NDArray[np.float64] = corners @ np.array([[cosine, sine], [-sine, cosine]]) + 500
    boxes = np.concatenate([turned.min(axis=1), turned.max(axis=1)], axis=1)
    return replace(objects, boxes=boxes, corners=turned.reshape(-1, 8))


def measure(rows: list[Row], kind: Kind = "oriented") -> DetectionMetrics:
    metrics = DetectionMetrics(NAMES, kind)
    for row in rows:
        metrics.update(*row)
    return metrics


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2, 2.5])
def test_a_scene_that_is_turned_measures_as_the_upright_one(angle: float) -> None:
    rows = make_detections(2, 30, 3)
    upright = measure(rows, "box")
    turned = measure([(n, turn(one, angle), turn(other, angle)) for n, one, other in rows])
    assert turned.compute() == pytest.approx(upright.compute())
    assert set(turned.compute()) <= {m.name for m in METRICS[TaskType.ORIENTED_DETECTION]}
    np.testing.assert_array_equal(turned.measured.matched, upright.measured.matched)
    details, expected = turned.build_details(), upright.build_details()
    assert details["perClass"] == expected["perClass"]
    assert details["confusion"] == expected["confusion"]
    counts = [
        {name: one["count"] for name, one in each["errorTypes"].items()}
        for each in (details, expected)
    ]
    assert counts[0] == counts[1]
    assert json.loads(json.dumps(details, allow_nan=False)) == details


def test_boxes_around_two_crossed_objects_are_alike_and_they_are_not() -> None:
    # A plus: each a tenth of the other, within one upright box.
    flat, steep = [[0, 45, 100, 45, 100, 55, 0, 55]], [[45, 0, 55, 0, 55, 100, 45, 100]]
    around = np.array([[0, 0, 100, 100]])
    columns = {"boxes": around, "classes": np.array([0])}
    truth = Objects(**columns, corners=np.array(flat))
    found = Objects(**columns, corners=np.array(steep), scores=np.array([0.9]))
    assert measure([("a.png", truth, found)], "box").compute()["mAP50"] == pytest.approx(1.0)
    assert measure([("a.png", truth, found)]).compute()["mAP50"] == 0.0


def test_a_split_with_nothing_in_it_or_nothing_found_is_measured() -> None:
    (name, one, other), *_ = make_detections(0, 1, 3)
    nothing = Objects(boxes=np.zeros((0, 4)), classes=np.zeros(0, int), corners=np.zeros((0, 8)))
    for truth, found in ((turn(one, 1), nothing), (nothing, turn(other, 1)), (nothing, nothing)):
        metrics = measure([(name, truth, found)])
        assert metrics.compute()["mAP50-95"] == 0.0
        json.dumps(metrics.build_details(), allow_nan=False)
