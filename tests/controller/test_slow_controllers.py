"""What a controller has decided and another has done meanwhile is not done again."""

from collections.abc import Sequence
from typing import Any

import pytest

from cluster_world import recorded_status
from git_repositories import commit, git
from plan_repository import change
from proposed_changes import DEEP
from served_pull_requests import PullRequests
from vtspec.pipelines.cluster.run_workflow import RunWorkflow
from vtspec.pipelines.controller.actions import Action, CreateRun, OnCluster, SetStatus, StopRun
from vtspec.pipelines.controller.effects import Effects
from vtspec.pipelines.controller.markers import make_reply_marker
from vtspec.pipelines.controller.observation import Observation, observe_site
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.request import LATEST
from vtspec.pipelines.controller.site import Site
from vtspec.pipelines.controller.workflow_marks import read_wanted
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.operations.removal import choose_runs, remove_runs
from vtspec.pipelines.runs import Runs


def decide(site: Site) -> tuple[Observation, list[Action]]:
    observed = observe_site(site)
    site.repository = observed.repository
    return observed, reconcile(observed.view)


def act(pulls: PullRequests, site: Site, observed: Observation, actions: Sequence[Action]) -> None:
    effects = Effects(
        site=site,
        repository=observed.repository,
        report=pulls.said.append,
        reserved=observed.reservations,
    )
    effects.carry_out(actions)


def act_unanswered(pulls: PullRequests) -> None:
    """Do what is to be done on the cluster, and be killed before anything of it is told."""
    observed, actions = decide(pulls.site)
    act(pulls, pulls.site, observed, [one for one in actions if isinstance(one, OnCluster)])


def remove_run(pulls: PullRequests, name: str) -> None:
    """What `vtspec rm` does."""
    assert pulls.site.repository is not None
    runs = Runs(pulls.site.repository.runs)
    chosen = choose_runs([name], runs, pulls.site.repository)
    with pytest.MonkeyPatch.context() as patch:
        for key, value in pulls.site.environ.items():
            patch.setenv(key, value)
        remove_runs(chosen, runs, lambda line: None, pulls.said.append)


def read_workflow(pulls: PullRequests) -> dict[str, Any]:
    """The only Workflow that there is."""
    (name,) = pulls.world.server.workflows()
    workflow = pulls.world.server.workflow(name)
    assert workflow is not None
    return workflow


def read_wanting(pulls: PullRequests) -> dict[int, bool]:
    """Whether each pull request that has approved it wants it still."""
    return read_wanted(read_workflow(pulls)["metadata"])


def fail(pulls: PullRequests, run: str) -> None:
    pulls.world.server.play(run, {"phase": "Failed", "message": "no such image"})


def test_one_approval_is_one_attempt(pulls: PullRequests) -> None:
    pulls.settle()
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    act_unanswered(pulls)
    (name,) = pulls.world.server.workflows()
    fail(pulls, name)
    act(pulls, slow, *late)
    assert pulls.world.server.workflows() == [name]
    assert any(f"{name} was begun, and has ended, meanwhile" in line for line in pulls.said)


