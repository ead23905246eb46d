"""Inspect, add, validate and run agree on a dataset: what is taken trains, what is not is told."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dataset_mutants import BUILDERS, draw, iter_mutants
from dvc_repositories import dvc_repository, write_files
from reader_trial import make_job
from toy_runs import Listener, a_job
from vtspec.adapters.toy.adapter import Adapter
from vtspec.cli.main import cli
from vtspec.pipelines.data.formats.layout import Layout
from vtspec.pipelines.data.inspection.inspect import inspect_dataset
from vtspec.pipelines.errors import Permanent

MUTANTS = 240

FOLDERS = {
    f"{split}/{name}/{n}.png": draw(n + 10 * len(split) + ord(name[0]))
    for split in ("train", "val")
    for name in ("cat", "dog")
    for n in range(3)
}

TABLE = b"path,label\nimages/a0.png,cat\nimages/b 0.png,dog\n"


ROW = b'{"path": "images/a1.png", "label": %s}'


def train_one_epoch(root: Path, workdir: Path, layout: Layout) -> None:
    """Train the toy model on the data, in this process."""
    job = a_job(workdir, root, training={"epochs": 1})
    adapter = Adapter(replace(job, dataset=make_job(root, layout)), Listener())
    adapter.prepare_model()
    adapter.prepare_dataset()
    adapter.train_epoch(1)
    adapter.validate(1)


def test_every_table_that_inspection_takes_trains(tmp_path: Path) -> None:
    taken = 0
    for number, form, files in iter_mutants(range(MUTANTS)):
        if form not in ("csv", "jsonl"):
            continue
        root = write_files(tmp_path / str(number), files)
        try:
            found = inspect_dataset(root)
        except Permanent:
            continue
        if not found.errors and found.layout.tasks == ("image-classification",):
            train_one_epoch(root, tmp_path / "work" / str(number), found.layout)
            taken += 1
    assert MUTANTS // 20 < taken < MUTANTS // 3


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"train/owl/.gitkeep": b""},
        {"train/__MACOSX/._a.png": b"\0"},
        {"train/notes/a.txt": b"three owls"},
        {"train/owl/a.jfif": b"no image by its name"},
        {"train/loose.png": draw(80)},
        {"train/cat/.thumbs/a.png": b"no image"},
    ],
)
def test_every_folder_that_inspection_takes_trains(
    tmp_path: Path, more: Mapping[str, bytes]
) -> None:
    root = write_files(tmp_path / "data", {**FOLDERS, **more})
    (root / "train" / "empty").mkdir()
    found = inspect_dataset(root)
    assert (list(found.errors), found.layout.classes) == ([], ("cat", "dog"))
    train_one_epoch(root, tmp_path / "work", found.layout)


def typed(*words: str) -> int:
    result = CliRunner().invoke(cli, list(words), standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return int(result.return_value or 0) if result.exit_code == 0 else result.exit_code


EXPERIMENT = """apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {name: x}
spec:
  task: image-classification
  framework: toy
  model: {name: softmax-regression, pretrained: false}
  dataset: {ref: d}
  training: {epochs: 1, batchSize: 2, imageSize: 8, optimizer: sgd, augmentation: none}
  resources: {cpus: 1, memory: 1Gi, maxDuration: 10m}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "is_taken"),
    [
        ({**FOLDERS, "train/owl/.gitkeep": b"", "train/notes/a.txt": b""}, True),
        ({**BUILDERS["csv"](), "train.csv": TABLE.replace(b"path", b"Filename")}, True),
        ({**BUILDERS["jsonl"](), "val.jsonl": ROW % b'"cat"'}, True),
        ({**BUILDERS["csv"](), "train.csv": TABLE + b"images/a1.png,\n"}, False),
        ({**BUILDERS["csv"](), "train.csv": TABLE.decode().encode("utf-16")}, False),
        ({**BUILDERS["csv"](), "train.csv": TABLE + b"images/a1.png,cat,black\n"}, False),
        ({**BUILDERS["jsonl"](), "val.jsonl": b"[" * 100_000}, False),
        ({**BUILDERS["jsonl"](), "val.jsonl": ROW % b"3"}, False),
        ({**BUILDERS["jsonl"](), "val.jsonl": ROW % (b"9" * 5_000)}, False),
        ({**BUILDERS["jsonl"](), "val.jsonl": ROW % b"NaN"}, False),
        ({**BUILDERS["jsonl"](), "val.jsonl": ROW % b'"cat", "label": "dog"'}, False),
        ({**BUILDERS["jsonl"](), "val.jsonl": (ROW % b'"cat"').decode().encode("utf-16")}, False),
        ({**BUILDERS["jsonl"](), "val.jsonl": b"\xef\xbb\xbf" + ROW % b'"cat"'}, True),
    ],
)
def test_what_add_takes_is_valid_and_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, Any],
    is_taken: bool,
) -> None:
    root = dvc_repository(tmp_path / "mine")
    monkeypatch.chdir(root)
    write_files(root / "data" / "d", files)
    write_files(root, {"specs/experiments/x.yaml": EXPERIMENT.encode()})
    assert typed("datasets", "inspect", "data/d") == (0 if is_taken else 2)
    assert typed("datasets", "add", "data/d", "--name", "d") == (0 if is_taken else 2)
    assert (root / "specs" / "datasets" / "d.yaml").exists() == is_taken
    if is_taken:
        assert typed("validate", "specs") == 0
        assert typed("run", "x", "--no-tracking") == 0
