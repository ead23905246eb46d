"""Specs for tests: whole and sound, changed where a test says so.

`an_experiment(**{"training.epochs": 0})` changes one field by its path below `spec` (a path that
starts with `metadata.` or is `kind` or `apiVersion` starts at the root); a value of `ABSENT`
takes the field out. `yaml_of` writes a spec as a person would, `a_model` makes its model.
"""

import copy
import json
from typing import Any, Final

ABSENT: Final = object()

_ROOT: Final = ("apiVersion", "api_version", "kind", "metadata", "spec")

_EXPERIMENT: Final = {
    "apiVersion": "vtspec.dev/v1alpha1",
    "kind": "Experiment",
    "metadata": {"name": "digits-resnet18"},
    "spec": {
        "task": "image-classification",
        "framework": "timm",
        "model": {"name": "resnet18"},
        "dataset": {"ref": "digits"},
        "training": {"epochs": 5, "batchSize": 64, "learningRate": 0.001, "imageSize": 32},
        "resources": {"gpus": 0, "cpus": 2, "memory": "4Gi", "maxDuration": "30m"},
        "report": {"gates": ["accuracy >= 0.95"]},
    },
}

_DATASET: Final = {
    "apiVersion": "vtspec.dev/v1alpha1",
    "kind": "Dataset",
    "metadata": {"name": "digits"},
    "spec": {
        "tasks": ["image-classification"],
        "format": "imagefolder",
        "source": {"dvc": {"path": "data/digits"}},
        "classes": ["0", "1", "2"],
        "splits": {"train": {"path": "train"}, "val": {"path": "val"}, "test": {"path": "test"}},
    },
}

_PROJECT: Final = {
    "apiVersion": "vtspec.dev/v1alpha1",
    "kind": "Project",
    "metadata": {"name": "vision"},
    "spec": {"gpuTypes": {"a100": {"memory": "80Gi"}, "t4": {"memory": "16Gi", "bf16": False}}},
}


def an_experiment(**changes: Any) -> dict[str, Any]:
    """An experiment as plain data."""
    return _changed(_EXPERIMENT, changes)


def a_dataset(**changes: Any) -> dict[str, Any]:
    """A dataset as plain data."""
    return _changed(_DATASET, changes)


def a_project(**changes: Any) -> dict[str, Any]:
    """A project as plain data."""
    return _changed(_PROJECT, changes)


def full_experiment() -> dict[str, Any]:
    """An experiment in which every field stands."""
    return an_experiment(
        **{
            "metadata.labels": {"team": "vision", "a.b/c": ""},
            "metadata.annotations": {"note": "anything"},
            "description": "why",
            "model": {"name": "resnet18", "pretrained": False, "weights": "hf-hub:a/b@main"},
            "dataset.classes": ["0", "1"],
            "training": {
                "epochs": 5,
                "batchSize": 64,
                "learningRate": 0.001,
                "imageSize": [32, 48],
                "seed": 1,
                "optimizer": "sgd",
                "momentum": 0.9,
                "weightDecay": 0.1,
                "scheduler": "step",
                "minLearningRate": 0,
                "warmupEpochs": 0.5,
                "gradientAccumulation": 2,
                "gradientClipping": 1.0,
                "ema": {"decay": 0.99, "warmup": False},
                "labelSmoothing": 0.1,
                "classWeights": {"0": 1, "1": 2.5},
                "augmentation": "light",
                "precision": "fp32",
                "freeze": ["conv1"],
                "earlyStopping": {"patience": 3, "minDelta": 0.1},
                "checkpoint": {"monitor": "loss", "every": 2},
                "workers": 0,
                "deterministic": True,
            },
            "params": {"a": 1, "b": "x", "c": None, "d": True, "e": 0.5},
            "resources": {
                "gpus": 1,
                "gpuType": "t4",
                "cpus": 2,
                "memory": "4Gi",
                "maxDuration": "1h",
            },
            "schedule": {"cron": "*/15 0,12 1-15 * mon-fri", "timeZone": "Asia/Seoul"},
            "export": {"formats": ["safetensors", "onnx"]},
            "tracking": {"experiment": "digits", "registerAs": "digits"},
            "report": {"baseline": "other", "gates": ["accuracy >= 0.9", "loss<1e-2"]},
        }
    )


def full_dataset() -> dict[str, Any]:
    """A dataset in which every field stands."""
    return a_dataset(
        **{
            "description": "what",
            "license": "MIT",
            "tasks": ["multilabel-classification", "object-detection"],
            "format": "coco",
            "source": {
                "dvc": {"path": "data/x", "repo": "https://a.b/c", "rev": "v1", "remote": "s3"}
            },
            "contentHash": f"md5:{'a' * 32}.dir",
            "splits": {
                name: {"path": name, "annotations": f"{name}.json", "targets": f"masks/{name}"}
                for name in ("train", "val", "test")
            },
            "statistics": {
                "images": 3,
                "bytes": 9,
                "splits": {"train": {"images": 3, "perClass": {"0": 1}}},
            },
        }
    )


def full_project() -> dict[str, Any]:
    """A project in which every field stands."""
    return a_project(
        specs="specs",
        runs="runs",
        gpuTypes={
            "t4": {
                "memory": "16Gi",
                "pricePerHour": 0.5,
                "tflops": 8,
                "bf16": False,
                "resource": "nvidia.com/gpu",
                "nodeSelector": {"nvidia.com/gpu.product": "Tesla-T4"},
                "tolerations": [{"key": "gpu", "value": "t4", "effect": "NoSchedule"}],
                "queue": "t4",
            }
        },
        prices={"currency": "EUR", "cpuPerHour": 0.1},
        cpuGflops=20.5,
        tracking={"uri": "http://mlflow"},
        registry="ghcr.io/acme",
        remotes={"storage": {"url": "s3://acme/dvc", "secret": "dvc-storage"}},
        cluster={
            "namespace": "vision",
            "serviceAccount": "vtspec-run",
            "submit": "anyone",
            "volumeClaim": "vtspec",
            "semaphores": {"t4": 2, "vision": 1},
            "maxWait": "24h",
            "keepFor": "7d",
            "ephemeralStorage": "20Gi",
            "runsRole": {
                "arn": "arn:aws:iam::123456789012:role/vtspec-run",
                "endpoint": "https://sts.example.org",
                "duration": "1h",
            },
        },
        retention={"keep": 5, "unfinished": True, "olderThan": "14d", "caches": "30d"},
        teams={
            "vision": {
                "people": ["jin@example.org"],
                "logins": ["jin-park"],
                "specs": ["specs/experiments/vision"],
                "queue": "vision",
                "limits": {"gpus": 1, "maxDuration": "12h", "costPerMonth": 500.0},
            }
        },
        approval={"when": "comment", "teams": ["vision"], "byAuthor": True},
    )


def yaml_of(spec: dict[str, Any]) -> str:
    """The spec as YAML: block mappings, everything else on one line."""
    return "\n".join(_lines(spec, "")) + "\n"


def _changed(spec: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = copy.deepcopy(spec)
    for path, value in changes.items():
        *above, last = path.split(".")
        place = data if path.split(".")[0] in _ROOT else data["spec"]
        for key in above:
            place = place.setdefault(key, {})
        if value is ABSENT:
            place.pop(last, None)
        else:
            place[last] = value
    return data


def _lines(mapping: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in mapping.items():
        name = key if key.replace("_", "").isalpha() else json.dumps(key)
        if isinstance(value, dict) and value:
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {json.dumps(value, ensure_ascii=False)}")
    return lines
