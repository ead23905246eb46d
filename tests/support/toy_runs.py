"""Builders for runs of the toy adapter: data on disk, a plan, a job, and ways to carry it out."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vtspec.adapters.contract import Adaptation, Job, MetricsResult, TrainingSummary
from vtspec.adapters.job import build_job
from vtspec.adapters.toy import png
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.planning.plan_model import build_steps, parse_section
from vtspec.pipelines.planning.plan_sections import PlannedResources

CLASSES = ("circle", "cross", "stripe")

ADAPTERS = Path(__file__).parents[2] / "adapters"


def write_pictures(root: Path, *, per_class: int = 12, side: int = 8, seed: int = 0) -> Path:
    """An imagefolder with three splits; each class is a pattern under noise."""
    random_ = random.Random(seed)
    for split in ("train", "val", "test"):
        for index, name in enumerate(CLASSES):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(per_class):
                picture = _pattern(index, side, random_)
                png.write(folder / f"{number:03d}.png", picture)
    return root


def _pattern(index: int, side: int, random_: random.Random) -> png.GrayImage:
    pixels = bytearray()
    for y in range(side):
        for x in range(side):
            lit = (
                (x - side / 2) ** 2 + (y - side / 2) ** 2 < (side / 3) ** 2,
                x == y or x == side - 1 - y,
                x % 2 == 0,
            )[index]
            level = (150 if lit else 100) + random_.gauss(0, 45)
            pixels.append(max(0, min(255, round(level))))
    return png.GrayImage(width=side, height=side, pixels=bytes(pixels))


def a_plan(
    *,
    training: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    classes: Sequence[str] = CLASSES,
    **changes: Any,
) -> dict[str, Any]:
    """A plan for the toy adapter on `write_pictures`, as `docs/plan.md` says; named by content."""
    plan: dict[str, Any] = {
        "v": 1,
        "kind": "Plan",
        "name": "shapes",
        "id": "shapes-0123456789",
        "digest": "sha256:" + "0" * 64,
        "specPath": "specs/experiments/shapes.yaml",
        "description": None,
        "task": "image-classification",
        "framework": {
            "name": "toy",
            "adapter": "toy",
            "adapterVersion": "1",
            "requirementsHash": "sha256:" + "b" * 64,
            "imageDigest": None,
        },
        "model": {"name": "softmax-regression", "parameters": 195, "weights": None},
        "dataset": {
            "name": "shapes",
            "format": "imagefolder",
            "hash": "md5:" + "a" * 32 + ".dir",
            "source": {"type": "path", "path": "data/shapes"},
            "classes": list(classes),
            "allClasses": list(CLASSES),
            "splits": {name: {"path": name} for name in ("train", "val", "test")},
            "finalSplit": "test",
            "statistics": None,
        },
        "training": {
            "epochs": 3,
            "batchSize": 8,
            "learningRate": 0.2,
            "imageSize": [8, 8],
            "seed": 7,
            "optimizer": "sgd",
            "momentum": 0.9,
            "weightDecay": 0.001,
            "scheduler": "cosine",
            "minLearningRate": 0.0,
            "warmupEpochs": 0.5,
            "gradientAccumulation": 1,
            "gradientClipping": None,
            "ema": None,
            "labelSmoothing": 0.0,
            "classWeights": None,
            "augmentation": "none",
            "precision": "fp32",
            "freeze": "none",
            "earlyStopping": None,
            "checkpoint": {"monitor": "accuracy", "every": None},
            "workers": 0,
            "deterministic": True,
            **(training or {}),
        },
        "params": {"pixelMean": 0.5, "initStd": 0.01, **(params or {})},
        "resources": {
            "gpus": 0,
            "gpuType": None,
            "cpus": 1,
            "memory": "1Gi",
            "maxDuration": "1h",
        },
        "export": {"formats": ["safetensors"]},
        "tracking": {"experiment": "shapes", "registerAs": None},
        "report": {"baseline": None, "gates": []},
        "origins": {},
        "estimate": {
            "seconds": None,
            "memoryBytes": None,
            "gpuMemoryBytes": None,
            "cost": None,
            "currency": "USD",
            "basis": "nobody guessed",
        },
        "warnings": [],
    }
    return name_plan({**plan, **changes})


def derive_steps(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps that follow from a plan's resources, as the plan has them."""
    resources = parse_section(PlannedResources, plan["resources"])
    # As JSON has them: lists.
    steps: list[dict[str, Any]] = json.loads(
        json.dumps([asdict(step) for step in build_steps(resources)])
    )
    return steps


