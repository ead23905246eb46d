"""Builders for runs of a network that gives each pixel a class: drawn shapes with masks on disk,
a plan, a job."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from detector_jobs import a_detector_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job

GROUNDS = ("sky", "field", "road")
COLOURS = np.array([(90, 130, 230), (60, 190, 70), (120, 110, 100)])


def write_grounds(root: Path, *, train: int = 12, val: int = 6, test: int = 6) -> Path:
    """Noisy pictures of 64 by 48 pixels, cut into three coloured bands; of each the mask, in which
    a corner of 8 by 8 pixels is of no class."""
    random = np.random.default_rng(11)
    for split, count in (("train", train), ("val", val), ("test", test)):
        for folder in ("images", "masks"):
            (root / folder / split).mkdir(parents=True)
        for number in range(count):
            first, second = sorted(int(row) for row in random.integers(8, 40, 2))
            mask = np.zeros((48, 64), np.uint8)
            mask[first:] = 1
            mask[second + 4 :, 8 + number % 8 :] = 2
            noise = random.integers(-30, 30, (48, 64, 3))
            pixels = (COLOURS[mask] + noise).clip(0, 255).astype(np.uint8)
            mask[:8, :8] = 255
            Image.fromarray(pixels).save(root / "images" / split / f"{number}.png")
            Image.fromarray(mask).save(root / "masks" / split / f"{number}.png")
    return root


def a_segmentation_plan(
    *,
    model: str = "vtspec/segformer-tiny",
    training: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A short training of a tiny network on `write_grounds`."""
    short = {"checkpoint": {"monitor": "mIoU", "every": None}, **(training or {})}
    plan = a_detector_plan(model=model, training=short)
    dataset = {
        **plan["dataset"],
        "format": "masks",
        "classes": list(GROUNDS),
        "allClasses": list(GROUNDS),
        "splits": {
            name: {"path": f"images/{name}", "targets": f"masks/{name}"}
            for name in ("train", "val", "test")
        },
    }
    return {**plan, "task": "semantic-segmentation", "dataset": dataset, **changes}


def a_segmentation_job(
    data: Path, workdir: Path, *, weights: Path | None = None, **changes: Any
) -> Job:
    """The job of `a_segmentation_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_segmentation_plan(**changes),
        run="shapes-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
    )
