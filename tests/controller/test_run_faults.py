"""An error of ours in what one run has come to is that run's, and holds up no other."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cluster_world import recorded_status
from pull_request_world import World, a_plan_of, a_spec
from served_pull_requests import PullRequests
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.controller import approved_runs, commit_status, observed_attempts, reconcile
from vtspec.pipelines.controller.actions import SetStatus, StopRun, WriteComment
from vtspec.pipelines.controller.metrics import Metrics, SiteMetrics
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.operations.cluster_workflows import ClusterLook
from vtspec.pipelines.runs import Run, Runs

PLAN, OTHER = a_plan_of(), a_plan_of("cats", 7)


def failing_for(run: str, found: Callable[..., Any]) -> Callable[..., Any]:
    """The function with a fault that one run brings out."""

    def fail(attempt: Any, *rest: Any) -> Any:
        if attempt.run == run:
            raise KeyError("epoch")
        return found(attempt, *rest)

    return fail


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (reconcile, "_find_stop_reason"),
        (commit_status, "_judge_soundly"),
        (approved_runs, "_restore"),
    ],
)
def test_an_error_in_what_is_decided_of_a_run_is_that_runs(
    module: Any, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    numbers = [world.open(a_spec(PLAN)), world.open(a_spec(OTHER))]
    world.settle()
    for number, plan in zip(numbers, (PLAN, OTHER), strict=True):
        world.apply(number, plan)
    world.settle()
    monkeypatch.setattr(module, function, failing_for(PLAN.id, getattr(module, function)))
    world.comment(numbers[1], "/vtspec stop")
    decided = reconcile.reconcile_each(world.see())
    assert {run: repr(error) for run, error in decided.run_faults.items()} == {
        PLAN.id: "KeyError('epoch')"
    }
    assert decided.pull_faults == {}
    assert [one.run for one in decided.actions if isinstance(one, StopRun)] == [OTHER.id]
    told = [
        one.body
        for one in decided.actions
        if isinstance(one, WriteComment) and one.pull_request == numbers[0]
    ]
    assert any("an error of vtspec's: KeyError('epoch')" in body for body in told)
    world.do(decided.actions)
    world.begin_working(OTHER.id)
    world.end(OTHER.id)
    actions = reconcile.reconcile_each(world.see()).actions
    head = world.pulls[numbers[1]].pull.head_sha
    assert [one.sha for one in actions if isinstance(one, SetStatus)] == [head]


def test_a_run_that_an_error_is_about_is_not_begun_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    number = world.open(a_spec(PLAN))
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    monkeypatch.setattr(
        reconcile, "_find_stop_reason", failing_for(PLAN.id, reconcile._find_stop_reason)
    )
    said = world.apply(number, PLAN)
    world.do(reconcile.reconcile_each(world.see()).actions)
    assert len(world.created) == 1
    assert "an error of vtspec's" in world.reply_to(number, said)


@pytest.mark.parametrize("function", ["settle_runs", "_make_attempt"])
def test_an_error_in_what_the_cluster_says_of_a_run_is_that_runs(
    function: str, pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = pulls.begin_run()
    pulls.world.server.play(name, recorded_status("failed"))
    metrics = Metrics()
    pulls.site = pulls.make_other_site()
    pulls.site.metrics = SiteMetrics(
        every=metrics, repository="acme/vision", find_requests_left=lambda: None
    )

    def fail(*given: Any) -> Any:
        raise KeyError("epoch")

    sound = getattr(observed_attempts, function)
    monkeypatch.setattr(observed_attempts, function, fail)
    other = pulls.propose_again()
    pulls.settle()
    (progress,) = [one for one in pulls.read_comments() if "vtspec:progress" in one]
    assert "an error of vtspec's: KeyError('epoch')" in progress and f"`{name}`" in progress
    assert metrics.faults.labels("acme/vision")._value.get() > 0
    assert any(f"in what {name} and its Workflow have come to" in line for line in pulls.said)
    assert other in {one.number for one in pulls.github.repository.comments.values()}
    monkeypatch.setattr(observed_attempts, function, sound)
    pulls.settle()
    assert [one for one in pulls.read_comments() if "vtspec:result" in one]


def test_what_of_one_run_is_not_known_just_now_holds_up_no_other(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = pulls.begin_run()
    pulls.world.server.play(name, recorded_status("failed"))

    def wait(runs: Runs, those: Sequence[Run], client: KubernetesClient) -> ClusterLook:
        return ClusterLook(problems={run.name: Temporary("503 Slow Down") for run in those})

    with monkeypatch.context() as patch:
        patch.setattr(observed_attempts, "settle_runs", wait)
        said = pulls.github.write_comment(pulls.number, "/vtspec help", author="ben")
        pulls.settle()
    assert any(f"vtspec:reply {said} " in one for one in pulls.read_comments())
    assert not [one for one in pulls.read_comments() if "vtspec:result" in one]
    pulls.pass_time(60)
    pulls.settle()
    assert [one for one in pulls.read_comments() if "vtspec:result" in one]
