"""Builders for runs of the ultralytics adapter, on the pictures of `detector_jobs`."""

from pathlib import Path
from typing import Any

from detector_jobs import a_detector_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job


def a_yolo_plan(*, model: str = "yolo11n", **changes: Any) -> dict[str, Any]:
    """A short training of a small YOLO network on `detector_jobs.write_shapes`."""
    framework = {"name": "ultralytics", "adapter": "ultralytics", "adapterVersion": "1"}
    return a_detector_plan(model=model, **{"framework": framework, **changes})


def a_yolo_job(
    data: Path, workdir: Path, *, weights: Path | None = None, smoke: bool = False, **changes: Any
) -> Job:
    """The job of `a_yolo_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_yolo_plan(**changes),
        run="shapes-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
        smoke=smoke,
    )
