"""The progress comment: what of a pull request runs now, and how far it is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Final

from vtspec.pipelines.argo.workflow_words import describe_workflow
from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.reporting.curves import COLOURS, build_series, render_mermaid, thin_series
from vtspec.pipelines.reporting.escape import render_code
from vtspec.pipelines.reporting.render.markdown_budget import join_blocks
from vtspec.pipelines.runs.state_phrases import format_figures

from .approved_runs import render_approved
from .comment_text import capitalize, cut_text, render_link, render_sha
from .markers import make_marker
from .phrases import quote
from .replies import explain_stored_cost, explain_unclear
from .view import Approval, Attempt, PullRequestView, View

_NOTHING: Final[Mapping[str, Approval]] = MappingProxyType({})
_MOST_POINTS: Final = 50
_MOST_RUNS: Final = 12
"""Runs that are shown with a curve; more are named."""


def render_progress_comment(
    seen: PullRequestView,
    view: View,
    at_work: Sequence[Attempt],
    lost: Sequence[Attempt] = (),
    approved: Mapping[str, Approval] = _NOTHING,
) -> str:
    """The comment while `at_work` run, or, where none does, that none runs any more, and which
    were `lost` with their Workflows. Which runs were `approved` is noted, and told of those that
    cannot be read."""
    tongue = detect_language([seen.pull.title])
    marker = f"{make_marker('progress')}{render_approved(approved)}"
    unclear = [one for one in view.unclear if one.run in approved]
    spoiled = [explain_unclear(one).say(tongue) for one in unclear[:_MOST_RUNS]]
    if not at_work:
        title = Sentence(en="## Nothing runs now", ko="## 지금 실행 중인 것이 없습니다")
        if any(one.is_left for one in unclear):
            title = Sentence(
                en="## Nothing is followed here now", ko="## 지금 여기서 지켜보는 것이 없습니다"
            )
        told = Sentence(
            en="How the runs of this pull request ended is in the result comment.",
            ko="이 풀 리퀘스트의 실행 결과는 결과 댓글에 있습니다.",
        )
        if lost:
            names = ", ".join(quote(one.run) for one in lost[:_MOST_RUNS])
            told = Sentence(
                en=f"Interrupted, since its Workflow was deleted from the cluster: {names}.",
                ko=f"클러스터에서 워크플로가 삭제되어 중단되었습니다: {names}.",
            )
        return join_blocks([f"{marker}\n{title.say(tongue)}", told.say(tongue), *spoiled]) + "\n"
    title = Sentence(en=f"## {len(at_work)} at work", ko=f"## 실행 중 {len(at_work)}개")
    parts = [_render_attempt(one, seen, view, tongue) for one in at_work[:_MOST_RUNS]]
    more = ", ".join(quote(one.run) for one in at_work[_MOST_RUNS:])
    text = join_blocks([f"{marker}\n{title.say(tongue)}", *parts, more, *spoiled]) + "\n"
    return cut_text(text, tongue=tongue)


def _render_attempt(attempt: Attempt, seen: PullRequestView, view: View, tongue: Tongue) -> str:
    state, workflow = attempt.state, attempt.workflow
    phase = "" if workflow is None else render_code(describe_workflow(workflow, tongue), 400)
    if attempt.is_stopping:
        stopping = Sentence(en="is being stopped", ko="중지되는 중")
        phase = f"{phase}, {stopping.say(tongue)}"
    at = state.training
    # How many epochs there will be is known before the first one, while data are fetched.
    has_begun = at.loss is not None or at.epoch > 0 or bool(at.history)
    figures = render_code(format_figures(state, " · ", tongue), 300) if has_begun else ""
    page = attempt.link or view.tracking
    where = render_link("MLflow", page) if page is not None else ""
    doubt = explain_stored_cost(attempt)
    return join_blocks(
        [
            f"### ⏳ {quote(attempt.run)}",
            _name_approvals(attempt, seen, tongue),
            phase,
            "" if doubt is None else f"⚠️ {capitalize(doubt.say(tongue))}.",
            figures,
            _draw_curve(attempt, tongue),
            where,
        ]
    )


def _name_approvals(attempt: Attempt, seen: PullRequestView, tongue: Tongue) -> str:
    """Of which commit it is, by whose word; so that a push since then misleads nobody."""
    number = seen.pull.number
    mine = [one for one in attempt.approvals if one.pull_request == number]
    if not mine:
        return ""
    last = mine[-1]
    sha, who = render_sha(last.head_sha), quote(last.login)
    told = Sentence(en=f"of {sha}, approved by {who}", ko=f"{sha} 기준, {who} 승인")
    if last.head_sha == seen.pull.head_sha:
        return told.say(tongue)
    head = render_sha(seen.pull.head_sha)
    later = Sentence(
        en=f"; {head} was pushed since, and this run is not of it",
        ko=f". 최신 커밋은 {head}이며 이 실행은 그 커밋의 것이 아닙니다",
    )
    return f"{told.say(tongue)}{later.say(tongue)}"


def _draw_curve(attempt: Attempt, tongue: Tongue) -> str:
    training = attempt.state.training
    rows = [{**asdict(one), **one.metrics} for one in training.history]
    names = ("train_loss", "val_loss")
    lines = [thin_series(build_series(rows, name), _MOST_POINTS) for name in names]
    chart = render_mermaid(lines, "loss")
    if chart is None:
        return ""
    drawn = [one.name for one in lines if len(one.points) >= 2]
    legend = ", ".join(
        f"{colour.say(tongue)}: {name}" for (colour, _), name in zip(COLOURS, drawn, strict=False)
    )
    return join_blocks([legend, chart])
