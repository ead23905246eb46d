"""What there is of one repository now: asked of its forge, its git, its cluster and its store."""

from collections.abc import Collection, Iterable, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.pull_request import (
    Proposal,
    Validation,
    validate_pull_request,
)
from vtspec.pipelines.project.git_mirror import GitMirror
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.runs import Runs

from .approved_runs import list_begun_elsewhere, read_approved
from .markers import VisiblePlans, find_comments, read_visible_plans
from .observed_attempts import list_ended, look_closer
from .observed_plans import Policy, add_plans, read_policy
from .observed_pulls import (
    choose_commits,
    fetch,
    find_open_pulls,
    get_pulls,
    list_commits,
    name_commits,
    read_pull,
)
from .observed_workflows import (
    WorkflowsByRun,
    choose_followed,
    list_left,
    list_runs_wanted_by,
    list_wanting,
)
from .reconcile import has_own_plan
from .reservation_record import ReservationRecord, read_reservations
from .site import Reason, Site
from .view import PullRequestView, View

if TYPE_CHECKING:
    from vtspec.pipelines.forge.forge import PullRequest, PullRequestState
    from vtspec.schema.kinds.project import ProjectSpec

_THREADS: Final = 8
"""Requests to a forge at once; GitHub takes a hundred."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What there is to look at; `left_out` are pull requests that could not be had, and why."""

    numbers: frozenset[int]
    repository: Repository
    left_out: Mapping[int, Reason]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A view, and what is needed to act on it. `left_out` are pull requests that could not be
    looked at, with the reason; nothing is decided on them. `reservations` are as they were read.
    """

    view: View
    repository: Repository
    left_out: Mapping[int, Reason] = field(default_factory=dict)
    reservations: ReservationRecord = field(default_factory=ReservationRecord)


def survey_site(site: Site) -> Survey:
    """Find what there is: all open pull requests, those that were open at the last survey, and
    those that a run says it is wanted by; and all runs. Raises as `observe_site`."""
    site.told.clear()
    now = site.now
    mirror, default = site.open_mirror()
    pulls, left_out = find_open_pulls(site)
    left_out |= fetch(mirror, default, pulls.values())
    repository, workflows = _read_ground(site, mirror.find_commits([default])[default])
    wanting, unfound = get_pulls(site.forge, list_wanting(workflows, None) - {*pulls})
    left_out |= unfound | fetch(mirror, None, wanting.values())
    site.runs.read(Runs(repository.runs))
    every = {**pulls, **wanting}
    site.opened = {number for number, one in every.items() if one.state == "open"}
    site.heads.clear()
    site.note_heads(every.values())
    numbers = frozenset(every) - frozenset(left_out)
    site.surveyed = set(numbers)
    # Of these something may be other than it was read.
    site.surveyed -= set(site.told)
    site.heard = now
    return Survey(numbers=numbers, repository=repository, left_out=left_out)


def observe_site(site: Site, numbers: Iterable[int] | None = None) -> Observation:
    """Look at these pull requests, and at those that have the same heads; without any named at all
    that a survey finds, whose commits and runs are not read again for one look.

    Raises `Temporary` and `Permanent` where forge, git, cluster or store say nothing, `SpecError`
    where the default branch's `vtspec.yaml` is wrong, and `Refused` where it names what is not
    this repository's.
    """
    forge = site.forge
    left_out: dict[int, Reason] = {}
    if numbers is None:
        survey = survey_site(site)
        numbers, left_out = survey.numbers, dict(survey.left_out)
    asked = site.list_beside(numbers)
    surveyed = asked & site.surveyed
    site.surveyed -= surveyed
    mirror, default = site.open_mirror()
    pulls, unfound = get_pulls(forge, asked - {*left_out})
    left_out |= unfound
    site.note_heads(pulls.values())
    # A forge is asked some things of each, and is far away, as git's server is.
    with ThreadPoolExecutor(_THREADS) as threads:
        read = {number: threads.submit(read_pull, site, one) for number, one in pulls.items()}
        commits = _find_commits(mirror, default, pulls, surveyed, left_out)
    commit = commits[default]
    repository, workflows = _read_ground(site, commit)
    project = repository.project.spec
    states: dict[int, PullRequestState] = {number: one.state for number, one in pulls.items()}
    # Of those that nobody asked about only the state is needed, by who shares a run with them.
    wanting, _ = get_pulls(forge, list_wanting(workflows, asked) - {*pulls} - {*left_out})
    states |= {number: one.state for number, one in wanting.items()}
    runs = Runs(repository.runs)
    record = _read_reservations(site, project)
    reserved = {one.run for one in record.every if one.is_held(site.now)}
    wanted = list_runs_wanted_by(workflows, asked - surveyed) | reserved
    every = site.runs.read_some(runs, wanted, workflows)
    store = find_store(runs.folder)
    left = [*list_left(workflows, store)]
    workflows = choose_followed(workflows, store)
    settled = site.attempts.settle(runs, every, workflows, project, site.open_cluster)
    if settled:
        every = site.runs.read_some(runs, settled)
    ended = tuple(one.end for one in every)
    policy = Policy(commit=commit, repository=repository, commits=commits, ended=ended)
    there = {number: one for number, one in sorted(read.items()) if number not in left_out}
    seen, unseen = _add_plans(site, there, policy)
    plans = {plan.id for pull in seen for spec in pull.specs for plan in spec.plans}
    login = forge.find_login()
    named = reserved | {run for pull in seen for run in read_approved(pull, login)}
    by_name = {one.name: one for one in every}
    site.attempts.keep(by_name)
    mine = [
        one
        for one in every
        if one.name in workflows or one.run.plan_id in plans or one.name in named
    ]
    made = site.attempts.make(site.runs, mine, workflows, runs, project)
    attempts = [
        look_closer(one, by_name[one.run], workflows, seen, site.open_cluster) for one in made
    ]
    view = View(
        now=site.now,
        login=login,
        project=project,
        pull_requests=seen,
        states=states,
        heads=dict(site.heads),
        attempts=attempts,
        ended=tuple(list_ended(every, workflows, project)),
        unclear=(*site.attempts.list_unclear(every, project), *left),
        store=store,
        reservations=record.every,
        spoiled_reservation=record.spoiled,
        # A copy: another thread writes, and notes what it wrote.
        statuses={sha: tuple(one.values()) for sha, one in list(site.statuses.items())},
        checks={sha: tuple(one.values()) for sha, one in list(site.checks.items())},
        redactor=make_redactor(site.environ),
        tracking=project.tracking.uri,
    )
    elsewhere = (one for pull in seen for one in list_begun_elsewhere(pull, login, view.place))
    unread = [one for one in elsewhere if one.run not in by_name]
    view = find_visible_plans(replace(view, unclear=(*view.unclear, *unread)), site.visible)
    return Observation(
        view=view,
        repository=repository,
        left_out={**left_out, **unseen},
        reservations=record,
    )


def find_visible_plans(view: View, known: MutableMapping[int, VisiblePlans]) -> View:
    """The view with what people see in plan comments that somebody else wrote last, which is noted
    in `known`: nothing, where that is not what we would say."""
    found = []
    for seen in view.pull_requests:
        plans = find_comments(seen.comments, view.login, "plan")
        if seen.visible is None and plans and seen.pull.state != "closed":
            known.pop(plans[0].id, None)
            # A fault of ours in what is said is met, and told, where it is decided.
            with suppress(Exception):
                if has_own_plan(seen, view, plans[0]):
                    known[plans[0].id] = visible = read_visible_plans(plans[0])
                    seen = replace(seen, visible=visible)
        found.append(seen)
    return replace(view, pull_requests=found)


def _read_reservations(site: Site, project: "ProjectSpec") -> ReservationRecord:
    """What is reserved of the limits of cost; not asked for where no team has one."""
    limits = [one.limits.cost_per_month for one in project.teams.values()]
    if project.cluster is None or all(one is None for one in limits):
        return ReservationRecord()
    return read_reservations(site.open_cluster(), project.cluster.namespace)


def _read_ground(site: Site, commit: str) -> tuple[Repository, WorkflowsByRun]:
    """The repository as its default branch's commit has it, and its Workflows."""
    repository = read_policy(site.folder, commit)
    project = repository.project.spec
    site.tenancy.refuse_foreign(project)
    site.tenants.admit(site.forge.repository, project)
    if project.cluster is None:
        return repository, {}
    return repository, site.workflows.read(site.open_cluster, project.cluster.namespace)


