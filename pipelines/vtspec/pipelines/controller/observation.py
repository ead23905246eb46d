"""What there is of one repository now: asked of its forge, its git, its cluster and its store."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines.argo import observe
from vtspec.pipelines.argo.workflow import MANAGED, RUN
from vtspec.pipelines.cluster.kubernetes_client import WORKFLOWS
from vtspec.pipelines.cluster.run_credential import RunCredentials
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.cluster_workflows import open_cluster, settle_runs
from vtspec.pipelines.operations.pull_request import (
    AffectedPlan,
    Proposal,
    ProposedPlan,
    PullRequestPlans,
    plan_pull_request,
)
from vtspec.pipelines.operations.render import check_data
from vtspec.pipelines.planning.prior_runs import Comparison
from vtspec.pipelines.project.commit_tree import read_commit
from vtspec.pipelines.project.git_mirror import GitMirror
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.reporting.writer import find_baseline, read_facts
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.validation.teams import find_team

from .approval import choose_team
from .commands import parse_command
from .request import is_allowed, list_asked_specs
from .tenancy import Tenancy, Tenants
from .view import Attempt, EndedRun, PlannedSpec, PullRequestView, Reach, SpecCause, View
from .workflow_marks import read_approvals, read_wanted

if TYPE_CHECKING:
    from vtspec.pipelines.argo.settings import DataRemote
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient, Object
    from vtspec.pipelines.forge.forge import (
        CheckReport,
        Forge,
        Permission,
        PullRequest,
        PullRequestState,
        Status,
    )
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.planning.resolve import ModelSources
    from vtspec.pipelines.reporting.facts import Facts
    from vtspec.schema.kinds.project import ProjectSpec


def _get_time() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Site:
    """A repository that is looked after, and where its parts are asked.

    `folder` holds its mirror; `tenants` are those of all repositories of the process. `statuses`
    and `checks` are what this process has told the forge of commits: another one tells it once
    more, which changes nothing.
    """

    forge: "Forge"
    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    get_time: Callable[[], datetime] = _get_time
    tenancy: Tenancy = field(default_factory=Tenancy)
    tenants: Tenants = field(default_factory=Tenants)
    statuses: "dict[str, dict[str, Status]]" = field(default_factory=dict)
    checks: "dict[str, dict[str, CheckReport]]" = field(default_factory=dict)
    sources: "ModelSources | None" = None
    check: "Callable[[Plan, DataRemote, Path], str | None]" = check_data
    repository: Repository | None = None
    planned: "dict[tuple[object, ...], PullRequestPlans]" = field(default_factory=dict)

    @cached_property
    def credentials(self) -> RunCredentials:
        """Those of its runs, which remember when they were renewed."""
        return RunCredentials(environ=self.environ)

    def open_cluster(self) -> "KubernetesClient":
        """The cluster, as the environment leads to it."""
        return open_cluster(self.environ)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A view, and what is needed to act on it. `left_out` are pull requests that could not be
    looked at, with the reason; nothing is decided on them."""

    view: View
    repository: Repository
    left_out: Mapping[int, Permanent | Refused | Temporary] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Policy:
    """The commit of the default branch and the repository as that has it; `ended` are the runs
    there are and how they ended, which stands beside plans."""

    commit: str
    repository: Repository
    ended: tuple[tuple[str, str | None], ...]


def observe_site(site: Site, numbers: Iterable[int] = ()) -> Observation:
    """Look at everything: all open pull requests, those of `numbers`, and those that a run says it
    is wanted by.

    Raises `Temporary` and `Permanent` where forge, git, cluster or store say nothing, `SpecError`
    where the default branch's `vtspec.yaml` is wrong, and `Refused` where it names what is not
    this repository's.
    """
    forge = site.forge
    info = forge.find_repository()
    mirror = GitMirror(folder=site.folder, url=info.clone_url, header=forge.make_git_header())
    default = f"refs/heads/{info.default_branch}"
    mirror.fetch([default])
    tree = read_commit(site.folder, default)
    repository = find_repository(tree.top, tree)
    project = repository.project.spec
    site.tenancy.refuse_foreign(project)
    site.tenants.admit(forge.repository, project)
    client = None if project.cluster is None else site.open_cluster()
    workflows = {} if client is None else _find_workflows(client, project)
    runs = Runs(repository.runs)
    pulls = {one.number: one for one in forge.list_open_pull_requests()}
    every = [one for group in workflows.values() for one in group]
    wanted = {number for one in every for number in read_wanted(one["metadata"])}
    for number in {*numbers, *wanted} - {*pulls}:
        pulls[number] = forge.get_pull_request(number)
    ended = tuple((one.name, one.ending) for one in runs.list_runs())
    policy = _Policy(commit=tree.commit, repository=repository, ended=ended)
    seen, left_out = _observe_pulls(site, mirror, pulls, policy)
    plans = {plan.id for pull in seen for spec in pull.specs for plan in spec.plans}
    if client is not None:
        _settle(runs, workflows, client)
    there = [one for one in runs.list_runs() if one.name in workflows or one.plan_id in plans]
    attempts = (_make_attempt(one, workflows.get(one.name, ()), runs, project) for one in there)
    states: dict[int, PullRequestState] = {number: one.state for number, one in pulls.items()}
    view = View(
        now=site.get_time(),
        login=forge.find_login(),
        project=project,
        pull_requests=seen,
        states=states,
        attempts=sorted((one for one in attempts if one is not None), key=lambda one: one.run),
        ended=tuple(_find_ended(runs, project)),
        statuses={sha: tuple(one.values()) for sha, one in site.statuses.items()},
        checks={sha: tuple(one.values()) for sha, one in site.checks.items()},
        redactor=make_redactor(site.environ),
        tracking=project.tracking.uri,
    )
    return Observation(view=view, repository=repository, left_out=left_out)


