"""JSON that is nested beyond the stack is damage like any other, in whatever file it stands."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from run_folders import STARTED, SUCCEEDED, a_run_folder
from vtspec.adapters.__main__ import main
from vtspec.adapters.training import checkpoints
from vtspec.adapters.training.checkpoints import CorruptCheckpointError
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.operations.step import load_plan
from vtspec.pipelines.reporting import read_facts
from vtspec.pipelines.runs import Run, find_holder
from vtspec.pipelines.runs.lock import LOCK_FILE
from vtspec.pipelines.tracking.mlflow_upload import read_sync_state

NESTED = "[" * 100_000

READERS: dict[str, tuple[str, type[Exception], Callable[[Path], object]]] = {
    "plan": ("plan.json", Permanent, lambda run: Run(run).read_plan()),
    "plan of a step": ("plan.json", Refused, lambda run: load_plan(run / "plan.json")),
    "evaluation": ("evaluation.json", Permanent, lambda run: read_facts(run)),
    "last checkpoint": (
        "last.json",
        CorruptCheckpointError,
        lambda run: checkpoints.read_pointer(run, "last"),
    ),
    "best checkpoint": ("best.json", CorruptCheckpointError, checkpoints.find_best),
    "manifest": ("manifest.json", CorruptCheckpointError, checkpoints.read_manifest),
}


@pytest.mark.parametrize("name", READERS)
def test_nested_json_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    file, error, read = READERS[name]
    run = a_run_folder(tmp_path, [STARTED, SUCCEEDED])
    (run / file).write_text(NESTED)
    with pytest.raises(error) as caught:
        read(run)
    assert "\n" not in str(caught.value).partition("\n  fix: ")[0]


def test_a_note_that_is_nested_tells_nothing(tmp_path: Path) -> None:
    run = a_run_folder(tmp_path, [STARTED, SUCCEEDED])
    (run / "tracking.json").write_text(NESTED)
    assert read_sync_state(run) is None
    (run / LOCK_FILE).write_text(NESTED)
    assert find_holder(run) is None


def test_an_adapter_refuses_a_nested_plan(tmp_path: Path) -> None:
    plan, told = tmp_path / "plan.json", tmp_path / "told.jsonl"
    plan.write_text(NESTED)
    fd = os.open(told, os.O_WRONLY | os.O_CREAT)
    places = ["--plan", str(plan), "--workdir", str(tmp_path), "--data", str(tmp_path)]
    code = main(["train", *places, "--run", "x", "--attempt", "1", "--events-fd", str(fd)])
    assert code == 2
    (line,) = told.read_text().splitlines()
    assert "is not a plan" in json.loads(line)["message"]
