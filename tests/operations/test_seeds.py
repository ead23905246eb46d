"""Which attempts of several seeds are gone on with."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from run_folders import EVALUATED, SUCCEEDED, Told, a_run_folder
from vtspec.pipelines.operations.plan import PlannedRun, plan_spec
from vtspec.pipelines.operations.run import RunRequest, build_options
from vtspec.pipelines.project.repository import open_spec
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Runs

DONE: Sequence[Told] = [EVALUATED, SUCCEEDED]
STOPPED: Sequence[Told] = [("run.finished", {"ending": "stopped", "exit_code": 75})]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> PlannedRun:
    """Three seeds of an experiment, none of which was carried out yet."""
    root = tmp_path_factory.mktemp("seeds") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    repository, path = open_spec("shapes-short", root)
    return plan_spec(path, repository, ["report.seeds=3"])


@pytest.mark.parametrize(
    ("attempts", "resumed"),
    [
        # All of them anew, stopped in the second seed: of the third that lies far back.
        ([(0, DONE), (1, DONE), (2, DONE), (2, STOPPED), (0, DONE), (1, STOPPED)], {0: 0, 1: 1}),
        # Stopped in the third by itself: nothing was begun since.
        ([(0, DONE), (1, DONE), (2, DONE), (2, STOPPED)], {2: 1}),
        # One that has no result yet is wanted, whenever it was begun.
        ([(1, STOPPED), (2, DONE), (2, STOPPED), (0, DONE)], {1: 1, 2: 0}),
        ([(0, STOPPED), (1, DONE)], {0: 1}),
        # Who goes on begins those that were not begun; where none was there is nothing to go on.
        ([(0, STOPPED)], {0: 1, 1: 0, 2: 0}),
        ([], {0: 1, 1: 1, 2: 1}),
    ],
)
def test_of_several_seeds_an_old_attempt_beside_a_result_is_left(
    planned: PlannedRun,
    tmp_path: Path,
    attempts: Sequence[tuple[int, Sequence[Told]]],
    resumed: dict[int, bool],
) -> None:
    runs = Runs(tmp_path / "runs")
    for order, (seed, told) in enumerate(attempts, 1):
        plan = planned.plans[seed]
        attempt = len(runs.list_by_plan(plan.id)) + 1
        began = ("run.started", {"order": order})
        a_run_folder(runs.folder, [began, *told], plan.to_json(), attempt)
    for is_asked in (True, False):
        request = RunRequest(planned=planned, command="vtspec run it", resume=is_asked)
        options = build_options(request, runs)
        found = {seed: options[planned.plans[seed].id].resume for seed in resumed}
        assert found == {seed: bool(goes_on) and is_asked for seed, goes_on in resumed.items()}


def test_of_one_plan_alone_the_last_attempt_is_gone_on_with(
    planned: PlannedRun, tmp_path: Path
) -> None:
    alone = replace(planned, others=())
    runs = Runs(tmp_path / "runs")
    for attempt, told in enumerate((DONE, STOPPED), 1):
        a_run_folder(runs.folder, told, planned.made.to_json(), attempt)
    request = RunRequest(planned=alone, command="vtspec run it", resume=True)
    assert build_options(request, runs)[planned.made.id].resume
