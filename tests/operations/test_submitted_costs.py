"""What a person begins on the cluster by a command is held to the limits of pull requests."""

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest

from cluster_plans import a_published_plan
from cluster_world import Heard, World, recorded_status
from vtspec.cli import run_session
from vtspec.cli.views.progress import make_progress
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.controller.reservation_record import read_reservations
from vtspec.pipelines.controller.submitted_costs import SubmittedCosts
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.operations.cluster_runner import ClusterRequest
from vtspec.pipelines.operations.cluster_runs import begin_on_cluster
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.seeds import build_seed_plans

TEAM = "  teams: {{vision: {{specs: [specs/experiments], limits: {{costPerMonth: {}}}}}}}\n"


def priced(plan: Plan, cost: float | None = 2.0) -> Plan:
    return replace(plan, estimate=replace(plan.estimate, cost=cost, currency="EUR"))


def ask(world: World, *plans: Plan, limit: float | None = None) -> ClusterRequest:
    """`run --backend argo` of these plans together, where the team may spend so much a month."""
    if limit is not None:
        config = world.root / "vtspec.yaml"
        config.write_text(config.read_text() + TEAM.format(limit))
    asked = world.request(plans[0])
    planned = replace(asked.request.planned, others=plans[1:])
    limits = SubmittedCosts(repository=planned.repository)
    return replace(asked, request=replace(asked.request, planned=planned), limits=limits)


def begin(world: World, *plans: Plan, limit: float | None = None) -> list[str]:
    asked = ask(world, *plans, limit=limit)
    return [one.name for one in begin_on_cluster(asked, Heard().callbacks, world.environ)]


def refuse(world: World, *plans: Plan, limit: float | None = None) -> str:
    with pytest.raises(Refused) as refused:
        begin(world, *plans, limit=limit)
    return str(refused.value)


@pytest.fixture
def plans() -> Sequence[Plan]:
    return [priced(one) for one in build_seed_plans(a_published_plan(report={"seeds": 3}))]


def test_a_run_that_a_limit_has_no_room_for_is_not_begun(world: World) -> None:
    plan = priced(world.plan)
    said = refuse(world, plan, limit=1)
    assert said.startswith(f"{plan.id} is not begun: it would cost about 2.00 EUR")
    assert "`teams.vision.limits.costPerMonth` in `vtspec.yaml` raised" in said
    assert world.server.objects == {} and world.keys() == []


def test_of_several_seeds_all_are_begun_or_none(world: World, plans: Sequence[Plan]) -> None:
    assert plans[2].id in refuse(world, *plans, limit=5)
    assert world.server.workflows() == []
    assert len(begin(world, *plans[:2])) == 2


def test_what_runs_and_has_run_this_month_counts(world: World, plans: Sequence[Plan]) -> None:
    assert begin(world, plans[0], limit=3) == [plans[0].id]
    # Joined it costs nothing more.
    assert begin(world, plans[0]) == [plans[0].id]
    assert "1.00 EUR are left" in refuse(world, plans[1])
    client = KubernetesClient(world.environ)
    (held,) = read_reservations(client, "vision").every
    assert (held.run, held.team, held.cost) == (plans[0].id, "vision", 2.0)
    world.server.play(plans[0].id, recorded_status("failed"))
    assert begin(world, plans[1]) == [plans[1].id]


def test_without_a_price_nothing_is_begun_under_a_limit(world: World) -> None:
    assert "what this plan costs is not known" in refuse(world, priced(world.plan, None), limit=5)


def test_who_has_no_limit_is_held_to_none(world: World) -> None:
    assert begin(world, priced(world.plan)) == [world.plan.id]
    assert read_reservations(KubernetesClient(world.environ), "vision").every == ()


@pytest.mark.parametrize("is_asked", [True, False])
def test_the_command_meets_the_limit_before_it_asks(
    world: World, monkeypatch: pytest.MonkeyPatch, is_asked: bool
) -> None:
    for name in ("KUBECONFIG", "VTSPEC_CACHE"):
        monkeypatch.setenv(name, world.environ[name])
    asked = ask(world, priced(world.plan), limit=1)
    confirmed: list[bool] = []
    heard = Heard()
    with pytest.raises(Refused, match="is not begun"):
        run_session._carry_out_on_cluster(
            asked.request,
            heard.callbacks,
            (lambda: confirmed.append(True)) if is_asked else None,
            make_progress(io.StringIO()),
        )
    assert confirmed == []