def test_one_rerun_is_one_attempt(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    fail(pulls, name)
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec rerun", author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    act(pulls, pulls.site, *decide(pulls.site))
    fail(pulls, f"{name}-2")
    act(pulls, slow, *late)
    assert pulls.world.server.workflows() == [name, f"{name}-2"]


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_command_that_was_taken_back_meanwhile_begins_nothing(
    pulls: PullRequests, is_edited: bool
) -> None:
    pulls.settle()
    said = pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    late = decide(pulls.site)
    if is_edited:
        pulls.github.edit_comment(said, "not yet, please")
    else:
        pulls.github.repository.delete_comment(said)
    act(pulls, pulls.site, *late)
    assert pulls.world.server.workflows() == []
    assert any("ben has taken the command back" in line for line in pulls.said)
    pulls.settle()
    assert pulls.world.server.workflows() == []


def test_what_does_not_stand_any_more_begins_nothing(pulls: PullRequests) -> None:
    root, repository = pulls.world.root, pulls.github.repository
    repository.pull_requests[pulls.number].head_repository = 99
    pulls.settle()
    allow = f"/vtspec allow {repository.pull_requests[pulls.number].head_sha}"
    allowed = pulls.github.write_comment(pulls.number, allow, author="ben")
    pulls.settle()
    said = pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    late = decide(pulls.make_other_site())

    def act_late() -> str:
        pulls.said.clear()
        act(pulls, pulls.site, *late)
        assert pulls.world.server.workflows() == []
        return "\n".join(pulls.said)

    before = git(root, "rev-parse", "main")
    pulls.set_policy("approval")
    assert "vtspec.yaml says something else meanwhile" in act_late()
    git(root, "branch", "-f", "main", before)
    pulls.pass_time(LATEST.total_seconds() + 1)
    assert f"the command {said} was said too long ago" in act_late()
    pulls.pass_time(-LATEST.total_seconds() - 1)
    text = f"{make_reply_marker(said, 'refused')}\nno"
    answer = pulls.github.write_comment(pulls.number, text, author=pulls.github.bot)
    assert f"the command {said} was answered meanwhile" in act_late()
    repository.delete_comment(answer)
    repository.delete_comment(allowed)
    assert "is allowed no more" in act_late()
    pulls.github.write_comment(pulls.number, allow, author="ben")
    act(pulls, pulls.site, *late)
    assert len(pulls.world.server.workflows()) == 1


def test_a_review_under_another_policy_begins_nothing(pulls: PullRequests) -> None:
    pulls.set_policy("approval")
    pulls.settle()
    pulls.pass_time(30)
    pulls.github.review(pulls.number, "ben", is_approved=True)
    late = decide(pulls.site)
    git(pulls.world.root, "checkout", "-q", "main")
    teams = "teams: {few: {logins: [kim]}}"
    approval = "approval: {when: approval"
    change(pulls.world.root, "vtspec.yaml", approval, f"{teams}\n  {approval}, teams: [few]")
    commit(pulls.world.root)
    act(pulls, pulls.site, *late)
    assert pulls.world.server.workflows() == []


def test_a_completion_of_what_was_removed_trains_nothing(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = pulls.begin_run()
    pulls.end_pods(name)
    pulls.world.server.play(name, recorded_status("succeeded"))
    root = pulls.world.root
    git(root, "checkout", "-q", "proposed")
    change(root, DEEP, "0.95", "0.85")
    head = commit(root)
    git(root, "update-ref", f"refs/pull/{pulls.number}/head", head)
    pulls.github.repository.push(pulls.number, head)
    pulls.settle()
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    late = decide(pulls.site)
    assert [one.begin for one in late[1] if isinstance(one, CreateRun)] == ["completion"]
    remove_run(pulls, name)
    act(pulls, pulls.site, *late)
    assert pulls.world.server.workflows() == []
    assert any(f"{name} was removed meanwhile" in line for line in pulls.said)
    # Also where it went only after it was looked for.
    monkeypatch.setattr(Effects, "_refuse_moved", lambda self, action: None)
    act(pulls, pulls.site, *late)
    assert pulls.world.server.workflows() == []
    assert any("the result of deep was removed meanwhile" in line for line in pulls.said)


def test_who_joins_a_run_late_and_took_it_back_does_not_want_it(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.settle()
    line = pulls.find_line()
    pulls.github.write_comment(pulls.number, line, author="ben")
    pulls.settle()
    said = pulls.github.write_comment(other, line, author="ben")
    late = decide(pulls.site)
    pulls.github.repository.delete_comment(said)
    act(pulls, pulls.site, *late)
    assert read_wanting(pulls) == {pulls.number: True}


def test_a_stop_that_was_said_meanwhile_stands(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.settle()
    line = pulls.find_line()
    pulls.github.write_comment(pulls.number, line, author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.settle()
    pulls.github.write_comment(other, line, author="ben")
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.settle()
    act(pulls, slow, *late)
    assert read_wanting(pulls) == {pulls.number: False, other: True}


def test_who_joins_a_run_late_undoes_no_stop(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.settle()
    line = pulls.find_line()
    pulls.github.write_comment(other, line, author="ben")
    pulls.settle()
    pulls.github.write_comment(pulls.number, line, author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.settle()
    act(pulls, slow, *late)
    assert read_wanting(pulls) == {pulls.number: False, other: True}
    pulls.github.close(other)
    pulls.settle()
    assert read_workflow(pulls)["spec"]["shutdown"] == "Stop"


def test_a_late_stop_undoes_no_later_approval(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.settle()
    line = pulls.find_line()
    for number in (pulls.number, other):
        pulls.github.write_comment(number, line, author="ben")
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.settle()
    pulls.github.write_comment(pulls.number, line, author="ben")
    pulls.settle()
    act(pulls, slow, *late)
    assert read_wanting(pulls) == {pulls.number: True, other: True}


def test_a_late_stop_is_not_of_a_run_that_was_resumed(pulls: PullRequests) -> None:
    pulls.settle()
    line = pulls.find_line()
    name = pulls.begin_run()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    act_unanswered(pulls)
    pulls.world.server.play(name, recorded_status("stopped"))
    pulls.github.write_comment(pulls.number, line, author="ben")
    act_unanswered(pulls)
    act(pulls, slow, *late)
    assert read_wanting(pulls) == {pulls.number: True}
    assert "shutdown" not in read_workflow(pulls)["spec"]
    assert any("in another Workflow meanwhile" in line for line in pulls.said)


def test_what_was_reopened_meanwhile_keeps_its_runs(pulls: PullRequests) -> None:
    pulls.begin_run()
    pulls.github.close(pulls.number)
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.github.repository.reopen(pulls.number)
    act(pulls, slow, *late)
    assert [one for one in late[1] if isinstance(one, StopRun)]
    assert "shutdown" not in read_workflow(pulls)["spec"]
    pulls.settle()
    pulls.github.close(pulls.number)
    pulls.settle()
    assert read_workflow(pulls)["spec"]["shutdown"] == "Stop"


def test_a_workflow_is_changed_only_as_it_was_found(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    assert pulls.site.repository is not None
    run = Runs(pulls.site.repository.runs).find_named(name)
    file = None if run is None else run.read_workflow()
    assert run is not None and file is not None
    workflow = RunWorkflow(pulls.site.open_cluster(), run, file)
    found = workflow.find()
    assert found is not None and workflow.change({"metadata": {"labels": {"a": "1"}}}, found)
    with pytest.raises(Temporary, match="409"):
        workflow.stop("Stop", "late", found)
    assert "shutdown" not in read_workflow(pulls)["spec"]


def test_what_was_begun_beside_what_the_cluster_refuses_is_told(pulls: PullRequests) -> None:
    pulls.add_experiments("wide")
    pulls.settle()
    pulls.refuse_runs("wide")
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    (name,) = pulls.world.server.workflows()
    (answer,) = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:reply")]
    assert f"🚀 `{name}`" in answer and "quota is used up" in answer
    assert "127.0.0.1" not in answer and "Paste the line again" in answer
    # Who began it is noted, as of what went well.
    assert f"<!-- vtspec:run {name} " in answer
    assert name in next(one for one in pulls.read_comments() if "vtspec:progress" in one)


def test_a_late_status_takes_no_later_ones_place(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    slow = pulls.make_other_site()
    observed, actions = decide(slow)
    late = [one for one in actions if isinstance(one, SetStatus)]
    assert [one.status.state for one in late] == ["pending"]
    pulls.end_pods(name)
    pulls.world.server.play(name, recorded_status("succeeded"))
    pulls.pass_time(60)
    pulls.settle()
    head = pulls.github.repository.pull_requests[pulls.number].head_sha
    before = pulls.github.find_statuses(head)
    act(pulls, slow, observed, late)
    assert pulls.github.find_statuses(head) == before
    assert before["vtspec/deep"][1] == f"{name}: Gate missed"


def test_a_review_that_was_answered_meanwhile_begins_nothing(pulls: PullRequests) -> None:
    pulls.set_policy("approval")
    pulls.settle()
    pulls.pass_time(30)
    pulls.github.review(pulls.number, "ben", is_approved=True)
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.settle()
    act(pulls, slow, *late)
    assert pulls.world.server.workflows() == []
    assert any("was answered meanwhile" in line for line in pulls.said)


@pytest.mark.parametrize("when", ["comment", "approval"])
def test_what_was_stopped_meanwhile_does_not_begin(pulls: PullRequests, when: str) -> None:
    if when == "approval":
        pulls.set_policy(when)
    pulls.settle()
    pulls.pass_time(30)
    if when == "approval":
        pulls.github.review(pulls.number, "ben", is_approved=True)
    else:
        pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.github.write_comment(pulls.number, "/vtspec stop deep", author="ben")
    # What another one answers to both waits to be written.
    observed, answers = decide(pulls.site)
    act(pulls, slow, *late)
    assert pulls.world.server.workflows() == []
    assert any("deep was stopped meanwhile" in line for line in pulls.said)
    act(pulls, pulls.site, observed, answers)
    pulls.settle()
    assert pulls.world.server.workflows() == []


def test_a_word_after_a_stop_keeps_what_another_begins_of_one_before_it(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls.settle()
    line = pulls.find_line()
    pulls.github.write_comment(pulls.number, line, author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.settle()
    again = pulls.github.write_comment(pulls.number, line, author="ben")
    second = decide(pulls.site)
    with monkeypatch.context() as patch:
        # It asked before the stop was said.
        patch.setattr("vtspec.pipelines.controller.effects.refuse_outdated", lambda *asked: None)
        act(pulls, slow, *late)
    act(pulls, pulls.site, *second)
    pulls.settle()
    workflow = read_workflow(pulls)
    assert read_wanted(workflow["metadata"]) == {pulls.number: True}
    assert "shutdown" not in workflow["spec"]
    (answer,) = (one for one in pulls.read_comments() if make_reply_marker(again, "done") in one)
    assert "is at work" in answer
