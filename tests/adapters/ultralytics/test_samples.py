"""The experiment on a sample that this repository has for Ultralytics learns what it shows."""

from pathlib import Path

import pytest

from sample_repository import train_sample

pytestmark = pytest.mark.framework


def test_coins_are_found_by_what_started_at_random(tmp_path: Path) -> None:
    assert train_sample("coins-yolo11n", tmp_path)["final"]["mAP50"] >= 0.3
