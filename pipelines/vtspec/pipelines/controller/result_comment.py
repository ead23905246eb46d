"""The result comment: how the runs of a pull request ended, and what to do next. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vtspec.pipelines.argo.workflow_state import Cause
from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.redaction import Redactor
from vtspec.pipelines.reporting.escape import render_code, render_fence
from vtspec.pipelines.reporting.render.markdown import render_sections
from vtspec.pipelines.reporting.render.markdown_budget import join_blocks, render_details
from vtspec.pipelines.reporting.sections import build_comment_document
from vtspec.pipelines.runs.state import describe_ending

from .comment_text import cut_text, render_link, render_sha
from .markers import make_marker
from .phrases import quote
from .run_advice import explain_continuation, explain_repetition
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

_FIX: Final = Sentence(en="fix", ko="해결")
_FOLDED: Final = ("curves", "classes")
_MORE: Final = Sentence(en="curves and classes", ko="학습 곡선과 클래스")
_LOG_LINES: Final = 40
_LOG_CHARACTERS: Final = 4_000

_NEXT: Final[Mapping[Cause, Sentence]] = {
    "memory": Sentence(
        en="it had too little memory: raise `resources.memory`, or lower `training.batchSize`",
        ko="메모리가 모자랐습니다: `resources.memory`를 올리거나 `training.batchSize`를 낮추세요",
    ),
    "deadline": Sentence(
        en="it took longer than `resources.maxDuration`: raise that, or lower `training.epochs`",
        ko="`resources.maxDuration`보다 오래 걸렸습니다: 올리거나 `training.epochs`를 낮추세요",
    ),
    "image": Sentence(
        en="the cluster could not pull its image: look at its name and at who may pull it, and "
        "run it again",
        ko="클러스터가 이미지를 가져오지 못했습니다: 이름과 권한을 확인하고 다시 실행하세요",
    ),
    "pod": Sentence(
        en="its pod was lost more often than is tried again: run it again",
        ko="파드를 여러 번 잃었습니다: 다시 실행하세요",
    ),
    "engine": Sentence(
        en="Argo could not carry it out: its operator knows more",
        ko="Argo가 실행하지 못했습니다: 운영자에게 문의하세요",
    ),
}


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
    report = render_link(
        Sentence(en="the whole report", ko="전체 보고서").say(tongue), attempt.link
    )
    link = report if attempt.link is not None else ""
    if attempt.standing == "done":
        return join_blocks([*_render_report(attempt, of, tongue), link])
    advice = _advise(attempt, seen, view, tongue)
    return join_blocks([*_render_failure(attempt, of, advice, view.redactor, tongue), link])


def _render_report(attempt: Attempt, of: str, tongue: Tongue) -> list[str]:
    facts = attempt.facts
    if facts is None:
        final = attempt.state.final.metrics
        figures = ", ".join(f"{quote(name)} {value:.4g}" for name, value in final.items())
        return [f"## ☑️ {quote(attempt.run)}{of}", figures]
    document = build_comment_document(facts, tongue)
    open_names = [name for name in _BUDGETS if name not in _FOLDED]
    shown = render_sections(document.pick_sections(open_names), _BUDGETS, tongue)
    folded = render_sections(document.pick_sections(_FOLDED), _BUDGETS, tongue)
    run = f"{quote(attempt.run)}{of}"
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
    words = _NEXT.get(cause) if cause is not None else None
    fix = None if state.failure is None else state.failure.fix
    parts = []
    if words is not None:
        parts.append(f"- {words.say(tongue)}")
    if fix:
        parts.append(f"- {_FIX.say(tongue)}: {render_code(view.redactor.redact_text(fix), 500)}")
    parts.append(f"- {_explain_next(attempt, seen, view).say(tongue)}")
    return "\n".join(parts)


def _explain_next(attempt: Attempt, seen: PullRequestView, view: View) -> Sentence:
    """What goes on with a run, or runs it again."""
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
