"""What an image adds to a metric, held against weights that are changed and images drawn anew."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vtspec.adapters.evaluation.influence import (
    compute_ap_influence,
    find_envelope,
    find_last_of_ties,
    linearize,
)

IMAGES = 12


def measure_weighted(
    hits: NDArray[np.bool_],
    images: NDArray[np.int64],
    positives: NDArray[np.int64],
    weights: NDArray[np.float64],
    ends: NDArray[np.int64],
) -> float:
    """The average precision of images that count so much each."""
    found = np.cumsum(hits * weights[images])
    seen = np.cumsum(weights[images])
    precision = found / seen
    gained = np.diff(found[ends], prepend=0)
    return float((gained * precision[ends]).sum() / (positives * weights).sum())


@pytest.mark.parametrize("kind", ["envelope", "ties"])
@pytest.mark.parametrize("seed", range(5))
def test_the_influence_is_the_slope_over_an_images_weight(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    hits, images = random.random(60) < 0.6, random.integers(0, IMAGES, 60)
    positives = random.integers(0, 5, IMAGES) + np.bincount(images[hits], minlength=IMAGES)
    scores = -np.sort(-random.integers(0, 15, 60).astype(float))
    precision = np.cumsum(hits) / np.arange(1, 61)
    ends = find_envelope(precision) if kind == "envelope" else find_last_of_ties(scores)
    found = compute_ap_influence(hits, images, positives, ends)
    ones = np.ones(IMAGES)
    for image in range(IMAGES):
        step = 1e-6 * np.eye(IMAGES)[image]
        more, less = (
            measure_weighted(hits, images, positives, ones + sign * step, ends) for sign in (1, -1)
        )
        assert found[image] == pytest.approx((more - less) / 2e-6, abs=1e-7)
    assert found.sum() == pytest.approx(0.0, abs=1e-12)


def test_the_envelope_is_where_no_later_precision_is_as_high() -> None:
    assert find_envelope(np.array([1.0, 0.5, 0.66, 0.75, 0.6, 0.6])).tolist() == [0, 3, 5]
    assert find_envelope(np.array([])).tolist() == []


def test_a_mean_over_images_is_its_own_linearization() -> None:
    values = np.random.default_rng(0).random(30)
    rows = np.stack([values, np.ones(30)], axis=1)
    found = linearize(rows, lambda totals: totals[..., 0] / totals[..., 1])
    assert found is not None
    assert found == pytest.approx(values)


def test_the_spread_of_the_values_is_that_of_images_drawn_anew() -> None:
    random = np.random.default_rng(1)
    rows = random.gamma(2.0, size=(400, 2))
    found = linearize(rows, lambda totals: totals[..., 0] / totals[..., 1])
    assert found is not None
    assert found.mean() == pytest.approx(rows[:, 0].sum() / rows[:, 1].sum())
    drawn = [rows[random.integers(0, 400, 400)].sum(axis=0) for _ in range(4000)]
    expected = np.std([top / bottom for top, bottom in drawn])
    assert found.std() / 20 == pytest.approx(expected, rel=0.05)


def test_a_metric_that_needs_each_image_has_no_values() -> None:
    rows = np.array([[1.0, 1.0], [0.0, 0.0]])
    with np.errstate(invalid="ignore"):
        assert linearize(rows, lambda totals: totals[..., 0] / totals[..., 1]) is None
