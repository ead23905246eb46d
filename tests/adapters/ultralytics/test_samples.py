"""The experiments on samples that this repository has for Ultralytics learn what those show."""

from pathlib import Path

import pytest

from sample_repository import train_sample

pytestmark = pytest.mark.framework

BARS = {
    "coins-yolo11n": {"mAP50": 0.3},
    "coins-yolo11n-seg": {"mask_mAP50": 0.3, "mask_iou": 0.5},
    "cards-yolo11n-pose": {"pck": 0.25, "pose_mAP50": 0.2},
    "cards-yolo11n-obb": {"mAP50": 0.25},
    "digits-yolo11n-cls": {"accuracy": 0.8},
}
"""What a network with random weights comes nowhere near: next to 0, and 0.1 of ten digits."""


@pytest.mark.parametrize("name", BARS)
def test_a_sample_is_learnt_from_random_weights(tmp_path: Path, name: str) -> None:
    final = train_sample(name, tmp_path)["final"]
    missed = {metric: final[metric] for metric, bar in BARS[name].items() if final[metric] < bar}
    assert missed == {}
