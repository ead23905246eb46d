"""Run folders for tests, made of plain data as a real run writes it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vtspec.pipelines.runs import make_run_name
from vtspec.pipelines.runs.events import Event, encode_event, read_body

Told = tuple[str, Mapping[str, Any]]
"""The kind of an event and its own fields."""


def a_plan(**changes: Any) -> dict[str, Any]:
    """A small plan as `plan.json` holds it, with top-level changes."""
    plan: dict[str, Any] = {
        "v": 1,
        "kind": "Plan",
        "name": "cats",
        "id": "cats-0123456789",
        "digest": "sha256:" + "0" * 64,
        "specPath": "specs/experiments/cats.yaml",
        "description": None,
        "task": "image-classification",
        "framework": {"name": "toy", "adapter": "toy", "adapterVersion": "1"},
        "model": {"name": "softmax-regression", "parameters": 20, "weights": None},
        "dataset": {
            "name": "cats",
            "format": "imagefolder",
            "hash": "md5:" + "a" * 32 + ".dir",
            "source": {"type": "dvc", "path": "data/cats"},
            "classes": ["cat", "no cat"],
            "allClasses": ["cat", "no cat"],
            "splits": {"train": {"path": "train"}, "val": {"path": "val"}},
            "finalSplit": "val",
        },
        "training": {"epochs": 3, "batchSize": 8, "imageSize": [8, 8], "ema": None},
        "params": {"dropRate": 0.1},
        "resources": {"gpus": 0, "cpus": 2, "memory": "1Gi"},
        "tracking": {"experiment": "cats", "registerAs": None},
        "report": {"baseline": None, "gates": []},
    }
    return {**plan, **changes}


def an_epoch(epoch: int, **changes: Any) -> Told:
    """The event of a finished epoch."""
    data = {
        "epoch": epoch,
        "epochs": 3,
        "train_loss": 1.0 / epoch,
        "val_loss": 1.1 / epoch,
        "metrics": {"accuracy": 1 - 0.5 / epoch},
        "seconds": 1.5,
        "lr": 0.001,
    }
    return "train.epoch", {**data, **changes}


ADAPTED: Told = (
    "train.adapted",
    {
        "cause": "out-of-memory",
        "epoch": 1,
        "step_in_epoch": 2,
        "changes": {"training.batchSize": [8, 4], "training.gradientAccumulation": [1, 2]},
        "message": "the GPU's memory is full: on with batches of 4, 2 to a step",
    },
)
"""Training halved its batches."""

IN_WORDS = "adapted: batchSize 8 → 4, gradientAccumulation 1 → 2"
"""The same."""

STARTED: Told = ("run.started", {"machine": {"cpus": 2}, "git": {"commit": "c0ffee"}})
EVALUATED: Told = (
    "evaluated",
    {"split": "val", "metrics": {"accuracy": 0.9}, "checkpoint_epoch": 3},
)
SUCCEEDED: Told = ("run.finished", {"ending": "succeeded", "exit_code": 0})


def events_of(told: Sequence[Told], run: str = "cats-0123456789", first: int = 0) -> list[Event]:
    """Events a second apart, numbered from `first`."""
    return [
        Event(
            run=run,
            attempt=1,
            seq=first + n,
            time=f"2026-01-01T00:{(first + n) // 60:02}:{(first + n) % 60:02}.000Z",
            step=None,
            body=read_body(kind, data),
        )
        for n, (kind, data) in enumerate(told)
    ]


def append(run_dir: Path, told: Sequence[Told], first: int) -> None:
    """Write further events, as a run in progress does."""
    with (run_dir / "events.jsonl").open("a", encoding="utf-8") as file:
        for event in events_of(told, run=run_dir.name, first=first):
            file.write(encode_event(event) + "\n")


def a_run_folder(
    runs: Path, told: Sequence[Told], plan: Mapping[str, Any] | None = None, attempt: int = 1
) -> Path:
    """A run's folder under `runs` with its plan and events."""
    plan = plan or a_plan()
    folder = runs / make_run_name(str(plan["id"]), attempt)
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    append(folder, told, 0)
    return folder
