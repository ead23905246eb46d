"""What is wanted and what is there → what to do. Pure, total, level-triggered.

Nothing is remembered between two passes. Where all that is returned has been done, the next pass
returns nothing; where some of it was lost, or was done twice, it returns what is left.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.forge.comment_text import has_text
from vtspec.pipelines.forge.forge import Comment, ReactionContent
from vtspec.pipelines.language import Tongue

from .actions import (
    Action,
    CommentKind,
    CreateRun,
    LabelRun,
    React,
    Reply,
    StopRun,
    WriteComment,
)
from .answers import answer_comment, list_relied_on, list_taken_for_begun
from .approval import name_policy
from .approval_policy import Word, answer_word, list_words
from .approved_runs import list_approved, read_approved, render_approved, update_approved
from .commands import parse_command
from .comment_text import capitalize, cut_text
from .commit_status import list_beside, report_checks, set_statuses
from .digests import compute_all_digest, list_changed, list_targets, strip_digest
from .faults import PullRequestFault, RunFault, blaming_pull, blaming_run, describe_fault
from .ledger import Ledger, open_ledger
from .markers import (
    CONCLUDED,
    DUPLICATE,
    Outcome,
    Shown,
    ShownDigest,
    WordId,
    find_comments,
    find_replies,
    make_marker,
    make_reply_marker,
    parse_time,
    update_shown,
)
from .plan_comment import render_plan_comment
from .progress_comment import render_progress_comment
from .replies import OWN_ACCOUNT, render_no_more
from .request import Answer, Request, find_shown, list_stops, refuse, wants_run
from .result_comment import render_result_comment
from .view import Approval, Attempt, PullRequestView, UnclearRun, View

EDIT_PAUSE: Final = timedelta(seconds=15)
"""A progress comment is written anew no sooner than this after the last time."""

_STOPPED: Final = "no open pull request wants it"


Part: TypeAlias = Literal["plan", "apply", "report"]
"""What of it is done: plans and checks told; commands answered and what is approved carried out;
progress and results told."""

EVERY_PART: Final[tuple[Part, ...]] = ("plan", "apply", "report")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be done, by `view`: of what was seen the part that could be decided on. `faults`
    are errors of ours, of pull requests, of which nothing is done, and of runs, of which it is not
    known what they have come to."""

    actions: list[Action]
    view: View
    pull_faults: Mapping[int, Exception]
    run_faults: Mapping[str, Exception]


def reconcile_each(view: View, parts: Sequence[Part] = EVERY_PART) -> Decision:
    """The same without pull requests and runs that an error of ours is about."""
    pull_faults: dict[int, Exception] = {}
    run_faults: dict[str, Exception] = {}
    while True:
        # All anew: what was decided for one may have been counted in what came after.
        try:
            actions = reconcile(view, parts)
        except PullRequestFault as fault:
            pull_faults[fault.number] = _get_cause(fault)
            view = _leave_out(view, fault.number)
        except RunFault as fault:
            run_faults[fault.run] = _get_cause(fault)
            view = _make_unclear(view, fault.run, run_faults[fault.run])
        else:
            return Decision(
                actions=actions, view=view, pull_faults=pull_faults, run_faults=run_faults
            )


def _get_cause(fault: Exception) -> Exception:
    assert isinstance(fault.__cause__, Exception)
    return fault.__cause__


def _leave_out(view: View, number: int) -> View:
    rest = [one for one in view.pull_requests if one.pull.number != number]
    return replace(view, pull_requests=rest)


def _make_unclear(view: View, run: str, error: Exception) -> View:
    """The view with a run as one of which only its name and its team are known."""
    (one,) = (each for each in view.attempts if each.run == run)
    rest = [each for each in view.attempts if each.run != run]
    fault = describe_fault(error)
    unclear = UnclearRun(run=run, plan_id=one.plan_id, fault=fault, team=one.team)
    return replace(view, attempts=rest, unclear=(*view.unclear, unclear))


