"""What runs may cost is reserved before they are begun, so that controllers that do not see each
other's runs yet cannot pass a limit together."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Never

import pytest

from cluster_plans import a_cluster_project, a_published_plan
from git_repositories import commit, git
from kubernetes_server import KubernetesServer
from plan_repository import change
from pull_request_world import START, World, a_plan_of, a_spec
from run_folders import STARTED, SUCCEEDED, a_run_folder, append
from served_pull_requests import PullRequests
from vtspec.pipelines.controller.actions import CreateRun
from vtspec.pipelines.controller.digests import Target
from vtspec.pipelines.controller.effects import Effects
from vtspec.pipelines.controller.ledger import open_ledger
from vtspec.pipelines.controller.observation import observe_site
from vtspec.pipelines.controller.observed_attempts import ObservedAttempts
from vtspec.pipelines.controller.observed_runs import ObservedRuns
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.request import find_standing
from vtspec.pipelines.controller.reservation_record import read_reservations
from vtspec.pipelines.controller.reservations import (
    HELD,
    RECORD_NAME,
    Reservation,
    encode_reservation,
    parse_reservation,
)
from vtspec.pipelines.controller.site import Site
from vtspec.pipelines.controller.view import EndedRun, View
from vtspec.pipelines.controller.worker import serve_once
from vtspec.pipelines.forge.forge import Forge, PullRequest
from vtspec.pipelines.planning.prior_runs import PriorRuns
from vtspec.pipelines.runs import Runs

PLAN, OTHER = a_plan_of("digits"), a_plan_of("birds")
RECORD = f"/api/v1/namespaces/vision/configmaps/{RECORD_NAME}"


class HaltingForge:
    """A forge that tells nobody that a head has not moved until all want to begin a run."""

    def __init__(self, forge: Forge, barrier: threading.Barrier) -> None:
        self._forge, self._barrier, self._asked = forge, barrier, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._forge, name)

    def get_pull_request(self, number: int) -> PullRequest:
        """As the forge; the first time it is to be seen, the second time to be begun."""
        self._asked += 1
        if self._asked == 2:
            self._barrier.wait(30.0)
        return self._forge.get_pull_request(number)


def limit_costs(pulls: PullRequests, limit: str) -> None:
    """Have the default branch limit what ben's team may cost in a month."""
    root = pulls.world.root
    git(root, "checkout", "-q", "main")
    teams = f"spec:\n  teams: {{vision: {{logins: [ben], limits: {{costPerMonth: {limit}}}}}}}\n"
    change(root, "vtspec.yaml", "spec:\n", teams)
    commit(root)


def settle(pulls: PullRequests, sites: Sequence[Site]) -> None:
    """Have all of them look until none has anything to do."""
    for _ in range(8):
        if sum(serve_once(site, pulls.said.append).actions for site in sites) == 0:
            return
    raise AssertionError(f"they do not come to rest: {pulls.said}")


def list_costs(site: Site) -> list[float]:
    specs = [spec for seen in observe_site(site).view.pull_requests for spec in seen.specs]
    costs = [plan.estimate.cost for spec in specs for plan in spec.plans]
    assert all(costs) and len(costs) == 2
    return [cost for cost in costs if cost is not None]


def test_two_controllers_that_begin_runs_at_once_cannot_pass_a_limit(pulls: PullRequests) -> None:
    numbers = [pulls.number, pulls.propose_another()]
    sites = [pulls.site, pulls.make_other_site()]
    limit_costs(pulls, "1000")
    settle(pulls, sites)
    costs = list_costs(sites[0])
    # Either of them is within it, and both together are not.
    root = pulls.world.root
    change(root, "vtspec.yaml", "costPerMonth: 1000", f"costPerMonth: {max(costs) * 1.01}")
    commit(root)
    settle(pulls, sites)
    for number in numbers:
        line = pulls.find_line(number)
        pulls.github.write_comment(number, line, author="ben")
    barrier = threading.Barrier(2)
    looks = [
        threading.Thread(
            target=serve_once,
            # Each was told of one pull request.
            args=(replace(site, forge=HaltingForge(site.forge, barrier)), print, [number]),
        )
        for site, number in zip(sites, numbers, strict=True)
    ]
    for one in looks:
        one.start()
    for one in looks:
        one.join(60.0)
    assert not barrier.broken and len(pulls.world.server.workflows()) == 1
    settle(pulls, sites)
    assert len(pulls.world.server.workflows()) == 1
    answers = [body for body in pulls.read_comments() if body.startswith("<!-- vtspec:reply")]
    assert sorted("are left" in body for body in answers) == [False, True]
    reserved = json.loads(json.dumps(pulls.world.server.objects[RECORD]["data"]))
    assert list(reserved) == pulls.world.server.workflows()


