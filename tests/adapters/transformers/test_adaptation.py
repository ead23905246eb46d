"""Training of a detector that goes on otherwise than planned."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapted_training import check_halving, check_rollback_and_shortening
from detector_jobs import a_detector_job, write_shapes
from vtspec.adapters.contract import Job
from vtspec.adapters.transformers.adapter import Adapter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"), train=16, val=2, test=1)


@pytest.mark.parametrize("check", [check_halving, check_rollback_and_shortening])
def test_training_is_adapted_as_every_other(shapes: Path, tmp_path: Path, check: Any) -> None:
    def make_job(folder: Path, training: Mapping[str, Any]) -> Job:
        fields = {"augmentation": "strong", "workers": 0, **training}
        # One with batch norms.
        return a_detector_job(shapes, folder, model="vtspec/rt-detr-v2-tiny", training=fields)

    check(Adapter, make_job, tmp_path)
