"""Enlarged images, held against scikit-image and against a value by hand."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import color, data
from skimage import metrics as oracle

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.super_resolution import SuperResolutionMetrics
from vtspec.adapters.metrics import METRICS


def some_pictures() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    truth = np.asarray(data.astronaut()[100:180, 100:190])
    noise = np.random.default_rng(0).normal(0, 12, truth.shape)
    return truth, (truth + noise).round().clip(0, 255).astype(np.uint8)


def test_the_luma_inside_the_border_is_measured_as_scikit_image_measures_it() -> None:
    truth, other = some_pictures()
    metrics = SuperResolutionMetrics(border=4)
    metrics.update("a.png", truth, other)
    found = metrics.compute()
    assert set(found) == {one.name for one in METRICS[TaskType.SUPER_RESOLUTION]} - {"loss"}
    luma = [color.rgb2ycbcr(each[4:-4, 4:-4])[:, :, 0] for each in (truth, other)]
    assert found["psnr"] == pytest.approx(oracle.peak_signal_noise_ratio(*luma, data_range=255))
    assert found["ssim"] == pytest.approx(
        oracle.structural_similarity(
            *luma,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def test_all_three_channels_are_measured_as_scikit_image_measures_them() -> None:
    truth, other = some_pictures()
    metrics = SuperResolutionMetrics(border=0, channel="rgb")
    metrics.update("a.png", truth, other)
    found = metrics.compute()
    assert found["psnr"] == pytest.approx(
        oracle.peak_signal_noise_ratio(truth, other, data_range=255)
    )
    assert found["ssim"] == pytest.approx(
        oracle.structural_similarity(
            truth.astype(float),
            other.astype(float),
            data_range=255,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def test_an_even_error_of_one_has_the_ratio_of_the_peak_alone() -> None:
    flat = np.full((20, 20, 3), 100.0)
    metrics = SuperResolutionMetrics(border=0, channel="rgb")
    metrics.update("a.png", flat, flat + 1)
    assert metrics.compute()["psnr"] == pytest.approx(20 * np.log10(255))
    # What a file cannot hold is no error that a person sees.
    metrics.update("b.png", flat, flat + 0.4)
    assert metrics.build_details()["samples"]["values"]["psnr"][1] == 100.0


def test_details_say_what_was_measured_and_name_the_worst_images_first() -> None:
    truth, other = some_pictures()
    metrics = SuperResolutionMetrics(border=2)
    metrics.update("good.png", truth, truth)
    metrics.update("bad.png", truth, other)
    details = metrics.build_details()
    assert (details["border"], details["channel"]) == (2, "y")
    assert [one["image"] for one in details["worst"]] == ["bad.png", "good.png"]
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert np.mean(details["samples"]["values"]["ssim"]) == pytest.approx(
        metrics.compute()["ssim"], abs=1e-6
    )


@pytest.mark.parametrize(
    ("shape", "why"), [((20, 21, 3), "instead of"), ((18, 30, 3), "needs 11")]
)
def test_images_that_cannot_be_measured_are_refused(shape: tuple[int, ...], why: str) -> None:
    truth = np.zeros((18, 30, 3) if "needs" in why else (20, 20, 3))
    with pytest.raises(ValueError, match=why):
        SuperResolutionMetrics(border=4).update("a.png", truth, np.zeros(shape))
