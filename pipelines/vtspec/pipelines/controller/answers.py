"""A command in a pull request → what is done, and what is answered. Pure.

Every command is answered once: by a reply, or, for a stranger's, by a reaction alone. What it asks
for is judged anew until it has been answered, so that nothing is done for what is no more true.
"""

from collections.abc import Mapping
from typing import assert_never

from vtspec.schema.suggestions import find_nearest

from . import replies, run_replies
from .actions import Action
from .approval import choose_team
from .approved_runs import read_approved
from .commands import (
    AllowCommand,
    ApplyCommand,
    BadCommand,
    HelpCommand,
    SpecCommand,
    is_digest,
    is_stop,
    parse_command,
)
from .digests import list_targets
from .earlier_plans import tell_changes_since
from .request import (
    Answer,
    Request,
    is_said_before,
    is_too_old,
    propose_line,
    refuse,
    tell_how,
)
from .run_advice import explain_continuation
from .run_answers import answer_apply, answer_rerun
from .view import Attempt, PullRequestView, View


def answer_comment(request: Request) -> Answer | None:
    """The answer to a comment that nobody has answered; None where it does not speak to us."""
    comment = request.comment
    command = parse_command(comment.body)
    if command is None:
        return None
    begun = request.ledger.list_begun_by(comment.id)
    if request.is_stranger and not begun:
        return Answer(outcome="refused", is_quiet=True)
    if comment.updated_at != comment.created_at:
        told = (run_replies.explain_begun(begun),) if begun else ()
        return refuse(*told, replies.EDITED)
    # Late or not, nobody wants a run to go on that they have said stop to.
    if not begun and not is_stop(command) and is_too_old(comment, request.view):
        return refuse(replies.TOO_OLD)
    match command:
        case BadCommand():
            is_bare = command.fault == "no digest"
            since = tell_changes_since(request.seen, request.shown) if is_bare else None
            return refuse(*replies.explain_bad(command, propose_line(request), since))
        case HelpCommand():
            return Answer(outcome="done", sentences=(replies.explain_help(),))
        case AllowCommand():
            return _answer_allow(request, command)
        case ApplyCommand():
            return answer_apply(request, command)
        case SpecCommand():
            return _answer_specs(request, command)
        case _:
            assert_never(command)


def list_relied_on(
    request: Request, answer: Answer, changed: Mapping[str, Attempt]
) -> frozenset[str]:
    """The runs among these, which others have begun or labelled in this pass, that the answer to a
    command takes for begun."""
    command = parse_command(request.comment.body)
    if isinstance(command, HelpCommand | AllowCommand):
        return frozenset()
    # Of what a stop does not name its answer says nothing.
    named = command.specs if isinstance(command, SpecCommand) and command.verb == "stop" else ()
    found = list_taken_for_begun(answer, request.asker.login, request.seen, request.view, changed)
    return frozenset(run for run in found if not named or changed[run].spec in named)


def list_taken_for_begun(
    answer: Answer,
    login: str,
    seen: PullRequestView,
    view: View,
    changed: Mapping[str, Attempt],
) -> frozenset[str]:
    """The runs among these, which were begun or labelled in this pass, that an answer to somebody
    takes for begun: those of its plans and its pull request, and what left too little of a limit.
    """
    plans = [target.plan for target in list_targets(seen.specs)]
    ids, number = {plan.id for plan in plans}, seen.pull.number
    teams: set[str | None] = set()
    if answer.outcome == "refused":
        teams = {choose_team(plan, login, view.project) for plan in plans} - {None}
    return frozenset(
        run
        for run, one in changed.items()
        if one.plan_id in ids or number in one.wanted_by or one.team in teams
    )


