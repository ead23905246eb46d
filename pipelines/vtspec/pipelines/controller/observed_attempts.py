"""A repository's runs beside their Workflows: their ends, and what a view has of them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import is_
from typing import TYPE_CHECKING

from vtspec.pipelines.argo.node_tree import read_text
from vtspec.pipelines.cluster.run_workflow import RunWorkflow, is_made_for
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.cluster_workflows import settle_runs
from vtspec.pipelines.runs import Runs

from .approval import choose_team
from .expected_cost import ExpectedCost, choose_cost
from .faults import describe_fault
from .observed_runs import ObservedRun, ObservedRuns
from .observed_workflows import ObservedWorkflow, WorkflowsByRun
from .view import Attempt, EndedRun, PullRequestView, UnclearRun

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.schema.kinds.project import ProjectSpec


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What was made of a run and its Workflows under a project."""

    of: tuple[object, ...]
    has_ended: bool
    attempt: Attempt | None

    def is_of(self, parts: tuple[object, ...]) -> bool:
        """Whether it was made of these very objects, which are never changed."""
        return len(parts) == len(self.of) and all(map(is_, parts, self.of))


class ObservedAttempts:
    """The runs of a repository, each made anew only where it or a Workflow of it has changed."""

    def __init__(self) -> None:
        self._made: dict[str, _Made] = {}
        self._faults: dict[str, Exception] = {}
        self._errors: list[Exception] = []

    def settle(
        self,
        runs: Runs,
        every: Sequence[ObservedRun],
        workflows: WorkflowsByRun,
        project: "ProjectSpec",
        open_client: "Callable[[], KubernetesClient]",
    ) -> set[str]:
        """Write down the ends of runs whose Workflows are over; the names of those runs."""
        self._faults = {}
        begun = [one for one in every if self._is_to_settle(one, workflows, project)]
        client = open_client() if begun else None
        for one in begun:
            assert client is not None
            with self._blaming(one):
                _settle(runs, one, client)
        return {one.name for one in begun}

    def _is_to_settle(
        self, one: ObservedRun, workflows: WorkflowsByRun, project: "ProjectSpec"
    ) -> bool:
        # Of one that cannot be read at all nothing is known that could have ended.
        if one.state.is_over or (one.fault is not None and one.file is None):
            return False
        if one.name not in workflows and not _has_begun(one):
            return False
        made = self._make(one, workflows, project)
        return made is not None and made.has_ended

    @contextmanager
    def _blaming(self, one: ObservedRun) -> Iterator[None]:
        """Note an error of ours, which is this run's: others are looked at."""
        try:
            yield
        except (OSError, Permanent, Refused, Temporary):
            raise
        except Exception as error:
            error.add_note(f"in what {one.name} and its Workflow have come to")
            self._faults[one.name] = error
            self._errors.append(error)

    def take_errors(self) -> list[Exception]:
        """The errors of ours that were come upon since this was asked last, a run's each."""
        found, self._errors = self._errors, []
        return found

    def make(
        self,
        known: ObservedRuns,
        every: Sequence[ObservedRun],
        workflows: WorkflowsByRun,
        runs: Runs,
        project: "ProjectSpec",
    ) -> list[Attempt]:
        """The runs with their Workflows, by their names; without those whose plan is still to
        come."""
        found: list[Attempt] = []
        for one in (each for each in every if each.name not in self._faults):
            made = self._make(one, workflows, project)
            attempt = None if made is None else made.attempt
            if made is None or attempt is None:
                continue
            if not one.state.is_over:
                found.append(attempt)
                continue
            with self._blaming(one):
                facts = known.read_facts(one, runs)
                if facts is not attempt.facts:
                    attempt = replace(attempt, facts=facts)
                    self._made[one.name] = replace(made, attempt=attempt)
                found.append(attempt)
        return sorted(found, key=lambda one: one.run)

    def list_unclear(
        self, every: Sequence[ObservedRun], project: "ProjectSpec"
    ) -> Iterator[UnclearRun]:
        """The runs whose plans were spoiled or that errors of ours are about, and those that have
        not ended where nobody follows."""
        here = None if project.cluster is None else project.cluster.namespace
        for one in every:
            file, error = one.file, self._faults.get(one.name)
            fault = one.fault if error is None else describe_fault(error)
            is_here = file is None or file.namespace == here or one.state.is_over
            if fault is None and is_here:
                continue
            yield UnclearRun(
                run=one.name,
                plan_id=one.run.plan_id,
                fault=fault or "",
                namespace=None if file is None or is_here else file.namespace,
                team=file.team if file is not None and file.team in project.teams else None,
                ended=one.ended,
            )

    def keep(self, names: Collection[str]) -> None:
        """Let go of all runs but these."""
        for name in self._made.keys() - names:
            del self._made[name]

    def _make(
        self, one: ObservedRun, workflows: WorkflowsByRun, project: "ProjectSpec"
    ) -> _Made | None:
        """None where an error of ours is about it."""
        group = workflows.get(one.name, ())
        parts = (one, project, *group)
        known = self._made.get(one.name)
        if known is not None and known.is_of(parts):
            return known
        with self._blaming(one):
            current = _find_current(one, group)
            self._made[one.name] = made = _Made(
                of=parts,
                has_ended=current is None or current.state.is_over,
                attempt=_make_attempt(one, group, current, project),
            )
            return made
        return None


