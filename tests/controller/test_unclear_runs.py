"""A run whose plan was spoiled, or whose namespace was left, is said to be so where it matters:
what it has cost and come to is not known, and passes for nothing nowhere."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster_plans import a_published_plan
from cluster_world import recorded_status
from git_repositories import commit, git
from plan_repository import change
from pull_request_world import START, World, a_plan_of, a_spec
from run_folders import a_run_folder
from served_pull_requests import PullRequests
from vtspec.pipelines.controller.metrics import Metrics, SiteMetrics
from vtspec.pipelines.controller.observed_runs import ObservedRuns
from vtspec.pipelines.controller.view import UnclearRun, View
from vtspec.pipelines.runs import Runs

PLAN = a_plan_of("digits")
TEAMS = {
    "vision": {"logins": ["bob"], "limits": {"costPerMonth": 5}},
    "faces": {"logins": ["kim"]},
}


class SpoiledWorld(World):
    """A world in whose store a run is spoiled."""

    def __init__(self, spoiled: UnclearRun) -> None:
        super().__init__(teams=TEAMS)
        self.spoiled = spoiled

    def see(self) -> View:
        return replace(super().see(), unclear=(self.spoiled,))


def spoil(**changes: Any) -> UnclearRun:
    known = {"run": "birds-1", "plan_id": "birds-1", "fault": "the plan is damaged"}
    return UnclearRun(**{**known, **changes})


@pytest.mark.parametrize(
    ("spoiled", "login", "is_begun"),
    [
        (spoil(), "bob", False),
        (spoil(team="vision", ended=START), "bob", False),
        (spoil(team="faces"), "bob", True),
        (spoil(ended=START - timedelta(days=40)), "bob", True),
        # Whose team has no limit of cost.
        (spoil(), "kim", True),
    ],
)
def test_what_is_spent_of_a_limit_has_to_be_known(
    spoiled: UnclearRun, login: str, is_begun: bool
) -> None:
    world = SpoiledWorld(spoiled)
    number = world.open(a_spec(PLAN))
    world.settle()
    said = world.apply(number, PLAN, login)
    world.settle()
    assert bool(world.created) == is_begun
    assert ("`vtspec rm birds-1`" in world.reply_to(number, said)) != is_begun


def test_a_plan_whose_run_cannot_be_read_is_not_begun_as_if_it_had_none() -> None:
    world = SpoiledWorld(spoil(run=PLAN.id, plan_id=PLAN.id))
    number = world.open(a_spec(PLAN))
    world.settle()
    said = world.apply(number, PLAN, "kim")
    world.settle()
    assert world.created == []
    assert "the plan is damaged" in world.reply_to(number, said)


def test_only_a_plan_that_is_to_come_is_no_fault(tmp_path: Any) -> None:
    folder = a_run_folder(tmp_path / "runs", [], a_published_plan().to_json())

    def read_fault() -> str | None:
        (found,) = ObservedRuns().read(Runs(folder.parent))
        return found.fault

    assert read_fault() is None
    plan = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(json.dumps({**json.loads(plan), "seed": 7}))
    assert read_fault() is not None
    (folder / "plan.json").write_text(plan[:100])
    assert read_fault() is not None


def test_who_approved_a_run_is_told_that_it_cannot_be_read(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    pulls.end_pods(name)
    pulls.world.store.put(f"{name}/plan.json", b'{"kind": "Plan"')
    pulls.world.server.play(name, recorded_status("succeeded"))
    pulls.site = pulls.make_other_site()
    pulls.settle()
    (progress,) = [one for one in pulls.read_comments() if "vtspec:progress" in one]
    assert f"`vtspec rm {name}`" in progress


def test_an_error_of_ours_in_reading_a_run_keeps_nobody_else_waiting(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = pulls.begin_run()
    pulls.site = pulls.make_other_site()
    metrics = Metrics()
    pulls.site.metrics = SiteMetrics(
        every=metrics, repository="acme/vision", find_requests_left=lambda: None
    )

    def fail(path: Path) -> None:
        raise KeyError(path.name)

    monkeypatch.setattr("vtspec.pipelines.controller.observed_runs.find_run_page", fail)
    other = pulls.propose_again()
    pulls.settle()
    (progress,) = [one for one in pulls.read_comments() if "vtspec:progress" in one]
    assert f"an error of vtspec's: KeyError('{name}')" in progress
    assert metrics.faults.labels("acme/vision")._value.get() > 0
    assert any(f"in what {name} has told" in line for line in pulls.said)
    told = {one.number for one in pulls.github.repository.comments.values()}
    assert other in told


def leave(pulls: PullRequests, *changes: tuple[str, str]) -> None:
    """Change what `vtspec.yaml` of the default branch says of where runs are."""
    root = pulls.world.root
    git(root, "checkout", "-q", "main")
    for old, new in changes:
        change(root, "vtspec.yaml", old, new)
    commit(root)
    pulls.world.server.namespaces.add("robots")
    pulls.site = pulls.make_other_site()
    pulls.settle()


def answer(pulls: PullRequests, command: str) -> str:
    said = pulls.github.write_comment(pulls.number, command, author="ben")
    pulls.settle()
    (found,) = [one for one in pulls.read_comments() if f"vtspec:reply {said} " in one]
    return found


@pytest.mark.parametrize(
    ("has_left_namespace", "words"),
    [
        (False, "has not ended with store `{url}`, which `vtspec.yaml` has left"),
        (True, "may not have ended in namespace `vision` with store `{url}`"),
    ],
)
def test_a_run_of_a_store_that_was_left_is_told_of_and_not_begun_again(
    pulls: PullRequests, has_left_namespace: bool, words: str
) -> None:
    name = pulls.begin_run()
    url = pulls.world.url
    both = [("namespace: vision", "namespace: robots")] if has_left_namespace else []
    leave(pulls, (f"runs: {url}", f"runs: {url}-new"), *both)
    (progress,) = [one for one in pulls.read_comments() if "vtspec:progress" in one]
    assert f"`{name}` {words.format(url=url)}" in progress
    assert "Nothing runs now" not in progress
    stopped = answer(pulls, "/vtspec stop")
    assert "vtspec:refused" in stopped and f"`vtspec stop {name} --runs {url}`" in stopped
    again = answer(pulls, pulls.find_line())
    assert "vtspec:refused" in again and words.format(url=url) in again
    made = [one for one in pulls.world.server.objects if "/workflows/" in one]
    assert [one.rpartition("/")[2] for one in made] == [name]
    assert "shutdown" not in pulls.world.server.objects[made[0]]["spec"]


def test_while_a_run_of_a_store_that_was_left_is_at_work_no_limit_is_passed(
    pulls: PullRequests,
) -> None:
    name = pulls.begin_run()
    url = pulls.world.url
    other = pulls.propose_another()
    team = "spec:\n  teams: {vision: {logins: [ben], limits: {costPerMonth: 50}}}\n"
    leave(pulls, (f"runs: {url}", f"runs: {url}-new"), ("spec:\n", team))
    said = pulls.github.write_comment(other, pulls.find_line(other), author="ben")
    pulls.settle()
    (told,) = [one for one in pulls.read_comments() if f"vtspec:reply {said} " in one]
    assert "what is spent of it is not known" in told and f"`{name}` has not ended" in told
    pulls.world.server.play(name, recorded_status("succeeded"))
    pulls.github.write_comment(other, pulls.find_line(other), author="ben")
    pulls.settle()
    assert len(pulls.world.server.workflows()) == 2


def test_a_run_in_a_namespace_that_was_left_is_told_of_and_held_against_limits(
    pulls: PullRequests,
) -> None:
    name = pulls.begin_run()
    leave(pulls, ("namespace: vision", "namespace: robots"))
    (progress,) = [one for one in pulls.read_comments() if "vtspec:progress" in one]
    assert f"`{name}` has not ended in namespace `vision`" in progress
    stopped = answer(pulls, "/vtspec stop")
    assert f"`vtspec stop {name}`" in stopped and "vtspec:refused" in stopped
    assert "which `vtspec.yaml` has left" in answer(pulls, "/vtspec rerun")
    assert pulls.world.server.workflows() == [name]
