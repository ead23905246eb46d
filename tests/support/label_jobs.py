"""Builders for runs of a network of Transformers that gives each image a class: a plan, a job."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detector_jobs import a_detector_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job


def a_label_plan(
    *,
    model: str = "vtspec/vit-tiny",
    training: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A short training of a tiny network on `write_squares`."""
    short = {
        "batchSize": 12,
        "learningRate": 0.003,
        "imageSize": [32, 32],
        "checkpoint": {"monitor": "accuracy", "every": None},
    }
    plan = a_detector_plan(model=model, training={**short, **(training or {})})
    splits = {name: {"path": name} for name in ("train", "val", "test")}
    dataset = {**plan["dataset"], "format": "imagefolder", "splits": splits}
    return {**plan, "task": "image-classification", "dataset": dataset, **changes}


def a_label_job(data: Path, workdir: Path, *, weights: Path | None = None, **changes: Any) -> Job:
    """The job of `a_label_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_label_plan(**changes),
        run="shapes-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
    )