def _observe_pulls(
    site: Site, mirror: GitMirror, pulls: "Mapping[int, PullRequest]", policy: "_Policy"
) -> tuple[list[PullRequestView], dict[int, Permanent | Refused | Temporary]]:
    seen: list[PullRequestView] = []
    left_out: dict[int, Permanent | Refused | Temporary] = {}
    for number in sorted(pulls):
        try:
            seen.append(_observe_pull(site, mirror, pulls[number], policy))
        except (Permanent, Refused, Temporary) as error:
            left_out[number] = error
    return seen, left_out


def _observe_pull(
    site: Site, mirror: GitMirror, pull: "PullRequest", policy: "_Policy"
) -> PullRequestView:
    forge, number = site.forge, pull.number
    refs = [f"refs/pull/{number}/head", f"refs/heads/{pull.base_ref}"]
    mirror.fetch(refs, [pull.head_sha])
    comments = forge.list_comments(number)
    commands = [one for one in comments if parse_command(one.body) is not None]
    reviews = forge.list_reviews(number)
    approvers = [one.user for one in reviews if one.is_approved]
    merged_by = pull.merged_by or None
    people = {*(one.author for one in commands), *approvers, *([merged_by] if merged_by else [])}
    there = policy.repository.with_tree(read_commit(site.folder, pull.head_sha))
    unplanned = PullRequestView(
        pull=pull,
        comments=comments,
        reactions={one.id: forge.list_reactions(one.id) for one in commands},
        reviews=reviews,
        permissions=_find_permissions(forge, people - {forge.find_login(), ""}),
        experiments=sorted(there.find_spec_files("Experiment")),
        merged_by=merged_by,
    )
    found = _plan(site, unplanned, policy)
    specs = tuple(_list_specs(found))
    return replace(unplanned, specs=specs, changes_project=found.changes_project)


def _find_permissions(forge: "Forge", people: Iterable[str]) -> "dict[str, Permission]":
    return {login: forge.get_permission(login) for login in sorted(people)}


def _plan(site: Site, seen: PullRequestView, policy: "_Policy") -> PullRequestPlans:
    pull, login = seen.pull, site.forge.find_login()
    # Once it is merged its commits are the branch's, too.
    ref = pull.base_sha if pull.state == "merged" else f"refs/heads/{pull.base_ref}"
    base = read_commit(site.folder, ref).commit
    view = View(now=site.get_time(), login=login, project=policy.repository.project.spec)
    also, is_trusted = frozenset(list_asked_specs(seen, login)), is_allowed(seen, view)
    key = (pull.number, pull.head_sha, base, also, is_trusted, policy.commit, policy.ended)
    if key not in site.planned:
        proposal = Proposal(
            folder=site.folder,
            head=pull.head_sha,
            base=base,
            policy=policy.commit,
            sources=site.sources,
            also=also,
            # A stranger's commit names no data that is asked for with our credentials.
            check=site.check if is_trusted else _check_nothing,
        )
        found = plan_pull_request(proposal)
        for old in [one for one in site.planned if one[0] == pull.number]:
            del site.planned[old]
        site.planned[key] = found
    return site.planned[key]


def _list_specs(found: PullRequestPlans) -> Iterator[PlannedSpec]:
    planned = {one.path for one in (*found.proposed, *found.asked)}
    for one in found.proposed:
        yield _make_spec(one, found, "changed")
    for one in found.asked:
        yield _make_spec(one, found, "asked")
    for path in sorted({one.file for one in found.problems} - planned):
        problems = tuple(one for one in found.problems if one.file == path)
        yield PlannedSpec(name=Path(path).stem, path=path, cause="changed", problems=problems)
    for other in found.affected:
        yield _make_affected(other)


