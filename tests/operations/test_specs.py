"""`specs list` and `datasets list`: what there is, sound or not, and what came of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from run_folders import EVALUATED, STARTED, SUCCEEDED, a_plan, a_run_folder
from vtspec.cli.main import cli
from vtspec.pipelines.project.scaffold import scaffold


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    scaffold(tmp_path, "mine", lambda line: None, lambda name: None)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: str) -> str:
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


def listed(*words: str) -> Any:
    return json.loads(typed(*words, "--output", "json"))


def test_an_experiment_is_listed_with_its_last_run(root: Path) -> None:
    a_run_folder(root / "runs", [STARTED], a_plan(id="shapes-0123456789"))
    told = [("run.started", {"order": 1}), EVALUATED, SUCCEEDED]
    a_run_folder(root / "runs", told, a_plan(id="shapes-00000000aa"))
    file = "specs/experiments/shapes.yaml"
    short, full = (line.split() for line in typed("specs", "list").splitlines()[1:3])
    model = ["softmax-regression", "shapes"]
    assert short == ["shapes-short", *model, file.replace("shapes", "shapes-short")]
    assert full == ["shapes", *model, "2", "succeeded", "accuracy", "0.9000", file]
    one = next(each for each in listed("specs", "list")["experiments"] if each["runs"])
    assert one == {
        "name": "shapes",
        "file": file,
        "sound": True,
        "task": "image-classification",
        "model": "softmax-regression",
        "dataset": "shapes",
        "baseline": "shapes-short",
        "schedule": None,
        "runs": 2,
        "lastRun": {
            "run": "shapes-00000000aa",
            "status": "succeeded",
            "overrides": [],
            "result": {"accuracy": 0.9},
        },
    }


def test_a_try_with_other_values_is_told_from_a_run_of_the_spec(root: Path) -> None:
    tried = a_plan(id="shapes-0123456789", overrides=["training.epochs=2", "description=a b"])
    a_run_folder(root / "runs", [STARTED, EVALUATED, SUCCEEDED], tried)
    words = "with --set training.epochs=2 --set 'description=a b'"
    assert f"accuracy 0.9000, {words}" in typed("specs", "list")
    assert f"accuracy 0.9000, {words}" in typed("status")
    assert "With --set training.epochs=2" in typed("status", "shapes")
    for text in (typed("report", "shapes"), typed("report", "shapes", "--output", "md")):
        assert "With " in text and "--set training.epochs=2 --set 'description=a b'" in text
    one = next(each for each in listed("specs", "list")["experiments"] if each["runs"])
    assert (
        one["lastRun"]["overrides"]
        == tried["overrides"]
        == listed("status")["runs"][0]["overrides"]
    )


def test_a_dataset_is_listed_with_its_data_and_who_uses_it(root: Path) -> None:
    row = typed("datasets", "list").splitlines()[1]
    assert (
        row.split()
        == "shapes 300 3 99.5 KiB imagefolder 2 data/shapes specs/datasets/shapes.yaml".split()
    )
    (one,) = listed("datasets", "list")["datasets"]
    assert (one["isHere"], one["experiments"]) == (True, ["shapes-short", "shapes"])
    shutil.rmtree(root / "data")
    assert "data/shapes (not here)" in typed("datasets", "list")


def test_a_spec_with_errors_is_listed_with_what_tells_them(root: Path) -> None:
    for kind in ("datasets", "experiments"):
        (root / "specs" / kind / "bad one.yaml").write_text(
            f"kind: {kind[:-1].title()}\nmetadata: {{name: bad}}\n"
        )
    (root / "specs" / "datasets" / "torn.yaml").write_text("kind: [\n")
    text = typed("specs", "list")
    assert "vtspec validate 'specs/experiments/bad one.yaml'" in text
    assert "vtspec validate 'specs/datasets/bad one.yaml'" in text
    assert [one["sound"] for one in listed("specs", "list")["experiments"]] == [False, True, True]
    datasets = listed("datasets", "list")["datasets"]
    assert {one["name"]: one["sound"] for one in datasets} == {
        "bad": False,
        "shapes": True,
        "torn": False,
    }


def test_names_of_two_columns_a_letter_stay_under_their_headings(root: Path) -> None:
    file = root / "specs" / "experiments" / "shapes.yaml"
    file.rename(file.with_name("도형.yaml"))
    lines = typed("specs", "list").splitlines()
    assert lines[0].index("file") == lines[1].index("specs/")


def test_where_there_is_nothing_it_is_said_what_to_type(root: Path) -> None:
    shutil.rmtree(root / "specs")
    assert "vtspec datasets add" in typed("specs", "list") == typed("datasets", "list")
    assert listed("specs", "list") == {"experiments": [], "datasets": []}