def _find_commits(
    mirror: GitMirror,
    default: str,
    pulls: "Mapping[int, PullRequest]",
    surveyed: Collection[int],
    left_out: dict[int, Reason],
) -> Mapping[str, str]:
    """The commits that are here of pull requests, and that of the default branch; why one could
    not be had goes to `left_out`."""
    commits = mirror.find_commits({default, *name_commits(pulls.values())}) if surveyed else {}
    stale = [
        one
        for one in pulls.values()
        if one.number not in surveyed or any(name not in commits for name in list_commits(one))
    ]
    if stale or default not in commits:
        left_out |= fetch(mirror, default, stale)
        there = [one for number, one in pulls.items() if number not in left_out]
        commits = mirror.find_commits({default, *name_commits(there)})
    return commits


def find_problems(site: Site, number: int) -> "tuple[PullRequest, Validation]":
    """What is wrong in the specs that a pull request changes; of forge and git alone. Raises as
    `observe_site`."""
    mirror, default = site.open_mirror()
    pull = site.forge.get_pull_request(number)
    for error in fetch(mirror, default, [pull]).values():
        raise error
    commits = mirror.find_commits({default, *name_commits([pull])})
    head, base = choose_commits(pull, commits, commits[default], site.now)
    proposal = Proposal(folder=site.folder, head=head, base=base, policy=default)
    return pull, validate_pull_request(proposal)


def _add_plans(
    site: Site, read: "Mapping[int, Future[PullRequestView]]", policy: Policy
) -> tuple[list[PullRequestView], dict[int, Reason]]:
    seen: list[PullRequestView] = []
    left_out: dict[int, Reason] = {}
    for number, one in read.items():
        try:
            seen.append(add_plans(site, one.result(), policy))
        except (Permanent, Refused, Temporary) as error:
            left_out[number] = error
        # A fault of ours, which is this one's: others are looked at.
        except Exception as error:
            left_out[number] = site.note_fault(error)
    return seen, left_out
