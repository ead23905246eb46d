"""What is told of commits: the check of a head's specs, and how its runs stand. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from vtspec.pipelines.forge.forge import (
    LONGEST_DESCRIPTION,
    Annotation,
    CheckReport,
    Conclusion,
    Status,
    StatusState,
)
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.redaction import Redactor
from vtspec.pipelines.reporting.escape import render_code
from vtspec.pipelines.runs.state import describe_ending
from vtspec.schema.problem import Problem
from vtspec.schema.visible_text import shorten_visibly

from .actions import ReportCheck, SetStatus
from .digests import Target, list_targets
from .faults import blaming_pull, blaming_run
from .ledger import Ledger
from .phrases import quote
from .request import find_standing
from .view import Attempt, PlannedSpec, PullRequestView, View

CHECK: Final = "vtspec"
"""The name of the check of a pull request's specs."""

_LONGEST: Final = 1_000
_ORDER: Final[tuple[StatusState, ...]] = ("pending", "failure", "error", "success")
"""Of several runs the first of these says how all stand."""

_SOUND: Final = "Every spec is valid."

_Heads: TypeAlias = dict[str, list[PullRequestView]]
"""Commits, with the pull requests that tell of them."""


def list_beside(seen: PullRequestView, view: View) -> list[PullRequestView]:
    """The open pull requests with the same head, this one among them: of a commit there is one
    check."""
    head = seen.pull.head_sha
    every = (one for one in view.pull_requests if one.pull.state == "open")
    return [one for one in every if one.pull.head_sha == head]


def report_checks(
    every: Sequence[PullRequestView], view: View, rest: str
) -> Iterator[ReportCheck]:
    """The check of the specs of pull requests with one head, where it was not told so already;
    with the `rest` of plan comments that had to be cut, where these say that it is here."""
    head = every[0].pull.head_sha
    text = rest if every[0].full_text is not None else ""
    specs: dict[str, PlannedSpec] = {}
    for one in (spec for seen in every for spec in seen.specs):
        # What one of them changes may only become another plan in the next.
        if one.name not in specs or one.cause == "changed":
            specs[one.name] = one
    made = build_check([*specs.values()])
    report = _mask(replace(made, text=text), view.redactor)
    if report not in view.checks.get(head, ()):
        yield ReportCheck(sha=head, report=report)


def build_check(specs: Sequence[PlannedSpec]) -> CheckReport:
    """What is wrong with the specs, at their lines; a success where nothing is."""
    problems = [problem for spec in specs for problem in spec.problems]
    errors = [one for one in problems if one.severity == "error"]
    refusals = [
        f"- {quote(spec.name)}: {quote(spec.refusal)}"
        for spec in specs
        if spec.refusal is not None
    ]
    obstacles = [
        f"- {quote(spec.name)} cannot be carried out: {quote(obstacle.en)}"
        for spec in specs
        for obstacle in spec.obstacles
        if spec.cause != "affected"
    ]
    plans = sum(len(spec.plans) for spec in specs)
    conclusion: Conclusion = "success" if specs and not obstacles else "neutral"
    # Where there is no cluster nothing can be carried out there, and nothing is wrong.
    conclusion = "failure" if errors or refusals else conclusion
    title = f"{pluralize(plans, 'plan')}, {pluralize(len(errors) + len(refusals), 'error')}"
    if obstacles:
        title += f", {pluralize(len(obstacles), 'obstacle')}"
    elsewhere = [f"- {quote(one.message)}" for one in problems if not one.line]
    return CheckReport(
        name=CHECK,
        conclusion=conclusion,
        title=title if specs else "no experiment is changed",
        summary="\n".join([*refusals, *obstacles, *elsewhere]) or _SOUND,
        annotations=tuple(_annotate(one) for one in problems if one.line),
    )


