"""A mirror has the commits of a repository elsewhere, and keeps no credential."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from git_repositories import commit, git
from git_server import GitServer, running_git_server
from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.project.commit_tree import read_commit
from vtspec.pipelines.project.git_mirror import GitMirror

MAIN = "refs/heads/main"
PULL = "refs/pull/1/head"
HEADER = "Basic Ym90OnNlY3JldA=="


def commit_text(root: Path, text: str) -> str:
    (root / "README.md").write_text(text)
    return commit(root)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    root = tmp_path / "origin"
    root.mkdir()
    commit_text(root, "one")
    git(root, "update-ref", PULL, "HEAD")
    return root


@pytest.fixture
def server(origin: Path) -> Iterator[GitServer]:
    with running_git_server(origin, HEADER) as found:
        yield found


def test_the_commits_of_its_refs_are_here(origin: Path, tmp_path: Path) -> None:
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=str(origin))
    mirror.fetch([MAIN, PULL], [git(origin, "rev-parse", "HEAD")])
    second = commit_text(origin, "two")
    mirror.fetch([MAIN], [second])
    tree = read_commit(mirror.folder, MAIN)
    assert tree.commit == second
    with tree.open(tree.top / "README.md") as file:
        assert file.read() == b"two"


def test_a_branch_that_was_pushed_over_is_followed(origin: Path, tmp_path: Path) -> None:
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=str(origin))
    first = commit_text(origin, "two")
    mirror.fetch([MAIN], [first])
    git(origin, "reset", "-q", "--hard", "HEAD~1")
    other = commit_text(origin, "three")
    mirror.fetch([MAIN], [other])
    assert read_commit(mirror.folder, MAIN).commit == other


def test_a_commit_that_has_not_come_is_waited_for(origin: Path, tmp_path: Path) -> None:
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=str(origin))
    with pytest.raises(Temporary, match="has no commit 12345678"):
        mirror.fetch([MAIN], ["1234567812345678123456781234567812345678"])


@pytest.mark.parametrize("ref", ["refs/heads/gone", "refs/pull/7/head"])
def test_a_ref_that_is_not_there_is_told(origin: Path, tmp_path: Path, ref: str) -> None:
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=str(origin))
    with pytest.raises(Permanent, match=f"couldn't find remote ref {ref}"):
        mirror.fetch([ref])


def test_a_server_is_told_who_asks_and_nothing_of_it_is_kept(
    server: GitServer, tmp_path: Path
) -> None:
    header = f"Authorization: {HEADER}"
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=server.url, header=header)
    mirror.fetch([MAIN, PULL])
    assert read_commit(mirror.folder, PULL).commit
    assert set(server.asked) == {HEADER}
    kept = [path.read_bytes() for path in mirror.folder.rglob("*") if path.is_file()]
    assert kept
    assert not any(HEADER.encode() in one for one in kept)


def test_who_may_not_read_is_told_so_without_the_credential(
    server: GitServer, tmp_path: Path
) -> None:
    header = "Authorization: Basic d3Jvbmc6d3Jvbmc="
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=server.url, header=header)
    with pytest.raises(Permanent, match="cannot be read") as found:
        mirror.fetch([MAIN])
    assert found.value.fix is not None and "read access" in found.value.fix
    assert "d3Jvbmc" not in str(found.value)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again_later(
    server: GitServer, tmp_path: Path, status: int
) -> None:
    server.status = status
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=server.url)
    with pytest.raises(Temporary, match="cannot be fetched just now"):
        mirror.fetch([MAIN])


def test_no_program_is_started_by_an_address(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    mirror = GitMirror(folder=tmp_path / "mirror.git", url=f"ext::touch {mark}")
    with pytest.raises((Permanent, Temporary)):
        mirror.fetch([MAIN])
    assert not mark.exists()