def test_what_is_begun_late_is_reserved_from_then_on(pulls: PullRequests) -> None:
    limit_costs(pulls, "50")
    pulls.set_policy("approval")
    pulls.settle()
    pulls.pass_time(30)
    pulls.github.review(pulls.number, "ben", is_approved=True)
    observed = observe_site(pulls.site)
    pulls.pass_time(HELD.total_seconds() + 60)
    Effects(
        site=pulls.site,
        repository=observed.repository,
        report=pulls.said.append,
        reserved=observed.reservations,
    ).carry_out(reconcile(observed.view))
    (name,) = pulls.world.server.workflows()
    reserved = parse_reservation(name, pulls.world.server.objects[RECORD]["data"][name])
    assert reserved is not None and reserved.is_held(pulls.site.now)


def test_what_is_reserved_is_asked_for_where_there_is_a_limit(pulls: PullRequests) -> None:
    pulls.settle()
    assert pulls.world.server.count("GET", RECORD_NAME) == 0
    limit_costs(pulls, "50")
    pulls.settle()
    assert pulls.world.server.count("GET", RECORD_NAME) > 0


def test_where_a_record_cannot_be_read_nothing_is_begun_that_it_limits(
    pulls: PullRequests,
) -> None:
    limit_costs(pulls, "50")
    pulls.settle()
    put_record(pulls.world.server, {"digits-1": "much"})
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    assert pulls.world.server.workflows() == []
    (answer,) = [body for body in pulls.read_comments() if body.startswith("<!-- vtspec:reply")]
    assert "says of `digits-1` what is no reservation" in answer
    assert f"`kubectl -n vision delete configmap {RECORD_NAME}`" in answer
    del pulls.world.server.objects[RECORD]
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    assert len(pulls.world.server.workflows()) == 1


def test_who_has_no_limit_is_not_held_up_by_a_record_that_cannot_be_read() -> None:
    world = World(teams={**TEAMS, "faces": {"logins": ["ann"]}})
    number = world.open(a_spec(PLAN))
    world.settle()
    world.apply(number, PLAN, "ann")
    view = replace(world.see(), spoiled_reservation="digits-1")
    assert [one for one in reconcile(view) if isinstance(one, CreateRun)]


def test_what_was_reserved_for_a_run_that_is_refused_is_let_go(pulls: PullRequests) -> None:
    limit_costs(pulls, "50")
    pulls.settle()
    pulls.world.server.denied = {("create", "workflows")}
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    assert pulls.world.server.objects[RECORD]["data"] == {}


def test_what_was_not_tried_beside_a_refused_run_is_let_go(pulls: PullRequests) -> None:
    limit_costs(pulls, "50")
    pulls.add_experiments("wide", "wider")
    pulls.settle()
    pulls.refuse_runs()
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    assert pulls.world.server.workflows() == []
    assert pulls.world.server.objects[RECORD]["data"] == {}


def test_what_is_taken_back_between_two_runs_is_let_go(pulls: PullRequests) -> None:
    limit_costs(pulls, "50")
    pulls.add_experiments("wide")
    pulls.settle()
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.world.server.created = lambda body: (
        pulls.github.grant("ben", "read") if body["kind"] == "Workflow" else None
    )
    pulls.settle()
    assert len(pulls.world.server.workflows()) == 1
    assert list(pulls.world.server.objects[RECORD]["data"]) == pulls.world.server.workflows()


