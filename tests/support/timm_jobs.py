"""Builders for runs of the timm adapter: real handwritten digits on disk, a plan, a job."""

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from toy_runs import Listener, a_plan
from vtspec.adapters.contract import Job
from vtspec.adapters.job import build_job
from vtspec.adapters.pytorch.state import load_state
from vtspec.adapters.timm.adapter import Adapter

DIGITS = tuple("0123456789")


@cache
def _pixels() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits
    from sklearn.utils import Bunch

    digits = load_digits()
    assert isinstance(digits, Bunch)
    return (digits.images * 255 / 16).round().astype(np.uint8), digits.target


def write_digits(
    root: Path, *, train: int = 10, val: int = 4, test: int = 4, width: int = 8
) -> Path:
    """scikit-learn's digits as an imagefolder of 8-pixel greyscale PNGs, so many a class; drawn
    out to another `width` where squares would hide a difference."""
    pixels, targets = _pixels()
    for name in DIGITS:
        of_class = pixels[targets == int(name)]
        start = 0
        for split, count in (("train", train), ("val", val), ("test", test)):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number, image in enumerate(of_class[start : start + count]):
                picture = Image.fromarray(image).resize((width, 8))
                picture.save(folder / f"{number:04d}.png")
            start += count
    return root


PAIRED = DIGITS[:5]
"""The classes of `write_pairs`."""


def write_pairs(root: Path, *, train: int = 60, val: int = 20, test: int = 20) -> Path:
    """A csv for each split and so many greyscale PNGs of 20 x 16: two of the first five digits
    side by side, which may be the same, and in every tenth picture none."""
    pixels, targets = _pixels()
    random = np.random.default_rng(7)
    for split, count in (("train", train), ("val", val), ("test", test)):
        rows = [("path", "labels")]
        (root / split).mkdir(parents=True)
        for number in range(count):
            canvas, shown = np.zeros((16, 20), np.uint8), set()
            for left in (1, 11) if number % 10 else ():
                digit = random.choice(PAIRED)
                canvas[4:12, left : left + 8] = random.choice(pixels[targets == int(digit)])
                shown.add(str(digit))
            Image.fromarray(canvas).save(root / split / f"{number:04d}.png")
            rows.append((f"{split}/{number:04d}.png", " ".join(sorted(shown))))
        with (root / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    return root


def on_pairs(
    training: Mapping[str, Any] | None = None, *, classes: Sequence[str] = PAIRED
) -> dict[str, Any]:
    """What makes `a_timm_plan` a training on `write_pairs`."""
    splits = {
        name: {"path": ".", "annotations": f"{name}.csv"} for name in ("train", "val", "test")
    }
    named = {"format": "csv", "classes": list(classes), "allClasses": list(PAIRED)}
    return {
        "task": "multilabel-classification",
        "training": {"checkpoint": {"monitor": "mAP", "every": None}, **(training or {})},
        "dataset": {**a_plan()["dataset"], **named, "splits": splits},
    }


def a_timm_plan(
    *,
    training: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model: str = "test_resnet",
    classes: Sequence[str] = DIGITS,
    **changes: Any,
) -> dict[str, Any]:
    """A short training of a tiny timm model on `write_digits`."""
    short = {
        "epochs": 2,
        "batchSize": 16,
        "learningRate": 0.003,
        "imageSize": [32, 32],
        "optimizer": "adamw",
        "warmupEpochs": 0.0,
    }
    plan = a_plan(training={**short, **(training or {})})
    dataset = {**plan["dataset"], "classes": list(classes), "allClasses": list(DIGITS)}
    dataset["statistics"] = None
    return {
        **plan,
        "framework": {"name": "timm", "adapter": "timm", "adapterVersion": "2"},
        "model": {"name": model, "parameters": 1, "weights": None},
        "dataset": dataset,
        "params": dict(params or {}),
        **changes,
    }


def a_timm_job(
    data: Path, workdir: Path, *, smoke: bool = False, weights: Path | None = None, **changes: Any
) -> Job:
    """The job of `a_timm_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_timm_plan(**changes),
        run="digits-0123456789",
        attempt=1,
        data_root=data,
        workdir=workdir,
        weights=weights,
        smoke=smoke,
    )


def prepared(job: Job, listener: Listener | None = None) -> Adapter:
    """An adapter that is ready to train."""
    adapter = Adapter(job, listener or Listener())
    adapter.prepare_model()
    adapter.prepare_dataset()
    return adapter


def trained(job: Job) -> Adapter:
    """An adapter that has trained all epochs, validating each."""
    adapter = prepared(job)
    for epoch in range(1, job.training.epochs + 1):
        adapter.train_epoch(epoch)
        adapter.validate(epoch)
    return adapter


def differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """The names of tensors that are not the same bits in both."""
    assert left.keys() == right.keys()
    return [name for name in left if not torch.equal(left[name], right[name])]


def weights_of(checkpoint: Path, file: str = "model.safetensors") -> dict[str, Any]:
    """The tensors of a checkpoint's file."""
    tensors: dict[str, Any] = load_file(checkpoint / file)
    return tensors


def assert_same_end(
    left: Job,
    right: Job,
    *,
    epochs: int | None = None,
    files: Sequence[str] = ("model.safetensors", "ema.safetensors"),
) -> None:
    """Both trainings left the same bits after their last epoch."""
    ends = [
        job.workdir / "checkpoints" / f"epoch-{epochs or job.training.epochs:04d}"
        for job in (left, right)
    ]
    for file in files:
        assert differing(weights_of(ends[0], file), weights_of(ends[1], file)) == []
    states = [load_state(end / "state.pt") for end in ends]
    assert plain(states[0]) == plain(states[1])


def plain(value: Any) -> Any:
    """Tensors as lists, so that states compare with `==`."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
