"""What a plan comment has for a person to decide by, and no line that would be refused."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pull_request_world import START, World, a_plan_of, a_spec, an_obstacle
from vtspec.pipelines.controller.view import EndedRun, PlannedSpec
from vtspec.pipelines.planning.diff import compare_plans
from vtspec.pipelines.planning.prior_runs import Comparison, PriorRuns

PLAN, OTHER = a_plan_of("digits"), a_plan_of("birds")


def affect(name: str, **changes: Any) -> PlannedSpec:
    """A spec whose file stays, and whose plan becomes another."""
    before, after = a_plan_of(name), a_plan_of(name, epochs=9)
    found = tuple(compare_plans(before.to_json(), after.to_json()))
    base = Comparison(name=name, note="the base branch", changes=found)
    return a_spec(after, cause="affected", base=base, **changes)


def show(*specs: PlannedSpec, project: dict[str, Any] | None = None, **pull: Any) -> str:
    """The plan comment of a pull request that comes to these specs."""
    world = World(**(project or {}))
    number = world.open(*specs, **pull)
    world.look()
    (found,) = world.find(number, "plan")
    return found


def read_lines(comment: str) -> list[str]:
    """The lines to paste."""
    return re.findall(r"^/vtspec apply .*$", comment, re.M)


def test_plans_are_added_up_where_one_line_is_for_several() -> None:
    assert "together" not in show(a_spec(PLAN))
    found = show(a_spec(PLAN), a_spec(OTHER))
    assert re.search(r"2 plans together: 0\.0\d USD \(.*\), and .* one after another", found)
    assert "To carry `birds`, `digits` out" in found


def test_of_hundreds_of_plans_each_is_to_be_seen() -> None:
    names = [f"digits-{number}" for number in range(120)]
    found = show(*(a_spec(a_plan_of(name)) for name in names))
    assert all(f"`{name}`" in found for name in names)
    assert len(found) < 60_000


def test_what_makes_another_plan_of_an_experiment_is_named() -> None:
    found = show(affect("birds"))
    assert "`birds`: `training.epochs` `5` → `9`" in found
    assert "**Who may approve:**" in found
    assert len(read_lines(found)) == 1


def test_why_another_experiment_cannot_be_carried_out_is_told() -> None:
    found = show(affect("birds", obstacles=(an_obstacle("its image is not published"),)))
    assert "`birds`: ❌ `its image is not published`" in found
    assert read_lines(found) == []


@pytest.mark.parametrize("when", ["approval", "merge"])
def test_no_line_is_told_that_is_refused(when: str) -> None:
    found = show(a_spec(PLAN), affect("birds"), project={"approval": {"when": when}})
    if when == "approval":
        assert read_lines(found) == []
        assert "change its spec in one" in found
    else:
        (line,) = read_lines(found)
        assert f"Once it is merged, paste:\n\n```\n{line}" in found


def test_what_a_merge_has_made_another_is_carried_out_after_it() -> None:
    world = World(approval={"when": "merge"})
    number = world.open(affect("birds"))
    world.settle()
    (line,) = read_lines(world.find(number, "plan")[0])
    world.set_state(number, "merged")
    world.pass_time()
    world.comment(number, line, "ann")
    world.look()
    assert [run for run, _ in world.created] == [a_plan_of("birds", epochs=9).id]


def test_of_what_no_one_digest_is_of_there_are_as_many_lines_as_a_command_takes() -> None:
    world = World()
    plans = []
    for at in range(500):
        digest = hashlib.sha256(str(at).encode()).hexdigest()
        plans.append(replace(PLAN, name=f"s{at}", id=f"s{at}-1", digest=f"sha256:{digest}"))
    number = world.open(*(a_spec(one, name=one.name) for one in plans))
    world.settle()
    world.apply(number, plans[0])
    world.settle()
    lines = read_lines(world.find(number, "plan")[0])
    for line in lines:
        world.comment(number, line)
    world.look()
    assert len(lines) == 2
    assert {run for run, _ in world.created} == {one.id for one in plans}


def test_of_a_draft_or_a_fork_no_line_is_told() -> None:
    draft = show(a_spec(PLAN), affect("birds"), is_draft=True)
    assert read_lines(draft) == [] and "is a draft" in draft
    fork = show(a_spec(PLAN), affect("birds"), is_fork=True, author="guest")
    assert read_lines(fork) == [] and "/vtspec allow" in fork


def test_a_limit_that_will_refuse_is_told_beforehand() -> None:
    folder = {"specs": ["specs/experiments"], "logins": ["ann"]}
    teams = {"vision": {**folder, "limits": {"costPerMonth": 0.06}}}
    world = World(teams=teams)
    at = START - timedelta(hours=1)
    world.ended.append(EndedRun(run="others-run", team="vision", ended=at, cost=0.02))
    number = world.open(a_spec(PLAN), a_spec(OTHER))
    world.look()
    (found,) = world.find(number, "plan")
    # The first of them is within it, and both are not.
    assert found.count("are left; wait") == 1
    assert "⚠️ `digits`" in found or "⚠️ `birds`" in found


def test_what_only_completes_a_result_is_told_to_count_for_nothing() -> None:
    gated = a_plan_of("birds", epochs=9, gates=("accuracy >= 0.5",))
    before = a_plan_of("birds", epochs=9)
    cost, other_cost = before.estimate.cost, PLAN.estimate.cost
    assert cost is not None and other_cost is not None
    folder = {"specs": ["specs/experiments"], "logins": ["ann"]}
    limits = {"costPerMonth": cost * 1.5 + other_cost}
    world = World(teams={"vision": {**folder, "limits": limits}})
    world.open(a_spec(before))
    world.settle()
    world.apply(1, before, "ann")
    world.settle()
    world.end(before.id)
    world.ended.append(EndedRun(run=before.id, team="vision", ended=world.now, cost=cost))
    beside = PriorRuns(runs_as="done", update="gates: accuracy >= 0.5")
    number = world.open(a_spec(PLAN), a_spec(gated, beside=beside))
    world.settle()
    (found,) = world.find(number, "plan")
    assert "| counts for no limit |" in found
    assert "are left; wait" not in found and "together" not in found
    # Nor where it is only affected.
    other = world.open(a_spec(PLAN), a_spec(gated, beside=beside, cause="affected"))
    world.settle()
    (found,) = world.find(other, "plan")
    assert "/vtspec apply" in found and "up to date costs" not in found


def test_nothing_is_said_of_what_is_about_something_else() -> None:
    world = World()
    number = world.open()
    world.look()
    assert world.find(number, "plan") == []
    # What was said before is mended.
    world.pulls[number].specs = (a_spec(PLAN),)
    world.look()
    world.pulls[number].specs = ()
    world.pulls[number].pull = replace(world.pulls[number].pull, head_sha="f" * 40)
    world.look()
    assert "changes no experiment" in world.find(number, "plan")[0]
