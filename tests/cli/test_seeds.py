"""`report.seeds`: a plan carried out with several seeds, one run after another."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vtspec.cli.main import cli
from vtspec.cli.run_options import CommandOptions
from vtspec.cli.views.run_result import show_results
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.execution.steps import StopSignal
from vtspec.pipelines.operations.plan import plan_spec
from vtspec.pipelines.operations.render import render_spec
from vtspec.pipelines.operations.run import RunCallbacks, RunRequest
from vtspec.pipelines.operations.seeds import run_seeds
from vtspec.pipelines.project.repository import open_spec
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Runs
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState
from vtspec.schema.problem import SpecError

pytestmark = pytest.mark.slow

THREE = ("shapes-short", "--set", "report.seeds=3")


def ran(*words: str) -> Any:
    return CliRunner().invoke(cli, list(words), standalone_mode=False)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which three seeds of an experiment are carried out, the first one before
    anybody asked for the others."""
    root = tmp_path_factory.mktemp("template") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    before = Path.cwd()
    os.chdir(root)
    try:
        assert ran("run", "shapes-short", "--no-tracking").return_value == 0
        result = ran("run", *THREE, "--no-tracking")
        assert result.return_value == 0, result.output
        (root / "said.txt").write_text(result.output)
    finally:
        os.chdir(before)
    return root


@pytest.fixture
def root(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = shutil.copytree(template, tmp_path / "mine")
    monkeypatch.chdir(root)
    yield root


def planned_ids(root: Path, *sets: str) -> list[str]:
    repository, path = open_spec("shapes-short", root)
    return [plan.id for plan in plan_spec(path, repository, sets).plans]


def test_each_seed_has_a_run_and_what_ran_before_is_judged_anew(root: Path) -> None:
    runs = Runs(root / "runs").list_runs()
    assert [run.name for run in runs] == planned_ids(root, "report.seeds=3")
    said = (root / "said.txt").read_text()
    assert "to be judged over seeds 42, 43, 44" in said
    assert "Finished, no gates set, mean of 3 seeds" in said
    # The report of the first, too, which was written before the others had a result.
    for run in runs:
        assert "Mean of 3 seeds" in (run.path / "report.md").read_text()


def test_seeds_that_are_done_are_only_shown(root: Path) -> None:
    before = [len(run.read_events()) for run in Runs(root / "runs").list_runs()]
    assert ran("run", *THREE, "--no-tracking").return_value == 0
    assert [len(run.read_events()) for run in Runs(root / "runs").list_runs()] == before


def test_a_gate_is_judged_over_the_seeds(root: Path) -> None:
    figures = [
        run.read_state().final.metrics["accuracy"] for run in Runs(root / "runs").list_runs()
    ]
    assert len(set(figures)) > 1
    # Between the mean and the best: the best alone would pass.
    gate = f"accuracy >= {(sum(figures) / 3 + max(figures)) / 2:.4f}"
    asked = ("run", *THREE, "--set", f'report.gates=["{gate}"]', "--no-tracking")
    assert ran(*asked).return_value == 0
    assert ran(*asked, "--fail-on-gate").return_value == 3


def test_a_plan_says_which_seeds_are_done_and_what_is_left(root: Path) -> None:
    said = ran("plan", "shapes-short", "--set", "report.seeds=4").output
    assert "4 plans, one a seed, judged together" in said
    *done, new = planned_ids(root, "report.seeds=4")
    for name in done:
        assert f"{name}  already run" in said
    assert f"{new}  a new run" in said
    assert "all seeds 1 run left: about" in said
    assert "nothing is left" in ran("plan", *THREE).output


def test_status_and_compare_tell_the_seeds_to_programs(root: Path) -> None:
    told = json.loads(ran("status", "shapes-short", "--output", "json").output)
    assert [one["seed"] for one in told["seeds"]["runs"]] == [42, 43, 44]
    assert {one["name"] for one in told["seeds"]["metrics"]} >= {"accuracy", "loss"}


def test_one_seed_that_was_cut_short_is_told_before_another_is_begun(root: Path) -> None:
    first, second, third = Runs(root / "runs").list_runs()
    shutil.rmtree(first.path)
    events = second.path / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(lines[:8]))
    shutil.rmtree(third.path)
    with pytest.raises(Refused, match=f"{second.name} was killed"):
        raise ran("run", *THREE, "--no-tracking").exception
    assert [run.name for run in Runs(root / "runs").list_runs()] == [second.name]
    result = ran("run", *THREE, "--no-tracking", "--resume")
    assert result.return_value == 0, result.output
    assert "mean of 3 seeds" in result.output
    assert len(Runs(root / "runs").list_runs()) == 3


@pytest.mark.parametrize("again", [False, True])
def test_a_stop_ends_the_seed_that_runs_and_says_how_to_go_on(
    root: Path, capsys: pytest.CaptureFixture[str], again: bool
) -> None:
    for run in Runs(root / "runs").list_runs() if not again else ():
        shutil.rmtree(run.path)
    repository, path = open_spec("shapes-short", root)
    found = plan_spec(path, repository, ["report.seeds=3"])
    options = CommandOptions(sets=("report.seeds=3",), tracking=False, again=again)
    stop = StopSignal()

    def stop_in_training(event: Event, _: RunState) -> None:
        if event.step == "train":
            stop.request("stopped")

    done = run_seeds(
        RunRequest(planned=found, command="vtspec run it", tracking=False, again=again),
        RunCallbacks(report=lambda line: None, on_event=stop_in_training, stop=stop),
        os.environ,
    )
    assert [result.run.plan_id for result in done.results] == [found.made.id]
    assert done.left == found.others
    assert show_results(done, found, options, "shapes-short") == 75
    said = capsys.readouterr().err
    assert "2 of 3 seeds were not begun: 43, 44" in said
    assert "vtspec run shapes-short --set report.seeds=3 --no-tracking --resume" in said
    # Whoever wanted all of them anew does not get the others by going on.
    for plan in found.others:
        assert (f"vtspec run {plan.id} --again" in said) == again


def test_the_plan_of_one_seed_is_carried_out_alone(root: Path) -> None:
    first, second, third = Runs(root / "runs").list_runs()
    plan = shutil.copy(second.plan_file, root / "one.json")
    for run in (second, third):
        shutil.rmtree(run.path)
    result = ran("run", "--plan", str(plan), "--no-tracking")
    assert result.return_value == 0, result.output
    assert "seed 43 alone, of 42, 43, 44" in result.output
    assert "mean of 2 of 3 seeds" in result.output
    assert [run.name for run in Runs(root / "runs").list_runs()] == [first.name, second.name]


def test_what_takes_one_run_refuses_several_seeds(root: Path) -> None:
    refused = ran("run", *THREE, "--results", "results")
    assert "report.seeds asks for 3" in str(refused.exception)
    repository, path = open_spec("shapes-short", root)
    with pytest.raises(Refused, match=r"report\.seeds asks for 3 plans"):
        render_spec(path, repository, ["report.seeds=3"])
    with pytest.raises(SpecError, match="beyond the largest"):
        plan_spec(path, repository, ["report.seeds=3", "training.seed=4294967295"])


def test_another_first_seed_moves_all_of_them(root: Path) -> None:
    moved = planned_ids(root, "report.seeds=3", "training.seed=43")
    assert moved[:2] == planned_ids(root, "report.seeds=3")[1:]
    assert planned_ids(root, "report.seeds=null") == planned_ids(root)
