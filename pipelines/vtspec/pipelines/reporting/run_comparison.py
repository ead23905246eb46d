"""Two runs held against each other: the report's facts, as plain data or as markdown. Pure."""

from typing import Final

from vtspec.pipelines.reporting.render.markdown import render_sections
from vtspec.pipelines.reporting.sections import build_comparison_document

from .facts import Facts
from .provenance import RunTimes
from .seeds import SeedGroup

_BUDGET: Final = 12_000
"""Characters of each section: five of them fit into a comment on GitHub."""


def build_comparison(facts: Facts) -> dict[str, object]:
    """What `vtspec compare --output json` prints, of the facts of a run and its baseline.

    `before` is the baseline's run. Differences are after less before; `judgement` is better,
    worse, same, not shown (chance makes such a difference as well), not judged (nothing kept
    tells, or the data differ), or null where nobody said which direction is good; `primary` is
    the metric judged alone, the others being corrected for their number; `deciding` are
    the fields that may have made the differences. Where a run has several finished seeds, its
    figures are their means, and `beforeSeeds` or `afterSeeds` has them. Seconds; None where
    unknown.
    """
    before, after = _get_step_seconds(facts.baseline_times), _get_step_seconds(facts.times)
    return {
        "before": facts.baseline,
        "after": facts.run,
        "caveats": [one.en for one in facts.caveats],
        **_serialize_sides(facts),
        "primary": facts.primary,
        "metrics": [
            {
                "name": row.name,
                "before": row.baseline,
                "after": row.value,
                "difference": row.difference,
                "judgement": row.judgement,
                # A program that gates on a difference must not take chance for one.
                "withinNoise": row.judgement == "not shown",
            }
            for row in facts.metrics
        ],
        "deciding": list(facts.deciding),
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
                "judgement": row.judgement,
            }
            for row in facts.classes
        ],
        "seconds": [
            {"step": name, "before": before.get(name), "after": after.get(name)}
            # A step that only one of the two did has its row all the same.
            for name in dict.fromkeys((*before, *after))
        ],
    }


def serialize_seeds(seeds: SeedGroup) -> dict[str, object]:
    """The seeds that are judged together, for programs: their runs (null where one is not
    finished) and every metric over those that are."""
    return {
        "runs": [
            {"seed": one.seed, "plan": one.plan_id, "run": one.run, "metrics": dict(one.metrics)}
            for one in seeds.runs
        ],
        "metrics": [
            {
                "name": one.name,
                "mean": one.mean,
                "deviation": one.deviation,
                "interval": list(one.interval),
            }
            for one in seeds.spreads
        ],
    }


def _serialize_sides(facts: Facts) -> dict[str, object]:
    # Only where there are any, so that what programs read of other runs stays as it was.
    sides = (
        ("beforeSeeds", facts.baseline_seeds, facts.is_baseline_over_seeds),
        ("afterSeeds", facts.seeds, facts.is_over_seeds),
    )
    return {name: serialize_seeds(seeds) for name, seeds, is_over in sides if is_over}


def render_comparison(facts: Facts) -> str:
    """The same as markdown, for a comment."""
    sections = build_comparison_document(facts).sections
    budgets = dict.fromkeys((section.name for section in sections), _BUDGET)
    return render_sections(sections, budgets) + "\n"


def _get_step_seconds(times: RunTimes | None) -> dict[str, float | None]:
    return {step.name: step.seconds for step in times.steps} if times is not None else {}
