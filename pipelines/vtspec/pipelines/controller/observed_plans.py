"""The plans of a pull request, made anew only where something that they hang on has changed."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Never

from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.operations.pull_request import (
    AffectedPlan,
    Proposal,
    ProposedPlan,
    PullRequestPlans,
    plan_pull_request,
)
from vtspec.pipelines.operations.render import Obstacle
from vtspec.pipelines.planning.prior_runs import Comparison
from vtspec.pipelines.project.commit_tree import read_commit
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.schema.problem import Problem
from vtspec.schema.visible_text import make_visible

from .observed_pulls import choose_commits, has_settled
from .observed_runs import Ended
from .request import is_allowed, list_asked_specs, list_earlier_heads
from .site import Planned, Site
from .view import EarlierPlans, PlannedSpec, PullRequestView, SpecCause, View

if TYPE_CHECKING:
    from vtspec.pipelines.argo.settings import DataRemote
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.planning.resolve import ModelSources

REACH_S: Final = 60.0
"""After which time it is asked again whether pods can fetch what they could not."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The commit of the default branch and the repository as that has it; `commits` are those that
    are here of what pull requests name. `ended` are the runs there are and how they ended, which
    stands beside plans."""

    commit: str
    repository: Repository
    commits: Mapping[str, str]
    ended: tuple[Ended, ...]


@lru_cache(maxsize=64)
def read_policy(folder: Path, commit: str) -> Repository:
    """The repository under its `vtspec.yaml` of a commit, which never changes."""
    tree = read_commit(folder, commit)
    return find_repository(tree.top, tree)


@lru_cache(maxsize=1024)
def _list_experiments(folder: Path, policy: str, head: str) -> tuple[str, ...]:
    there = read_policy(folder, policy).with_tree(read_commit(folder, head))
    return tuple(sorted(there.find_spec_files("Experiment")))


def add_plans(site: Site, seen: PullRequestView, policy: Policy) -> PullRequestView:
    """A pull request with what its commits say."""
    head, base = choose_commits(seen.pull, policy.commits, policy.commit, site.now)
    experiments = _list_experiments(site.folder, policy.commit, head)
    unplanned = replace(seen, experiments=experiments)
    login = site.forge.find_login()
    view = View(now=site.now, login=login, project=policy.repository.project.spec)
    asked = frozenset(list_asked_specs(unplanned, login))
    found = _plan(site, unplanned, policy, view, _Commits(head, base, asked))
    specs = tuple(_list_specs(found))
    is_merge_lost = False
    if seen.pull.state == "merged" and view.project.approval.when == "merge":
        is_merge_lost = _is_merge_lost(site, seen, policy)
        if not is_merge_lost:
            specs = _plan_merge(site, unplanned, policy, view, specs)
    planned = replace(
        unplanned,
        specs=specs,
        removed=found.removed,
        changes_project=found.changes_project,
        is_merge_lost=is_merge_lost,
    )
    heads = list_earlier_heads(planned, view)
    return replace(planned, earlier=tuple(_plan_earlier(site, planned, policy, heads)))


def _plan_earlier(
    site: Site, seen: PullRequestView, policy: Policy, heads: Iterable[str]
) -> Iterator[EarlierPlans]:
    """What its specs were planned as at earlier heads; nothing of one that cannot be planned any
    more, or not just now: it is for telling what has changed, and nothing waits for it."""
    _, base = choose_commits(seen.pull, policy.commits, policy.commit, site.now)
    for head in heads:
        proposal = Proposal(
            folder=site.folder,
            head=head,
            base=base,
            policy=policy.commit,
            sources=_ask_no_registry(site.sources) if seen.pull.is_fork else site.sources,
            also=frozenset(list_asked_specs(seen, site.forge.find_login())),
            check=_check_nothing,
            check_weights=_check_no_weights,
        )
        try:
            found = plan_pull_request(proposal)
        except (Permanent, Refused, Temporary):
            continue
        yield EarlierPlans(head_sha=head, specs=tuple(_list_specs(found)))


class _Commits(NamedTuple):
    """What is planned, held against what, and which specs besides those that are other there."""

    head: str
    base: str
    also: frozenset[str]


def _is_merge_lost(site: Site, seen: PullRequestView, policy: Policy) -> bool:
    """Whether what a merge has made of which commit is in no branch any more. Raises `Temporary`
    where git may only be behind the forge."""
    pull = seen.pull
    if {pull.merge_sha, pull.base_sha} <= policy.commits.keys():
        return False
    if not has_settled(pull, site.now):
        raise Temporary(f"{pull.merge_sha or 'its merge commit'} has not been fetched yet")
    return True


def _plan_merge(
    site: Site,
    seen: PullRequestView,
    policy: Policy,
    view: View,
    specs: Sequence[PlannedSpec],
) -> tuple[PlannedSpec, ...]:
    """The specs that a pull request changed, as the merge has left them, beside its others."""
    commit = policy.commits[seen.pull.merge_sha]
    changed = {one.name: one for one in specs if one.cause == "changed"}
    # By their names: a merge may be one commit, or several, beside those of others.
    found = _plan(site, seen, policy, view, _Commits(commit, commit, frozenset(changed)))
    left = [
        replace(one, cause="changed", base=changed[one.name].base)
        for one in _list_specs(found)
        if one.name in changed
    ]
    return (*left, *(one for one in specs if one.cause != "changed"))


def _plan(
    site: Site, seen: PullRequestView, policy: Policy, view: View, commits: _Commits
) -> PullRequestPlans:
    pull, is_trusted = seen.pull, is_allowed(seen, view)
    key = (pull.number, *commits, is_trusted, policy.commit)
    known = site.planned.get(key)
    if (
        known is None
        or known.ended != _choose_ended(policy.ended, known.names)
        or (is_trusted and _may_be_reached(known))
    ):
        proposal = Proposal(
            folder=site.folder,
            head=commits.head,
            base=commits.base,
            policy=policy.commit,
            # A stranger's commit names nothing that is asked for with our credentials.
            sources=site.sources if is_trusted else _ask_no_registry(site.sources),
            also=commits.also,
            check=site.check if is_trusted else _check_nothing,
            check_weights=site.check_weights if is_trusted else _check_no_weights,
        )
        found = plan_pull_request(proposal)
        names = _list_names(found)
        ended = _choose_ended(policy.ended, names)
        known = Planned(found=found, names=names, ended=ended, made=time.monotonic())
        current = {pull.head_sha, pull.merge_sha} - {commits.head}
        for old in [one for one in site.planned if one[0] == pull.number]:
            if old[1] not in current:
                del site.planned[old]
        site.planned[key] = known
    return known.found


def _may_be_reached(known: Planned) -> bool:
    """Whether something that pods could not fetch may be there by now."""
    if time.monotonic() - known.made < REACH_S:
        return False
    found = (*known.found.proposed, *known.found.asked)
    return any(one.is_reached is not True for each in found for one in each.reach)


def _ask_no_registry(sources: "ModelSources | None") -> "ModelSources":
    from vtspec.pipelines.planning.resolve import ModelSources

    def refuse(name: str, version: str) -> Never:
        raise Refused(f"{name} is of our MLflow: {_UNTRUSTED}", fix="/vtspec allow HEAD_SHA")

    return replace(sources or ModelSources(), version_of=refuse)


def _list_names(found: PullRequestPlans) -> frozenset[str] | None:
    """The experiments whose runs stand beside these plans; None where that is not known."""
    # What could not be planned may be for want of any run.
    if found.problems:
        return None
    plans = [one.planned.made for one in (*found.proposed, *found.asked)]
    affected = [plan for one in found.affected for plan in (one.before, one.after) if plan]
    every = [*plans, *affected]
    return frozenset({one.name for one in every} | {one.report.baseline or "" for one in every})


def _choose_ended(ended: tuple[Ended, ...], names: frozenset[str] | None) -> tuple[Ended, ...]:
    """Of the runs those that plans are told with: all that are over, which took their time, and of
    those that are not the experiments' own."""
    return tuple(
        one for one in ended if one.ending is not None or names is None or one.spec_name in names
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
        obstacles=tuple(describe_obstacle(each) for each in one.obstacles),
    )


def describe_obstacle(problem: Problem) -> Sentence:
    """Why a plan cannot be carried out, and where that is mended."""
    english = str(problem)
    if not isinstance(problem, Obstacle):
        return Sentence(en=english, ko=english)
    where = f"{problem.file}:{problem.line}:{problem.column}"
    path = f"{problem.path}: " if problem.path else ""
    return Sentence(en=english, ko=make_visible(f"{where}: {path}{problem.korean}"))


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
