"""What a run counts for a team's limit of cost, which is forgotten once the run is removed."""

from datetime import datetime
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.formatting import format_cost

if TYPE_CHECKING:
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.project.repository import Repository
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.runs.state import RunState


def describe_spending(
    run: "Run", state: "RunState", repository: "Repository", now: datetime
) -> str | None:
    """What of this month's limit (UTC) of which team a run that has ended has taken; None where
    it counts for none, or its plan cannot be read."""
    from vtspec.pipelines.planning.plan_model import plan_from_json

    if not repository.limits_teams or not _is_of_month(state.clock.updated, now):
        return None
    try:
        plan = plan_from_json(run.read_plan(state))
    except Permanent:
        return None
    team = _find_team(run, plan, state, repository)
    if team is None or repository.project.spec.teams[team].limits.cost_per_month is None:
        return None
    return (
        f"costPerMonth of team {team} counts {_describe_cost(plan, state)} of it for this month, "
        "and would be that much freer without it"
    )


def _is_of_month(updated: str | None, now: datetime) -> bool:
    try:
        at = datetime.fromisoformat(updated or "").astimezone(now.tzinfo)
    except ValueError:
        return False
    return (at.year, at.month) == (now.year, now.month)


def _find_team(
    run: "Run", plan: "Plan", state: "RunState", repository: "Repository"
) -> str | None:
    from vtspec.pipelines.validation.teams import find_team

    teams, file = repository.project.spec.teams, run.read_workflow(state)
    if file is not None and file.team in teams:
        return file.team
    return find_team(teams, plan.spec_path, None)


def _describe_cost(plan: "Plan", state: "RunState") -> str:
    estimate = plan.estimate
    if estimate.cost is None or not estimate.whole_seconds:
        return "what nobody knows"
    cost = estimate.cost * state.clock.seconds / estimate.whole_seconds
    return f"about {format_cost(cost, estimate.currency)}"
