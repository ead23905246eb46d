"""The sections of the markdown report on the run as a whole, each within its budget."""

from typing import Final

from vtspec.pipelines.formatting import MISSING, format_duration
from vtspec.pipelines.reporting.escape import (
    MESSAGE_LENGTH,
    render_cell,
    render_code,
    render_fence,
)
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.phrases import (
    EFFECTS,
    MARKS,
    describe_interval,
    describe_split,
    format_baseline,
    format_difference,
    format_gate_outcome,
    format_gate_value,
    format_value,
)
from vtspec.pipelines.reporting.provenance import format_setting

from .markdown_budget import (
    FRAME,
    join_blocks,
    pluralize,
    render_bullets,
    render_details,
    render_table,
)

_VALUE_LENGTH: Final = 160


def render_header(facts: Facts, budget: int) -> str:
    """The verdict, what it is of, why it failed, and the gates."""
    subject = [render_code(part) for part in (facts.task, facts.model, facts.dataset) if part]
    lines = [
        f"# {MARKS[facts.verdict.name]} {facts.verdict.headline}: {render_code(facts.title)}",
        " · ".join(subject),
        _render_failure(facts),
    ]
    if facts.description and facts.verdict.name != "failed":
        lines.append(render_fence(facts.description, 900))
    above = join_blocks(lines)
    rows = [
        (
            render_cell(gate.rule, 130),
            format_gate_value(gate),
            f"{'✅' if gate.passed else '❌'} {format_gate_outcome(gate)}",
        )
        for gate in facts.verdict.gates
    ]
    gates = (
        render_table(("Gate", "Value", "Outcome"), rows, budget - len(above) - 2, "lrl")
        if rows
        else ""
    )
    return join_blocks([above, gates])


def _render_failure(facts: Facts) -> str:
    if facts.failure is None:
        return ""
    told = render_fence(facts.failure.message, 1500)
    return f"{told}\n\nFix: {render_code(facts.failure.fix, 500)}" if facts.failure.fix else told


def render_metrics(facts: Facts, budget: int) -> str:
    """The final figures against the baseline's."""
    if not facts.metrics:
        return ""
    notes = " ".join(part for part in (describe_split(facts), describe_interval(facts)) if part)
    above = join_blocks(["## Metrics", _render_baseline(facts), _render_caveats(facts), notes])
    room = budget - len(above) - 2
    if facts.baseline is None:
        rows = [(render_cell(row.name), format_value(row)) for row in facts.metrics]
        return join_blocks([above, render_table(("Metric", "This run"), rows, room, "lr")])
    compared = [
        (render_cell(row.name), format_value(row), format_baseline(row), format_difference(row))
        for row in facts.metrics
    ]
    header = ("Metric", "This run", "Baseline", "Difference")
    return join_blocks([above, render_table(header, compared, room, "lrrl")])


def _render_baseline(facts: Facts) -> str:
    if facts.baseline is not None:
        return f"Baseline: {render_code(facts.baseline)}"
    if facts.baseline_wanted is not None:
        wanted = facts.baseline_wanted
        return f"No finished run of the baseline yet: {render_code(f'vtspec run {wanted}', 80)}"
    return ""


def _render_caveats(facts: Facts) -> str:
    return "\n".join(f"> ⚠️ {sentence}." for sentence in facts.caveats)


def render_warnings(facts: Facts, budget: int) -> str:
    """What a person should know, licences among it."""
    if not facts.warnings:
        return ""
    heading = f"## ⚠️ {pluralize(len(facts.warnings), 'warning')}"
    items = [render_code(line, MESSAGE_LENGTH) for line in facts.warnings]
    return join_blocks([heading, render_bullets(items, budget - len(heading) - 2)])


def render_changes(facts: Facts, budget: int) -> str:
    """What the plan has that the baseline's has not, field by field."""
    if facts.baseline is None:
        return ""
    heading = "## What differs from the baseline"
    if not facts.changes:
        return f"{heading}\n\nNothing: the plans are the same."
    rows = [
        (
            render_cell(one.path, 100),
            _render_setting(one.path, one.before),
            _render_setting(one.path, one.after),
            EFFECTS[one.effect],
        )
        for one in facts.changes
    ]
    header = ("Field", "Baseline", "This run", "Effect")
    return join_blocks([heading, render_table(header, rows, budget - len(heading) - 2)])


def _render_setting(path: str, value: object) -> str:
    return MISSING if value is None else render_cell(format_setting(path, value), _VALUE_LENGTH)


def render_provenance(facts: Facts, budget: int) -> str:
    """Times, and everything that decided the result."""
    heading = "## What was run"
    steps = [
        (render_cell(step.name), format_duration(step.seconds), render_cell(step.ending or ""))
        for step in facts.times.steps
    ]
    times = render_table(("Step", "Time", "Ending"), steps, budget // 8, "lrl") if steps else ""
    basis = f"Estimate: {render_code(facts.times.basis, 300)}" if facts.times.basis else ""
    above = join_blocks(
        [heading, f"Time: {facts.times.in_words}.", render_details("Steps", times), basis]
    )
    rows = [
        (f"{group.title}: {render_cell(label)}", render_cell(value, _VALUE_LENGTH))
        for group in facts.groups
        for label, value in group.entries
    ]
    everything = render_table(("What", "Value"), rows, budget - len(above) - FRAME)
    return join_blocks(
        [above, render_details("Plan, code, data, model, machine and versions", everything)]
    )


def render_commands(facts: Facts, budget: int) -> str:
    """What to type to get the same again."""
    body = render_fence("\n".join(facts.commands), budget - 2 * FRAME, width=1000, info="sh")
    return f"## Run it again\n\n{body}"
