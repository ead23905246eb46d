"""What comes of a review that approves, or of a merge, where `approval.when` says so. Pure.

Each is a word like a command: it is due until an answer of ours bears its id, whatever has become
of what it began, and a later `/vtspec stop` calls it off. Naming no digest it is bound to what the
plan comment showed at that time, and to what `vtspec.yaml` said then of approvals, and says still.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vtspec.pipelines.language import Sentence

from . import replies, run_replies
from .actions import Action, CreateRun
from .approval import (
    Asker,
    choose_team,
    find_asker_problem,
    find_limit_problem,
    find_standing_reviews,
    name_policy,
)
from .digests import Target, compute_all_digest, list_changed, write_line
from .ledger import Ledger, make_reservation
from .markers import WordId, parse_time
from .request import (
    Answer,
    find_run_problem,
    find_shown,
    find_standing,
    is_allowed,
    is_called_off,
    list_done,
    list_open,
    list_stops,
    refuse,
    wants_run,
)
from .view import Approval, PullRequestView, View


@dataclass(frozen=True, kw_only=True)
class Word:
    """A review that approves, or a merge: an approval but for the digest, and when it was said."""

    approval: Approval
    at: str

    @property
    def id(self) -> WordId:
        """What its answer is found by."""
        return self.approval.word


def list_words(seen: PullRequestView, view: View) -> Iterator[Word]:
    """What of a pull request is to carry its plans out, or was when they were shown; nothing that
    waits for the plan comment, for a maintainer or for the end of a draft."""
    pull, shown = seen.pull, find_shown(seen, view.login)
    noted = "" if shown is None else shown.policy.partition(" ")[0]
    ways = {view.project.approval.when, noted}
    said = Approval(
        pull_request=pull.number,
        login=seen.merged_by or "",
        digest="",
        head_sha=pull.head_sha,
        source="merge",
        place=view.place,
    )
    if pull.state == "merged" and "merge" in ways:
        yield Word(approval=said, at=pull.merged_at)
        return
    # What was over before it was to be approved by reviews, these were not of.
    is_meant = "approval" in ways if pull.state == "open" else noted == "approval"
    if not is_meant or (pull.state == "open" and _is_waiting(seen, view)):
        return
    for one in find_standing_reviews(seen.reviews).values():
        if one.user == view.login or _find_asker_problem(one.user, seen, view) is None:
            mine = replace(said, source="approval", login=one.user, comment_id=one.id)
            yield Word(approval=replace(mine, head_sha=one.commit_sha), at=one.submitted_at)


def _is_waiting(seen: PullRequestView, view: View) -> bool:
    """Whether there is no plan comment of these plans at this head yet, or nothing is carried out
    of it before somebody says so."""
    shown = find_shown(seen, view.login)
    is_shown = (
        shown is not None
        and shown.head_sha == seen.pull.head_sha
        and shown.all_digest == compute_all_digest(list_changed(seen.specs))
    )
    return seen.pull.is_draft or not is_shown or not is_allowed(seen, view)


def answer_word(word: Word, seen: PullRequestView, view: View, ledger: Ledger) -> Answer | None:
    """What is answered to a review or a merge that nobody has answered; None where there is
    nothing that it could have carried out."""
    targets, shown = list_changed(seen.specs), find_shown(seen, view.login)
    begun = ledger.list_begun_by(word.id)
    done = list_done(word.approval, seen, view, ledger)
    left = [one for one in targets if one.plan.id not in done]
    told = (run_replies.explain_begun(begun, word.approval.source),) if begun else ()
    to_do = list_open(left, ledger)
    line = write_line(to_do, seen.specs) if to_do else None
    problem = _find_problem(word, seen, view, line)
    if problem is None and targets:
        answer = _carry_out(word, left, seen, view, ledger)
        return replace(answer, sentences=(*told, *answer.sentences))
    # What it has made cannot be told; that it was to make something can.
    has_shown = shown is not None and shown.all_digest != compute_all_digest([])
    is_lost = seen.is_merge_lost and has_shown and not targets and not done
    if problem is None or not (to_do or is_lost):
        return Answer(outcome="done", sentences=told) if begun else None
    return refuse(*told, problem)


def _find_problem(
    word: Word, seen: PullRequestView, view: View, line: str | None
) -> Sentence | None:
    """Why a word carries nothing out; `line` is what carries out what is left."""
    if word.approval.source == "merge":
        return _find_merge_problem(word, seen, view, line)
    return _find_review_problem(word, seen, view)


def _find_review_problem(word: Word, seen: PullRequestView, view: View) -> Sentence | None:
    pull, login = seen.pull, word.approval.login
    if login == view.login:
        return replies.explain_own_review(login)
    at, since = parse_time(word.at), _find_since(seen, view)
    # Unlike a comment it names no digest: of the same second, it may be of what was shown before.
    is_seen = since is not None and at is not None and since < at
    is_seen = is_seen and word.approval.head_sha == pull.head_sha
    # An approval may have it merged at once.
    merged = parse_time(pull.merged_at)
    is_in_time = at is not None and merged is not None and at <= merged
    if pull.state != "open" and not (is_seen and is_in_time and not _is_waiting(seen, view)):
        return replies.explain_late_review(login, pull.state)
    if view.project.approval.when != "approval":
        return replies.explain_review_for_nothing(login)
    return None if is_seen else replies.explain_early_review(login)


def _find_merge_problem(
    word: Word, seen: PullRequestView, view: View, line: str | None
) -> Sentence | None:
    pull, shown, policy = seen.pull, find_shown(seen, view.login), name_policy(view.project)
    at, login, visible = parse_time(word.at), word.approval.login, seen.visible
    if view.project.approval.when != "merge":
        return replies.MERGED_FOR_NOTHING
    if seen.is_merge_lost:
        return replies.explain_lost_merge(pull.merge_sha, line)
    paste = replies.explain_line(line)
    if shown is not None and shown.policy != policy:
        return replies.explain_merged_before(paste)
    since = _find_since(seen, view)
    is_of_head = shown is not None and shown.head_sha == pull.head_sha
    if visible is None or since is None or at is None or at <= since or not is_of_head:
        return replies.explain_unseen_merge(paste)
    if login == "":
        return replies.explain_merged_by_nobody(paste)
    problem = _find_asker_problem(login, seen, view)
    if problem is not None:
        return replies.explain_merged_by_other(login, problem, paste)
    if not is_allowed(seen, view):
        return replies.explain_merged_fork(pull.head_sha, paste)
    if visible.all_digest != compute_all_digest(list_changed(seen.specs)):
        # What the merge made of the plans nobody has seen; a comment may still approve it.
        return replies.explain_merged_otherwise(paste)
    return None


def _find_since(seen: PullRequestView, view: View) -> datetime | None:
    """Since when people have seen these plans under the policy that holds now."""
    visible = seen.visible
    if visible is None or visible.policy != name_policy(view.project):
        return None
    return parse_time(visible.since)


def _find_asker_problem(login: str, seen: PullRequestView, view: View) -> Sentence | None:
    if login == view.login:
        return replies.OWN_ACCOUNT
    asker = Asker(login=login, permission=seen.permissions.get(login, "none"))
    return find_asker_problem(asker, seen.pull.author, view.project)


def _carry_out(
    word: Word, targets: Sequence[Target], seen: PullRequestView, view: View, ledger: Ledger
) -> Answer:
    """Each of the plans that can be; a review and a merge are of all of them as they stand, and
    one that cannot be carried out keeps back no other."""
    effects: list[Action] = []
    told: list[Sentence] = []
    problems: list[Sentence] = []
    left: list[Target] = []
    for target in targets:
        standing = find_standing(target, ledger)
        outcome = _begin(word, target, seen, view, ledger)
        if isinstance(outcome, Sentence):
            problems.append(outcome)
            left.append(target)
        else:
            effects += outcome
            told.append(run_replies.explain_standing(target, standing, bool(outcome)))
    if not left:
        return Answer(outcome="done", sentences=tuple(told), effects=tuple(effects))
    line = write_line(left, seen.specs) if word.approval.source == "merge" else None
    again = replies.explain_once_more(line)
    if line is None and seen.pull.state != "open":
        again = replies.explain_closed(seen.pull.state)
    sentences = (*told, *problems, again)
    return Answer(outcome="refused", sentences=sentences, effects=tuple(effects))


def _begin(
    word: Word, target: Target, seen: PullRequestView, view: View, ledger: Ledger
) -> Sequence[Action] | Sentence:
    """What carries a plan out, counted in the ledger; or why nothing does."""
    standing = find_standing(target, ledger)
    number, login = seen.pull.number, word.approval.login
    approval = replace(word.approval, digest=target.plan.digest)
    attempt = standing.attempt
    if standing.begin is None and not standing.is_at_work:
        return []
    stops = list_stops(seen, view)
    if is_called_off(word.approval, target.spec.name, seen, stops):
        return run_replies.put_before(target, replies.CALLED_OFF)
    if attempt is not None and attempt.is_at_work:
        if attempt.is_stopping:
            return run_replies.explain_stopping(attempt.run, is_pasted=False)
        if attempt.digest != target.plan.digest:
            return run_replies.explain_other_policy(attempt.run, is_pasted=False)
        if wants_run(attempt, seen, stops):
            return []
        # Nobody approves what they may not run.
        problem = find_limit_problem(target.plan, login, view.project)
        if problem is not None:
            return run_replies.put_before(target, problem)
        return [ledger.label_run(attempt.run, number, approval)]
    problem = find_run_problem(view, target, standing, login, ledger)
    if problem is not None:
        return problem
    assert standing.begin is not None
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
