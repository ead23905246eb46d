"""The sections of the HTML report on the run as a whole: verdict, figures, what was run."""

from collections.abc import Iterable
from typing import Final

from vtspec.pipelines.reporting.comparison import MetricRow
from vtspec.pipelines.reporting.escape import lines_of
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.figures import MISSING, duration
from vtspec.pipelines.reporting.phrases import (
    EFFECTS,
    baseline_of,
    difference_of,
    epoch,
    gate_outcome,
    gate_value,
    interval_words,
    measured_on,
    value_of,
)
from vtspec.pipelines.reporting.provenance import setting
from vtspec.pipelines.reporting.verdict import Gate

from .html_blocks import callout, part, table
from .html_elements import Safe, element, foreign, inside


def top(facts: Facts) -> Safe:
    """The verdict, what it is of, and the gates."""
    subject = [foreign(part, 80) for part in (facts.task, facts.model, facts.dataset) if part]
    kicker = [inside(" · ", one) if n else one for n, one in enumerate(subject)]
    blocks = [
        element("p", *kicker, class_="kicker"),
        element("h1", element("span", class_="dot"), facts.verdict.headline),
        element("p", foreign(facts.run, 120), class_="run"),
    ]
    if facts.description:
        blocks.append(element("p", foreign(facts.description, 2000), class_="lead"))
    if facts.failure is not None:
        blocks.append(_failure(facts.failure.message, facts.failure.fix))
    if facts.verdict.gates:
        gates = [_gate(gate) for gate in facts.verdict.gates]
        blocks.append(element("ul", *gates, class_="gates", aria_label="Gates"))
    return element("header", *blocks, class_=f"top {facts.verdict.name}")


def _failure(message: str, fix: str | None) -> Safe:
    told = element("pre", _lines(message, 4000))
    if fix is None:
        return element("div", told, class_="failure")
    return element("div", told, element("p", "Fix: ", foreign(fix)), class_="failure")


def _lines(text: str, limit: int) -> Safe:
    return Safe("\n".join(inside(line) for line in lines_of(text, limit)))


def _gate(gate: Gate) -> Safe:
    name = "passed" if gate.passed else "missed"
    return element(
        "li",
        element("code", foreign(gate.rule, 130)),
        element("strong", gate_value(gate)),
        element("span", ("✓ " if gate.passed else "✗ ") + gate_outcome(gate)),
        class_=name,
    )


def tiles(facts: Facts) -> Safe:
    """The few figures that most readers came for."""
    found: list[tuple[str, str, str]] = []
    rows = [facts.metric(facts.main), facts.metric("loss")]
    for row in rows:
        if row is not None and row.value is not None:
            note = difference_of(row) if row.difference is not None else ""
            found.append((row.name, value_of(row), note))
    if facts.training.epochs is not None:
        found.append(("epochs", epoch(facts.training.epochs), _best(facts)))
    if facts.times.actual_s is not None:
        estimated = facts.times.estimated_s
        note = f"estimated {duration(estimated)}" if estimated else ""
        found.append(("time", duration(facts.times.actual_s), note))
    cards = [
        element(
            "div",
            element("dt", label),
            element("dd", element("strong", value), element("span", note)),
        )
        for label, value, note in found
    ]
    return element("dl", *cards, class_="tiles") if cards else Safe("")


def _best(facts: Facts) -> str:
    best = facts.training.best_epoch
    return "" if best is None else f"best at {epoch(best)}"


def warnings(facts: Facts) -> Safe:
    """What a person should know, licences among it."""
    if not facts.warnings:
        return Safe("")
    count = len(facts.warnings)
    title = "1 warning" if count == 1 else f"{count:,} warnings"
    return callout(title, [foreign(line) for line in facts.warnings])


