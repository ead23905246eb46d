"""The list of the runs: which, in which order, how many of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from run_folders import STARTED, SUCCEEDED, Told, a_plan, a_run_folder, an_epoch
from vtspec.cli.main import cli
from vtspec.pipelines.errors import Refused


def evaluated(**metrics: float) -> Told:
    return "evaluated", {"split": "val", "metrics": metrics, "checkpoint_epoch": 3}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    every: dict[str, list[Told]] = {
        "cats-00000000b1": [evaluated(accuracy=0.5), SUCCEEDED],
        "dogs-00000000d1": [evaluated(loss=0.5), SUCCEEDED],
        "cats-00000000a2": [("run.finished", {"ending": "failed", "exit_code": 3})],
        "dogs-00000000d2": [evaluated(loss=0.25), SUCCEEDED],
        "cats-00000000b1-2": [STARTED, evaluated(accuracy=0.25), SUCCEEDED],
        "cats-00000000a3": [],
    }
    for order, (name, told) in enumerate(every.items(), 1):
        began: Told = ("run.started", {"order": order})
        a_run_folder(tmp_path / "runs", [began, *told], a_plan(id=name))
    (tmp_path / "runs" / "dogs-00000000d1" / "model.bin").write_bytes(bytes(2**20))
    return tmp_path / "runs"


def typed(*words: str) -> Result:
    return CliRunner().invoke(cli, ["status", *words], standalone_mode=False)


def listed(*words: str) -> list[str]:
    found = json.loads(typed(*words, "--output", "json").output)
    return [run["run"].replace("-00000000", " ") for run in found["runs"]]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", "cats b1, dogs d1, cats a2, dogs d2, cats b1-2, cats a3"),
        ("--limit 2", "cats b1-2, cats a3"),
        ("--spec dogs", "dogs d1, dogs d2"),
        ("--spec dogs --spec cats --limit 1", "cats a3"),
        ("--status failed --status killed", "cats a2, cats a3"),
        ("--spec cats --status succeeded", "cats b1, cats b1-2"),
        ("--sort name", "cats a2, cats a3, cats b1, cats b1-2, dogs d1, dogs d2"),
        ("--sort size --limit 1", "dogs d1"),
        ("--sort took --limit 1", "cats b1-2"),
        # The better of each metric is later; what was not measured comes first.
        ("--sort result", "cats a2, cats a3, cats b1-2, cats b1, dogs d1, dogs d2"),
        ("--spec dogs --status failed", ""),
    ],
)
def test_the_runs_that_are_meant_are_listed_in_the_order_asked_for(
    runs: Path, words: str, names: str
) -> None:
    assert ", ".join(listed(*words.split())) == names


def test_a_run_is_shown_with_its_size_and_the_list_with_all_of_it(runs: Path) -> None:
    lines = typed("--spec", "dogs").output.splitlines()
    assert lines[0].split() == ["run", "status", "epoch", "result", "took", "size", "started"]
    assert " 1.0 MiB " in lines[1]
    assert lines[-1] == "2 runs, 1.0 MiB"
    assert "dogs-00000000d1, 1.0 MiB" in typed("dogs-00000000d1").output


def test_an_epoch_of_thousands_is_shown_with_all_its_digits(runs: Path) -> None:
    told = [STARTED, an_epoch(1070, epochs=4000)]
    a_run_folder(runs, told, a_plan(id="elks-0000000001"))
    assert " 1070/4000 " in typed("--spec", "elks").output


def test_what_a_limit_leaves_out_is_counted(runs: Path) -> None:
    assert typed("--limit", "2").output.endswith("4 more; --limit 6 shows all\n")
    found = json.loads(typed("--limit", "2", "--output", "json").output)
    assert (found["total"], len(found["runs"])) == (6, 2)
    assert all(run["bytes"] > 0 for run in found["runs"])


def test_no_run_that_fits_is_not_said_as_no_run_at_all(runs: Path) -> None:
    assert "no such runs in" in typed("--spec", "dogs", "--status", "failed").output
    assert "begin one with" in typed("--runs", str(runs / "none")).output


def test_a_spec_that_is_none_is_told_and_one_without_runs_is_not(runs: Path) -> None:
    file = runs.parent / "specs/experiments/elks.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("kind: Experiment\nmetadata: {name: elks}\n")
    assert "no such runs in" in typed("--spec", "elks").output
    for command in ("status", "prune"):
        for name, fix in (("eels", "did you mean 'elks'?"), ("zzz", "see 'vtspec specs list'")):
            words = [command, "--spec", "cats", "--spec", name]
            result = CliRunner().invoke(cli, words, standalone_mode=False)
            assert isinstance(result.exception, Refused)
            assert f"there is no spec '{name}', and no run of it" in str(result.exception)
            assert fix in str(result.exception.fix)
    assert len(list(runs.iterdir())) == 6


@pytest.mark.parametrize("words", ["--limit 1", "--sort size", "--spec cats", "--status failed"])
def test_what_is_for_the_list_is_refused_beside_a_run(runs: Path, words: str) -> None:
    result = typed("cats-00000000a3", *words.split())
    assert "are for the list of runs" in str(result.exception)


def test_a_status_that_is_none_is_told(runs: Path) -> None:
    assert "'succeeded'" in str(typed("--status", "done").exception)
