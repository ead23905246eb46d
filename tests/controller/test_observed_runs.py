"""What the files of runs tell is read anew where they have changed, and only there."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from cluster_plans import a_published_plan
from run_folders import STARTED, SUCCEEDED, Told, a_run_folder, append
from vtspec.pipelines.controller.observed_runs import ObservedRun, ObservedRuns
from vtspec.pipelines.runs import Runs

FAILED: Told = ("run.finished", {"ending": "crashed", "exit_code": 1})


def printed(line: str) -> Told:
    return "output", {"stream": "stdout", "line": line}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_run_folder(tmp_path / "runs", [STARTED], a_published_plan().to_json())


def age(folder: Path) -> None:
    """As if it had been written a while ago."""
    for path in (folder / "events.jsonl", folder):
        os.utime(path, (1_000_000_000, 1_000_000_000))


def read_only(known: ObservedRuns, folder: Path) -> ObservedRun:
    (found,) = known.read(Runs(folder.parent))
    return found


def test_what_stays_as_it_is_is_read_once(folder: Path) -> None:
    known = ObservedRuns()
    age(folder)
    first = read_only(known, folder)
    assert first.plan is not None and not first.state.is_over and first.ended is None
    assert read_only(known, folder) is first


def test_what_was_written_just_now_may_be_written_again(folder: Path) -> None:
    known = ObservedRuns()
    assert read_only(known, folder) is not read_only(known, folder)


def test_what_is_told_since_is_read(folder: Path) -> None:
    known = ObservedRuns()
    age(folder)
    read_only(known, folder)
    append(folder, [SUCCEEDED], 1)
    found = read_only(known, folder)
    assert found.state.is_over
    assert found.ended is not None and found.ended.isoformat() == "2026-01-01T00:00:01+00:00"


def test_a_run_that_is_gone_is_forgotten(folder: Path) -> None:
    known = ObservedRuns()
    age(folder)
    read_only(known, folder)
    folder.rename(folder.parent.parent / "away")
    assert known.read(Runs(folder.parent)) == []


def test_the_last_lines_are_those_of_what_failed(folder: Path) -> None:
    append(folder, [printed("reads 300 images"), printed("CUDA error"), FAILED], 1)
    assert read_only(ObservedRuns(), folder).log == ("reads 300 images", "CUDA error")


def test_of_what_went_well_no_line_is_kept(folder: Path) -> None:
    append(folder, [printed("reads 300 images"), SUCCEEDED], 1)
    assert read_only(ObservedRuns(), folder).log == ()


def test_a_run_that_mlflow_has_is_linked_to(folder: Path) -> None:
    place = {"uri": "https://mlflow.example/", "run_id": "c0ffee", "experiment_id": "7"}
    (folder / "tracking.json").write_text(json.dumps(place))
    page = "https://mlflow.example/#/experiments/7/runs/c0ffee"
    assert read_only(ObservedRuns(), folder).link == page
    # A file beside the runs is shown to nobody.
    (folder / "tracking.json").write_text(json.dumps({**place, "uri": "sqlite:///mlflow.db"}))
    assert read_only(ObservedRuns(), folder).link is None


def test_a_report_is_made_anew_where_what_it_is_of_has_changed(folder: Path) -> None:
    append(folder, [SUCCEEDED], 1)
    known, runs = ObservedRuns(), Runs(folder.parent)
    first = known.read_facts(read_only(known, folder), runs)
    assert first is not None
    assert known.read_facts(read_only(known, folder), runs) is first
    a_run_folder(folder.parent, [STARTED, SUCCEEDED], a_published_plan().to_json(), attempt=2)
    found = {one.run.name: one for one in known.read(runs)}
    assert known.read_facts(found[folder.name], runs) is not first


def test_the_end_of_a_run_is_the_last_time_that_it_tells(folder: Path) -> None:
    append(folder, [SUCCEEDED], 1)
    path = folder / "events.jsonl"
    spoil_times(path, [1])
    found = read_only(ObservedRuns(), folder)
    assert found.ended is not None and found.ended.isoformat() == "2026-01-01T00:00:00+00:00"
    assert found.fault is None
    spoil_times(path, [0])
    found = read_only(ObservedRuns(), folder)
    assert found.ended is None
    assert found.fault == "its events.jsonl does not tell when it was over"


def spoil_times(path: Path, which: Sequence[int]) -> None:
    """Have these lines tell a time that is none, as a pod may."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for number in which:
        lines[number] = {**lines[number], "time": "soon"}
    told = [{key: item for key, item in one.items() if key != "check"} for one in lines]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in told))


def test_an_error_of_ours_in_reading_a_run_is_that_runs_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = a_run_folder(folder.parent, [STARTED], a_published_plan().to_json(), attempt=2)
    known, runs = ObservedRuns(), Runs(folder.parent)

    def fail(path: Path) -> None:
        if path == other:
            raise KeyError("run_id")

    monkeypatch.setattr("vtspec.pipelines.controller.observed_runs.find_run_page", fail)
    faults = {one.name: one.fault for one in known.read(runs)}
    assert faults == {folder.name: None, other.name: "an error of vtspec's: KeyError('run_id')"}
    (error,) = known.take_errors()
    assert error.__notes__ == [f"in what {other.name} has told"]
    assert known.take_errors() == []
