"""What there is of one repository now: asked of its forge, its git, its cluster and its store."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from vtspec.pipelines.cluster.run_credential import RunCredentials
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.cluster_workflows import open_cluster
from vtspec.pipelines.operations.pull_request import (
    AffectedPlan,
    Proposal,
    ProposedPlan,
    PullRequestPlans,
    Validation,
    plan_pull_request,
    validate_pull_request,
)
from vtspec.pipelines.operations.render import check_data, check_weights
from vtspec.pipelines.planning.prior_runs import Comparison
from vtspec.pipelines.project.commit_tree import read_commit
from vtspec.pipelines.project.git_mirror import GitMirror
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.runs import Run, Runs

from .commands import parse_command
from .markers import CONCLUDED
from .observed_runs import ObservedRuns
from .observed_workflows import (
    WorkflowsByRun,
    find_ended,
    find_workflows,
    look_closer,
    make_attempt,
    settle,
)
from .request import is_allowed, list_asked_specs
from .tenancy import Tenancy, Tenants
from .view import PlannedSpec, PullRequestView, SpecCause, View
from .workflow_marks import read_wanted

if TYPE_CHECKING:
    from vtspec.pipelines.argo.settings import DataRemote
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
    from vtspec.pipelines.forge.forge import (
        CheckReport,
        Forge,
        Permission,
        PullRequest,
        PullRequestState,
        Reaction,
        Status,
    )
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.planning.resolve import ModelSources

    from .metrics import SiteMetrics


Ended: TypeAlias = tuple[tuple[str, str | None], ...]
"""Runs by their names, and how they ended."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The plans of a pull request, the experiments whose runs they were told with, and those."""

    found: PullRequestPlans
    names: frozenset[str] | None
    ended: Ended


@dataclass(kw_only=True)
class Site:
    """A repository that is looked after, and where its parts are asked.

    `folder` holds its mirror; `tenants` are those of all repositories of the process. `statuses`
    and `checks` are what this process has told the forge of commits: another one tells it once
    more, which changes nothing. `concluded` are reactions to commands that are answered for good,
    `opened` the pull requests that were open last.
    """

    forge: "Forge"
    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    get_time: Callable[[], datetime] | None = None
    tenancy: Tenancy = field(default_factory=Tenancy)
    tenants: Tenants = field(default_factory=Tenants)
    statuses: "dict[str, dict[str, Status]]" = field(default_factory=dict)
    checks: "dict[str, dict[str, CheckReport]]" = field(default_factory=dict)
    sources: "ModelSources | None" = None
    check: "Callable[[Plan, DataRemote, Path], str | None]" = check_data
    check_weights: "Callable[[Plan], str | None]" = check_weights
    repository: Repository | None = None
    planned: "dict[tuple[object, ...], Planned]" = field(default_factory=dict)
    concluded: "dict[int, Sequence[Reaction]]" = field(default_factory=dict)
    runs: ObservedRuns = field(default_factory=ObservedRuns)
    opened: set[int] = field(default_factory=set)
    metrics: "SiteMetrics | None" = None

    @cached_property
    def credentials(self) -> RunCredentials:
        """Those of its runs, which remember when they were renewed."""
        return RunCredentials(environ=self.environ)

    def open_cluster(self) -> "KubernetesClient":
        """The cluster, as the environment leads to it."""
        return open_cluster(self.environ)

    @property
    def now(self) -> datetime:
        """The time by the clock that comments are dated by, unless another one is given."""
        return self.forge.find_time() if self.get_time is None else self.get_time()


Reason: TypeAlias = Permanent | Refused | Temporary
"""Why a pull request could not be looked at."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A view, and what is needed to act on it. `left_out` are pull requests that could not be
    looked at, with the reason; nothing is decided on them."""

    view: View
    repository: Repository
    left_out: Mapping[int, Reason] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Policy:
    """The commit of the default branch and the repository as that has it; `commits` are those that
    are here of what pull requests name. `ended` are the runs there are and how they ended, which
    stands beside plans."""

    commit: str
    repository: Repository
    commits: Mapping[str, str]
    ended: Ended


