"""Builders for runs of a network that outlines objects: the detectors' shapes with polygons."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detector_jobs import a_detector_plan, write_shapes
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job


def write_outlines(root: Path, *, train: int = 12, val: int = 6, test: int = 6) -> Path:
    """What `write_shapes` draws, with the outline of each shape: of a disc eight points."""
    write_shapes(root, train=train, val=val, test=test)
    for file in root.glob("*.json"):
        told = json.loads(file.read_text())
        for one in told["annotations"]:
            x, y, side, _ = one["bbox"]
            one["segmentation"] = [_outline(one["category_id"], x, y, side)]
        file.write_text(json.dumps(told))
    return root


def _outline(kind: int, x: int, y: int, side: int) -> list[float]:
    shares = {
        1: (0.3, 0, 0.7, 0, 1, 0.3, 1, 0.7, 0.7, 1, 0.3, 1, 0, 0.7, 0, 0.3),
        2: (0, 0, 1, 0, 1, 1, 0, 1),
        3: (0, 0, 0, 1, 1, 1),
    }[kind]
    return [(y if place % 2 else x) + side * share for place, share in enumerate(shares)]


def an_outline_plan(
    *,
    model: str = "vtspec/mask2former-tiny",
    training: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A short training of a tiny network on `write_outlines`."""
    short = {"checkpoint": {"monitor": "mask_mAP50-95", "every": None}, **(training or {})}
    return a_detector_plan(
        model=model, training=short, **{"task": "instance-segmentation", **changes}
    )


def an_outline_job(
    data: Path, workdir: Path, *, weights: Path | None = None, **changes: Any
) -> Job:
    """The job of `an_outline_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        an_outline_plan(**changes),
        run="shapes-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
    )
