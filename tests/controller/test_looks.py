"""A look at one pull request asks for what that one needs; git is asked once for all."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Never

import pytest

from cluster_world import recorded_status
from git_repositories import commit, git
from kubernetes_server import await_true
from plan_repository import change
from proposed_changes import DEEP, push_change
from run_folders import STARTED, SUCCEEDED, Told, a_plan, events_of
from served_pull_requests import PullRequests
from vtspec.pipelines.controller import observed_plans
from vtspec.pipelines.controller.ledger import Ledger
from vtspec.pipelines.controller.metrics import Metrics, SiteMetrics
from vtspec.pipelines.controller.observation import observe_site, survey_site
from vtspec.pipelines.controller.observed_plans import Policy, add_plans
from vtspec.pipelines.controller.observed_runs import ObservedRun, ObservedRuns
from vtspec.pipelines.controller.reconcile import render_plan
from vtspec.pipelines.controller.site import Site
from vtspec.pipelines.controller.view import PullRequestView, View
from vtspec.pipelines.controller.worker import SiteWorker, serve_once
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.forge.forge import PullRequest, Reaction, Review
from vtspec.pipelines.project.git_mirror import GitMirror
from vtspec.pipelines.runs import Runs
from vtspec.pipelines.runs.events import encode_event


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What each `git fetch` asked for."""
    asked: list[list[str]] = []
    fetch = GitMirror.fetch

    def note(mirror: GitMirror, refs: Sequence[str], commits: Sequence[str] = ()) -> None:
        asked.append(list(refs))
        fetch(mirror, refs, commits)

    monkeypatch.setattr(GitMirror, "fetch", note)
    return asked


def test_git_is_asked_once_for_all_pull_requests(
    pulls: PullRequests, fetched: list[list[str]]
) -> None:
    other = pulls.propose_again()
    pulls.serve()
    heads = [f"refs/pull/{number}/head" for number in (pulls.number, other)]
    assert fetched == [["refs/heads/main", *heads]]
    assert len(pulls.read_comments()) == 2


