"""The experiment on a sample of several labels learns them; its model is asked and described."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from detection_repository import run_vtspec
from sample_repository import train_sample

# A minute of training; each of its steps is tested by itself, too.
pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

NAME = "scene-labels-resnet10t"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repository")


@pytest.fixture(scope="module")
def final(root: Path) -> dict[str, Any]:
    """What the experiment measured on the test split, when it was carried out in `root`."""
    figures: dict[str, Any] = train_sample(NAME, root)["final"]
    return figures


@pytest.fixture(scope="module")
def run(root: Path, final: dict[str, Any]) -> Path:
    (run,) = (root / "runs").glob(f"{NAME}-*")
    return run


def test_labels_are_ranked_far_better_than_by_chance(run: Path, final: dict[str, Any]) -> None:
    evaluation = json.loads((run / "evaluation.json").read_text())
    rows = evaluation["perClass"]
    # A ranking by chance is as often right as a class occurs, 0.43 on the mean.
    chance = sum(row["support"] for row in rows) / len(rows) / evaluation["images"]
    assert final["mAP"] > chance + 0.4


def test_the_report_and_the_card_tell_of_labels(run: Path) -> None:
    report = (run / "report.md").read_text()
    assert "✅ Gate passed" in report
    assert "| Class | `precision` | `recall` | `f1` | `ap` | `support` |" in report
    assert (
        "It knows 4 classes alone, and says each whose score"
        in (run / "model" / "README.md").read_text()
    )


def test_predict_says_the_labels_in_every_form(root: Path, run: Path) -> None:
    def ask(*words: str) -> list[str]:
        asked = run_vtspec(root, "predict", run.name, "data/scene-labels/test", *words)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.splitlines()

    told = [json.loads(line) for line in ask("--output", "json")]
    assert len(told) == 40
    assert {len(each["predicted_labels"]) for each in told} >= {1, 2}
    head, *rows = csv.reader(ask("--output", "csv"))
    assert head == ["image", "labels", "0", "1", "4", "7"]
    for each, shown, row in zip(told, ask("--top", "4"), rows, strict=True):
        labels, scores = each["predicted_labels"], each["scores"]
        assert labels == [name for name, score in scores.items() if score >= 0.5]
        assert row == [each["image_path"], " ".join(labels), *map(str, scores.values())]
        # Behind the image: each label and its score, or two words that there is none.
        said = shown.split()[1:]
        ranked = sorted(labels, key=lambda name: -scores[name])
        assert (said[::2] if labels else said) == (ranked or ["no", "label"])
