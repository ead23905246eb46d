"""What a review that approves, or a merge, has carried out where `approval.when` says so. Pure.

It counts by what `vtspec.yaml` said of approvals when the plans were shown, and says still. It is
bound to the head commit and to what the plan comment showed of it at that time: a review names no
digest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from vtspec.pipelines.forge.forge import Review
from vtspec.pipelines.language import Sentence

from .actions import Action, CommentKind, CreateRun
from .approval import Asker, choose_team, find_asker_problem, find_limit_problem, name_policy
from .digests import Target, compute_all_digest, list_changed, write_line
from .ledger import Ledger, make_reservation
from .markers import Shown, find_comments, parse_time, read_visible
from .replies import (
    MERGED_FOR_NOTHING,
    OWN_ACCOUNT,
    explain_early_review,
    explain_fork,
    explain_lost_merge,
    explain_merged_before,
    explain_merged_by_other,
    explain_merged_otherwise,
    explain_own_review,
    explain_unseen_merge,
)
from .request import find_run_problem, find_shown, find_standing, is_allowed, list_open
from .run_replies import put_before
from .view import Approval, ApprovalSource, PullRequestView, View


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What comes of it; `sentences` say what of it could not be carried out, and why."""

    effects: tuple[Action, ...] = ()
    sentences: tuple[Sentence, ...] = ()


class _Said(NamedTuple):
    """Who has approved, by what, and when last."""

    login: str
    source: ApprovalSource
    at: datetime


def judge_approval(seen: PullRequestView, view: View, ledger: Ledger) -> Verdict:
    """What a review or the merge of a pull request has carried out that nothing has yet."""
    shown, targets = find_shown(seen, view.login), list_changed(seen.specs)
    if shown is None or shown.head_sha != seen.pull.head_sha:
        return Verdict()
    if seen.is_merge_lost:
        return _judge_lost_merge(seen, ledger, shown)
    if not targets:
        return Verdict()
    when = view.project.approval.when
    match seen.pull.state:
        case "open" if when == "approval" and not seen.pull.is_draft:
            return _judge_reviews(seen, view, ledger, shown)
        case "merged" if when == "merge":
            return _judge_merge(seen, view, ledger)
        case "merged":
            return _judge_earlier_merge(seen, ledger)
        case _:
            return Verdict()


def _judge_reviews(seen: PullRequestView, view: View, ledger: Ledger, shown: Shown) -> Verdict:
    targets = list_changed(seen.specs)
    if shown.all_digest != compute_all_digest(targets) or not is_allowed(seen, view):
        return Verdict()
    # The last word of each reviewer counts.
    last = {review.user: review for review in seen.reviews}
    said = [
        _Said(one.user, "approval", at)
        for one in last.values()
        if (at := _find_approval_time(one, seen)) is not None and _may(one.user, seen, view)
    ]
    since = _find_since(seen, view)
    # Unlike a comment it names no digest: of the same second, it may be of what was shown before.
    counted = [one for one in said if since is not None and one.at > since]
    if counted:
        return _carry_out(seen, view, ledger, counted)
    if not _list_unbegun(targets, ledger):
        return Verdict()
    if said:
        return Verdict(sentences=(explain_early_review(said[0].login),))
    ours = last.get(view.login)
    if ours is not None and _find_approval_time(ours, seen) is not None:
        return Verdict(sentences=(explain_own_review(view.login),))
    return Verdict()


def _find_since(seen: PullRequestView, view: View) -> datetime | None:
    """Since when people have seen these plans under the policy that holds now."""
    visible = seen.visible
    if visible is None or visible.policy != name_policy(view.project):
        return None
    return parse_time(visible.since)


def _list_unbegun(targets: Sequence[Target], ledger: Ledger) -> list[Target]:
    """Those of the plans that nothing has come of yet, and something could."""
    return [
        one
        for one in list_open(targets, ledger)
        if find_standing(one, ledger).begin in ("new", "completion")
    ]


def _find_approval_time(review: Review, seen: PullRequestView) -> datetime | None:
    """When it approved the head; None where it does not, or not any more."""
    if not review.is_approved or review.is_dismissed:
        return None
    return parse_time(review.submitted_at) if review.commit_sha == seen.pull.head_sha else None


def _may(login: str, seen: PullRequestView, view: View) -> bool:
    return _find_problem(login, seen, view) is None


def _find_problem(login: str, seen: PullRequestView, view: View) -> Sentence | None:
    if login == view.login:
        return OWN_ACCOUNT
    asker = Asker(login=login, permission=seen.permissions.get(login, "none"))
    return find_asker_problem(asker, seen.pull.author, view.project)


