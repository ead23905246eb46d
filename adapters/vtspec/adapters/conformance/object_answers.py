"""What `predict` says of objects, written as the truth of a split in COCO's form."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from vtspec.adapters.contract import InferenceResult, Job, TaskType

OBJECT_TASKS: Final = (
    TaskType.OBJECT_DETECTION,
    TaskType.INSTANCE_SEGMENTATION,
    TaskType.POSE_ESTIMATION,
    TaskType.ORIENTED_DETECTION,
)

_PER_IMAGE: Final = 5
"""Objects of the mean image; evaluations look at no more than 100 of one."""

_LEAST_SIDE: Final = 1.0
"""Pixels: what has less is no object to a reader of data."""


def write_truth(job: Job, split: str, results: Sequence[InferenceResult], folder: Path) -> Job:
    """A copy of the job's data in `folder` in which the surest of what was told of a split are
    its annotations, as a job. The data are of the format `coco`.

    Whoever evaluates on it what was told has all of that right: nothing that is not true is surer
    than what is.
    """
    told = [(result, row) for result in results for row in result.predicted_boxes or ()]
    told.sort(key=lambda pair: -float(pair[1]["confidence"]))
    shutil.copytree(job.dataset.root, folder)
    where = job.dataset.splits[split]
    assert where.annotations is not None
    content = json.loads((folder / where.annotations).read_text(encoding="utf-8"))
    images = {
        str(job.dataset.root / where.path / row["file_name"]): row["id"]
        for row in content["images"]
    }
    categories = {row["name"]: row["id"] for row in content["categories"]}
    surest = told[: _PER_IMAGE * len(results)]
    rows = [
        {
            "image_id": images[result.image_path],
            "category_id": categories[row["label"]],
            **_describe(row, job),
        }
        for result, row in surest
    ]
    content["annotations"] = [
        {"id": number, "iscrowd": 0, **row}
        for number, row in enumerate(rows, start=1)
        if min(row["bbox"][2:]) >= _LEAST_SIDE
    ]
    (folder / where.annotations).write_text(json.dumps(content), encoding="utf-8")
    return replace(job, dataset=replace(job.dataset, root=folder))


def _describe(row: Any, job: Job) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = row["box"]
    told: dict[str, Any] = {
        "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
        "area": (x_max - x_min) * (y_max - y_min),
    }
    if "mask" in row:
        told["segmentation"] = row["mask"]
    if "corners" in row:
        told["segmentation"] = [row["corners"]]
    if "keypoints" in row:
        points = [row["keypoints"][name] for name in job.dataset.keypoints]
        told["keypoints"] = [value for x, y, _ in points for value in (x, y, 2)]
        told["num_keypoints"] = len(points)
    return told
