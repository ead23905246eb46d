"""Two runs held against each other: the report's facts, as plain data or as markdown. Pure."""

from typing import Any, Final

from vtspec.pipelines.reporting.render.markdown_budget import joined, table
from vtspec.pipelines.reporting.render.markdown_parts import changes, metrics
from vtspec.pipelines.reporting.render.markdown_results import classes

from .escape import cell, code
from .facts import Facts
from .figures import duration
from .provenance import Times

_BUDGET: Final = 12_000


def comparison_data(facts: Facts) -> dict[str, Any]:
    """What `vtspec compare --output json` prints, of the facts of a run and its baseline.

    `before` is the baseline's run. Differences are after less before; `judgement` is better,
    worse, same, or null where nobody said which direction is good. Seconds; None where unknown.
    """
    before, after = _seconds(facts.baseline_times), _seconds(facts.times)
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


def comparison_markdown(facts: Facts) -> str:
    """The same as markdown, for a comment."""
    before, after = _seconds(facts.baseline_times), _seconds(facts.times)
    rows = [
        (cell(name), duration(before.get(name)), duration(after.get(name)))
        for name in dict.fromkeys((*before, *after))
    ]
    times = table(("Step", "Baseline", "This run"), rows, _BUDGET, "lrr") if rows else ""
    title = f"# {code(facts.run)} against {code(facts.baseline or '')}"
    parts = [
        title,
        metrics(facts, _BUDGET),
        changes(facts, _BUDGET),
        classes(facts, _BUDGET),
        joined(["## Time", times]) if times else "",
    ]
    return joined(parts) + "\n"


def _seconds(times: Times | None) -> dict[str, float | None]:
    return {step.name: step.seconds for step in times.steps} if times is not None else {}
