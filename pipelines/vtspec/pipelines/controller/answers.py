"""A command in a pull request → what is done, and what is answered. Pure.

Every command is answered once: by a reply, or, for a stranger's, by a reaction alone. What it asks
for is judged anew until it has been answered, so that nothing is done for what is no more true.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Final, assert_never

from vtspec.pipelines.drafting.language import Tongue, detect_language
from vtspec.pipelines.forge.forge import Comment
from vtspec.pipelines.planning.digest import name_completion
from vtspec.schema.suggestions import find_nearest

from . import replies
from .actions import Action, CreateRun, LabelRun
from .approval import (
    Asker,
    choose_team,
    find_asker_problem,
    find_budget_problem,
    find_limit_problem,
)
from .commands import (
    AllowCommand,
    ApplyCommand,
    BadCommand,
    Command,
    HelpCommand,
    SpecCommand,
    parse_command,
)
from .digests import Target, find_meant, list_asked, list_targets, strip_digest, write_line
from .ledger import Ledger, Standing
from .markers import Outcome, Shown, find_comments, parse_time, read_shown
from .phrases import Sentence
from .view import Approval, Attempt, PlannedSpec, PullRequestView, View

LATEST: Final = timedelta(minutes=15)
"""After this a command that nobody has carried out is not carried out any more."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said to a command; `effects` are what it has done. Where it `is_quiet` nothing is
    said, and the reaction tells."""

    outcome: Outcome
    sentences: tuple[Sentence, ...] = ()
    effects: tuple[Action, ...] = ()
    is_quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """A command, with all that it is judged by."""

    view: View
    seen: PullRequestView
    comment: Comment
    ledger: Ledger = field(repr=False)

    @cached_property
    def asker(self) -> Asker:
        """Who asks; whom the forge does not know may do nothing."""
        login = self.comment.author
        return Asker(login=login, permission=self.seen.permissions.get(login, "none"))

    @cached_property
    def shown(self) -> Shown | None:
        """What our plan comment shows."""
        return find_shown(self.seen, self.view.login)

    @property
    def tongue(self) -> Tongue:
        """The language of who asks, else of the pull request."""
        _, _, rest = self.comment.body.partition("\n")
        return detect_language([self.seen.pull.title, rest])

    @property
    def may_approve(self) -> bool:
        """Whether they may have plans carried out."""
        return find_asker_problem(self.asker, self.seen.pull.author, self.view.project) is None

    @property
    def is_stranger(self) -> bool:
        """Whether it is somebody to whom nothing is owed but a sign that it was seen."""
        is_author = self.asker.login.casefold() == self.seen.pull.author.casefold()
        return not (self.asker.may_write or self.may_approve or is_author)

    @property
    def approval(self) -> Approval:
        """The approval that the command is, but for the digest."""
        return Approval(
            pull_request=self.seen.pull.number,
            login=self.asker.login,
            digest="",
            head_sha=self.seen.pull.head_sha,
            source="comment",
            comment_id=self.comment.id,
        )


def find_shown(seen: PullRequestView, login: str) -> Shown | None:
    """What our plan comment in a pull request says that it is of."""
    comments = find_comments(seen.comments, login, "plan")
    return read_shown(comments[0].body) if comments else None


def answer_comment(request: Request) -> Answer | None:
    """The answer to a comment that nobody has answered; None where it does not speak to us."""
    comment = request.comment
    command = parse_command(comment.body)
    if command is None:
        return None
    if request.is_stranger:
        return Answer(outcome="refused", is_quiet=True)
    if comment.updated_at != comment.created_at:
        return _refuse(replies.EDITED)
    begun = request.ledger.list_begun_by(comment.id)
    if not begun and not _is_stop(command) and is_too_old(comment, request.view):
        return _refuse(replies.TOO_OLD)
    match command:
        case BadCommand():
            return _refuse(*replies.explain_bad(command, _propose_line(request)))
        case HelpCommand():
            return Answer(outcome="done", sentences=(replies.explain_help(),))
        case AllowCommand():
            return _answer_allow(request, command)
        case ApplyCommand():
            return _answer_apply(request, command)
        case SpecCommand():
            return _answer_specs(request, command)
        case _:
            assert_never(command)


def is_too_old(comment: Comment, view: View) -> bool:
    """Whether a comment is from so long ago that nobody expects anything to come of it."""
    at = parse_time(comment.created_at)
    return at is None or view.now - at > LATEST


def is_allowed(seen: PullRequestView, view: View) -> bool:
    """Whether the head of a pull request is treated like one of the repository: it is one, or a
    maintainer has allowed this very commit."""
    return not seen.pull.is_fork or any(_allows(seen, view, one) for one in seen.comments)


def list_asked_specs(seen: PullRequestView, login: str) -> set[str]:
    """The specs that comments name to be planned, beside those that are changed."""
    found: set[str] = set()
    for comment in seen.comments:
        command = parse_command(comment.body) if comment.author != login else None
        may = seen.permissions.get(comment.author) in ("write", "admin")
        if isinstance(command, SpecCommand) and command.verb == "plan" and may:
            found.update(name for name in command.specs if name in seen.experiments)
    return found


def _allows(seen: PullRequestView, view: View, comment: Comment) -> bool:
    command = parse_command(comment.body) if comment.author != view.login else None
    if not isinstance(command, AllowCommand) or comment.updated_at != comment.created_at:
        return False
    if not seen.pull.head_sha.startswith(command.head_sha):
        return False
    ours = {one.content for one in seen.reactions.get(comment.id, ()) if one.user == view.login}
    may = seen.permissions.get(comment.author) in ("write", "admin")
    return may and "-1" not in ours and ("rocket" in ours or not is_too_old(comment, view))


def _is_stop(command: Command | BadCommand) -> bool:
    # Late or not, nobody wants a run to go on that they have said stop to.
    return isinstance(command, SpecCommand) and command.verb == "stop"


def _refuse(*sentences: Sentence) -> Answer:
    return Answer(outcome="refused", sentences=sentences)


def _propose_line(request: Request) -> str | None:
    """The line that carries out what the pull request changes; None where nothing can be."""
    targets = list_open(request.seen.specs, request.ledger)
    return write_line(targets, request.seen.specs) if targets else None


def list_open(specs: Sequence[PlannedSpec], ledger: Ledger) -> list[Target]:
    """The plans that the pull request changes and that can be carried out, and are not yet."""
    return [
        target
        for target in list_asked(specs)
        if not target.spec.obstacles and find_standing(target, ledger).begin is not None
    ]


def find_standing(target: Target, ledger: Ledger) -> Standing:
    """What carrying out a plan would come to now."""
    done = next(
        (one for one in ledger.list_by_plan(target.plan.id) if one.standing == "done"), None
    )
    completion = None
    if done is not None and target.spec.has_update(target.plan):
        completion = name_completion(done.run, target.plan.to_json())
    return ledger.find_standing(target, completion)


def _answer_allow(request: Request, command: AllowCommand) -> Answer:
    pull = request.seen.pull
    if not request.asker.may_write:
        return _refuse(replies.NO_MAINTAINER)
    if not pull.is_fork:
        return _refuse(replies.NO_FORK)
    if not pull.head_sha.startswith(command.head_sha):
        return _refuse(replies.explain_other_head(command.head_sha, pull.head_sha))
    return Answer(outcome="done", sentences=(replies.explain_allowed(pull.head_sha),))


def _answer_apply(request: Request, command: ApplyCommand) -> Answer:
    begun = request.ledger.list_begun_by(request.comment.id)
    # What this very comment has begun stands, whatever has happened since.
    done = [
        word
        for word in command.digests
        if any(strip_digest(one.digest).startswith(word) for one in begun)
    ]
    left = [word for word in command.digests if word not in done]
    if not left:
        return Answer(outcome="done", sentences=(replies.explain_begun(begun),))
    refusal = _find_refusal(request, is_apply=True)
    if refusal is None:
        targets, refusal = _resolve(request, left)
    if refusal is None:
        return _carry_out(request, targets)
    told = (replies.explain_begun(begun),) if begun else ()
    return _refuse(*told, *refusal)


def _find_refusal(request: Request, *, is_apply: bool) -> tuple[Sentence, ...] | None:
    """Why nothing is carried out for who asks in this pull request as it stands."""
    seen, project = request.seen, request.view.project
    pull = seen.pull
    is_after_merge = pull.state == "merged" and project.approval.when == "merge"
    if pull.state != "open" and not is_after_merge:
        return (replies.explain_closed(pull.state),)
    if pull.is_draft:
        return (replies.IS_DRAFT,)
    if is_apply and project.approval.when != "comment" and not is_after_merge:
        return (replies.explain_when(project.approval.when),)
    problem = find_asker_problem(request.asker, pull.author, project)
    if problem is not None:
        return (problem,)
    if not is_allowed(seen, request.view):
        return (replies.explain_fork(pull.head_sha),)
    return None


def _resolve(
    request: Request, words: Sequence[str]
) -> tuple[list[Target], tuple[Sentence, ...] | None]:
    """The plans that digests mean, or why they mean none."""
    seen, found = request.seen, []
    line = _propose_line(request)
    for word in words:
        meant = find_meant(word, seen.specs)
        if len(meant) > 1:
            lines = [write_line(group, seen.specs) for group in meant]
            return [], (replies.explain_ambiguous(word, lines),)
        if not meant:
            return [], (replies.explain_unknown_digest(word, seen, request.shown, line),)
        found += meant[0]
    unique = {target.plan.digest: target for target in found}
    stale = _find_stale(request, list(unique.values()))
    return list(unique.values()), stale


def _find_stale(request: Request, targets: Sequence[Target]) -> tuple[Sentence, ...] | None:
    pull, shown = request.seen.pull, request.shown
    if shown is not None and shown.is_seen(pull.head_sha, parse_time(request.comment.created_at)):
        return None
    line = write_line(targets, request.seen.specs)
    return (replies.explain_stale(pull.head_sha, request.shown, line),)


def _carry_out(request: Request, targets: Iterable[Target]) -> Answer:
    """All of the plans, or none of them where one cannot be carried out."""
    begun = request.ledger.list_begun_by(request.comment.id)
    done = {one.plan_id for one in begun}
    wanted = [
        (target, find_standing(target, request.ledger))
        for target in targets
        if target.plan.id not in done
    ]
    return _begin_all(request, wanted, begun)


def _begin_all(
    request: Request, wanted: Iterable[tuple[Target, Standing]], begun: Sequence[Attempt]
) -> Answer:
    trial, problems = request.ledger.copy(), []
    effects: list[Action] = []
    told = [replies.explain_begun(begun)] if begun else []
    for target, standing in wanted:
        outcome = _begin(request, target, standing, trial)
        if isinstance(outcome, Sentence):
            problems.append(outcome)
        else:
            effects += outcome
            told.append(replies.explain_standing(target, standing, bool(outcome)))
    if problems:
        return _refuse(*told[: bool(begun)], *problems)
    request.ledger.adopt(trial)
    return Answer(outcome="done", sentences=tuple(told), effects=tuple(effects))


def _begin(
    request: Request, target: Target, standing: Standing, ledger: Ledger
) -> list[Action] | Sentence:
    """What carries a plan out, counted in the ledger; or why nothing does."""
    plan, approval = target.plan, _approve(request, target)
    if standing.begin is None:
        return _join(request, target, standing, ledger)
    problem = find_run_problem(request.view, target, request.asker.login, ledger)
    if problem is not None:
        return problem
    team = choose_team(plan, request.asker.login, request.view.project)
    ledger.begin_run(target, standing, approval, team)
    return [
        CreateRun(
            run=standing.run,
            plan=plan,
            begin=standing.begin,
            approval=approval,
            team=team,
            after_seq=standing.after_seq,
            cause=request.comment.id,
        )
    ]


def _approve(request: Request, target: Target) -> Approval:
    return replace(request.approval, digest=target.plan.digest)


def _join(
    request: Request, target: Target, standing: Standing, ledger: Ledger
) -> list[Action] | Sentence:
    attempt, number = standing.attempt, request.seen.pull.number
    if attempt is None or not attempt.is_at_work:
        return []
    if attempt.is_stopping:
        return replies.explain_stopping(attempt.run)
    if attempt.digest != target.plan.digest:
        return replies.explain_other_policy(attempt.run)
    if attempt.wanted_by.get(number):
        return []
    approval = _approve(request, target)
    ledger.label_run(attempt.run, number, approval)
    return [
        LabelRun(
            run=attempt.run,
            pull_request=number,
            is_wanted=True,
            approval=approval,
            cause=request.comment.id,
        )
    ]


def find_run_problem(view: View, target: Target, login: str, ledger: Ledger) -> Sentence | None:
    """Why a plan cannot be carried out by somebody's word: the cluster, limits, the budget."""
    plan = target.plan
    if target.spec.obstacles:
        return replies.explain_obstacles(target)
    problem = find_limit_problem(plan, login, view.project)
    if problem is not None:
        return replies.put_before(target, problem)
    team = choose_team(plan, login, view.project)
    spent = 0.0 if team is None else ledger.count_spent(team)
    problem = find_budget_problem(team, plan.estimate.cost, spent, view.project)
    return None if problem is None else replies.put_before(target, problem)


