"""A pull request on a stand-in of GitHub whose commits are in a real repository here."""

from pathlib import Path

from forge_sites import GitHubSite
from git_repositories import commit, git
from plan_repository import change

DEEP = "specs/experiments/deep.yaml"


def propose_change(root: Path, github: GitHubSite) -> int:
    """Commit what is in `root` to `main`, and propose to train `deep` for 50 epochs; the number of
    the pull request, which is the first one."""
    commit(root)
    git(root, "checkout", "-q", "-b", "proposed")
    github.repository.clone_url = str(root)
    return github.repository.open_pull_request(_commit_epochs(root, 5, 50)).number


def push_change(root: Path, github: GitHubSite, number: int) -> str:
    """Push to it that it is to be 51; the new head."""
    head = _commit_epochs(root, 50, 51)
    github.repository.push(number, head)
    return head


def _commit_epochs(root: Path, before: int, after: int) -> str:
    change(root, DEEP, f"epochs: {before}", f"epochs: {after}")
    head = commit(root)
    git(root, "update-ref", "refs/pull/1/head", head)
    return head
