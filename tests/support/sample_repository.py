"""A copy of this repository's own experiment on a sample, with the sample made anew."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from detection_repository import run_vtspec
from vtspec.adapters.evaluation.depth import DepthMetrics
from vtspec.pipelines.data.sample_digits import write_digits
from vtspec.pipelines.data.samples.datasets import write_sample

ROOT = Path(__file__).parents[2]


def copy_repository(name: str, root: Path) -> Path:
    """Have below `root` what the experiment `name` needs of this repository; the folder of its
    data, which is made anew."""
    spec = yaml.safe_load((ROOT / f"specs/experiments/{name}.yaml").read_text())
    data = spec["spec"]["dataset"]["ref"]
    for path in (f"specs/experiments/{name}.yaml", f"specs/datasets/{data}.yaml", "vtspec.yaml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    # Where a run looks for the hash that its data must have.
    shutil.copytree(ROOT / ".dvc", root / ".dvc")
    for path in ("dvc.yaml", "dvc.lock"):
        shutil.copy(ROOT / path, root)
    folder: Path = root / "data" / data
    if data == "digits":
        write_digits(folder)
    else:
        write_sample(data, folder)
    return folder


def train_sample(name: str, root: Path) -> dict[str, Any]:
    """Check, plan and carry out the experiment `name` below `root`, where no hub is to be had; its
    `metrics.json`. What it finds in a picture of the test split must be told, too."""
    data = copy_repository(name, root)
    spec_of_data = yaml.safe_load((root / f"specs/datasets/{data.name}.yaml").read_text())
    checked = run_vtspec(root, "validate", "specs")
    assert checked.returncode == 0, checked.stdout
    planned = run_vtspec(root, "plan", name, "--output", "json")
    assert json.loads(planned.stdout)["model"]["weights"] is None, planned.stderr
    done = run_vtspec(root, "run", name, "--no-tracking", "--environment", "current")
    assert done.returncode == 0, done.stderr
    (run,) = (root / "runs").glob(f"{name}-*")
    where = spec_of_data["spec"]["splits"]["test"]["path"]
    picture = min((data / where).rglob("*.png"))
    asked = run_vtspec(root, "predict", name, str(picture), "--environment", "current")
    assert asked.returncode == 0, asked.stderr
    # Of a long path the end is shown.
    assert picture.name in asked.stdout
    metrics: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return metrics


def measure_mean_distance(root: Path) -> dict[str, dict[str, float]]:
    """What it is worth, by split, to say the train split's mean distance of every pixel, on
    `motorcycle` as `train_sample` made it."""
    maps = {
        split: [
            np.asarray(Image.open(path)) / 1000
            for path in sorted((root / "data/motorcycle/depth" / split).glob("*.png"))
        ]
        for split in ("train", "val", "test")
    }
    mean = np.concatenate([one[one > 0] for one in maps["train"]]).mean()
    plain = {}
    for split in ("val", "test"):
        metrics = DepthMetrics()
        for place, one in enumerate(maps[split]):
            metrics.update(str(place), one, np.full_like(one, mean))
        plain[split] = metrics.compute()
    return plain