def reconcile(view: View, parts: Sequence[Part] = EVERY_PART) -> list[Action]:
    """All that is to be done now, in an order in which it may be done.

    Raises `PullRequestFault` and `RunFault` where an error of ours is one's.
    """
    ledger = open_ledger(view)
    actions: list[Action] = []
    if "apply" in parts:
        actions += _answer_all(view, ledger)
        actions += _stop_unwanted(view, ledger)
    tried = {_find_unasked(action) for action in actions}
    for seen in view.pull_requests:
        with blaming_pull(seen.pull.number):
            if "plan" in parts:
                actions += _tell_plan(seen, view, ledger)
            # While something is tried once more, what was told of it stands.
            if "apply" in parts and seen.pull.number not in tried:
                actions += _take_back_refusals(seen, view)
            if "report" in parts:
                actions += _tell_runs(seen, view, ledger)
    return [*actions, *set_statuses(view, ledger)] if "report" in parts else actions


def _answer_all(view: View, ledger: Ledger) -> Iterator[Action]:
    """The answers to all commands, reviews and merges that have none, the oldest first, whichever
    pull request they are in: what one of them begins, the next one finds at work."""
    found: list[tuple[str, int, Comment | Word, PullRequestView]] = []
    for seen in view.pull_requests:
        with blaming_pull(seen.pull.number):
            found += [
                (comment.created_at, comment.id, comment, seen)
                for comment in seen.comments
                if _is_persons(comment) and parse_command(comment.body) is not None
            ]
            found += [
                (one.at, one.approval.comment_id, one, seen) for one in list_words(seen, view)
            ]
    for _, _, said, seen in sorted(found, key=lambda one: one[:2]):
        with blaming_pull(seen.pull.number):
            if isinstance(said, Word):
                answered = list(_answer_word(said, seen, view, ledger))
            else:
                answered = list(_answer_command(said, seen, view, ledger))
        yield from answered


def _is_persons(comment: Comment) -> bool:
    # No other program's words start anything: two could talk for ever. Nothing that we write is a
    # command; by an account of ours that is one, a person has typed it.
    return comment.author != "" and not comment.author.endswith("[bot]")


def _answer_word(
    word: Word, seen: PullRequestView, view: View, ledger: Ledger
) -> Iterator[Action]:
    number = seen.pull.number
    there = find_comments(seen.comments, view.login, f"reply {word.id}")
    yield from _point_at_first(number, there)
    answer = None if there else answer_word(word, seen, view, ledger)
    if answer is None:
        return
    yield from answer.effects
    # What one of its plans comes upon keeps back no other, but the answer.
    relies_on = list_taken_for_begun(answer, word.approval.login, seen, view, ledger.changed)
    tongue = detect_language([seen.pull.title])
    begun = list_approved(ledger.list_begun_by(word.id), number)
    body = view.redactor.redact_text(_render_reply(word.id, answer, begun, tongue))
    yield Reply(pull_request=number, word=word.id, body=body, relies_on=relies_on)


def _answer_command(
    comment: Comment, seen: PullRequestView, view: View, ledger: Ledger
) -> Iterator[Action]:
    number, cause = seen.pull.number, comment.id
    replies = find_comments(seen.comments, view.login, f"reply {comment.id}")
    # Of two that answered at once each may have been killed before it saw the other's.
    yield from _point_at_first(number, replies)
    ours = {one.content for one in seen.reactions.get(comment.id, ()) if one.user == view.login}
    if ours & CONCLUDED:
        return
    replied = find_replies(seen.comments, view.login).get(comment.id)
    if replied is not None:
        yield _conclude(number, cause, replied)
        return
    request = Request(view=view, seen=seen, comment=comment, ledger=ledger)
    changed = ledger.changed
    is_ours = comment.author == view.login
    answer = refuse(OWN_ACCOUNT) if is_ours else answer_comment(request)
    if answer is None:
        return
    relies_on = list_relied_on(request, answer, changed)
    if answer.effects and "eyes" not in ours:
        # No Workflow waits for a sign that it was asked for.
        yield React(pull_request=number, comment_id=cause, content="eyes")
    yield from answer.effects
    if not answer.is_quiet:
        begun = list_approved(ledger.list_begun_by(cause), number)
        body = view.redactor.redact_text(_render_reply(cause, answer, begun, request.tongue))
        yield Reply(pull_request=number, word=cause, body=body, relies_on=relies_on, cause=cause)
    yield replace(_conclude(number, cause, answer.outcome), relies_on=relies_on)


