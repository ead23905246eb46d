"""A spec is validated and planned in the repository that is shown: on disk, a commit, unsaved."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from git_repositories import commit
from plan_repository import EXPERIMENT, HASH, a_repository, change
from run_folders import EVALUATED, STARTED, SUCCEEDED, a_run_folder
from vtspec.cli.main import cli
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.operations.plan import PlannedRun, find_planned_run, plan_spec
from vtspec.pipelines.project.commit_tree import read_commit
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.validation import check_specs
from vtspec.schema.load import LoadedSpec, load
from vtspec.schema.problem import SpecError

DEEP = "specs/experiments/deep.yaml"
OTHER_HASH = "f" * 32 + ".dir"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_repository(tmp_path.resolve() / "repo")


def at(root: Path, revision: str) -> Repository:
    return find_repository(root, read_commit(root, revision))


def planned(root: Path, repository: Repository) -> PlannedRun:
    return plan_spec(root / DEEP, repository)


def test_a_commit_plans_to_what_its_files_planned_to(root: Path) -> None:
    (root / "w.safetensors").write_bytes(b"weights")
    change(root, DEEP, "{name: resnet18}", "{name: resnet18, weights: w.safetensors}")
    before = planned(root, find_repository(root))
    head = commit(root)
    # Everything that a plan rests on is changed: spec, dataset, pointer, prices, weights.
    change(root, DEEP, "epochs: 5", "epochs: 50")
    change(root, "specs/datasets/digits.yaml", 'classes: ["0", "1", "2"]', 'classes: ["0", "1"]')
    change(root, "data/digits.dvc", HASH, OTHER_HASH)
    change(root, "vtspec.yaml", "cpuPerHour: 0.04", "cpuPerHour: 4")
    (root / "w.safetensors").write_bytes(b"other weights")
    (root / "specs/experiments/small.yaml").unlink()
    assert planned(root, at(root, head)).made == before.made
    change(root, DEEP, "    baseline: small\n", "")
    assert planned(root, find_repository(root)).made.id != before.made.id


def test_a_commit_is_checked_beside_its_own_specs(root: Path) -> None:
    head = commit(root)
    change(root, "specs/datasets/digits.yaml", "{name: digits}", "{name: renamed}")
    with pytest.raises(SpecError, match="there is no dataset 'digits'"):
        planned(root, find_repository(root))
    assert planned(root, at(root, head)).made.dataset.name == "digits"


def test_a_spec_that_a_commit_lacks_is_a_problem(root: Path) -> None:
    (root / DEEP).rename(root / "kept")
    head = commit(root)
    (root / "kept").rename(root / DEEP)
    with pytest.raises(SpecError, match="cannot be read: no such file"):
        planned(root, at(root, head))


def test_weights_that_a_commit_lacks_are_refused(root: Path) -> None:
    change(root, DEEP, "{name: resnet18}", "{name: resnet18, weights: w.safetensors}")
    head = commit(root)
    (root / "w.safetensors").write_bytes(b"weights")
    with pytest.raises(Refused, match=r"there is no file w\.safetensors"):
        planned(root, at(root, head))


def in_hand(root: Path, text: str, place: str = DEEP) -> tuple[LoadedSpec, Repository]:
    loaded = load(text, place)
    repository = find_repository(root)
    return loaded, repository.with_specs([loaded], {place: str(root / place)})


def test_an_unsaved_spec_plans_to_the_plan_of_the_saved_one(root: Path) -> None:
    text = EXPERIMENT.replace("epochs: 5", "epochs: 9")
    _, repository = in_hand(root, text)
    unsaved = planned(root, repository)
    assert unsaved.made.training.epochs == 9
    (root / DEEP).write_text(text)
    assert unsaved.made == planned(root, find_repository(root)).made


def test_a_spec_whose_file_is_not_there_yet_plans_too(root: Path) -> None:
    place = "specs/experiments/new.yaml"
    text = EXPERIMENT.replace("{name: deep}", "{name: new}")
    _, repository = in_hand(root, text, place)
    unsaved = plan_spec(root / place, repository)
    assert not (root / place).exists()
    (root / place).write_text(text)
    assert unsaved.made == plan_spec(root / place, find_repository(root)).made


def test_an_unsaved_spec_may_go_before_a_commit(root: Path) -> None:
    head = commit(root)
    (root / DEEP).unlink()
    loaded = load(EXPERIMENT.replace("epochs: 5", "epochs: 9"), DEEP)
    held = at(root, head).with_specs([loaded], {DEEP: str(root / DEEP)})
    assert planned(root, held).made.training.epochs == 9


def test_an_unsaved_dataset_is_what_an_unsaved_experiment_is_checked_beside(root: Path) -> None:
    place = "specs/datasets/new.yaml"
    text = (
        (root / "specs/datasets/digits.yaml").read_text().replace("{name: digits}", "{name: new}")
    )
    dataset = load(text, place)
    repository = find_repository(root).with_specs([dataset], {place: str(root / place)})
    experiment = load(EXPERIMENT.replace("{ref: digits}", "{ref: new}"), DEEP)
    held = repository.with_specs([experiment], {DEEP: str(root / DEEP)})
    assert planned(root, held).made.dataset.name == "new"


def test_an_unsaved_spec_with_errors_is_not_planned(root: Path) -> None:
    _, repository = in_hand(root, EXPERIMENT.replace("epochs: 5", "epochs: 0"))
    with pytest.raises(SpecError, match="must be at least 1"):
        planned(root, repository)


def test_a_name_that_a_file_bears_is_told_of_an_unsaved_spec(root: Path) -> None:
    loaded, repository = in_hand(root, EXPERIMENT, "specs/experiments/copy.yaml")
    paths = {loaded.file: str(root / loaded.file)}
    (problem,) = check_specs([loaded], repository, paths)
    assert problem.message == f"'deep' is already the name of the Experiment in {DEEP}"
    # Its own file is not another one.
    loaded, repository = in_hand(root, EXPERIMENT)
    assert check_specs([loaded], repository, {DEEP: str(root / DEEP)}) == []


def test_a_repository_never_changes_under_a_view_of_it(root: Path) -> None:
    repository = find_repository(root)
    assert list(repository.experiments) == ["deep", "small"]
    held = replace(repository, here=root / "specs").with_specs([load(EXPERIMENT, "x.yaml")])
    (root / "specs/experiments/later.yaml").write_text(EXPERIMENT)
    assert list(held.experiments) == ["deep", "small"]
    assert list(repository.experiments) == ["deep", "small"]


@pytest.mark.parametrize("command", ["run", "apply"])
def test_a_completion_is_no_plan_by_itself_and_says_what_it_is_of(
    root: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    made = planned(root, find_repository(root)).made.to_json()
    folder = a_run_folder(root / "runs", [STARTED, EVALUATED, SUCCEEDED], made)
    completion = f"{folder.name}-c0ffee0"
    (folder / f"{completion}.json").write_text("{}")
    monkeypatch.chdir(root)
    result = CliRunner().invoke(cli, [command, completion], standalone_mode=False)
    assert isinstance(result.exception, Refused)
    assert f"{completion} is a completion of {folder.name}" in str(result.exception)
    typed = f"vtspec run --plan runs/{folder.name}/{completion}.json"
    assert f"vtspec run {folder.name} shows" in (result.exception.fix or "")
    assert typed in (result.exception.fix or "")
    gone = CliRunner().invoke(cli, [command, f"{folder.name}-c000000"], standalone_mode=False)
    assert isinstance(gone.exception, Refused) and "there is no run" in str(gone.exception)


@pytest.mark.parametrize("command", ["plan", "render"])
@pytest.mark.parametrize("ending", ["", "-2", "-c0ffee0"])
def test_a_run_is_no_spec_to_be_planned_and_is_shown_by_status(
    root: Path, monkeypatch: pytest.MonkeyPatch, command: str, ending: str
) -> None:
    made = planned(root, find_repository(root)).made.to_json()
    for attempt in (1, 2):
        folder = a_run_folder(root / "far", [STARTED, EVALUATED, SUCCEEDED], made, attempt)
    name = f"{made['id']}{ending}"
    (folder.with_name(str(made["id"])) / f"{name}.json").write_text("{}")
    monkeypatch.chdir(root)
    result = CliRunner().invoke(cli, [command, name, "--runs", "far"], standalone_mode=False)
    assert isinstance(result.exception, Refused)
    assert f"{name} is a {'completion' if '-c' in ending else 'run'}" in str(result.exception)
    assert f"vtspec status {name} shows it" in str(result.exception.fix)
    assert "vtspec plan deep" in str(result.exception.fix)
    gone = CliRunner().invoke(cli, [command, name], standalone_mode=False)
    assert f"there is no run '{name}'" in str(gone.exception)


def test_the_plan_of_a_run_is_found_by_the_runs_name(root: Path) -> None:
    repository = find_repository(root)
    assert find_planned_run("deep-0000000000", repository) is None
    made = planned(root, repository)
    from vtspec.pipelines.runs import Runs

    attempt = Runs(repository.runs).create_attempt(made.made.to_json())
    attempt.lock.release()
    found = find_planned_run(made.made.id, repository)
    assert found is not None and found.made == made.made
