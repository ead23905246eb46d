"""What a review or a merge has carried out is what its author has seen, and may have carried out;
what comes of it is told."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cluster_world import recorded_status
from git_repositories import commit, git
from plan_repository import change
from proposed_changes import DEEP
from pull_request_world import BOT, World, a_plan_of, a_spec
from served_pull_requests import PullRequests
from server_faults import Fault
from vtspec.pipelines.controller.effects import REFUSED_S, Effects
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.worker import serve_once
from vtspec.pipelines.forge.forge import Comment
from vtspec.pipelines.runs.state import RunState

PLAN, OTHER = a_plan_of("digits"), a_plan_of("digits", epochs=500)


def open_one(when: str, **project: Any) -> tuple[World, int]:
    """A pull request whose plan is shown, where that is what carries it out."""
    world = World(approval={"when": when, **project.pop("approval", {})}, **project)
    number = world.open(a_spec(PLAN))
    world.settle()
    return world, number


def rest(world: World) -> None:
    """Look until nothing is left to do."""
    for _ in range(4):
        world.pass_time(60)
        world.look()
    assert world.look() == []


def find_plan_comment(world: World, number: int) -> Comment:
    (found,) = [
        one
        for one in world.pulls[number].comments
        if one.author == BOT and one.body.startswith("<!-- vtspec:plan")
    ]
    return found


def list_approvers(world: World) -> list[str]:
    return [approval.login for _, approval in world.created]


def test_a_stopped_run_goes_on_by_a_review_that_was_written_after_its_end_was_told() -> None:
    world, number = open_one("approval")
    world.review(number)
    world.settle()
    world.end(PLAN.id, "stopped")
    world.settle()
    rest(world)
    assert len(world.created) == 1
    world.review(number, "kim")
    rest(world)
    assert list_approvers(world) == ["ann", "kim"]


def test_a_run_whose_name_alone_was_taken_is_begun() -> None:
    world, number = open_one("approval")
    world.review(number)
    world.look()
    named = replace(world.attempts[PLAN.id], workflow=None, approvals=(), wanted_by={})
    world.attempts[PLAN.id] = replace(named, state=RunState())
    # Who was killed then had told nothing.
    comments = world.pulls[number].comments
    comments[:] = [one for one in comments if one.author != BOT or "vtspec:plan" in one.body]
    world.look()
    assert list_approvers(world) == ["ann", "ann"] and world.attempts[PLAN.id].is_at_work


def test_a_review_from_before_is_told_so() -> None:
    world, number = open_one("approval")
    world.pulls[number].specs = (a_spec(OTHER),)
    world.review(number)
    rest(world)
    assert world.created == []
    assert "not known that the plans above were shown before" in world.find(number, "reply")[-1]
    world.review(number)
    rest(world)
    assert [run for run, _ in world.created] == [OTHER.id]
    assert "begins" in world.find(number, "reply")[-1]


def test_nobody_makes_an_earlier_review_count_by_an_edit() -> None:
    world, number = open_one("approval")
    world.pulls[number].specs = (a_spec(OTHER),)
    world.review(number)
    world.pass_time()
    rest(world)
    body = find_plan_comment(world, number).body
    forged = re.sub(r"(vtspec:of \S+) \d+", r"\1 1", body)
    assert forged != body
    world.edit(number, find_plan_comment(world, number).id, forged)
    rest(world)
    assert world.created == []


def test_a_review_of_what_somebody_else_wrote_into_the_comment_counts_for_nothing() -> None:
    world, number = open_one("approval")
    plan = find_plan_comment(world, number)
    world.edit(number, plan.id, plan.body.replace("0.02", "0.01"))
    assert find_plan_comment(world, number).body != plan.body
    world.review(number)
    rest(world)
    assert world.created == []
    assert "approve once more" in world.find(number, "reply")[-1]
    # Nor by what another process remembers.
    world.visible.clear()
    rest(world)
    assert world.created == []
    world.review(number)
    rest(world)
    assert list_approvers(world) == ["ann"]


def test_another_process_takes_a_comment_as_it_ought_to_be_for_shown() -> None:
    world, number = open_one("approval")
    world.review(number)
    world.visible.clear()
    rest(world)
    assert list_approvers(world) == ["ann"]


def test_nobody_keeps_others_from_approving_by_an_edit() -> None:
    world, number = open_one("comment")
    body = find_plan_comment(world, number).body
    forged = re.sub(r"(vtspec:of \S+) \d+", r"\1 999999999999", body)
    world.edit(number, find_plan_comment(world, number).id, forged)
    rest(world)
    world.apply(number, PLAN)
    rest(world)
    assert len(world.created) == 1


def test_the_first_who_may_have_a_plan_carried_out_has_it() -> None:
    teams = {
        "small": {"logins": ["kim"], "limits": {"maxDuration": "1m"}},
        "large": {"logins": ["ann"]},
    }
    world, number = open_one("approval", teams=teams)
    world.review(number, "kim")
    world.settle()
    assert "maxDuration" in world.find(number, "reply")[-1]
    world.review(number, "ann")
    rest(world)
    assert list_approvers(world) == ["ann"]
    # Who may not run it does not join it either.
    other = world.open(a_spec(PLAN))
    world.settle()
    world.review(other, "kim")
    rest(world)
    assert world.attempts[PLAN.id].wanted_by == {number: True}
    assert "maxDuration" in world.find(other, "reply")[-1]


def test_what_a_stranger_may_not_is_told_at_the_merge() -> None:
    world, number = open_one("merge", approval={"byAuthor": False})
    world.set_state(number, "merged", by="bob")
    rest(world)
    assert world.created == []
    told = world.find(number, "reply")[-1]
    assert "`bob` has merged" in told and f"/vtspec apply {PLAN.digest[7:14]}" in told


def test_a_fork_that_is_merged_is_not_run_before_it_is_allowed() -> None:
    world = World(approval={"when": "merge"})
    number = world.open(a_spec(PLAN), author="guest", is_fork=True)
    world.settle()
    world.set_state(number, "merged")
    rest(world)
    assert world.created == []
    assert "/vtspec allow" in world.find(number, "reply")[-1]


def test_what_was_merged_before_it_was_shown_is_not_run() -> None:
    world = World(approval={"when": "merge"})
    number = world.open(a_spec(PLAN))
    # It was decided on, and is written after the merge.
    actions = world.see()
    world.set_state(number, "merged")
    world.pass_time()
    world.do(reconcile(actions))
    rest(world)
    assert world.created == []
    told = world.find(number, "reply")[-1]
    assert "to be seen before the merge is not known" in told and "/vtspec apply" in told


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("is_put_back", [True, False])
def test_a_merge_of_what_somebody_else_wrote_into_the_comment_carries_nothing_out(
    is_known: bool, is_put_back: bool
) -> None:
    world, number = open_one("merge")
    plan = find_plan_comment(world, number)
    world.edit(number, plan.id, plan.body.replace("0.02", "0.01"))
    world.set_state(number, "merged")
    if is_put_back:
        world.edit(number, plan.id, plan.body)
    if not is_known:
        # As each job of `vtspec ci` begins.
        world.visible.clear()
    rest(world)
    assert world.created == []
    (told,) = world.find(number, "reply")
    assert "changed by somebody else" in told
    world.comment(number, find_line(told))
    rest(world)
    assert list_approvers(world) == ["bob"]


def test_another_process_carries_out_what_a_merge_was_shown() -> None:
    world, number = open_one("merge")
    world.set_state(number, "merged")
    world.visible.clear()
    rest(world)
    assert list_approvers(world) == ["ann"]


def test_a_review_counts_by_what_reviews_did_when_it_was_written() -> None:
    world, number = open_one("comment")
    world.review(number)
    rest(world)
    world.project = World(approval={"when": "approval"}).project
    rest(world)
    assert world.created == []
    assert "under what `vtspec.yaml` says now" in world.find(number, "reply")[-1]
    world.review(number)
    rest(world)
    assert list_approvers(world) == ["ann"]


def test_of_several_plans_what_an_earlier_review_leaves_is_told() -> None:
    world = World()
    number = world.open(a_spec(PLAN), a_spec(a_plan_of("birds")))
    world.settle()
    world.apply(number, PLAN)
    world.review(number)
    rest(world)
    world.project = World(approval={"when": "approval"}).project
    rest(world)
    assert list_approvers(world) == ["bob"]
    assert "approve once more" in world.find(number, "reply")[-1]


@pytest.mark.parametrize("when", ["comment", "approval"])
def test_a_merge_counts_by_what_merges_did_then(when: str) -> None:
    world, number = open_one(when)
    world.set_state(number, "merged")
    rest(world)
    assert world.find(number, "reply") == []
    world.project = World(approval={"when": "merge"}).project
    rest(world)
    assert world.created == []
    (told,) = world.find(number, "reply")
    line = f"/vtspec apply {PLAN.digest[7:14]}"
    assert "said otherwise who approves" in told and line in told
    world.comment(number, line)
    rest(world)
    assert list_approvers(world) == ["bob"]


def test_a_merge_that_was_to_carry_out_and_does_no_more_is_told() -> None:
    world, number = open_one("merge")
    world.set_state(number, "merged")
    world.project = World().project
    rest(world)
    assert world.created == []
    assert "open another pull request" in world.find(number, "reply")[-1]


@pytest.mark.parametrize("when", ["approval", "merge"])
def test_nothing_is_begun_by_the_word_of_who_was_given_the_right_later(when: str) -> None:
    rules = {"when": when, "teams": ["small"]}
    world = World(approval=rules, teams={"small": {"logins": ["ann"]}})
    number = world.open(a_spec(PLAN))
    world.settle()
    if when == "approval":
        world.review(number, "kim")
    else:
        world.set_state(number, "merged", by="kim")
    rest(world)
    world.project = World(approval=rules, teams={"small": {"logins": ["ann", "kim"]}}).project
    rest(world)
    assert world.created == []
    (told,) = world.find(number, "reply")
    assert ("approve once more" if when == "approval" else "/vtspec apply") in told


def set_policy(pulls: PullRequests, when: str) -> None:
    root = pulls.world.root
    git(root, "checkout", "-q", "main")
    change(root, "vtspec.yaml", "spec:\n", f"spec:\n  approval: {{when: {when}}}\n")
    commit(root)
    git(root, "checkout", "-q", "proposed")


def find_line(text: str) -> str:
    return next(one for one in text.splitlines() if "/vtspec apply" in one)


def merge(pulls: PullRequests, branch: str = "main", *, is_other: bool = False) -> None:
    """Have ben merge it; into plans that are others than it shows, if `is_other`."""
    root = pulls.world.root
    git(root, "checkout", "-q", branch)
    base = git(root, "rev-parse", "HEAD")
    git(root, "merge", "-q", "--no-ff", "-m", "merge", "proposed")
    if is_other:
        # As where the default branch has changed another line of it meanwhile.
        change(root, DEEP, "batchSize: 64", "batchSize: 32")
        commit(root)
    merged = pulls.github.repository.pull_requests[pulls.number]
    merged.base_sha, merged.merge_sha = base, git(root, "rev-parse", "HEAD")
    pulls.github.repository.close(pulls.number, is_merged=True, author="ben")


def pass_time(pulls: PullRequests, seconds: float) -> None:
    pulls.github.server.world.now += timedelta(seconds=seconds)


def read_comments(pulls: PullRequests, kind: str) -> list[str]:
    return [one for one in pulls.read_comments() if one.startswith(f"<!-- vtspec:{kind}")]


def test_a_review_is_carried_out_although_the_cluster_failed_once(pulls: PullRequests) -> None:
    set_policy(pulls, "approval")
    pulls.settle()
    pass_time(pulls, 30)
    pulls.world.server.faults.append(Fault(match="POST .*/workflows", status=500))
    pulls.github.review(pulls.number, "ben", is_approved=True)
    for _ in range(4):
        pass_time(pulls, 30)
        pulls.serve()
    assert len(pulls.world.server.workflows()) == 1


def test_what_the_cluster_refuses_of_a_review_is_told_and_tried_again(
    pulls: PullRequests,
) -> None:
    set_policy(pulls, "approval")
    pulls.settle()
    pass_time(pulls, 30)
    pulls.world.server.admit = lambda body: (
        "quota is used up" if body.get("kind") == "Workflow" else None
    )
    pulls.github.review(pulls.number, "ben", is_approved=True)
    for _ in range(3):
        pass_time(pulls, REFUSED_S + 1)
        pulls.serve()
    (told,) = read_comments(pulls, "approval")
    assert "quota is used up" in told and "tried again, without being asked" in told
    pulls.world.server.admit = lambda body: None
    for _ in range(3):
        pass_time(pulls, REFUSED_S + 1)
        pulls.serve()
    assert len(pulls.world.server.workflows()) == 1
    (told,) = read_comments(pulls, "approval")
    assert "holds no more" in told


def test_a_review_of_what_nobody_could_see_yet_carries_nothing_out(pulls: PullRequests) -> None:
    set_policy(pulls, "approval")
    waiting: list[Any] = []
    serve_once(pulls.site, pulls.said.append, None, lambda _, actions: waiting.extend(actions))
    pass_time(pulls, 40)
    pulls.github.review(pulls.number, "ben", is_approved=True)
    pass_time(pulls, 20)
    assert pulls.site.repository is not None
    effects = Effects(site=pulls.site, repository=pulls.site.repository, report=print)
    effects.write(waiting)
    pulls.settle()
    assert pulls.world.server.workflows() == []
    assert "not known that the plans above were shown before" in read_comments(pulls, "reply")[0]


def test_what_was_merged_while_nobody_looked_is_carried_out(pulls: PullRequests) -> None:
    set_policy(pulls, "merge")
    pulls.settle()
    # Nothing was said in it for longer than comments are asked for.
    pass_time(pulls, 3 * 86_400 + 1_800)
    merge(pulls)
    pulls.site = pulls.make_other_site()
    pulls.settle()
    assert len(pulls.world.server.workflows()) == 1


def test_a_merge_of_which_nobody_told_is_found_by_the_next_survey(pulls: PullRequests) -> None:
    set_policy(pulls, "merge")
    opened = pulls.github.repository.pull_requests.pop(pulls.number)
    pulls.settle()
    # A webhook tells that it is open, and then none that it is merged.
    pulls.github.repository.pull_requests[pulls.number] = opened
    serve_once(pulls.site, pulls.said.append, [pulls.number])
    pass_time(pulls, 20)
    merge(pulls)
    pulls.settle()
    assert len(pulls.world.server.workflows()) == 1


def test_of_a_merge_into_a_branch_that_is_no_more_it_is_said_so(pulls: PullRequests) -> None:
    set_policy(pulls, "merge")
    root = pulls.world.root
    git(root, "branch", "feature", "main")
    pulls.github.repository.pull_requests[pulls.number].base_ref = "feature"
    pulls.settle()
    pass_time(pulls, 30)
    merge(pulls, "feature")
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--squash", "feature")
    git(root, "commit", "-q", "-m", "squashed")
    git(root, "branch", "-q", "-D", "feature")
    pulls.github.write_comment(pulls.number, "/vtspec help", author="ben")
    # Git may be behind the forge.
    assert serve_once(pulls.site, pulls.said.append, [pulls.number]).due
    pass_time(pulls, 90)
    pulls.settle()
    assert serve_once(pulls.site, pulls.said.append, [pulls.number]).due == {}
    assert pulls.world.server.workflows() == []
    (told,) = read_comments(pulls, "reply merge-")
    assert "in no branch any more" in told
    pulls.github.write_comment(pulls.number, find_line(told), author="ben")
    pulls.settle()
    assert len(pulls.world.server.workflows()) == 1


def test_the_result_of_a_merge_that_was_taken_out_of_history_is_told(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    root = pulls.world.root
    merge(pulls)
    pulls.settle()
    git(root, "checkout", "-q", "--orphan", "fresh")
    git(root, "commit", "-q", "-m", "rewritten")
    git(root, "branch", "-f", "main", "fresh")
    git(root, "checkout", "-q", "main")
    pulls.github.repository.pull_requests[pulls.number].base_sha = "ab" * 20
    pulls.end_pods(name)
    pulls.world.server.play(name, recorded_status("succeeded"))
    pass_time(pulls, 90)
    pulls.settle()
    assert any(one.startswith("<!-- vtspec:result") for one in pulls.read_comments())


@pytest.mark.parametrize("is_other", [False, True])
def test_what_a_merge_has_made_is_what_is_run(pulls: PullRequests, is_other: bool) -> None:
    set_policy(pulls, "merge")
    pulls.settle()
    pass_time(pulls, 30)
    merge(pulls, is_other=is_other)
    pulls.settle()
    assert len(pulls.world.server.workflows()) == (0 if is_other else 1)
    (told,) = read_comments(pulls, "reply merge-1 ")
    assert ("was carried out" in told) is is_other
    if is_other:
        line = find_line(told)
        pass_time(pulls, 30)
        pulls.github.write_comment(pulls.number, line, author="ben")
        pulls.settle()
        assert len(pulls.world.server.workflows()) == 1