def observe_site(site: Site, numbers: Iterable[int] | None = None) -> Observation:
    """Look at these pull requests; without any named at everything: all open ones, and those that
    a run says it is wanted by.

    Raises `Temporary` and `Permanent` where forge, git, cluster or store say nothing, `SpecError`
    where the default branch's `vtspec.yaml` is wrong, and `Refused` where it names what is not
    this repository's.
    """
    forge = site.forge
    mirror, default = _open_mirror(site)
    pulls, left_out = _find_pulls(site, numbers)
    left_out |= _fetch(mirror, default, pulls.values())
    commit = mirror.find_commits([default])[default]
    repository = _read_policy(site.folder, commit)
    project = repository.project.spec
    site.tenancy.refuse_foreign(project)
    site.tenants.admit(forge.repository, project)
    client = None if project.cluster is None else site.open_cluster()
    workflows = {} if client is None else find_workflows(client, project)
    states: dict[int, PullRequestState] = {number: one.state for number, one in pulls.items()}
    wanting, unfound = _get_pulls(forge, _list_wanting(workflows, numbers) - {*pulls})
    states |= {number: one.state for number, one in wanting.items()}
    # Of those that nobody asked about only the state is needed, by who shares a run with them.
    if numbers is None:
        left_out |= unfound | _fetch(mirror, None, wanting.values())
        pulls |= wanting
    runs = Runs(repository.runs)
    every = site.runs.read(runs)
    if client is not None and settle(runs, every, workflows, client):
        every = site.runs.read(runs)
    ended = tuple((one.run.name, one.state.ending) for one in every)
    there = {number: one for number, one in pulls.items() if number not in left_out}
    commits = mirror.find_commits({name for one in there.values() for name in _list_commits(one)})
    policy = _Policy(commit=commit, repository=repository, commits=commits, ended=ended)
    seen, unseen = _observe_pulls(site, there, policy)
    plans = {plan.id for pull in seen for spec in pull.specs for plan in spec.plans}
    made = (
        make_attempt(site.runs, one, workflows.get(one.run.name, ()), runs, project)
        for one in every
        if one.run.name in workflows or one.run.plan_id in plans
    )
    attempts = sorted((one for one in made if one is not None), key=lambda one: one.run)
    if client is not None:
        by_name = {one.run.name: one for one in every}
        attempts = [look_closer(one, by_name[one.run], seen, client) for one in attempts]
    view = View(
        now=site.now,
        login=forge.find_login(),
        project=project,
        pull_requests=seen,
        states=states,
        attempts=attempts,
        ended=tuple(find_ended(every, project)),
        # A copy: another thread writes, and notes what it wrote.
        statuses={sha: tuple(one.values()) for sha, one in list(site.statuses.items())},
        checks={sha: tuple(one.values()) for sha, one in list(site.checks.items())},
        redactor=make_redactor(site.environ),
        tracking=project.tracking.uri,
    )
    if numbers is None:
        site.opened = {number for number, state in states.items() if state == "open"}
    return Observation(view=view, repository=repository, left_out={**left_out, **unseen})


def find_problems(site: Site, number: int) -> "tuple[PullRequest, Validation]":
    """What is wrong in the specs that a pull request changes; of forge and git alone. Raises as
    `observe_site`."""
    mirror, default = _open_mirror(site)
    pull = site.forge.get_pull_request(number)
    for error in _fetch(mirror, default, [pull]).values():
        raise error
    head, base = _choose_commits(pull, mirror.find_commits(_list_commits(pull)))
    proposal = Proposal(folder=site.folder, head=head, base=base, policy=default)
    return pull, validate_pull_request(proposal)


def _open_mirror(site: Site) -> tuple[GitMirror, str]:
    """The mirror of a repository, and its default branch as git calls it."""
    info, header = site.forge.find_repository(), site.forge.make_git_header()
    mirror = GitMirror(folder=site.folder, url=info.clone_url, header=header)
    return mirror, f"refs/heads/{info.default_branch}"


@lru_cache(maxsize=64)
def _read_policy(folder: Path, commit: str) -> Repository:
    """The repository under its `vtspec.yaml` of a commit, which never changes."""
    tree = read_commit(folder, commit)
    return find_repository(tree.top, tree)