def metrics(facts: Facts) -> Safe:
    """The final figures against the baseline's."""
    if not facts.metrics:
        return Safe("")
    compared = facts.baseline is not None
    header = ["Metric", "This run", *(["Baseline", "Difference"] if compared else []), _MEANING]
    align = "lrrll" if compared else "lrl"
    rows = [_metric_row(row, compared=compared) for row in facts.metrics]
    notes = " ".join(one for one in (measured_on(facts), interval_words(facts)) if one)
    return part(
        "Metrics",
        _baseline(facts),
        callout("Not like with like", [Safe(f"{one}.") for one in facts.caveats])
        if facts.caveats
        else Safe(""),
        table("Final figures", header, rows, align),
        element("p", notes, class_="note") if notes else Safe(""),
    )


def _baseline(facts: Facts) -> Safe:
    if facts.baseline is not None:
        return element("p", "Against ", element("code", foreign(facts.baseline, 120)), ".")
    if facts.baseline_wanted is None:
        return Safe("")
    command = element("code", "vtspec run ", foreign(facts.baseline_wanted, 80))
    return element("p", "No finished run of the baseline yet; make one: ", command)


def _metric_row(row: MetricRow, *, compared: bool) -> list[str]:
    against = [baseline_of(row), _difference(row)] if compared else []
    return [foreign(row.name, 60), element("strong", value_of(row)), *against, _meaning(row.help)]


def _meaning(text: str) -> Safe:
    return element("span", text, class_="roomy")


_MEANING: Final = _meaning("Meaning")


def _difference(row: MetricRow) -> Safe:
    kind = "same" if row.is_within_noise else row.judgement or "same"
    return element("span", difference_of(row), class_=f"{kind} whole")


def changes(facts: Facts) -> Safe:
    """What the plan has that the baseline's has not, field by field."""
    if facts.baseline is None:
        return Safe("")
    rows = [
        [
            element("code", foreign(one.path, 100)),
            _setting(one.path, one.before),
            _setting(one.path, one.after),
            EFFECTS[one.effect],
        ]
        for one in facts.changes
    ]
    header = ["Field", "Baseline", "This run", "Effect"]
    listed = (
        table("Fields that differ", header, rows, "llll")
        if rows
        else element("p", "Nothing: the plans are the same.")
    )
    return part("What differs from the baseline", listed)


def _setting(path: str, value: object) -> Safe:
    return Safe(MISSING) if value is None else foreign(setting(path, value), 300)


def what_ran(facts: Facts) -> Safe:
    """Times, and everything that decided the result."""
    times = facts.times
    longest = max((step.seconds or 0.0 for step in times.steps), default=0.0) or 1.0
    rows = [
        [foreign(step.name, 40), _time(step.seconds, longest), foreign(step.ending or "", 40)]
        for step in times.steps
    ]
    basis = (
        element("p", "The estimate was ", foreign(times.basis), ".", class_="note")
        if times.basis
        else Safe("")
    )
    groups = [
        element("section", element("h3", group.title), _pairs(group.entries))
        for group in facts.groups
    ]
    return part(
        "What was run",
        element("p", f"{times.in_words[:1].upper()}{times.in_words[1:]}."),
        table("Steps", ["Step", "Time", "Ending"], rows, "lll") if rows else Safe(""),
        basis,
        element("div", *groups, class_="groups"),
    )


def _time(seconds: float | None, longest: float) -> str:
    if seconds is None:
        return MISSING
    return element(
        "span", duration(seconds), class_="bar", style=f"--share:{seconds / longest:.3f}"
    )


def _pairs(entries: Iterable[tuple[str, str]]) -> Safe:
    return element(
        "dl",
        *(
            element("div", element("dt", foreign(label, 60)), element("dd", foreign(value, 400)))
            for label, value in entries
        ),
    )


def commands(facts: Facts) -> Safe:
    """What to type to get the same again."""
    lines = Safe("\n".join(inside(line) for line in facts.commands))
    return part("Run it again", element("pre", lines, class_="commands", tabindex="0"))