def build_obstacle(message: str, redactor: Redactor) -> CheckReport:
    """The check of a head that is not looked at, with the reason, which is not of its making."""
    report = CheckReport(
        name=CHECK,
        conclusion="failure",
        # Where there are no checks a status has this alone.
        title=shorten_visibly(message.partition("\n")[0], LONGEST_DESCRIPTION),
        summary="Nothing is looked after here: "
        f"{render_code(message, _LONGEST)}\n\nWhoever keeps the default branch, or the "
        "controller, mends it; then this check is made anew.",
    )
    return _mask(report, redactor)


def build_validation(
    files: Sequence[str], problems: Sequence[Problem], redactor: Redactor
) -> CheckReport:
    """The check of files that were validated and not planned, without what is secret."""
    errors = sum(one.severity == "error" for one in problems)
    elsewhere = [f"- {quote(one.message)}" for one in problems if not one.line]
    report = CheckReport(
        name=CHECK,
        conclusion="failure" if errors else "success" if files else "neutral",
        title=f"{pluralize(len(files), 'file')}, {pluralize(errors, 'error')}"
        if files
        else "no spec is changed",
        summary="\n".join(elsewhere) or "Every problem is at its line." if problems else _SOUND,
        annotations=tuple(_annotate(one) for one in problems if one.line),
    )
    return _mask(report, redactor)


def _mask(report: CheckReport, redactor: Redactor) -> CheckReport:
    """The report without what is secret, whatever a spec or a server put into it."""
    redact = redactor.redact_text
    return replace(
        report,
        title=redact(report.title),
        summary=redact(report.summary),
        text=redact(report.text),
        annotations=tuple(
            replace(one, message=redact(one.message), title=redact(one.title))
            for one in report.annotations
        ),
    )


def _annotate(problem: Problem) -> Annotation:
    fix = f"\nfix: {problem.fix}" if problem.fix else ""
    return Annotation(
        path=problem.file,
        line=problem.line,
        end_line=problem.line,
        message=shorten_visibly(problem.message, _LONGEST) + shorten_visibly(fix, _LONGEST),
        title=shorten_visibly(problem.path or problem.severity, 100),
    )


def set_statuses(view: View, ledger: Ledger) -> Iterator[SetStatus]:
    """How the last runs of each spec stand, at each commit that they were approved for, and at the
    heads that have the same plans: of a commit the same, whoever of its pull requests is seen."""
    heads = _find_heads(view)
    shas = _find_commits(view, ledger, heads)
    planned: dict[tuple[str, str], set[str]] = {}
    for head, pulls in heads.items():
        for one in (spec for seen in pulls for spec in seen.specs):
            planned.setdefault((head, one.name), set()).update(plan.id for plan in one.plans)
    for (sha, spec), last in _list_last(ledger, heads, shas).items():
        # What a plan was before the default branch made another of it says nothing any more.
        now = [one for one in last.values() if one.plan_id in planned.get((sha, spec), ())]
        with blaming_pull(shas[sha]):
            status = build_status(f"vtspec/{spec}", now or [*last.values()])
            status = replace(status, description=view.redactor.redact_text(status.description))
        if status not in view.statuses.get(sha, ()):
            yield SetStatus(sha=sha, status=status, decided=view.now)


def _list_last(
    ledger: Ledger, heads: _Heads, shas: Mapping[str, int]
) -> dict[tuple[str, str], dict[str, Attempt]]:
    """The last run of each plan that tells of a commit and a spec."""
    every: dict[tuple[str, str], dict[str, Attempt]] = {}
    for attempt in sorted(ledger.attempts, key=lambda one: (one.plan_id, one.number)):
        for approval in (one for one in attempt.approvals if one.head_sha in shas):
            mine = {one.pull.number for one in heads.get(approval.head_sha, ())}
            # Of others it is not known which runs without a Workflow they have approved.
            if attempt.workflow is not None or approval.pull_request in mine:
                told = every.setdefault((approval.head_sha, attempt.spec), {})
                told[attempt.plan_id] = attempt
    for head, seen in ((head, one) for head, pulls in heads.items() for one in pulls):
        with blaming_pull(seen.pull.number):
            for attempt in _list_inherited(seen, ledger) if head in shas else ():
                told = every.setdefault((head, attempt.spec), {})
                before = told.get(attempt.plan_id)
                if before is None or before.number < attempt.number:
                    told[attempt.plan_id] = attempt
    return every