def test_what_another_has_reserved_since_is_not_let_go(pulls: PullRequests) -> None:
    ours = reserve("digits-1")
    theirs = encode_reservation(reserve("digits-1", at=START + timedelta(seconds=1)))
    put_record(pulls.world.server, {"digits-1": theirs})
    client = pulls.site.open_cluster()
    record = read_reservations(client, "vision")
    record.withdraw(client, [ours])
    assert pulls.world.server.objects[RECORD]["data"] == {"digits-1": theirs}
    record.withdraw(client, record.every)
    assert pulls.world.server.objects[RECORD]["data"] == {}


def test_what_is_reserved_for_what_did_not_come_goes_with_the_next(pulls: PullRequests) -> None:
    limit_costs(pulls, "50")
    pulls.settle()
    at = (pulls.github.server.world.now - HELD).isoformat()
    text = json.dumps({"team": "vision", "cost": 49.99, "afterSeq": -1, "at": at})
    put_record(pulls.world.server, {"digits-1": text})
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    assert list(pulls.world.server.objects[RECORD]["data"]) == pulls.world.server.workflows()


def test_what_is_reserved_no_more_is_not_looked_for(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_costs(pulls, "50")
    pulls.settle()
    at = pulls.github.server.world.now - HELD
    stale = {f"digits-{n}": encode_reservation(reserve(f"digits-{n}", at=at)) for n in range(60)}
    put_record(pulls.world.server, stale)
    pulls.serve([pulls.number])

    def list_all(known: ObservedRuns, runs: Runs) -> Never:
        raise AssertionError("the whole store is listed for a look at one pull request")

    monkeypatch.setattr(ObservedRuns, "read", list_all)
    pulls.serve([pulls.number])


def put_record(server: KubernetesServer, data: Mapping[str, str]) -> None:
    server.put(
        RECORD, {"kind": "ConfigMap", "metadata": {"name": RECORD_NAME}, "data": dict(data)}
    )


TEAMS = {"vision": {"logins": ["bob"], "limits": {"costPerMonth": 0.05}}}


def decide(world: World, *reservations: Reservation) -> list[CreateRun]:
    """What is begun beside these reservations."""
    view: View = replace(world.see(), reservations=reservations)
    return [one for one in reconcile(view) if isinstance(one, CreateRun)]


def reserve(run: str, **changes: Any) -> Reservation:
    known = {"run": run, "team": "vision", "cost": 0.04, "after_seq": -1, "at": START}
    return Reservation(**{**known, **changes})


def test_what_another_controller_has_reserved_counts_until_its_run_does() -> None:
    world = World(teams=TEAMS)
    number, other = world.open(a_spec(PLAN)), world.open(a_spec(OTHER))
    world.settle()
    world.apply(number, PLAN)
    (begun,) = decide(world)
    assert begun.reservation is not None
    assert (begun.reservation.run, begun.reservation.after_seq) == (PLAN.id, -1)
    assert decide(world, reserve("others-run")) == []
    assert decide(world, reserve("others-run", team="faces")) == [begun]
    assert decide(world, reserve("others-run", at=world.now - HELD)) == [begun]
    # Its own, of a controller that was killed then.
    assert decide(world, reserve(PLAN.id)) == [begun]
    world.settle()
    world.end(PLAN.id)
    world.apply(other, OTHER)
    seq = world.attempts[PLAN.id].state.seq
    # It has ended, and its costs are with those of what has.
    assert len(decide(world, reserve(PLAN.id, after_seq=seq - 1))) == 1
    # It is to go on, and has not told so yet.
    assert decide(world, reserve(PLAN.id, after_seq=seq)) == []


def test_a_run_at_work_is_not_counted_twice() -> None:
    teams = {"vision": {"logins": ["bob"], "limits": {"costPerMonth": 0.07}}}
    world = World(teams=teams)
    number, other = world.open(a_spec(PLAN)), world.open(a_spec(OTHER))
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    world.pass_time(timedelta(minutes=1).total_seconds())
    world.apply(other, OTHER)
    assert len(decide(world, reserve(PLAN.id))) == 1
    assert decide(world, reserve("others-run")) == []


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ({"currency": "KRW"}, "was planned in KRW, and the limit is in USD"),
        ({"cost": None}, "there was no price for"),
    ],
)
def test_what_cannot_be_added_up_makes_what_is_spent_unknown(
    price: dict[str, Any], words: str
) -> None:
    teams = {"vision": {"logins": ["bob", "ann"], "limits": {"costPerMonth": 5}}}
    world = World(teams=teams)
    number, other = world.open(a_spec(PLAN)), world.open(a_spec(OTHER))
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    world.attempts[PLAN.id] = replace(world.attempts[PLAN.id], **price)
    said = world.apply(other, OTHER)
    world.settle()
    assert words in world.reply_to(other, said)
    assert "`teams.vision.limits.costPerMonth` in `vtspec.yaml` taken out" in world.reply_to(
        other, said
    )
    world.end(PLAN.id)
    ended = {"run": PLAN.id, "team": "vision", "cost": 0.01, "ended": world.now, **price}
    world.ended = [EndedRun(**ended)]
    said = world.apply(other, OTHER)
    world.settle()
    assert words in world.reply_to(other, said)
    assert [run for run, _ in world.created] == [PLAN.id]
    world.ended = [EndedRun(**{**ended, "ended": world.now - timedelta(days=40)})]
    world.apply(other, OTHER)
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id, OTHER.id]