def _check_nothing(plan: "Plan", remote: "DataRemote", root: Path) -> str | None:
    return "whether its data reaches the cluster is looked at once a maintainer allows the commit"


def _make_spec(one: ProposedPlan, found: PullRequestPlans, cause: SpecCause) -> PlannedSpec:
    made = one.planned.made
    base = None
    if one.before is not None:
        base = Comparison(name=one.before.name, note="the base branch", changes=one.changes)
    return PlannedSpec(
        name=made.name,
        path=one.path,
        cause=cause,
        plans=one.planned.plans,
        problems=tuple(each for each in found.problems if each.file == one.path),
        beside=one.prior,
        base=base,
        reach=tuple(Reach(what="data", is_reached=None, note=note) for note in one.warnings),
        obstacles=tuple(str(each) for each in one.obstacles),
    )


def _make_affected(one: AffectedPlan) -> PlannedSpec:
    base = Comparison(name=one.before.name, note="the base branch", changes=one.changes)
    return PlannedSpec(
        name=one.before.name,
        path=one.path,
        cause="affected",
        plans=() if one.after is None else (one.after,),
        problems=one.problems,
        base=base,
    )


def _find_workflows(
    client: "KubernetesClient", project: "ProjectSpec"
) -> "dict[str, list[Object]]":
    """The Workflows that the cluster has of each run, those of its completions too."""
    assert project.cluster is not None
    groups: dict[str, list[Object]] = {}
    for one in client.find(WORKFLOWS, project.cluster.namespace, MANAGED):
        name = str(one["metadata"].get("labels", {}).get(RUN) or "")
        groups.setdefault(name, []).append(one)
    return groups


def _settle(
    runs: Runs, workflows: "Mapping[str, Sequence[Object]]", client: "KubernetesClient"
) -> None:
    """Write down the ends of runs whose Workflows are over."""
    begun = [one for one in runs.list_runs() if one.name in workflows]
    look = settle_runs(runs, begun, client)
    for problem in (look.problem, *look.problems.values()):
        # What would be refused again is one run's, and hides no other.
        if problem is not None and (problem is look.problem or isinstance(problem, Temporary)):
            raise problem


def _make_attempt(
    run: Run, workflows: "Sequence[Object]", runs: Runs, project: "ProjectSpec"
) -> Attempt | None:
    from vtspec.pipelines.planning.plan_model import plan_from_json

    state, file = run.read_state(), run.read_workflow()
    try:
        plan = plan_from_json(run.read_plan())
    # Of one that is only begun the plan may still be to come.
    except Permanent:
        return None
    current = [one for one in workflows if file and one["metadata"]["name"] == file.name]
    approvals = tuple(
        approval for one in workflows for approval in read_approvals(one["metadata"])
    )
    wanted: dict[int, bool] = {}
    for one in workflows:
        for number, is_wanted in read_wanted(one["metadata"]).items():
            wanted[number] = wanted.get(number, False) or is_wanted
    login = approvals[-1].login if approvals else ""
    return Attempt(
        run=run.name,
        spec=plan.name,
        plan_id=plan.id,
        digest=plan.digest,
        number=run.attempt,
        state=state,
        workflow=observe(current[0]) if current else None,
        approvals=approvals,
        wanted_by=wanted,
        is_stopping=any(one.get("spec", {}).get("shutdown") for one in current),
        team=choose_team(plan, login, project),
        cost=plan.estimate.cost,
        currency=plan.estimate.currency,
        facts=_read_facts(run, runs) if state.is_over else None,
    )


def _read_facts(run: Run, runs: Runs) -> "Facts | None":
    runs.fetch(run)
    with suppress(Permanent):
        return read_facts(run.path, find_baseline(run.path))
    return None


def _find_ended(runs: Runs, project: "ProjectSpec") -> Iterator[EndedRun]:
    """What the runs of teams with a limit have cost, at what was planned for an hour of them."""
    from vtspec.pipelines.planning.plan_model import plan_from_json

    teams = project.teams
    if not any(one.limits.cost_per_month is not None for one in teams.values()):
        return
    for run in runs.list_runs():
        state = run.read_state()
        if not state.is_over:
            continue
        try:
            plan = plan_from_json(run.read_plan())
        except Permanent:
            continue
        team = find_team(teams, plan.spec_path, None)
        cost = _compute_cost(plan, state.clock.seconds)
        if team is not None and cost is not None:
            ended = datetime.fromisoformat(run.read_events()[-1].time)
            yield EndedRun(team=team, ended=ended, cost=cost)


def _compute_cost(plan: "Plan", seconds: float) -> float | None:
    estimate = plan.estimate
    if estimate.cost is None or not estimate.whole_seconds:
        return None
    return estimate.cost * seconds / estimate.whole_seconds