def _find_heads(view: View) -> _Heads:
    """The pull requests that tell of their heads: those that are over of none that is another's
    who is open."""
    found: _Heads = {}
    for seen in sorted(view.pull_requests, key=lambda one: one.pull.state != "open"):
        every = found.setdefault(seen.pull.head_sha, [])
        if not every or every[0].pull.state != "open" or seen.pull.state == "open":
            every.append(seen)
    return found


def _find_commits(view: View, ledger: Ledger, heads: _Heads) -> dict[str, int]:
    """The commits that are told of, each with a pull request that it is of: heads, and what was
    approved earlier; none that is the head of open ones which were not looked at."""
    numbers = {seen.pull.number for seen in view.pull_requests}
    found = {
        one.head_sha: one.pull_request
        for attempt in ledger.attempts
        for one in attempt.approvals
        if one.pull_request in numbers
    }
    found |= {head: every[0].pull.number for head, every in heads.items()}
    opened = {head for head, every in heads.items() if every[0].pull.state == "open"}
    left = {head for number, head in view.heads.items() if number not in numbers} - opened
    return {sha: number for sha, number in found.items() if sha not in left}


def _list_inherited(seen: PullRequestView, ledger: Ledger) -> Iterator[Attempt]:
    """The runs that tell of a head although nobody has approved them for it: those of its plans
    that its pull request approved at an earlier one, and results where each plan has one."""
    specs = seen.specs if seen.pull.state == "open" else ()
    for spec in (one for one in specs if one.cause == "changed"):
        found = [_find_inherited(target, seen, ledger) for target in list_targets([spec])]
        own = [one for one, is_own in found if one is not None and is_own]
        every = [one for one, _ in found if one is not None]
        if own or len(every) == len(found):
            yield from every


def _find_inherited(
    target: Target, seen: PullRequestView, ledger: Ledger
) -> tuple[Attempt | None, bool]:
    """The last run that tells of a plan, and whether this pull request has approved one."""
    plan, number = target.plan, seen.pull.number
    own = [
        one
        for one in ledger.list_by_plan(plan.id)
        # What it did under another policy, such as other gates, is not told of this one.
        if one.digest == plan.digest and any(each.pull_request == number for each in one.approvals)
    ]
    standing = find_standing(target, ledger)
    is_done = standing.begin is None and not standing.is_at_work
    found = [*own, *([standing.attempt] if is_done and standing.attempt is not None else [])]
    return max(found, key=lambda one: one.number, default=None), bool(own)


def build_status(context: str, attempts: Sequence[Attempt]) -> Status:
    """The runs of a spec's seeds as one status of a commit: the verdict once each has one."""
    judged = [(*_judge(one), one) for one in attempts]
    state, words, chosen = min(judged, key=lambda one: _ORDER.index(one[0]))
    alike = sum(one[0] == state for one in judged)
    more = f" ({alike} of {pluralize(len(judged), 'run')})" if len(judged) > 1 else ""
    return Status(
        context=context,
        state=state,
        description=shorten_visibly(f"{chosen.run}: {words}{more}", LONGEST_DESCRIPTION),
        url=chosen.link,
    )


def _judge(attempt: Attempt) -> tuple[StatusState, str]:
    with blaming_run(attempt.run):
        return _judge_soundly(attempt)


def _judge_soundly(attempt: Attempt) -> tuple[StatusState, str]:
    if attempt.is_at_work:
        return "pending", "at work"
    if attempt.standing != "done":
        ending = describe_ending(attempt.state.status)
        return ("error" if attempt.standing == "cut short" else "failure"), ending
    if attempt.facts is not None:
        verdict = attempt.facts.verdict
        return ("failure" if verdict.missed else "success"), verdict.headline.en
    verdict_name = attempt.state.report.verdict
    return ("failure" if verdict_name == "missed" else "success"), verdict_name or "succeeded"
