"""Two runs held against each other: the report's facts, as plain data or as markdown. Pure."""

from typing import Any, Final

from vtspec.pipelines.formatting import format_duration
from vtspec.pipelines.reporting.render.markdown_budget import join_blocks, render_table
from vtspec.pipelines.reporting.render.markdown_parts import render_changes, render_metrics
from vtspec.pipelines.reporting.render.markdown_results import render_classes

from .escape import render_cell, render_code
from .facts import Facts
from .provenance import RunTimes

_BUDGET: Final = 12_000


def build_comparison(facts: Facts) -> dict[str, Any]:
    """What `vtspec compare --output json` prints, of the facts of a run and its baseline.

    `before` is the baseline's run. Differences are after less before; `judgement` is better,
    worse, same, or null where nobody said which direction is good. Seconds; None where unknown.
    """
    before, after = _get_step_seconds(facts.baseline_times), _get_step_seconds(facts.times)
    return {
        "before": facts.baseline,
        "after": facts.run,
        "caveats": list(facts.caveats),
        "metrics": [
            {
                "name": row.name,
                "before": row.baseline,
                "after": row.value,
                "difference": row.difference,
                "judgement": row.judgement,
                "withinNoise": row.is_within_noise,
            }
            for row in facts.metrics
        ],
        "plan": [
            {"path": one.path, "before": one.before, "after": one.after, "effect": one.effect}
            for one in facts.changes
        ],
        "classes": [
            {
                "class": row.name,
                "figure": facts.ranked_by,
                "before": row.baseline.get(facts.ranked_by or ""),
                "after": row.values.get(facts.ranked_by or ""),
                "difference": row.change,
            }
            for row in facts.classes
        ],
        "seconds": [
            {"step": name, "before": before.get(name), "after": after.get(name)}
            for name in dict.fromkeys((*before, *after))
        ],
    }


def render_comparison(facts: Facts) -> str:
    """The same as markdown, for a comment."""
    before, after = _get_step_seconds(facts.baseline_times), _get_step_seconds(facts.times)
    rows = [
        (render_cell(name), format_duration(before.get(name)), format_duration(after.get(name)))
        for name in dict.fromkeys((*before, *after))
    ]
    times = render_table(("Step", "Baseline", "This run"), rows, _BUDGET, "lrr") if rows else ""
    title = f"# {render_code(facts.run)} against {render_code(facts.baseline or '')}"
    parts = [
        title,
        render_metrics(facts, _BUDGET),
        render_changes(facts, _BUDGET),
        render_classes(facts, _BUDGET),
        join_blocks(["## Time", times]) if times else "",
    ]
    return join_blocks(parts) + "\n"


def _get_step_seconds(times: RunTimes | None) -> dict[str, float | None]:
    return {step.name: step.seconds for step in times.steps} if times is not None else {}
