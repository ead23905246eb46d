"""Builders for runs on pairs of images: pictures drawn on disk, a plan, a job; of
super-resolution and of depth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from toy_runs import a_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job

SPLITS = {"train": 12, "val": 6, "test": 6}

ENLARGE, DEPTH = "super-resolution", "depth-estimation"


def write_enlargements(root: Path) -> Path:
    """`low/<split>` and `high/<split>`: discs on stripes of 48 by 40 pixels, and the means of
    2 x 2 of them."""
    random = np.random.default_rng(3)
    ys, xs = np.mgrid[:40, :48]
    for split, count in SPLITS.items():
        for name in ("low", "high"):
            (root / name / split).mkdir(parents=True)
        for number in range(count):
            x, y, r = random.integers(8, 32, 3)
            colours = random.integers(20, 235, (2, 3))
            stripes = ((xs + ys * (number % 3)) // 5 % 2)[..., None]
            picture = np.where(stripes, colours[0], colours[1])
            disc = (xs - x) ** 2 + (ys - y) ** 2 < (r / 2 + 3) ** 2
            picture[disc] = random.integers(0, 255, 3)
            high = picture.astype(np.uint8)
            low = high.reshape(20, 2, 24, 2, 3).mean((1, 3)).round().astype(np.uint8)
            Image.fromarray(high).save(root / "high" / split / f"{number}.png")
            Image.fromarray(low).save(root / "low" / split / f"{number}.png")
    return root


def write_depths(root: Path) -> Path:
    """`rgb/<split>` and `depth/<split>`, 40 by 32 pixels: the brighter the farther, from one metre
    to four, in millimetres; the left columns were not measured."""
    random = np.random.default_rng(5)
    ys, xs = np.mgrid[:32, :40]
    for split, count in SPLITS.items():
        for name in ("rgb", "depth"):
            (root / name / split).mkdir(parents=True)
        for number in range(count):
            slope = random.uniform(-1, 1, 2)
            share = (slope[0] * (xs / 39 - 0.5) + slope[1] * (ys / 31 - 0.5)) / 2 + 0.5
            tint = random.uniform(0.8, 1.0, 3)
            picture = (share[..., None] * tint * 255).clip(0, 255).astype(np.uint8)
            depth = (1000 + 3000 * share).astype(np.uint16)
            depth[:, :3] = 0
            Image.fromarray(picture).save(root / "rgb" / split / f"{number}.png")
            Image.fromarray(depth).save(root / "depth" / split / f"{number}.png")
    return root


_OF_TASK: Mapping[str, Mapping[str, Any]] = {
    "super-resolution": {
        "model": "vtspec/swin2sr-tiny",
        "folders": ("low", "high"),
        "training": {"imageSize": [8, 16], "checkpoint": {"monitor": "psnr", "every": None}},
    },
    "depth-estimation": {
        "model": "vtspec/glpn-tiny",
        "folders": ("rgb", "depth"),
        "training": {"imageSize": [32, 32], "checkpoint": {"monitor": "abs_rel", "every": None}},
    },
}


def a_pair_plan(
    task: str,
    *,
    model: str | None = None,
    training: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A short training on `write_enlargements` or `write_depths`."""
    known = _OF_TASK[task]
    short = {
        "epochs": 2,
        "batchSize": 4,
        "learningRate": 0.002,
        "optimizer": "adamw",
        "warmupEpochs": 0.0,
        "gradientClipping": 1.0,
        "labelSmoothing": 0.0,
        **known["training"],
    }
    if model == "vtspec/depth-anything-tiny":
        short["imageSize"] = [28, 42]
    plan = a_plan(training={**short, **(training or {})})
    source, target = known["folders"]
    dataset = {
        **plan["dataset"],
        "format": "pairs",
        "classes": [],
        "allClasses": [],
        "statistics": None,
        "splits": {
            name: {"path": f"{source}/{name}", "targets": f"{target}/{name}"} for name in SPLITS
        },
    }
    return {
        **plan,
        "task": task,
        "framework": {"name": "transformers", "adapter": "transformers", "adapterVersion": "1"},
        "model": {"name": model or known["model"], "parameters": 1, "weights": None},
        "dataset": dataset,
        "params": dict(params or {}),
        **changes,
    }


def a_pair_job(
    task: str, data: Path, workdir: Path, *, weights: Path | None = None, **changes: Any
) -> Job:
    """The job of `a_pair_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_pair_plan(task, **changes),
        run="pairs-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
    )
