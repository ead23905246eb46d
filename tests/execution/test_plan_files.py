"""A run knows whether the commit that it tells of has all that it was made of."""

import subprocess
from pathlib import Path

import pytest

from plan_repository import a_repository, change
from vtspec.pipelines.execution.steps.host_info import find_git_state
from vtspec.pipelines.execution.steps.plan_files import list_plan_files, list_plan_folders
from vtspec.pipelines.operations.plan import plan_spec
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.reporting.provenance import build_commands, build_groups
from vtspec.pipelines.runs.events import GitState
from vtspec.pipelines.runs.state import Provenance, RunState

DEEP = "specs/experiments/deep.yaml"


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository in a folder of a larger one, with weights in it, and a commit of all of it."""
    root = a_repository(tmp_path / "whole" / "part")
    (root / "w.safetensors").write_bytes(b"weights")
    change(root, DEEP, "{name: resnet18}", "{name: resnet18, weights: w.safetensors}")
    git(root.parent, "init", "-q")
    (root / ".gitignore").write_text("/runs/\n/data/digits\n__pycache__\n")
    git(root, "add", "--all")
    git(root, "commit", "-qm", "Begin")
    return root


def planned(root: Path) -> Plan:
    return plan_spec(root / DEEP, find_repository(root)).made


def state_of(root: Path) -> GitState | None:
    plan = planned(root)
    return find_git_state(root, list_plan_files(plan, root), list_plan_folders(plan))


@pytest.mark.parametrize(
    "file",
    [
        DEEP,
        "specs/experiments/small.yaml",
        "specs/datasets/digits.yaml",
        "data/digits.dvc",
        "vtspec.yaml",
        "w.safetensors",
    ],
)
@pytest.mark.parametrize("ignored", [False, True])
def test_a_file_of_the_plan_that_no_commit_has_makes_it_differ(
    root: Path, file: str, ignored: bool
) -> None:
    state = state_of(root)
    assert state is not None and state.dirty is False
    if ignored:
        (root / ".gitignore").write_text(f"/runs/\n/data/digits\n/{file}\n")
    git(root, "rm", "-q", "--cached", file)
    git(root, "add", ".gitignore")
    git(root, "commit", "-qm", "Leave it out")
    state = state_of(root)
    assert state is not None and state.dirty is True


@pytest.mark.parametrize("file", ["adapters/mine.py", "images/timm/image.yaml"])
def test_code_that_no_commit_has_makes_it_differ(root: Path, file: str) -> None:
    plan = planned(root)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text("")
    state = find_git_state(root, list_plan_files(plan, root), list_plan_folders(plan))
    assert state is not None and state.dirty is True


@pytest.mark.parametrize(
    "file",
    [
        "notes.txt",
        "runs/deep-0123456789/plan.json",
        "data/digits/0/a.png",
        "data/others/a.png",
        "specs/experiments/draft.yaml",
        "adapters/__pycache__/mine.pyc",
    ],
)
def test_what_the_plan_is_not_made_of_may_be_untracked(root: Path, file: str) -> None:
    plan = planned(root)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text("")
    state = find_git_state(root, list_plan_files(plan, root), list_plan_folders(plan))
    assert state is not None and state.dirty is False


def test_before_the_first_commit_there_is_none_to_check_out_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    root = a_repository(tmp_path)
    git(root, "init", "-q")
    state = state_of(root)
    assert state == GitState(commit=None, dirty=True)
    told = RunState(provenance=Provenance(git=state))
    lines = build_commands({"specPath": DEEP}, "run", told, "plan.json")
    assert not any(line.startswith("git checkout") for line in lines)
    assert lines[0].startswith("# nothing was committed before it ran")
    assert "vtspec run --plan plan.json --again" in lines
    (code,) = (group for group in build_groups({}, told) if group.title == "Code")
    assert dict(code.entries)["commit"] == "none: nothing was committed before it ran"


def test_outside_of_git_the_report_says_why_there_is_no_commit(tmp_path: Path) -> None:
    root = a_repository(tmp_path)
    assert state_of(root) is None
    lines = build_commands({"specPath": DEEP}, "run", RunState(), "plan.json")
    assert lines[0].startswith("# it ran outside of git")
