"""Training of a YOLO network that goes on otherwise than planned."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapted_training import check_halving, check_rollback_and_shortening
from detector_jobs import write_shapes
from toy_runs import Listener
from vtspec.adapters.contract import Job, TrainingFailure
from vtspec.adapters.ultralytics.adapter import Adapter
from yolo_jobs import a_yolo_job

pytestmark = pytest.mark.framework


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"), train=16, val=2, test=1)


def test_what_was_adapted_holds_for_images_and_measuring_too(shapes: Path, tmp_path: Path) -> None:
    job = a_yolo_job(shapes, tmp_path, training={"workers": 0, "epochs": 20})
    adapter = Adapter(job, Listener())
    adapter.prepare_model()
    adapter.prepare_dataset()
    # The last ten epochs have no mosaic, wherever the end is.
    adapter.shorten(0, 12, "too long")
    assert adapter.task.job.training.epochs == 12
    adapter.halve_batch(0, TrainingFailure("out-of-memory", "full"))
    assert adapter.task.job.training.batch_size == 2


@pytest.mark.parametrize("check", [check_halving, check_rollback_and_shortening])
def test_training_is_adapted_as_every_other(shapes: Path, tmp_path: Path, check: Any) -> None:
    def make_job(folder: Path, training: Mapping[str, Any]) -> Job:
        return a_yolo_job(shapes, folder, training={"workers": 0, **training})

    check(Adapter, make_job, tmp_path)