def test_a_pull_request_is_read_while_git_fetches(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_read = Event()
    forge, fetch, waited = pulls.site.forge, GitMirror.fetch, []
    list_reviews = forge.list_reviews

    def read(number: int) -> Sequence[Review]:
        is_read.set()
        return list_reviews(number)

    def wait(mirror: GitMirror, refs: Sequence[str], commits: Sequence[str] = ()) -> None:
        waited.append(is_read.wait(5.0))
        fetch(mirror, refs, commits)

    monkeypatch.setattr(forge, "list_reviews", read)
    monkeypatch.setattr(GitMirror, "fetch", wait)
    pulls.serve([pulls.number])
    assert waited == [True]
    assert len(pulls.read_comments()) == 1


def test_a_look_at_one_asks_nothing_of_another(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.serve([pulls.number])
    assert len(pulls.read_comments()) == 1
    assert pulls.github.server.count(f"/(pulls|issues)/{other}(/|$)") == 0


def test_of_a_branch_that_is_gone_only_its_pull_request_is_left_out(
    pulls: PullRequests, fetched: list[list[str]]
) -> None:
    other = pulls.propose_again()
    pulls.github.repository.pull_requests[other].base_ref = "gone"
    pulls.serve()
    assert len(pulls.read_comments()) == 1
    assert [line for line in pulls.said if f"pull request {other} is left out" in line]
    # All at once, which git refuses; the default branch; each by itself.
    assert len(fetched) == 4


def test_a_command_in_what_is_over_is_answered_although_its_branch_is_gone(
    pulls: PullRequests, fetched: list[list[str]]
) -> None:
    other = pulls.propose_again()
    pulls.github.repository.pull_requests[other].base_ref = "gone"
    pulls.github.close(other)
    pulls.github.write_comment(other, "/vtspec plan", author="ben")
    pulls.serve()
    # It holds up nobody: all that is open is fetched at once.
    assert fetched[0] == ["refs/heads/main", f"refs/pull/{pulls.number}/head"]
    (answer,) = pulls.github.repository.texts(other, pulls.github.bot)
    assert "is closed" in answer
    pulls.settle()
    fetched.clear()
    pulls.serve()
    # Once it is answered nobody looks there any more.
    assert [refs for refs in fetched if f"refs/pull/{other}/head" in refs] == []


def test_what_was_said_in_what_is_over_while_nobody_looked_is_answered(
    pulls: PullRequests,
) -> None:
    pulls.settle()
    pulls.github.close(pulls.number)
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec plan", author="ben")
    pulls.github.server.world.now += timedelta(hours=20)
    pulls.site = pulls.make_other_site()
    pulls.settle()
    assert "This came too late" in pulls.read_comments()[-1]


def test_what_was_merged_while_nobody_looked_is_told_its_result(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    base = git(pulls.world.root, "rev-parse", "main")
    pulls.github.repository.pull_requests[pulls.number].base_sha = base
    pulls.github.repository.close(pulls.number, is_merged=True)
    pulls.end_pods(name)
    pulls.world.server.play_gone(name)
    pulls.github.server.world.now += timedelta(hours=20)
    pulls.site = pulls.make_other_site()
    pulls.settle()
    results = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:result")]
    assert len(results) == 1 and name in results[0]


def test_what_nobody_foresaw_of_one_leaves_out_that_one(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls.propose_again()
    pulls.site.environ = {**pulls.site.environ, "MY_TOKEN": "canary-1234"}

    def fail(site: Site, seen: PullRequestView, policy: Policy) -> PullRequestView:
        if seen.pull.number == pulls.number:
            raise KeyError("canary-1234")
        return add_plans(site, seen, policy)

    monkeypatch.setattr("vtspec.pipelines.controller.observation.add_plans", fail)
    pulls.serve()
    assert len(pulls.read_comments()) == 1
    (said,) = [line for line in pulls.said if f"request {pulls.number} is left out" in line]
    assert "KeyError" in said and "test_looks.py" in said and "canary" not in said


def test_an_error_in_what_is_decided_for_one_leaves_out_that_one(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls.propose_again()
    metrics = Metrics()
    pulls.site.metrics = SiteMetrics(
        every=metrics, repository="acme/vision", find_requests_left=lambda: None
    )
    pulls.site.environ = {**pulls.site.environ, "MY_TOKEN": "canary-1234"}

    def fail(seen: PullRequestView, view: View, ledger: Ledger) -> tuple[str, str]:
        if seen.pull.number == pulls.number:
            raise KeyError("canary-1234")
        return render_plan(seen, view, ledger)

    monkeypatch.setattr("vtspec.pipelines.controller.reconcile.render_plan", fail)
    done = serve_once(pulls.site, pulls.said.append)
    assert len(pulls.read_comments()) == 1
    (said,) = [line for line in pulls.said if f"request {pulls.number} is left out" in line]
    assert "KeyError" in said and "test_looks.py" in said and "canary" not in said
    assert done.due[pulls.number] == 60.0
    assert metrics.faults.labels("acme/vision")._value.get() == 1.0


def test_who_may_not_any_more_when_it_is_to_begin_has_nothing_begun(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls.settle()
    said = pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    get, asked = pulls.site.forge.get_pull_request, []

    def withdraw(number: int) -> PullRequest:
        asked.append(number)
        # Once to look at it, and once more before its run is begun.
        if len(asked) == 2:
            pulls.github.grant("ben", "read")
        return get(number)

    monkeypatch.setattr(pulls.site.forge, "get_pull_request", withdraw)
    pulls.serve([pulls.number])
    assert len(asked) == 2
    assert pulls.world.server.workflows() == []
    assert any("ben may not approve any more" in line for line in pulls.said)
    pulls.settle()
    assert pulls.world.server.workflows() == []
    reactions = pulls.github.repository.reactions
    assert [one.content for one in reactions.values() if one.comment == said][-1:] == ["-1"]


def test_an_approval_that_is_taken_back_when_it_is_to_begin_has_nothing_begun(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pulls.world.root
    git(root, "checkout", "-q", "main")
    change(root, "vtspec.yaml", "spec:\n", "spec:\n  approval: {when: approval}\n")
    commit(root)
    pulls.settle()
    pulls.github.repository.review(pulls.number, "ben", "APPROVED")
    get, asked = pulls.site.forge.get_pull_request, []

    def take_back(number: int) -> PullRequest:
        asked.append(number)
        if len(asked) == 2:
            pulls.github.repository.review(number, "ben", "CHANGES_REQUESTED")
        return get(number)

    monkeypatch.setattr(pulls.site.forge, "get_pull_request", take_back)
    pulls.serve([pulls.number])
    assert len(asked) == 2
    assert pulls.world.server.workflows() == []
    assert any("ben has taken the approval back" in line for line in pulls.said)


def test_a_head_that_git_does_not_have_yet_is_waited_for(pulls: PullRequests) -> None:
    pulls.github.repository.pull_requests[pulls.number].head_sha = "c" * 40
    pulls.serve()
    assert pulls.read_comments() == []
    assert f"{'c' * 40} of it has not been fetched yet" in pulls.said[0]


def test_plans_are_made_anew_for_the_runs_that_stand_beside_them(pulls: PullRequests) -> None:
    def put(run: str, *told: Told) -> None:
        plan = a_plan(id=run, name=run.rpartition("-")[0])
        lines = [encode_event(one) for one in events_of([STARTED, *told], run=run)]
        pulls.world.store.put(f"{run}/events.jsonl", "".join(f"{x}\n" for x in lines).encode())
        pulls.world.store.put(f"{run}/plan.json", json.dumps(plan).encode())
        assert pulls.world.runs.find_named(run) is not None

    def plan() -> object:
        pulls.serve()
        (found,) = pulls.site.planned.values()
        return found.found

    first = plan()
    put("cats-0123456789")
    assert plan() is first
    # What is over took its time, of which others are told how long they take.
    put("dogs-0123456789", SUCCEEDED)
    second = plan()
    assert second is not first
    put("deep-0123456789")
    assert plan() is not second


def test_what_an_earlier_head_had_planned_is_held_against_what_is_planned_now(
    pulls: PullRequests,
) -> None:
    pulls.settle()
    line = pulls.find_line()
    old = pulls.github.repository.pull_requests[pulls.number].head_sha
    push_change(pulls.world.root, pulls.github, pulls.number)
    pulls.settle()
    pulls.github.write_comment(pulls.number, line)
    pulls.settle()
    reply = pulls.read_comments()[-1]
    assert f"was the plan of `deep` at `{old[:7]}`" in reply
    assert "- `deep`: `training.epochs` `50` → `51`" in reply


def test_it_is_told_what_a_pod_can_fetch(pulls: PullRequests) -> None:
    root, commit_of_weights = pulls.world.root, "0123456789abcdef0123456789abcdef01234567"
    start = f"{{name: resnet18, weights: 'hf-hub:acme/net@{commit_of_weights}'}}"
    change(root, DEEP, "{name: resnet18}", start)
    (root / "specs/experiments/small.yaml").unlink()
    change(root, DEEP, "    baseline: small\n", "")
    head = commit(root)
    git(root, "update-ref", f"refs/pull/{pulls.number}/head", head)
    pulls.github.repository.push(pulls.number, head)
    pulls.site.check_weights = lambda plan: "the hub is away"

    def lack(*_: object) -> str | None:
        raise Refused("300 objects are not in s3://acme/dvc", fix="dvc push")

    pulls.site.check = lack
    pulls.serve()
    (plan,) = pulls.read_comments()
    assert "❌ data: cannot be fetched from the cluster" in plan
    assert "❌ `" in plan and "300 objects are not in s3://acme/dvc" in plan
    assert "❔ weights: not known, it could not be asked (`the hub is away`)" in plan
    assert "### Experiments that it removes\n\n- `specs/experiments/small.yaml`" in plan
    assert "/vtspec apply " not in plan.partition("<details>")[0]


def test_a_label_that_names_no_pull_request_keeps_nothing_from_being_looked_at(
    pulls: PullRequests,
) -> None:
    name = pulls.begin_run()
    path = pulls.world.server.workflow_path(name)
    labels = pulls.world.server.objects[path]["metadata"]["labels"]
    labels["vtspec.dev/pull-request-999"] = "true"
    pulls.said.clear()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.serve()
    assert [line for line in pulls.said if line.startswith("pull request 999 is left out")]
    # It may be wanted there: nothing is concluded from what is not known.
    assert "shutdown" not in pulls.world.server.objects[path]["spec"]
    assert labels[f"vtspec.dev/pull-request-{pulls.number}"] == "stopped"


def test_a_merge_that_nobody_told_of_is_found(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.serve()
    pulls.github.close(other)
    before = pulls.github.server.count(f"GET .*/pulls/{other}$")
    pulls.serve()
    pulls.serve()
    # By the survey, and by the look at what that has found.
    assert pulls.github.server.count(f"GET .*/pulls/{other}$") == before + 2


def test_one_that_shares_a_run_keeps_it_from_being_stopped(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.settle()
    line = pulls.find_line()
    for number in (pulls.number, other):
        pulls.github.write_comment(number, line, author="ben")
    pulls.settle()
    (name,) = pulls.world.server.workflows()
    for number, shutdown in ((pulls.number, None), (other, "Stop")):
        pulls.github.close(number)
        pulls.serve([number])
        workflow = pulls.world.server.workflow(name)
        assert workflow is not None
        assert workflow["spec"].get("shutdown") == shutdown


def test_what_is_over_is_not_fetched_again(pulls: PullRequests, fetched: list[list[str]]) -> None:
    pulls.serve()
    pulls.github.close(pulls.number)
    git(pulls.world.root, "update-ref", "-d", f"refs/pull/{pulls.number}/head")
    fetched.clear()
    pulls.serve([pulls.number])
    assert fetched == [["refs/heads/main"]]


def test_what_a_survey_fetches_is_not_fetched_again(
    pulls: PullRequests, fetched: list[list[str]]
) -> None:
    other = pulls.propose_another()
    assert survey_site(pulls.site).numbers == {pulls.number, other}
    for number in (pulls.number, other):
        pulls.serve([number])
    assert len(fetched) == 1
    assert len(pulls.read_comments()) == 2
    # It stands for one look.
    pulls.serve([other])
    assert fetched[1:] == [["refs/heads/main", f"refs/pull/{other}/head"]]


def push(pulls: PullRequests) -> str:
    change(pulls.world.root, DEEP, "epochs: 50", "epochs: 60")
    head = commit(pulls.world.root)
    git(pulls.world.root, "update-ref", f"refs/pull/{pulls.number}/head", head)
    pulls.github.repository.push(pulls.number, head)
    return head


def test_what_is_pushed_after_a_survey_is_looked_at_as_it_is(pulls: PullRequests) -> None:
    pulls.settle()
    survey_site(pulls.site)
    head = push(pulls)
    pulls.github.server.world.now += timedelta(minutes=1)
    pulls.serve([pulls.number])
    assert f"## Plan of `{head[:7]}`" in pulls.read_comments()[0]


def test_what_is_told_of_during_a_survey_is_read_again(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = SiteWorker(site=pulls.site, report=pulls.said.append)
    read = ObservedRuns.read

    def tell(self: ObservedRuns, runs: Runs) -> list[ObservedRun]:
        worker.tell(pulls.number)
        return read(self, runs)

    monkeypatch.setattr(ObservedRuns, "read", tell)
    survey_site(pulls.site)
    assert pulls.site.surveyed == set()


def test_data_that_is_pushed_later_is_found(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack(*_: object) -> str | None:
        raise Refused("300 objects are not in s3://acme/dvc", fix="dvc push")

    pulls.site.check = lack
    pulls.settle()
    pulls.site.check = lambda plan, remote, root: None
    pulls.serve()
    assert "300 objects are not" in pulls.read_comments()[0]
    monkeypatch.setattr(observed_plans, "REACH_S", 0.0)
    pulls.settle()
    assert "300 objects are not" not in pulls.read_comments()[0]
    assert pulls.find_line()


def test_what_a_team_of_logins_has_spent_is_known_without_the_workflow(
    pulls: PullRequests,
) -> None:
    root = pulls.world.root
    git(root, "checkout", "-q", "main")
    change(root, "vtspec.yaml", "spec:\n", "spec:\n  teams: {vision: {logins: [ben]}}\n")
    commit(root)
    git(root, "checkout", "-q", "proposed")
    name = pulls.begin_run()
    pulls.end_pods(name)
    pulls.world.server.play(name, recorded_status("succeeded"))
    pulls.settle()
    pulls.world.server.play_gone(name)
    (ended,) = observe_site(pulls.site).view.ended
    assert ended.team == "vision"


def test_a_strangers_weights_are_not_looked_up_in_our_mlflow(pulls: PullRequests) -> None:
    asked: list[str] = []

    def look_up(name: str, version: str) -> Never:
        asked.append(name)
        raise Refused(f"there is no {name}", fix="name another")

    sources = pulls.site.sources
    assert sources is not None
    pulls.site.sources = replace(sources, version_of=look_up)
    start = "{name: resnet18, weights: 'models:/secret@champion'}"
    change(pulls.world.root, DEEP, "{name: resnet18}", start)
    head = commit(pulls.world.root)
    git(pulls.world.root, "update-ref", f"refs/pull/{pulls.number}/head", head)
    pulls.github.repository.push(pulls.number, head)
    pull = pulls.github.repository.pull_requests[pulls.number]
    pull.head_repository = 99
    pulls.serve()
    assert asked == []
    assert "secret is of our MLflow" in pulls.read_comments()[0]


@pytest.fixture
def told(pulls: PullRequests) -> Iterator[list[int]]:
    """The pull requests of which a Workflow has changed, as a controller is told that follows."""
    numbers: list[int] = []
    pulls.site.workflows.follow(numbers.extend)
    yield numbers
    pulls.site.workflows.stop()


def test_workflows_are_listed_once_and_then_followed(pulls: PullRequests, told: list[int]) -> None:
    name = pulls.begin_run()
    await_true(lambda: told, "it is told of the Workflow")
    told.clear()
    pulls.world.server.play(name, {"phase": "Failed", "message": "no such image"})
    await_true(lambda: told == [pulls.number], "it is told that it has failed")
    pulls.serve([pulls.number])
    assert pulls.world.runs.find(name).ending == "failed"
    pulls.settle()
    asked = pulls.world.server.count("GET", "/workflows")
    pulls.serve()
    pulls.serve([pulls.number])
    assert pulls.world.server.count("GET", "/workflows") == asked
    assert pulls.world.server.count("WATCH", "/workflows") == 1


def test_of_a_workflow_that_waits_its_pods_alone_are_asked_for(
    pulls: PullRequests, told: list[int]
) -> None:
    name = pulls.begin_run()
    pulls.world.server.play(name, recorded_status("waiting-for-gpu"))
    server = pulls.world.server
    await_true(lambda: told, "it is told of the Workflow")
    pulls.settle()
    asked = server.count("GET", f"/workflows/{name}"), server.count("GET", "/pods")
    pulls.serve([pulls.number])
    now = server.count("GET", f"/workflows/{name}"), server.count("GET", "/pods")
    assert now == (asked[0], asked[1] + 1)


def test_what_was_just_made_is_known_before_the_cluster_tells(
    pulls: PullRequests, told: list[int]
) -> None:
    pulls.settle()
    pulls.world.server.holds_changes = True
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    (name,) = pulls.world.server.workflows()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.settle()
    workflow = pulls.world.server.workflow(name)
    assert workflow is not None and workflow["spec"]["shutdown"] == "Stop"
    asked = pulls.world.server.count("PATCH", name)
    pulls.serve()
    assert pulls.world.server.count("PATCH", name) == asked
    assert told == []
    assert pulls.world.server.count("POST", "/workflows") == 1


def test_a_command_that_is_deleted_while_it_is_read_holds_up_nothing(
    pulls: PullRequests,
) -> None:
    pulls.settle()
    comment = pulls.github.write_comment(pulls.number, "/vtspec help", author="ben")
    ask = pulls.site.forge.list_reactions

    def delete(comment_id: int) -> Sequence[Reaction]:
        pulls.github.repository.comments.pop(comment, None)
        return ask(comment_id)

    pulls.site.forge.list_reactions = delete  # type: ignore[method-assign]
    assert serve_once(pulls.site, pulls.said.append).left_out == {}
    assert pulls.read_check() == "1 plan, 0 errors"
    # What is refused for another reason is still told.
    other = pulls.github.write_comment(pulls.number, "/vtspec help", author="ben")

    def refuse(comment_id: int) -> Never:
        raise Permanent("no such right")

    pulls.site.forge.list_reactions = refuse  # type: ignore[method-assign]
    assert pulls.number in serve_once(pulls.site, pulls.said.append).left_out
    assert other in pulls.github.repository.comments


def expect_rest(pulls: PullRequests, other: int) -> None:
    """Looks at one of them after the other say nothing new of commits."""
    before = len(pulls.github.repository.statuses)
    for number in (pulls.number, other) * 2:
        pulls.pass_time(60)
        pulls.serve([number])
    assert len(pulls.github.repository.statuses) == before


def test_what_is_told_of_a_commit_comes_to_rest(pulls: PullRequests) -> None:
    root, repository = pulls.world.root, pulls.github.repository
    git(root, "branch", "release", "proposed")
    other = pulls.propose_again()
    # Held against another branch it changes nothing.
    repository.pull_requests[other].base_ref = "release"
    name = pulls.begin_run()
    pulls.world.server.play(name, {"phase": "Failed", "message": "no such image"})
    pulls.settle()
    repository.pull_requests[other].base_ref = "main"
    pulls.settle()
    pulls.github.write_comment(other, "/vtspec rerun", author="ben")
    pulls.settle()
    repository.pull_requests[other].base_ref = "release"
    pulls.settle()
    expect_rest(pulls, other)
    head = repository.pull_requests[pulls.number].head_sha
    assert pulls.github.find_statuses(head) == {
        "vtspec": ("success", "1 plan, 0 errors"),
        "vtspec/deep": ("pending", f"{name}-2: at work"),
    }


@pytest.mark.parametrize("is_closed", [True, False])
def test_what_is_told_of_a_commit_that_one_has_left_comes_to_rest(
    pulls: PullRequests, is_closed: bool
) -> None:
    root, repository = pulls.world.root, pulls.github.repository
    head = repository.pull_requests[pulls.number].head_sha
    other = pulls.propose_again()
    name = pulls.begin_run()
    pulls.world.server.play(name, {"phase": "Failed", "message": "no such image"})
    pulls.settle()
    if is_closed:
        pulls.github.close(pulls.number)
    pulls.github.write_comment(other, "/vtspec rerun", author="ben")
    pulls.settle()
    if not is_closed:
        git(root, "checkout", "-q", "proposed")
        (root / "README.md").write_text("another head")
        git(root, "update-ref", f"refs/pull/{pulls.number}/head", commit(root))
        repository.push(pulls.number, git(root, "rev-parse", "HEAD"))
    pulls.settle()
    expect_rest(pulls, other)
    assert pulls.github.find_statuses(head)["vtspec/deep"] == ("pending", f"{name}-2: at work")


def test_what_is_left_out_takes_no_others_check(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.settle()
    pulls.github.repository.pull_requests[other].base_ref = "gone"
    before = len(pulls.github.repository.statuses)
    for _ in range(3):
        pulls.pass_time(60)
        assert pulls.serve() == 0
    assert any(f"pull request {other} is left out" in line for line in pulls.said)
    assert len(pulls.github.repository.statuses) == before
    assert pulls.read_check() == "1 plan, 0 errors"