def _judge_merge(seen: PullRequestView, view: View, ledger: Ledger) -> Verdict:
    targets, at = list_changed(seen.specs), parse_time(seen.pull.merged_at)
    left, visible = list_open(targets, ledger), seen.visible
    if seen.merged_by is None or at is None:
        return Verdict()
    since = None if visible is None else parse_time(visible.since)
    line, problem = write_line(left, seen.specs), _find_problem(seen.merged_by, seen, view)
    if visible is None or since is None or at <= since:
        told = explain_unseen_merge(line)
    elif visible.policy != name_policy(view.project):
        left = _list_unbegun(targets, ledger)
        told = explain_merged_before(write_line(left, seen.specs))
    elif problem is not None:
        told = explain_merged_by_other(seen.merged_by, problem, line)
    elif not is_allowed(seen, view):
        told = explain_fork(seen.pull.head_sha)
    elif visible.all_digest != compute_all_digest(targets):
        # What the merge made of the plans nobody has seen; a comment may still approve it.
        told = explain_merged_otherwise(line)
    else:
        return _carry_out(seen, view, ledger, [_Said(seen.merged_by, "merge", at)])
    return Verdict(sentences=(told,) if left else ())


def _judge_lost_merge(seen: PullRequestView, ledger: Ledger, shown: Shown) -> Verdict:
    """What is told of a merge whose commits are in no branch any more, unless it has been carried
    out before."""
    words = [word for one in ledger.attempts for word in one.approvals]
    if shown.all_digest == compute_all_digest([]) or any(
        one.pull_request == seen.pull.number and one.source == "merge" for one in words
    ):
        return Verdict()
    targets = list_changed(seen.specs)
    left = _list_unbegun(targets, ledger)
    if targets and not left:
        return Verdict()
    line = write_line(left, seen.specs) if left else None
    return Verdict(sentences=(explain_lost_merge(seen.pull.merge_sha, line),))


def _judge_earlier_merge(seen: PullRequestView, ledger: Ledger) -> Verdict:
    """What is told of a merge that was to carry plans out, where none does any more."""
    is_meant = seen.visible is not None and seen.visible.policy.startswith("merge ")
    left = _list_unbegun(list_changed(seen.specs), ledger) if is_meant else []
    return Verdict(sentences=(MERGED_FOR_NOTHING,) if left else ())


def _carry_out(
    seen: PullRequestView, view: View, ledger: Ledger, said: Sequence[_Said]
) -> Verdict:
    """Each plan by the first word of those that may have it carried out."""
    effects: list[Action] = []
    problems: list[Sentence] = []
    for target in list_changed(seen.specs):
        found: list[Sentence] = []
        for one in said:
            outcome = _begin(seen, view, ledger, target, one)
            if isinstance(outcome, Sentence):
                found.append(outcome)
            elif outcome is not None:
                effects += outcome
                break
        else:
            problems += found[:1]
    return Verdict(effects=tuple(effects), sentences=tuple(problems))


def _begin(
    seen: PullRequestView,
    view: View,
    ledger: Ledger,
    target: Target,
    said: _Said,
) -> Sequence[Action] | Sentence | None:
    """What carries a plan out, or why nothing may; None where nothing comes of what was said any
    more: a run of the plan is the memory that something has."""
    login, number = said.login, seen.pull.number
    approval = Approval(
        pull_request=number,
        login=login,
        digest=target.plan.digest,
        head_sha=seen.pull.head_sha,
        source=said.source,
        place=view.place,
    )
    standing = find_standing(target, ledger)
    attempt = standing.attempt
    if attempt is not None and attempt.is_at_work:
        if number in attempt.wanted_by or attempt.is_stopping:
            return []
        if attempt.digest != target.plan.digest:
            return []
        # Nobody approves what they may not run.
        problem = find_limit_problem(target.plan, login, view.project)
        if problem is not None:
            return put_before(target, problem)
        return [ledger.label_run(attempt.run, number, approval)]
    # A failed one waits for a person's word, and so does one that was removed since.
    if standing.begin not in ("new", "completion", "resume"):
        return None
    times = _list_times(standing.run, seen, view)
    if any(at is None or said.at <= at for at in times):
        return None
    # One that was stopped goes on by what is said after its end was told.
    is_cut_short = standing.begin == "resume" and attempt is not None and not attempt.is_only_named
    if is_cut_short and not times:
        return None
    problem = find_run_problem(view, target, standing, login, ledger)
    if problem is not None:
        return problem
    team = choose_team(target.plan, login, view.project)
    ledger.begin_run(target, standing, approval, team)
    return [
        CreateRun(
            run=standing.run,
            plan=target.plan,
            begin=standing.begin,
            approval=approval,
            team=team,
            after_seq=standing.after_seq,
            reservation=make_reservation(target, standing, team, view),
        )
    ]


def _list_times(run: str, seen: PullRequestView, view: View) -> list[datetime | None]:
    """When our comments were written last that tell how the run goes, or went."""
    kinds: tuple[CommentKind, ...] = ("progress", "result")
    ours = [one for kind in kinds for one in find_comments(seen.comments, view.login, kind)]
    name = re.compile(rf"(?<![\w-]){re.escape(run)}(?![\w-])")
    # In hidden lines a comment names runs long after it has told how they went.
    return [parse_time(one.updated_at) for one in ours if name.search(read_visible(one.body))]
