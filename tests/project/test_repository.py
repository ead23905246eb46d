"""A repository is found upwards, its specs by name, and what is wrong with that is said."""

import json
from pathlib import Path

import pytest

from plan_inputs import an_experiment_dict
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.project.repository import Repository, find_repository, open_spec
from vtspec.pipelines.project.spec_index import read_spec_file
from vtspec.schema.problem import SpecError

PROJECT = """
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {name: mine}
spec: {runs: out/runs}
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def experiment(root: Path, name: str, file: str | None = None) -> Path:
    raw = an_experiment_dict()
    raw["metadata"]["name"] = name
    return write(root / "specs/experiments" / (file or f"{name}.yaml"), json.dumps(raw))


def dataset(root: Path, name: str, file: str | None = None) -> Path:
    text = f"""
apiVersion: vtspec.dev/v1alpha1
kind: Dataset
metadata:
  name: {name}
spec:
  tasks: [image-classification]
  format: imagefolder
  source: {{dvc: {{path: data/{name}}}}}
  classes: [cat, dog]
  splits: {{train: {{path: train}}, val: {{path: val}}}}
"""
    return write(root / "specs/datasets" / (file or f"{name}.yaml"), text)


def only_problem(error: pytest.ExceptionInfo[SpecError]) -> tuple[str, str, str]:
    (problem,) = error.value.problems
    return f"{problem.file}:{problem.line}", problem.message, problem.fix


def test_the_root_is_the_nearest_folder_upwards_with_a_project_file(tmp_path: Path) -> None:
    write(tmp_path / "vtspec.yaml", PROJECT)
    (tmp_path / ".git").mkdir()
    (tmp_path / "a/b").mkdir(parents=True)
    found = find_repository(tmp_path / "a/b")
    assert (found.root, found.anchor, found.project.metadata.name) == (
        tmp_path,
        "vtspec.yaml",
        "mine",
    )
    assert found.runs == tmp_path / "out/runs"
    assert found.specs == tmp_path / "specs"


def test_without_a_project_file_the_git_root_is_the_root_with_every_default(
    tmp_path: Path,
) -> None:
    write(tmp_path / "vtspec.yaml", PROJECT)
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/sub").mkdir()
    found = find_repository(tmp_path / "repo/sub")
    assert (found.root, found.anchor) == (tmp_path / "repo", "git")
    assert found.runs == tmp_path / "repo/runs"


def test_outside_git_the_folder_itself_is_the_root(tmp_path: Path) -> None:
    found = find_repository(tmp_path)
    assert (found.root, found.anchor) == (tmp_path, "start")
    assert (
        dict(found.find_spec_files("Experiment")) == dict(found.find_spec_files("Dataset")) == {}
    )


def test_a_wrong_project_file_is_a_problem_with_its_place(tmp_path: Path) -> None:
    write(tmp_path / "vtspec.yaml", PROJECT.replace("runs:", "rusn:"))
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path)
    place, message, fix = only_problem(caught)
    assert place == "vtspec.yaml:5"
    assert "rusn" in message and "runs" in fix


def test_a_project_file_of_another_kind_is_a_problem(tmp_path: Path) -> None:
    dataset(tmp_path, "cats")
    (tmp_path / "specs/datasets/cats.yaml").rename(tmp_path / "vtspec.yaml")
    with pytest.raises(SpecError, match="is not of kind Project"):
        find_repository(tmp_path)


def test_specs_are_known_by_their_own_names_and_not_by_their_files(tmp_path: Path) -> None:
    one = experiment(tmp_path, "cats", "deep/er/any.yml")
    other = dataset(tmp_path, "cats")
    write(tmp_path / "specs/experiments/notes.txt", "no spec")
    found = find_repository(tmp_path)
    assert found.find_spec_files("Experiment") == {"cats": one}
    assert found.find_spec_files("Dataset") == {"cats": other}
    assert found.load_dataset("cats").spec.classes == ("cat", "dog")
    assert found.load_experiment("cats").metadata.name == "cats"
    assert found.load_experiment(one).metadata.name == "cats"


def test_a_dataset_among_experiments_is_not_an_experiment(tmp_path: Path) -> None:
    path = dataset(tmp_path, "cats")
    path.rename(write(tmp_path / "specs/experiments/cats.yaml", ""))
    assert dict(find_repository(tmp_path).find_spec_files("Experiment")) == {}


def test_two_files_of_one_name_are_a_problem_at_the_second(tmp_path: Path) -> None:
    dataset(tmp_path, "cats", "a.yaml")
    dataset(tmp_path, "cats", "b.yaml")
    experiment(tmp_path, "cats")
    found = find_repository(tmp_path)
    with pytest.raises(SpecError, match="already the name") as caught:
        found.load_dataset("cats")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("specs/datasets/b.yaml", 5, 9)
    assert problem.message == "'cats' is already the name of specs/datasets/a.yaml"
    assert found.load_experiment("cats").metadata.name == "cats"


def test_a_misspelt_dataset_is_met_with_the_one_that_was_meant(tmp_path: Path) -> None:
    dataset(tmp_path, "digits")
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path).load_dataset("digtis")
    assert only_problem(caught) == (
        "specs:0",
        "there is no dataset 'digtis'",
        "did you mean 'digits'?",
    )


def test_of_names_that_are_far_off_all_are_listed(tmp_path: Path) -> None:
    dataset(tmp_path, "digits")
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path).load_dataset("zzz")
    assert only_problem(caught)[2] == "use one of: digits"


def test_what_is_offered_in_place_of_an_experiment_can_be_planned(tmp_path: Path) -> None:
    dataset(tmp_path, "digits")
    experiment(tmp_path, "cats")
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path).find_spec("zzz")
    assert only_problem(caught)[2] == "use one of: cats"


def test_without_any_dataset_the_fix_is_to_add_one(tmp_path: Path) -> None:
    experiment(tmp_path, "cats")
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path).load_dataset("digits")
    assert only_problem(caught)[2] == (
        "there is no dataset under specs yet: write one, or vtspec datasets add FOLDER --name NAME"
    )


def test_without_any_spec_the_fix_is_to_write_one(tmp_path: Path) -> None:
    write(tmp_path / "specs/notes.txt", "no spec")
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path).find_spec("cats")
    assert only_problem(caught)[2] == (
        "there is no spec under specs yet: write one, or 'vtspec init'"
    )


def test_a_spec_is_found_by_path_by_experiment_name_and_by_dataset_name(tmp_path: Path) -> None:
    cats, digits = experiment(tmp_path, "cats"), dataset(tmp_path, "digits")
    found = find_repository(tmp_path)
    assert found.find_spec("cats") == cats
    assert found.find_spec("digits") == digits
    assert found.find_spec("specs/experiments/cats.yaml") == cats
    assert found.find_spec(cats) == cats


def test_an_experiment_goes_before_a_dataset_of_its_name(tmp_path: Path) -> None:
    cats = experiment(tmp_path, "cats")
    dataset(tmp_path, "cats")
    assert find_repository(tmp_path).find_spec("cats") == cats


def test_a_misspelt_path_is_met_with_the_one_that_was_meant(tmp_path: Path) -> None:
    experiment(tmp_path, "cats")
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path).find_spec("specs/experiment/cats.yaml")
    assert only_problem(caught) == (
        "specs/experiment/cats.yaml:0",
        "there is no such file",
        "did you mean 'specs/experiments/cats.yaml'?",
    )


def test_the_errors_of_a_spec_are_all_told_with_its_name_from_here(tmp_path: Path) -> None:
    path = experiment(tmp_path, "cats")
    path.write_text(path.read_text().replace('"epochs": 5', '"epochs": 0, "bathSize": 1'))
    (tmp_path / "specs/datasets").mkdir()
    (tmp_path / ".git").mkdir()
    with pytest.raises(SpecError) as caught:
        find_repository(tmp_path / "specs/datasets").load_experiment("cats")
    assert {problem.file for problem in caught.value.problems} == {"../experiments/cats.yaml"}
    assert len(caught.value.problems) == 2


def test_a_spec_of_another_kind_is_refused_where_an_experiment_is_wanted(tmp_path: Path) -> None:
    path = dataset(tmp_path, "cats")
    with pytest.raises(SpecError, match="is not of kind Experiment"):
        find_repository(tmp_path).load_experiment(path)
    experiment(tmp_path, "dogs").rename(tmp_path / "specs/datasets/dogs.yaml")
    with pytest.raises(SpecError, match="there is no dataset 'dogs'"):
        find_repository(tmp_path).load_dataset("dogs")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    found = find_repository(tmp_path)
    with pytest.raises(SpecError, match="cannot be read: no such file"):
        found.load(tmp_path / "gone.yaml")
    with pytest.raises(SpecError, match=r"cannot be read"):
        found.load(tmp_path)


def test_a_path_decides_the_workspace_by_where_the_file_lies(tmp_path: Path) -> None:
    write(tmp_path / "repo/vtspec.yaml", PROJECT)
    path = experiment(tmp_path / "repo", "cats")
    workspace, found = open_spec("repo/specs/experiments/cats.yaml", tmp_path)
    assert (workspace.root, found) == (tmp_path / "repo", path)
    assert workspace.format_path(found) == "repo/specs/experiments/cats.yaml"
    assert workspace.make_relative(found) == "specs/experiments/cats.yaml"


def test_a_name_is_looked_up_in_the_workspace_of_the_folder(tmp_path: Path) -> None:
    path = experiment(tmp_path, "cats")
    workspace, found = open_spec("cats", tmp_path)
    assert (workspace.root, found) == (tmp_path, path)


def test_a_file_outside_the_root_keeps_only_its_name_in_a_plan(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    found = find_repository(tmp_path / "repo")
    outside = write(tmp_path / "x.yaml", "")
    assert found.make_relative(outside) == "x.yaml"
    assert found.format_path(outside) == str(outside)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("kind: Dataset\nmetadata: {name: cats}\n", "Dataset", "cats"),
        ("metadata:\n  labels: {name: wrong}\n  name: cats\nkind: Dataset\n", "Dataset", "cats"),
        ("spec: [name, {metadata: {name: no}}]\nmetadata: {name: cats}\n", None, "cats"),
        ("spec: {metadata: {name: no}}\nmetadata: {name: cats}\n", None, "cats"),
        ("? [a, b]\n: c\nmetadata: {name: cats}\n", None, "cats"),
        ("kind: Dataset\nmetadata: {name: cats}\nspec: [", "Dataset", "cats"),
        ("kind: [", None, "file"),
        ("name: cats", None, "file"),
        ("metadata: cats", None, "file"),
        ("metadata: [name, cats]", None, "file"),
        ("", None, "file"),
        ("- a\n- b\n", None, "file"),
        ("\x00\x01", None, "file"),
        ("metadata: {name: 고양이}", None, "고양이"),
    ],
)
def test_kind_and_name_are_read_from_the_first_lines(
    tmp_path: Path, text: str, kind: str | None, name: str
) -> None:
    found = read_spec_file(write(tmp_path / "file.yaml", text))
    assert (found.kind, found.name) == (kind, name)


def test_bytes_that_are_no_text_and_files_that_are_gone_keep_their_stem(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(b"\xff\xfe\xfa metadata: {name: x}")
    assert read_spec_file(path).name == "odd"
    assert read_spec_file(tmp_path / "gone.yaml").name == "gone"


def test_names_are_read_once(tmp_path: Path) -> None:
    found: Repository = find_repository(tmp_path)
    assert dict(found.find_spec_files("Dataset")) == {}
    dataset(tmp_path, "cats")
    assert dict(found.find_spec_files("Dataset")) == {}
    assert list(find_repository(tmp_path).find_spec_files("Dataset")) == ["cats"]


def test_runs_in_a_store_are_looked_at_in_its_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTSPEC_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "vtspec.yaml", PROJECT.replace("out/runs", "s3://acme/vtspec"))
    found = find_repository(tmp_path)
    assert found.runs.is_relative_to(tmp_path / "cache")
    assert find_store(found.runs) == "s3://acme/vtspec"
    assert found.with_runs(tmp_path / "here").runs == tmp_path / "here"
    assert found.with_runs(tmp_path / "here").with_runs(found.runs).runs == found.runs


@pytest.mark.parametrize("place", ["gs://acme/vtspec", "s3:/acme", "s3://A", "a:b"])
def test_a_store_of_another_kind_is_no_place_of_runs(tmp_path: Path, place: str) -> None:
    write(tmp_path / "vtspec.yaml", PROJECT.replace("out/runs", json.dumps(place)))
    with pytest.raises(SpecError, match="must be a folder below the repository's root, or s3://"):
        find_repository(tmp_path)
