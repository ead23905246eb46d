"""Builders for runs whose answers are texts: pictures drawn on disk, a plan, a job."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from toy_runs import a_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job

SPLITS = {"train": 12, "val": 6, "test": 6}

READ, CAPTION = "ocr", "image-captioning"

_GLYPHS = {"a": (1, 1, 1, 0), "b": (1, 0, 0, 1), "c": (0, 1, 1, 0), "é": (0, 0, 1, 1)}


def write_lines(root: Path) -> Path:
    """`<split>/<number>.png`, one to three signs of 8 by 8 pixels, and `<split>.jsonl` with what
    they are."""
    random = np.random.default_rng(3)
    for split, count in SPLITS.items():
        rows = []
        (root / split).mkdir(parents=True)
        for number in range(count):
            text = "".join(random.choice(list(_GLYPHS), size=random.integers(1, 4)))
            signs = [
                np.array(_GLYPHS[one]).reshape(2, 2).repeat(4, 0).repeat(4, 1) for one in text
            ]
            ink = np.pad(np.hstack(signs), 2)
            name = f"{split}/{number}.png"
            Image.fromarray((255 - ink * 220).astype(np.uint8)).save(root / name)
            rows.append(json.dumps({"path": name, "text": text}, ensure_ascii=False) + "\n")
        (root / f"{split}.jsonl").write_text("".join(rows), encoding="utf-8")
    return root


_COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


def write_captions(root: Path) -> Path:
    """`<split>/<number>.png`, 32 by 32 pixels of one colour with a piece of another at the left
    or at the right, and `<split>.jsonl` with two sentences about each."""
    random = np.random.default_rng(5)
    for split, count in SPLITS.items():
        rows = []
        (root / split).mkdir(parents=True)
        for number in range(count):
            ground, square = random.permutation(list(_COLOURS))[:2]
            is_left = bool(random.integers(2))
            picture = np.full((32, 32, 3), _COLOURS[ground], np.uint8)
            picture[8:24, slice(2, 14) if is_left else slice(18, 30)] = _COLOURS[square]
            name = f"{split}/{number}.png"
            Image.fromarray(picture).save(root / name)
            side = "left" if is_left else "right"
            for caption in (f"{square} {side} on {ground}", f"{square} on {ground}"):
                rows.append(json.dumps({"path": name, "caption": caption}) + "\n")
        (root / f"{split}.jsonl").write_text("".join(rows))
    return root


_OF_TASK: Mapping[str, Mapping[str, Any]] = {
    READ: {
        "model": "vtspec/trocr-tiny",
        "training": {"imageSize": [24, 48], "checkpoint": {"monitor": "cer", "every": None}},
        "params": {"maxNewTokens": 8},
    },
    CAPTION: {
        "model": "vtspec/git-tiny",
        "training": {"imageSize": [32, 32], "checkpoint": {"monitor": "cider", "every": None}},
        "params": {"maxNewTokens": 24},
    },
}


def a_text_plan(
    task: str,
    *,
    model: str | None = None,
    training: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A short training on what the task's function here writes."""
    known = _OF_TASK[task]
    short = {
        "epochs": 2,
        "batchSize": 4,
        "learningRate": 0.003,
        "optimizer": "adamw",
        "warmupEpochs": 0.0,
        "gradientClipping": 1.0,
        "labelSmoothing": 0.0,
        **known["training"],
    }
    plan = a_plan(training={**short, **(training or {})})
    dataset = {
        **plan["dataset"],
        "format": "jsonl",
        "classes": [],
        "allClasses": [],
        "statistics": None,
        "splits": {name: {"path": ".", "annotations": f"{name}.jsonl"} for name in SPLITS},
    }
    return {
        **plan,
        "task": task,
        "framework": {"name": "transformers", "adapter": "transformers", "adapterVersion": "1"},
        "model": {"name": model or known["model"], "parameters": 1, "weights": None},
        "dataset": dataset,
        "params": {**known["params"], **(params or {})},
        **changes,
    }


def a_text_job(
    task: str, data: Path, workdir: Path, *, weights: Path | None = None, **changes: Any
) -> Job:
    """The job of `a_text_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_text_plan(task, **changes),
        run="texts-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
    )
