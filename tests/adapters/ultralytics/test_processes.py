"""Two processes train a YOLO network: each on its images, all to the same weights."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from detector_jobs import write_shapes
from process_groups import train_in_processes
from timm_jobs import assert_same_end
from vtspec.adapters.ultralytics.adapter import Adapter
from vtspec.adapters.ultralytics.isolation import isolate
from yolo_jobs import a_yolo_job

pytestmark = pytest.mark.framework

CHANGES: dict[str, Any] = {
    "training": {
        "gradientAccumulation": 2,
        "augmentation": "strong",
        "gradientClipping": 10.0,
        "ema": {"decay": 0.9, "warmup": True},
    },
    "params": {"closeMosaic": 1, "emaSteps": 2.0},
}


def test_two_processes_go_on_to_the_same_bits(tmp_path: Path) -> None:
    isolate()
    # Here once, and not in each process.
    import_module("ultralytics.nn.tasks")
    shapes = write_shapes(tmp_path / "shapes")
    jobs = [a_yolo_job(shapes, tmp_path / name, **CHANGES) for name in ("whole", "stopped")]
    told = train_in_processes(Adapter, jobs[0])
    assert len(told.of("epoch")) == 2
    assert told.of("begin")[0]["processes"] == 2
    stopped = train_in_processes(Adapter, jobs[1], stop_after=1)
    assert stopped.of("code") == [75]
    assert stopped.of("checkpoint")[-1][1:3] == (0, 2)
    train_in_processes(Adapter, jobs[1], resume=True)
    assert_same_end(*jobs)