def test_what_is_reserved_is_of_a_currency() -> None:
    world = World(teams=TEAMS)
    number = world.open(a_spec(PLAN))
    world.settle()
    world.apply(number, PLAN)
    (begun,) = decide(world, reserve("others-run", cost=0.001))
    assert begun.reservation is not None and begun.reservation.currency == "USD"
    assert decide(world, reserve("others-run", cost=0.001, currency="USD")) == [begun]
    assert decide(world, reserve("others-run", cost=0.001, currency="KRW")) == []
    text = encode_reservation(begun.reservation)
    assert parse_reservation(begun.run, text) == begun.reservation


def test_what_completes_a_result_is_held_to_no_limit_of_cost() -> None:
    world = World(teams=TEAMS)
    number = world.open(a_spec(PLAN))
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id)
    # Nothing is left of the limit.
    world.ended = [EndedRun(run=PLAN.id, team="vision", ended=world.now, cost=0.05)]
    gated = a_plan_of(gates=("accuracy >= 0.9",))
    beside = PriorRuns(runs_as="done", run=PLAN.id, update="report.gates", completion="x")
    world.push(number, a_spec(gated, beside=beside))
    world.settle()
    world.apply(number, gated)
    (begun,) = decide(world)
    assert (begun.begin, begun.reservation) == ("completion", None)
    ledger = open_ledger(world.see())
    target = Target(spec=a_spec(gated, beside=beside), plan=gated)
    ledger.begin_run(target, find_standing(target, ledger), begun.approval, "vision")
    assert ledger.count_spent("vision") == 0.05


def test_a_run_whose_result_is_being_completed_costs_what_the_result_did(tmp_path: Path) -> None:
    plan = a_published_plan()
    updated = {
        "plan_digest": plan.digest,
        "previous_digest": plan.digest,
        "changed": [],
        "steps": ["report"],
        "sections": {},
    }
    folder = a_run_folder(tmp_path, [STARTED, SUCCEEDED, ("run.updated", updated)], plan.to_json())
    known, runs = ObservedRuns(), Runs(folder.parent)
    project = a_cluster_project()

    def read_cost() -> float | None:
        every = known.read(runs)
        (attempt,) = ObservedAttempts().make(known, every, {}, runs, project)
        return attempt.cost

    cost, seconds = plan.estimate.cost, plan.estimate.whole_seconds
    assert cost is not None and seconds is not None
    # From its start to its end, a second.
    assert read_cost() == cost / seconds
    (folder / "events.jsonl").write_text("")
    append(folder, [STARTED], 0)
    assert read_cost() == cost


@pytest.mark.parametrize(("ahead", "is_held"), [(HELD / 2, True), (timedelta(days=3), False)])
def test_what_was_reserved_far_ahead_is_not_held(ahead: timedelta, is_held: bool) -> None:
    world = World(teams=TEAMS)
    number = world.open(a_spec(PLAN))
    world.settle()
    world.apply(number, PLAN)
    assert bool(decide(world, reserve("others-run", at=world.now + ahead))) != is_held