def name_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan with the names that its content has; one that lacks a part keeps those it has."""
    try:
        names = identify(plan)
    except (KeyError, TypeError, AttributeError):
        return dict(plan)
    named = {**plan, "id": names.id, "digest": names.digest}
    return {**named, "steps": derive_steps(plan)} if not plan.get("steps") else named


def a_job(workdir: Path, data_root: Path, *, smoke: bool = False, **changes: Any) -> Job:
    """The job of `a_plan`, in a work folder that is made."""
    workdir.mkdir(parents=True, exist_ok=True)
    return build_job(
        a_plan(**changes),
        run="shapes-0123456789",
        attempt=1,
        data_root=data_root,
        workdir=workdir,
        smoke=smoke,
    )


@dataclass
class Listener:
    """Callbacks that remember what they were told, and ask to stop after so many steps."""

    stop_after: int | None = None
    told: list[tuple[str, Any]] = field(default_factory=list)
    steps: int = 0
    own_seconds: float = 0.0
    waited: float = 0.0

    def on_train_begin(self, config: Mapping[str, Any]) -> None:
        self.told.append(("begin", dict(config)))

    def on_step_end(self, epoch: int, step: int, steps: int, loss: float | None) -> None:
        self.steps += 1

    def on_epoch_end(self, epoch: int, metrics: MetricsResult) -> None:
        self.told.append(("epoch", metrics))

    def on_checkpoint(self, path: Path, epoch: int, step: int, *, best: bool) -> None:
        self.told.append(("checkpoint", (path.name, epoch, step, best)))

    def on_train_end(
        self, final_metrics: Mapping[str, float], summary: TrainingSummary | None = None
    ) -> None:
        self.told.append(("end", (dict(final_metrics), summary)))

    def on_warning(self, message: str) -> None:
        self.told.append(("warning", message))

    def on_data_wait(
        self, seconds: float, measure_gpu_memory: Callable[[], int] | None = None
    ) -> None:
        self.waited += seconds

    def on_adapted(self, adaptation: Adaptation) -> None:
        self.told.append(("adapted", adaptation))

    def should_stop(self) -> bool:
        return self.stop_after is not None and self.steps >= self.stop_after

    def of(self, kind: str) -> list[Any]:
        """What was told of one kind, in order."""
        return [what for told, what in self.told if told == kind]


@dataclass(frozen=True)
class Ran:
    """How a process of `python -m vtspec.adapters` ended, and what it told."""

    code: int
    events: list[dict[str, Any]]
    stdout: str
    stderr: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind, in order."""
        return [event for event in self.events if event["kind"] == kind]


def run_step(command: str, workdir: Path, data: Path, plan: Mapping[str, Any], *more: str) -> Ran:
    """Run one step in a process of its own, with its events in a file."""
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / "plan.json").write_text(json.dumps(plan))
    told = workdir / "told.jsonl"
    with told.open("wb") as events:
        ended = subprocess.run(
            command_line(command, workdir, data, events.fileno(), *more),
            env={**os.environ, "PYTHONPATH": str(ADAPTERS)},
            pass_fds=[events.fileno()],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    return Ran(ended.returncode, lines, ended.stdout, ended.stderr)


def command_line(command: str, workdir: Path, data: Path, fd: int, *more: str) -> list[str]:
    """What starts a step whose plan lies in its work folder."""
    return [
        *(sys.executable, "-m", "vtspec.adapters", command),
        *("--plan", str(workdir / "plan.json"), "--workdir", str(workdir)),
        *("--data", str(data), "--run", "shapes-0123456789", "--attempt", "1"),
        *("--events-fd", str(fd), *more),
    ]


def unmeasured() -> dict[str, str]:
    """The environment without coverage's: a process that is killed tears its database."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}


def adapter_with_onnx(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the toy adapter of the steps' processes write an empty ONNX file where asked for."""
    folder = root / "patched"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "from vtspec.adapters.contract import ExportedFile\n"
        "from vtspec.adapters.toy import adapter\n"
        "export = adapter.Adapter.export\n"
        "def export_both(self, formats, folder):\n"
        "    written = dict(export(self, ['safetensors'], folder))\n"
        "    if 'onnx' in formats:\n"
        "        (folder / 'model.onnx').write_bytes(b'')\n"
        "        written['onnx'] = ExportedFile(path=folder / 'model.onnx')\n"
        "    return written\n"
        "adapter.Adapter.export = export_both\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))


def adapter_that_waits(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the toy adapter of the steps' processes wait with its third epoch, until the file that
    is returned exists or it is to stop: what a test does to a training then meets one."""
    folder = root / "patched"
    folder.mkdir()
    may_go_on = root / "may-go-on"
    (folder / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "if 'vtspec.adapters' in sys.orig_argv:\n"
        "    from vtspec.adapters.toy import adapter\n"
        "    train_epoch = adapter.Adapter.train_epoch\n"
        "    def wait_and_train(self, epoch):\n"
        "        while epoch > 2 and not self.callbacks.should_stop():\n"
        f"            if os.path.exists({str(may_go_on)!r}):\n"
        "                break\n"
        "            time.sleep(0.05)\n"
        "        return train_epoch(self, epoch)\n"
        "    adapter.Adapter.train_epoch = wait_and_train\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return may_go_on
