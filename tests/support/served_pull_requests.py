"""A repository with a cluster, a store and a GitHub on loopback, and its pull requests."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cluster_world import Pods, World, a_world
from forge_sites import GitHubSite, serve_github_site
from git_repositories import commit, git
from kubernetes_server import running_kubernetes
from object_storage import ObjectStorage
from plan_repository import change
from proposed_changes import DEEP, propose_change
from run_folders import EVALUATED, STARTED, SUCCEEDED
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.controller.site import Site
from vtspec.pipelines.controller.worker import serve_once
from vtspec.pipelines.forge.forge import Forge
from vtspec.pipelines.planning.resolve import ModelSources
from vtspec.pipelines.runs import Runs

TRACKING = "sqlite:///{}/mlflow.db"


class PullRequests:
    """A repository with a cluster, one pull request, and the controller that looks after it."""

    def __init__(self, world: World, github: GitHubSite) -> None:
        self.world, self.github = world, github
        self.said: list[str] = []
        config = world.root / "vtspec.yaml"
        config.write_text(f"{config.read_text()}  runs: {world.url}\n")
        self.number = propose_change(world.root, github)
        self.site = self.make_site(github.forge, world.root.parent / "mirror.git")

    def make_site(self, forge: Forge, folder: Path) -> Site:
        """The repository, as whoever looks after it by a credential of theirs."""
        timm = replace(load_frameworks()["timm"], digest="sha256:" + "c" * 64)
        tracking = {"MLFLOW_TRACKING_URI": TRACKING.format(self.world.root.parent)}
        return Site(
            forge=forge,
            folder=folder,
            environ={**self.world.environ, **tracking},
            get_time=lambda: self.github.server.world.now,
            sources=ModelSources(frameworks={"timm": timm}),
            check=lambda plan, remote, root: None,
            check_weights=lambda plan: None,
        )

    def make_other_site(self) -> Site:
        """The same as another process has it, which has seen nothing of it yet."""
        mirror = Runs(get_mirror_folder(self.world.url, os.environ)).mirror
        assert mirror is not None
        mirror.forget()
        return self.make_site(self.github.forge, self.world.root.parent / "other.git")

    def serve(self, numbers: Collection[int] | None = None) -> int:
        """One look, at everything or these pull requests; how much there was to do."""
        return serve_once(self.site, self.said.append, numbers).actions

    def propose_again(self) -> int:
        """Another pull request with the same head; its number."""
        head = self.github.repository.pull_requests[self.number].head_sha
        made = self.github.repository.open_pull_request(head)
        git(self.world.root, "update-ref", f"refs/pull/{made.number}/head", head)
        return made.number

    def propose_another(self) -> int:
        """A pull request that trains `deep` for another number of epochs; its number."""
        root = self.world.root
        git(root, "checkout", "-q", "-b", "another", "main")
        change(root, DEEP, "epochs: 5", "epochs: 60")
        made = self.github.repository.open_pull_request(commit(root))
        git(root, "update-ref", f"refs/pull/{made.number}/head", made.head_sha)
        return made.number

    def add_experiments(self, *names: str) -> None:
        """Push to the pull request experiments beside `deep`, each for other epochs."""
        root = self.world.root
        git(root, "checkout", "-q", "proposed")
        text = (root / DEEP).read_text()
        for index, name in enumerate(names):
            other = text.replace("name: deep", f"name: {name}")
            other = other.replace("epochs: 50", f"epochs: {40 - index}")
            (root / f"specs/experiments/{name}.yaml").write_text(other)
        head = commit(root)
        git(root, "update-ref", f"refs/pull/{self.number}/head", head)
        self.github.repository.push(self.number, head)

    def refuse_runs(self, *names: str) -> None:
        """Have the cluster refuse the Workflows of these experiments, of all where none is named,
        and of them alone."""
        begins = tuple(f"{name}-" for name in names)
        self.world.server.admit = lambda body: (
            "quota is used up"
            if body.get("kind") == "Workflow"
            and (not begins or body["metadata"]["name"].startswith(begins))
            else None
        )

    def pass_time(self, seconds: float) -> None:
        """Let time go by, as the forge tells it."""
        self.github.server.world.now += timedelta(seconds=seconds)

    def set_policy(self, when: str) -> None:
        """Have the default branch say what runs are begun by."""
        root = self.world.root
        git(root, "checkout", "-q", "main")
        change(root, "vtspec.yaml", "spec:\n", f"spec:\n  approval: {{when: {when}}}\n")
        commit(root)
        git(root, "checkout", "-q", "proposed")

    def begin_run(self) -> str:
        """Have a maintainer carry out what the plan comment proposes; the run, which is the only
        one on the cluster."""
        self.settle()
        self.github.write_comment(self.number, self.find_line(), author="ben")
        self.settle()
        (name,) = self.world.server.workflows()
        return name

    def end_pods(self, run: str) -> None:
        """Let the run's pods do their work, with its result in the store; its Workflow does not
        say so yet."""
        pods = Pods(world=self.world, run=run)
        pods.begin()
        pods.tell(STARTED, EVALUATED, SUCCEEDED)
        pods.store()
        pods.end()

    def settle(self) -> None:
        """Look until there is nothing to do."""
        for _ in range(6):
            if self.serve() == 0:
                return
        raise AssertionError(f"it does not come to rest: {self.said}")

    def read_comments(self) -> list[str]:
        """What the bot has written, the oldest first."""
        comments = self.github.repository.comments.values()
        return [one.body for one in comments if one.author == self.github.bot]

    def read_check(self) -> str:
        """What the check of the head says, as a status: a token makes no check runs."""
        head = self.github.repository.pull_requests[self.number].head_sha
        return self.github.find_statuses(head)["vtspec"][1]

    def find_line(self, number: int | None = None) -> str:
        """The line that the plan comment gives to be pasted, of a pull request or the only one."""
        (line,) = {
            line.strip("` ")
            for one in self.github.repository.comments.values()
            if one.author == self.github.bot and number in (None, one.number)
            for line in one.body.splitlines()
            if line.strip("` ").startswith("/vtspec apply ")
        }
        return line


@contextmanager
def serve_pull_requests(
    storage: ObjectStorage,
    folder: Path,
    environ: pytest.MonkeyPatch,
    edit: tuple[str, str] = ("", ""),
) -> Iterator[PullRequests]:
    """All of it in a folder, while the context lasts; the environment leads to the store. `edit`
    is what `vtspec.yaml` has in place of something."""
    for name, value in storage.environment.items():
        environ.setenv(name, value)
    environ.setenv("VTSPEC_CACHE", str(folder / "cache"))
    bucket = "".join(letter for letter in folder.name.lower() if letter.isalnum())[-40:]
    with running_kubernetes() as server, serve_github_site() as github:
        world = a_world(folder, storage, server, bucket)
        config = world.root / "vtspec.yaml"
        config.write_text(config.read_text().replace(*edit))
        yield PullRequests(world, github)
