"""`vtspec init`: what it makes validates, runs, and is never overwritten."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from vtspec.adapters.data.content_hash import hash_content
from vtspec.cli.commands.init import command
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.resolve import resolve_spec
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.project.scaffold import CLASSES, PER_CLASS, scaffold


def silent(_line: str) -> None:
    return None


def only_git(name: str) -> str | None:
    """A machine without DVC, whose `dvc init` takes seconds."""
    return shutil.which(name) if name == "git" else None


def make(root: Path, name: str = "mine") -> dict[str, str]:
    return {step.path: step.done for step in scaffold(root, name, silent, only_git)}


def test_a_folder_beside_a_repository_is_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clone/.git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "clone")
    assert make(Path("../vision"))[".git/"] == "made"


def contents(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and ".git/" not in path.as_posix() and ".dvc/" not in path.as_posix()
    }


def test_what_is_made_can_be_planned(tmp_path: Path) -> None:
    make(tmp_path / "mine")
    workspace = find_repository(tmp_path / "mine")
    assert workspace.anchor == "vtspec.yaml"
    assert sorted(workspace.find_spec_files("Experiment")) == ["shapes", "shapes-short"]
    for path in workspace.find_spec_files("Experiment").values():
        made = build_plan(*resolve_spec(path, workspace))
        assert made.dataset.hash == hash_content(tmp_path / "mine" / "data" / "shapes").hash
        assert made.framework.name == "toy"
        assert made.warnings == ()
        # 16 x 16 weights and a bias for each of three classes.
        assert made.model.parameters == 771


def test_the_statistics_in_the_spec_are_those_of_the_pictures(tmp_path: Path) -> None:
    make(tmp_path)
    spec = find_repository(tmp_path).load_dataset("shapes").spec
    assert spec.classes == CLASSES
    assert spec.statistics is not None
    assert spec.statistics.images == len(list((tmp_path / "data").rglob("*.png")))
    assert spec.statistics.bytes == sum(
        file.stat().st_size for file in (tmp_path / "data").rglob("*.png")
    )
    assert {name: split.per_class for name, split in spec.statistics.splits.items()} == {
        name: dict.fromkeys(CLASSES, count) for name, count in PER_CLASS.items()
    }


def test_editors_find_the_schema_of_every_spec(tmp_path: Path) -> None:
    make(tmp_path)
    files = [*tmp_path.glob("specs/*/*.yaml"), tmp_path / "vtspec.yaml"]
    assert len(files) == 4
    for file in files:
        schema = file.read_text().splitlines()[0].partition("$schema=")[2]
        title = json.loads((file.parent / schema).read_text())["title"]
        assert f"kind: {title.removeprefix('vtspec ')}\n" in file.read_text()


def test_a_second_call_changes_nothing_and_says_so(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "README.md").write_text("my own words")
    (tmp_path / "vtspec.yaml").unlink()
    before = contents(tmp_path)
    steps = make(tmp_path, "other")
    assert steps.pop("vtspec.yaml") == "made"
    assert set(steps.values()) == {"was there"}
    after = contents(tmp_path)
    assert after.pop("vtspec.yaml")
    assert after == before


@pytest.mark.parametrize("name", ["mine", "a?b", "-x", "x'; touch y"])
def test_a_folder_may_be_named_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "made" == make(Path(name))[".git/"]
    assert ([name], True) == (os.listdir(tmp_path), (tmp_path / name / ".git").is_dir())


def test_the_same_pictures_are_drawn_everywhere(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make(tmp_path / name)
    assert len({hash_content(tmp_path / name / "data").hash for name in ("a", "b")}) == 1


def test_a_folder_within_a_repository_gets_none_of_its_own(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    make(tmp_path / "part")
    assert not (tmp_path / "part" / ".git").exists()
    assert not (tmp_path / "part" / ".dvc").exists()


def test_runs_are_not_taken_into_git(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "a").touch()
    status = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "runs/a" not in status
    assert "data/shapes/train/circle/000.png" in status


def is_ignored(root: Path, path: str) -> bool:
    words = ["git", "-C", str(root), "check-ignore", "--quiet", path]
    return subprocess.run(words).returncode == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("*.pyc\n", "*.pyc\n/runs/\n"),
        ("*.pyc", "*.pyc\n/runs/\n"),
        ("*.pyc\r\n", "*.pyc\r\n/runs/\r\n"),
        ("", "/runs/\n"),
        ("run\n!runs/\n", "run\n!runs/\n/runs/\n"),
    ],
)
def test_a_gitignore_that_lets_runs_in_gets_the_line_that_it_lacks(
    tmp_path: Path, before: str, after: str
) -> None:
    (tmp_path / ".gitignore").write_bytes(before.encode())
    assert make(tmp_path)[".gitignore"] == "added to"
    assert (tmp_path / ".gitignore").read_bytes() == after.encode()
    assert is_ignored(tmp_path, "runs/x/checkpoints/last.json")
    assert make(tmp_path)[".gitignore"] == "was there"


@pytest.mark.parametrize("line", ["runs", "runs/", "/runs", "**/runs/", "r*", "/runs/*"])
def test_a_gitignore_that_keeps_runs_out_stays_as_it_is(tmp_path: Path, line: str) -> None:
    (tmp_path / ".gitignore").write_text(f"{line}\n")
    assert make(tmp_path)[".gitignore"] == "was there"
    assert (tmp_path / ".gitignore").read_text() == f"{line}\n"


def test_runs_are_kept_out_wherever_the_project_has_them(tmp_path: Path) -> None:
    make(tmp_path)
    file = tmp_path / "vtspec.yaml"
    file.write_text(file.read_text().replace("runs: runs", "runs: out/all"))
    assert make(tmp_path)[".gitignore"] == "added to"
    assert is_ignored(tmp_path, "out/all/x") and not is_ignored(tmp_path, "out/x")


def test_without_git_the_line_itself_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("/runs/\n*.pyc\n")
    steps = scaffold(tmp_path, "mine", silent, lambda name: None)
    assert {"was there"} == {step.done for step in steps if step.path == ".gitignore"}


def test_a_folder_that_cannot_be_written_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Permanent, match="cannot be written"):
        make(tmp_path / "file" / "below")


def test_a_git_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    git.chmod(0o755)
    with pytest.raises(Permanent, match="'git init' failed: no room"):
        scaffold(tmp_path / "mine", "mine", silent, lambda name: str(git))


def test_without_git_the_rest_is_made_and_it_is_said_what_to_type(tmp_path: Path) -> None:
    said: list[str] = []
    scaffold(tmp_path, "mine", said.append, lambda name: None)
    assert (tmp_path / "vtspec.yaml").exists()
    assert said == ["git is not here, so this is no repository yet; later: git init"]


def test_dvc_is_set_up_where_it_is_installed(tmp_path: Path) -> None:
    steps = {step.path: step.done for step in scaffold(tmp_path, "mine", silent)}
    assert steps[".dvc/"] == "made"
    assert (tmp_path / ".dvc" / "config").exists()
    assert make(tmp_path)[".dvc/"] == "was there"


def test_the_command_names_the_project_after_its_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path / "My Cats!")])
    assert result.exit_code == 0, result.output
    assert "name: my-cats\n" in (tmp_path / "My Cats!" / "vtspec.yaml").read_text()
    assert "vtspec run shapes" in result.output


def test_a_name_that_is_no_label_is_refused_with_a_fix(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path), "--name", "My Cats"])
    assert result.exit_code == 2
    assert "fix:" in result.output
