"""Specs drawn at random, of every sample experiment that this repository has: a spec that
`validate` finds no error in is carried out on a few images."""

import json
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from sample_repository import copy_repository
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError, Param
from vtspec.adapters.discovery import load_adapter
from vtspec.adapters.job import build_job
from vtspec.adapters.pytorch.epoch_adapter import EpochAdapter
from vtspec.adapters.training.loop import fit
from vtspec.pipelines.operations.plan import plan_spec
from vtspec.pipelines.operations.validate import find_problems, load_specs
from vtspec.pipelines.project.repository import find_repository

_SHARE = 0.15
"""Of the fields that a spec may have as many are set."""

_BATCHES = 3

_OF_THE_DATA = frozenset({"depthScale", "maxDepth", "scale"})
"""Params that say what the data is, which are no choice."""

_TRAINING: dict[str, Any] = {
    "batchSize": lambda draw: draw.choice((2, 4, 8)),
    "learningRate": lambda draw: 10 ** draw.uniform(-5, -2),
    "seed": lambda draw: draw.randrange(1000),
    "optimizer": lambda draw: draw.choice(
        ("adamw", "adam", "nadam", "radam", "sgd", "rmsprop", "lamb", "lion")
    ),
    "momentum": lambda draw: draw.choice((0.0, 0.5, 0.95)),
    "weightDecay": lambda draw: draw.choice((0.0, 0.0001, 0.1)),
    "scheduler": lambda draw: draw.choice(
        ("cosine", "linear", "step", "polynomial", "plateau", "constant")
    ),
    "minLearningRate": lambda draw: draw.choice((0.0, 1e-6)),
    "warmupEpochs": lambda draw: draw.choice((0, 0.5, 1)),
    "gradientAccumulation": lambda draw: draw.choice((1, 2, 3)),
    "gradientClipping": lambda draw: draw.choice((0.1, 1.0, 10.0)),
    "ema": lambda draw: {"decay": draw.choice((0.9, 0.999)), "warmup": draw.random() < 0.5},
    "labelSmoothing": lambda draw: draw.choice((0.0, 0.1)),
    "classWeights": lambda draw: "balanced",
    "augmentation": lambda draw: draw.choice(("none", "light", "standard", "strong")),
    "precision": lambda draw: draw.choice(("auto", "fp32", "bf16")),
    "freeze": lambda draw: draw.choice(("none", "backbone")),
    "earlyStopping": lambda draw: {"patience": 1},
    "checkpoint": lambda draw: {"every": draw.choice((1, 2))},
    "workers": lambda draw: draw.choice((0, 0, 1)),
    "deterministic": lambda draw: draw.random() < 0.5,
    "onOutOfMemory": lambda draw: "halve",
    "onNan": lambda draw: "rollback",
    "onTimeLimit": lambda draw: "shorten",
}


@dataclass
class Trial:
    """How the specs of one experiment ended: `completed` of them, `refused` in words by the name
    of the class, anything else in `broken`; `redrawn` had an error that `validate` told."""

    completed: int = 0
    redrawn: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def _draw_spec(base: dict[str, Any], params: dict[str, Param], draw: random.Random) -> Any:
    """A spec of the same task, model and data with other settings."""
    spec = json.loads(json.dumps(base))
    inner = spec["spec"]
    inner["training"] |= {"epochs": 2, "batchSize": 4, "workers": 0}
    inner["training"].pop("warmupEpochs", None)
    inner["params"] = {}
    for name, choose in _TRAINING.items():
        if draw.random() < _SHARE:
            inner["training"][name] = choose(draw)
    for name, param in params.items():
        if draw.random() < _SHARE:
            inner["params"][name] = _draw_value(param, draw)
    formats = ["safetensors", *(["onnx"] if draw.random() < 0.15 else [])]
    inner["export"] = {"formats": formats}
    inner["report"] = {}
    return spec


def _draw_value(param: Param, draw: random.Random) -> Any:
    """A value in a param's range; of a wide one where people look for it, near its lower end."""
    if param.choices:
        return draw.choice(param.choices)
    if param.type == "bool":
        return draw.random() < 0.5
    low = 0.0 if param.minimum is None else param.minimum
    high = low + 10 if param.maximum is None else min(param.maximum, low + 10)
    if param.type == "int":
        return draw.randint(math.ceil(low), math.floor(high))
    if param.type == "float":
        return round(draw.uniform(low, high), 3)
    return param.default


def hold_specs(name: str, root: Path, count: int) -> None:
    """Of so many specs of the experiment `name`, carried out below `root`, all but one at most
    come to their end, and that one says what to type."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EpochAdapter, "_limit_images", _spread_images)
        trial = _try_specs(name, root, copy_repository(name, root), count)
    # Shown where it fails.
    print(trial.completed, dict(trial.refused), trial.redrawn, *trial.said, sep="\n")
    assert trial.broken == []
    assert trial.completed >= count - 1


def _try_specs(name: str, root: Path, data: Path, count: int) -> Trial:
    file = root / f"specs/experiments/{name}.yaml"
    base = yaml.safe_load(file.read_text())
    task, module = base["spec"]["task"], load_adapter(base["spec"]["framework"])
    params = {
        key: one
        for key, one in module.PARAMS.items()
        if (not one.tasks or task in [each.value for each in one.tasks])
        and (one.type != "str" or one.choices)
        and key not in _OF_THE_DATA
    }
    trial, draw = Trial(), random.Random(name)
    for number in range(count):
        while True:
            file.write_text(json.dumps(_draw_spec(base, params, draw)))
            found = find_problems(load_specs([str(file)], BytesIO()), root)
            errors = [one for one in found if one.severity == "error"]
            if not errors:
                break
            trial.redrawn += 1
            trial.broken += [str(one) for one in errors if not one.fix]
        _carry_out(file, root / f"{name}-{number}", data, trial)
    return trial


def _carry_out(file: Path, workdir: Path, data: Path, trial: Trial) -> None:
    text = file.read_text()
    try:
        plan = plan_spec(file, find_repository(file.parents[2])).made.to_json()
        workdir.mkdir()
        raw = json.loads(json.dumps(plan))
        job = build_job(
            raw, run="r-0123456789", attempt=1, data_root=data, workdir=workdir, smoke=True
        )
        kind: Any = load_adapter(plan["framework"]["adapter"]).Adapter
        listener = Listener()
        adapter = kind(job, listener)
        fit(adapter, job, listener, False)
        adapter.evaluate(job.dataset.final_split)
        adapter.export(plan["export"]["formats"], workdir)
        pictures = sorted(data.rglob("*.png"))[:1]
        assert [one.error for one in adapter.predict(pictures)] == [None] * len(pictures)
    except AdapterError as error:
        trial.refused[getattr(error, "cause", type(error).__name__)] += 1
        trial.said.append(f"{error} / {error.fix}: {text}")
        if not error.fix:
            trial.broken.append(f"no fix: {error}: {text}")
    except Exception as error:
        trial.broken.append(f"{type(error).__name__}: {error}: {text}")
    else:
        trial.completed += 1


def list_experiments(root: Path, *frameworks: str) -> list[str]:
    """The names of the experiments by one of these frameworks."""
    return [
        file.stem
        for file in sorted((root / "specs/experiments").glob("*.yaml"))
        if yaml.safe_load(file.read_text())["spec"]["framework"] in frameworks
    ]


def _spread_images(self: EpochAdapter[Any], images: Any) -> Any:
    """A few batches of a split, the last one short, in place of all of it."""
    count = min(len(images), _BATCHES * self.job.training.batch_size + 1)
    return [images[place * len(images) // count] for place in range(count)]