def _answer_specs(request: Request, command: SpecCommand) -> Answer:
    unknown = [name for name in command.specs if name not in _list_names(request)]
    if unknown:
        nearest = find_nearest(unknown[0], _list_names(request))
        return _refuse(replies.explain_unknown_spec(unknown[0], nearest))
    match command.verb:
        case "plan":
            return _answer_plan(request, command)
        case "report":
            return _answer_report(request, command)
        case "stop":
            return _answer_stop(request, command)
        case "rerun":
            return _answer_rerun(request, command)
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
        return _refuse(replies.explain_closed(seen.pull.state))
    planned = {spec.name for spec in seen.specs}
    absent = [name for name in command.specs if name not in planned]
    if absent:
        return _refuse(replies.explain_not_planned(absent))
    chosen = [spec for spec in seen.specs if not command.specs or spec.name in command.specs]
    if not chosen:
        return _refuse(replies.NO_SPECS)
    text = replies.list_plans(chosen, seen.specs, seen.pull.head_sha)
    return Answer(outcome="done", sentences=(text,))


def _answer_report(request: Request, command: SpecCommand) -> Answer:
    ids = {target.plan.id for target in list_targets(request.seen.specs)}
    found = [
        one
        for one in request.ledger.attempts
        if (_is_of(one, request) or one.plan_id in ids)
        and (not command.specs or one.spec in command.specs)
    ]
    if not found:
        return _refuse(replies.NO_RUNS)
    return Answer(outcome="done", sentences=(replies.list_runs(found),))


