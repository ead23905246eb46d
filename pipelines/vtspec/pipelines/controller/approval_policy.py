"""What a review that approves, or a merge, has carried out where `approval.when` says so. Pure.

Bound to the head commit and to what the plan comment showed of it at that time: a review names no
digest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from vtspec.pipelines.forge.forge import Review
from vtspec.pipelines.language import Sentence

from .actions import Action, CommentKind, CreateRun, LabelRun
from .approval import Asker, choose_team, find_asker_problem
from .digests import Target, compute_all_digest, list_changed, write_line
from .ledger import Ledger, make_reservation
from .markers import Shown, find_comments, parse_time, read_visible
from .replies import explain_merged_otherwise
from .request import find_run_problem, find_shown, find_standing, is_allowed, list_open
from .view import Approval, ApprovalSource, PullRequestView, View


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What comes of it; `sentences` say what of it could not be carried out, and why."""

    effects: tuple[Action, ...] = ()
    sentences: tuple[Sentence, ...] = ()


class _Said(NamedTuple):
    """Who has approved, and by what; when last, None where that is not known."""

    login: str
    source: ApprovalSource
    at: datetime | None


def judge_approval(seen: PullRequestView, view: View, ledger: Ledger) -> Verdict:
    """What a review or the merge of a pull request has carried out that nothing has yet."""
    shown, targets = find_shown(seen, view.login), list_changed(seen.specs)
    if shown is None or shown.head_sha != seen.pull.head_sha or not targets:
        return Verdict()
    match view.project.approval.when:
        case "approval" if seen.pull.state == "open" and not seen.pull.is_draft:
            return _judge_reviews(seen, view, ledger, shown)
        case "merge" if seen.pull.state == "merged":
            return _judge_merge(seen, view, ledger, shown)
        case _:
            return Verdict()


def _judge_reviews(seen: PullRequestView, view: View, ledger: Ledger, shown: Shown) -> Verdict:
    targets = list_changed(seen.specs)
    if shown.all_digest != compute_all_digest(targets) or not is_allowed(seen, view):
        return Verdict()
    # The last word of each reviewer counts.
    last = {review.user: review for review in seen.reviews}
    approving = [one for one in last.values() if _approves(one, seen, view, shown)]
    if not approving:
        return Verdict()
    first = approving[0]
    last_said = max((one.submitted_at for one in approving), default="")
    return _carry_out(seen, view, ledger, _Said(first.user, "approval", parse_time(last_said)))


def _approves(review: Review, seen: PullRequestView, view: View, shown: Shown) -> bool:
    at = parse_time(review.submitted_at)
    if not review.is_approved or review.is_dismissed or at is None:
        return False
    # Unlike a comment it names no digest: of the same second, it may be of what was shown before.
    if review.commit_sha != seen.pull.head_sha or at.timestamp() <= shown.all_since:
        return False
    return _may(review.user, seen, view)


def _may(login: str, seen: PullRequestView, view: View) -> bool:
    asker = Asker(login=login, permission=seen.permissions.get(login, "none"))
    return find_asker_problem(asker, seen.pull.author, view.project) is None


def _judge_merge(seen: PullRequestView, view: View, ledger: Ledger, shown: Shown) -> Verdict:
    targets = list_changed(seen.specs)
    if seen.merged_by is None or not _may(seen.merged_by, seen, view):
        return Verdict()
    if shown.all_digest != compute_all_digest(targets):
        left = list_open(seen.specs, ledger)
        # What the merge made of the plans nobody has seen; a comment may still approve it.
        return Verdict(
            sentences=(explain_merged_otherwise(write_line(left, seen.specs)),) if left else ()
        )
    return _carry_out(seen, view, ledger, _Said(seen.merged_by, "merge", None))


def _carry_out(seen: PullRequestView, view: View, ledger: Ledger, said: _Said) -> Verdict:
    effects: list[Action] = []
    problems: list[Sentence] = []
    for target in list_changed(seen.specs):
        outcome = _begin(seen, view, ledger, target, said)
        problems += [outcome] if isinstance(outcome, Sentence) else []
        effects += [] if isinstance(outcome, Sentence) else outcome
    return Verdict(effects=tuple(effects), sentences=tuple(problems))


def _begin(
    seen: PullRequestView,
    view: View,
    ledger: Ledger,
    target: Target,
    said: _Said,
) -> Sequence[Action] | Sentence:
    """What carries a plan out that has never been; a run of it is the memory that it was."""
    login, number = said.login, seen.pull.number
    approval = Approval(
        pull_request=number,
        login=login,
        digest=target.plan.digest,
        head_sha=seen.pull.head_sha,
        source=said.source,
    )
    standing = find_standing(target, ledger)
    attempt = standing.attempt
    if attempt is not None and attempt.is_at_work:
        if number in attempt.wanted_by or attempt.is_stopping:
            return []
        if attempt.digest != target.plan.digest:
            return []
        ledger.label_run(attempt.run, number, approval)
        label = LabelRun(run=attempt.run, pull_request=number, is_wanted=True, approval=approval)
        return [label]
    # A failed or stopped one waits for a person's word, and so does one that was removed since.
    if standing.begin not in ("new", "completion") or _is_done(standing.run, said, seen, view):
        return []
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


def _is_done(run: str, said: _Said, seen: PullRequestView, view: View) -> bool:
    """Whether a comment of ours has told how the run goes, or went, since that was said."""
    kinds: tuple[CommentKind, ...] = ("progress", "result")
    ours = [one for kind in kinds for one in find_comments(seen.comments, view.login, kind)]
    name = re.compile(rf"(?<![\w-]){re.escape(run)}(?![\w-])")
    # In hidden lines a comment names runs long after it has told how they went.
    times = [parse_time(one.updated_at) for one in ours if name.search(read_visible(one.body))]
    return any(said.at is None or at is None or said.at <= at for at in times)
