"""The result comment: how the runs of a pull request ended, and what to do next. Pure."""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.argo.run_ending import format_resume
from vtspec.pipelines.argo.workflow_state import Cause
from vtspec.pipelines.cache_folder import is_store
from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.formatting import format_cost, format_duration
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.redaction import Redactor
from vtspec.pipelines.reporting.escape import render_code, render_fence
from vtspec.pipelines.reporting.render.markdown import render_sections
from vtspec.pipelines.reporting.render.markdown_budget import join_blocks, render_details
from vtspec.pipelines.reporting.sections import build_comment_document
from vtspec.pipelines.runs.state import MODEL_FOLDER, describe_ending

from .comment_text import capitalize, cut_text, render_link, render_sha
from .markers import make_marker
from .phrases import quote
from .run_advice import explain_change, explain_continuation, explain_repetition
from .view import Attempt, PullRequestView, View

_BUDGETS: Final[Mapping[str, int]] = {
    "verdict": 5_000,
    "metrics": 5_000,
    "seeds": 2_000,
    "warnings": 3_000,
    "curves": 8_000,
    "classes": 6_000,
}
"""The sections of the report that a comment has, each with its characters, of one run."""

_FOLDED: Final = ("curves", "classes")
_MORE: Final = Sentence(en="curves and classes", ko="학습 곡선과 클래스")
_LOG_LINES: Final = 40
_LOG_CHARACTERS: Final = 4_000

_REASONS: Final[Mapping[Cause, Sentence]] = {
    "memory": Sentence(
        en="it had too little memory, and would have again: raise `resources.memory`, or lower "
        "`training.batchSize` or `training.workers`",
        ko="메모리가 모자랐고, 다시 실행해도 모자랍니다: `resources.memory`를 올리거나 "
        "`training.batchSize` 또는 `training.workers`를 낮추세요",
    ),
    "deadline": Sentence(
        en="it took longer than `resources.maxDuration`, and would again: raise that, or lower "
        "`training.epochs`",
        ko="`resources.maxDuration`보다 오래 걸렸고, 다시 실행해도 그렇습니다: 올리거나 "
        "`training.epochs`를 낮추세요",
    ),
    "image": Sentence(
        en="the cluster could not pull its image: see that its registry has it "
        "(`vtspec images list`) and that the cluster may pull it",
        ko="클러스터가 이미지를 가져오지 못했습니다: 레지스트리에 있는지 (`vtspec images list`), "
        "클러스터에 권한이 있는지 확인하세요",
    ),
    "pod": Sentence(
        en="its pods were deleted, evicted or lost more often than is tried again",
        ko="파드를 여러 번 잃어 더 시도하지 않았습니다",
    ),
    "engine": Sentence(
        en="Argo could not carry it out: its operator knows more",
        ko="Argo가 실행하지 못했습니다: 운영자에게 문의하세요",
    ),
}
_MET_AGAIN: Final = ("memory", "deadline")
"""What the same plan would meet again: it is not run again as it is."""

_TOLD: Final = ("memory", "deadline", "image", "pod")
"""Of which the fix that the run's end has says no more than is said here."""

_RESUME: Final = re.compile(r"((^|; |, )((then|or):? )?)?(resume with: )?$")


def render_result_comment(seen: PullRequestView, view: View, ended: Sequence[Attempt]) -> str:
    """The comment on runs that are over, the last attempt of each plan."""
    tongue = detect_language([seen.pull.title])
    parts = [_render_attempt(one, seen, view, tongue) for one in _keep_last(ended)]
    body = join_blocks(["\n\n---\n\n".join(parts)])
    return cut_text(f"{make_marker('result')}\n{body}\n", _find_link(ended), tongue=tongue)


def _keep_last(ended: Iterable[Attempt]) -> list[Attempt]:
    last = {one.plan_id: one for one in sorted(ended, key=lambda one: one.number)}
    return sorted(last.values(), key=lambda one: one.run)