@lru_cache(maxsize=1024)
def _list_experiments(folder: Path, policy: str, head: str) -> tuple[str, ...]:
    there = _read_policy(folder, policy).with_tree(read_commit(folder, head))
    return tuple(sorted(there.find_spec_files("Experiment")))


def _choose_commits(pull: "PullRequest", commits: Mapping[str, str]) -> tuple[str, str]:
    """The commits of a pull request's head and of what it is held against."""
    names = _list_commits(pull)
    for name in names:
        if name not in commits:
            raise Temporary(f"{name} of it has not been fetched yet")
    return commits[names[0]], commits[names[1]]


def _find_pulls(
    site: Site, numbers: Iterable[int] | None
) -> "tuple[dict[int, PullRequest], dict[int, Reason]]":
    if numbers is not None:
        return _get_pulls(site.forge, {*numbers})
    pulls = {one.number: one for one in site.forge.list_open_pull_requests()}
    # Those that were closed or merged since, of which nobody may have told.
    closed, left_out = _get_pulls(site.forge, site.opened - {*pulls})
    return {**pulls, **closed}, left_out


def _get_pulls(
    forge: "Forge", numbers: set[int]
) -> "tuple[dict[int, PullRequest], dict[int, Reason]]":
    """These pull requests, and those that are not there: a label on a Workflow may name any."""
    pulls: dict[int, PullRequest] = {}
    left_out: dict[int, Reason] = {}
    for number in sorted(numbers):
        try:
            pulls[number] = forge.get_pull_request(number)
        except Permanent as error:
            left_out[number] = error
    return pulls, left_out


def _fetch(
    mirror: GitMirror, default: str | None, pulls: "Iterable[PullRequest]"
) -> dict[int, Reason]:
    """Have the default branch here, and the heads and bases of pull requests, in one go; those
    that could not be had, with the reason."""
    refs = {
        one.number: (f"refs/pull/{one.number}/head", f"refs/heads/{one.base_ref}")
        for one in pulls
        # What is over does not move any more.
        if one.state == "open" or len(mirror.find_commits(_list_commits(one))) < 2
    }
    first = () if default is None else (default,)
    every = sorted({*first, *(ref for two in refs.values() for ref in two)})
    if not every:
        return {}
    try:
        mirror.fetch(every)
        return {}
    except Permanent:
        if not refs:
            raise
    # One lacks a branch; git does not say which, and fetched none.
    left_out: dict[int, Reason] = {}
    if first:
        mirror.fetch(first)
    for number, two in refs.items():
        try:
            mirror.fetch(two)
        except (Permanent, Temporary) as error:
            left_out[number] = error
    return left_out


def _list_commits(pull: "PullRequest") -> tuple[str, str]:
    # Once it is merged its commits are the branch's, too.
    base = pull.base_sha if pull.state == "merged" else f"refs/heads/{pull.base_ref}"
    return pull.head_sha, base


def _list_wanting(workflows: "WorkflowsByRun", numbers: Iterable[int] | None) -> set[int]:
    """The pull requests that want runs; those alone that share one with `numbers`, if not None."""
    groups = [
        {number for one in group for number in read_wanted(one.raw["metadata"])}
        for group in workflows.values()
    ]
    asked = None if numbers is None else {*numbers}
    return {number for group in groups if asked is None or group & asked for number in group}


def _observe_pulls(
    site: Site, pulls: "Mapping[int, PullRequest]", policy: "_Policy"
) -> tuple[list[PullRequestView], dict[int, Reason]]:
    seen: list[PullRequestView] = []
    left_out: dict[int, Reason] = {}
    numbers = sorted(pulls)
    # A forge is asked some things of each, and is far away.
    with ThreadPoolExecutor(_THREADS) as threads:
        read = [threads.submit(_read_pull, site, pulls[number], policy) for number in numbers]
        for number, one in zip(numbers, read, strict=True):
            try:
                seen.append(_add_plans(site, one.result(), policy))
            except (Permanent, Refused, Temporary) as error:
                left_out[number] = error
    return seen, left_out


