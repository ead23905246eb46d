"""The results of a run, as DVC compares them, hold its figures and nothing that is by chance."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.reporting.dvc_metrics import FILES, write_results

METRICS: dict[str, Any] = {
    "final": {"split": "test", "accuracy": 0.75, "seconds": 1.5},
    "best": {"epoch": 2, "monitor": "accuracy", "value": 0.8},
    "epochs": [
        {"epoch": 1, "train_loss": 1.25, "val_loss": None, "lr": 0.001, "seconds": 8.1},
        {"epoch": 2, "train_loss": 0.5, "val_loss": 0.6, "seconds": 8.2, "accuracy": 0.8},
    ],
}
EVALUATION = {
    "classes": ["cat", 'big "dog", brown'],
    "confusion": [[2, 1], [0, 1]],
    "perClass": [
        {"class": "cat", "precision": 1.0, "recall": 0.67, "f1": 0.8, "support": 3},
        {"class": 'big "dog", brown', "precision": 0.5, "recall": 1.0, "f1": 0.67, "support": 1},
    ],
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "digits-1234567890"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "evaluation.json").write_text(json.dumps(EVALUATION))
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_metrics_are_the_runs_own_without_times(run: Path, tmp_path: Path) -> None:
    write_results(run, tmp_path / "results")
    found = json.loads((tmp_path / "results" / "metrics.json").read_text())
    assert found["final"] == {"split": "test", "accuracy": 0.75}
    assert found["best"] == METRICS["best"]
    assert found["epochs"][1] == {
        "epoch": 2,
        "train_loss": 0.5,
        "val_loss": 0.6,
        "accuracy": 0.8,
    }


def test_an_epoch_is_a_row(run: Path, tmp_path: Path) -> None:
    write_results(run, tmp_path / "results")
    assert rows(tmp_path / "results" / "epochs.csv") == [
        {"epoch": "1", "train_loss": "1.25", "val_loss": "", "lr": "0.001", "accuracy": ""},
        {"epoch": "2", "train_loss": "0.5", "val_loss": "0.6", "lr": "", "accuracy": "0.8"},
    ]


def test_an_image_is_a_row_of_the_confusion(run: Path, tmp_path: Path) -> None:
    write_results(run, tmp_path / "results")
    dog = 'big "dog", brown'
    assert rows(tmp_path / "results" / "confusion.csv") == [
        {"actual": "cat", "predicted": "cat"},
        {"actual": "cat", "predicted": "cat"},
        {"actual": "cat", "predicted": dog},
        {"actual": dog, "predicted": dog},
    ]


def test_a_class_is_a_row(run: Path, tmp_path: Path) -> None:
    write_results(run, tmp_path / "results")
    first = {"class": "cat", "precision": "1.0", "recall": "0.67", "f1": "0.8", "support": "3"}
    assert rows(tmp_path / "results" / "classes.csv")[0] == first


def test_every_file_is_there_whatever_the_task(run: Path, tmp_path: Path) -> None:
    (run / "evaluation.json").unlink()
    write_results(run, tmp_path / "results")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == sorted(FILES)
    assert (tmp_path / "results" / "confusion.csv").read_text() == "actual,predicted\n"


def test_two_runs_that_differ_in_time_alone_have_the_same_results(
    run: Path, tmp_path: Path
) -> None:
    write_results(run, tmp_path / "first")
    slower = {**METRICS, "epochs": [{**epoch, "seconds": 99} for epoch in METRICS["epochs"]]}
    (run / "metrics.json").write_text(json.dumps(slower))
    write_results(run, tmp_path / "second")
    for name in FILES:
        assert (tmp_path / "first" / name).read_bytes() == (
            tmp_path / "second" / name
        ).read_bytes()


def test_older_results_are_replaced(run: Path, tmp_path: Path) -> None:
    write_results(run, tmp_path / "results")
    (run / "metrics.json").write_text(json.dumps({"final": {"accuracy": 0.9}}))
    write_results(run, tmp_path / "results")
    found = json.loads((tmp_path / "results" / "metrics.json").read_text())
    assert found == {"final": {"accuracy": 0.9}, "epochs": []}


def test_a_run_without_metrics_is_refused(run: Path, tmp_path: Path) -> None:
    (run / "metrics.json").unlink()
    with pytest.raises(Permanent, match=r"has no metrics\.json: it did not finish"):
        write_results(run, tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("text", ["{", "", "[1]"])
def test_damaged_metrics_are_refused(run: Path, tmp_path: Path, text: str) -> None:
    (run / "metrics.json").write_text(text)
    with pytest.raises(Permanent):
        write_results(run, tmp_path / "results")


def test_objects_have_a_row_each_and_pixels_none(run: Path, tmp_path: Path) -> None:
    classes = ["cat", "background"]
    evaluation: dict[str, Any] = {
        "classes": ["cat"],
        "confusion": [[1, 2], [1, 0]],
        "confusionClasses": classes,
        "confusionUnit": "object",
        "perClass": [{"class": "cat", "ap50": 0.5, "support": 3}],
    }
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    write_results(run, tmp_path / "results")
    pairs = [(r["actual"], r["predicted"]) for r in rows(tmp_path / "results" / "confusion.csv")]
    assert pairs == [("cat", "cat"), *[("cat", "background")] * 2, ("background", "cat")]
    assert rows(tmp_path / "results" / "classes.csv")[0]["ap50"] == "0.5"
    (run / "evaluation.json").write_text(json.dumps({**evaluation, "confusionUnit": "pixel"}))
    write_results(run, tmp_path / "results")
    assert rows(tmp_path / "results" / "confusion.csv") == []