def _find_link(ended: Iterable[Attempt]) -> str | None:
    return next((one.link for one in ended if one.link is not None), None)


def _render_attempt(attempt: Attempt, seen: PullRequestView, view: View, tongue: Tongue) -> str:
    mine = [one for one in attempt.approvals if one.pull_request == seen.pull.number]
    of = f" ({render_sha(mine[-1].head_sha)})" if mine else ""
    link = "" if attempt.link is None else render_link("MLflow", attempt.link)
    if attempt.standing == "done":
        cost = _describe_cost(attempt, view, tongue)
        return join_blocks([*_render_report(attempt, of, cost, tongue), link])
    advice = _advise(attempt, seen, view, tongue)
    return join_blocks([*_render_failure(attempt, of, advice, view.redactor, tongue), link])


def _describe_cost(attempt: Attempt, view: View, tongue: Tongue) -> str:
    """How long a run took, and about what that cost; where its model is."""
    clock, said = attempt.state.clock, []
    if clock.result_s > 0:
        took = format_duration(clock.result_s, tongue=tongue)
        said.append(Sentence(en=f"took {took}", ko=f"{took} 걸림"))
    if said and attempt.spent is not None:
        cost = format_cost(attempt.spent, attempt.currency)
        said.append(Sentence(en=f"about {cost}", ko=f"약 {cost}"))
    if attempt.state.exports and is_store(view.project.runs):
        place = posixpath.join(view.project.runs, attempt.run, MODEL_FOLDER)
        model = render_code(place, 600)
        said.append(Sentence(en=f"its model is in {model}", ko=f"모델 위치: {model}"))
    return ", ".join(one.say(tongue) for one in said)


def _render_report(attempt: Attempt, of: str, cost: str, tongue: Tongue) -> list[str]:
    facts = attempt.facts
    if facts is None:
        final = attempt.state.final.metrics
        figures = ", ".join(f"{quote(name)} {value:.4g}" for name, value in final.items())
        report = f"`{format_command('vtspec', 'report', attempt.run)}`"
        told = Sentence(
            en=f"Its report cannot be read here; {report} says why.",
            ko=f"보고서를 여기서 읽을 수 없습니다. 이유는 {report}로 볼 수 있습니다.",
        )
        return [
            f"## ☑️ {quote(attempt.run)}{of}",
            figures,
            capitalize(cost),
            told.say(tongue),
        ]
    document = build_comment_document(facts, tongue)
    open_names = [name for name in _BUDGETS if name not in _FOLDED]
    shown = render_sections(document.pick_sections(open_names), _BUDGETS, tongue)
    folded = render_sections(document.pick_sections(_FOLDED), _BUDGETS, tongue)
    run = f"{quote(attempt.run)}{of}" + (f": {cost}" if cost else "")
    return [shown, run, render_details(_MORE.say(tongue), folded)]


def _render_failure(
    attempt: Attempt, of: str, advice: str, redactor: Redactor, tongue: Tongue
) -> list[str]:
    state = attempt.state
    mark = "⏸️" if attempt.standing == "cut short" else "❌"
    ending = describe_ending(state.status, tongue)
    failure = state.failure
    message = "" if failure is None else redactor.redact_text(failure.message)
    trace = "" if failure is None or failure.traceback is None else failure.traceback
    lines = pick_log_lines([*attempt.log, *trace.splitlines()], redactor)
    return [
        f"## {mark} {quote(attempt.run)} {ending}{of}",
        render_fence(message, 1_500) if message else "",
        advice,
        _render_log(lines, tongue),
    ]


def _render_log(lines: Sequence[str], tongue: Tongue) -> str:
    if not lines:
        return ""
    summary = Sentence(en="the last lines that it printed", ko="마지막으로 출력한 줄")
    fence = render_fence("\n".join(lines), _LOG_CHARACTERS)
    return render_details(summary.say(tongue), fence)