def _answer_stop(request: Request, command: SpecCommand) -> Answer:
    number, ledger, comment = request.seen.pull.number, request.ledger, request.comment
    is_author = request.asker.login.casefold() == request.seen.pull.author.casefold()
    if not (request.may_approve or request.asker.may_write or is_author):
        return Answer(outcome="refused", is_quiet=True)
    wanted = [
        one
        for one in ledger.list_wanted(number)
        if (not command.specs or one.spec in command.specs)
        # Said before the run was approved, it was not said of that.
        and all(
            each.comment_id < comment.id for each in one.approvals if each.pull_request == number
        )
    ]
    if not wanted:
        return Answer(outcome="done", sentences=(replies.NOTHING_RUNS,))
    effects: list[Action] = []
    for one in wanted:
        ledger.label_run(one.run, number, None)
        effects.append(
            LabelRun(run=one.run, pull_request=number, is_wanted=False, cause=comment.id)
        )
    told = tuple(
        replies.explain_stop(one.run, [n for n, is_wanted in one.wanted_by.items() if is_wanted])
        for one in ledger.attempts
        if one.run in {each.run for each in wanted}
    )
    return Answer(outcome="done", sentences=told, effects=tuple(effects))


def _answer_rerun(request: Request, command: SpecCommand) -> Answer:
    begun = request.ledger.list_begun_by(request.comment.id)
    refusal = _find_refusal(request, is_apply=False)
    specs = [
        spec
        for spec in request.seen.specs
        if (spec.name in command.specs if command.specs else spec.cause != "affected")
    ]
    targets = list_targets(specs)
    if refusal is None:
        refusal = _find_stale(request, targets)
    done = {one.plan_id for one in begun}
    left = [target for target in targets if target.plan.id not in done]
    if not command.specs:
        left = [one for one in left if request.ledger.list_by_plan(one.plan.id)]
    if begun and not left:
        return Answer(outcome="done", sentences=(replies.explain_begun(begun),))
    told = (replies.explain_begun(begun),) if begun else ()
    if refusal is None and not left:
        refusal = (replies.explain_never_run(_propose_line(request)),)
    if refusal is not None:
        return _refuse(*told, *refusal)
    return _run_again(request, left, begun)


def _run_again(request: Request, targets: Sequence[Target], begun: Sequence[Attempt]) -> Answer:
    found = (_find_rerun_problem(request, target) for target in targets)
    problems = [problem for problem in found if problem is not None]
    if problems:
        return _refuse(*problems)
    return _begin_all(
        request, [(target, request.ledger.find_next(target)) for target in targets], begun
    )


def _find_rerun_problem(request: Request, target: Target) -> Sentence | None:
    attempts = request.ledger.list_by_plan(target.plan.id)
    if not attempts:
        return replies.explain_never_run(write_line([target], request.seen.specs))
    if attempts[-1].is_at_work:
        return replies.explain_at_work(attempts[-1].run)
    # Another policy is another digest, which nobody has approved by saying "again".
    if all(one.digest != target.plan.digest for one in attempts):
        return replies.explain_other_digest(target, write_line([target], request.seen.specs))
    return None
