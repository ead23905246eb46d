"""A run that cannot be begun hides nothing of what goes on beside it, and what depended on it is
decided anew."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from cluster_world import recorded_status
from pull_request_world import PEOPLE, World, a_plan_of, a_spec
from served_pull_requests import PullRequests
from vtspec.pipelines.controller.actions import Action, CreateRun, LabelRun, Reply, find_subject
from vtspec.pipelines.controller.effects import REFUSED_S, Effects
from vtspec.pipelines.controller.observation import observe_site
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.request import LATEST
from vtspec.pipelines.controller.workflow_marks import read_approvals, read_wanted
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.operations.cluster_runs import begin_on_cluster
from vtspec.pipelines.planning.plan_model import Plan

PLAN, OTHER = a_plan_of("digits"), a_plan_of("birds")


def end_run(pulls: PullRequests) -> str:
    """End the only run that there is, with a result; its name."""
    (name,) = pulls.world.server.workflows()
    pulls.end_pods(name)
    pulls.world.server.play(name, recorded_status("succeeded"))
    return name


def look_again(pulls: PullRequests, times: int = 3) -> None:
    for _ in range(times):
        pulls.pass_time(REFUSED_S + 1)
        pulls.serve()


def find_comment(pulls: PullRequests, kind: str) -> str:
    (found,) = [one for one in pulls.read_comments() if one.startswith(f"<!-- vtspec:{kind}")]
    return found


def read_statuses(pulls: PullRequests) -> Mapping[str, Any]:
    head = pulls.github.repository.pull_requests[pulls.number].head_sha
    return pulls.github.find_statuses(head)


@contextmanager
def failing_to_begin(spec: str) -> Iterator[None]:
    """Have the cluster fail for now at what an experiment asks for."""
    begin = begin_on_cluster

    def fail(asked: Any, *rest: Any) -> Any:
        if asked.request.planned.made.name == spec:
            raise Temporary("failed calling webhook")
        return begin(asked, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vtspec.pipelines.controller.effects.begin_on_cluster", fail)
        yield


def failing(plan: Plan) -> Callable[[Action], int]:
    """The fate of actions where the plan cannot be begun for now."""
    return lambda one: 0 if isinstance(one, CreateRun) and one.plan.id == plan.id else 1


def test_a_refused_run_hides_no_result_of_another(pulls: PullRequests) -> None:
    pulls.set_policy("approval")
    pulls.add_experiments("wide")
    pulls.settle()
    pulls.pass_time(30)
    pulls.refuse_runs("wide")
    pulls.github.review(pulls.number, "ben", is_approved=True)
    look_again(pulls)
    assert "1 at work" in find_comment(pulls, "progress")
    name = end_run(pulls)
    look_again(pulls)
    assert "quota is used up" in find_comment(pulls, "approval")
    assert "`deep`" in find_comment(pulls, "result")
    assert f"already run: `{name}`" in find_comment(pulls, "plan")
    assert read_statuses(pulls)["vtspec/deep"][1] == f"{name}: Gate missed"
    assert "vtspec/wide" not in read_statuses(pulls)


def test_who_asked_for_a_run_that_is_refused_is_told_so(pulls: PullRequests) -> None:
    pulls.settle()
    pulls.refuse_runs()
    line = pulls.find_line()
    for login in ("ben", "ana"):
        pulls.github.write_comment(pulls.number, line, author=login)
    look_again(pulls)
    answers = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:reply")]
    assert len(answers) == 2 and all("quota is used up" in one for one in answers)


def test_who_lost_their_rights_takes_nobody_elses_word_along(pulls: PullRequests) -> None:
    pulls.settle()
    line = pulls.find_line()
    help_id = pulls.github.write_comment(pulls.number, "/vtspec help", author="ben")
    for login in ("ana", "ben"):
        pulls.github.write_comment(pulls.number, line, author=login)
    observed = observe_site(pulls.site)
    pulls.site.repository = observed.repository
    pulls.github.grant("ana", "read")
    done = Effects(site=pulls.site, repository=observed.repository, report=pulls.said.append)
    done.carry_out(reconcile(observed.view))
    assert any("ana may not approve any more" in line for line in pulls.said)
    # What depends on no run waits for none.
    (answer,) = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:reply")]
    assert answer.startswith(f"<!-- vtspec:reply {help_id} ")
    look_again(pulls)
    workflow = pulls.world.server.workflow(*pulls.world.server.workflows())
    assert workflow is not None
    (approval,) = read_approvals(workflow["metadata"])
    assert approval.login == "ben"


def test_what_left_too_little_of_a_limit_and_failed_refuses_nobody() -> None:
    teams = {"vision": {"logins": ["bob", "kim"], "limits": {"costPerMonth": 0.05}}}
    world = World(teams=teams)
    number, other = world.open(a_spec(PLAN)), world.open(a_spec(OTHER))
    world.settle()
    world.apply(number, PLAN)
    said = world.apply(other, OTHER, "kim")
    answers = [one for one in reconcile(world.see()) if isinstance(one, Reply)]
    (refusal,) = [one for one in answers if one.word == said]
    assert "are left" in refusal.body and refusal.relies_on == {PLAN.id}


def test_what_a_command_could_begin_in_part_is_answered_in_the_end(pulls: PullRequests) -> None:
    pulls.add_experiments("wide")
    pulls.settle()
    with failing_to_begin("wide"):
        pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
        pulls.serve()
        name = end_run(pulls)
        look_again(pulls)
        assert "`deep`" in find_comment(pulls, "result")
        assert not [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:reply")]
        pulls.pass_time(LATEST.total_seconds())
        look_again(pulls)
    answer = find_comment(pulls, "reply")
    assert f"`{name}` was begun" in answer and "not tried any more" in answer
    (left,) = [line for line in answer.splitlines() if line.startswith("/vtspec apply ")]
    pulls.github.write_comment(pulls.number, left, author="ben")
    pulls.settle()
    names = {one.partition("-")[0] for one in pulls.world.server.workflows()}
    assert names == {"deep", "wide"}


def test_what_a_command_began_before_the_rest_was_refused_is_told(pulls: PullRequests) -> None:
    pulls.add_experiments("wide")
    pulls.settle()
    with failing_to_begin("wide"):
        pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
        pulls.serve()
    (name,) = pulls.world.server.workflows()
    pulls.refuse_runs("wide")
    look_again(pulls)
    answer = find_comment(pulls, "reply")
    assert f"🚀 `{name}`" in answer and "quota is used up" in answer
    assert f"<!-- vtspec:run {name} " in answer


@pytest.mark.parametrize("what", ["lost rights", "edited"])
def test_who_is_refused_the_rest_is_told_what_was_begun(what: str) -> None:
    world = World()
    number = world.open(a_spec(PLAN), a_spec(OTHER), author="kim")
    world.settle()
    said = world.comment(number, f"/vtspec apply {PLAN.digest[7:14]} {OTHER.digest[7:14]}")
    world.do(reconcile(world.see()), failing(OTHER))
    if what == "edited":
        world.edit(number, said, "/vtspec help")
    else:
        world.people = {**PEOPLE, "bob": "none"}
    world.look()
    assert f"`{PLAN.id}` was begun" in world.reply_to(number, said)
    assert [run for run, _ in world.created] == [PLAN.id]


def test_a_stop_calls_off_what_could_not_be_begun_and_stops_the_rest() -> None:
    world = World()
    number = world.open(a_spec(PLAN), a_spec(OTHER))
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    said = world.apply(number, OTHER)
    world.do(reconcile(world.see()), failing(OTHER))
    stop = world.comment(number, "/vtspec stop")
    world.do(reconcile(world.see()), failing(OTHER))
    assert world.attempts[PLAN.id].is_stopping and OTHER.id not in world.attempts
    assert f"`{PLAN.id}` is being stopped" in world.reply_to(number, stop)
    answer = world.reply_to(number, said)
    assert "`birds` was not begun, since `/vtspec stop` was said after this" in answer
    assert f"\n/vtspec apply {OTHER.digest[7:14]}\n" in answer
    world.apply(number, OTHER)
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id, OTHER.id]


@pytest.mark.parametrize("login", ["bob", "guest"])
def test_what_a_stop_names_alone_is_called_off(login: str) -> None:
    world = World()
    number = world.open(a_spec(PLAN), a_spec(OTHER))
    world.settle()
    said = world.comment(number, f"/vtspec apply {PLAN.digest[7:14]} {OTHER.digest[7:14]}")
    world.comment(number, "/vtspec stop birds", login)
    world.settle()
    begun = {"bob": {PLAN.id}, "guest": {PLAN.id, OTHER.id}}[login]
    assert {run for run, _ in world.created} == begun
    assert ("`birds` was not begun" in world.reply_to(number, said)) is (login == "bob")
    # Whoever says it before is not meant.
    world.apply(number, OTHER)
    world.settle()
    assert OTHER.id in world.attempts


def test_a_stop_by_name_waits_for_no_other_run() -> None:
    world = World()
    number = world.open(a_spec(PLAN), a_spec(OTHER))
    world.settle()
    world.comment(number, f"/vtspec apply {PLAN.digest[7:14]} {OTHER.digest[7:14]}")
    world.do(reconcile(world.see()), failing(OTHER))
    stop = world.comment(number, "/vtspec stop digits")
    world.do(reconcile(world.see()), failing(OTHER))
    assert f"`{PLAN.id}` is being stopped" in world.reply_to(number, stop)


def test_a_stop_drops_none_for_a_run_that_is_not_there(pulls: PullRequests) -> None:
    pulls.set_policy("approval")
    pulls.settle()
    pulls.pass_time(30)
    pulls.github.review(pulls.number, "ben", is_approved=True)
    pulls.settle()
    (name,) = pulls.world.server.workflows()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    observed = observe_site(pulls.site)
    (label,) = (one for one in reconcile(observed.view) if isinstance(one, LabelRun))
    effects = Effects(site=pulls.site, repository=observed.repository, report=pulls.said.append)
    effects.act([replace(label, run="deep-0000000000"), label])
    workflow = pulls.world.server.workflow(name)
    assert workflow is not None and read_wanted(workflow["metadata"]) == {pulls.number: False}


def test_no_run_is_joined_too_late() -> None:
    world = World()
    number, other = world.open(a_spec(PLAN), a_spec(OTHER)), world.open(a_spec(OTHER))
    world.settle()
    said = world.comment(number, f"/vtspec apply {PLAN.digest[7:14]} {OTHER.digest[7:14]}")
    world.do(reconcile(world.see()), failing(OTHER))
    world.pass_time(LATEST.total_seconds() + 1)
    world.apply(other, OTHER)
    world.do(one for one in reconcile(world.see()) if find_subject(one) == other)
    world.settle()
    assert world.attempts[OTHER.id].wanted_by == {other: True}
    assert "not tried any more" in world.reply_to(number, said)


def test_what_is_left_of_a_rerun_is_named_by_its_digest() -> None:
    one, two = a_plan_of("digits", seed=1), a_plan_of("digits", seed=2)
    world = World()
    number = world.open(a_spec(one, plans=(one, two)))
    world.settle()
    world.comment(number, f"/vtspec apply {one.digest[7:14]} {two.digest[7:14]}")
    world.settle()
    for plan in (one, two):
        world.end(plan.id)
    world.settle()
    said = world.comment(number, "/vtspec rerun")
    for _ in range(4):
        world.do(reconcile(world.see()), failing(two))
        world.pass_time(LATEST.total_seconds() / 2)
    answer = world.reply_to(number, said)
    assert f"`{one.id}-2` was begun" in answer
    (line,) = (one for one in answer.splitlines() if one.startswith("/vtspec rerun "))
    world.end(f"{one.id}-2")
    world.comment(number, line)
    world.settle()
    assert [run for run, _ in world.created][2:] == [f"{one.id}-2", f"{two.id}-2"]
    world.push(number, a_spec(PLAN))
    world.settle()
    late = world.comment(number, line)
    world.settle()
    assert "/vtspec apply" in world.reply_to(number, late)


@pytest.mark.parametrize("policy", [{"teams": ["small"]}, {"when": "approval"}])
def test_a_command_counts_by_the_policy_that_it_was_said_under(policy: Mapping[str, Any]) -> None:
    teams = {"small": {"logins": ["ann"]}}
    world = World(teams=teams, approval=policy)
    number = world.open(a_spec(PLAN), author="ann")
    world.settle()
    said = world.apply(number, PLAN, "kim")
    world.project = World(teams={"small": {"logins": ["ann", "kim"]}}).project
    world.settle()
    assert world.created == []
    answer = world.reply_to(number, said)
    assert "who may approve it as it is now, was not shown" in answer
    assert f"\n/vtspec apply {PLAN.digest[7:14]}\n" in answer
    world.apply(number, PLAN, "kim")
    world.settle()
    assert [approval.login for _, approval in world.created] == ["kim"]
