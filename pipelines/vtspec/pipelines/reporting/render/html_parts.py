"""The sections of the HTML report on the run as a whole: verdict, figures, what was run."""

from collections.abc import Iterable
from typing import Final

from vtspec.pipelines.formatting import MISSING, format_duration
from vtspec.pipelines.reporting.comparison import MetricRow
from vtspec.pipelines.reporting.escape import split_lines
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.phrases import (
    EFFECTS,
    describe_interval,
    describe_split,
    format_baseline,
    format_difference,
    format_epoch,
    format_gate_outcome,
    format_gate_value,
    format_value,
)
from vtspec.pipelines.reporting.provenance import format_setting
from vtspec.pipelines.reporting.verdict import Gate

from .html_blocks import render_callout, render_section, render_table
from .html_elements import SafeHtml, isolate_text, join_escaped, render_element


def render_header(facts: Facts) -> SafeHtml:
    """The verdict, what it is of, and the gates."""
    subject = [isolate_text(part, 80) for part in (facts.task, facts.model, facts.dataset) if part]
    kicker = [join_escaped(" · ", one) if n else one for n, one in enumerate(subject)]
    blocks = [
        render_element("p", *kicker, class_="kicker"),
        render_element("h1", render_element("span", class_="dot"), facts.verdict.headline),
        render_element("p", isolate_text(facts.run, 120), class_="run"),
    ]
    if facts.description:
        blocks.append(render_element("p", isolate_text(facts.description, 2000), class_="lead"))
    if facts.failure is not None:
        blocks.append(_render_failure(facts.failure.message, facts.failure.fix))
    if facts.verdict.gates:
        gates = [_render_gate(gate) for gate in facts.verdict.gates]
        blocks.append(render_element("ul", *gates, class_="gates", aria_label="Gates"))
    return render_element("header", *blocks, class_=f"top {facts.verdict.name}")


def _render_failure(message: str, fix: str | None) -> SafeHtml:
    told = render_element("pre", _render_lines(message, 4000))
    if fix is None:
        return render_element("div", told, class_="failure")
    return render_element(
        "div", told, render_element("p", "Fix: ", isolate_text(fix)), class_="failure"
    )


def _render_lines(text: str, limit: int) -> SafeHtml:
    return SafeHtml("\n".join(join_escaped(line) for line in split_lines(text, limit)))


def _render_gate(gate: Gate) -> SafeHtml:
    name = "passed" if gate.passed else "missed"
    return render_element(
        "li",
        render_element("code", isolate_text(gate.rule, 130)),
        render_element("strong", format_gate_value(gate)),
        render_element("span", ("✓ " if gate.passed else "✗ ") + format_gate_outcome(gate)),
        class_=name,
    )


def render_tiles(facts: Facts) -> SafeHtml:
    """The few figures that most readers came for."""
    found: list[tuple[str, str, str]] = []
    rows = [facts.find_metric(facts.main), facts.find_metric("loss")]
    for row in rows:
        if row is not None and row.value is not None:
            note = format_difference(row) if row.difference is not None else ""
            found.append((row.name, format_value(row), note))
    if facts.training.epochs is not None:
        found.append(("epochs", format_epoch(facts.training.epochs), _format_best_epoch(facts)))
    if facts.times.actual_s is not None:
        estimated = facts.times.estimated_s
        note = f"estimated {format_duration(estimated)}" if estimated else ""
        found.append(("time", format_duration(facts.times.actual_s), note))
    cards = [
        render_element(
            "div",
            render_element("dt", label),
            render_element("dd", render_element("strong", value), render_element("span", note)),
        )
        for label, value, note in found
    ]
    return render_element("dl", *cards, class_="tiles") if cards else SafeHtml("")


def _format_best_epoch(facts: Facts) -> str:
    best = facts.training.best_epoch
    return "" if best is None else f"best at {format_epoch(best)}"


def render_warnings(facts: Facts) -> SafeHtml:
    """What a person should know, licences among it."""
    if not facts.warnings:
        return SafeHtml("")
    count = len(facts.warnings)
    title = "1 warning" if count == 1 else f"{count:,} warnings"
    return render_callout(title, [isolate_text(line) for line in facts.warnings])


