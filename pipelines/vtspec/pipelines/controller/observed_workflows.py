"""A repository's runs beside their Workflows, into what a view has of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from vtspec.pipelines.argo import observe
from vtspec.pipelines.argo.node_tree import read_mapping, read_text
from vtspec.pipelines.argo.workflow import MANAGED, RUN
from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.cluster.kubernetes_client import WORKFLOWS
from vtspec.pipelines.cluster.object_watch import ObjectWatch
from vtspec.pipelines.cluster.run_workflow import RunWorkflow, is_made_for
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.operations.cluster_workflows import settle_runs
from vtspec.pipelines.runs import Runs
from vtspec.pipelines.validation.teams import find_team

from .approval import choose_team
from .observed_runs import ObservedRun, ObservedRuns
from .view import Approval, Attempt, EndedRun, PullRequestView
from .workflow_marks import read_approvals, read_wanted

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient, Object
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.schema.kinds.project import ProjectSpec


@dataclass(frozen=True, kw_only=True)
class ObservedWorkflow:
    """A Workflow as the cluster has it, and what it says: of which run it is, what has come of it,
    who approved it and which pull requests want it still."""

    raw: "Object"
    run: str
    state: WorkflowState
    approvals: tuple[Approval, ...]
    wanted_by: Mapping[int, bool]

    @property
    def is_stopping(self) -> bool:
        """Whether the cluster was told to stop it."""
        return bool(read_mapping(self.raw, "spec").get("shutdown"))


def observe_workflow(raw: "Object") -> ObservedWorkflow:
    """What a Workflow says."""
    metadata = read_mapping(raw, "metadata")
    return ObservedWorkflow(
        raw=raw,
        run=read_text(metadata, "labels", RUN) or "",
        state=observe(raw),
        approvals=tuple(read_approvals(metadata)),
        wanted_by=read_wanted(metadata),
    )


WorkflowsByRun: TypeAlias = Mapping[str, Sequence[ObservedWorkflow]]
"""The Workflows of each run, those of its completions too."""


class ObservedWorkflows:
    """The Workflows that a repository has on its cluster: listed for each look, or, after
    `follow`, followed all the time."""

    def __init__(self) -> None:
        self._tell: Callable[[Iterable[int]], None] | None = None
        self._watch: ObjectWatch | None = None
        self._seen: dict[str, ObservedWorkflow] = {}
        self._touched: set[str] = set()

    def follow(self, tell: Callable[[Iterable[int]], None]) -> None:
        """Follow them from the next `read` on; `tell` is called with the pull requests that want
        one of which something has changed, and has to return at once."""
        self._tell = tell

    def stop(self) -> None:
        """Follow them no more."""
        self._tell = None
        if self._watch is not None:
            self._watch.stop()

    def touch(self, name: str) -> None:
        """Ask for one at the next `read`: it was just made or changed, and may not be told of
        yet."""
        self._touched.add(name)

    def read(
        self, open_client: "Callable[[], KubernetesClient]", namespace: str
    ) -> WorkflowsByRun:
        """Those of runs, as they are now. Raises as the client does."""
        if self._tell is None:
            found = open_client().find(WORKFLOWS, namespace, MANAGED)
        else:
            found = self._find_followed(open_client, namespace)
        there: dict[str, ObservedWorkflow] = {}
        groups: dict[str, list[ObservedWorkflow]] = {}
        for raw in found:
            name = read_text(raw, "metadata", "name") or ""
            known = self._seen.get(name)
            there[name] = one = known if known and known.raw is raw else observe_workflow(raw)
            groups.setdefault(one.run, []).append(one)
        self._seen = there
        return groups

    def _find_followed(
        self, open_client: "Callable[[], KubernetesClient]", namespace: str
    ) -> "list[Object]":
        watch = self._watch
        if watch is None or watch.namespace != namespace:
            if watch is not None:
                watch.stop()
            self._watch = watch = ObjectWatch(
                open_client=open_client,
                resource=WORKFLOWS,
                namespace=namespace,
                labels=MANAGED,
                on_change=self._note_change,
            )
            watch.start()
        found = watch.find()
        if not self._touched:
            return found
        client = open_client()
        while self._touched:
            name = next(iter(self._touched))
            watch.note(name, client.get(WORKFLOWS, namespace, name))
            self._touched.discard(name)
        return watch.find()

    def _note_change(self, before: "Object | None", after: "Object | None") -> None:
        was, now = (None if one is None else observe_workflow(one) for one in (before, after))
        numbers = {number for one in (was, now) if one is not None for number in one.wanted_by}
        if numbers and self._tell is not None and _describe(was) != _describe(now):
            self._tell(numbers)


def _describe(one: ObservedWorkflow | None) -> object:
    """What of a Workflow anything is decided by."""
    return one and (one.state, one.wanted_by, one.approvals, one.is_stopping)


def list_wanting(workflows: WorkflowsByRun, numbers: Iterable[int] | None) -> set[int]:
    """The pull requests that want runs; those alone that share one with `numbers`, if not None."""
    asked = None if numbers is None else {*numbers}
    found: set[int] = set()
    for group in workflows.values():
        wanting = {number for one in group for number in one.wanted_by}
        if asked is None or wanting & asked:
            found |= wanting
    return found


def list_runs_wanted_by(workflows: WorkflowsByRun, numbers: Collection[int]) -> set[str]:
    """The runs that these pull requests have approved."""
    return {
        run
        for run, group in workflows.items()
        if any(number in one.wanted_by for one in group for number in numbers)
    }


def settle(
    runs: Runs,
    every: Sequence[ObservedRun],
    workflows: WorkflowsByRun,
    open_client: "Callable[[], KubernetesClient]",
) -> set[str]:
    """Write down the ends of runs whose Workflows are over; the names of those runs."""
    begun = [one.run for one in every if not one.state.is_over and _has_ended(one, workflows)]
    if not begun:
        return set()
    look = settle_runs(runs, begun, open_client())
    for problem in (look.problem, *look.problems.values()):
        # What would be refused again is one run's, and hides no other.
        if problem is not None and (problem is look.problem or isinstance(problem, Temporary)):
            raise problem
    return {run.name for run in begun}


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
    approvals = tuple(approval for each in workflows for approval in each.approvals)
    wanted: dict[int, bool] = {}
    for each in workflows:
        for number, is_wanted in each.wanted_by.items():
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
        is_stopping=current is not None and current.is_stopping,
        team=choose_team(plan, login, project),
        cost=plan.estimate.cost,
        currency=plan.estimate.currency,
        facts=known.read_facts(one, runs) if state.is_over else None,
        log=one.log,
        link=one.link,
    )


def look_closer(
    attempt: Attempt,
    one: ObservedRun,
    seen: Sequence[PullRequestView],
    open_client: "Callable[[], KubernetesClient]",
) -> Attempt:
    """An attempt that waits, with what its pods and their queue say of why and for how long."""
    is_shown = any(attempt.wanted_by.get(each.pull.number) for each in seen)
    if not is_shown or attempt.workflow is None or attempt.workflow.phase != "waiting":
        return attempt
    if one.file is None:
        return attempt
    found = RunWorkflow(open_client(), one.run, one.file).look().workflow
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
