"""Builders for runs of the ultralytics adapter, on the pictures of `detector_jobs`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detector_jobs import POINTS, a_detector_plan
from pair_jobs import DEPTH, a_pair_plan
from segmentation_jobs import a_segmentation_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job

FRAMEWORK = {"name": "ultralytics", "adapter": "ultralytics", "adapterVersion": "1"}


def a_yolo_plan(*, model: str = "yolo11n", **changes: Any) -> dict[str, Any]:
    """A short training of a small YOLO network on `detector_jobs.write_shapes`."""
    return a_detector_plan(model=model, **{"framework": FRAMEWORK, **changes})


def on_task(task: str, training: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What makes `a_yolo_plan` a training of another task, on outlined shapes."""
    points = {"keypoints": list(POINTS)} if task == "pose-estimation" else {}
    monitor = {"checkpoint": {"monitor": "loss", "every": None}}
    plan = a_yolo_plan()
    return {
        "task": task,
        "training": {**monitor, **(training or {})},
        "dataset": {**plan["dataset"], **points},
    }


def on_folders(classes: tuple[str, ...], training: Mapping[str, Any] | None = None) -> Any:
    """What makes `a_yolo_plan` a training on images in a folder for each class."""
    plan = on_task("image-classification", training)
    named = {"format": "imagefolder", "classes": list(classes), "allClasses": list(classes)}
    splits = {name: {"path": name} for name in ("train", "val", "test")}
    return {**plan, "dataset": {**plan["dataset"], **named, "splits": splits}}


def on_masks(training: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What makes `a_yolo_plan` a training on `segmentation_jobs.write_grounds`."""
    return _pick(a_segmentation_plan(training=training))


def on_depths(training: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What makes `a_yolo_plan` a training on `pair_jobs.write_depths`."""
    return _pick(a_pair_plan(DEPTH, training=training))


def _pick(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plan[name] for name in ("task", "training", "dataset")}


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
