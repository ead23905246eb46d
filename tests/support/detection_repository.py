"""A repository with drawn shapes to detect, and one experiment on them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detector_jobs import SHAPES, write_shapes
from vtspec.adapters.data.content_hash import hash_content

PROJECT = "apiVersion: vtspec.dev/v1alpha1\nkind: Project\nmetadata: {name: mine}\nspec: {}\n"

NAME = "find"


def a_detection_repository(root: Path, model: Mapping[str, Any], **spec: Any) -> Path:
    """Write it into `root`, which is then returned: an experiment of `model`, trained briefly."""
    data = write_shapes(root / "data" / "shapes")
    splits = {
        name: {"path": name, "annotations": f"{name}.json"} for name in ("train", "val", "test")
    }
    dataset = {
        "tasks": ["object-detection"],
        "format": "coco",
        "source": {"path": "data/shapes"},
        "contentHash": hash_content(data).hash,
        "classes": list(SHAPES),
        "splits": splits,
    }
    experiment = {
        "task": "object-detection",
        "model": dict(model),
        "dataset": {"ref": "shapes"},
        "training": {"epochs": 1, "batchSize": 4, "imageSize": 64, "augmentation": "light"},
        "resources": {"gpus": 0, "cpus": 1, "memory": "4Gi", "maxDuration": "10m"},
        **spec,
    }
    (root / "vtspec.yaml").write_text(PROJECT)
    _write_spec(root / "specs/datasets/shapes.yaml", "Dataset", "shapes", dataset)
    _write_spec(root / f"specs/experiments/{NAME}.yaml", "Experiment", NAME, experiment)
    return root


def _write_spec(file: Path, kind: str, name: str, spec: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    head = {"apiVersion": "vtspec.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
    # JSON is YAML.
    file.write_text(json.dumps({**head, "spec": spec}))


def run_vtspec(root: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The command line in a repository, with no hub but one that `variables` name."""
    hub = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(root / "hub")}
    return subprocess.run(
        [sys.executable, "-c", "from vtspec.cli.main import main; main()", *words],
        cwd=root,
        env={**os.environ, "VTSPEC_CACHE": str(root / "cache"), **hub, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
