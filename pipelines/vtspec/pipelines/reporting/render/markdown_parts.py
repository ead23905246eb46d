"""The sections of the markdown report on the run as a whole, each within its budget."""

from typing import Final

from vtspec.pipelines.reporting.escape import MESSAGE_LENGTH, cell, code, fence
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.figures import MISSING, duration
from vtspec.pipelines.reporting.phrases import (
    EFFECTS,
    MARKS,
    baseline_of,
    difference_of,
    gate_outcome,
    gate_value,
    interval_words,
    measured_on,
    value_of,
)
from vtspec.pipelines.reporting.provenance import setting

from .markdown_budget import FRAME, bullets, counted, details, joined, table

_VALUE_LENGTH: Final = 160


def head(facts: Facts, budget: int) -> str:
    """The verdict, what it is of, why it failed, and the gates."""
    subject = [code(part) for part in (facts.task, facts.model, facts.dataset) if part]
    lines = [
        f"# {MARKS[facts.verdict.name]} {facts.verdict.headline}: {code(facts.title)}",
        " · ".join(subject),
        _failure(facts),
    ]
    if facts.description and facts.verdict.name != "failed":
        lines.append(fence(facts.description, 900))
    above = joined(lines)
    rows = [
        (
            cell(gate.rule, 130),
            gate_value(gate),
            f"{'✅' if gate.passed else '❌'} {gate_outcome(gate)}",
        )
        for gate in facts.verdict.gates
    ]
    gates = (
        table(("Gate", "Value", "Outcome"), rows, budget - len(above) - 2, "lrl") if rows else ""
    )
    return joined([above, gates])


def _failure(facts: Facts) -> str:
    if facts.failure is None:
        return ""
    told = fence(facts.failure.message, 1500)
    return f"{told}\n\nFix: {code(facts.failure.fix, 500)}" if facts.failure.fix else told


def metrics(facts: Facts, budget: int) -> str:
    """The final figures against the baseline's."""
    if not facts.metrics:
        return ""
    notes = " ".join(part for part in (measured_on(facts), interval_words(facts)) if part)
    above = joined(["## Metrics", _baseline_line(facts), _caveats(facts), notes])
    room = budget - len(above) - 2
    if facts.baseline is None:
        rows = [(cell(row.name), value_of(row)) for row in facts.metrics]
        return joined([above, table(("Metric", "This run"), rows, room, "lr")])
    compared = [
        (cell(row.name), value_of(row), baseline_of(row), difference_of(row))
        for row in facts.metrics
    ]
    header = ("Metric", "This run", "Baseline", "Difference")
    return joined([above, table(header, compared, room, "lrrl")])


def _baseline_line(facts: Facts) -> str:
    if facts.baseline is not None:
        return f"Baseline: {code(facts.baseline)}"
    if facts.baseline_wanted is not None:
        wanted = facts.baseline_wanted
        return f"No finished run of the baseline yet: {code(f'vtspec run {wanted}', 80)}"
    return ""


def _caveats(facts: Facts) -> str:
    return "\n".join(f"> ⚠️ {sentence}." for sentence in facts.caveats)


def warnings(facts: Facts, budget: int) -> str:
    """What a person should know, licences among it."""
    if not facts.warnings:
        return ""
    heading = f"## ⚠️ {counted(len(facts.warnings), 'warning')}"
    items = [code(line, MESSAGE_LENGTH) for line in facts.warnings]
    return joined([heading, bullets(items, budget - len(heading) - 2)])


def changes(facts: Facts, budget: int) -> str:
    """What the plan has that the baseline's has not, field by field."""
    if facts.baseline is None:
        return ""
    heading = "## What differs from the baseline"
    if not facts.changes:
        return f"{heading}\n\nNothing: the plans are the same."
    rows = [
        (
            cell(one.path, 100),
            _setting(one.path, one.before),
            _setting(one.path, one.after),
            EFFECTS[one.effect],
        )
        for one in facts.changes
    ]
    header = ("Field", "Baseline", "This run", "Effect")
    return joined([heading, table(header, rows, budget - len(heading) - 2)])


def _setting(path: str, value: object) -> str:
    return MISSING if value is None else cell(setting(path, value), _VALUE_LENGTH)


def what_ran(facts: Facts, budget: int) -> str:
    """Times, and everything that decided the result."""
    heading = "## What was run"
    steps = [
        (cell(step.name), duration(step.seconds), cell(step.ending or ""))
        for step in facts.times.steps
    ]
    times = table(("Step", "Time", "Ending"), steps, budget // 8, "lrl") if steps else ""
    basis = f"Estimate: {code(facts.times.basis, 300)}" if facts.times.basis else ""
    above = joined([heading, f"Time: {facts.times.in_words}.", details("Steps", times), basis])
    rows = [
        (f"{group.title}: {cell(label)}", cell(value, _VALUE_LENGTH))
        for group in facts.groups
        for label, value in group.entries
    ]
    everything = table(("What", "Value"), rows, budget - len(above) - FRAME)
    return joined([above, details("Plan, code, data, model, machine and versions", everything)])


def commands(facts: Facts, budget: int) -> str:
    """What to type to get the same again."""
    body = fence("\n".join(facts.commands), budget - 2 * FRAME, width=1000, info="sh")
    return f"## Run it again\n\n{body}"