def render_metrics(facts: Facts) -> SafeHtml:
    """The final figures against the baseline's."""
    if not facts.metrics:
        return SafeHtml("")
    compared = facts.baseline is not None
    header = ["Metric", "This run", *(["Baseline", "Difference"] if compared else []), _MEANING]
    align = "lrrll" if compared else "lrl"
    rows = [_render_metric_row(row, compared=compared) for row in facts.metrics]
    notes = " ".join(one for one in (describe_split(facts), describe_interval(facts)) if one)
    return render_section(
        "Metrics",
        _render_baseline(facts),
        render_callout("Not like with like", [SafeHtml(f"{one}.") for one in facts.caveats])
        if facts.caveats
        else SafeHtml(""),
        render_table("Final figures", header, rows, align),
        render_element("p", notes, class_="note") if notes else SafeHtml(""),
    )


def _render_baseline(facts: Facts) -> SafeHtml:
    if facts.baseline is not None:
        return render_element(
            "p", "Against ", render_element("code", isolate_text(facts.baseline, 120)), "."
        )
    if facts.baseline_wanted is None:
        return SafeHtml("")
    command = render_element("code", "vtspec run ", isolate_text(facts.baseline_wanted, 80))
    return render_element("p", "No finished run of the baseline yet; make one: ", command)


def _render_metric_row(row: MetricRow, *, compared: bool) -> list[str]:
    against = [format_baseline(row), _render_difference(row)] if compared else []
    return [
        isolate_text(row.name, 60),
        render_element("strong", format_value(row)),
        *against,
        _render_meaning(row.help),
    ]


def _render_meaning(text: str) -> SafeHtml:
    return render_element("span", text, class_="roomy")


_MEANING: Final = _render_meaning("Meaning")


def _render_difference(row: MetricRow) -> SafeHtml:
    kind = "same" if row.is_within_noise else row.judgement or "same"
    return render_element("span", format_difference(row), class_=f"{kind} whole")


def render_changes(facts: Facts) -> SafeHtml:
    """What the plan has that the baseline's has not, field by field."""
    if facts.baseline is None:
        return SafeHtml("")
    rows = [
        [
            render_element("code", isolate_text(one.path, 100)),
            _render_setting(one.path, one.before),
            _render_setting(one.path, one.after),
            EFFECTS[one.effect],
        ]
        for one in facts.changes
    ]
    header = ["Field", "Baseline", "This run", "Effect"]
    listed = (
        render_table("Fields that differ", header, rows, "llll")
        if rows
        else render_element("p", "Nothing: the plans are the same.")
    )
    return render_section("What differs from the baseline", listed)


def _render_setting(path: str, value: object) -> SafeHtml:
    return SafeHtml(MISSING) if value is None else isolate_text(format_setting(path, value), 300)


def render_provenance(facts: Facts) -> SafeHtml:
    """Times, and everything that decided the result."""
    times = facts.times
    longest = max((step.seconds or 0.0 for step in times.steps), default=0.0) or 1.0
    rows = [
        [
            isolate_text(step.name, 40),
            _render_time(step.seconds, longest),
            isolate_text(step.ending or "", 40),
        ]
        for step in times.steps
    ]
    basis = (
        render_element("p", "The estimate was ", isolate_text(times.basis), ".", class_="note")
        if times.basis
        else SafeHtml("")
    )
    groups = [
        render_element("section", render_element("h3", group.title), _render_pairs(group.entries))
        for group in facts.groups
    ]
    return render_section(
        "What was run",
        render_element("p", f"{times.in_words[:1].upper()}{times.in_words[1:]}."),
        render_table("Steps", ["Step", "Time", "Ending"], rows, "lll") if rows else SafeHtml(""),
        basis,
        render_element("div", *groups, class_="groups"),
    )


def _render_time(seconds: float | None, longest: float) -> str:
    if seconds is None:
        return MISSING
    return render_element(
        "span", format_duration(seconds), class_="bar", style=f"--share:{seconds / longest:.3f}"
    )


def _render_pairs(entries: Iterable[tuple[str, str]]) -> SafeHtml:
    return render_element(
        "dl",
        *(
            render_element(
                "div",
                render_element("dt", isolate_text(label, 60)),
                render_element("dd", isolate_text(value, 400)),
            )
            for label, value in entries
        ),
    )


def render_commands(facts: Facts) -> SafeHtml:
    """What to type to get the same again."""
    lines = SafeHtml("\n".join(join_escaped(line) for line in facts.commands))
    return render_section(
        "Run it again", render_element("pre", lines, class_="commands", tabindex="0")
    )