def _settle(runs: Runs, one: ObservedRun, client: "KubernetesClient") -> None:
    look = settle_runs(runs, [one.run], client)
    # What one run comes upon hides no other: it is asked for again, since it has not ended.
    if look.problem is not None:
        raise look.problem


def _has_begun(one: ObservedRun) -> bool:
    """Whether a run that has no Workflow had one, which somebody deleted: of one that is only
    named it is to come."""
    return one.file is not None and one.state.seq >= 0


def _find_current(
    one: ObservedRun, workflows: Sequence[ObservedWorkflow]
) -> ObservedWorkflow | None:
    """The Workflow of a run's last part."""
    file = one.file
    if file is None:
        return None
    return next((each for each in workflows if is_made_for(each.raw, file)), None)


def _make_attempt(
    one: ObservedRun,
    workflows: Sequence[ObservedWorkflow],
    current: ObservedWorkflow | None,
    project: "ProjectSpec",
) -> Attempt | None:
    """A run with its Workflows, without its facts; None while its plan is still to come."""
    plan = one.plan
    if plan is None:
        return None
    approvals = tuple(approval for each in workflows for approval in each.approvals)
    wanted: dict[int, bool] = {}
    for each in workflows:
        for number, is_wanted in each.wanted_by.items():
            # Who wanted the run wants no completion of it that somebody else asks for.
            is_of_last = current is None or each is current
            wanted[number] = wanted.get(number, False) or (is_wanted and is_of_last)
    login = approvals[0].login if approvals else ""
    stored, noted = _read_stored_cost(plan), _find_noted_cost(workflows)
    # Of one whose result is only completed, what that took.
    seconds = None if one.state.before is None else one.state.clock.seconds
    cost, currency = choose_cost(stored, noted, seconds)
    spent, _ = choose_cost(stored, noted, one.state.clock.seconds)
    return Attempt(
        run=one.name,
        spec=plan.name,
        plan_id=plan.id,
        digest=plan.digest,
        number=one.run.attempt,
        state=one.state,
        workflow=None if current is None else current.state,
        approvals=approvals,
        wanted_by=wanted,
        is_stopping=current is not None and current.is_stopping,
        workflow_uid=None if current is None else read_text(current.raw, "metadata", "uid"),
        team=_find_team(one, plan, login, project),
        cost=cost,
        currency=currency,
        spent=spent if one.state.is_over else None,
        stored_cost=stored if noted is not None and stored != noted else None,
        log=one.log,
        link=one.link,
    )


def _find_team(one: ObservedRun, plan: "Plan", login: str, project: "ProjectSpec") -> str | None:
    """The team whose limits a run counts for: that which it was begun for, as long as there is
    such a one."""
    named = "" if one.file is None else one.file.team
    return named if named in project.teams else choose_team(plan, login, project)


def look_closer(
    attempt: Attempt,
    one: ObservedRun,
    workflows: WorkflowsByRun,
    seen: Sequence[PullRequestView],
    open_client: "Callable[[], KubernetesClient]",
) -> Attempt:
    """An attempt that waits, with what its pods and their queue say of why and for how long."""
    if one.file is None or attempt.workflow is None or attempt.workflow.phase != "waiting":
        return attempt
    if not any(attempt.wanted_by.get(each.pull.number) for each in seen):
        return attempt
    current = _find_current(one, workflows.get(one.name, ()))
    assert current is not None
    found = RunWorkflow(open_client(), one.run, one.file).look_closer(current.raw)
    return replace(attempt, workflow=found)


def list_ended(
    every: Sequence[ObservedRun], workflows: WorkflowsByRun, project: "ProjectSpec"
) -> Iterator[EndedRun]:
    """What the runs of teams have cost, at what was planned for an hour of them."""
    for one in every:
        plan = one.plan
        if plan is None or one.ended is None:
            continue
        team = _find_team(one, plan, "", project)
        if team is not None:
            noted = _find_noted_cost(workflows.get(one.name, ()))
            seconds = one.state.clock.seconds
            cost, currency = choose_cost(_read_stored_cost(plan), noted, seconds)
            yield EndedRun(run=one.name, team=team, ended=one.ended, cost=cost, currency=currency)


def _read_stored_cost(plan: "Plan") -> ExpectedCost:
    estimate = plan.estimate
    return ExpectedCost(
        cost=estimate.cost, seconds=estimate.whole_seconds, currency=estimate.currency
    )


def _find_noted_cost(workflows: Sequence[ObservedWorkflow]) -> ExpectedCost | None:
    """What the Workflows of a run say that it costs, which its pods cannot change there."""
    return next((one.expected for one in workflows if one.expected is not None), None)
