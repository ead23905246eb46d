"""Builders for runs of a detector: pictures with drawn shapes on disk as COCO, a plan, a job."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from toy_runs import a_plan, name_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job

SHAPES = ("disc", "square", "wedge")
_COLOURS = ((230, 60, 40), (40, 200, 80), (60, 90, 240))


POINTS = ("top", "left-end", "right-end")


def write_shapes(
    root: Path, *, train: int = 12, val: int = 6, test: int = 6, outlined: bool = False
) -> Path:
    """Noise of 64 by 48 pixels with one to three coloured shapes in each; one picture of every
    split has none. `outlined` they have an outline of four points and `POINTS`, too."""
    random = np.random.default_rng(7)
    for split, count in (("train", train), ("val", val), ("test", test)):
        folder = root / split
        folder.mkdir(parents=True)
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number in range(count):
            pixels = random.integers(90, 130, (48, 64, 3)).astype(np.uint8)
            picture = Image.fromarray(pixels)
            draw = ImageDraw.Draw(picture)
            images.append({"id": number, "file_name": f"{number}.png", "width": 64, "height": 48})
            for place in range(0 if number == count - 1 else 1 + number % 3):
                kind = (number + place) % len(SHAPES)
                side = int(random.integers(12, 20))
                x, y = int(random.integers(0, 64 - side)), int(random.integers(0, 48 - side))
                corners = (x, y, x + side - 1, y + side - 1)
                colour = _COLOURS[kind]
                if kind == 0:
                    draw.ellipse(corners, fill=colour)
                elif kind == 1:
                    draw.rectangle(corners, fill=colour)
                else:
                    draw.polygon(
                        [(x, y + side - 1), (x + side - 1, y + side - 1), (x, y)], fill=colour
                    )
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": kind + 1,
                        "bbox": [x, y, side, side],
                        "area": side * side,
                        "iscrowd": 0,
                        **(_outline(kind, x, y, side) if outlined else {}),
                    }
                )
            picture.save(folder / f"{number}.png")
        points: dict[str, Any] = {"keypoints": list(POINTS)} if outlined else {}
        categories = [{"id": i + 1, "name": name, **points} for i, name in enumerate(SHAPES)]
        told = {"images": images, "annotations": annotations, "categories": categories}
        (root / f"{split}.json").write_text(json.dumps(told), encoding="utf-8")
    return root


def write_squares(root: Path, *, per_class: int = 12) -> Path:
    """An imagefolder: noise of 40 by 32 pixels with a square in it, of the colour of its class."""
    random = np.random.default_rng(7)
    for split in ("train", "val", "test"):
        for name, colour in zip(SHAPES, _COLOURS, strict=True):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(per_class):
                pixels = random.integers(90, 130, (32, 40, 3)).astype(np.uint8)
                x, y = (int(random.integers(0, edge - 16)) for edge in (40, 32))
                pixels[y : y + 16, x : x + 16] = colour
                Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    return root


def _outline(kind: int, x: int, y: int, side: int) -> dict[str, Any]:
    half = side / 2
    corners = (
        ((half, 0), (side, half), (half, side), (0, half)),
        ((0, 0), (side, 0), (side, side), (0, side)),
        ((0, 0), (half, half), (side, side), (0, side)),
    )[kind]
    ends = ((half, 0, 2), (0, side, 2), (side, side, 1 + kind % 2))
    return {
        "segmentation": [[v for u, w in corners for v in (x + u, y + w)]],
        "keypoints": [v for u, w, seen in ends for v in (x + u, y + w, seen)],
        "num_keypoints": len(ends),
    }


def a_detector_plan(
    *,
    model: str = "vtspec/rt-detr-v2-tiny",
    training: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A short training of a tiny detector on `write_shapes`."""
    short = {
        "epochs": 2,
        "batchSize": 4,
        "learningRate": 0.001,
        "imageSize": [64, 64],
        "optimizer": "adamw",
        "warmupEpochs": 0.0,
        "gradientClipping": 1.0,
        "labelSmoothing": 0.0,
        "checkpoint": {"monitor": "mAP50-95", "every": None},
    }
    plan = a_plan(training={**short, **(training or {})})
    dataset = {
        **plan["dataset"],
        "format": "coco",
        "classes": list(SHAPES),
        "allClasses": list(SHAPES),
        "statistics": None,
        "splits": {
            name: {"path": name, "annotations": f"{name}.json"}
            for name in ("train", "val", "test")
        },
    }
    return {
        **plan,
        "task": "object-detection",
        "framework": {"name": "transformers", "adapter": "transformers", "adapterVersion": "1"},
        "model": {"name": model, "parameters": 1, "weights": None},
        "dataset": dataset,
        "params": dict(params or {}),
        **changes,
    }


def a_detector_job(
    data: Path, workdir: Path, *, weights: Path | None = None, **changes: Any
) -> Job:
    """The job of `a_detector_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_detector_plan(**changes),
        run="shapes-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
    )


def write_plan(path: Path, plan: Mapping[str, Any]) -> None:
    """Write such a plan whole, as that of a run in a repository whose data are `data/shapes`."""
    whole = a_plan()
    plan = {
        **plan,
        "framework": {**whole["framework"], **plan["framework"]},
        "model": {**whole["model"], **plan["model"]},
        "dataset": {**plan["dataset"], "source": {"type": "path", "path": "data/shapes"}},
    }
    path.write_text(json.dumps(name_plan(plan)))
