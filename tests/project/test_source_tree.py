"""A repository is seen as a commit has it, whatever lies in the working tree."""

from pathlib import Path

import pytest

from git_repositories import commit, git
from plan_repository import FILES, HASH, a_repository, change
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.project.commit_tree import CommitTree, read_commit
from vtspec.pipelines.project.repository import find_repository, open_spec
from vtspec.pipelines.project.source_tree import WORKING_TREE
from vtspec.schema.problem import SpecError

DEEP = "specs/experiments/deep.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_repository(tmp_path.resolve() / "repo")


def test_a_commit_has_the_files_that_were_committed(root: Path) -> None:
    first = commit(root)
    change(root, DEEP, "epochs: 5", "epochs: 7")
    (root / "specs/experiments/small.yaml").unlink()
    tree = read_commit(root, first)
    with tree.open(root / DEEP) as file:
        assert file.read() == FILES[DEEP].encode()
    assert tree.is_file(root / "specs/experiments/small.yaml")
    assert not tree.is_file(root / "specs/experiments")
    assert tree.commit == first
    assert tree.list_specs(root / "specs") == [
        root / "specs/datasets/digits.yaml",
        root / DEEP,
        root / "specs/experiments/small.yaml",
    ]
    # What was read ahead with the others is what each has by itself.
    with tree.open(root / DEEP) as file:
        assert file.read() == FILES[DEEP].encode()


def test_both_trees_list_the_same_specs_in_the_same_order(root: Path) -> None:
    for name in (
        "a/b.yml",
        "a.yaml",
        "a-b.yaml",
        ".hidden/x.yaml",
        "z/.y/x.yaml",
        "n.txt",
        "é.yaml",
    ):
        path = root / "specs/experiments" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: Experiment\n")
    tree = read_commit(root, commit(root))
    found = tree.list_specs(root / "specs/experiments")
    assert found == WORKING_TREE.list_specs(root / "specs/experiments")
    assert [path.name for path in found] == [
        "b.yml",
        "a-b.yaml",
        "a.yaml",
        "deep.yaml",
        "small.yaml",
        "é.yaml",
    ]


def test_links_in_a_commit_are_not_followed(root: Path) -> None:
    (root / "specs/experiments/leak.yaml").symlink_to("/etc/hostname")
    tree = read_commit(root, commit(root))
    assert not tree.is_file(root / "specs/experiments/leak.yaml")
    assert root / "specs/experiments/leak.yaml" not in tree.list_specs(root / "specs")
    with pytest.raises(FileNotFoundError), tree.open(root / "specs/experiments/leak.yaml"):
        pass


def test_a_file_is_read_from_its_beginning_alone(root: Path) -> None:
    (root / "large.bin").write_bytes(b"x" * 5_000_000)
    tree = read_commit(root, commit(root))
    with tree.open(root / "large.bin") as file:
        assert file.read(3) == b"xxx"


def test_a_repository_at_a_commit_has_that_commits_configuration_and_names(root: Path) -> None:
    first = commit(root)
    change(root, "vtspec.yaml", "metadata: {name: mine}", "metadata: {name: changed}")
    change(root, DEEP, "{name: deep}", "{name: deeper}")
    now, then = find_repository(root), find_repository(root, read_commit(root, first))
    assert (now.project.metadata.name, then.project.metadata.name) == ("changed", "mine")
    assert list(now.find_spec_files("Experiment")) == ["deeper", "small"]
    assert list(then.find_spec_files("Experiment")) == ["deep", "small"]
    assert then.root == root
    repository, path = open_spec("deep", root / "specs", read_commit(root, first))
    assert (path, repository.format_path(path)) == (root / DEEP, "experiments/deep.yaml")
    assert open_spec("deeper", root)[1] == root / DEEP
    with pytest.raises(SpecError, match="there is no spec 'deeper'"):
        open_spec("deeper", root, read_commit(root, first))


def test_a_bare_repository_is_seen_too(root: Path, tmp_path: Path) -> None:
    head = commit(root)
    bare = tmp_path.resolve() / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(root), str(bare))
    found = find_repository(bare, read_commit(bare, head))
    assert found.root == bare
    assert found.load_experiment("deep").metadata.name == "deep"
    assert found.load_dataset("digits").metadata.name == "digits"


def test_a_tag_and_a_parent_are_commits(root: Path) -> None:
    first = commit(root)
    git(root, "tag", "v1")
    commit(root)
    assert read_commit(root, "v1").commit == first
    assert read_commit(root / "specs", "HEAD~1").commit == first


@pytest.mark.parametrize("name", ["nothing", "HEAD~9", "--output=x", "", "HEAD:vtspec.yaml"])
def test_what_is_no_commit_is_refused(root: Path, name: str) -> None:
    commit(root)
    with pytest.raises(Refused, match="there is no commit"):
        read_commit(root, name)


def test_outside_git_there_are_no_commits(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="git rev-parse failed"):
        read_commit(tmp_path, "HEAD")


def test_an_object_that_git_lost_is_a_file_that_cannot_be_read(root: Path) -> None:
    tree = read_commit(root, commit(root))
    lost = git(root, "rev-parse", f"HEAD:{DEEP}")
    assert tree.is_file(root / DEEP)
    (root / ".git/objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(OSError, match="cannot read"), tree.open(root / DEEP) as file:
        file.read()


def test_the_variables_of_a_git_hook_lead_to_no_other_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = commit(root)
    other = a_repository(tmp_path / "other")
    commit(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    tree = read_commit(root, head)
    assert isinstance(tree, CommitTree)
    assert tree.is_file(root / DEEP)
    assert HASH in FILES["data/digits.dvc"]
