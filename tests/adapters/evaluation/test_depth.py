"""Distances, held against cases by hand."""

import json

import numpy as np
import pytest

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.depth import DepthMetrics
from vtspec.adapters.metrics import METRICS


def test_a_case_by_hand() -> None:
    metrics = DepthMetrics()
    # Ratios 1.2, 1.5, 1.9 and 4; one pixel was not measured.
    metrics.update("a.png", np.array([[10, 10, 10, 10, 0]]), np.array([[12, 15, 19, 2.5, 7]]))
    metrics.update("b.png", np.array([[4.0]]), np.array([[5.0]]))
    found = metrics.compute()
    assert set(found) == {one.name for one in METRICS[TaskType.DEPTH_ESTIMATION]} - {"loss"}
    assert found == pytest.approx(
        {
            "abs_rel": ((0.2 + 0.5 + 0.9 + 0.75) / 4 + 0.25) / 2,
            "rmse": (np.sqrt((4 + 25 + 81 + 56.25) / 4) + 1) / 2,
            # A factor of exactly 1.25 is not below it.
            "delta1": (1 / 4 + 0) / 2,
            "delta2": (2 / 4 + 1) / 2,
            "delta3": (3 / 4 + 1) / 2,
        }
    )


def test_the_farthest_distance_bounds_the_truth_alone() -> None:
    metrics = DepthMetrics(farthest=80)
    metrics.update("a.png", np.array([[10.0, 100.0]]), np.array([[90.0, 1.0]]))
    assert metrics.compute()["abs_rel"] == 8.0


def test_what_lies_behind_the_camera_is_within_no_factor() -> None:
    metrics = DepthMetrics()
    metrics.update("a.png", np.array([[1.0, 1.0]]), np.array([[-1.0, 0.0]]))
    assert metrics.compute()["delta3"] == 0.0


def test_an_image_without_measured_pixels_is_counted_and_moves_nothing() -> None:
    metrics = DepthMetrics()
    metrics.update("a.png", np.array([[2.0]]), np.array([[1.0]]))
    metrics.update("b.png", np.array([[0.0]]), np.array([[1.0]]))
    metrics.update("c.png", np.array([[np.nan]]), np.array([[1.0]]))
    details = metrics.build_details()
    assert (details["images"], details["unmeasured"]) == (1, 2)
    assert details["samples"]["images"] == ["a.png"]
    assert metrics.compute()["abs_rel"] == 0.5
    assert json.loads(json.dumps(details, allow_nan=False)) == details


def test_a_split_without_any_measured_pixel_is_refused() -> None:
    metrics = DepthMetrics()
    metrics.update("a.png", np.zeros((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="no image has a pixel"):
        metrics.compute()


@pytest.mark.parametrize(
    ("predicted", "why"), [([[1.0]], "instead of"), ([[1.0, np.inf]], "no number")]
)
def test_predictions_that_are_none_are_refused(predicted: list[list[float]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        DepthMetrics().update("a.png", np.array([[1.0, 2.0]]), np.array(predicted))
