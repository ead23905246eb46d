"""The plans of several seeds on a cluster: side by side, each followed to its end."""

from dataclasses import replace

import pytest

from cluster_plans import a_published_plan
from cluster_world import Heard, Pods, World, await_workflow, recorded_status
from kubernetes_server import await_true
from run_folders import STARTED, SUCCEEDED
from vtspec.pipelines.operations.cluster_runner import ClusterRequest
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.seeds import build_seed_plans

pytestmark = pytest.mark.slow


@pytest.fixture
def plans() -> tuple[Plan, ...]:
    found = build_seed_plans(a_published_plan(report={"seeds": 3}))
    assert len(found) == 3
    return found


def _request(world: World, plans: tuple[Plan, ...]) -> ClusterRequest:
    request = world.request(plans[0])
    planned = replace(request.request.planned, others=plans[1:])
    return replace(request, request=replace(request.request, planned=planned))


def _end(world: World, plan: Plan, ending: str) -> None:
    pods = Pods(world, plan.id, name=f"pod-of-{plan.id}")
    end = SUCCEEDED if ending == "succeeded" else ("failed", {"message": "the loss is NaN"})
    pods.tell(STARTED, end, is_printed=False)
    pods.store()
    world.server.play(plan.id, recorded_status(ending))


def test_all_seeds_are_on_the_cluster_at_once_and_one_that_fails_stops_no_other(
    world: World, plans: tuple[Plan, ...]
) -> None:
    heard = Heard()
    with world.asking(_request(world, plans), heard) as asked:
        for plan in plans:
            # Before any has ended.
            await_workflow(world, plan.id)
        _end(world, plans[1], "failed")
        _end(world, plans[0], "succeeded")
        _end(world, plans[2], "succeeded")
    assert asked.error is None
    assert asked.result.left == ()
    endings = [one.outcome.ending for one in asked.result.results]
    assert endings == ["succeeded", "failed", "succeeded"]
    assert [line for line in heard.said if line.startswith("seed ")] == [
        f"seed {plan.training.seed}, {number} of 3: {plan.id}"
        for number, plan in enumerate(plans, start=1)
    ]


def test_who_stops_looking_leaves_all_of_them_alone(world: World, plans: tuple[Plan, ...]) -> None:
    heard = Heard()
    with world.asking(_request(world, plans), heard) as asked:
        for plan in plans:
            await_workflow(world, plan.id)
        await_true(lambda: any(line.startswith("seed ") for line in heard.said), "looks on")
        heard.stop.request("stopped")
    assert [one.outcome for one in asked.result.results] == [None, None, None]
    assert {one.run.name for one in asked.result.results} == {plan.id for plan in plans}
    for plan in plans:
        assert "shutdown" not in (world.server.workflow(plan.id) or {})["spec"]
