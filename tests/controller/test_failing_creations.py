"""A run that cannot be begun hides nothing of what goes on beside it, and what depended on it is
decided anew."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from cluster_world import recorded_status
from pull_request_world import PEOPLE, World, a_plan_of, a_spec
from served_pull_requests import PullRequests
from vtspec.pipelines.controller.actions import CreateRun, Reply
from vtspec.pipelines.controller.effects import REFUSED_S, Effects
from vtspec.pipelines.controller.observation import observe_site
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.request import LATEST
from vtspec.pipelines.controller.workflow_marks import read_approvals
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.operations.cluster_runs import begin_on_cluster

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
    (refusal,) = [one for one in answers if one.comment_id == said]
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
    number = world.open(a_spec(PLAN), a_spec(OTHER))
    world.settle()
    said = world.comment(number, f"/vtspec apply {PLAN.digest[7:14]} {OTHER.digest[7:14]}")
    is_other = lambda action: isinstance(action, CreateRun) and action.plan is OTHER  # noqa: E731
    world.do(reconcile(world.see()), lambda action: 0 if is_other(action) else 1)
    if what == "edited":
        world.edit(number, said, "/vtspec help")
    else:
        world.people = {**PEOPLE, "bob": "none"}
    world.look()
    assert f"`{PLAN.id}` was begun" in world.reply_to(number, said)
    assert [run for run, _ in world.created] == [PLAN.id]
