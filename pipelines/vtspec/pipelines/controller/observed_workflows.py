"""A repository's runs beside their Workflows, into what a view has of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from vtspec.pipelines.argo import observe
from vtspec.pipelines.argo.workflow import MANAGED, RUN
from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.cluster.kubernetes_client import WORKFLOWS
from vtspec.pipelines.cluster.run_workflow import RunWorkflow, is_made_for
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.operations.cluster_workflows import settle_runs
from vtspec.pipelines.runs import Runs
from vtspec.pipelines.validation.teams import find_team

from .approval import choose_team
from .observed_runs import ObservedRun, ObservedRuns
from .view import Attempt, EndedRun, PullRequestView
from .workflow_marks import read_approvals, read_wanted

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient, Object
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.schema.kinds.project import ProjectSpec


@dataclass(frozen=True, kw_only=True)
class ObservedWorkflow:
    """A Workflow as the cluster has it, and what has come of it."""

    raw: "Object"
    state: WorkflowState


WorkflowsByRun: TypeAlias = Mapping[str, Sequence[ObservedWorkflow]]
"""The Workflows of each run, those of its completions too."""


def find_workflows(client: "KubernetesClient", project: "ProjectSpec") -> WorkflowsByRun:
    """Those that the cluster of a repository has of its runs."""
    assert project.cluster is not None
    groups: dict[str, list[ObservedWorkflow]] = {}
    for one in client.find(WORKFLOWS, project.cluster.namespace, MANAGED):
        name = str(one["metadata"].get("labels", {}).get(RUN) or "")
        groups.setdefault(name, []).append(ObservedWorkflow(raw=one, state=observe(one)))
    return groups


def settle(
    runs: Runs,
    every: Sequence[ObservedRun],
    workflows: WorkflowsByRun,
    client: "KubernetesClient",
) -> bool:
    """Write down the ends of runs whose Workflows are over; whether there were any."""
    begun = [one.run for one in every if not one.state.is_over and _has_ended(one, workflows)]
    if not begun:
        return False
    look = settle_runs(runs, begun, client)
    for problem in (look.problem, *look.problems.values()):
        # What would be refused again is one run's, and hides no other.
        if problem is not None and (problem is look.problem or isinstance(problem, Temporary)):
            raise problem
    return True


def _has_ended(one: ObservedRun, workflows: WorkflowsByRun) -> bool:
    group = workflows.get(one.run.name)
    if group is None:
        return False
    current = _find_current(one, group)
    return current is None or current.state.is_over


def _find_current(
    one: ObservedRun, workflows: Sequence[ObservedWorkflow]
) -> ObservedWorkflow | None:
    """The Workflow of a run's last part."""
    file = one.file
    if file is None:
        return None
    return next((each for each in workflows if is_made_for(each.raw, file)), None)


def make_attempt(
    known: ObservedRuns,
    one: ObservedRun,
    workflows: Sequence[ObservedWorkflow],
    runs: Runs,
    project: "ProjectSpec",
) -> Attempt | None:
    """A run with its Workflows; None while its plan is still to come."""
    plan, state = one.plan, one.state
    if plan is None:
        return None
    current = _find_current(one, workflows)
    approvals = tuple(
        approval for each in workflows for approval in read_approvals(each.raw["metadata"])
    )
    wanted: dict[int, bool] = {}
    for each in workflows:
        for number, is_wanted in read_wanted(each.raw["metadata"]).items():
            wanted[number] = wanted.get(number, False) or is_wanted
    login = approvals[-1].login if approvals else ""
    return Attempt(
        run=one.run.name,
        spec=plan.name,
        plan_id=plan.id,
        digest=plan.digest,
        number=one.run.attempt,
        state=state,
        workflow=None if current is None else current.state,
        approvals=approvals,
        wanted_by=wanted,
        is_stopping=current is not None and bool(current.raw.get("spec", {}).get("shutdown")),
        team=choose_team(plan, login, project),
        cost=plan.estimate.cost,
        currency=plan.estimate.currency,
        facts=known.read_facts(one, runs) if state.is_over else None,
        log=one.log,
        link=one.link,
    )


def look_closer(
    attempt: Attempt, one: ObservedRun, seen: Sequence[PullRequestView], client: "KubernetesClient"
) -> Attempt:
    """An attempt that waits, with what its pods and their queue say of why and for how long."""
    is_shown = any(attempt.wanted_by.get(each.pull.number) for each in seen)
    if not is_shown or attempt.workflow is None or attempt.workflow.phase != "waiting":
        return attempt
    found = None if one.file is None else RunWorkflow(client, one.run, one.file).look().workflow
    return attempt if found is None else replace(attempt, workflow=found)


def find_ended(every: Sequence[ObservedRun], project: "ProjectSpec") -> Iterator[EndedRun]:
    """What the runs of teams have cost, at what was planned for an hour of them."""
    for one in every:
        plan = one.plan
        if plan is None or one.ended is None:
            continue
        team = find_team(project.teams, plan.spec_path, None)
        cost = _compute_cost(plan, one.state.clock.seconds)
        if team is not None and cost is not None:
            yield EndedRun(team=team, ended=one.ended, cost=cost)


def _compute_cost(plan: "Plan", seconds: float) -> float | None:
    estimate = plan.estimate
    if estimate.cost is None or not estimate.whole_seconds:
        return None
    return estimate.cost * seconds / estimate.whole_seconds