def _read_pull(site: Site, pull: "PullRequest", policy: "_Policy") -> PullRequestView:
    """A pull request as its forge has it."""
    forge, number = site.forge, pull.number
    _choose_commits(pull, policy.commits)
    comments = forge.list_comments(number)
    commands = [one for one in comments if parse_command(one.body) is not None]
    reviews = forge.list_reviews(number)
    approvers = [one.user for one in reviews if one.is_approved]
    merged_by = pull.merged_by or None
    people = {*(one.author for one in commands), *approvers, *([merged_by] if merged_by else [])}
    return PullRequestView(
        pull=pull,
        comments=comments,
        reactions={one.id: _find_reactions(site, one.id) for one in commands},
        reviews=reviews,
        permissions=_find_permissions(forge, people - {forge.find_login(), ""}),
        merged_by=merged_by,
        full_text=f"{pull.url}/checks" if forge.has_checks else None,
    )


def _add_plans(site: Site, seen: PullRequestView, policy: "_Policy") -> PullRequestView:
    """A pull request with what its commits say."""
    head, _ = _choose_commits(seen.pull, policy.commits)
    experiments = _list_experiments(site.folder, policy.commit, head)
    unplanned = replace(seen, experiments=experiments)
    found = _plan(site, unplanned, policy)
    return replace(
        unplanned,
        specs=tuple(_list_specs(found)),
        removed=found.removed,
        changes_project=found.changes_project,
    )


def _find_reactions(site: Site, comment: int) -> "Sequence[Reaction]":
    if comment in site.concluded:
        return site.concluded[comment]
    found = site.forge.list_reactions(comment)
    ours = {one.content for one in found if one.user == site.forge.find_login()}
    if ours & CONCLUDED:
        site.concluded[comment] = found
    return found


def _find_permissions(forge: "Forge", people: Iterable[str]) -> "dict[str, Permission]":
    return {login: forge.get_permission(login) for login in sorted(people)}


def _plan(site: Site, seen: PullRequestView, policy: "_Policy") -> PullRequestPlans:
    pull, login = seen.pull, site.forge.find_login()
    _, base = _choose_commits(pull, policy.commits)
    view = View(now=site.now, login=login, project=policy.repository.project.spec)
    also, is_trusted = frozenset(list_asked_specs(seen, login)), is_allowed(seen, view)
    key = (pull.number, pull.head_sha, base, also, is_trusted, policy.commit)
    known = site.planned.get(key)
    if known is None or known.ended != _choose_ended(policy.ended, known.names):
        proposal = Proposal(
            folder=site.folder,
            head=pull.head_sha,
            base=base,
            policy=policy.commit,
            sources=site.sources,
            also=also,
            # A stranger's commit names no data that is asked for with our credentials.
            check=site.check if is_trusted else _check_nothing,
            check_weights=site.check_weights if is_trusted else _check_no_weights,
        )
        found = plan_pull_request(proposal)
        names = _list_names(found)
        known = Planned(found=found, names=names, ended=_choose_ended(policy.ended, names))
        for old in [one for one in site.planned if one[0] == pull.number]:
            del site.planned[old]
        site.planned[key] = known
    return known.found


def _list_names(found: PullRequestPlans) -> frozenset[str] | None:
    """The experiments whose runs stand beside these plans; None where that is not known."""
    # What could not be planned may be for want of any run.
    if found.problems:
        return None
    plans = [one.planned.made for one in (*found.proposed, *found.asked)]
    affected = [plan for one in found.affected for plan in (one.before, one.after) if plan]
    every = [*plans, *affected]
    return frozenset({one.name for one in every} | {one.report.baseline or "" for one in every})


def _choose_ended(ended: Ended, names: frozenset[str] | None) -> Ended:
    """Of the runs those that plans are told with: all that are over, which took their time, and of
    those that are not the experiments' own."""
    return tuple(
        (name, ending)
        for name, ending in ended
        if ending is not None or names is None or Run(Path(name)).spec_name in names
    )


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


_THREADS: Final = 8
"""Requests to a forge at once; GitHub takes a hundred."""

_UNTRUSTED: Final = "it is looked at once a maintainer allows the commit"


def _check_nothing(plan: "Plan", remote: "DataRemote", root: Path) -> str | None:
    return _UNTRUSTED


def _check_no_weights(plan: "Plan") -> str | None:
    return _UNTRUSTED


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
        reach=one.reach,
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