def _advise(attempt: Attempt, seen: PullRequestView, view: View, tongue: Tongue) -> str:
    """The class of the end, and what to type."""
    state, workflow = attempt.state, attempt.workflow
    cause = None if workflow is None else workflow.cause
    parts = []
    if cause is not None and cause in _REASONS:
        parts.append(_REASONS[cause])
    elif state.status == "crashed":
        parts.append(_explain_crash(attempt.run))
    fix = "" if cause in _TOLD else _find_fix(attempt)
    is_to_look = fix.endswith(_format_logs(attempt.run))
    if fix and not (is_to_look and state.status == "crashed"):
        shown = render_code(view.redactor.redact_text(fix), 500)
        parts.append(Sentence(en=f"fix: {shown}", ko=f"해결: {shown}"))
    if cause in _MET_AGAIN:
        parts.append(explain_change(seen, view.project))
    else:
        is_to_mend = fix != "" and not is_to_look and cause in ("failed", "refused")
        parts.append(_explain_next(attempt, seen, view, is_to_mend=is_to_mend))
    return "\n".join(f"- {capitalize(one.say(tongue))}" for one in parts)


def _explain_crash(run: str) -> Sentence:
    logs = f"`{_format_logs(run)}`"
    return Sentence(
        en=f"that is a fault of vtspec or of the framework, and none of the spec: {logs} has all "
        "that it printed, for who looks after vtspec here",
        ko=f"스펙이 아니라 vtspec이나 프레임워크의 결함입니다. {logs}로 출력 전체를 보고 vtspec "
        "담당자에게 알리세요",
    )


def _format_logs(run: str) -> str:
    return format_command("vtspec", "logs", run)


def _find_fix(attempt: Attempt) -> str:
    """The fix that the end of a run has, without the command that goes on with the run: that would
    pass by who approves it."""
    failure = attempt.state.failure
    fix = "" if failure is None else failure.fix or ""
    before, found, after = fix.partition(format_resume(attempt.run))
    return f"{_RESUME.sub('', before)}{after}" if found else fix


def _explain_next(
    attempt: Attempt, seen: PullRequestView, view: View, *, is_to_mend: bool
) -> Sentence:
    """What goes on with a run, or runs it again; `is_to_mend` says that its fix may be one of
    the spec."""
    obstacle = explain_repetition(attempt, seen, view.project)
    rerun = f"`/vtspec rerun {attempt.spec}`"
    if attempt.standing == "cut short":
        told = explain_continuation(attempt, seen, view.project)
        if obstacle is not None or attempt.state.status != "stopped":
            return told
        return Sentence(
            en=f"{told.en}; from the beginning: {rerun}", ko=f"{told.ko}. 처음부터: {rerun}"
        )
    if obstacle is not None:
        return obstacle
    if is_to_mend:
        change = explain_change(seen, view.project)
        return Sentence(
            en=f"where that changes a file, {change.en}; else, to run it again: {rerun}",
            ko=f"파일이 바뀌면 {change.ko}. 바뀌지 않으면 다시 실행하세요: {rerun}",
        )
    return Sentence(en=f"to run it again: {rerun}", ko=f"다시 실행하려면: {rerun}")


_PROGRESS: Final = re.compile(r"\d+%\|.*\||^\s*\[METRICS\]")
"""Bars and figures that say nothing of why something failed."""


def pick_log_lines(lines: Sequence[str], redactor: Redactor) -> list[str]:
    """The last lines that tell something, without what is secret."""
    # Masked together, since a key may take several lines.
    masked = redactor.redact_text("\n".join(lines)).split("\n")
    # What overwrites itself in a terminal left its last state alone.
    shown = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in masked]
    useful = [line for line in shown if line.strip() and not _PROGRESS.search(line)]
    return useful[-_LOG_LINES:]
