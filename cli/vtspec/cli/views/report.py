"""A report for the terminal: verdict, gates, figures, what got worse, and where the page is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from vtspec.pipelines.formatting import MISSING, format_duration, format_number
from vtspec.pipelines.planning.diff import Change
from vtspec.pipelines.reporting.escape import make_one_line
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.phrases import (
    EFFECTS,
    describe_interval,
    describe_order,
    describe_split,
    describe_training,
    format_baseline,
    format_change,
    format_difference,
    format_gate_outcome,
    format_gate_value,
    format_value,
)
from vtspec.pipelines.reporting.provenance import format_setting

from .styled_text import Line, count_cells, format_paragraph

_WORST: Final = 5
_MOST_CHANGES: Final = 30
_STYLES: Final = {
    "passed": "bold green",
    "missed": "bold red",
    "failed": "bold red",
    "interrupted": "bold yellow",
    "none": "bold",
    "unfinished": "bold yellow",
}
_JUDGED: Final = {"better": "green", "worse": "red", "same": "dim"}


def format_report(facts: Facts, width: int) -> list[Line]:
    """The report in the terminal's form, without the paths of its files."""
    return [
        *_format_header(facts, width),
        *_format_gates(facts),
        *_format_metrics(facts),
        *_format_notes(facts, width),
        *_format_classes(facts),
        *_format_warnings(facts, width),
    ]


def format_comparison(facts: Facts, width: int) -> list[Line]:
    """Two runs side by side: figures, plan, classes, times."""
    title: Line = (
        (_escape_text(facts.run, 60), "bold"),
        (" against ", ""),
        (_escape_text(facts.baseline, 60), "bold"),
    )
    return [
        title,
        *_format_caveats(facts, width),
        *_format_metric_comparison(facts),
        *_format_changes(facts.changes),
        *_format_classes(facts),
        *_format_times(facts),
    ]


def _escape_text(text: str | None, limit: int = 40) -> str:
    # Names and messages of others must not move a terminal's cursor or change its colours.
    return make_one_line(text or "", limit)


def _format_header(facts: Facts, width: int) -> Iterator[Line]:
    yield (
        (facts.verdict.headline, _STYLES[facts.verdict.name]),
        (f"  {_escape_text(facts.run, 60)}", ""),
    )
    if facts.failure is not None:
        yield from format_paragraph(_escape_text(facts.failure.message, 2000), width)
        if facts.failure.fix:
            yield from format_paragraph(f"fix: {_escape_text(facts.failure.fix, 500)}", width)
    words = describe_training(facts.training)
    told = [f"{words}." if words else "", f"Time: {facts.times.in_words}."]
    yield from format_paragraph(" ".join(part for part in told if part), width, style="dim")


def _format_gates(facts: Facts) -> Iterator[Line]:
    rows = [
        (_escape_text(gate.rule, 60), format_gate_value(gate), format_gate_outcome(gate))
        for gate in facts.verdict.gates
    ]
    styles = [_STYLES["passed" if gate.passed else "missed"] for gate in facts.verdict.gates]
    yield from _format_table(("gate", "value", ""), rows, styles)


def _format_metrics(facts: Facts) -> Iterator[Line]:
    names = [_escape_text(row.name) for row in facts.metrics]
    values = [format_value(row) for row in facts.metrics]
    if facts.baseline is None:
        yield from _format_table(("metric", "this run"), list(zip(names, values, strict=True)))
        return
    rows = [
        (name, value, format_baseline(row), format_difference(row))
        for name, value, row in zip(names, values, facts.metrics, strict=True)
    ]
    yield from _format_table(
        ("metric", "this run", "baseline", "difference"), rows, _choose_styles(facts)
    )


def _format_metric_comparison(facts: Facts) -> Iterator[Line]:
    rows = [
        (_escape_text(row.name), format_baseline(row), format_value(row), format_difference(row))
        for row in facts.metrics
    ]
    yield from _format_table(
        ("metric", "before", "after", "difference"), rows, _choose_styles(facts)
    )