def _conclude(number: int, comment_id: int, outcome: Outcome) -> React:
    """The reaction that says that nothing more is to be done for a command."""
    content: ReactionContent = "rocket" if outcome == "done" else "-1"
    return React(pull_request=number, comment_id=comment_id, content=content, cause=comment_id)


def _render_reply(
    word: WordId, answer: Answer, begun: Mapping[str, Approval], tongue: Tongue
) -> str:
    marker = f"{make_reply_marker(word, answer.outcome)}{render_approved(begun)}"
    said = [capitalize(one.say(tongue)) for one in answer.sentences]
    mark = "🚀" if answer.outcome == "done" else "👎"
    return cut_text(f"{marker}\n{mark} " + "\n\n".join(said) + "\n", tongue=tongue)


def _find_unasked(action: Action) -> int | None:
    """The pull request of which something is begun or wanted by no command."""
    match action:
        case CreateRun(approval=approval, cause=None):
            return approval.pull_request
        case LabelRun(pull_request=number, cause=None):
            return number
        case _:
            return None


def _stop_unwanted(view: View, ledger: Ledger) -> Iterator[Action]:
    """Runs at work of which every pull request that approved them is closed, or said stop. Of one
    that was merged the run is wanted, and nothing is concluded from one that nobody knows of."""
    for seen in view.pull_requests:
        with blaming_pull(seen.pull.number):
            yield from _stop_called_off(seen, view, ledger)
    for attempt in ledger.attempts:
        with blaming_run(attempt.run):
            reason = _find_stop_reason(attempt, view)
        if reason is not None:
            ledger.stop_run(attempt.run)
            yield StopRun(run=attempt.run, reason=reason, uid=attempt.workflow_uid)


def _stop_called_off(seen: PullRequestView, view: View, ledger: Ledger) -> Iterator[LabelRun]:
    """Runs at work that a pull request wants by words from before a stop of its own."""
    number = seen.pull.number
    stops = list_stops(seen, view)
    for one in ledger.list_wanted(number) if stops else ():
        if not wants_run(one, seen, stops):
            yield ledger.label_run(one.run, number, None)


def _find_stop_reason(attempt: Attempt, view: View) -> str | None:
    """Why a run is to be stopped; None where it is not."""
    if not attempt.is_at_work or attempt.is_stopping or not attempt.wanted_by:
        return None
    if any(
        is_wanted and view.states.get(number) != "closed"
        for number, is_wanted in attempt.wanted_by.items()
    ):
        return None
    said = [number for number in sorted(attempt.wanted_by) if not attempt.wanted_by[number]]
    still = [number for number in said if view.states.get(number) != "closed"]
    return f"pull request {still[-1]} said stop" if still else _STOPPED


def _tell_plan(seen: PullRequestView, view: View, ledger: Ledger) -> Iterator[Action]:
    if seen.pull.state == "open":
        plan, rest = render_plan(seen, view, ledger)
        # Of a pull request that is about something else nothing is said, unless it was.
        is_ours = seen.specs or seen.removed or seen.changes_project
        if is_ours or find_comments(seen.comments, view.login, "plan"):
            yield from _write(seen, view, "plan", plan)
        yield from _tell_check(seen, view, ledger, rest)


def _tell_check(seen: PullRequestView, view: View, ledger: Ledger, rest: str) -> Iterator[Action]:
    """The check of its head, told once of all pull requests that have it."""
    every = list_beside(seen, view)
    if every[0] is not seen:
        return
    rests = [rest]
    for one in every[1:]:
        with blaming_pull(one.pull.number):
            rests.append(render_plan(one, view, ledger)[1])
    yield from report_checks(every, view, "\n\n".join(filter(None, rests)))