def _answer_allow(request: Request, command: AllowCommand) -> Answer:
    pull = request.seen.pull
    if not request.asker.may_write:
        return refuse(replies.NO_MAINTAINER)
    if not pull.is_fork:
        return refuse(replies.NO_FORK)
    if pull.head_sha != command.head_sha:
        return refuse(replies.explain_other_head(command.head_sha, pull.head_sha))
    return Answer(outcome="done", sentences=(replies.explain_allowed(pull.head_sha),))


def _answer_specs(request: Request, command: SpecCommand) -> Answer:
    unknown = [name for name in command.specs if name not in _list_names(request)]
    if command.verb == "rerun":
        unknown = [word for word in unknown if not is_digest(word)]
    if unknown:
        nearest = find_nearest(unknown[0], _list_names(request))
        return refuse(replies.explain_unknown_spec(unknown[0], nearest))
    match command.verb:
        case "plan":
            return _answer_plan(request, command)
        case "report":
            return _answer_report(request, command)
        case "stop":
            return _answer_stop(request, command)
        case "rerun":
            return answer_rerun(request, command)
        case _:
            assert_never(command.verb)


def _list_names(request: Request) -> list[str]:
    mine = [one.spec for one in request.ledger.attempts if _is_of(one, request)]
    return [*(spec.name for spec in request.seen.specs), *request.seen.experiments, *mine]


def _is_of(attempt: Attempt, request: Request) -> bool:
    return request.seen.pull.number in attempt.wanted_by


def _answer_plan(request: Request, command: SpecCommand) -> Answer:
    seen = request.seen
    if seen.pull.state != "open":
        return refuse(replies.explain_closed(seen.pull.state))
    planned = {spec.name for spec in seen.specs}
    absent = [name for name in command.specs if name not in planned]
    if absent:
        return refuse(replies.explain_not_planned(absent))
    chosen = [spec for spec in seen.specs if not command.specs or spec.name in command.specs]
    if not chosen:
        return refuse(replies.NO_SPECS)
    text = replies.list_plans(chosen, seen.specs, seen.pull.head_sha)
    return Answer(outcome="done", sentences=(text, *tell_how(request, list_targets(chosen))))


def _answer_report(request: Request, command: SpecCommand) -> Answer:
    ids = {target.plan.id for target in list_targets(request.seen.specs)}
    found = [
        one
        for one in request.ledger.attempts
        if (_is_of(one, request) or one.plan_id in ids)
        and (not command.specs or one.spec in command.specs)
    ]
    if not found:
        return refuse(replies.NO_RUNS)
    return Answer(outcome="done", sentences=(replies.list_runs(found),))


def _answer_stop(request: Request, command: SpecCommand) -> Answer:
    number, ledger, comment = request.seen.pull.number, request.ledger, request.comment
    if not request.may_stop:
        return Answer(outcome="refused", is_quiet=True)
    meant = [
        one
        for one in ledger.attempts
        if one.is_at_work
        and number in one.wanted_by
        and (not command.specs or one.spec in command.specs)
        # Said before the run was approved, it was not said of that.
        and not any(
            is_said_before(each, comment, request.seen) is False
            for each in one.approvals
            if each.pull_request == number
        )
    ]
    if not meant:
        approved = read_approved(request.seen, request.view.login)
        left = [one for one in request.view.unclear if one.run in approved and one.ended is None]
        if left:
            return refuse(*map(replies.explain_unclear, left))
        return Answer(outcome="done", sentences=(replies.NOTHING_RUNS,))
    effects: list[Action] = []
    # Of the others it was said before: also by this comment, which nobody has answered.
    for one in (one for one in meant if one.wanted_by[number]):
        effects.append(ledger.label_run(one.run, number, None, comment.id))
    told = tuple(
        replies.explain_stop(
            one.run,
            [n for n, is_wanted in one.wanted_by.items() if is_wanted],
            explain_continuation(one, request.seen, request.view.project),
        )
        for one in ledger.attempts
        if one.run in {each.run for each in meant}
    )
    return Answer(outcome="done", sentences=told, effects=tuple(effects))
