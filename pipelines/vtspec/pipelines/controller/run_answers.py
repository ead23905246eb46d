"""What is answered to who wants plans carried out, for the first time or again. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from vtspec.pipelines.language import Sentence

from . import replies, run_replies
from .actions import Action, CreateRun
from .approval import (
    choose_team,
    find_asker_problem,
    find_limit_problem,
    name_policy,
)
from .approved_runs import MOST_NOTED
from .commands import (
    ApplyCommand,
    SpecCommand,
    is_digest,
)
from .digests import (
    RunVerb,
    Target,
    find_meant,
    list_changed,
    list_targets,
    strip_digest,
    write_line,
    write_lines,
)
from .earlier_plans import explain_unknown_digest
from .ledger import Ledger, Standing, make_reservation
from .markers import parse_time
from .request import (
    Answer,
    Request,
    find_run_problem,
    find_standing,
    is_allowed,
    is_too_old,
    list_done,
    propose_line,
    refuse,
    tell_how,
)
from .view import Approval, Attempt

_MOST_NAMES: Final = 90
"""Experiments in a line that is a command."""


def answer_apply(request: Request, command: ApplyCommand) -> Answer:
    """What comes of `/vtspec apply DIGEST…`."""
    begun = request.ledger.list_begun_by(request.comment.id)
    # What this very comment has begun stands, whatever has happened since.
    done = [
        word
        for word in command.digests
        if any(strip_digest(one.digest).startswith(word) for one in begun)
    ]
    left = [word for word in command.digests if word not in done]
    told = (run_replies.explain_begun(begun),) if begun else ()
    if not left:
        return Answer(outcome="done", sentences=told)
    refusal = _find_refusal(request, is_apply=True)
    if refusal is not None:
        return refuse(*told, *refusal)
    targets, refusal = _resolve(request, left)
    if refusal is None:
        refusal = _find_stale(request, targets, is_same=True)
    if refusal is not None:
        return refuse(*told, *refusal)
    targets, off = _part_called_off(request, targets, begun)
    lost = _explain_called_off(request, off, "apply")
    if not targets:
        return refuse(*told, *lost)
    answer = _carry_out(request, targets)
    return replace(answer, sentences=(*answer.sentences, *lost))


def answer_rerun(request: Request, command: SpecCommand) -> Answer:
    """What comes of `/vtspec rerun [SPEC…] [DIGEST…]`."""
    begun = request.ledger.list_begun_by(request.comment.id)
    refusal = _find_refusal(request, is_apply=False)
    targets, unknown = _find_named(request, command.specs)
    refusal = refusal or unknown or _find_stale(request, targets, is_same=False)
    done = _list_done(request)
    ran, fresh = list[Target](), list[Target]()
    for target in (one for one in targets if one.plan.id not in done):
        (ran if request.ledger.list_by_plan(target.plan.id) else fresh).append(target)
    told = (run_replies.explain_begun(begun),) if begun else ()
    # Nobody has approved these by saying "again"; of what is not named only other seeds are meant.
    meant = {one.spec.name for one in (targets if command.specs else ran)}
    meant |= {one.spec for one in begun}
    lacking = _explain_fresh(request, [one for one in fresh if one.spec.name in meant])
    ran, off = _part_called_off(request, ran, begun)
    lacking = (*lacking, *_explain_called_off(request, off, "rerun"))
    if refusal is None and begun and not ran:
        return Answer(outcome="done", sentences=(*told, *lacking))
    if refusal is None and not ran:
        refusal = lacking or _explain_unnamed(request)
    if refusal is not None:
        return refuse(*told, *refusal)
    answer = _run_again(request, ran, begun)
    return replace(answer, sentences=(*answer.sentences, *lacking))


def _list_done(request: Request) -> set[str]:
    return list_done(request.approval, request.seen, request.view, request.ledger)


def _find_named(
    request: Request, words: Sequence[str]
) -> tuple[list[Target], tuple[Sentence, ...] | None]:
    """The plans of experiments, or of digests, that are named; without any those of what the pull
    request itself changes; or why a digest means none."""
    specs = request.seen.specs
    if not words:
        return list_changed(specs), None
    named = list_targets(spec for spec in specs if spec.name in words)
    known = {*request.seen.experiments, *(spec.name for spec in specs)}
    digests = [word for word in words if is_digest(word) and word not in known]
    meant, refusal = _resolve(request, digests)
    every = {target.plan.digest: target for target in (*named, *meant)}
    return list(every.values()), refusal


def _part_called_off(
    request: Request, targets: Iterable[Target], begun: Sequence[Attempt]
) -> tuple[list[Target], list[Target]]:
    """The plans that are still wanted, or that this comment has begun already, and those that a
    later stop has called off."""
    done = {one.plan_id for one in begun}
    kept, off = list[Target](), list[Target]()
    for one in targets:
        is_off = one.plan.id not in done and request.is_called_off(one.spec.name)
        (off if is_off else kept).append(one)
    return kept, off


def _explain_called_off(
    request: Request, off: Sequence[Target], verb: RunVerb
) -> tuple[Sentence, ...]:
    if not off:
        return ()
    line = write_line(off, request.seen.specs, verb)
    return (run_replies.explain_called_off(off, line),)


def _explain_unnamed(request: Request) -> tuple[Sentence, ...]:
    """Why nothing is run again: nothing has run, but for what has to be named."""
    number = request.seen.pull.number
    mine = {one.spec for one in request.ledger.attempts if number in one.wanted_by}
    names = [spec.name for spec in request.seen.specs if spec.name in mine]
    if names:
        return (run_replies.explain_unnamed(f"/vtspec rerun {' '.join(names[:_MOST_NAMES])}"),)
    return (run_replies.explain_never_run(propose_line(request)),)


def _explain_fresh(request: Request, fresh: Sequence[Target]) -> tuple[Sentence, ...]:
    """What of an experiment that is to run again never ran, and what carries it out."""
    if not fresh:
        return ()
    return (run_replies.explain_fresh(fresh), *tell_how(request, fresh))


def _find_refusal(request: Request, *, is_apply: bool) -> tuple[Sentence, ...] | None:
    """Why nothing is carried out for who asks in this pull request as it stands."""
    seen, project = request.seen, request.view.project
    pull = seen.pull
    is_after_merge = pull.state == "merged" and project.approval.when == "merge"
    if pull.state != "open" and not is_after_merge:
        return (replies.explain_closed(pull.state),)
    if pull.is_draft:
        return (run_replies.IS_DRAFT,)
    if is_apply and project.approval.when != "comment" and not is_after_merge:
        return (run_replies.explain_when(project.approval.when),)
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
    line = propose_line(request)
    for word in words:
        meant = find_meant(word, seen.specs)
        if len(meant) > 1:
            lines = [write_line(group, seen.specs) for group in meant]
            return [], (run_replies.explain_ambiguous(word, lines),)
        if not meant:
            return [], (explain_unknown_digest(word, seen, request.shown, line),)
        found += meant[0]
    unique = {target.plan.digest: target for target in found}
    return list(unique.values()), None


def _find_stale(
    request: Request, targets: Sequence[Target], *, is_same: bool
) -> tuple[Sentence, ...] | None:
    pull, shown = request.seen.pull, request.shown
    at, merged = parse_time(request.comment.created_at), parse_time(pull.merged_at)
    # Since then nothing moves any more, and no plan comment is written.
    if at is not None and merged is not None and at > merged:
        return None
    if shown is not None and shown.is_seen(pull.head_sha, at):
        # What is merged is shown under no other policy any more.
        if pull.state == "merged" or shown.policy == name_policy(request.view.project):
            return None
    line = write_line(targets, request.seen.specs)
    return (run_replies.explain_stale(pull.head_sha, request.shown, line, is_same=is_same),)


def _carry_out(request: Request, targets: Iterable[Target]) -> Answer:
    """All of the plans, or none of them where one cannot be carried out."""
    begun = request.ledger.list_begun_by(request.comment.id)
    done = _list_done(request)
    wanted = [
        (target, find_standing(target, request.ledger))
        for target in targets
        if target.plan.id not in done
    ]
    if len(wanted) > MOST_NOTED:
        lines = write_lines([target for target, _ in wanted], request.seen.specs)
        return refuse(run_replies.explain_too_many(len(wanted), MOST_NOTED, lines))
    return _begin_all(request, wanted, begun, lambda left: write_line(left, request.seen.specs))


def _begin_all(
    request: Request,
    wanted: Sequence[tuple[Target, Standing]],
    begun: Sequence[Attempt],
    write: Callable[[Sequence[Target]], str],
) -> Answer:
    """All of it or nothing; `write` makes the line that asks for what is left of these."""
    told = [run_replies.explain_begun(begun)] if begun else []
    left = [target for target, standing in wanted if _leaves_undone(request, standing)]
    # Of what is half begun nobody knows how it stands before it is answered.
    if begun and left and is_too_old(request.comment, request.view):
        return refuse(*told, run_replies.explain_late_rest(write(left)))
    trial, problems = request.ledger.copy(), []
    effects: list[Action] = []
    for target, standing in wanted:
        outcome = _begin(request, target, standing, trial)
        if isinstance(outcome, Sentence):
            problems.append(outcome)
        else:
            effects += outcome
            told.append(run_replies.explain_standing(target, standing, bool(outcome)))
    if problems:
        return refuse(*told[: bool(begun)], *problems)
    request.ledger.adopt(trial)
    return Answer(outcome="done", sentences=tuple(told), effects=tuple(effects))


def _leaves_undone(request: Request, standing: Standing) -> bool:
    """Whether something is begun or joined by who asks for a plan that stands so."""
    attempt = standing.attempt
    is_joined = attempt is not None and attempt.is_at_work and not request.wants(attempt)
    return standing.begin is not None or is_joined


def _begin(
    request: Request, target: Target, standing: Standing, ledger: Ledger
) -> list[Action] | Sentence:
    """What carries a plan out, counted in the ledger; or why nothing does."""
    plan, approval = target.plan, _approve(request, target)
    if standing.begin is None:
        return _join(request, target, standing, ledger)
    problem = find_run_problem(request.view, target, standing, request.asker.login, ledger)
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
            reservation=make_reservation(target, standing, team, request.view),
            cause=request.comment.id,
        )
    ]


def _approve(request: Request, target: Target) -> Approval:
    return replace(request.approval, digest=target.plan.digest)


def _join(
    request: Request, target: Target, standing: Standing, ledger: Ledger
) -> list[Action] | Sentence:
    attempt = standing.attempt
    if attempt is None or not attempt.is_at_work:
        return []
    if attempt.is_stopping:
        return run_replies.explain_stopping(attempt.run)
    if attempt.digest != target.plan.digest:
        return run_replies.explain_other_policy(attempt.run)
    if request.wants(attempt):
        return []
    # Nobody approves what they may not run; that it is paid for already is no matter of theirs.
    problem = find_limit_problem(target.plan, request.asker.login, request.view.project)
    if problem is not None:
        return problem
    approval, number = _approve(request, target), request.seen.pull.number
    return [ledger.label_run(attempt.run, number, approval, request.comment.id)]


def _run_again(request: Request, targets: Sequence[Target], begun: Sequence[Attempt]) -> Answer:
    if len(targets) > MOST_NOTED:
        names = [*dict.fromkeys(target.spec.name for target in targets)]
        parts = [names[at : at + _MOST_NAMES] for at in range(0, len(names), _MOST_NAMES)]
        lines = [f"/vtspec rerun {' '.join(part)}" for part in parts]
        return refuse(run_replies.explain_too_many(len(targets), MOST_NOTED, lines))
    found = (_find_rerun_problem(request, target) for target in targets)
    problems = [problem for problem in found if problem is not None]
    if problems:
        return refuse(*problems)
    return _begin_all(
        request,
        [(target, request.ledger.find_next(target)) for target in targets],
        begun,
        # Of an experiment that is named each seed would begin another attempt, also those begun.
        lambda left: write_line(left, request.seen.specs, "rerun"),
    )


def _find_rerun_problem(request: Request, target: Target) -> Sentence | None:
    attempts = request.ledger.list_by_plan(target.plan.id)
    if attempts[-1].is_at_work:
        return run_replies.explain_at_work(attempts[-1].run)
    # Another policy is another digest, which nobody has approved by saying "again".
    if all(one.digest != target.plan.digest for one in attempts):
        return run_replies.explain_other_digest(target, write_line([target], request.seen.specs))
    return None