def _choose_styles(facts: Facts) -> list[str]:
    return [_JUDGED.get(row.judgement or "", "") for row in facts.metrics]


def _format_notes(facts: Facts, width: int) -> Iterator[Line]:
    words = " ".join(part for part in (describe_split(facts), describe_interval(facts)) if part)
    if words:
        yield from format_paragraph(words, width, style="dim")
    if facts.baseline is not None:
        yield from format_paragraph(
            f"Baseline: {_escape_text(facts.baseline, 60)}.", width, style="dim"
        )
    elif facts.baseline_wanted is not None:
        yield (("  No finished run of the baseline yet; make one with:", "dim"),)
        yield ((f"  vtspec run {_escape_text(facts.baseline_wanted)}", ""),)
    yield from _format_caveats(facts, width)


def _format_caveats(facts: Facts, width: int) -> Iterator[Line]:
    for sentence in facts.caveats:
        yield from format_paragraph(f"{sentence}.", width, mark="! ", style="yellow")


def _format_classes(facts: Facts) -> Iterator[Line]:
    worst = facts.classes[:_WORST]
    if not worst or facts.ranked_by is None:
        return
    yield ()
    yield ((f"classes, {describe_order(facts)}", "bold"),)
    figure = facts.ranked_by
    rows = [
        (_escape_text(row.name), format_number(row.values.get(figure)), format_change(row.change))
        for row in worst
    ]
    has_change = any(row.change is not None for row in worst)
    header = ("class", _escape_text(figure), "change")
    cut = 3 if has_change else 2
    yield from _format_table(header[:cut], [row[:cut] for row in rows], gap=False)


def _format_warnings(facts: Facts, width: int) -> Iterator[Line]:
    if facts.warnings:
        yield ()
    for line in facts.warnings:
        yield from format_paragraph(
            f"warning: {_escape_text(line, 600)}", width, mark="! ", style="yellow"
        )


def _format_changes(changes: Sequence[Change]) -> Iterator[Line]:
    yield ()
    if not changes:
        yield (("the plans are the same", "bold"),)
        return
    yield (("what differs in the plans", "bold"),)
    rows = [
        (
            _escape_text(one.path, 50),
            _format_setting(one.path, one.before),
            _format_setting(one.path, one.after),
            EFFECTS[one.effect],
        )
        for one in changes[:_MOST_CHANGES]
    ]
    yield from _format_table(("field", "before", "after", ""), rows, gap=False)
    if len(changes) > _MOST_CHANGES:
        yield (
            (f"  … and {len(changes) - _MOST_CHANGES} more: --output json has them all", "dim"),
        )


def _format_setting(path: str, value: object) -> str:
    return MISSING if value is None else _escape_text(format_setting(path, value), 30)


def _format_times(facts: Facts) -> Iterator[Line]:
    old = facts.baseline_times.steps if facts.baseline_times is not None else ()
    before = {step.name: step.seconds for step in old}
    after = {step.name: step.seconds for step in facts.times.steps}
    rows = [
        (_escape_text(name), format_duration(before.get(name)), format_duration(after.get(name)))
        for name in dict.fromkeys((*before, *after))
    ]
    yield from _format_table(("step", "before", "after"), rows)


def _format_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Iterable[str] = (),
    *,
    gap: bool = True,
) -> Iterator[Line]:
    """Aligned columns under a header; the last column in the row's style. Nothing of no rows."""
    if not rows:
        return
    if gap:
        yield ()
    widths = [max(count_cells(row[n]) for row in (header, *rows)) for n in range(len(header))]
    yield _format_row(header, widths, "dim", "dim")
    told = [*styles] or [""] * len(rows)
    for row, style in zip(rows, told, strict=True):
        yield _format_row(row, widths, "", style)


def _format_row(row: Sequence[str], widths: Sequence[int], style: str, last: str) -> Line:
    *first, end = row
    spans = [
        (f"  {text}{' ' * (width - count_cells(text))}", style)
        for text, width in zip(first, widths, strict=False)
    ]
    return (*spans, (f"  {end}", last))