def _take_back_refusals(seen: PullRequestView, view: View) -> Iterator[Action]:
    """What the cluster has refused of a review or a merge is tried no more."""
    if find_comments(seen.comments, view.login, "approval"):
        body = f"{make_marker('approval')}\n{render_no_more(seen.pull.title)}"
        yield from _write(seen, view, "approval", body)


def _tell_runs(seen: PullRequestView, view: View, ledger: Ledger) -> Iterator[Action]:
    number = seen.pull.number
    mine = [one for one in ledger.attempts if number in one.wanted_by]
    at_work = [one for one in mine if one.is_at_work]
    written = find_comments(seen.comments, view.login, "progress")
    if at_work or written:
        approved = update_approved(read_approved(seen, view.login), mine, number)
        lost = _find_lost(seen, ledger)
        body = render_progress_comment(seen, view, at_work, lost, approved)
        if not (at_work and written and _is_just_written(written[0], view)):
            yield from _write(seen, view, "progress", body)
    ended = [one for one in mine if one.state.is_over and not one.is_at_work]
    if ended:
        yield from _write(seen, view, "result", render_result_comment(seen, view, ended))


def _find_lost(seen: PullRequestView, ledger: Ledger) -> list[Attempt]:
    """Its runs, and those of its plans, that were cut short by somebody who deleted their
    Workflows; where that was before anything was told of them, nobody wrote down their end."""
    plans = {plan.id for spec in seen.specs for plan in spec.plans}
    gone = [one for one in ledger.attempts if one.workflow is None]
    return [
        one
        for one in gone
        if (one.plan_id in plans and one.state.status == "interrupted")
        or (seen.pull.number in one.wanted_by and one.is_only_named)
    ]


def _is_just_written(comment: Comment, view: View) -> bool:
    at = parse_time(comment.updated_at)
    return at is not None and timedelta(0) <= view.now - at < EDIT_PAUSE


def render_plan(seen: PullRequestView, view: View, ledger: Ledger) -> tuple[str, str]:
    """The plan comment of a pull request, and what of it does not fit into one."""
    head = seen.pull.head_sha
    shown = update_shown(
        find_shown(seen, view.login),
        Shown(
            head_sha=head,
            head_since=int(view.now.timestamp()),
            all_digest=compute_all_digest(list_changed(seen.specs)),
            policy=name_policy(view.project),
            digests=tuple(
                ShownDigest(
                    spec=target.plan.name, digest=strip_digest(target.plan.digest), head_sha=head
                )
                for target in list_targets(seen.specs)
            ),
        ),
    )
    return render_plan_comment(seen, view, ledger, shown)


def has_own_plan(seen: PullRequestView, view: View, comment: Comment) -> bool:
    """Whether a plan comment says what we would say now, whoever has written it."""
    # Once it is merged the comment is left as it was.
    was_open = replace(seen, pull=replace(seen.pull, state="open"))
    body, _ = render_plan(was_open, view, open_ledger(view))
    return has_text(comment, view.redactor.redact_text(body))


def _write(
    seen: PullRequestView, view: View, kind: CommentKind, body: str
) -> Iterator[WriteComment]:
    """The comment of a kind where it is not what it should be; what is there of it twice becomes
    a word that points at the first."""
    there = find_comments(seen.comments, view.login, kind)
    body = view.redactor.redact_text(body)
    number = seen.pull.number
    if not there or not has_text(there[0], body):
        found = there[0].id if there else None
        yield WriteComment(pull_request=number, kind=kind, body=body, comment_id=found)
    yield from _point_at_first(number, there)


def _point_at_first(number: int, there: Sequence[Comment]) -> Iterator[WriteComment]:
    for other in there[1:]:
        yield WriteComment(
            pull_request=number, kind="duplicate", body=DUPLICATE, comment_id=other.id
        )


def find_next_looks(view: View) -> dict[int, timedelta]:
    """The pull requests that are looked at again although nothing is told of them, and after
    which time: while something of them runs its progress is shown."""
    at_work = [one for one in view.attempts if one.is_at_work]
    return {number: EDIT_PAUSE for one in at_work for number in one.wanted_by}
